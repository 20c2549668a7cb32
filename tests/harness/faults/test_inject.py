"""Faults are injected at their times, seen to bite, and healed; a failure is never silent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes.clock import ClockPage, ManualClock
from harness.errors import FaultError
from harness.faults.inject import Injector
from harness.history import Event, History, Recorder
from harness.pace import Pace
from scenarios.faults.process import ProcessKill

SPEED = 1000.0


class _Unpaced(Pace):
    """For a clock that moves only when somebody sleeps: there is no rate to hold."""

    def __init__(self) -> None: ...

    @contextmanager
    def measured(self, why: str) -> Iterator[None]:
        yield


class SpyFault:
    """Notes what was asked of it. `bites` is what it shows as evidence; `failing` is the verb that fails."""

    def __init__(self, name: str = "spy", *, bites: bool = True, failing: str = "") -> None:
        self.name, self._bites, self._failing = name, bites, failing
        self.calls: list[str] = []

    async def inject(self) -> None:
        self._call("inject")

    async def heal(self) -> None:
        self._call("heal")

    async def bitten(self) -> str | None:
        return "a hole" if self._bites else None

    def _call(self, verb: str) -> None:
        self.calls.append(verb)
        if verb == self._failing:
            raise FaultError(f"{verb} of {self.name} failed")


def _model(**values: object) -> ProcessKill:
    return ProcessKill.model_validate({"fault": "process.kill", "process": "redis", **values})


def _run(folder: Path, faults: list[tuple[ProcessKill, SpyFault]], *, heal: bool = True, paced: bool = False) -> list[Event]:
    """Inject, heal, and what stands in the history."""
    page = ClockPage(folder / "page", speed=SPEED)
    clock = page if paced else ManualClock()

    async def felt(_injected_s: float) -> bool:
        return True

    async def scene() -> None:
        injector = Injector(faults, clock=clock, pace=pace, recorder=recorder, felt=felt)
        await injector.heal_all()
        try:
            await injector.run(clock.now() + 2.5)
        finally:
            if heal:
                await injector.heal_all()

    with Recorder(folder / "history.jsonl", clock) as recorder:
        pace = Pace(page, recorder) if paced else _Unpaced()
        if paced:
            pace.start()
        try:
            asyncio.run(scene())
        except* FaultError:
            pass
    return list(History.read(folder).events)


def _kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events if event.kind != "rate"]


def test_a_fault_is_healed_before_and_after_and_seen_to_bite(tmp_path: Path) -> None:
    """What an earlier drill may have left is removed first, and nothing is left behind."""
    fault = SpyFault()
    events = _run(tmp_path, [(_model(), fault)])
    assert fault.calls == ["heal", "inject", "heal"]
    assert _kinds(events) == ["fault.injected", "fault.bit", "fault.healed"]
    assert events[-1].kind == "fault.healed"


def test_time_is_real_from_before_the_injection_until_it_has_bitten(tmp_path: Path) -> None:
    """Around an injection a second of documented time is a second of wall time."""
    events = _run(tmp_path, [(_model(), SpyFault())], paced=True)
    rates = [(event.kind, event.data.get("rate")) for event in events]
    assert rates.index(("rate", 1.0)) < rates.index(("fault.injected", None)) < rates.index(("fault.bit", None))
    slow = next(event for event in events if event.data.get("rate") == 1.0)
    injected = next(event for event in events if event.kind == "fault.injected")
    assert injected.at_s - slow.at_s == pytest.approx(injected.wall_s - slow.wall_s, abs=1e-3)


def test_a_fault_that_shows_no_effect_has_not_bitten(tmp_path: Path) -> None:
    """Without evidence there is no fault.bit, and the verdict will be UNKNOWN."""
    events = _run(tmp_path, [(_model(), SpyFault(bites=False))])
    assert _kinds(events) == ["fault.injected", "fault.healed"]


@pytest.mark.parametrize("verb", ["inject", "heal"])
def test_a_failed_verb_stands_in_the_history_and_is_raised(tmp_path: Path, verb: str) -> None:
    """No drill goes on as if the fault were there, or as if it were gone."""
    events = _run(tmp_path, [(_model(), SpyFault(failing=verb))])
    failed = next(event for event in events if event.kind == "fault.failed")
    assert (failed.data["verb"], failed.data["error"]) == (verb, f"{verb} of spy failed")


def test_every_fault_is_healed_even_if_healing_one_fails(tmp_path: Path) -> None:
    """One stubborn fault does not keep the others in force."""
    stubborn, other = SpyFault("stubborn", failing="heal"), SpyFault("other")
    clock = ManualClock()

    async def never(_injected_s: float) -> bool:
        return False

    with Recorder(tmp_path / "history.jsonl", clock) as recorder:
        injector = Injector(
            [(_model(), stubborn), (_model(), other)], clock=clock, pace=_Unpaced(), recorder=recorder, felt=never
        )
        with pytest.raises(FaultError, match="heal of stubborn failed"):
            asyncio.run(injector.heal_all())
    assert other.calls == ["heal"]


def test_a_fault_waits_for_its_moment(tmp_path: Path) -> None:
    """Ten seconds after the page was acknowledged, the first time; an alert that nobody expects is no moment."""
    clock, waiting = ManualClock(), SpyFault("waiting")

    async def felt(_injected_s: float) -> bool:
        return True

    async def scene(recorder: Recorder) -> float:
        faults = [
            (_model(), SpyFault("first")),
            (_model(after="acknowledged", at="10s"), waiting),
            (_model(after="alert"), SpyFault("never")),
        ]
        injector = Injector(faults, clock=clock, pace=_Unpaced(), recorder=recorder, felt=felt)
        running = asyncio.create_task(injector.run(clock.now() + 2.5))
        while injector.first_injected_s is None:  # noqa: ASYNC110 - the clock moves only when somebody sleeps
            await asyncio.sleep(0)
        assert waiting.calls == []
        recorder.record("alert.firing", "other", expected=False)
        recorder.record("page.acknowledged", "x")
        acknowledged_s = clock.now()
        recorder.record("page.acknowledged", "y", at_s=acknowledged_s + 5)
        while not waiting.calls:  # noqa: ASYNC110
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return acknowledged_s

    with Recorder(tmp_path / "history.jsonl", clock) as recorder:
        acknowledged_s = asyncio.run(scene(recorder))
    injected = {event.subject: event.at_s for event in History.read(tmp_path).of_kind("fault.injected")}
    assert set(injected) == {"first", "waiting"}
    assert injected["waiting"] == pytest.approx(acknowledged_s + 10)


def test_a_time_between_two_is_drawn_by_the_seed(tmp_path: Path) -> None:
    """The same for the same seed, whatever else there is; another for each fault."""
    page = ClockPage(tmp_path / "page", speed=SPEED)

    async def felt(_injected_s: float) -> bool:
        return True

    def times(seed: int) -> list[float]:
        faults = [
            (_model(at="10s", until="60s"), SpyFault()),
            (_model(at="10s", until="60s"), SpyFault()),
            (_model(at="10s"), SpyFault()),
        ]
        with Recorder(tmp_path / f"{seed}.jsonl", page) as recorder:
            injector = Injector(faults, clock=page, pace=_Unpaced(), recorder=recorder, felt=felt, seed=seed)
            return [injector.time_of(number) for number in range(3)]

    assert times(7) == times(7)
    assert times(7) != times(8)
    assert len(set(times(7))) == 3
    assert times(7)[2] == 10
    assert all(10 <= each <= 60 for each in times(7))


def test_a_fault_that_heals_by_itself_does_so_after_its_time(tmp_path: Path) -> None:
    """`heal-after` counts from the injection, in documented time."""
    events = _run(tmp_path, [(_model(**{"heal-after": "60s"}), SpyFault())], heal=False)
    injected = next(event for event in events if event.kind == "fault.injected")
    healed = next(event for event in events if event.kind == "fault.healed")
    assert healed.at_s - injected.at_s >= 60
