"""The monitor: its rhythm, its robustness, what it tells whom."""

from __future__ import annotations

import asyncio
import math

import pytest

from fakes.clock import ManualClock
from harness.monitor.errors import BadQuery
from harness.monitor.grid import offset_of
from harness.monitor.rules import Alert
from tests.harness.monitor.stages import Ears, Pages, Stage, rule, url_of

DOWN = rule("up == 0", name="ServiceDown", for_="30s")


def test_a_service_that_dies_is_pending_then_firing_then_resolved() -> None:
    """In documented time: from the first evaluation that sees it, for 30 s, to the first that sees it back."""
    stage = Stage([DOWN], Pages(a="x 1\n", b="x 1\n"))

    async def play() -> None:
        await stage.play(20)
        stage.pages.texts[url_of("a")] = None
        await stage.play(70)
        stage.pages.texts[url_of("a")] = "x 1\n"
        await stage.play(90)
        await stage.monitor.start()
        await stage.monitor.stop()

    asyncio.run(play())
    first = 5 * math.ceil((20 + offset_of("a", 5000) / 1000) / 5)
    back = 5 * math.ceil((70 + offset_of("a", 5000) / 1000) / 5)
    assert stage.ears.told == [
        (first, "ServiceDown", "pending"),
        (first + 30, "ServiceDown", "firing"),
        (back, "ServiceDown", "resolved"),
    ]
    assert [page.state for page in stage.ears.pages] == ["firing", "resolved"]
    assert stage.ears.alerts[1].labels == {
        "alertname": "ServiceDown",
        "instance": "a:80",
        "job": "a",
        "severity": "critical",
    }
    assert (stage.monitor.missed_cycles, list(stage.monitor.problems)) == (0, [])


def test_scrapes_carry_the_time_of_their_grid() -> None:
    """One every 5 s, shifted by the target's name, whenever the machine got round to it."""
    stage = Stage([], Pages(a="x 1\n"))
    asyncio.run(stage.play(21, step_s=0.7))
    (series,) = [series for series in stage.monitor.store.select(()) if dict(series.labels)["__name__"] == "x"]
    offset_ms = offset_of("a", 5000)
    assert list(series.times) == [offset_ms + at_ms for at_ms in range(0, 20_001 - offset_ms, 5000)]


def test_a_silent_target_times_out_and_holds_up_no_other() -> None:
    """It is down once its scrape has lasted for the interval; the others are scraped and evaluated as ever."""
    stage = Stage([DOWN], Pages(a="x 1\n", b="x 1\n"))
    stage.pages.silent.add(url_of("a"))

    async def play() -> None:
        await stage.play(30)
        assert len([task for task in asyncio.all_tasks() if task.get_name() == "scrape a"]) <= 1

    asyncio.run(play())
    a, b = stage.monitor.targets
    assert (a.health, a.error) == ("down", "no answer within 5 s")
    assert b.health == "up"
    assert stage.pages.asked.count(url_of("b")) == 6
    assert [(alert.rule, alert.labels["job"], alert.state) for alert in stage.monitor.alerts] == [("ServiceDown", "a", "pending")]


class StandingWall(ManualClock):
    """Documented time races while hardly any wall time passes, as at a high speed."""

    def wall(self) -> float:
        return 0.0


def test_an_answer_gets_some_wall_time_before_it_is_overdue() -> None:
    """However fast documented time runs; meanwhile the target is not asked again, and its instants are missed."""
    pages = Pages(a="x 1\n")
    pages.silent.add(url_of("a"))
    stage = Stage([], pages, clock=StandingWall())
    asyncio.run(stage.play(20))
    assert stage.pages.asked == [url_of("a")]
    assert (stage.monitor.targets[0].health, stage.monitor.missed_cycles) == ("unknown", 3)


def test_health_is_told_of_on_change_only() -> None:
    """With the time of the scrape and the reason."""
    stage = Stage([], Pages(a="x 1\n"))

    async def play() -> None:
        await stage.play(20)
        stage.pages.texts[url_of("a")] = "<html>"
        await stage.play(40)

    asyncio.run(play())
    offset_s = offset_of("a", 5000) / 1000
    assert [(seen.name, seen.health, seen.at_s) for seen in stage.ears.health] == [
        ("a", "up", offset_s),
        ("a", "down", 20 + offset_s),
    ]
    assert "no sample in the line '<html>'" in stage.ears.health[1].error


def test_a_rule_that_fails_is_recorded_and_the_others_go_on() -> None:
    """The failure stands in the rule, in the problems, and is told; it passes when the cause passes."""
    broken = rule("x / on() y", name="Broken")
    stage = Stage([broken, rule("x > 0", name="Fine")], Pages(a='x 1\ny{n="1"} 1\ny{n="2"} 1\n'))

    async def play() -> None:
        await stage.play(11)
        assert "many-to-many matching not allowed" in stage.monitor.rules[0].error
        stage.pages.texts[url_of("a")] = "x 1\n"
        await stage.play(16)

    asyncio.run(play())
    assert {problem.what for problem in stage.monitor.problems} == {"rule Broken"}
    assert list(stage.monitor.problems) == stage.ears.problems
    assert [alert.rule for alert in stage.monitor.alerts] == ["Fine"]
    assert stage.monitor.rules[0].error == ""


def test_cycles_that_overran_are_counted_and_left_out() -> None:
    """After 23 s in which nothing ran, one scrape and one evaluation happen, not five."""
    stage = Stage([rule("vector(1)")], Pages(a="x 1\n"))

    async def play() -> None:
        await stage.play(5.5)
        asked = len(stage.pages.asked)
        stage.clock.advance(23)
        await stage.monitor.tick()
        assert len(stage.pages.asked) == asked + 1
        assert stage.monitor.rules[0].evaluated_at_s == 25
        assert stage.monitor.missed_cycles == 4 + 3  # scrapes, and evaluations at 10, 15 and 20 s

    asyncio.run(play())


class Grumpy(Ears):
    """Hears, and refuses every page."""

    async def notify(self, alert: Alert) -> None:
        await super().notify(alert)
        raise RuntimeError(f"no {alert.rule}")


def test_what_a_receiver_raises_is_recorded_and_the_next_alert_follows() -> None:
    """A pager that cannot be told keeps nobody from hearing of the alerts."""
    stage = Stage([rule("vector(1)", name="One"), rule("vector(1)", name="Two")], Pages(a="x 1\n"), Grumpy())

    async def play() -> None:
        await stage.monitor.tick()
        await stage.monitor.start()
        await stage.monitor.settle()
        await stage.monitor.stop()

    asyncio.run(play())
    assert [(problem.what, problem.message) for problem in stage.monitor.problems] == [
        ("notify One", "no One"),
        ("notify Two", "no Two"),
    ]
    assert [alert.rule for alert in stage.ears.alerts] == ["One", "Two"]


class Waiting(Ears):
    """Tells when an alert fires."""

    def __init__(self) -> None:
        super().__init__()
        self.fired = asyncio.Event()

    async def hear(self, alert: Alert) -> None:
        await super().hear(alert)
        if alert.state == "firing":
            self.fired.set()


def test_a_started_monitor_keeps_its_rhythm_and_stops_for_good() -> None:
    """It runs by itself, and after the stop nothing is scraped, nothing is left running, and stopping again is harmless."""

    async def play() -> Stage:
        ears = Waiting()
        stage = Stage([rule("up == 1", for_="60s")], Pages(a="x 1\n"), ears)
        await stage.monitor.start()
        await asyncio.wait_for(ears.fired.wait(), 10)
        await stage.monitor.stop()
        await stage.monitor.stop()
        asked = len(stage.pages.asked)
        await asyncio.sleep(0)
        assert len(stage.pages.asked) == asked
        assert len(asyncio.all_tasks()) == 1
        return stage

    stage = asyncio.run(play())
    pending, firing = stage.ears.alerts[:2]
    assert (pending.state, firing.state, firing.at_s - pending.at_s) == ("pending", "firing", 60.0)
    assert stage.pages.closed
    assert list(stage.monitor.problems) == []


def test_a_rule_that_cannot_be_read_is_refused_before_anything_runs() -> None:
    """With the expression and the parser's words."""
    with pytest.raises(BadQuery, match="rate"):
        Stage([rule("rate(x) > 1")], Pages())


def test_the_monitor_answers_queries() -> None:
    """At any documented time, by default now."""
    stage = Stage([], Pages(a="x 7\n"))

    async def play() -> None:
        await stage.play(10)
        assert stage.monitor.query("sum(x)") == [((), 7.0)]
        assert stage.monitor.query("sum(x)", 0.0) == ([] if offset_of("a", 5000) else [((), 7.0)])
        assert stage.monitor.query("time()") == 1_000_000.0 + stage.clock.now()

    asyncio.run(play())
