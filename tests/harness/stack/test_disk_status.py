"""Who is told of the disks that datastores have for themselves."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fakes.services.exporter import DISKS
from harness.stack.disk import Disk
from harness.stack.disk_status import tell_of_disks
from scenarios.loader import load_stack


def told(state: Path, *places: str | None) -> dict[str, Any]:
    stack = load_stack("eafix")
    for name in stack.services:
        (state / name).mkdir(exist_ok=True)
    tell_of_disks(state, stack, (cast("Disk", SimpleNamespace(place=Path(place))) if place else None for place in places))
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in state.glob(f"*/{DISKS}")}


def test_the_exporter_alone_is_told_where_they_are(tmp_path: Path) -> None:
    """A datastore without a disk of its own lies on the machine's, which the exporter sees anyway."""
    assert told(tmp_path, "/proc/7/root/disk", None) == {"exporter": ["/proc/7/root/disk"]}


def test_nobody_is_told_where_there_are_none(tmp_path: Path) -> None:
    """As by default."""
    assert told(tmp_path, None, None) == {}
