"""Which port a documented one really is: itself in a sandbox with a network of its own, a free one elsewhere."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from collections import deque
from functools import cache
from pathlib import Path

_ANY = random.SystemRandom()
_BELOW_OUTGOING = (12_000, 32_000)  # Linux gives outgoing connections ports from 32768 on
_MOST = 1000  # that one process holds; a stack has some forty
_given: deque[int] = deque()  # by this process, the oldest first


class Ports:
    """Maps documented ports to actual ones. With `own_network` they are the same."""

    def __init__(self, *, own_network: bool, published: bool = False) -> None:
        """`published`: the documented ports of the own network are reached from the host too, on its loopback."""
        self._own_network, self._published = own_network, published
        self._actual: dict[int, int] = {}

    def __getitem__(self, documented: int) -> int:
        """The actual port; without an own network a free one is chosen at the first question and kept."""
        if self._own_network:
            return documented
        if documented not in self._actual:
            self._actual[documented] = free_port()
        return self._actual[documented]

    def mapped(self) -> dict[int, int]:
        """Documented to actual, of those that differ."""
        return dict(self._actual)

    def address(self, documented: int) -> str:
        return f"127.0.0.1:{self[documented]}"

    def listen(self, documented: int) -> str:
        """Where a service address listens. What is published from a network of its own is reached on its outer interface."""
        return f"{'0.0.0.0' if self._published else '127.0.0.1'}:{self[documented]}"


def free_port() -> int:
    """One that nobody listens on, and that no outgoing connection of the machine is given by chance.

    None of this user's other processes is given it meanwhile: stacks that boot side by side choose theirs before anybody listens there.
    """
    while True:
        port = _ANY.randrange(*_BELOW_OUTGOING)
        if port in _given or not _reserved(port):
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.append(port)
            if len(_given) > _MOST:
                fcntl.lockf(_reservations(os.getpid()), fcntl.LOCK_UN, 1, _given.popleft())
            return port


def _reserved(port: int) -> bool:
    """Lock the byte of this port in a file that all processes of the user share; the kernel lets go of it when this process ends."""
    try:
        fcntl.lockf(_reservations(os.getpid()), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _reservations(_process: int) -> int:
    """The file, opened once by each process and never closed: a lock goes with the first descriptor that is."""
    path = Path(tempfile.gettempdir(), f"gameday-ports-{os.getuid()}")
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
