"""Time runs at rate 1 while anybody measures."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

from fakes.clock import ClockPage
from harness.history import Recorder
from harness.pace import Pace


def test_time_is_real_inside_a_measured_block_and_fast_outside(tmp_path: Path) -> None:
    """Blocks may overlap: the rate goes up only when the last one has ended."""
    clock = ClockPage(tmp_path / "page", speed=20)
    with Recorder(tmp_path / "history.jsonl", clock) as recorder:
        pace = Pace(clock, recorder)
        pace.start()
        rates = [clock.rate]
        with ExitStack() as first:
            first.enter_context(pace.measured("a"))
            rates.append(clock.rate)
            with pace.measured("b"):
                rates.append(clock.rate)
                first.close()
                rates.append(clock.rate)
            rates.append(clock.rate)
    assert rates == [20, 1, 1, 1, 20]


def test_an_error_inside_ends_the_measured_block(tmp_path: Path) -> None:
    """A failed command does not leave the drill at rate 1 for ever."""
    clock = ClockPage(tmp_path / "page", speed=20)
    with Recorder(tmp_path / "history.jsonl", clock) as recorder, suppress(RuntimeError), Pace(clock, recorder).measured("a"):
        raise RuntimeError
    assert clock.rate == 20


def test_who_listens_hears_each_change_of_the_rate(tmp_path: Path) -> None:
    """When it is in force; a block inside a block changes nothing and is not told."""
    clock = ClockPage(tmp_path / "page", speed=20)
    heard: list[tuple[float, float]] = []
    with Recorder(tmp_path / "history.jsonl", clock) as recorder:
        pace = Pace(clock, recorder)
        pace.listen(lambda rate: heard.append((rate, clock.rate)))
        pace.start()
        with pace.measured("a"), pace.measured("b"):
            pass
    assert heard == [(20, 20), (1, 1), (20, 20)]


def test_everybody_waiting_bends_time_whoever_measures(tmp_path: Path) -> None:
    """A command that lasts five documented minutes is waited for, not sat through; what is measured goes on after it."""
    clock = ClockPage(tmp_path / "page", speed=20)
    with Recorder(tmp_path / "history.jsonl", clock) as recorder:
        pace = Pace(clock, recorder)
        pace.start()
        rates = []
        with pace.measured("a"):
            with pace.waiting("b"):
                rates.append(clock.rate)
            rates.append(clock.rate)
    assert [*rates, clock.rate] == [20, 1, 20]


def test_a_pause_holds_whoever_measures_or_waits(tmp_path: Path) -> None:
    """People respond at rate 1 all the time, so a pause that measuring ended would be none; afterwards it is as it was."""
    clock = ClockPage(tmp_path / "page", speed=20, pauses=True)
    with Recorder(tmp_path / "history.jsonl", clock) as recorder:
        pace = Pace(clock, recorder)
        pace.start()
        with pace.measured("people respond"):
            pace.stand_still()
            rates = [clock.rate]
            with pace.measured("a"), pace.waiting("b"):
                rates.append(clock.rate)
            rates.append(clock.rate)
            pace.go_on()
            rates.append(clock.rate)
    assert max(rates[:3]) < 1e-6
    assert [rates[3], clock.rate] == [1, 20]
