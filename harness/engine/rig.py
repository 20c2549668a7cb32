"""What both kinds of containers stack need for a drill: the conductor's own container, its broker, and a network without a way out."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, Literal

from docker.models.containers import Container
from testcontainers.core.container import DockerContainer

from harness.engine import inside
from harness.engine.broker import Broker
from harness.engine.client import FOLDER, LABEL, OWNER, PART, Engine, telling
from harness.engine.containers import Containers
from harness.engine.images import DRILL, image_names, provide
from harness.engine.layout import DRILL_FILE, OWNER_PART, SOCKET, SPEC, Part, parts_of
from harness.engine.owner import this_process
from harness.engine.reaper import reaper_of
from harness.spec import DrillSpec
from scenarios.model import Stack


class Rig(Containers):
    """The containers of one drill. `open` brings its network about, `run_drill` starts the conductor, `close` undoes both."""

    kind: ClassVar[Literal["containers", "compose"]]
    run: Path  # the host's folder that all containers see as layout.RUN

    def __init__(self, engine: Engine, stack: Stack) -> None:
        super().__init__(engine)
        self._parts = parts_of(stack)
        self._images = image_names()
        self._closing = ExitStack()

    def open(self, drill: str, folder: Path, *, seed: int, tell: Callable[[str], None]) -> None:
        """Raises EngineError; `close` then undoes what was done. `tell` hears of images that are not there yet."""
        self._drill, self._folder, self._logs = drill, folder, folder / "logs"
        provide(self._engine, self._needed_images(), tell)
        if (reaper := reaper_of(self._engine, drill)) is not None:
            self._closing.callback(reaper.release)
        self._closing.callback(self._logs_end)
        self._open(seed)
        (self.run / DRILL_FILE).write_text(drill)
        self._leave_no_way_out()
        self._closing.callback(Broker(self, self.run / SOCKET).close)

    def _open(self, seed: int) -> None:
        """Set `run`, and have the container that owns the network running."""
        raise NotImplementedError

    def _needed_images(self) -> dict[str, str]:
        raise NotImplementedError

    def close(self) -> None:
        """Every step runs, also after one that failed. Safe to repeat."""
        self._closing.close()

    def versions(self) -> dict[str, str]:
        """The engine, and the image of each part with its id."""
        used = {name: self._image_of(part) for name, part in self._parts.items()}
        return {
            "docker": self._engine.version(),
            **{name: f"{image} ({self._engine.image_id(image)})" for name, image in used.items()},
        }

    def _image_of(self, part: Part) -> str:
        raise NotImplementedError

    def run_drill(self, spec: DrillSpec) -> inside.DrillContainer:
        """Start the conductor; its spec lies in the folder that all see."""
        (self.run / SPEC).write_bytes(pickle.dumps(spec))
        container = self._make(DRILL, self._images[DRILL], inside.options(self._folder, self.run, self._network_owner()))
        return inside.DrillContainer(self._engine, container, self._logs / "conductor.log")

    def _network_owner(self) -> str:
        return str(self._container(OWNER_PART).id)

    # --- what this drill makes --------------------------------------------------------------------------------------

    def _labels(self) -> dict[str, str]:
        return {LABEL: self._drill, OWNER: this_process(), FOLDER: str(self.run)}

    def _make(self, name: str, image: str, options: dict[str, Any]) -> Container:
        """Create and start a container that carries the drill's label."""
        left = dict(options)
        made = DockerContainer(image, command=left.pop("command"), env=left.pop("environment", {}), name=f"{self._drill}-{name}")
        made.ports, made.volumes, made.tmpfs = left.pop("ports", {}), left.pop("volumes", {}), left.pop("tmpfs", {})
        made.with_kwargs(labels={**self._labels(), PART: name}, **left)
        with telling(f"start {name}"):
            made.start()
        return made.get_wrapped_container()

    def _leave_no_way_out(self) -> None:
        """Take the default route from the network that all share: what is published on the host's loopback needs none."""
        with telling("close the drill's network"):
            self._engine.client.containers.run(
                self._images[DRILL], ["ip route del default && (ip -6 route del default || true)"], entrypoint=["/bin/sh", "-c"], network_mode=f"container:{self._network_owner()}",
                cap_drop=["ALL"], cap_add=["NET_ADMIN"], user="0:0", remove=True, labels={**self._labels(), PART: "isolation"},
            )  # fmt: skip

    def _remove_containers(self) -> None:
        """Those of this drill, and nothing else."""
        with telling("remove the drill's containers"):
            for container in self._engine.containers(f"{LABEL}={self._drill}"):
                container.remove(force=True, v=True)
