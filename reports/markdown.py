"""The report of a drill as Markdown: the verdict in a sentence, then everything that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from harness.history import History
from harness.measure import Counts, Durations, Measures
from harness.result import Result
from harness.verdict import Judgement, Verdict
from reports import chronicle, people
from reports.account import account
from reports.chronicle import Command, Step
from reports.escape import code, fenced, folded, prose, table
from reports.palette import VERDICTS
from reports.verdicts import amount, compared, headline, measure_name
from reports.words import clock_text, duration_text, latency_text
from scenarios.loader import load_targets

PICTURE = "timeline.png"


def report(history: History, measures: Measures, judgements: Sequence[Judgement], result: Result) -> str:
    """The whole report. It stands in the drill's folder, beside the picture that it shows."""
    parts = [
        f"# {_sign(result.verdict)}: {prose(chronicle.scenario_title(history))}",
        prose(headline(history, measures, judgements)),
        f"![Timeline of the drill]({PICTURE})",
        *_targets(judgements),
        *_measures(measures),
        *_invariants(history, judgements),
        *_timeline(history, measures),
        *(
            people.section(history, measures, judgements, _limits())
            if people.responded(history)
            else _procedure(chronicle.steps(history))
        ),
        *_circumstances(history),
        *_again(history, result),
    ]
    return "\n\n".join(parts) + "\n"


def _limits() -> dict[str, tuple[float, str]]:
    """Every documented limit in seconds, with its source."""
    return {name: (each.limit, each.source) for name, each in load_targets().items() if each.unit == "s"}


def _sign(verdict: Verdict) -> str:
    return f"{VERDICTS[verdict.name][0]} {verdict.name}"


def _targets(judgements: Sequence[Judgement]) -> Iterator[str]:
    targets = [judgement for judgement in judgements if judgement.kind == "target"]
    yield "## Targets"
    if not targets:
        yield "No target was judged."
        return
    rows = []
    for judgement in targets:
        measured, limit = compared(judgement)
        name = code(judgement.target or "")
        told = [prose(text) for text in (measure_name(judgement.name), measured, limit, judgement.why, judgement.source or "")]
        rows.append([_sign(judgement.verdict), name, *told])
    yield table(["verdict", "target", "measure", "measured", "limit", "why", "source"], rows)


def _measures(measures: Measures) -> Iterator[str]:
    """Every measure, targets or none; what could not be measured says why."""
    rows = []
    for field in fields(Durations):
        value, wall = getattr(measures, field.name), getattr(measures.wall, field.name)
        least, why = measures.at_least_s.get(field.name), measures.why.get(field.name, "")
        told = f"over {amount(least, 's')}" if value is None and least is not None else amount(value, "s")
        rows.append([prose(measure_name(field.name)), told, amount(wall, "s"), prose(why)])
    lost, why = measures.lost_writes, measures.why.get("lost_writes", "")
    rows.append([measure_name("lost_writes"), amount(lost, "writes"), "", prose(why)])
    yield "## Measures"
    yield table(["measure", "documented time", "wall time", ""], rows)
    yield table(
        ["asked", "in all", "acknowledged", "failed", "unknown"],
        [[name, *(str(getattr(counts, field.name)) for field in fields(Counts))] for name, counts in _asked(measures)],
    )
    if measures.latency_p50_ms is not None and measures.latency_p99_ms is not None:
        half, most = latency_text(measures.latency_p50_ms), latency_text(measures.latency_p99_ms)
        yield f"Half of the acknowledged orders took up to {half}, 99 % of them up to {most} (wall time)."
    if budget := measures.error_budget:
        spent, allowed = duration_text(budget.spent_s), duration_text(budget.allowed_s)
        yield f"Error budget since the first fault: {spent} spent of the {allowed} that the steady state tolerates."


def _asked(measures: Measures) -> tuple[tuple[str, Counts], ...]:
    return ("orders", measures.orders), ("canary ticks", measures.canaries)


def _invariants(history: History, judgements: Sequence[Judgement]) -> Iterator[str]:
    found = [judgement for judgement in judgements if judgement.kind == "invariant"]
    yield "## Invariants"
    if not found:
        yield "None was checked."
        return
    checks = {event.subject: event for event in history.of_kind("check.finished")}
    rows = []
    for judgement in found:
        check = checks.get(judgement.name)
        counts = check.data.get("counts") if check else None
        counted = ", ".join(f"{name} {value}" for name, value in counts.items()) if isinstance(counts, dict) else ""
        detail = judgement.why or str((check.data.get("detail") if check else "") or "")
        rows.append([_sign(judgement.verdict), prose(measure_name(judgement.name)), prose(detail), prose(counted)])
    yield table(["verdict", "invariant", "what was seen", "counts"], rows)


def _timeline(history: History, measures: Measures) -> Iterator[str]:
    zero = chronicle.first_fault_s(history)
    shift = zero if zero is not None else 0.0
    rows = []
    for line in account(history, measures):
        text = prose(line.text)
        since = clock_text(line.at_s - shift, decimals=1)
        rows.append([since, f"{line.at_s:.3f}", f"**{text}**" if line.strong else text])
    yield "## Timeline"
    if rows:
        yield table([f"since the {'fault' if zero is not None else 'start'}", "at (s)", "what happened"], rows)
    else:
        yield "Nothing was recorded."


def _procedure(steps: Sequence[Step]) -> Iterator[str]:
    yield "## Procedure"
    if not steps:
        yield "No step was carried out."
    for step in steps:
        word = {True: "done", False: "FAILED", None: "not finished"}[step.ok]
        took = f" in {duration_text(step.ended_s - step.at_s)}" if step.ended_s is not None else ""
        yield f"### {step.number}. {prose(step.name)}: {word}{took}"
        if step.why:
            yield prose(step.why)
        for command in step.commands:
            yield from _command(command, opened=step.ok is False)


def _command(command: Command, *, opened: bool) -> Iterator[str]:
    yield fenced(command.command, "sh")
    code_text = "no exit code" if command.exit_code is None else f"exit code {command.exit_code}"
    took = f" after {duration_text(command.duration_s)}" if command.duration_s is not None else ""
    if command.output.strip():
        yield folded(f"{code_text}{took}; its output", command.output, opened=opened)
    else:
        yield f"{code_text}{took}, no output".capitalize() + "."


def _circumstances(history: History) -> Iterator[str]:
    started = chronicle.begin(history)
    if started is None:
        return
    keys = ("started", "seed", "speed", "stack", "sandbox", "toxiproxy", "monitor", "commit")
    facts = [["scenario", code(started.subject)]]
    facts += [[key, code(str(started.data[key]))] for key in keys if started.data.get(key) not in (None, "")]
    settings = started.data.get("settings")
    if isinstance(settings, dict):
        facts += [[prose(str(key)), code(str(value))] for key, value in settings.items()]
    yield "## Circumstances"
    yield table(["", ""], facts)
    for warning in started.data.get("warnings") or ():
        yield f"Warning: {prose(str(warning))}"
    versions = started.data.get("versions")
    if isinstance(versions, dict) and versions:
        yield "## Versions"
        yield table(["part", "version"], [[prose(str(name)), code(str(version))] for name, version in versions.items()])
    booted = history.first("stack.booted")
    servers = booted.data.get("servers") if booted else None
    if isinstance(servers, dict) and servers:
        yield "As the running servers say:"
        yield table(["part", "version"], [[prose(str(name)), code(str(version))] for name, version in servers.items()])


def _again(history: History, result: Result) -> Iterator[str]:
    started = chronicle.begin(history)
    yield "## Again"
    if started and started.data.get("command"):
        yield "Run it again, with the same seed:"
        yield fenced(str(started.data["command"]), "sh")
    yield "Judge this history again, also against changed targets:"
    yield fenced(f"gameday judge {result.drill}", "sh")
