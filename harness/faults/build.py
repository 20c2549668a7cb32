"""From a fault in a scenario file to one that can be injected."""

from __future__ import annotations

from collections.abc import Callable

from harness.errors import FaultError
from harness.faults import backup, network, outside, postgres, process, redis, release, site, strain
from harness.faults.base import Fault
from harness.stack.embedded import EmbeddedStack
from scenarios.faults import Fault as FaultModel

_THEMES: tuple[Callable[[str, FaultModel, EmbeddedStack], Fault | None], ...] = (
    backup.build, network.build, outside.build, postgres.build, process.build, redis.build, release.build, site.build, strain.build,
)  # fmt: skip


def fault_name(model: FaultModel, number: int) -> str:
    """How a report calls it: its own name, else its kind and place in the scenario."""
    return model.name or f"{model.fault}-{number}"


def build_fault(model: FaultModel, number: int, stack: EmbeddedStack) -> Fault:
    """Raises FaultError when the stack has no such process or link."""
    name = fault_name(model, number)
    for build in _THEMES:
        if (fault := build(name, model, stack)) is not None:
            return fault
    raise FaultError(f"{name}: nobody knows how to inject {model.fault}")
