"""The typed models of a scenario, a stack, targets and alert rules.

Everything that comes from a file is one of these pydantic models: unknown keys and wrong types are errors. Durations are
written `500ms`, `30s`, `5m`, `2h` or `1h30m` and are floats of documented seconds here; fields that hold them end in `_s`
and drop that suffix in the file (`settle: 60s`). Names in files use hyphens. A model dumped as JSON writes durations as a
file does, so it can be read again.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from scenarios.documented import Alarm, Due, Indicator, Stated
from scenarios.faults import Fault
from scenarios.fields import Duration, FileModel, Name, PositiveDuration

# --- stack ---------------------------------------------------------------------------------------------------------

Program = Literal[
    "gui-gateway", "data-ingestor", "indicator-engine", "signal-generator", "risk-manager", "execution-engine",
    "broker", "price-provider", "exporter", "pager", "chat",
    "trading-api", "rate-gate", "loki", "mlflow", "websocket", "ingress",
]  # fmt: skip


_TWIN = "What it is at the second site, in place of this one at the first: the services beside it know it by that name."


class Service(FileModel):
    """One service of the stack: an operating-system process that runs a program of `fakes/`."""

    program: Program
    port: int = Field(ge=1, le=65535, description="The documented port: the service address that clients use.")
    deployment: str | None = Field(None, description="Its name in Kubernetes commands; none: kubectl doesn't know it.")
    compose: str | None = Field(None, description="Its name in docker compose commands; none: compose doesn't know it.")
    inside: bool = Field(True, description="False for parties outside the platform: broker, price providers, pager, chat.")
    depends_on: tuple[str, ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)
    namespace: str | None = Field(None, description="Its Kubernetes namespace; none: that of the stack.")
    aliases: tuple[str, ...] = Field((), description="Further names of its deployment: the documents call it so too.")
    labels: dict[str, str] = Field(default_factory=dict, description="Labels of its pod, beside `app`.")
    standby_for: str | None = Field(
        None,
        description="The service beside which it may be brought up, with the same links: not there until somebody creates it.",
    )
    pm2: str | None = Field(None, description="Its name in pm2 commands; none: pm2 doesn't know it.")
    image: str | None = Field(None, description="The repository of its image, without a tag.")
    version: str = Field("1.0.0", description="The version that runs at first.")
    twin_of: str | None = Field(None, description=_TWIN)

    @property
    def standby(self) -> bool:
        """Whether it is not there at first."""
        return self.standby_for is not None or self.twin_of is not None


class Datastore(FileModel):
    """One instance of Postgres or Redis."""

    kind: Literal["postgres", "redis"]
    port: int = Field(description="The port that this very instance listens on; clients use the service address.")
    statefulset: str | None = None
    compose: str | None = None
    role: str = Field("primary", description="The label that service addresses select by: writer, replica, primary.")
    replica_of: str | None = None
    systemd: str | None = Field(None, description="The unit that systemctl knows it by; none: systemctl doesn't know it.")
    twin_of: str | None = Field(None, description=_TWIN)


class Address(FileModel):
    """A service address in front of datastore instances: re-pointed by a failover, like a Kubernetes service."""

    port: int
    kubernetes: str | None = None
    selector: dict[str, str]
    twin_of: str | None = Field(None, description=_TWIN)


class Link(FileModel):
    """One directed connection. Each has a Toxiproxy proxy of its own, named `from -> to`."""

    source: str = Field(alias="from")
    to: str


class Ingress(FileModel):
    """The way in from outside: which host names lead to which services."""

    name: str
    namespace: str | None = None
    hosts: dict[str, str] = Field(description="Host name to service.")


class Sites(FileModel):
    """Two sites: the first has all that is no twin, the second the twins. Clients are led to one of them by a name (Route 53)."""

    first: Name = Field("primary", description="What the first site is called.")
    second: Name = Field("dr", description="What the second site is called.")
    name: str = Field(description="The name that clients know, such as trading.eafix.example.")
    hosts: dict[Name, str] = Field(
        description="For each site the name that `name` is an alias (CNAME) of while clients are led there."
    )
    ttl_s: PositiveDuration = Field(60.0, description="How long clients keep an answer, at first; a later record brings its own.")


class Monitoring(FileModel):
    """What is watched, how often, and by which rules."""

    scrape_every_s: PositiveDuration = 5.0
    evaluate_every_s: PositiveDuration = 5.0
    rules: tuple[str, ...] = Field(description="Prometheus rule files, relative to this file or to scenarios/.")
    scrape: tuple[str, ...] = Field(description="Services and exporter targets that are scraped; job = this name.")


class Stack(FileModel):
    """The system under drill."""

    title: str
    description: str = ""
    services: dict[Name, Service]
    datastores: dict[Name, Datastore]
    addresses: dict[Name, Address]
    links: tuple[Link, ...]
    monitoring: Monitoring
    settings: dict[str, Any] = Field(
        default_factory=dict, description="Defaults of `--set` keys: postgres.*, redis.*, risk.* ..."
    )
    setting_choices: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="The values that a setting may have.")
    prefix: Name = Field(
        "eafix", description="What the cluster's names of datastores begin with: the label app of eafix-postgres."
    )
    namespace: str = Field("default", description="The Kubernetes namespace of everything that names no other.")
    helm: str | None = Field(None, description="The Helm release that all of it belongs to.")
    ingress: Ingress | None = None
    objects: tuple[dict[str, Any], ...] = Field((), description="Kubernetes manifests of what else is there from the start.")
    environment: dict[str, str] = Field(
        default_factory=dict,
        description="Variables on the operator's workstation; {port:NAME} stands for the port of an address or a service.",
    )
    schemas: tuple[str, ...] = Field(
        (), description="SQL files, relative to this file, run at the start as the database's owner; once loaded, their texts."
    )
    checkout: Name = Field("eafix", description="Which of the checkouts of fakes/workstation the operator has.")
    sites: Sites | None = Field(None, description="Its two sites; none: all of it is at one.")

    def site_of(self, name: str) -> str | None:
        """The site of a service, a datastore or an address; None for parties outside, and where there are no sites."""
        part = self.services.get(name) or self.datastores.get(name) or self.addresses.get(name)
        if self.sites is None or part is None or (isinstance(part, Service) and not part.inside):
            return None
        return self.sites.second if part.twin_of is not None else self.sites.first

    def at_site(self, site: str) -> list[str]:
        """The services and datastores of a site; none for one that is not there."""
        return [name for name in (*self.services, *self.datastores) if self.site_of(name) == site]


# --- scenario ------------------------------------------------------------------------------------------------------


class Load(FileModel):
    """What the observer does: open loop, evenly paced in wall time, whether it is answered or not."""

    orders_per_s: float = Field(
        25.0, gt=0, le=500, alias="orders-per-s", description="Orders placed through the gateway, per wall second."
    )
    canary_every_s: PositiveDuration = Field(
        0.5, description="Wall time between canary ticks, which are followed from feed to signal."
    )
    symbols: tuple[str, ...] = Field(
        ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "USDCAD", "NZDUSD", "EURGBP"),
        min_length=1,
        description="What is traded.",
    )


class SteadyState(FileModel):
    """When the stack counts as healthy, as its clients see it. The same definition proves readiness and recovery."""

    success_ratio: float = Field(0.99, gt=0, le=1, description="Share of orders and of canaries that must succeed in time.")
    order_within_ms: float = Field(500.0, gt=0, description="An order slower than this (wall) counts as failed.")
    canary_within_ms: float = Field(
        2000.0, gt=0, description="A canary whose signal comes later than this (wall) counts as failed."
    )
    hold_s: Duration = Field(20.0, description="How long it must hold before the first fault.")
    settle_s: PositiveDuration = Field(60.0, description="How long it must hold after recovery, counted from its first instant.")


class Detection(FileModel):
    """Who should notice the fault: alerts, or people; or that nobody may be paged at all."""

    alerts: tuple[str, ...] = Field((), description="Any of these counts as detected; the first to fire is measured.")
    reported_after_s: PositiveDuration | None = Field(
        None,
        description="So long after the fault somebody reports it, if nobody was paged by then: what no alert of the documents can see.",
    )
    must_not_page: bool = Field(False, description="Planned work: every page is a failure, and nobody waits for one.")
    give_up_after_s: PositiveDuration = Field(
        600.0, description="After the fault; from then on nobody waits for an alert any more."
    )


MonitorWish = Literal["auto", "embedded", "prometheus"]


class HumanDelay(FileModel):
    """A log-normal delay, drawn from the drill's seed. Equal figures make it fixed."""

    median_s: Duration = Field(description="Half of the draws are shorter.")
    p95_s: Duration = Field(description="19 of 20 draws are shorter.")


class Updates(FileModel):
    """How whoever keeps the others informed writes into the chat: until the end is told, and then once more."""

    first: HumanDelay = Field(HumanDelay(median_s="1m", p95_s="2m"), description="From the acknowledgement to the first update.")
    every: HumanDelay = Field(
        HumanDelay(median_s="25m", p95_s="27m"),
        description="From one update to the next, while it lasts; 30 minutes are promised.",
    )
    resolution: HumanDelay = Field(
        HumanDelay(median_s="1m", p95_s="2m"), description="From recovery, seen to hold, to the news of it."
    )


class Response(FileModel):
    """Who does what about it."""

    procedure: str = Field(description="runbooks/FILE.md#section, relative to this file or to scenarios/.")
    then: tuple[str, ...] = Field((), description="Further procedures, carried out one after another once the first is done.")
    acknowledge: HumanDelay = Field(HumanDelay(median_s="45s", p95_s="90s"), description="From the page to its acknowledgement.")
    step: HumanDelay = Field(HumanDelay(median_s="8s", p95_s="15s"), description="Reading and typing before each step.")
    bindings: dict[str, str] = Field(
        default_factory=dict, description="What the procedure's placeholders stand for: `service-name: redis` for <service-name>."
    )
    updates: Updates | None = Field(
        None, description="Status updates into the stack's chat; `{}`: as people usually do. None: nobody is asked for any."
    )


class Change(FileModel):
    """Planned work: a procedure that an operator carries out because it is due, and not because somebody was paged."""

    procedure: str = Field(description="runbooks/FILE.md#section, relative to this file or to scenarios/.")
    begins_s: Duration = Field(0.0, description="Documented time after the steady state was proven.")
    step: HumanDelay = Field(HumanDelay(median_s="8s", p95_s="15s"), description="Reading and typing before each step.")
    bindings: dict[str, str] = Field(default_factory=dict, description="What the procedure's placeholders stand for.")


Invariant = Literal[
    "lost-acknowledged-writes", "unexpected-writes", "duplicates", "recovered-unknowns", "positions-equal-executions",
    "executions-equal-fills", "nothing-executed-while-halted", "no-stale-order", "risk-limit-held",
    "one-writer", "shipped-is-there",
]  # fmt: skip


class Expectation(FileModel):
    """What is known beforehand of how it ends. What is expected to go wrong passes by going wrong, and fails otherwise."""

    miss: dict[Name, str] = Field(default_factory=dict, description="Targets that can't be met, each with the reason.")
    broken: dict[Invariant, str] = Field(
        default_factory=dict,
        description="Invariants that can't hold, such as no lost write where some may be lost; each with the reason.",
    )


class Scenario(FileModel):
    """One thing to rehearse."""

    title: str = Field(min_length=1, description="One line: what happens.")
    description: str = Field(description="What is rehearsed, and what one should know to read the result.")
    tags: tuple[str, ...] = ()
    source: tuple[str, ...] = Field(default=(), description="document:line of what this rehearses.")
    stack: str = Field("eafix", description="A name in stacks/, or the path of a stack file.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Stack settings for this scenario; --set overrides them.")
    conditions: tuple[Fault, ...] = Field(
        default=(), description="In force from before the steady state to the end; not the fault."
    )
    load: Load = Load()
    steady_state: SteadyState = SteadyState()
    faults: tuple[Fault, ...] = Field(min_length=1, description="What breaks, and when.")
    detection: Detection
    monitor: MonitorWish = Field(
        "auto",
        description="Who detects: Prometheus with Alertmanager, the embedded evaluator, or the former where they are found.",
    )
    change: Change | None = Field(
        None,
        description="Planned work during which it breaks. One that stops half-way is reported to whoever is on call at once.",
    )
    response: Response
    give_up_after_s: PositiveDuration = Field(1800.0, description="After the first fault; then the drill ends as not recovered.")
    at_most_speed: float | None = Field(
        None,
        ge=1,
        description="Whatever --speed says, it runs no faster: what breaks costs real time, such as guesses at passwords.",
    )
    targets: tuple[str, ...] = Field(min_length=1, description="Names in targets.yaml.")
    expect: Expectation | None = Field(None, description="Targets that this scenario is known to miss; none by default.")


# --- targets and rules ---------------------------------------------------------------------------------------------

Measure = Literal[
    "time_to_detect_s", "time_to_acknowledge_s", "time_to_mitigate_s", "time_to_recover_s", "recovery_point_s", "lost_writes",
    "time_to_first_update_s", "longest_update_gap_s", "time_to_resolution_update_s", "time_to_roll_back_s",
]  # fmt: skip


class Target(Stated):
    """A documented limit for a measure."""

    measure: Measure
    limit: float = Field(ge=0)
    unit: Literal["s", "writes"] = "s"


class TargetFile(FileModel):
    """All documented figures, by name: limits for measures, and those that no measure speaks of."""

    targets: dict[Name, Target]
    due: dict[Name, Due] = Field(default_factory=dict)
    indicators: dict[Name, Indicator] = Field(default_factory=dict)
    alerts: dict[Name, Alarm] = Field(default_factory=dict)


class AlertRule(FileModel):
    """One rule of a Prometheus rule file."""

    alert: str
    expr: str
    for_s: Duration = 0.0
    severity: str
    source: str
