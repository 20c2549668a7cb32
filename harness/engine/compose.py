"""A stack that somebody made with Docker Compose from docker-compose.test.yml: a drill attaches to it and leaves it as it was.

It must have been made for drills: every container of the compose project carries our label, or nothing is touched.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from docker.models.containers import Container

from harness.engine.client import PART, STACK, Engine, telling
from harness.engine.images import DRILL
from harness.engine.layout import OWNER_PART, RUN, Part
from harness.engine.rig import Rig
from harness.errors import EngineError

PROJECT_VARIABLE = "GAMEDAY_COMPOSE_PROJECT"
_PROJECT = "com.docker.compose.project"
_START_IT = "Start one: docker compose -f docker-compose.test.yml up -d (with Compose v1: docker-compose)."


class Attached(Rig):
    """A compose stack with a drill's conductor beside it. One drill at a time."""

    kind: ClassVar[Literal["containers", "compose"]] = "compose"

    def _needed_images(self) -> dict[str, str]:
        return {DRILL: self._images[DRILL]}

    def _image_of(self, part: Part) -> str:
        return str(self._container(part.name).attrs["Config"]["Image"])

    def _open(self, seed: int) -> None:  # noqa: ARG002 - compose has started Toxiproxy with a seed of its own
        project = find_project(self._engine)
        self._known = parts_of_project(project, self._parts)
        self.run = _run_folder(self._container(OWNER_PART))
        self._hold()
        self._closing.callback(self._leave_as_it_was)
        self._closing.callback(self._remove_containers)
        for name in self._known:
            self._printed_before[name] = len(self._container(name).logs())
        self._stop_all()
        self.start(OWNER_PART)  # with a new network, and without the last drill's proxies

    def _hold(self) -> None:
        """Nobody else drills with this stack meanwhile."""
        try:
            lock = self._closing.enter_context((self.run / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EngineError(
                "another drill uses this compose stack; wait for it, or run this one with --stack containers."
            ) from error
        except OSError as error:
            raise EngineError(
                f"the folder {self.run} of the compose stack is not writable ({error.strerror}); make it yours."
            ) from error

    def _stop_all(self) -> None:
        for name, container in self._known.items():
            with telling(f"stop {name}"):
                container.reload()
                if container.status == "paused":
                    container.unpause()
                if container.status in ("running", "paused", "restarting"):
                    container.kill()
                    container.wait()

    def _leave_as_it_was(self) -> None:
        """Everything runs again, with new data and the settings of the compose file."""
        self._stop_all()
        for left in self.run.iterdir():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            elif left.name != "lock":
                left.unlink(missing_ok=True)
        for name, container in self._known.items():
            with telling(f"start {name}"):
                container.start()


def find_project(engine: Engine) -> list[Container]:
    """The containers of the one compose project that was made for drills, or of that which GAMEDAY_COMPOSE_PROJECT names.

    Raises EngineError when there is none or more than one, and when any container of it was not made for drills.
    """
    named = os.environ.get(PROJECT_VARIABLE)
    made_for_drills = engine.containers(STACK, _PROJECT)
    projects = {named} if named else {str(container.labels[_PROJECT]) for container in made_for_drills}
    if not projects:
        raise EngineError(f"no compose stack that was made for drills is here. {_START_IT}")
    if len(projects) > 1:
        raise EngineError(
            f"several compose stacks were made for drills; choose one: {PROJECT_VARIABLE}={' or '.join(sorted(projects))}."
        )
    (project,) = projects
    found = engine.containers(f"{_PROJECT}={project}")
    if not found:
        raise EngineError(f"there is no compose project {project}. {_START_IT}")
    if foreign := [str(container.name) for container in found if STACK not in container.labels]:
        raise EngineError(
            f"{', '.join(foreign)} of the compose project {project} carries no label {STACK}: it was not made for drills, "
            "and no drill runs against it."
        )
    return found


def parts_of_project(found: Sequence[Container], parts: dict[str, Part]) -> dict[str, Container]:
    """The containers by the names of their parts, as the stack needs them. Raises EngineError when one is missing or elsewhere."""
    known = {str(container.labels.get(PART)): container for container in found}
    if missing := [name for name in parts if name not in known]:
        raise EngineError(f"the compose stack has no {missing[0]}; its containers carry the label {PART}. {_START_IT}")
    owner = known[OWNER_PART]
    for port, places in (owner.attrs["HostConfig"]["PortBindings"] or {}).items():
        if any(place["HostIp"] not in ("127.0.0.1", "::1") for place in places):
            raise EngineError(f"{owner.name} publishes {port} beyond this machine's loopback; write 127.0.0.1 before the port.")
    for name in parts:
        if name != OWNER_PART and known[name].attrs["HostConfig"]["NetworkMode"] != f"container:{owner.id}":
            raise EngineError(
                f"{known[name].name} is not in the network of {owner.name}; write network_mode: service:{OWNER_PART}."
            )
    return {name: known[name] for name in parts}


def _run_folder(container: Container) -> Path:
    for mount in container.attrs["Mounts"]:
        if mount["Destination"] == RUN:
            return Path(mount["Source"])
    raise EngineError(f"{container.name} has no folder at {RUN}; take docker-compose.test.yml as it is.")
