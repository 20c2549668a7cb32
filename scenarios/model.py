"""The typed models of a scenario, a stack, targets and alert rules.

Everything that comes from a file is one of these pydantic models: unknown keys and wrong types are errors. Durations are
written `500ms`, `30s`, `5m`, `2h` or `1h30m` and are floats of documented seconds here; fields that hold them end in `_s`
and drop that suffix in the file (`settle: 60s`). Names in files use hyphens.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(value: object) -> float:
    """`1h30m` -> 5400.0. A bare number is refused: its unit would be a guess. Raises ValueError."""
    if isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    if value == 0 and not isinstance(value, bool):
        return 0.0
    raise ValueError(f"{value!r} is not a duration; write a number with its unit: 500ms, 30s, 5m, 2h or 1h30m")


def _hyphens(name: str) -> str:
    return name.removesuffix("_s").replace("_", "-")


Duration = Annotated[float, BeforeValidator(parse_duration)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class FileModel(BaseModel):
    """A model that is read from a file: immutable, unknown keys refused, hyphenated keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_hyphens, populate_by_name=True)


# --- stack ---------------------------------------------------------------------------------------------------------

Program = Literal[
    "gui-gateway", "data-ingestor", "indicator-engine", "signal-generator", "risk-manager", "execution-engine",
    "broker", "price-provider", "exporter", "pager",
]  # fmt: skip


class Service(FileModel):
    """One service of the stack: an operating-system process that runs a program of `fakes/`."""

    program: Program
    port: int = Field(ge=1, le=65535, description="The documented port: the service address that clients use.")
    deployment: str | None = Field(None, description="Its name in Kubernetes commands; none: kubectl doesn't know it.")
    compose: str | None = Field(None, description="Its name in docker compose commands; none: compose doesn't know it.")
    inside: bool = Field(True, description="False for parties outside the platform: broker, price providers, pager.")
    depends_on: tuple[str, ...] = ()
    settings: dict[str, Any] = Field(default_factory=dict)


class Datastore(FileModel):
    """One instance of Postgres or Redis."""

    kind: Literal["postgres", "redis"]
    port: int = Field(description="The port that this very instance listens on; clients use the service address.")
    statefulset: str | None = None
    compose: str | None = None
    role: str = Field("primary", description="The label that service addresses select by: writer, replica, primary.")
    replica_of: str | None = None


class Address(FileModel):
    """A service address in front of datastore instances: re-pointed by a failover, like a Kubernetes service."""

    port: int
    kubernetes: str | None = None
    selector: dict[str, str]


class Link(FileModel):
    """One directed connection. Each has a Toxiproxy proxy of its own, named `from -> to`."""

    source: str = Field(alias="from")
    to: str


class Monitoring(FileModel):
    scrape_every_s: Duration = 5.0
    evaluate_every_s: Duration = 5.0
    rules: tuple[str, ...] = Field(description="Prometheus rule files, relative to scenarios/.")
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
    settings: dict[str, Any] = Field(default_factory=dict, description="Defaults of `--set` keys: postgres.*, redis.*, risk.* ...")


# --- scenario ------------------------------------------------------------------------------------------------------


class _Fault(FileModel):
    name: str | None = Field(None, description="How the report calls it; by default its kind and subject.")
    at_s: Duration = Field(0.0, description="Documented time after the steady state was proven.")
    heal_after_s: Duration | None = Field(None, description="None: it stays until the procedure or the end of the drill heals it.")


class ProcessKill(_Fault):
    """kill -9 of a process of the stack (a service or a datastore instance). Healing does not restart it: somebody must."""

    fault: Literal["process.kill"]
    process: str


class ProcessPause(_Fault):
    """SIGSTOP of a process and all its children; healed by SIGCONT."""

    fault: Literal["process.pause"]
    process: str


class LinkDown(_Fault):
    """Links are cut: existing connections closed, new ones refused. `*` matches any name: `* -> redis`."""

    fault: Literal["link.down"]
    links: tuple[str, ...]


class LinkToxic(_Fault):
    """A Toxiproxy toxic on links."""

    fault: Literal["link.toxic"]
    links: tuple[str, ...]
    toxic: Literal["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"]
    stream: Literal["upstream", "downstream"] = "downstream"
    toxicity: float = Field(1.0, ge=0, le=1)
    attributes: dict[str, int] = Field(default_factory=dict)


Fault = Annotated[ProcessKill | ProcessPause | LinkDown | LinkToxic, Field(discriminator="fault")]


class Load(FileModel):
    """What the observer does: open loop, evenly paced in wall time."""

    orders_per_s: float = Field(25.0, gt=0, le=500)
    canary_every_s: Duration = Field(0.5, description="Wall seconds between canary ticks.")
    symbols: tuple[str, ...] = ("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "USDCAD", "NZDUSD", "EURGBP")


class SteadyState(FileModel):
    """When the stack counts as healthy, as its clients see it. The same definition proves readiness and recovery."""

    success_ratio: float = Field(0.99, gt=0, le=1, description="Share of orders and of canaries that must succeed in time.")
    order_within_ms: float = Field(500.0, gt=0, description="An order slower than this (wall) counts as failed.")
    canary_within_ms: float = Field(2000.0, gt=0)
    hold_s: Duration = Field(20.0, description="How long it must hold before the first fault.")
    settle_s: Duration = Field(60.0, description="How long it must hold after recovery, counted from its first instant.")


class Detection(FileModel):
    alerts: tuple[str, ...] = Field(min_length=1, description="Any of these counts as detected; the first to fire is measured.")
    give_up_after_s: Duration = 600.0


class HumanDelay(FileModel):
    """A log-normal delay, drawn from the drill's seed. Equal figures make it fixed."""

    median_s: Duration
    p95_s: Duration


class Response(FileModel):
    procedure: str = Field(description="runbooks/FILE.md#anchor, relative to scenarios/.")
    acknowledge: HumanDelay = HumanDelay(median_s="45s", p95_s="90s")  # type: ignore[arg-type]
    step: HumanDelay = Field(HumanDelay(median_s="8s", p95_s="15s"), description="Reading and typing before each step.")  # type: ignore[arg-type]
    bindings: dict[str, str] = Field(default_factory=dict, description="What the procedure's placeholders stand for.")


class Scenario(FileModel):
    """One thing to rehearse."""

    title: str
    description: str
    tags: tuple[str, ...] = ()
    source: tuple[str, ...] = Field(default=(), description="document:line of what this rehearses.")
    stack: str = "eafix"
    settings: dict[str, Any] = Field(default_factory=dict, description="Stack settings for this scenario; --set overrides them.")
    conditions: tuple[Fault, ...] = Field(default=(), description="In force from before the steady state to the end; not the fault.")
    load: Load = Load()
    steady_state: SteadyState = SteadyState()
    faults: tuple[Fault, ...] = Field(min_length=1)
    detection: Detection
    response: Response
    give_up_after_s: Duration = Field(1800.0, description="After the first fault; then the drill ends as not recovered.")
    targets: tuple[str, ...] = Field(min_length=1, description="Names in targets.yaml.")


# --- targets and rules ---------------------------------------------------------------------------------------------

Measure = Literal[
    "time_to_detect_s", "time_to_acknowledge_s", "time_to_mitigate_s", "time_to_recover_s", "recovery_point_s", "lost_writes"
]


class Target(FileModel):
    """A documented limit for a measure."""

    measure: Measure
    limit: float = Field(ge=0)
    unit: Literal["s", "writes"] = "s"
    source: str = Field(description="document:line, and the words it stands in.")


class TargetFile(FileModel):
    targets: dict[Name, Target]


class AlertRule(FileModel):
    """One rule of a Prometheus rule file."""

    alert: str
    expr: str
    for_s: Duration = 0.0
    severity: str
    source: str
