"""One fault of a scenario on a booted platform: each verb is done twice, as it may be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import TypeAdapter

from harness.faults.base import Fault
from harness.faults.build import build_fault
from scenarios.faults import Fault as FaultModel
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform

_READ: TypeAdapter[FaultModel] = TypeAdapter(FaultModel)


def fault_of(platform: Platform, kind: str, process: str, **fields: object) -> Fault:
    """As a scenario's file writes it."""
    return build_fault(_READ.validate_python({"fault": kind, "process": process, **fields}), 1, platform.stack)


def evidence_of(platform: Platform, fault: Fault) -> str:
    """What is seen of it, as soon as something is."""
    return eventually(lambda: platform.call(fault.bitten()))


@contextmanager
def injected(platform: Platform, fault: Fault) -> Iterator[Fault]:
    """Healed before it was injected, injected twice, and healed twice afterwards, whatever happens meanwhile."""
    platform.call(fault.heal())
    assert platform.call(fault.bitten()) is None
    try:
        platform.call(fault.inject())
        platform.call(fault.inject())
        yield fault
    finally:
        platform.call(fault.heal())
        platform.call(fault.heal())
