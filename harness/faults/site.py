"""The loss of a site: its processes, its data and what lay beside them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from harness.errors import FaultError
from harness.faults.base import Fault
from harness.faults.process import kill
from harness.stack.embedded import EmbeddedStack
from harness.stack.services import RunningService
from scenarios.faults import Fault as FaultModel
from scenarios.faults.network import SiteLost


class LoseSite:
    """Everything of a site killed at once, its data and the backups on site deleted. Healing brings nothing back."""

    def __init__(self, name: str, stack: EmbeddedStack, site: str) -> None:
        self.name, self._site, self._stack = name, site, stack
        self._parts = {part: stack.process(part) for part in stack.model.at_site(site)}
        self._lost = False
        if not self._parts:
            raise FaultError(f"{name}: this stack has no site {site}")

    async def inject(self) -> None:
        if self._lost:
            return
        running = {part: target for part, target in self._parts.items() if target.running}
        if not running and not self._left():
            raise FaultError(f"{self.name}: nothing of {self._site} runs, so there was nothing to lose")
        self._stack.out_of_reach |= set(self._parts)
        await asyncio.gather(*(kill(target, f"{self.name}: {part}") for part, target in running.items()))
        for target in self._parts.values():
            if not isinstance(target, RunningService):
                await self._stack.wipe(target)
        await asyncio.to_thread(_empty, self._lying_there())
        self._lost = True

    async def heal(self) -> None:
        return

    async def bitten(self) -> str | None:
        runs = [part for part, target in self._parts.items() if target.running]
        if runs or self._left():
            return None
        return f"{len(self._parts)} processes of {self._site} are gone, with their data and the backups on site"

    def _lying_there(self) -> list[Path]:
        """Where the first site keeps its backups and its log; the second one has nothing but its datastores.

        The key of the backups is not among them: a copy of it lies where neither site burns, or nothing could be read any more.
        """
        sites, backups = self._stack.model.sites, self._stack.backups
        if sites is None or self._site != sites.first or backups is None:
            return []
        there = backups.place("on-site")
        return [there, there.with_name("on-site-redis"), backups.log_of("on-site")]

    def _left(self) -> list[Path]:
        datastores = [target.data for target in self._parts.values() if not isinstance(target, RunningService)]
        kept = [path for folder in self._lying_there() if folder.is_dir() for path in folder.iterdir()]
        return [*(path for path in datastores if path.exists()), *kept]


def _empty(folders: list[Path]) -> None:
    """The folders themselves stay: whoever takes over writes its own log there."""
    for path in (each for folder in folders if folder.is_dir() for each in folder.iterdir()):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    return LoseSite(name, stack, model.site) if isinstance(model, SiteLost) else None
