"""One person's shell at the operator's workstation: bash on a terminal of its own, where the runbook's commands run."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Callable

from harness.errors import HarnessError
from harness.people.typed import RC
from harness.respond.confinement import Confinement
from harness.respond.workstation import Workstation

_CHUNK = 65536
_ENDS_WITHIN_S = 2.0  # wall: from hanging up to the kill
_BASH = "exec setsid --ctty --wait /bin/bash --noprofile --rcfile {rc} -i"


class Terminal:
    """`start` it, `type` into it, hear of what it shows by the function that it was given; `stop` hangs up."""

    def __init__(self, station: Workstation, confinement: Confinement | None, show: Callable[[bytes], None]) -> None:
        """`show` gets b"" when the shell is gone."""
        self._station, self._confinement, self._show = station, confinement, show
        self._master = -1
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, rows: int, columns: int, term: str) -> None:
        """Raises HarnessError."""
        rc = self._station.folder / "shellrc"
        rc.write_text(RC, encoding="utf-8")
        block, folder = _BASH.format(rc=rc), self._station.checkout
        command = (
            self._confinement.command(block, folder) if self._confinement else ["/bin/bash", "--noprofile", "--norc", "-c", block]
        )
        more = self._confinement.environment if self._confinement else {}
        self._master, slave = pty.openpty()
        try:
            self.resize(rows, columns)
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                env={**self._station.environment, "TERM": term, **more}, cwd=None if self._confinement else folder,
            )  # fmt: skip
        except OSError as error:
            os.close(self._master)
            raise HarnessError(f"the shell could not be started: {error.strerror}. Are bash and setsid installed?") from error
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, content: bytes) -> None:
        """What the terminal has no room for now is lost, as on a real one."""
        with contextlib.suppress(OSError):
            os.write(self._master, content)

    async def ended(self) -> int:
        """Wait for its end; the exit code."""
        assert self._process is not None
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    async def stop(self) -> None:
        """Hang up, and make sure that nothing stays. Safe to repeat."""
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            self._master = -1
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGHUP)
        try:
            await asyncio.wait_for(self._process.wait(), _ENDS_WITHIN_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    def _read(self) -> None:
        try:
            chunk = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # nobody has the other end open any more
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._master)
        self._show(chunk)


def rows_and_columns(request: dict[str, object]) -> tuple[int, int]:
    """Of a request for a shell; those of a common terminal where they make no sense."""
    found = [request.get(name) for name in ("rows", "columns")]
    rows, columns = (
        each if isinstance(each, int) and 0 < each < 1000 else usual for each, usual in zip(found, (24, 80), strict=True)
    )
    return rows, columns
