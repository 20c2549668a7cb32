"""What a test may need of the machine, by its markers.

Where a part is missing the test is skipped and says why; where GAMEDAY_REQUIRE names the part (a comma list, or `all`)
the test fails instead. CI requires what it installs, so a broken installation can't pass as a skip.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

import pytest
from hypothesis import settings

from harness.sandbox.launch import namespaces_refused
from harness.toxiproxy_server import find_toxiproxy


def _toxiproxy() -> str | None:
    found = find_toxiproxy({**os.environ, "GAMEDAY_TOXIPROXY": ""})
    return None if found.kind == "real" else "no toxiproxy-server here; get it by `gameday tools install toxiproxy`."


def _prometheus() -> str | None:
    missing = [name for name in ("prometheus", "promtool") if not shutil.which(name)]
    return f"no {missing[0]} on PATH; get it by `apt-get install prometheus`." if missing else None


def _namespaces() -> str | None:
    refused = namespaces_refused()
    return f"no namespaces here: {refused}" if refused else None


def _docker() -> str | None:
    try:
        subprocess.run(["docker", "info", "--format", "{{.ServerVersion}}"], capture_output=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"no Docker daemon answers: {error}"
    return None


PARTS: Mapping[str, Callable[[], str | None]] = {
    "toxiproxy": _toxiproxy,
    "prometheus": _prometheus,
    "namespaces": _namespaces,
    "docker": _docker,
}


@functools.cache
def missing(part: str) -> str | None:
    """Why a part can't be used here, or None. Looked up once a run."""
    return PARTS[part]()


def required() -> frozenset[str]:
    """The parts that GAMEDAY_REQUIRE names. Raises pytest.UsageError for a name that is none: a typo would require nothing."""
    named = {name.strip() for name in os.environ.get("GAMEDAY_REQUIRE", "").split(",")} - {""}
    if unknown := sorted(named - {*PARTS, "all"}):
        raise pytest.UsageError(f"GAMEDAY_REQUIRE: no part is called {unknown[0]!r}; there are {', '.join(PARTS)} and all.")
    return frozenset(PARTS if "all" in named else named)


def pytest_configure() -> None:
    # No deadline: how fast a shared machine is, is no claim of a test. Derandomised: a run fails for its change alone.
    settings.register_profile("house", deadline=None, derandomize=True, database=None)
    settings.load_profile("house")
    required()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for part in PARTS:
        if item.get_closest_marker(part) is None:
            continue
        if (why := missing(part)) is None:
            continue
        if part in required():
            pytest.fail(f"GAMEDAY_REQUIRE names {part}, but: {why}", pytrace=False)
        pytest.skip(why)
