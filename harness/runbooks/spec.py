"""What the conductor of a check is told before it starts: everything that is decided outside the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.runbooks.plan import Plan
from harness.sandbox.limits import Limits
from harness.sandbox.root import RUN, WORKSTATION
from harness.tools import Tools
from harness.toxiproxy_server import ToxiproxyServer
from scenarios.loader import LoadedScenario
from scenarios.model import AlertRule, Load, Stack, SteadyState
from scenarios.reading import Class

# Whether clients are served, not how fast: a check shares the machine with others.
STEADY = SteadyState.model_validate({"hold": "20s", "settle": "20s", "order-within-ms": 1500, "canary-within-ms": 3500})


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One procedure, once. Paths are those that the sandbox sees."""

    plan: Plan
    stack: Stack
    stack_name: str
    settings: Mapping[str, Any]
    rules: tuple[AlertRule, ...]
    incident: LoadedScenario | None
    seed: int
    speed: float
    tools: Tools
    toxiproxy: ToxiproxyServer
    shown: tuple[Path, ...]  # of the sandbox, to the runbook's commands
    run: Path = RUN
    workstation: Path = WORKSTATION
    limits: Limits = field(default_factory=Limits)
    load: Load = field(default_factory=lambda: Load.model_validate({"orders-per-s": 4.0, "canary-every": "700ms"}))
    steady: SteadyState = STEADY

    @property
    def twice(self) -> bool:
        """Whether it is carried out a second time: a part of it tells nothing about the whole."""
        whole = not any(each.skip_class is Class.NEEDS_BINDING for each in self.plan.units if each.skip)
        return whole and self.plan.again != "unsafe" and self.plan.changes and self.plan.owes != "diagnoses"
