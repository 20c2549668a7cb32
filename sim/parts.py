"""What a plan of a night is made of: plain records that travel to workers, looked up thousands of times a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from sim.effects import Verb

Sees = Literal["up", "orders-failed", "error-rate", "feed", "latency", "other"]
Waits = Literal["no", "healing", "served"]

# Where the time until recovery goes, beside the steps of the procedure.
DETECTION, PAGING, HANDS, HAND_OVER, WRONG, RETRIES, MENDING = range(7)
SEGMENTS = (
    "until the alert fires", "until somebody has acknowledged", "waiting for free hands", "handing over", "wrong turns",
    "retries, roll-backs, the next level", "until the stack serves again",
)  # fmt: skip

# States that a night can reach, by name; a campaign can demand that each occurred.
STATES = (
    "failover-under-load", "restored", "recovered", "given-up", "never-paged", "page-missed", "level-2", "level-3", "executive",
    "other-incident", "hand-over", "wrong-turn", "retry", "roll-back", "market-hours", "asleep", "writes-lost",
)  # fmt: skip
FLAG = {name: 1 << number for number, name in enumerate(STATES)}


@dataclass(frozen=True, slots=True)
class Condition:
    """One fault, as clients, monitors and commands see it. `bit` is its own in the night's masks."""

    name: str
    kind: str
    number: int
    bit: int
    at_s: float
    until_s: float | None
    after: str | None
    heal_after_s: float | None
    orders: bool  # orders fail while it lasts
    orders_after_s: float  # they begin to fail so long after it
    canary: bool
    up: bool  # `up` of a scraped job is 0
    hangs: bool
    feed: bool
    writer: bool  # it strikes the database that takes the writes
    moved: bool  # a failover leaves it behind
    parts: frozenset[str]
    ended_by: frozenset[Verb]
    ended_at: int | None  # the number of the step that ends it where no command is known to
    mended: bool  # is there a step at all that ends it
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """One verb of a step's command. `parts` empty: all."""

    verb: Verb
    parts: frozenset[str]
    if_down: bool
    off_site: bool


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step. `normals` and `uniforms` are where its draws begin in a night's row."""

    number: int
    name: str
    command: str
    acts: tuple[Act, ...]
    changes: bool  # it does something, so it can go wrong
    gap: bool  # it restarts what works, which clients feel
    verification: bool
    stops: bool  # a failure ends the procedure
    waits: Waits
    retry_s: float
    budget_s: float
    normals: int
    uniforms: int
    more_s: float  # beside the drawn duration: what moving the data takes
    special: bool  # its command is more than a wait of the drawn duration


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """One expected alert. `rise` is where its draw stands; -1: scrapes tell."""

    name: str
    sees: Sees
    for_s: float
    severity: str
    rise: int


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of the escalation ladder: who is paged so long after the first page."""

    after_s: float
    level: int
    who: str


@dataclass(frozen=True, slots=True)
class People:
    """The figures of people, ready for use."""

    hour: float
    work: tuple[float, float]
    night: tuple[float, float]
    missed: tuple[float, float, float]  # at work, in the evening, asleep
    slower: tuple[float, float, float]
    think_slower: tuple[float, float, float]
    severity_slower: float
    holds_at_night: bool  # P2 and P3 are paged in business hours only
    rungs: tuple[Rung, ...]
    hands: int
    other_incident: float
    wrong_turn: float
    eyes: float
    step_fails: float
    verify_beside: bool
    shift_every_s: float


@dataclass(frozen=True, slots=True)
class Watching:
    """How the monitor looks: seconds between scrapes and evaluations."""

    scrape_s: float
    evaluate_s: float
    scrape_timeout_s: float
    group_wait_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """What the observer sends, and when the steady state holds."""

    order_every_s: float
    canary_every_s: float
    success_ratio: float
    settle_s: float
    lead_s: float  # steady before the first fault
    witness_s: float = 5.0
