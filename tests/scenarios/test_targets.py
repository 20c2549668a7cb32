"""Every figure of targets.yaml stands in its document, at its line; and every alert rule of ours fires at the documented figure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from scenarios.documented import Alarm, Due, Indicator, Stated
from scenarios.loader import load_figures, load_rules
from scenarios.model import AlertRule, Target
from scenarios.places import DATA
from tests.scenarios.reading.books import RUNBOOKS

FILE = load_figures()
FIGURES: dict[str, Stated] = {**FILE.targets, **FILE.due, **FILE.indicators, **FILE.alerts}
CITED = re.compile(r"\b(\d{3}):(\d+)(?:-(\d+))?")
NUMBER = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?)\s*-?(ms|seconds?|s|minutes?|min|m|hours?|h|business days?|days?|K|%)?(?![\d.])", re.IGNORECASE
)
SECONDS = {"ms": 0.001, "s": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "day": 86400}
AT_ONCE = re.compile(r"\bimmediate", re.IGNORECASE)
NO_RULE = {"eafix-data-exfiltration", "eafix-malware-detected"}  # nothing here has such a metric


@cache
def lines(document: str) -> list[str]:
    [path] = RUNBOOKS.glob(f"{document}_*.txt")
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def cited(source: str) -> str:
    """The lines that a source names."""
    found = ["\n".join(lines(document)[int(first) - 1 : int(last or first)]) for document, first, last in CITED.findall(source)]
    assert found, source
    return "\n".join(found)


def numbers(text: str) -> set[float]:
    """Every figure of a text, as it stands and in seconds, milliseconds and whole numbers."""
    found: set[float] = {0.0} if AT_ONCE.search(text) else set()
    ranges = re.sub(r"(\d+)-(\d+)(\s*(?:minutes|hours)\b)", r"\1\3 \2\3", text.replace("+", " "))  # 15-30 minutes
    for figure, unit in NUMBER.findall(ranges):
        value, word = float(figure), unit.lower()
        found.add(value)
        if (size := SECONDS.get(word) or SECONDS.get(word.removesuffix("s"))) is not None:
            found |= {round(value * size, 6), round(value * size * 1000, 6)}
        if word == "k":
            found.add(value * 1000)
    clock = re.findall(r"\b(\d\d):(\d\d)-(\d\d):(\d\d)\b", text)  # a window of the day is as long as it is
    found |= {(int(h2) - int(h1)) * 3600.0 + (int(m2) - int(m1)) * 60.0 for h1, m1, h2, m2 in clock}
    return found


def figures_of(stated: Stated) -> Iterator[float]:
    """What must stand in the document."""
    match stated:
        case Target():
            yield stated.limit
        case Due():
            yield from (each for each in (stated.within_s, stated.every_s) if each is not None)
        case Indicator():
            yield from (each for each in (stated.target, stated.warning, stated.critical) if each is not None)
        case Alarm():
            yield from (each for each in (stated.threshold, stated.for_s) if each is not None)


@pytest.mark.parametrize("name", FIGURES)
def test_the_figure_stands_where_its_source_says(name: str) -> None:
    """In one of the lines that are cited, in whatever unit it is written there."""
    stated = FIGURES[name]
    text = cited(stated.source)
    missing = [figure for figure in figures_of(stated) if figure not in numbers(text)]
    assert not missing, f"{name}: {missing} does not stand in {text!r}"
    if isinstance(stated, Due) and stated.words is not None:
        assert stated.words.lower() in text.lower()


@pytest.mark.parametrize("name", FIGURES)
def test_the_words_of_a_source_stand_there_too(name: str) -> None:
    """At least two of them, or all: a line that was counted wrong shows."""
    source = FIGURES[name].source
    said = {word.lower() for word in re.findall(r"[A-Za-z_]{3,}", CITED.sub("", source))}
    there = {word.lower() for word in re.findall(r"[A-Za-z_]{3,}", cited(source))}
    assert len(said & there) >= min(2, len(said)), f"{sorted(said)} are not in {cited(source)!r}"


def test_what_is_no_figure_of_a_line_is_noticed() -> None:
    """The guards above can fail: another figure, another line."""
    assert numbers("| Service Failure | 5 minutes | 0 (real-time replication) |") == {5.0, 300.0, 300000.0, 0.0}
    assert 900 not in numbers(cited("002:465 RTO"))
    assert {60.0, 30.0} <= numbers("market_data_age_seconds > 60 duration: 30s")
    assert numbers("> 50K") >= {50000.0}
    assert numbers("(Response: Immediate)") == {0.0}


def test_every_row_of_the_documents_tables_is_there() -> None:
    """The tables and lists of the documents, line by line: nothing was left out."""
    wanted = {
        "000": [84, 103, 109, 115, 121, 198, 199, 200, 201],
        "001": [*range(229, 232), 245, 247, *range(250, 253), *range(277, 281), *range(283, 287), 290, 291],
        "002": [*range(151, 156), *range(161, 165), 173, 178, 183, 188, 199, 204, 209, *range(465, 469), *range(653, 657), 751, 755, 759, 763, 820],
        "003": [30, 31, 33, 43, 44, 100, 101, *range(460, 467), *range(470, 474)],
        "004": [12, 13, 14, 15, 28, 46, 65, 81, 98, 116, *range(242, 247), 391, 410],
    }  # fmt: skip
    there = {(document, int(line)) for each in FIGURES.values() for document, line, _ in CITED.findall(each.source)}
    assert [f"{document}:{line}" for document, found in wanted.items() for line in found if (document, line) not in there] == []


# --- alert rules ---


def compared_with(rule: AlertRule) -> float | None:
    """The figure that a condition ends with. `database_connections_max - 3` is none; nor is there one of several conditions."""
    found = None if " or " in rule.expr else re.search(r"(?:[<>]=?|[=!]=)\s*(\d+(?:\.\d+)?)\s*$", rule.expr.strip())
    return float(found[1]) if found else None


# A file of rules is called after the platform whose document they are from; several stacks may use one.
RULES = [
    (path.name.removesuffix(".rules.yml"), rule)
    for path in sorted((DATA / "alerts").iterdir())
    for rule in load_rules(path)
    if rule.source != "none"
]


@pytest.mark.parametrize(("stack", "rule"), RULES, ids=lambda each: each if isinstance(each, str) else each.alert)
def test_a_rule_fires_at_the_documented_figure(stack: str, rule: AlertRule) -> None:
    """One figure in force for each rule, with its threshold and, where the document gives one, its duration."""
    [alarm] = [each for each in FILE.alerts.values() if (each.stack, each.rule) == (stack, rule.alert)]
    assert alarm.in_force is None
    assert (rule.source.partition(":")[0], rule.source.split(":")[1]) in {
        (document, first) for document, first, _ in CITED.findall(alarm.source)
    }
    if alarm.threshold is not None:
        assert compared_with(rule) == (alarm.threshold if alarm.in_rule is None else alarm.in_rule)
    if alarm.for_s is not None:
        assert rule.for_s == alarm.for_s


def test_only_what_has_no_metric_has_no_rule() -> None:
    """Every other documented alert is watched."""
    watched = {(stack, rule.alert) for stack, rule in RULES}
    assert {name for name, each in FILE.alerts.items() if (each.stack, each.rule) not in watched} == NO_RULE


@pytest.mark.parametrize("name", [name for name, each in FILE.alerts.items() if each.in_rule is not None])
def test_a_figure_in_another_unit_is_the_same(name: str) -> None:
    """A share for per cent, seconds for milliseconds, what is free for what is used."""
    alarm = FILE.alerts[name]
    assert alarm.threshold is not None
    assert alarm.in_rule in (alarm.threshold / 100, alarm.threshold / 1000, 100 - alarm.threshold)


def test_every_figure_of_a_rule_is_compared() -> None:
    """No rule escapes the comparison by being written otherwise, but those whose documents give no figure."""
    bare = {each.rule for each in FILE.alerts.values() if each.threshold is None}
    assert {rule.alert for _, rule in RULES if compared_with(rule) is None} <= bare
