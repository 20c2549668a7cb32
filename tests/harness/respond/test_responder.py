"""The automatic responder: page, acknowledgement, steps, and what stands of them in the history."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fakes.clock import ManualClock
from harness.errors import HarnessError
from harness.history import Event, Recorder
from harness.monitor.errors import PagingFailed
from harness.respond.responder import AutoResponder, Outcome
from harness.respond.workstation import Workstation
from scenarios.expectation import Expectation
from scenarios.model import Response
from scenarios.runbook import Procedure, Step
from tests.harness.respond.operators import FakePager, Page, workstation

RUNBOOK = "runbooks/database.md#failover"


def step(
    name: str,
    command: str,
    expect: str = "exit 0",
    *,
    budget_s: float = 30.0,
    retry_s: float | None = None,
    goes_on: bool = False,
) -> Step:
    """A step of a runbook."""
    return Step(
        name=name, line=1, command=command, expect=Expectation.of(expect), budget_s=budget_s,
        on_failure="continue" if goes_on else "stop", verification=False, retry_s=retry_s,
    )  # fmt: skip


@dataclass
class Scene:
    """Everything around a responder."""

    folder: Path
    station: Workstation
    clock: ManualClock = field(default_factory=ManualClock)
    pager: FakePager = field(default_factory=lambda: FakePager([Page("i-1", "service_down: risk-manager (up == 0 is 0)")]))
    measured: list[str] = field(default_factory=list)
    open: int = 0

    @contextmanager
    def measure(self, why: str) -> Iterator[None]:
        self.measured.append(why)
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    def respond(self, *steps: Step, give_up_after_s: float = 600) -> tuple[Outcome, list[Event]]:
        recorder = Recorder(self.folder / "history.jsonl", self.clock)
        events: list[Event] = []
        recorder.listen(events.append)
        responder = AutoResponder(
            procedure=Procedure("runbooks/database.md", ("Failover",), "failover", "Failover", 1, steps), response=response(), alerts=("service_down",), incidents=self.pager,
            workstation=self.station, clock=self.clock, recorder=recorder, rng=random.Random(1), measured=self.measure,
        )  # fmt: skip
        try:
            return asyncio.run(responder.run(give_up_after_s=give_up_after_s)), events
        finally:
            recorder.close()


def response() -> Response:
    fixed = {"acknowledge": {"median": "45s", "p95": "45s"}, "step": {"median": "8s", "p95": "8s"}}
    return Response.model_validate({"procedure": RUNBOOK, **fixed})


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, workstation(tmp_path))


def test_a_procedure_is_carried_out_step_by_step(scene: Scene) -> None:
    """The whole of a response stands in the history, in order, with the modelled delays in documented time."""
    outcome, events = scene.respond(step("Look", "echo seen", "output ~ seen"), step("Mend", "true"))
    assert outcome == "done"
    assert [(event.kind, event.subject, event.at_s) for event in events] == [
        ("page.acknowledged", "service_down", 45.0),
        ("procedure.started", RUNBOOK, 45.0),
        ("step.started", "Look", 53.0),
        ("command.finished", "Look", 53.0),
        ("step.finished", "Look", 53.0),
        ("step.started", "Mend", 61.0),
        ("command.finished", "Mend", 61.0),
        ("step.finished", "Mend", 61.0),
        ("procedure.finished", RUNBOOK, 61.0),
    ]
    assert events[0].data == {"incident": "i-1", "by": "auto responder"}
    command = {key: value for key, value in events[3].data.items() if key != "duration_s"}
    assert command == {"command": "echo seen", "exit_code": 0, "output": "seen\n", "timed_out": False}
    assert events[4].data == {"index": 1, "ok": True, "why": ""}
    assert scene.pager.acknowledged == ["i-1"]


def test_commands_run_while_the_clock_is_held(scene: Scene) -> None:
    """What a command takes is measured at rate 1, and the rate is free again between steps."""
    scene.respond(step("Look", "true"), step("Mend", "true"))
    assert scene.measured == ["command: Look", "command: Mend"]
    assert scene.open == 0


def test_a_missed_expectation_stops_the_procedure(scene: Scene) -> None:
    """The steps after it are not carried out, and the history says why."""
    outcome, events = scene.respond(step("Look", "echo other; exit 3"), step("Mend", "touch mended"))
    assert outcome == "stopped"
    assert events[-2].data == {"index": 1, "ok": False, "why": "exit code 3, expected 0: other"}
    assert (events[-1].kind, events[-1].data) == ("procedure.finished", {"outcome": "stopped"})
    assert not (scene.station.checkout / "mended").exists()


def test_a_step_may_fail_where_the_runbook_says_so(scene: Scene) -> None:
    """With on-failure=continue the procedure goes on, and the miss is recorded all the same."""
    outcome, events = scene.respond(step("Look", "false", goes_on=True), step("Mend", "touch mended"))
    assert outcome == "done"
    assert [event.data["ok"] for event in events if event.kind == "step.finished"] == [False, True]
    assert (scene.station.checkout / "mended").exists()


def test_a_command_past_its_budget_fails_its_step(scene: Scene) -> None:
    """It is stopped, and the reason names the budget."""
    _, events = scene.respond(step("Wait", "sleep 600", budget_s=0.2))
    (command,) = [event for event in events if event.kind == "command.finished"]
    assert (command.data["exit_code"], command.data["timed_out"]) == (124, True)
    assert events[-2].data["why"] == "its command was stopped after 0.2 s; exit code 124, expected 0"


def test_a_step_that_may_be_repeated_is_until_it_succeeds(scene: Scene) -> None:
    """Each attempt stands in the history, a retry interval apart."""
    counter = "echo >> tries; [ $(wc -l < tries) -ge 3 ]"
    outcome, events = scene.respond(step("Wait for it", counter, retry_s=2, budget_s=60))
    assert outcome == "done"
    attempts = [(event.at_s, event.data["exit_code"]) for event in events if event.kind == "command.finished"]
    assert attempts == [(53.0, 1), (55.0, 1), (57.0, 0)]


def test_repeating_ends_with_the_budget(scene: Scene) -> None:
    """A step that never succeeds is missed when once more would exceed what it was given."""
    outcome, events = scene.respond(step("Wait for it", "false", retry_s=3, budget_s=10))
    assert outcome == "stopped"
    assert [event.at_s for event in events if event.kind == "command.finished"] == [53.0, 56.0, 59.0, 62.0]


def test_a_long_wait_between_attempts_is_no_measured_time(scene: Scene) -> None:
    """For 15 s after the first attempt the clock is held between attempts too; later it is held for the attempts alone."""
    slept: list[tuple[float, float, bool]] = []
    original = scene.clock.sleep

    async def sleep(documented_s: float) -> None:
        if documented_s:
            slept.append((scene.clock.now(), documented_s, scene.open > 0))
        await original(documented_s)

    scene.clock.sleep = sleep  # type: ignore[method-assign]
    scene.respond(step("Wait for it", "false", retry_s=10, budget_s=45))
    assert [row for row in slept if row[0] >= 53] == [
        (53.0, 10.0, True),
        (63.0, 5.0, True),
        (68.0, 5.0, False),
        (73.0, 10.0, False),
        (83.0, 10.0, False),
    ]


def test_a_translated_command_stands_in_the_history_as_it_ran(scene: Scene) -> None:
    """Where addresses are mapped, the documented command and the one that ran are both recorded."""
    scene.station = replace(scene.station, ports={8080: 40080})
    _, events = scene.respond(step("Ask", "echo localhost:8080"))
    (command,) = [event for event in events if event.kind == "command.finished"]
    assert (command.data["command"], command.data["ran"]) == ("echo localhost:8080", "echo localhost:40080")
    assert command.data["output"] == "localhost:40080\n"


def test_secrets_do_not_reach_the_history(scene: Scene) -> None:
    """Neither from the command nor from its output."""
    _, events = scene.respond(step("Look", "PGPASSWORD=hunter2 env | grep PGPASSWORD"))
    assert "hunter2" not in (scene.folder / "history.jsonl").read_text()
    assert events[-3].data["output"] == "PGPASSWORD=***\n"


def test_only_pages_of_expected_alerts_are_answered(scene: Scene) -> None:
    """Another alert's page is somebody else's business; without an expected one the night stays quiet."""
    scene.pager.pages = [Page("i-9", "disk_space_low: host")]
    outcome, events = scene.respond(step("Look", "true"), give_up_after_s=30)
    assert (outcome, events, scene.pager.acknowledged) == ("unpaged", [], [])
    assert scene.clock.now() >= 30


def test_a_page_that_resolves_before_it_is_acknowledged_is_let_go(scene: Scene) -> None:
    """The responder waits for the next one instead of acknowledging what is over."""
    scene.pager.pages.append(Page("i-2", "service_down: risk-manager"))
    resolved = scene.pager.resolved
    original = scene.pager.acknowledge

    async def acknowledge(incident_id: str, /) -> None:
        if incident_id == "i-1":
            resolved.add("i-1")
        await original(incident_id)

    scene.pager.acknowledge = acknowledge  # type: ignore[method-assign]
    outcome, events = scene.respond(step("Look", "true"))
    assert outcome == "done"
    assert (events[0].data["incident"], events[0].at_s) == ("i-2", 90.0)


def test_a_pager_that_does_not_answer_is_an_error(scene: Scene) -> None:
    """Silence of a broken pager is not a quiet night."""
    scene.pager.broken = True
    with pytest.raises(HarnessError, match="does not answer"):
        scene.respond(step("Look", "true"), give_up_after_s=10)


def test_a_command_that_watches_for_a_while_holds_nobody_up(scene: Scene) -> None:
    """It says itself how long it lasts: time goes on as fast as it may meanwhile."""
    outcome, _ = scene.respond(step("Mend", "true"), step("Watch", ": watch --duration=5m"), step("Look", "true"))
    assert outcome == "done"
    assert [why for why in scene.measured if why.startswith("command")] == ["command: Mend", "command: Look"]


def test_planned_work_is_carried_out_without_a_page(scene: Scene) -> None:
    """Its events are called so, and its steps are steps like any others."""
    recorder = Recorder(scene.folder / "history.jsonl", scene.clock)
    events: list[Event] = []
    recorder.listen(events.append)
    work = AutoResponder(
        procedure=Procedure("runbooks/database.md", ("Move",), "move", "Move", 1, (step("Look", "true"), step("Move", "false"))),
        response=response(), alerts=(), incidents=scene.pager, workstation=scene.station, clock=scene.clock, recorder=recorder,
        rng=random.Random(1), measured=scene.measure, kind="change",
    )  # fmt: skip
    assert asyncio.run(work.carry_out()) == "stopped"
    recorder.close()
    assert [event.kind for event in events if not event.kind.startswith(("step", "command"))] == [
        "change.started",
        "change.finished",
    ]


def test_a_pager_that_is_away_is_waited_for(scene: Scene) -> None:
    """Nobody is paged meanwhile, and the page is answered when it is back."""
    away = [3]

    class Away(FakePager):
        async def triggered(self) -> list[Page]:
            if away[0]:
                away[0] -= 1
                raise PagingFailed("no answer")
            return await super().triggered()

    scene.pager = Away(scene.pager.pages)
    assert scene.respond(step("Mend", "true"))[0] == "done"
