"""A booted stack for tests of faults, and faults in force on it."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import TypeAdapter

from harness.faults.base import Fault
from harness.faults.build import build_fault
from scenarios.faults import Fault as FaultModel
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform, booted

_numbers = itertools.count(1)
_MODELS: TypeAdapter[FaultModel] = TypeAdapter(FaultModel)


@contextmanager
def living(stack: str = "eafix") -> Iterator[Platform]:
    """A platform in a folder that Postgres may enter whoever it runs as."""
    folder = Path(tempfile.mkdtemp(prefix="gameday-"))
    folder.chmod(0o711)
    try:
        with booted(stack, folder) as platform:
            yield platform
    finally:
        shutil.rmtree(folder)


@contextmanager
def trading(stack: str) -> Iterator[Platform]:
    """A platform that takes orders."""
    with living(stack) as platform:
        eventually(lambda: buy(platform).status_code == 201 or None, within_s=30)
        yield platform


def buy(platform: Platform) -> httpx.Response:
    """An order as a client places it, under an id of its own."""
    return platform.order(f"o-{next(_numbers)}")


def fault_of(platform: Platform, kind: str, **fields: Any) -> Fault:
    """The fault that a scenario file describes so."""
    given = {"fault": kind, **{name.replace("_", "-"): value for name, value in fields.items()}}
    return build_fault(_MODELS.validate_python(given), 1, platform.stack)


@contextmanager
def in_force(platform: Platform, kind: str, **fields: Any) -> Iterator[Fault]:
    """The fault is there, and was seen to bite. Each verb is given once more than needed: all of them are safe to repeat."""
    fault = fault_of(platform, kind, **fields)
    platform.call(fault.heal())
    assert platform.call(fault.bitten()) is None
    try:
        platform.call(fault.inject())
        eventually(lambda: platform.call(fault.bitten()))
        platform.call(fault.inject())
        yield fault
    finally:
        platform.call(fault.heal())
        platform.call(fault.heal())
