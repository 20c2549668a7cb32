"""Ryuk, the reaper of testcontainers: removes a drill's containers, network and volume when the harness is gone.

It is a container that removes what carries a label some seconds after the last connection to it has closed, however that
came. Used where its image is on the engine already, and never pulled: without it `gameday clean` does the same later.
testcontainers would start it by itself, but publishes its port beyond the loopback; so it is told not to.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import ExitStack, suppress

from docker.models.containers import Container
from testcontainers.core.config import ENABLE_FLAGS, testcontainers_config

from harness.engine.client import LABEL, PART, Engine, telling
from harness.errors import EngineError

_DISABLED = "TESTCONTAINERS_RYUK_DISABLED"
_PORT = "8080/tcp"
_WAITS = "10s"  # after the last connection has closed, before it removes
_ANSWERS_WITHIN_S = 10.0


class Reaper:
    """Holds a connection to a Ryuk of one drill's own. `release` closes it: by then nothing should be left to remove."""

    def __init__(self, engine: Engine, drill: str) -> None:
        """Raises EngineError when it does not answer."""
        with telling("start Ryuk"):
            self._container = engine.client.containers.run(
                testcontainers_config.ryuk_image, detach=True, auto_remove=True, ports={_PORT: ("127.0.0.1", None)}, labels={PART: "reaper"},
                volumes={testcontainers_config.ryuk_docker_socket: {"bind": "/var/run/docker.sock", "mode": "rw"}},
                environment={"RYUK_RECONNECTION_TIMEOUT": _WAITS}, privileged=testcontainers_config.ryuk_privileged,
                name=f"{drill}-ryuk",
            )  # fmt: skip
        self._socket = self._connect(f"label={LABEL}={drill}\n".encode())

    def _connect(self, wish: bytes) -> socket.socket:
        """Tell it what to remove; it removes nothing before it has said that it understood."""
        until = time.monotonic() + _ANSWERS_WITHIN_S
        while time.monotonic() < until:
            with suppress(OSError), ExitStack() as unheard:
                connection = unheard.enter_context(
                    socket.create_connection(("127.0.0.1", _published(self._container)), timeout=1)
                )
                connection.sendall(wish)
                if connection.recv(16).startswith(b"ACK"):
                    unheard.pop_all()
                    return connection
            time.sleep(0.05)
        self._remove()
        raise EngineError(f"Ryuk did not answer within {_ANSWERS_WITHIN_S:g} s; {_DISABLED}=true does without it.")

    def release(self) -> None:
        self._socket.close()
        self._remove()

    def _remove(self) -> None:
        with suppress(EngineError), telling("remove Ryuk"):
            self._container.remove(force=True)


def reaper_of(engine: Engine, drill: str) -> Reaper | None:
    """A Ryuk for this drill, or None where its image is not on the engine or TESTCONTAINERS_RYUK_DISABLED says no."""
    testcontainers_config.ryuk_disabled = True
    if os.environ.get(_DISABLED, "").lower() in ENABLE_FLAGS or not engine.has_image(testcontainers_config.ryuk_image):
        return None
    return Reaper(engine, drill)


def _published(container: Container) -> int:
    """Raises OSError as long as there is no port yet."""
    with telling("look at Ryuk"):
        container.reload()
    places = container.ports.get(_PORT)
    if not places:
        raise OSError("no port yet")
    return int(places[0]["HostPort"])
