"""Faults of releases: a bad version of a service or a wrong setting is deployed."""

from __future__ import annotations

import contextlib

from harness.errors import FaultError, HarnessError
from harness.faults.base import Fault
from harness.stack.embedded import EmbeddedStack
from scenarios.faults import Fault as FaultModel
from scenarios.faults.process import ServiceConfiguration, ServiceVersion

CAUSE = "deployment"  # of the revision, so that whoever rolls back finds it


class DeployVersion:
    """A version with a defect is deployed, as a release would be. Healing goes back, unless somebody did already."""

    def __init__(self, name: str, stack: EmbeddedStack, process: str, version: str, defect: str) -> None:
        self.name = name
        if process not in stack.services:
            raise FaultError(f"{name}: {process} is no service; only services have versions")
        self._service, self._version, self._defect = stack.services[process], version, defect

    async def inject(self) -> None:
        if self._active:
            return
        if not self._service.running:
            raise FaultError(f"{self.name}: {self._service.name} was not running, so nothing could be deployed")
        await self._service.configure({"version": self._version, "defect": self._defect, "cause": CAUSE})

    async def heal(self) -> None:
        if self._active:
            with contextlib.suppress(HarnessError):  # nothing ran before it
                await self._service.undo(None)

    async def bitten(self) -> str | None:
        return f"{self._service.name} is version {self._version}" if self._active else None

    @property
    def _active(self) -> bool:
        now = self._service.releases.current
        return (now.version, now.defect) == (self._version, self._defect)


class DeploySetting:
    """A wrong value of one setting is deployed. Healing takes it back and leaves alone what else was deployed since."""

    def __init__(self, name: str, stack: EmbeddedStack, model: ServiceConfiguration) -> None:
        self.name = name
        if model.process not in stack.services:
            raise FaultError(f"{name}: {model.process} is no service; only services have settings")
        self._service, self._setting, self._value = stack.services[model.process], model.setting, model.value
        self._made: int | None = None  # our revision
        self._before: str | None = None

    async def inject(self) -> None:
        if self._active:
            return
        if not self._service.running:
            raise FaultError(f"{self.name}: {self._service.name} was not running, so nothing could be deployed")
        self._before = self._service.releases.current.environment.get(self._setting)
        await self._service.configure({"environment": {self._setting: self._value}, "cause": CAUSE})
        self._made = self._service.releases.current.revision

    async def heal(self) -> None:
        if self._made is None or not self._active:
            return
        if self._service.releases.current.revision == self._made:
            await self._service.undo(None)
        else:
            await self._service.configure({"environment": {self._setting: self._before}, "cause": f"rollback of {self._made}"})

    async def bitten(self) -> str | None:
        given = self._service.config.get("environment", {}).get(self._setting)
        if self._made is None or given != self._value:
            return None
        return f"{self._service.name} {'runs' if self._service.running else 'ended'} with {self._setting}={self._value}"

    @property
    def _active(self) -> bool:
        return self._service.releases.current.environment.get(self._setting) == self._value


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case ServiceVersion():
            return DeployVersion(name, stack, model.process, model.version, model.defect)
        case ServiceConfiguration():
            return DeploySetting(name, stack, model)
        case _:
            return None
