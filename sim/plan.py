"""From a scenario and its assumptions to a plan: everything that is the same in every night, looked up once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scenarios.errors import Problem
from scenarios.faults import Fault
from scenarios.loader import LoadedScenario
from scenarios.model import AlertRule, Target, Updates
from scenarios.runbook import Step, load_procedure
from sim.assumptions import Assumptions
from sim.draws import Draws
from sim.effects import KINDS, Kind, actions_of, harmless, strikes
from sim.judgeable import refuse, unjudged
from sim.parts import SEGMENTS, Act, AlertPlan, Condition, Load, People, Rung, Sees, StepPlan, Waits, Watching
from sim.paths import Path, canary_path, instance_of, orders_path, seen_as

# Places in a night's row. Durations first, then uniform numbers; each step has its own after them.
(PAGE, ACK, ACK_AGAIN, ACK_SENIOR, ACK_MANAGER, ACK_EXECUTIVE, OTHER_WORK, HAND_OVER, ROLL_BACK, LAG, RECONNECT, SETTLE, GAP, SHIP,
 ORDER_MS, CANARY_MS, RISE_ORDERS, RISE_ERRORS, RISE_FEED, RISE_LATENCY, RISE_OTHER,
 UPDATE_FIRST, UPDATE_RESOLVED, UPDATE_EVERY) = range(24)  # fmt: skip
UPDATE_GAPS = 4  # places of the time from one status update to the next, used in turn
_STEPS_FROM = UPDATE_EVERY + UPDATE_GAPS
NORMALS_A_STEP = 4  # thinking, the command, a wrong turn, the command again
UNIFORMS_A_STEP = 3  # wrong turn, first and second failure
(PHASE, SCRAPE, ORDER_PHASE, CANARY_PHASE, HOUR, MISS, OTHER, OTHER_AT, SHIP_PHASE) = (0, 1, 2, 3, 4, 5, 10, 11, 12)
UNIFORMS = 13
_SEES: tuple[tuple[str, Sees, int], ...] = (
    ("orders_failed", "orders-failed", RISE_ORDERS), ("market_data_age", "feed", RISE_FEED), ("duration", "latency", RISE_LATENCY),
    ("status=~", "error-rate", RISE_ERRORS), ("error", "error-rate", RISE_ERRORS),
)  # fmt: skip
_TOLD = frozenset(
    {"time_to_first_update_s", "longest_update_gap_s", "time_to_resolution_update_s"}
)  # where somebody is asked for updates
_MOST_ORDERS = 50_000  # of one night's ledger: longer nights are observed at greater distances, as accelerated drills are
SIMULATED = frozenset(
    {"time_to_detect_s", "time_to_acknowledge_s", "time_to_mitigate_s", "time_to_recover_s", "recovery_point_s", "lost_writes"}
)
_MENDS = frozenset(
    {"provision", "restore", "readdress", "start", "restart", "roll-back", "switch-feed", "settings", "promote", "other"}
)


@dataclass(frozen=True)
class Plan:
    """One scenario, ready to be simulated. It is pickled to workers. `notes` tell what the model had to suppose."""

    name: str
    title: str
    draws: Draws
    people: People
    watching: Watching
    load: Load
    conditions: tuple[Condition, ...]
    alerts: tuple[AlertPlan, ...]
    steps: tuple[StepPlan, ...]
    procedure: str
    targets: Mapping[str, Target]
    give_up_after_s: float
    log_every_s: float | None  # of the shipping of the transaction log; None: there are no backups
    lag_more_s: float
    synchronous: bool
    replica: bool
    severity: str
    reported_after_s: float | None
    updates: bool  # somebody keeps the others informed
    states: tuple[str, ...]  # a campaign of it means nothing where one of these never came
    notes: tuple[str, ...]
    unjudged: tuple[Problem, ...] = ()  # why no answer of a campaign of it could be trusted
    started: Mapping[str, Any] = field(default_factory=dict)  # of `drill.started`, but for the night
    seed: int = 0

    @property
    def felt(self) -> bool:
        """Do clients feel any of its faults? Otherwise nothing can be judged: a night without an outage would prove nothing."""
        return any(each.orders or each.canary for each in self.conditions)

    @property
    def segments(self) -> tuple[str, ...]:
        """Where time goes until recovery, in the order of the columns."""
        return (*SEGMENTS, *(step.name for step in self.steps))


def make_plan(loaded: LoadedScenario, assumptions: Assumptions, *, seed: int, version: str = "") -> Plan:
    """Look everything up once. Raises NotSimulated for a scenario that the simulation can't carry out."""
    refuse(loaded)
    scenario, stack = loaded.scenario, loaded.stack
    notes: list[str] = []
    steps = tuple(_steps(loaded, assumptions))
    synchronous = str(loaded.settings.get("postgres.synchronous_commit")) in {"remote_write", "remote_apply"}
    mending = [step.number for step in steps if step.changes and any(act.verb in _MENDS for act in step.acts)]
    conditions = tuple(_conditions(loaded, steps, mending, synchronous=synchronous, notes=notes))
    verbs = {act.verb for step in steps for act in step.acts}
    replica = any(store.replica_of for store in stack.datastores.values())
    log_every_s = float(loaded.settings["backup.log_every_s"]) if loaded.settings.get("backup.enabled") else None
    severity = next((tag for tag in scenario.tags if tag in {"p0", "p1", "p2", "p3"}), "p0")
    if severity not in scenario.tags:
        notes.append("no tag says how severe it is: it is paged as a P0")
    targets = _told(loaded, notes)
    states = (
        "recovered",
        *(("failover-under-load",) if "promote" in verbs else ()),
        *(("restored",) if "restore" in verbs else ()),
    )
    load = _load(loaded, log_every_s)
    if load.order_every_s > 1 / loaded.scenario.load.orders_per_s + 1e-9:
        notes.append(
            f"such long nights are observed by an order every {load.order_every_s:.2g} s: lost writes are counted among these"
        )
    return Plan(
        name=loaded.name, title=scenario.title, draws=_draws(loaded, assumptions, steps, seed), people=_people(assumptions, severity),
        watching=Watching(
            stack.monitoring.scrape_every_s, stack.monitoring.evaluate_every_s, assumptions["detection.scrape-timeout"],
            assumptions["detection.group-wait"],
        ),
        load=load, conditions=conditions, alerts=tuple(_alerts(loaded, conditions, notes)), steps=steps,
        procedure=scenario.response.procedure, targets=targets, give_up_after_s=_watched_s(loaded),
        log_every_s=log_every_s, lag_more_s=_lag_s(scenario.conditions), synchronous=synchronous, replica=replica, severity=severity,
        reported_after_s=scenario.detection.reported_after_s, updates=scenario.response.updates is not None, states=states, notes=tuple(notes),
        unjudged=unjudged(loaded, conditions), started=_started(loaded, targets, version), seed=seed,
    )  # fmt: skip


def _procedures(loaded: LoadedScenario) -> tuple[Step, ...]:
    """The steps of the scenario's procedure and of those that follow it."""
    response = loaded.scenario.response
    then = (load_procedure(each, loaded.path).bound(response.bindings) for each in response.then)
    return (*loaded.procedure.steps, *(step for procedure in then for step in procedure.steps))


def _watched_s(loaded: LoadedScenario) -> float:
    """How long a night is watched: as long as a live drill is, and half as long again as any target on recovery."""
    limits = (target.limit for target in loaded.targets.values() if target.measure == "time_to_recover_s")
    return max(loaded.scenario.give_up_after_s, *(1.5 * limit for limit in limits), 0.0)


def _told(loaded: LoadedScenario, notes: list[str]) -> dict[str, Target]:
    """The targets that a simulated night can be judged by."""
    measured = SIMULATED | (_TOLD if loaded.scenario.response.updates else frozenset())
    found = {name: target for name, target in loaded.targets.items() if target.measure in measured}
    silent = [name for name in loaded.targets if name not in found]
    if silent:
        notes.append(f"not judged, for nothing in the model measures it: {', '.join(silent)}")
    return found


def _started(loaded: LoadedScenario, targets: Mapping[str, Target], version: str) -> dict[str, Any]:
    scenario = loaded.scenario.model_dump(mode="json", by_alias=True)
    return {
        "stack": "simulated", "speed": 1.0, "versions": {"gameday": version}, "commit": "",
        "scenario": {**scenario, "targets": list(targets)}, "settings": dict(loaded.settings),
        "targets": [{"name": name, **target.model_dump(mode="json")} for name, target in targets.items()],
        "sandbox": "simulated", "toxiproxy": "simulated", "monitor": "simulated", "warnings": [], "started": "1970-01-01T00:00:00.000+00:00",
    }  # fmt: skip


def _load(loaded: LoadedScenario, log_every_s: float | None) -> Load:
    load, steady = loaded.scenario.load, loaded.scenario.steady_state
    lead_s = steady.hold_s + (log_every_s or 0.0)  # so that every write a restore can lose was watched
    thin = max(1.0, (lead_s + _watched_s(loaded)) * load.orders_per_s / _MOST_ORDERS)
    return Load(thin / load.orders_per_s, thin * load.canary_every_s, steady.success_ratio, steady.settle_s, lead_s)


def _draws(loaded: LoadedScenario, assumptions: Assumptions, steps: tuple[StepPlan, ...], seed: int) -> Draws:
    """Which duration has which distribution, in the order of the places."""
    figures, response = assumptions.figures, loaded.scenario.response
    acknowledge = (figures["detection.page-delivery"].at(response.acknowledge.median_s), response.acknowledge.p95_s)
    think = (figures["detection.page-delivery"].at(response.step.median_s), response.step.p95_s)
    scenario_ack, scenario_step = (_spread(figure.value, p95) for figure, p95 in (acknowledge, think))
    updates = response.updates or Updates()
    named = (
        "detection.page-delivery", "", "", "people.senior-acknowledge", "people.manager-acknowledge", "people.executive-acknowledge",
        "people.other-work", "people.hand-over", "people.roll-back", "stack.replication-lag", "stack.reconnect", "stack.settle-again",
        "stack.restart-gap", "stack.ship-takes", "stack.order-latency", "stack.canary-latency", "detection.rise-orders-failed",
        "detection.rise-error-rate", "detection.rise-feed", "detection.rise-latency", "detection.rise-other",
    )  # fmt: skip
    spreads = [(figures[name].mu, figures[name].sigma) if name else scenario_ack for name in named]
    delays = (updates.first, updates.resolution, *[updates.every] * UPDATE_GAPS)
    spreads += [_spread(each.median_s, each.p95_s) for each in delays]
    wrong = figures["people.wrong-turn-time"]
    for step in steps:
        command = figures[f"procedures.{slowest(step.acts)}"]
        spreads += [scenario_step, (command.mu, command.sigma), (wrong.mu, wrong.sigma), (command.mu, command.sigma)]
    return Draws(
        seed,
        loaded.name,
        tuple(mu for mu, _ in spreads),
        tuple(sigma for _, sigma in spreads),
        UNIFORMS + UNIFORMS_A_STEP * len(steps),
    )


def _spread(median_s: float, p95_s: float) -> tuple[float, float]:
    from sim.assumptions import Figure  # noqa: PLC0415 -- the same arithmetic for a scenario's figures

    figure = Figure("", median_s, median_s, median_s, "", p95_s)
    return figure.mu, figure.sigma


_CLASSES = {
    "promote": "promote", "no-standby": "settings", "readdress": "readdress", "restore": "restore", "copy": "copy",
    "ship-log": "ship-log", "roll-back": "roll-release-back", "stop": "stop", "start": "start", "restart": "restart",
    "switch-feed": "switch-feed", "settings": "settings", "provision": "provision", "verify": "verify", "look": "look", "other": "other",
}  # fmt: skip
_SLOWEST = ("provision", "restore", "copy", "roll-back", "promote", "start", "restart", "stop", "readdress", "ship-log", "switch-feed",
            "no-standby", "settings", "verify", "other", "look")  # fmt: skip


def slowest(acts: tuple[Act, ...]) -> str:
    """The class of durations of a step: that of the slowest thing that its command does."""
    verbs = {act.verb for act in acts}
    return _CLASSES[next(verb for verb in _SLOWEST if verb in verbs)]


def _steps(loaded: LoadedScenario, assumptions: Assumptions) -> Iterator[StepPlan]:
    steps, stack = _procedures(loaded), loaded.stack
    found = [actions_of(step.command, stack, verification=step.verification) for step in steps]
    orders, canary = orders_path(stack), canary_path(stack)
    changing = [any(action.verb not in {"look", "verify"} for action in actions) for actions in found]
    mends = [any(action.verb in _MENDS for action in actions) for actions in found]
    gone = any(fault.fault.startswith("site.") for fault in loaded.scenario.faults)  # with what was on site
    moved_s = assumptions["stack.data-gb"] * assumptions["stack.restore-per-gb"]
    normals, uniforms = _STEPS_FROM, _STEPS_FROM + NORMALS_A_STEP * len(steps) + UNIFORMS
    for number, (step, actions) in enumerate(zip(steps, found, strict=True)):
        acts = tuple(Act(each.verb, frozenset(each.subjects), each.if_down, each.off_site or gone) for each in actions)
        gap = any(act.verb == "restart" and not act.if_down and act.parts & (orders.parts | canary.parts) for act in acts)
        waits: Waits = "no"
        if step.retry_s is not None:
            later = any(mends[number + 1 :]) if step.verification else True
            waits = "healing" if later else "served"
        more_s = moved_s if any(act.verb in {"restore", "copy"} for act in acts) else 0.0
        yield StepPlan(
            number, step.name, step.command, acts, changing[number], gap, step.verification, step.on_failure != "continue", waits,
            step.retry_s or 0.0, step.budget_s, normals + NORMALS_A_STEP * number, uniforms + UNIFORMS_A_STEP * number, more_s,
            waits != "no" or gap or more_s > 0,
        )  # fmt: skip


def _conditions(
    loaded: LoadedScenario, steps: tuple[StepPlan, ...], mending: list[int], *, synchronous: bool, notes: list[str]
) -> Iterator[Condition]:
    stack, scenario = loaded.stack, loaded.scenario
    ways = (orders_path(stack), canary_path(stack))
    writer = instance_of(stack, "postgres") if "postgres" in stack.addresses else None
    for number, fault in enumerate(scenario.faults):
        struck = _struck(loaded, fault)
        kind = _kind(fault, notes)
        parts = frozenset(struck)
        out = kind.out and not harmless(fault, scenario.steady_state.order_within_ms)
        feed = out and (kind.stale or _starves(loaded, struck))
        orders, canary = (out and not kind.stale and _meets(way, struck) for way in ways)
        replicating = [
            link for link in struck if "->" in link and link.split("->")[1].strip() == writer and _is_replica(loaded, link)
        ]
        if replicating and synchronous and out:
            orders = True
        stores = (bool(orders) and all(part in stack.datastores for part in parts)) or bool(replicating)
        ended_by = frozenset((*kind.ended_by, *(("switch-feed",) if feed else ())))
        name = fault.name or f"{fault.fault} {', '.join(struck)}"
        ended_at = None
        known = any(act.verb in ended_by and (not act.parts or act.parts & parts) for step in steps for act in step.acts)
        fails_over = stores and any(act.verb == "readdress" for step in steps for act in step.acts)
        if not (orders or canary or feed):
            notes.append(f"{name}: in the model clients feel nothing of it by itself")
        if (
            (orders or canary or feed)
            and fault.heal_after_s is None
            and (fault.fault.startswith("site.") or not (known or fails_over))
        ):
            ended_at = mending[-1] if mending else None
            told = f"the step '{steps[ended_at].name}'" if ended_at is not None else "no step"
            notes.append(f"{name}: no command is known to mend it; {told} is taken to")
        yield Condition(
            name, fault.fault, number, 1 << number, fault.at_s, fault.until_s, fault.after, fault.heal_after_s, bool(orders or feed),
            float(loaded.settings.get("risk.stale_after_s", 60.0)) if feed and not orders else 0.0, canary,
            _seen_by_up(loaded, fault, struck) if kind.seen_by_up and out else False, kind.hangs, feed, writer in parts, stores, parts,
            ended_by, ended_at, known or fails_over or ended_at is not None, fault.model_dump(mode="json", exclude={"name", "at_s", "until_s", "after", "heal_after_s"}),
        )  # fmt: skip


def _kind(fault: Fault, notes: list[str]) -> Kind:
    """What faults like this one do in the model: nothing, and a note says so, where it has no idea of them."""
    if (kind := KINDS.get(fault.fault)) is None:
        notes.append(f"{fault.fault}: the model knows nothing of it")
        return Kind(out=False)
    return kind


def _struck(loaded: LoadedScenario, fault: Fault) -> tuple[str, ...]:
    """What a fault strikes; of a whole site all that is there."""
    stack, site = loaded.stack, getattr(fault, "site", None)
    if site is None:
        return strikes(fault)
    return tuple(name for name in (*stack.services, *stack.datastores) if stack.site_of(name) == site)


def _meets(way: Path, struck: tuple[str, ...]) -> bool:
    return any(way.meets(each) for each in struck)


def _starves(loaded: LoadedScenario, struck: tuple[str, ...]) -> bool:
    """Is it the way from the first price provider to the ingestor, or the ingestor itself?"""
    for each in struck:
        source, arrow, to = (part.strip() for part in each.partition("->"))
        service = loaded.stack.services.get(to if arrow else source)
        if service is not None and (service.program == "price-provider" or (not arrow and service.program == "data-ingestor")):
            return True
    return False


def _is_replica(loaded: LoadedScenario, link: str) -> bool:
    store = loaded.stack.datastores.get(link.split("->", maxsplit=1)[0].strip())
    return store is not None and store.replica_of is not None


def _seen_by_up(loaded: LoadedScenario, fault: Fault, struck: tuple[str, ...]) -> bool:
    """Does a scraped job go down: the part itself, or what the exporter can't ask any more."""
    if fault.fault == "link.toxic" and fault.toxic not in {"timeout", "reset_peer", "limit_data"}:
        return False
    stack = loaded.stack
    for each in struck:
        source, arrow, to = (part.strip() for part in each.partition("->"))
        if arrow and source in {"*", "any", "exporter"} and to in stack.monitoring.scrape:
            return True
        if not arrow and any(seen_as(stack, part) for part in (stack.services | stack.datastores) if each in {part, "*"}):
            return True
    return False


def _alerts(loaded: LoadedScenario, conditions: tuple[Condition, ...], notes: list[str]) -> Iterator[AlertPlan]:
    rules: dict[str, AlertRule] = {rule.alert: rule for rule in loaded.rules}
    plans = []
    for name in loaded.scenario.detection.alerts:
        rule = rules[name]
        sees, rise = next(((sees, place) for word, sees, place in _SEES if word in rule.expr), ("other", RISE_OTHER))
        if rule.expr.startswith(("up ", "up{", "up=")) or "up{" in rule.expr:
            sees, rise = "up", -1
        plans.append(AlertPlan(name, sees, rule.for_s, rule.severity, rise))
    if plans and not any(_can_fire(plan, conditions) for plan in plans):
        notes.append("none of the expected alerts follows from the faults; the first is taken to see the fault itself")
        plans[0] = AlertPlan(plans[0].name, "other", plans[0].for_s, plans[0].severity, RISE_OTHER)
    return iter(plans)


def _can_fire(plan: AlertPlan, conditions: tuple[Condition, ...]) -> bool:
    if plan.sees == "up":
        return any(each.up for each in conditions)
    if plan.sees == "feed":
        return any(each.feed or each.canary for each in conditions)
    return plan.sees == "other" or any(each.orders for each in conditions)


def _people(assumptions: Assumptions, severity: str) -> People:
    a = assumptions
    rungs = [
        Rung(0.0, 1, "on-call engineer"), Rung(a["people.page-again-after"], 1, "on-call engineer"),
        Rung(a["people.senior-after"], 2, "senior engineer"), Rung(a["people.manager-after"], 3, "engineering manager"),
    ]  # fmt: skip
    if severity == "p0":
        rungs.append(Rung(a["people.executive-after"], 4, "CTO"))
    slower = {"p0": 1.0, "p1": a["people.slower-p1"]}.get(severity, a["people.slower-p2"])
    return People(
        hour=a["people.hour"], work=(a["people.work-from-hour"], a["people.work-until-hour"]),
        night=(a["people.night-from-hour"], a["people.night-until-hour"]),
        missed=(a["people.missed-page-work"], a["people.missed-page-evening"], a["people.missed-page-night"]),
        slower=(1.0, a["people.slower-evening"], a["people.slower-night"]), think_slower=(1.0, 1.0, a["people.think-slower-night"]),
        severity_slower=slower, holds_at_night=severity in {"p2", "p3"}, rungs=tuple(sorted(rungs, key=lambda rung: rung.after_s)),
        hands=max(1, round(a["people.hands"])), other_incident=a["people.other-incident"], wrong_turn=a["people.wrong-turn"],
        eyes=a["people.second-pair-of-eyes"], step_fails=a["people.step-fails"], verify_beside=a["people.verify-beside"] >= 0.5,
        shift_every_s=max(a["people.shift-every"], 3600.0),
    )  # fmt: skip


def _lag_s(conditions: tuple[Fault, ...]) -> float:
    """What the conditions of the scenario add to the way of the log to the replica."""
    return sum(
        each.attributes.get("latency", 0) / 1000
        for each in conditions
        if each.fault == "link.toxic" and each.toxic == "latency" and any("replica" in link for link in each.links)
    )
