"""What goes on at a workstation without anybody typing: the backups of last night, and the log that gathers all services' lines."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from harness.errors import HarnessError
from harness.respond.platform import read_platform
from harness.respond.shell import run_block
from harness.respond.workstation import Workstation
from harness.stack.process import Process
from scenarios.model import Stack

_BACKUPS_WITHIN_S = 60.0


class Standing:
    """`start` returns at once; the backups are being taken then, from the stack as it is, before anything is broken."""

    def __init__(self, station: Workstation, stack: Stack, *, logs: Path) -> None:
        """`logs` is the folder in which each service has its log, by its name."""
        self._station, self._stack, self._logs = station, stack, logs
        self._platform = read_platform(stack.checkout)
        self._gathering: Process | None = None
        self._backups: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises HarnessError."""
        if self._platform.combined_log:
            self._gathering = await self._gather(self._station.checkout / self._platform.combined_log)
        if self._platform.first_night:
            self._backups = asyncio.create_task(self._back_up(self._platform.first_night))

    async def ready(self) -> None:
        """Wait until the backups are there. Raises HarnessError when one could not be taken."""
        if self._backups is not None:
            await asyncio.shield(self._backups)

    async def stop(self) -> None:
        """Safe to repeat."""
        if self._backups is not None:
            self._backups.cancel()
            with contextlib.suppress(asyncio.CancelledError, HarnessError):
                await self._backups
        if self._gathering is not None:
            await self._gathering.stop()

    async def _gather(self, combined: Path) -> Process:
        services = [name for name, service in self._stack.services.items() if service.inside]
        combined.parent.mkdir(parents=True, exist_ok=True)
        files = [str(self._logs / f"{name}.log") for name in services]
        return await Process.start(
            "combined log", ["sh", "-c", 'exec tail -q -n +1 -F "$@" 2>/dev/null', "sh", *files], log=combined
        )

    async def _back_up(self, block: str) -> None:
        station = self._station
        ran = await run_block(
            f"set -euo pipefail\n{station.translated(block)}", environment=station.environment, folder=station.checkout,
            limit_s=_BACKUPS_WITHIN_S,
        )  # fmt: skip
        if ran.exit_code:
            raise HarnessError(
                f"last night's backups could not be taken (exit code {ran.exit_code}): {ran.output.strip()[-500:]}"
            )
