"""sim/night.py: one night, its history and its light record."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.history import History
from harness.measure import Measures, measure
from harness.verdict import Verdict, judge_target, status_of, targets_of
from scenarios.errors import InvalidInput
from scenarios.loader import find_scenarios
from sim.chunk import MET, MISSED, UNKNOWN, run_chunk
from sim.histories import simulate_night
from sim.night import Night
from sim.parts import FLAG
from sim.plan import Plan
from sim.tally import Tally, tally
from tests.sim.plans import plan_of

FOUR = ("service-failure", "primary-database-failure", "market-data-feed-interruption", "redis-outage")
ROUGH = {"people.step-fails": 0.3, "people.wrong-turn": 0.3, "people.missed-page-night": 0.6, "people.other-incident": 0.5}
CODES = {Verdict.PASS: MET, Verdict.FAIL: MISSED, Verdict.UNKNOWN: UNKNOWN}


def differences(light: Tally, measured: Measures) -> list[str]:
    """Which measures of the light record are not those of the history."""
    pairs: dict[str, tuple[float, float | int | None]] = {
        "detect": (light.detect_s, measured.time_to_detect_s), "acknowledge": (light.acknowledge_s, measured.time_to_acknowledge_s),
        "mitigate": (light.mitigate_s, measured.time_to_mitigate_s), "recover": (light.recover_s, measured.time_to_recover_s),
        "recovery point": (light.recovery_point_s, measured.recovery_point_s), "lost": (light.lost, measured.lost_writes),
        "outage": (light.outage_s, measured.outage_s), "outages": (light.outages, measured.outages),
        "witnesses": (light.witnesses, measured.witnesses),
    }  # fmt: skip
    if light.told is not None:
        pairs |= {
            "first update": (light.told.first_update_s, measured.time_to_first_update_s),
            "longest gap": (light.told.update_gap_s, measured.longest_update_gap_s),
            "resolution": (light.told.resolution_update_s, measured.time_to_resolution_update_s),
            "updates due": (light.told.updates_due_s, measured.updates_due_s),
        }
    return [
        f"{name}: {one} and {other}"
        for name, (one, other) in pairs.items()
        if (other is None) != math.isnan(one) or (other is not None and abs(one - other) > 1e-6)
    ]


@pytest.mark.parametrize(
    "name",
    [*FOUR, "long-redis-outage", "database-corruption-off-site", "database-corruption", "failover-synchronous", "bad-release"],
)
def test_the_light_record_of_a_night_is_what_its_history_measures(name: str) -> None:
    """Night for night, also where everything goes wrong, the fast way gives harness.measure's figures and harness.verdict's answers."""
    plan = plan_of(name, figures=ROUGH)
    columns = run_chunk(plan, 0, 12)
    for number in range(12):
        night, history = simulate_night(plan, number)
        measured = measure(history)
        assert differences(tally(night), measured) == [], f"night {number}"
        for index, (target_name, target) in enumerate(targets_of(history).items()):
            verdict = judge_target(target_name, target, measured, status_of(history)).verdict
            assert columns[f"met {index}"][number] == CODES[verdict], f"night {number}: {target_name}"


def test_a_night_replayed_alone_is_the_night_of_the_campaign() -> None:
    """Night 437 alone has the bits that it has among 500, and listening to it changes nothing."""
    plan = plan_of("primary-database-failure")
    campaign = run_chunk(plan, 0, 500)
    night, _ = simulate_night(plan, 437)
    assert tally(night).recover_s == campaign["recover_s"][437]
    assert tally(Night(plan, plan.draws.rows(437, 1)[0]).run()).recover_s == campaign["recover_s"][437]


def test_where_the_time_went_adds_up_to_the_time_to_recover() -> None:
    """The segments of the critical path leave no second out and count none twice."""
    plan = plan_of("primary-database-failure", figures=ROUGH)
    for row in plan.draws.rows(0, 200):
        found = tally(Night(plan, row).run())
        if not math.isnan(found.recover_s):
            assert sum(found.spent_s) == pytest.approx(found.recover_s)


def events(history: History) -> list[str]:
    """What happened, in its order, without the observer's ledger."""
    return [event.kind for event in history.events if not event.kind.startswith(("op.", "step.", "command."))]


def test_a_quiet_drill_goes_as_a_live_one_does() -> None:
    """With the responder of live drills: fault, alert, page, acknowledgement, procedure, cut-over, recovery, in that order."""
    _, history = simulate_night(plan_of("primary-database-failure", people="drill"), 3)
    assert [each for each in events(history) if each != "update.posted"] == [
        "drill.started", "stack.booted", "steady.proven", "fault.injected", "fault.bit", "fault.injected", "fault.bit", "alert.firing",
        "page.sent", "page.acknowledged", "procedure.started", "cutover", "procedure.finished", "recovery.proven", "readback.orders",
        "check.finished", "drill.finished",
    ]  # fmt: skip
    told = [event for event in history.events if event.kind == "update.posted"]
    proven = history.first("recovery.proven")
    assert proven is not None
    assert [each.data["status"] for each in told] == ["identified", "resolved"]
    assert told[0].at_s < proven.at_s < told[1].at_s


def nights(plan: Plan, count: int = 300) -> list[Night]:
    return [Night(plan, row).run() for row in plan.draws.rows(0, count)]


def test_an_alert_fires_on_the_monitors_grid_after_its_for() -> None:
    """`service_down` of a killed process: one scrape, one evaluation and 30 s, so between 30 and 40 s, always at an evaluation."""
    plan = plan_of("service-failure", people="drill")
    found = nights(plan)
    delays = [night.fired_s - night.injected_s for night in found if night.fired_s is not None]
    assert len(delays) == 300
    assert min(delays) > 30
    assert max(delays) <= 40
    assert all(math.isclose((night.fired_s or 0) % plan.watching.evaluate_s, 0, abs_tol=1e-6) for night in found)


def test_a_page_that_nobody_hears_climbs_the_ladder() -> None:
    """With every page missed nobody comes and the night is given up; with half of them missed others acknowledge, after their rung."""
    deaf = nights(
        plan_of("service-failure", people__missed_page_night=1, people__missed_page_work=1, people__missed_page_evening=1), 20
    )
    assert all(night.acknowledged_s is None and night.flags & FLAG["level-3"] for night in deaf)
    half = nights(
        plan_of("service-failure", people__missed_page_night=0.5, people__missed_page_work=0.5, people__missed_page_evening=0.5)
    )
    seniors = [night for night in half if night.level == 2 and night.acknowledged_s is not None and night.paged_s is not None]
    assert seniors
    assert all((night.acknowledged_s or 0) - (night.paged_s or 0) > 900 for night in seniors)


def test_another_incident_keeps_the_only_pair_of_hands() -> None:
    """With one person the procedure waits for the other incident in some nights; with two people it never does."""
    one, two = (
        sum(
            any(segment == 2 for _, segment in night.path)
            for night in nights(plan_of("service-failure", people__other_incident=1, people__hands=hands))
        )
        for hands in (1, 2)
    )
    assert one > 30
    assert two == 0


def test_a_shift_that_ends_hands_over() -> None:
    """An incident at 7:58 is handed over at 8:00, one at 9:00 is not."""
    late, early = (
        nights(plan_of("primary-database-failure", people__hour=hour, people__missed_page_night=0), 40) for hour in (7.97, 9.0)
    )
    assert all(night.flags & FLAG["hand-over"] for night in late)
    assert not any(night.flags & FLAG["hand-over"] for night in early)


def test_it_takes_longer_at_three_in_the_morning() -> None:
    """Who is woken acknowledges later than who sits at the desk: the median at 3:00 is that of 10:00 times the assumed factor."""
    night, day = (
        sorted(
            (each.acknowledged_s or math.inf) - (each.paged_s or 0)
            for each in nights(plan_of("service-failure", people__hour=hour))
        )[150]
        for hour in (3.0, 10.0)
    )
    assert night > 2 * day


def test_synchronous_replication_loses_nothing() -> None:
    """With remote_apply no night loses a write; without it nearly all do, by the replica's distance."""
    lost = [
        sum(tally(night).lost > 0 for night in nights(plan_of("primary-database-failure", settings=settings), 100))
        for settings in ({"postgres.synchronous_commit": "remote_apply"}, {})
    ]
    assert lost[0] == 0
    assert lost[1] > 90


def test_a_restore_from_off_site_loses_what_was_not_shipped() -> None:
    """At most one interval of the log's shipping, and in the mean half of it."""
    points = [tally(night).recovery_point_s for night in nights(plan_of("database-corruption-off-site"))]
    assert max(points) < 301
    assert 100 < sum(points) / len(points) < 200


def test_a_fault_that_mends_itself_is_waited_for() -> None:
    """Redis is back after 240 s: no night recovers sooner, and the step that waits for it is tried again and again."""
    plan = plan_of("redis-outage", people="drill")
    found = [tally(night).recover_s for night in nights(plan, 50)]
    assert min(found) >= 240
    _, history = simulate_night(plan, 0)
    assert sum(event.subject == "wait until Redis answers" for event in history.of_kind("command.finished")) > 3


def test_planned_work_is_refused(tmp_path: object) -> None:
    """What the model has no idea of gives no figures, but one message that names the file."""
    with pytest.raises(InvalidInput, match="can't be simulated: it rehearses planned work"):
        plan_of("scheduled-maintenance")


def test_a_fault_that_nobody_feels_proves_nothing() -> None:
    """Double fills put nothing out: no target of such a night counts as met, and the plan says why."""
    plan = plan_of("broker-double-fills")
    assert not plan.felt
    assert any("feel nothing" in note for note in plan.notes)
    columns = run_chunk(plan, 0, 10)
    numbers = [number for number, target in enumerate(plan.targets.values()) if target.measure == "time_to_recover_s"]
    assert all((columns[f"met {number}"] != MET).all() for number in numbers)


def test_a_lost_site_is_rebuilt_from_what_was_shipped() -> None:
    """All is out until the last step that acts; what was acknowledged since the last shipment is lost, at most five minutes of it."""
    plan = plan_of("infrastructure-loss")
    for night in nights(plan, 30):
        found = tally(night)
        assert found.recover_s > sum(found.spent_s[:2])
        assert 0 <= found.recovery_point_s < 301
        assert night.flags & FLAG["restored"]


def test_a_restore_of_what_was_never_shipped_has_lost_everything() -> None:
    """Without a shipment before the fault all that was acknowledged is lost, and that is a number, not a crash."""
    plan = plan_of("infrastructure-loss")
    night = nights(plan, 1)[0]
    night.cutovers = [(cut_s, -math.inf, dead_s) for cut_s, _, dead_s in night.cutovers]
    found = tally(night)
    assert found.lost > 400
    assert found.recovery_point_s > 400


def test_status_updates_come_in_their_time_and_the_last_one_tells_the_end() -> None:
    """In 40 minutes without Redis: a first one soon after the acknowledgement, one every 25 minutes, the news after the settle time."""
    plan = plan_of("long-redis-outage", people="drill")
    for night in nights(plan, 60):
        found = tally(night)
        assert found.told is not None
        assert night.acknowledged_s is not None
        assert 0 < night.injected_s + found.told.first_update_s - night.acknowledged_s < 300
        assert 22 * 60 < found.told.update_gap_s < 30 * 60
        assert found.told.resolution_update_s > plan.load.settle_s
        assert found.observed_s > found.recover_s + found.told.resolution_update_s
    columns = run_chunk(plan, 0, 60)
    for number, name in enumerate(plan.targets):
        if name in {"first-update", "updates-p0-p1", "resolution-update"}:
            assert (columns[f"met {number}"] == MET).all(), name


def test_a_silence_that_was_too_long_is_missed(tmp_path: Path) -> None:
    """Whoever writes every hour only breaks the promise of 30 minutes, and a short incident does not ask for a second update."""
    text = find_scenarios(["long-redis-outage"])[0].read_text()
    path = tmp_path / "silent.yaml"
    path.write_text(
        text.replace("updates: {}", "updates: {every: {median: 35m, p95: 35m}}").replace("procedure: ", "procedure: ", 1)
    )
    plan = plan_of(str(path), people="drill")
    at = list(plan.targets).index("updates-p0-p1")
    assert (run_chunk(plan, 0, 20)[f"met {at}"] == MISSED).all()
    short = plan_of("redis-outage", people="drill")
    assert "update_gap_s" in run_chunk(short, 0, 2)
    assert "update_gap_s" not in run_chunk(plan_of("bad-release"), 0, 2)
