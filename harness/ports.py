"""Which port a documented one really is: itself in a sandbox with a network of its own, a free one elsewhere."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Collection

_ANY = random.SystemRandom()
_BELOW_OUTGOING = (12_000, 32_000)  # Linux gives outgoing connections ports from 32768 on


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
            self._actual[documented] = free_port(self._actual.values())
        return self._actual[documented]

    def mapped(self) -> dict[int, int]:
        """Documented to actual, of those that differ."""
        return dict(self._actual)

    def address(self, documented: int) -> str:
        return f"127.0.0.1:{self[documented]}"

    def listen(self, documented: int) -> str:
        """Where a service address listens. What is published from a network of its own is reached on its outer interface."""
        return f"{'0.0.0.0' if self._published else '127.0.0.1'}:{self[documented]}"


def free_port(taken: Collection[int] = ()) -> int:
    """One that nobody listens on, and that no outgoing connection of the machine is given by chance before somebody does."""
    while True:
        port = _ANY.randrange(*_BELOW_OUTGOING)
        if port in taken:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
