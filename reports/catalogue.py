"""The page of all scenarios, docs/catalogue.md: what each rehearses, made from its file, and what it came to when it was last drilled.

The page has two parts: the first follows from the scenarios alone, so that a test can hold the page against them; the second has the
figures, which stay as they are until a newer drill replaces them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from reports.escape import code, prose, table
from reports.listing import DrillRow, details, drills
from reports.verdicts import amount
from reports.words import duration_text
from scenarios.faults import Fault
from scenarios.fields import format_duration
from scenarios.loader import LoadedScenario
from scenarios.model import Target

MARK = "<!-- What follows are figures of drills: `gameday catalogue --drills DIR --out docs/catalogue.md` renews them. -->"
_HEAD = """# The catalogue

Every scenario that comes with the project. A name is enough to run one: `gameday run NAME --speed 20`. Sources are document:line:
000 index, 001 incident response, 002 EAFIX operations, 003 Trading Engine, 004 AI Trading System. Targets stand with their sources in
[targets.yaml](../scenarios/targets.yaml); `gameday targets` lists them. One that is known to be missed says so.

This page is made from the scenarios themselves: `gameday catalogue --out docs/catalogue.md` writes it anew and keeps the figures."""
_COLUMNS = ["scenario", "source", "faults", "expected alert", "procedure", "targets"]
_FIGURES = [
    "scenario", "drilled (UTC)", "speed", "verdict", "detect", "acknowledge", "recover", "RPO", "lost", "not met, or not known",
]  # fmt: skip
_STRUCK = {"process", "links", "parts", "address", "table", "toxic"}  # the fields of a fault that say what it strikes
_ROW = re.compile(r"^\| `([a-z][a-z0-9-]*)` \|")
_NONE = "–"
_LINE = "<br>"


def as_page(scenarios: Sequence[LoadedScenario], measured: Mapping[str, str]) -> str:
    """The whole page. `measured` are rows of the second table, by scenario; others have not been drilled yet."""
    return f"{static_part(scenarios)}\n{MARK}\n\n{_measured_part(scenarios, measured)}"


def static_part(scenarios: Sequence[LoadedScenario]) -> str:
    """What follows from the scenarios: a table for each stack."""
    parts = [_HEAD]
    for stack in sorted({each.stack_name for each in scenarios}, key=lambda name: (name != "eafix", name)):
        found = [each for each in scenarios if each.stack_name == stack]
        parts += [f"## {prose(found[0].stack.title)}", table(_COLUMNS, [_described(each) for each in found])]
    return "\n\n".join(parts) + "\n"


def static_part_of(page: str) -> str:
    """The first part of a page as it was written; all of it where it has no second one."""
    return page.partition(f"\n{MARK}")[0]


def rows_of(page: str) -> dict[str, str]:
    """The rows of figures that a page has, by scenario; without those that say that there are none."""
    _, _, part = page.partition(MARK)
    found = ((_ROW.match(line), line) for line in part.splitlines())
    return {match[1]: line for match, line in found if match is not None and line != _row([match[1]])}


def rows_from(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """The newest drill of each of these scenarios in a folder of drills, as a row of figures.

    Only drills that ran to their end count, as the catalogue has the scenario: no what-if with `--set`, no file of the same name.
    """
    wanted, found = set(names), dict[str, str]()
    for each in drills(folder):
        if each.scenario in wanted and each.scenario not in found and each.status == "completed":
            told = details(each.folder)
            words = told.rerun.split()
            if words[2:3] == [each.scenario] and "--set" not in words:
                unmet = dict.fromkeys(row.target or row.name for row in told.verdicts if row.verdict != "pass")
                found[each.scenario] = _row([each.scenario, *_figures(each), ", ".join(code(name) for name in unmet)])
    return found


def _measured_part(scenarios: Sequence[LoadedScenario], measured: Mapping[str, str]) -> str:
    rows = [measured.get(each.name, _row([each.name])) for each in scenarios]
    lines = ["| " + " | ".join(_FIGURES) + " |", "| " + " | ".join(["---"] * len(_FIGURES)) + " |", *rows]
    return "## Last measured\n\nDocumented time; `result.json` of a drill has all measures.\n\n" + "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    filled = [code(cells[0]), *(each or _NONE for each in cells[1:])]
    return "| " + " | ".join(filled + [_NONE] * (len(_FIGURES) - len(filled))) + " |"


def _figures(row: DrillRow) -> list[str]:
    times = (row.time_to_detect_s, row.time_to_acknowledge_s, row.time_to_recover_s, row.recovery_point_s)
    return [
        f"{row.at:%Y-%m-%d %H:%M}" if row.at else "", f"{row.speed:g}" if row.speed else "", row.verdict,
        *("" if each is None else duration_text(each) for each in times), "" if row.lost_writes is None else str(row.lost_writes),
    ]  # fmt: skip


def _described(loaded: LoadedScenario) -> list[str]:
    scenario = loaded.scenario
    return [
        f"[`{loaded.name}`](../scenarios/catalogue/{loaded.name}.yaml){_LINE}{prose(scenario.title)}",
        ", ".join(scenario.source) or _NONE,
        _LINE.join(_fault(each) for each in scenario.faults),
        _LINE.join(_noticed(loaded)),
        _LINE.join(_procedures(loaded)),
        _LINE.join(_target(loaded, name, target) for name, target in loaded.targets.items()),
    ]


def _fault(fault: Fault) -> str:
    """Its kind, what it strikes, when it comes and how long it stays, as far as the file says."""
    struck = fault.model_dump(mode="json", include=_STRUCK).values()
    names = [prose(str(name)) for each in struck for name in (each if isinstance(each, list) else [each]) if name is not None]
    words = [code(fault.fault), ", ".join(names)]
    if fault.at_s or fault.after is not None or fault.until_s is not None:
        until = f" to {format_duration(fault.until_s)}" if fault.until_s is not None else ""
        words.append(f"at {format_duration(fault.at_s)}{until}" + (f" after {fault.after}" if fault.after else ""))
    if fault.heal_after_s is not None:
        words.append(f"for {format_duration(fault.heal_after_s)}")
    return " ".join(filter(None, words))


def _noticed(loaded: LoadedScenario) -> Iterator[str]:
    detection = loaded.scenario.detection
    yield from (code(alert) for alert in detection.alerts)
    if detection.reported_after_s is not None:
        yield f"people, after {format_duration(detection.reported_after_s)}"
    if detection.must_not_page:
        yield "none: nobody may be paged"
    elif not detection.alerts and detection.reported_after_s is None:
        yield "whoever does the planned work"


def _procedures(loaded: LoadedScenario) -> Iterator[str]:
    """Who responds does this; before it stands the planned work, where there is some."""
    if loaded.scenario.change is not None:
        yield f"during {_procedure(loaded.scenario.change.procedure)}:"
    yield _procedure(loaded.scenario.response.procedure)


def _procedure(reference: str) -> str:
    name, _, anchor = reference.partition("#")
    folder = "../scenarios/" if name.startswith("runbooks/") else ""
    return f"[{prose(anchor)}]({folder}{name}#{anchor})"


def _target(loaded: LoadedScenario, name: str, target: Target) -> str:
    expected = loaded.scenario.expect
    missed = ", missed as known" if expected is not None and name in expected.miss else ""
    return f"{code(name)} {amount(target.limit, target.unit)}{missed}"
