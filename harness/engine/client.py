"""The container engine, as far as drills need it. Every failure is an EngineError in one sentence.

Only what carries our label is ever touched: `LABEL` on what a drill made, `STACK` on a compose stack that was made for drills.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests
from docker import DockerClient
from docker.models.containers import Container

from harness.errors import EngineError

LABEL = "gameday.drill"  # the drill that made it
OWNER = "gameday.owner"  # the process that answers for it: boot, pid and start time
FOLDER = "gameday.folder"  # the drill's folder of what runs
STACK = "gameday.stack"  # a stack that was made for drills to attach to
PART = "gameday.part"  # which part of the stack a container is
_ANSWERS_WITHIN_S = 1.5
_ACTS_WITHIN_S = 120
_STREAMS_FOR_S = 7 * 86400  # a log that is followed may be silent for long
_ALTERNATIVE = "Start it, point DOCKER_HOST at it, or use the embedded stack (--stack embedded), which needs none."


class Engine:
    """A Docker engine that answers."""

    def __init__(self, client: DockerClient, streams: DockerClient) -> None:
        """`streams` is a second client, for answers that take as long as a container lives."""
        self.client, self.streams = client, streams

    @classmethod
    def connect(cls) -> Engine:
        """The engine of DOCKER_HOST, else the local one. Raises EngineError within 2 s."""
        try:
            client = docker.from_env(timeout=_ANSWERS_WITHIN_S)
            client.ping()
        except (docker.errors.DockerException, OSError) as error:
            raise EngineError(f"no Docker engine answers at {_address()} ({_reason(error)}). {_ALTERNATIVE}") from error
        client.api.timeout = _ACTS_WITHIN_S
        return cls(client, docker.from_env(timeout=_STREAMS_FOR_S))

    def version(self) -> str:
        with telling("ask the engine for its version"):
            return str(self.client.version()["Version"])

    # --- images -----------------------------------------------------------------------------------------------

    def has_image(self, name: str) -> bool:
        with telling(f"look for the image {name}"):
            try:
                self.client.images.get(name)
            except docker.errors.ImageNotFound:
                return False
            return True

    def image_id(self, name: str) -> str:
        """Short, for a history."""
        with telling(f"look at the image {name}"):
            return str(self.client.images.get(name).short_id).removeprefix("sha256:")

    def pull_image(self, name: str) -> None:
        with telling(f"pull {name}"):
            self.client.images.pull(name)

    def build_image(self, name: str, folder: Path, recipe: str, arguments: Mapping[str, str]) -> None:
        with telling(f"build {name} from {recipe}"):
            self.client.images.build(
                path=str(folder), dockerfile=recipe, tag=name, buildargs=dict(arguments), rm=True, forcerm=True
            )

    # --- what drills have made ----------------------------------------------------------------------------------

    def containers(self, *labels: str) -> list[Container]:
        """Those that carry all these labels (`key` or `key=value`), running or not."""
        with telling("list containers"):
            return list(self.client.containers.list(all=True, filters={"label": list(labels)}))

    def networks(self, *labels: str) -> list[Any]:
        with telling("list networks"):
            return list(self.client.networks.list(filters={"label": list(labels)}))

    def volumes(self, *labels: str) -> list[Any]:
        with telling("list volumes"):
            return list(self.client.volumes.list(filters={"label": list(labels)}))


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Translate the engine's errors: what could not be done, and its reason. Raises EngineError."""
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise EngineError(f"the Docker engine could not {what}: {_reason(error)}.") from error


def _address() -> str:
    return os.environ.get("DOCKER_HOST") or "its usual place"


def _reason(error: BaseException) -> str:
    """The innermost cause, in one line."""
    if isinstance(error, docker.errors.APIError):
        return str(error.explanation or error).strip().rstrip(".")
    inner = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    text = inner.strerror if isinstance(inner, OSError) and inner.strerror else str(inner) or type(inner).__name__
    return " ".join(text.split()).rstrip(".")
