from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.files import load, load_says

FAULTS = {
    "KILL": "fault: process.kill, process: risk-manager",
    "PAUSE": "fault: process.pause, process: risk-manager",
    "LOOP": "fault: process.crash-loop, process: risk-manager",
    "LEAK": "fault: process.memory-leak, process: risk-manager",
    "HOG": "fault: process.cpu-hog, process: risk-manager",
    "LOCK": "fault: postgres.lock-pile-up, process: postgres-primary",
    "DOWN": 'fault: link.down, links: ["gui-gateway -> redis"]',
}


def written(text: str) -> str:
    """The text with KILL, PAUSE and DOWN spelled out."""
    for word, keys in FAULTS.items():
        text = text.replace(word, keys)
    return text + "\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("faults: [{DOWN, heal-after: 0s}]", "1:74: heal-after: the fault would end as it begins; leave it out for a fault that stays"),
        ("faults: [{KILL, heal-after: 5m}]", "1:55: a killed process is not healed: somebody must start it; leave heal-after out"),
        (
            "faults: [{DOWN, heal-after: 30m}]",
            "1:74: heal-after: 30m is when the drill has given up already; leave it out for a fault that stays",
        ),
        (
            "faults: [{KILL}, {DOWN, at: 30m}]",
            "1:112: at: 30m is when the drill has given up already (give-up-after counts from the first fault)",
        ),
        ("faults: [{KILL}, {PAUSE}]", "1:88: risk-manager is struck by entry 1 of faults at that time already"),
        ("faults: [{KILL}, {KILL}]", "1:87: risk-manager is struck by entry 1 of faults at that time already"),
        (
            "faults: [{PAUSE, heal-after: 20s}, {PAUSE, at: 19s}]",
            "1:106: risk-manager is struck by entry 1 of faults at that time already",
        ),
        ("faults: [{LOOP, heal-after: 20s}, {KILL, at: 19s}]", "1:110: risk-manager is struck by entry 1 of faults at that time already"),
        ("faults: [{LEAK, at: 5s}, {LOOP}, {HOG, at: 9s}]", [
            "1:108: risk-manager is struck by entry 1 of faults at that time already",
            "1:157: risk-manager is struck by entry 2 of faults at that time already",
        ]),
        ("faults: [{LEAK}, {LEAK, at: 5m}]", "1:101: risk-manager is struck by entry 1 of faults at that time already"),
        ("faults: [{LEAK}, {KILL}]", "1:94: risk-manager is struck by entry 1 of faults at that time already"),
        (
            "faults: [{fault: feed.stale, heal-after: 20s}, {fault: feed.stale, at: 19s}]",
            "1:56: feed.stale of price-primary is in force by entry 1 of faults at that time already",
        ),
        (
            "faults: [{fault: dns.wrong, address: redis}, {fault: dns.wrong, address: redis, to: pager, at: 5s}]",
            "1:54: dns.wrong of redis is in force by entry 1 of faults at that time already",
        ),
        (
            "faults: [{fault: object-store.down, at: 5s}, {fault: object-store.down}]",
            "1:54: object-store.down is in force by entry 1 of faults at that time already",
        ),
        (
            "faults: [{fault: redis.flushall, process: redis, heal-after: 5m}]",
            "1:50: what it destroys is not healed: somebody must restore it; leave heal-after out",
        ),
        (
            "faults: [{fault: redis.eviction, process: redis}, {fault: redis.memory-full, process: redis, at: 5s}]",
            "1:59: entry 1 of faults, redis.eviction, holds the same of redis at that time already",
        ),
        (
            "faults: [{LOCK, table: orders}, {LOCK, table: orders, at: 5s}]",
            "1:92: entry 1 of faults, postgres.lock-pile-up, holds the same of postgres-primary at that time already",
        ),
        ("steady-state: {hold: 31m}", "1:22: hold: 31m is longer than give-up-after, 30m; the drill would always give up"),
        ("steady-state: {settle: 31m}", "1:24: settle: 31m is longer than give-up-after, 30m; the drill would always give up"),
        ("steady-state: {settle: 3m}\ngive-up-after: 2m", "1:24: settle: 3m is longer than give-up-after, 2m; the drill would always give up"),
        ("faults: [{DOWN, at: 30s, until: 30s}]", "1:78: until: 30s is not later than at, 30s; the time is drawn between them"),
        ("faults: [{DOWN, after: alert}]", "1:69: every fault waits for a moment that only another fault can bring about; one has to come first"),
        ("conditions: [{DOWN, after: page}]", "1:66: a condition is in force from the start to the end; 'after' belongs to a fault"),
        ("conditions: [{DOWN, until: 5s}]", "1:66: a condition is in force from the start to the end; 'until' belongs to a fault"),
        ("conditions: [{DOWN, at: 5s}]", "1:66: a condition is in force from the start to the end; 'at' belongs to a fault"),
        ("conditions: [{DOWN, heal-after: 5s}]", "1:66: a condition is in force from the start to the end; 'heal-after' belongs to a fault"),
    ],
)  # fmt: skip
def test_what_can_never_happen_is_refused(tmp_path: Path, text: str, message: str | list[str]) -> None:
    """A drill that cannot show anything is not begun."""
    messages = [message] if isinstance(message, str) else message
    assert load_says(tmp_path, written(text)) == [f"test.yaml:{each}" for each in messages]


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        ("{median: 45s, p95: 30s}", "p95: 30s is shorter than the median, 45s"),
        (
            "{median: 0s, p95: 30s}",
            "median: a delay that is sometimes there has a median above 0; for none at all make p95 0s too",
        ),
    ],
)
def test_a_delay_that_no_distribution_has_is_refused(tmp_path: Path, delay: str, message: str) -> None:
    """A percentile below the median, and a log-normal delay around 0."""
    text = f"response:\n  procedure: runbooks/incident-response.md#redis-outage\n  acknowledge: {delay}\n"
    [problem] = load_says(tmp_path, text)
    assert problem.partition(": ")[2] == message


@pytest.mark.parametrize(
    "text",
    [
        "faults: [{KILL}, {KILL, at: 5m}]",  # somebody has restarted it
        "faults: [{PAUSE, heal-after: 20s}, {PAUSE, at: 20s}]",
        "faults: [{PAUSE, at: 20s}, {PAUSE, heal-after: 20s}]",
        "faults: [{KILL}, {fault: process.kill, process: redis}]",
        "faults: [{DOWN, heal-after: 29m}]",
        "faults: [{KILL, at: 40m}]",  # give-up-after counts from the first fault, whenever that is
        "faults: [{KILL, at: 40m}, {DOWN, at: 69m}]",
        "faults: [{LOOP, heal-after: 20s}, {KILL, at: 20s}]",
        "faults: [{KILL}, {LOOP, at: 5m}]",  # somebody has restarted it
        "faults: [{LOCK, table: orders}, {LOCK, table: positions}]",
        "faults: [{fault: redis.eviction, process: redis, heal-after: 5s}, {fault: redis.memory-full, process: redis, at: 5s}]",
        "faults: [{LEAK}, {HOG}]",  # of one process both
        "faults: [{KILL}, {PAUSE, after: alert}]",  # whenever that is
        "faults: [{LEAK, heal-after: 1m}, {LEAK, at: 1m}]",
        "faults: [{fault: feed.stale}, {fault: feed.stale, process: price-backup}, {fault: feed.spikes}]",
        "faults: [{fault: logins.brute-force}, {fault: logins.brute-force, user: ops-1}]",  # who knows of whom
        "faults: [{KILL, at: 20s}, {PAUSE}]",  # a paused process can be killed
    ],
)  # fmt: skip
def test_what_can_happen_is_not_refused(tmp_path: Path, text: str) -> None:
    """Times that touch without overlapping, and faults that somebody must have mended in between."""
    assert load(tmp_path, written(text)).scenario.faults


PLAN = "change: {procedure: 'runbooks/eafix-operations.md#prepare-a-deployment'}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("detection: {}\n", "nobody would notice it; name 'alerts', or say when people do: reported-after"),
        (PLAN + "detection: {must-not-page: true, alerts: [service_down]}\n", "nobody may be paged, so nothing is to notice it; leave 'alerts' out"),
        ("detection: {must-not-page: true}\n", "nobody may be paged during planned work; say which work: change: {procedure: ...}"),
        ("faults: [{KILL}, {DOWN, after: change}]", "no work is planned in this scenario; add change: {procedure: ...}"),
    ],
)  # fmt: skip
def test_somebody_must_be_able_to_notice_it(tmp_path: Path, text: str, message: str) -> None:
    """An alert, people, or nobody during planned work."""
    assert message in str(load_says(tmp_path, written(text)))


def test_planned_work_may_come_before_every_fault(tmp_path: Path) -> None:
    """It begins by itself, so a fault that waits for it is injected; with people who report no alert is needed."""
    scenario = load(tmp_path, written(PLAN + "faults: [{KILL, after: change, at: 5s}]")).scenario
    assert scenario.change is not None
    assert load(tmp_path, "detection: {reported-after: 5m}\n").scenario.detection.reported_after_s == 300
