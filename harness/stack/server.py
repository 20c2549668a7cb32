"""What the datastore servers of a stack have in common: a program that is started, signalled and stopped."""

from __future__ import annotations

import signal

from harness.stack.process import Program

_GONE_WITHIN_S = 2.0  # wall


class DatastoreServer:
    """One server of a datastore, on its own port."""

    _stopped_by = signal.SIGTERM

    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port
        self.replicas = 0  # how many are wanted: 0 after somebody stopped it, whatever killed it otherwise
        self._process: Program | None = None
        self.started_s = 0.0  # documented: when it was started last
        self.wiped = False  # whether its data were deleted since it ran

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.running else None

    @property
    def incarnation(self) -> str | None:
        """Which run of it this is, in words; None while it does not run."""
        return self._process.incarnation if self._process and self._process.running else None

    async def signal(self, sent: signal.Signals) -> None:
        """Signal the server and all its children at once: for a kill, what a host's loss does to them."""
        if self._process is not None:
            await self._process.signal(sent)

    async def paused(self) -> bool:
        return self._process is not None and await self._process.paused()

    async def stop(self) -> None:
        """Ask it to end, and make it. Safe to repeat."""
        self.replicas = 0
        if self._process is not None:
            await self._process.stop(sent=self._stopped_by)

    async def gone(self) -> None:
        """Wait until the server's process has ended."""
        if self._process is not None:
            await self._process.stop(within_s=_GONE_WITHIN_S)
