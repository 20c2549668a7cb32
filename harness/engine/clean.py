"""Removes what killed drills left on the container engine: only what carries a drill's label, and whose drill is over.

A drill that still runs keeps everything, as does whatever carries no label of ours.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engine.client import FOLDER, LABEL, OWNER, Engine, telling
from harness.engine.owner import lives


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was removed, by kind, and the drills that still run."""

    drills: tuple[str, ...]
    containers: int
    networks: int
    volumes: int
    running: tuple[str, ...]


def clean(engine: Engine) -> Cleaned:
    """Remove the leftovers of drills that are over. Safe to repeat. Raises EngineError."""
    containers = [(container, dict(container.labels)) for container in engine.containers(LABEL)]
    networks = [(network, dict(network.attrs["Labels"] or {})) for network in engine.networks(LABEL)]
    volumes = [(volume, dict(volume.attrs["Labels"] or {})) for volume in engine.volumes(LABEL)]
    seen = {labels[LABEL]: labels for _, labels in [*volumes, *networks, *containers]}
    running = {drill for drill, labels in seen.items() if lives(labels.get(OWNER, ""))}
    removed = {
        "containers": _remove(containers, running),
        "networks": _remove(networks, running),
        "volumes": _remove(volumes, running),
    }
    for drill, labels in seen.items():
        if drill not in running:
            _remove_folder(labels)
    return Cleaned(drills=tuple(sorted(set(seen) - running)), running=tuple(sorted(running)), **removed)


def _remove(made: list[tuple[Any, dict[str, str]]], running: set[str]) -> int:
    """How many were removed of those whose drill is over."""
    over = [each for each, labels in made if labels[LABEL] not in running]
    for each in over:
        with telling(f"remove {each.name}"):
            each.remove(**({"force": True, "v": True} if hasattr(each, "kill") else {}))
    return len(over)


def _remove_folder(labels: Mapping[str, str]) -> None:
    """The drill's folder of what runs, if it is one that a drill made for itself."""
    folder = Path(labels.get(FOLDER, ""))
    if folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith("gameday-"):
        shutil.rmtree(folder, ignore_errors=True)
