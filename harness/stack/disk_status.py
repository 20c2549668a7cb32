"""Where the disks are that datastores have for themselves, for whoever watches the machine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from fakes.services.exporter import DISKS
from harness.stack.disk import Disk
from scenarios.model import Stack


def tell_of_disks(state: Path, stack: Stack, disks: Iterable[Disk | None]) -> None:
    """Tell the exporter, which measures how much of them is free. `state` holds each service's own folder."""
    places = [str(disk.place) for disk in disks if disk is not None]
    for name, service in stack.services.items():
        if places and service.program == "exporter":
            (state / name / DISKS).write_text(json.dumps(places), encoding="utf-8")
