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
from tests.reports.browser import program

_ENGINE_ANSWERS_WITHIN_S = 2


def _toxiproxy() -> str | None:
    found = find_toxiproxy({**os.environ, "GAMEDAY_TOXIPROXY": ""})
    return None if found.kind == "real" else "no toxiproxy-server here; get it by `gameday tools install toxiproxy`."


def _prometheus() -> str | None:
    missing = [name for name in ("prometheus", "promtool") if not shutil.which(name)]
    return f"no {missing[0]} on PATH; get it by `apt-get install prometheus`." if missing else None


def _alertmanager() -> str | None:
    here = any(shutil.which(name) for name in ("alertmanager", "prometheus-alertmanager"))  # the latter is Debian's name
    return None if here else "no alertmanager on PATH; get it by `apt-get install prometheus-alertmanager`."


def _kubectl() -> str | None:
    return None if shutil.which("kubectl") else "no kubectl on PATH; get it by `apt-get install kubernetes-client`."


def _chromium() -> str | None:
    return None if program() else "no chromium on PATH; get it by `apt-get install chromium`."


def _namespaces() -> str | None:
    refused = namespaces_refused()
    return f"no namespaces here: {refused}" if refused else None


def _docker() -> str | None:
    """An engine answers and has every image of a drill: no test waits for one to be pulled."""
    from harness.engine.images import image_names, variable  # its imports take half a second

    try:
        _ask_docker("version")
        absent = {part: name for part, name in image_names().items() if not _ask_docker("images", "--quiet", name).strip()}
    except (OSError, subprocess.SubprocessError) as error:
        return f"no Docker engine answers: {(getattr(error, 'stderr', None) or str(error)).strip()}"
    if not absent:
        return None
    part, name = next(iter(absent.items()))
    return f"the image {name} is not here; `docker pull` it, or build stand-ins by tests/images/build.py and name them in {variable(part)}."


def _ask_docker(*question: str) -> str:
    asking = ["docker", *question]
    return subprocess.run(asking, capture_output=True, text=True, timeout=_ENGINE_ANSWERS_WITHIN_S, check=True).stdout


PARTS: Mapping[str, Callable[[], str | None]] = {
    "toxiproxy": _toxiproxy,
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "kubectl": _kubectl,
    "chromium": _chromium,
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
    os.environ.pop("GAMEDAY_STORE", None)  # no test writes into anybody's store
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures that a passing test wants to be seen: `record_property("shown", text)`."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports if hasattr(report, "user_properties")]
    shown = {(report.nodeid, str(text)) for report in reports for name, text in report.user_properties if name == "shown"}
    if shown:
        terminalreporter.section("figures")
        for where, text in sorted(shown):
            terminalreporter.write_line(f"{where.rpartition('::')[2]}: {text}")
