"""Which monitor a drill gets, on machines that have the programs or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.doctor import examine
from harness.errors import MissingTool
from harness.monitor.choice import FASTEST, MonitorChoice, choose_monitor
from harness.monitor.errors import BadQuery
from scenarios.model import MonitorWish
from tests.harness.monitor.stages import rule

RULES = [rule("up == 0")]


def machine(folder: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """A PATH with these programs alone; each says a version."""
    for name in programs:
        (folder / name).write_text("#!/bin/sh\necho 'it, version 2.5.1 (branch: HEAD)'\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize("alertmanager", ["alertmanager", "prometheus-alertmanager"])
@pytest.mark.parametrize("wish", ["auto", "prometheus"])
def test_prometheus_where_both_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wish: MonitorWish, alertmanager: str
) -> None:
    """By their own names or by Debian's; with their versions for the history and their folder for the sandbox."""
    machine(tmp_path, monkeypatch, "prometheus", alertmanager)
    chosen, warning = choose_monitor(wish, RULES, speed=20)
    assert (chosen.kind, warning) == ("prometheus", None)
    assert chosen.versions() == {"prometheus": "2.5.1", "alertmanager": "2.5.1"}
    assert set(chosen.folders()) == {tmp_path}
    assert chosen.alertmanager is not None
    assert chosen.alertmanager.path == tmp_path / alertmanager


@pytest.mark.parametrize(("programs", "missing"), [((), "prometheus"), (("prometheus",), "alertmanager")])
def test_where_one_is_missing_the_embedded_evaluator_detects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, ...], missing: str
) -> None:
    """Unless Prometheus is wished for: then one message says what is missing and what to do."""
    machine(tmp_path, monkeypatch, *programs)
    assert choose_monitor("auto", RULES, speed=20)[0].kind == "embedded"
    with pytest.raises(MissingTool, match=rf"^{missing} was not found\. apt-get install prometheus.*--monitor embedded"):
        choose_monitor("prometheus", RULES, speed=20)


def test_the_embedded_evaluator_when_it_is_wished_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where Prometheus is there; nothing of it is shown to the sandbox."""
    machine(tmp_path, monkeypatch, "prometheus", "alertmanager")
    chosen, warning = choose_monitor("embedded", RULES, speed=20)
    assert (chosen.kind, warning, chosen.versions(), chosen.folders()) == ("embedded", None, {}, [])


def test_what_prometheus_cannot_be_told_at_this_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Auto passes it over and says why; who wished for it gets the reason as an error. At speed 1 it can be told."""
    machine(tmp_path, monkeypatch, "prometheus", "alertmanager")
    rules = [rule("time() - x > 60")]
    chosen, warning = choose_monitor("auto", rules, speed=20)
    assert (chosen.kind, "time of day" in (warning or "")) == ("embedded", True)
    with pytest.raises(BadQuery, match="use speed 1"):
        choose_monitor("prometheus", rules, speed=20)
    assert choose_monitor("auto", rules, speed=1)[0].kind == "prometheus"


def test_auto_leaves_it_alone_at_speeds_it_was_not_made_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a warning; who wishes for it gets it."""
    machine(tmp_path, monkeypatch, "prometheus", "alertmanager")
    chosen, warning = choose_monitor("auto", RULES, speed=FASTEST + 1)
    assert (chosen.kind, "too fast for Prometheus" in (warning or "")) == ("embedded", True)
    assert choose_monitor("auto", RULES, speed=FASTEST)[0].kind == "prometheus"
    assert choose_monitor("prometheus", RULES, speed=FASTEST + 1)[0].kind == "prometheus"


def test_where_time_can_stand_still_auto_leaves_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule's `for` would pass in the pause; who wishes for it gets it, and where there is none nothing is told."""
    machine(tmp_path, monkeypatch, "prometheus", "alertmanager")
    chosen, warning = choose_monitor("auto", RULES, speed=1, pauses=True)
    assert (chosen.kind, "can be paused" in (warning or "")) == ("embedded", True)
    assert choose_monitor("prometheus", RULES, speed=1, pauses=True)[0].kind == "prometheus"
    machine(tmp_path / "without", monkeypatch)
    assert choose_monitor("auto", RULES, speed=1, pauses=True) == (MonitorChoice(), None)


@pytest.mark.parametrize(
    ("programs", "found"), [(("prometheus", "alertmanager"), "prometheus 2.5.1"), ((), "embedded evaluator of the Prometheus")]
)
def test_the_doctor_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, ...], found: str) -> None:
    """Both are well; without Prometheus it says how to get it."""
    machine(tmp_path, monkeypatch, *programs)
    finding = next(finding for finding in examine() if finding.part == "detection")
    assert (finding.ok, finding.found.startswith(found)) == (True, True)
    assert ("apt-get install prometheus" in finding.remedy) is (programs == ())
