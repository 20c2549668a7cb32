"""Faults of the outside world, whoever carries them out: parties outside the platform, what lies between, and intruders."""

from __future__ import annotations

from harness.faults import outside_access, outside_intruders, outside_parties
from harness.faults.base import Fault
from harness.stack.embedded import EmbeddedStack
from scenarios.faults import Fault as FaultModel


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    found = outside_parties.build(name, model, stack) or outside_access.build(name, model, stack)
    return found or outside_intruders.build(name, model, stack)
