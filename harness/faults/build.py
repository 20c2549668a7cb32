"""From a fault in a scenario file to one that can be injected."""

from __future__ import annotations

from harness.faults.base import Fault
from harness.faults.network import CutLinks, PoisonLinks
from harness.faults.process import KillProcess, PauseProcess
from harness.faults.release import DeployVersion
from harness.stack.embedded import EmbeddedStack
from scenarios.model import Fault as FaultModel
from scenarios.model import LinkDown, LinkToxic, ProcessKill, ProcessPause, ServiceVersion


def fault_name(model: FaultModel, number: int) -> str:
    """How a report calls it: its own name, else its kind and place in the scenario."""
    return model.name or f"{model.fault}-{number}"


def build_fault(model: FaultModel, number: int, stack: EmbeddedStack) -> Fault:
    """Raises FaultError when the stack has no such process or link."""
    name = fault_name(model, number)
    match model:
        case ProcessKill():
            return KillProcess(name, stack, model.process)
        case ProcessPause():
            return PauseProcess(name, stack, model.process)
        case ServiceVersion():
            return DeployVersion(name, stack, model.process, model.version, model.defect)
        case LinkDown():
            return CutLinks(name, stack, model.links)
        case LinkToxic():
            return PoisonLinks(name, stack, model)
