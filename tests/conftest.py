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


def _toxiproxy() -> str | None:
    found = shutil.which("toxiproxy-server")
    return None if found else "no toxiproxy-server here; get it by `gameday tools install toxiproxy`."


def _prometheus() -> str | None:
    missing = [name for name in ("prometheus", "promtool") if not shutil.which(name)]
    return f"no {missing[0]} on PATH; get it by `apt-get install prometheus`." if missing else None


def _namespaces() -> str | None:
    return _refused(["unshare", "--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--fork", "true"])


def _docker() -> str | None:
    return _refused(["docker", "info", "--format", "{{.ServerVersion}}"])


def _refused(command: list[str]) -> str | None:
    """None where the command works here."""
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except subprocess.CalledProcessError as error:
        return f"`{command[0]}` is refused here: {error.stderr.strip()}"
    except (OSError, subprocess.SubprocessError) as error:
        return f"`{command[0]}` does not work here: {error}"
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
