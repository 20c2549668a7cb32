"""Which monitor a drill gets: Prometheus with Alertmanager where they are found, else the embedded evaluator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import MissingTool
from harness.monitor.errors import BadQuery
from harness.monitor.prometheus.rewrite import rewritten
from harness.tools import Tool, find_alertmanager, find_prometheus
from scenarios.model import AlertRule, MonitorWish

# `auto` goes no faster with Prometheus: each interval would be less than 167 ms of the wall, and it takes 5 s of the wall to settle.
FASTEST = 30.0


@dataclass(frozen=True, slots=True)
class MonitorChoice:
    """The monitor of one drill. The programs are those of this machine, or None where somebody else brings them."""

    kind: Literal["embedded", "prometheus"] = "embedded"
    prometheus: Tool | None = None
    alertmanager: Tool | None = None

    def versions(self) -> dict[str, str]:
        """Of the programs, by name."""
        return {tool.name: tool.version for tool in (self.prometheus, self.alertmanager) if tool is not None}

    def folders(self) -> list[Path]:
        """What a sandbox must show of the host for them to run."""
        return [tool.path.resolve().parent for tool in (self.prometheus, self.alertmanager) if tool is not None]


def choose_monitor(
    wish: MonitorWish, rules: Sequence[AlertRule], *, speed: float, in_containers: bool = False, pauses: bool = False
) -> tuple[MonitorChoice, str | None]:
    """The monitor, and a warning where `auto` passes Prometheus over though it is there: on PATH, or as containers of the stack.

    `pauses`: somebody may have documented time stand still. A rule's `for` goes on by the wall in a real Prometheus.

    Raises MissingTool when Prometheus is wished for and not there, BadQuery when it can't be told a rule at this speed.
    """
    if wish == "embedded":
        return MonitorChoice(), None
    try:
        found = MonitorChoice("prometheus") if in_containers else _of_this_machine()
    except MissingTool:
        if wish == "prometheus":
            raise
        return MonitorChoice(), None
    if wish == "auto" and pauses:
        told = "the embedded evaluator detects: an exercise can be paused, and Prometheus would go on counting (--monitor prometheus)"
        return MonitorChoice(), told
    if wish == "auto" and speed > FASTEST:
        return (
            MonitorChoice(),
            f"the embedded evaluator detects: speed {speed:g} is too fast for Prometheus (at most {FASTEST:g})",
        )
    try:
        for rule in rules:
            rewritten(rule.expr, speed)
    except BadQuery as error:
        if wish == "prometheus":
            raise
        return MonitorChoice(), f"the embedded evaluator detects: Prometheus cannot be told a rule: {error}"
    return found, None


def _of_this_machine() -> MonitorChoice:
    return MonitorChoice("prometheus", find_prometheus(), find_alertmanager())
