"""The containers of a stack: which parts there are, and how each is started, whether the harness makes them or compose.

All share one network namespace, that of the Toxiproxy container, so that each documented port is really that port of
`localhost` in all of them, as in the embedded stack's sandbox. It is the only one with a network of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scenarios.model import Stack

OWNER_PART = "toxiproxy"  # whose network namespace the others join
RUN, DATA, ENTRY = "/gameday/run", "/gameday/data", "/gameday/entry"  # inside every container
ENTRY_FOLDER = Path(__file__).with_name("entry")
SOCKET, SPEC, DRILL_FILE = "engine.sock", "spec.pickle", "drill"  # in RUN
PUBLISHED = (8474, 9090, 9093, 8080, 5432, 6379)  # on 127.0.0.1 of the host, each at any free port
MONITOR = ("prometheus", "alertmanager")
# What the entry points of the official images need to hand their data to an ordinary user, and nothing more.
_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")


@dataclass(frozen=True, slots=True)
class Part:
    """One container. `image` is a key of `images.DEFAULTS`."""

    name: str
    image: str
    entrypoint: tuple[str, ...] | None = None  # None: the image's own
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps_data: bool = False
    capabilities: tuple[str, ...] = ()


def parts_of(stack: Stack) -> dict[str, Part]:
    """The containers beside the drill's own, by name; the one that owns the network first."""
    toxiproxy = Part(OWNER_PART, "toxiproxy", command=("-host", "0.0.0.0", "-port", "8474"))
    stores = [_datastore(name, store.kind) for name, store in stack.datastores.items()]
    monitors = [Part(name, name, entrypoint=("/bin/sh", f"{ENTRY}/monitor.sh"), command=(name,)) for name in MONITOR]
    return {part.name: part for part in (toxiproxy, *stores, *monitors)}


def _datastore(name: str, kind: str) -> Part:
    if kind == "redis":
        return Part(name, "redis", ("/bin/sh", f"{ENTRY}/redis.sh"), (name,), keeps_data=True, capabilities=_CAPABILITIES)
    environment = {
        "POSTGRES_HOST_AUTH_METHOD": "trust",
        "POSTGRES_INITDB_ARGS": "--data-checksums --no-sync --locale=C --encoding=UTF8",
    }
    return Part(name, "postgres", ("/bin/bash", f"{ENTRY}/postgres.sh"), (name,), environment, True, _CAPABILITIES)
