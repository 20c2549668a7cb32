"""What a drill is told before it starts: everything that is decided outside the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.monitor.choice import MonitorChoice
from harness.tools import Tools
from harness.toxiproxy_server import ToxiproxyServer
from scenarios.loader import LoadedScenario


@dataclass(frozen=True, slots=True)
class DrillSpec:
    """One drill. Paths are those that the drill itself sees. It goes no faster than its scenario permits, and a warning says so."""

    drill: str  # its id, which is also the name of its folder
    loaded: LoadedScenario
    seed: int
    speed: float
    stack: Literal["embedded", "containers", "compose"]
    folder: Path  # what stays
    run: Path  # what runs: gone with the drill
    own_network: bool  # every documented port is really that port
    sandbox: Literal["namespaces", "ports", "containers"]
    tools: Tools | None  # None: those that the conductor finds where it runs
    toxiproxy: ToxiproxyServer
    versions: dict[str, str]
    commit: str
    command: str  # what to type to run it again
    warnings: tuple[str, ...] = ()
    respond: Literal["auto", "human"] = "auto"  # who carries the procedure out
    surprise_s: float = 0.0  # documented: the faults come at a random moment within so long, by the seed
    monitor: MonitorChoice = MonitorChoice()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        most = self.loaded.scenario.at_most_speed
        if most is not None and self.speed > most:
            told = f"speed {most:g} instead of {self.speed:g}: the scenario permits no more (at-most-speed)"
            object.__setattr__(self, "speed", most)
            object.__setattr__(self, "warnings", (*self.warnings, told))
