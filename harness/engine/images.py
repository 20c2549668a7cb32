"""The images of a containers stack: every name in one place, each overridable by a variable of the environment.

The defaults are the official images, pinned by version. GAMEDAY_IMAGE_POSTGRES=registry.example/postgres:18 takes another
one; what it must be able to do stands in docs/stacks.md.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.engine.client import Engine
from harness.errors import EngineError

DEFAULTS = {
    "postgres": "postgres:18.1-bookworm",
    "redis": "redis:7.4.1-bookworm",
    "toxiproxy": "ghcr.io/shopify/toxiproxy:2.12.0",
    "prometheus": "prom/prometheus:v3.5.0",
    "alertmanager": "prom/alertmanager:v0.28.1",
}
DRILL = "drill"  # the project's own image, in which the conductor, the fake services and the operator's workstation run
_RECIPE = Path(__file__).with_name("drill.Dockerfile")


def variable(part: str) -> str:
    """The environment variable that chooses the image of a part."""
    return f"GAMEDAY_IMAGE_{part.upper()}"


def image_names(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The image of each part. That of the drill itself is built here unless one is named."""
    environment = os.environ if environment is None else environment
    return {part: environment.get(variable(part)) or name for part, name in {**DEFAULTS, DRILL: _own()}.items()}


def _own() -> str:
    """Named after its recipe and Python, so that a change of either builds it anew."""
    digest = hashlib.sha256(_RECIPE.read_bytes()).hexdigest()[:12]
    return f"gameday-drill:{python_version()}-{digest}"


def python_version() -> str:
    """Major and minor: the packages of this interpreter are used inside the drill's container too."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def provide(engine: Engine, names: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """See that every image is there: pull what is missing, build our own. Raises EngineError, which names the variable to set."""
    for part, name in names.items():
        if engine.has_image(name):
            continue
        try:
            if part == DRILL and name == _own():
                tell(f"building the image {name}, once for this Python ...")
                engine.build_image(name, _RECIPE.parent, _RECIPE.name, {"PYTHON": python_version()})
            else:
                tell(f"pulling the image {name} ...")
                engine.pull_image(name)
        except EngineError as error:
            raise EngineError(
                f"the image {name} ({part}) is not here and could not be had: {error} Name another one with {variable(part)}=..., "
                "or use the embedded stack (--stack embedded)."
            ) from error
