"""A containers stack that the harness makes for one drill, with testcontainers, and removes afterwards.

Everything carries the drill's label, so that `gameday clean` finds what a killed harness left; Ryuk, testcontainers' own
reaper, does the same at once where its image is on the engine.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from harness.engine import inside
from harness.engine.broker import Broker
from harness.engine.client import FOLDER, LABEL, OWNER, PART, Engine, telling
from harness.engine.containers import Containers
from harness.engine.images import DRILL, image_names, provide
from harness.engine.layout import DATA, DRILL_FILE, ENTRY, ENTRY_FOLDER, OWNER_PART, PUBLISHED, RUN, SOCKET, SPEC, Part, parts_of
from harness.engine.owner import this_process
from harness.spec import DrillSpec
from scenarios.model import Stack

_NO_WAY_OUT = {"com.docker.network.bridge.enable_ip_masquerade": "false"}


class Pod(Containers):
    """One stack of containers. `open` makes the network and its owner; a part is made when the conductor first starts it."""

    kind: Literal["containers", "compose"] = "containers"
    warnings: tuple[str, ...] = ()

    def __init__(self, stack: Stack) -> None:
        """Connects to the engine. Raises EngineError, MissingTool."""
        super().__init__(Engine.connect())
        self.images = image_names()
        self._parts = parts_of(stack)
        self._closing = ExitStack()

    def versions(self) -> dict[str, str]:
        """The engine, and the image of each part with its id."""
        names = {part: f"{name} ({self._engine.image_id(name)})" for part, name in self.images.items()}
        return {"docker": self._engine.version(), **names}

    # --- life ---------------------------------------------------------------------------------------------------

    def open(self, drill: str, folder: Path, *, seed: int) -> None:
        """Raises EngineError; `close` then removes what was made."""
        self._drill, self._folder, self._logs = drill, folder, folder / "logs"
        use_ryuk_where_it_can_be(self._engine)
        provide(self._engine, self.images)
        self.run = Path(tempfile.mkdtemp(prefix="gameday-"))
        self._closing.callback(shutil.rmtree, self.run, ignore_errors=True)
        self.run.chmod(0o755)
        (self.run / DRILL_FILE).write_text(self._drill)
        self._closing.callback(self._remove_volume)
        self._closing.callback(self._remove_network)
        self._closing.callback(self._remove_containers)
        self._make_network()
        owner = self._parts[OWNER_PART]
        self._create(owner, ports=True, network=self._network_name(), command=[*owner.command, "-seed", str(seed)])
        self._started(OWNER_PART)
        self._leave_only_itself()
        self._broker = Broker(self, self.run / SOCKET)
        self._closing.callback(self._broker.close)

    def close(self) -> None:
        """Remove everything of this drill. Every step runs, also after one that failed."""
        self._closing.close()

    def run_drill(self, spec: DrillSpec) -> inside.DrillContainer:
        """Start the conductor; its spec lies in the folder that all see."""
        (self.run / SPEC).write_bytes(pickle.dumps(spec))
        options = inside.options(self._folder, self.run, str(self._container(OWNER_PART).id))
        container = self._make(DRILL, self.images[DRILL], options)
        return inside.DrillContainer(self._engine, container, self._folder / "logs" / "conductor.log")

    # --- parts --------------------------------------------------------------------------------------------------

    def start(self, name: str) -> Mapping[str, Any]:
        if name in self._known or name not in self._parts:
            return super().start(name)
        self._create(self._parts[name], network_mode=f"container:{self._container(OWNER_PART).id}")
        return self._started(name)

    def _create(self, part: Part, *, command: list[str] | None = None, ports: bool = False, **network: str) -> None:
        volumes = {str(self.run): {"bind": RUN, "mode": "ro"}, str(ENTRY_FOLDER): {"bind": ENTRY, "mode": "ro"}}
        if part.keeps_data:
            volumes[self._volume_name()] = {"bind": DATA, "mode": "rw"}
        options: dict[str, object] = {
            "command": command or list(part.command), "environment": dict(part.environment), "volumes": volumes, "cap_drop": ["ALL"],
            "cap_add": list(part.capabilities), "security_opt": ["no-new-privileges"], **network,
        }  # fmt: skip
        if part.entrypoint is not None:
            options["entrypoint"] = list(part.entrypoint)
        if ports:
            options["ports"] = {f"{port}/tcp": ("127.0.0.1", None) for port in PUBLISHED}
        self._make(part.name, self.images[part.image], options)

    def _make(self, name: str, image: str, options: dict[str, object]) -> Container:
        own = dict(options)
        made = DockerContainer(image, command=own.pop("command"), env=own.pop("environment"), name=f"{self._drill}-{name}")  # type: ignore[arg-type]
        made.ports = own.pop("ports", {})  # type: ignore[assignment]
        made.volumes = own.pop("volumes")  # type: ignore[assignment]
        made.tmpfs = own.pop("tmpfs", {})  # type: ignore[assignment]
        made.with_kwargs(labels={**self._labels(), PART: name}, **own)
        with telling(f"start {name}"):
            made.start()
        self._known[name] = made.get_wrapped_container()
        return self._known[name]

    def _labels(self) -> dict[str, str]:
        return {LABEL: self._drill, OWNER: this_process(), FOLDER: str(self.run)}

    # --- network and volume ---------------------------------------------------------------------------------------

    def _network_name(self) -> str:
        return self._drill

    def _volume_name(self) -> str:
        return f"{self._drill}-data"

    def _make_network(self) -> None:
        with telling("make the drill's network and volume"):
            self._engine.client.networks.create(self._network_name(), driver="bridge", options=_NO_WAY_OUT, labels=self._labels())
            self._engine.client.volumes.create(self._volume_name(), labels=self._labels())

    def _leave_only_itself(self) -> None:
        """Take the way out from the network that all share: what is published on the host's loopback needs none."""
        with telling("close the drill's network"):
            self._engine.client.containers.run(
                self.images[DRILL], ["ip", "route", "del", "default"], entrypoint=[], network_mode=f"container:{self._container(OWNER_PART).id}",
                cap_drop=["ALL"], cap_add=["NET_ADMIN"], remove=True, labels={**self._labels(), PART: "isolation"}, user="0:0",
            )  # fmt: skip

    def _remove_containers(self) -> None:
        with telling("remove the drill's containers"):
            for container in self._engine.containers(f"{LABEL}={self._drill}"):
                container.remove(force=True, v=True)
        self._logs_end()

    def _remove_network(self) -> None:
        for network in self._engine.networks(f"{LABEL}={self._drill}"):
            with telling("remove the drill's network"):
                network.remove()

    def _remove_volume(self) -> None:
        for volume in self._engine.volumes(f"{LABEL}={self._drill}"):
            with telling("remove the drill's volume"):
                volume.remove(force=True)


def use_ryuk_where_it_can_be(engine: Engine) -> None:
    """testcontainers starts Ryuk unless told not to, and pulls it: here only what is on the engine already is used."""
    chosen = "TESTCONTAINERS_RYUK_DISABLED" in os.environ
    if not chosen:
        testcontainers_config.ryuk_disabled = not engine.has_image(testcontainers_config.ryuk_image)
