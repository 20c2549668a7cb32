"""The drill's own container: conductor, fake services, observer and the operator's workstation, in the network of its stack.

It is shown the project and its packages read-only, its drill folder, and nothing else of the caller; it has no
capabilities, no way out of its network, and not the engine.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from docker.models.containers import Container

from harness.engine.client import Engine, telling
from harness.engine.images import python_version
from harness.engine.layout import ENTRY, ENTRY_FOLDER, RUN, SPEC
from harness.sandbox.launch import PROJECT, project_packages
from harness.sandbox.root import RUN as PRIVATE

MOST_PROCESSES = 2000


def options(folder: Path, run: Path, network: str) -> dict[str, object]:
    """What the engine is asked for, beside image, name and labels. `network` is the id of the container whose network it joins."""
    packages = Path(sysconfig.get_path("purelib"))
    shown = {str(path): {"bind": str(path), "mode": "ro"} for path in (packages, *project_packages())}
    return {
        "entrypoint": ["/bin/sh", f"{ENTRY}/drill.sh"],
        "command": [python_version(), f"{RUN}/{SPEC}"],
        "environment": {"PYTHONPATH": f"{PROJECT}:{packages}", "HOME": str(PRIVATE), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"},
        "volumes": {
            **shown,
            str(folder): {"bind": str(folder), "mode": "rw"},
            str(run): {"bind": RUN, "mode": "rw"},
            str(ENTRY_FOLDER): {"bind": ENTRY, "mode": "ro"},
        },
        "tmpfs": {str(PRIVATE): "exec,mode=1777", "/tmp": "exec,mode=1777"},  # noqa: S108 - in its own container
        "working_dir": str(PRIVATE),
        "network_mode": f"container:{network}",
        "user": f"{os.getuid()}:{os.getgid()}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": MOST_PROCESSES,
    }


class DrillContainer:
    """The running conductor, with what its starter needs of a process."""

    def __init__(self, engine: Engine, container: Container, log: Path) -> None:
        self._engine, self._container, self._log = engine, container, log

    def lines(self) -> Iterator[bytes]:
        """Each line that the conductor prints, as it comes, until it ends."""
        rest = b""
        with telling("listen to the drill's container"):
            streamed = self._engine.streams.containers.get(self._container.id)
            for chunk in streamed.logs(stream=True, follow=True, stdout=True, stderr=False):
                *complete, rest = (rest + chunk).split(b"\n")
                yield from complete
        if rest:
            yield rest

    def wait(self) -> int:
        """Its exit code; what it printed as errors is then in its log."""
        with telling("wait for the drill's container"):
            code = int(self._engine.streams.containers.get(self._container.id).wait()["StatusCode"])
            self._log.write_bytes(self._container.logs(stdout=False, stderr=True))
        return code

    def send_signal(self, number: int) -> None:
        with telling("signal the drill's container"):
            self._container.reload()
            if self._container.status == "running":
                self._container.kill(signal=number)

    def kill(self) -> None:
        self.send_signal(9)
