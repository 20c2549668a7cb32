"""The cloud of a stack: an object store and a name service that `aws` reaches, started when somebody first asks it something.

It listens from the start, which costs nothing. Its server takes a second and 60 MB, so that one is started by the first
connection, which waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from pathlib import Path
from signal import SIGCONT, SIGSTOP

from harness.errors import HarnessError
from harness.respond.platform import read_platform
from harness.sandbox import linux
from harness.stack.process import Process

_WAITING = 64  # connections, until its server is up
_listening: dict[int, Cloud] = {}  # those of this process that were started, by port


def cloud_at(port: int) -> Cloud | None:
    """The cloud of this process that listens on this port; None where there is none."""
    return _listening.get(port)


class Cloud:
    """`start` and `stop` are safe to repeat, and so are `pause` and `resume`."""

    def __init__(self, port: int, checkout: str, *, seeds: Path, log: Path) -> None:
        """`checkout` is the stack's; `seeds` holds the first objects, by bucket, and is read when the server starts."""
        self.port = port
        self._platform, self._seeds, self._log = read_platform(checkout), seeds, log
        self._socket: socket.socket | None = None
        self._process: Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self.paused = False

    @property
    def started(self) -> bool:
        """Whether anybody has asked it anything."""
        return self._starting is not None

    async def start(self) -> None:
        """Listen. Raises HarnessError when the port is taken."""
        if self._socket is not None:
            return
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", self.port))
        except OSError as error:
            listening.close()
            raise HarnessError(
                f"the cloud cannot listen on port {self.port}: {error.strerror}. Is something else there?"
            ) from error
        listening.listen(_WAITING)
        listening.setblocking(False)
        self._socket, self.port = listening, listening.getsockname()[1]
        _listening[self.port] = self
        self._watch()

    def _watch(self) -> None:
        """Start the server when somebody connects."""
        assert self._socket is not None
        asyncio.get_running_loop().add_reader(self._socket, self._wake)

    async def pause(self) -> None:
        """From now on it takes connections and answers nothing. What it holds stays."""
        self.paused = True
        if self._starting is not None:
            await self._starting
        elif self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
        if self._process is not None:
            await self._process.signal(SIGSTOP)

    async def resume(self) -> None:
        """It answers again, also whoever has waited since."""
        was, self.paused = self.paused, False
        if self._process is not None:
            await self._process.signal(SIGCONT)
        elif was and self._socket is not None:
            self._watch()

    def _wake(self) -> None:
        """Somebody connects: start the server, which takes the socket over."""
        assert self._socket is not None
        asyncio.get_running_loop().remove_reader(self._socket)
        self._starting = asyncio.create_task(self._launch(self._socket))

    async def _launch(self, listening: socket.socket) -> None:
        parent, platform = os.getpid(), self._platform
        zones = ",".join(f"{zone}={domain}" for zone, domain in (platform.zones or {}).items())
        listening.setblocking(True)
        command = [
            sys.executable, "-m", "fakes.workstation.cloud", str(listening.fileno()), str(self._seeds), ",".join(platform.buckets), zones,
        ]  # fmt: skip
        with self._log.open("ab") as output:
            started = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                pass_fds=[listening.fileno()], preexec_fn=lambda: linux.die_with_parent(parent),
            )  # fmt: skip
        self._process = Process("cloud", started)
        listening.close()  # its server has it: when that ends, connections are refused

    async def stop(self) -> None:
        if self._socket is None:
            return
        await self.resume()
        _listening.pop(self.port, None)
        if self._starting is not None:
            with contextlib.suppress(OSError):
                await self._starting
        else:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        if self._process is not None:
            await self._process.stop()
