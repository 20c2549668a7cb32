"""A disk of its own for one server: a small file system that fills up without anybody else's doing so.

Nobody but root may mount, except in a namespace of his own. So a process keeps a mount namespace with a file system in memory,
and everybody else reaches that through the process's root in /proc.

    python -m harness.stack.disk keep FOLDER MB          what `Disk.start` starts
    python -m harness.stack.disk fill FILE LEAVE_MB      what `Disk.fill` starts
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from fakes.clock import Clock
from harness.errors import HarnessError
from harness.sandbox import linux
from harness.stack.process import Process
from harness.waiting import wait_until

_TOPPED_UP_EVERY_S = 0.02  # wall
_MB = 1024 * 1024
_MARK = ".kept"


class Disk:
    """One file system of `size_mb`. It is gone, with all that stands on it, when it is stopped or this process ends."""

    def __init__(self, name: str, folder: Path, size_mb: int, *, log: Path, clock: Clock, uid: int | None) -> None:
        """`folder` is where it is mounted: for whoever keeps it, nobody else sees anything there."""
        self._name, self._folder, self.size_mb = name, folder, size_mb
        self._log, self._clock, self._uid = log, clock, uid
        self._keeper: Process | None = None
        self._filling: Process | None = None

    @property
    def place(self) -> Path:
        """Where everybody reaches it while it is there."""
        return Path(f"/proc/{self._keeper.pid if self._keeper else 0}/root{self._folder}")

    @property
    def free_mb(self) -> float:
        """How much is free; of a disk that is not there, nothing."""
        try:
            found = os.statvfs(self.place)
        except OSError:
            return 0.0
        return found.f_bavail * found.f_frsize / _MB

    async def start(self) -> None:
        """Make it. Safe to repeat. Raises HarnessError where the machine permits no namespaces."""
        if self._keeper is not None:
            return
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        if self._uid is not None:
            os.chown(self._folder, self._uid, self._uid)
        keeper = self._keeper = await self._program("keep", str(self._folder), str(self.size_mb))

        async def mounted() -> bool | None:
            if not keeper.running:
                return False
            return True if (self.place / _MARK).exists() else None

        if not await wait_until(mounted, what=f"the disk of {self._name}", within_s=10, every_s=0.005, clock=self._clock):
            raise HarnessError(f"{self._name} gets no disk of its own: this machine permits no namespaces; see {self._log}")

    async def stop(self) -> None:
        """Safe to repeat."""
        await self.clear()
        if self._keeper is not None:
            await self._keeper.kill()
        self._keeper = None

    async def fill(self, *, leave_mb: int) -> None:
        """Have a file take all that is free but `leave_mb`, and whatever becomes free. Safe to repeat."""
        if self._filling is None:
            self._filling = await self._program("fill", str(self._filler), str(leave_mb))

    async def clear(self) -> None:
        """Delete that file. Safe to repeat."""
        if self._filling is not None:
            await self._filling.kill()
            self._filler.unlink(missing_ok=True)
        self._filling = None

    @property
    def _filler(self) -> Path:
        return self.place / "core.4711"

    async def _program(self, verb: str, *arguments: str) -> Process:
        command = [sys.executable, "-m", "harness.stack.disk", verb, *arguments]
        return await Process.start(f"disk of {self._name}", command, log=self._log)


def _keep(folder: Path, size_mb: int) -> None:
    """Mount it where only this process sees it, and wait for the end as its owner: nobody else could reach it through /proc."""
    uid, gid, parent = folder.stat().st_uid, folder.stat().st_gid, os.getppid()
    if os.geteuid() == 0:  # it needs no users of its own
        linux.unshare(linux.CLONE_NEWNS)
    else:
        uid, gid = os.getuid(), os.getgid()
        linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWNS)
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path("/proc/self", name).write_text(text)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", str(folder), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, f"mode=0711,uid={uid},gid={gid},size={size_mb}m")
    (folder / _MARK).touch()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        linux.die_with_parent(parent)  # which a new user forgets
    os.execvp("sleep", ["sleep", "infinity"])


def _fill(path: Path, leave_mb: int) -> None:
    """Grow a file as long as it is there: whoever deletes it gets the room back."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    while os.fstat(file).st_nlink:
        found = os.fstatvfs(file)
        more = found.f_bavail * found.f_frsize - leave_mb * _MB
        while more >= found.f_frsize:
            try:
                os.posix_fallocate(file, os.fstat(file).st_size, more)
            except OSError:  # somebody else was faster
                more //= 2
            else:
                break
        time.sleep(_TOPPED_UP_EVERY_S)


if __name__ == "__main__":
    {"keep": _keep, "fill": _fill}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
