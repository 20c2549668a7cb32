"""A containers stack that the harness makes for one drill, with testcontainers, and removes afterwards.

Everything carries the drill's label, so that `gameday clean` finds what a killed harness left; Ryuk, testcontainers' own
reaper, does the same at once where its image is on the engine.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from harness.engine.client import LABEL, telling
from harness.engine.layout import DATA, ENTRY, ENTRY_FOLDER, OWNER_PART, PUBLISHED, RUN, Part
from harness.engine.rig import Rig

# Packets that leave are not made to look like the host's, so that no answer to one finds its way back.
_NETWORK = {"com.docker.network.bridge.enable_ip_masquerade": "false"}


class Pod(Rig):
    """One stack of containers. A part is made when the conductor first starts it."""

    kind: ClassVar[Literal["containers", "compose"]] = "containers"

    def _needed_images(self) -> dict[str, str]:
        return self._images

    def _image_of(self, part: Part) -> str:
        return self._images[part.image]

    def _open(self, seed: int) -> None:
        self.run = Path(tempfile.mkdtemp(prefix="gameday-"))
        self.run.chmod(0o755)
        self._closing.callback(shutil.rmtree, self.run, ignore_errors=True)
        self._closing.callback(self._remove)
        with telling("make the drill's network and volume"):
            self._engine.client.networks.create(self._drill, driver="bridge", options=_NETWORK, labels=self._labels())
            self._engine.client.volumes.create(self._volume(), labels=self._labels())
        published = {f"{port}/tcp": ("127.0.0.1", None) for port in PUBLISHED}
        owner = self._parts[OWNER_PART]
        self._create(owner, command=[*owner.command, "-seed", str(seed)], network=self._drill, ports=published)

    def start(self, name: str) -> Mapping[str, Any]:
        if name in self._known or name not in self._parts:
            return super().start(name)
        part = self._parts[name]
        return self._create(part, command=list(part.command), network_mode=f"container:{self._network_owner()}")

    def _create(self, part: Part, **options: Any) -> Mapping[str, Any]:
        volumes = {str(self.run): {"bind": RUN, "mode": "ro"}, str(ENTRY_FOLDER): {"bind": ENTRY, "mode": "ro"}}
        if part.keeps_data:
            volumes[self._volume()] = {"bind": DATA, "mode": "rw"}
        if part.entrypoint is not None:
            options["entrypoint"] = list(part.entrypoint)
        self._known[part.name] = self._make(
            part.name, self._image_of(part),
            {
                "environment": dict(part.environment), "volumes": volumes, "cap_drop": ["ALL"], "cap_add": list(part.capabilities),
                "security_opt": ["no-new-privileges"], **options,
            },
        )  # fmt: skip
        return self._started(part.name)

    def _volume(self) -> str:
        return f"{self._drill}-data"

    def _remove(self) -> None:
        self._remove_containers()
        with telling("remove the drill's network and volume"):
            for made in [*self._engine.networks(f"{LABEL}={self._drill}"), *self._engine.volumes(f"{LABEL}={self._drill}")]:
                made.remove()
