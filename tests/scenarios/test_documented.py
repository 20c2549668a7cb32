"""Figures that no measure speaks of: what a file may say, and what is told of one that says it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.loader import load_figures, load_scenario, load_targets
from scenarios.places import TARGETS
from tests.scenarios.files import load_says, said, write

RTO = 'rto: {measure: time_to_recover_s, limit: 60, source: "002:1 x"'


def says(folder: Path, text: str) -> list[str]:
    return said(lambda: load_figures(write(folder, text, "targets.yaml")))


def test_a_file_may_hold_targets_alone(tmp_path: Path) -> None:
    """As `gameday judge --targets` is given them; everything else may be left out."""
    path = write(tmp_path, f"targets:\n  {RTO}}}\n")
    assert (load_figures(path).due, load_figures(path).indicators, load_figures(path).alerts) == ({}, {}, {})
    assert load_targets(path)["rto"].limit == 60


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("due:\n  a: {about: x, source: '001:1 y'}", "3:6: a: write one of within, every and words"),
        ("due:\n  a: {about: x, within: 5m, every: 5m, source: '001:1 y'}", "3:6: a: write one of within, every and words"),
        (
            "due:\n  a: {about: x, within: 5m, source: page 3}",
            "3:37: source: 'page 3' names no line; write document:line and the words that stand there: 002:465 RTO 5 minutes",
        ),
        (
            "indicators:\n  a: {about: x, stack: eafix, unit: ms, source: '001:1 y'}",
            "3:6: a: write at least one of target, warning and critical",
        ),
        (
            "indicators:\n  a: {about: x, stack: eafix, unit: ms, warning: 500, critical: 200, source: '001:1 y'}",
            "3:6: a: target, warning and critical must rise",
        ),
        (
            "alerts:\n  a: {about: x, stack: eafix, rule: r, for: 30, source: '001:1 y'}",
            "3:45: for: 30 is not a duration; write a number with its unit: 500ms, 30s, 5m, 2h or 1h30m",
        ),
        ("due:\n  rto: {about: x, within: 5m, source: '001:1 y'}", "3:3: 'rto' stands in targets already"),
        (
            "due:\n  a: {about: x, within: 5m, source: '001:1 y', in-force: rot, why: z}",
            "3:58: there is no figure 'rot'; did you mean 'rto'?",
        ),
        (
            "due:\n  a: {about: x, within: 5m, source: '001:1 y', in-force: rto}",
            "3:48: write down why 'rto' holds: why",
        ),
        (
            "due:\n  a: {about: x, within: 5m, source: '001:1 y', in-force: a, why: z}",
            "3:58: a figure that holds names no other; leave in-force out",
        ),
        (
            "due:\n  a: {about: x, within: 5m, source: '001:1 y', why: z}",
            "3:48: 'why' tells why another figure holds; name it: in-force",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place(tmp_path: Path, section: str, wrong: str) -> None:
    """File, line and column, what was found, what would be right."""
    found = says(tmp_path, f"targets: {{{RTO}}}}}\n{section}\n")
    assert found == [f"targets.yaml:{wrong}"]


def test_one_that_is_replaced_replaces_no_other(tmp_path: Path) -> None:
    """Else two would point to the third in different ways."""
    text = f"targets: {{{RTO}}}}}\ndue:\n"
    text += "  a: {about: x, within: 5m, source: '001:1 y', in-force: rto, why: z}\n"
    text += "  b: {about: x, within: 5m, source: '001:1 y', in-force: a, why: z}\n"
    assert says(tmp_path, text) == ["targets.yaml:4:58: 'a' is not in force itself: 'rto' is"]


def test_a_scenario_is_not_judged_by_what_is_not_in_force(tmp_path: Path) -> None:
    """It hears which one is, and why."""
    [found] = load_says(tmp_path, "targets: [service-failure-rto, acknowledge-alert]\n")
    assert found.startswith(
        "test.yaml:1:32: 'acknowledge-alert' is not in force: 'acknowledge-p1' is (each level has its own figure"
    )


def test_updates_need_a_chat(tmp_path: Path) -> None:
    """A stack without one is told at the scenario's key; with one it loads, and the delays are checked like all others."""
    response = "response: {procedure: runbooks/incident-response.md#service-failure, bindings: {service-name: risk-manager}, updates: {%s}}\n"
    text = (TARGETS.parent / "stacks" / "eafix.yaml").read_text(encoding="utf-8")
    write(tmp_path, "\n".join(line for line in text.splitlines() if not line.startswith("  chat: ")), "bare.yaml")
    found = load_says(tmp_path, f"stack: bare.yaml\n{response % ''}")
    assert found == ["test.yaml:2:110: the stack has no service that runs the program 'chat'"]
    found = load_says(tmp_path, response % "every: {median: 30m, p95: 20m}")
    assert found == ["test.yaml:1:146: p95: 20m is shorter than the median, 30m"]


def test_the_first_scenarios_ask_for_updates_and_are_judged_by_them() -> None:
    """Each of the four, by the first update and the news of the resolution; none of them lasts long enough for the interval."""
    for name in ("service-failure", "primary-database-failure", "market-data-feed-interruption", "redis-outage"):
        loaded = load_scenario(TARGETS.parent / "catalogue" / f"{name}.yaml")
        assert loaded.scenario.response.updates is not None
        assert {"first-update", "resolution-update"} <= set(loaded.targets)
        assert "updates-p0-p1" not in loaded.targets
