"""What this machine has for drills, what would be used, and how to get the rest."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.sandbox.launch import namespaces_refused
from harness.stack.backup_programs import BackupPrograms
from harness.tools import find_alertmanager, find_postgres, find_prometheus, find_redis
from harness.toxiproxy_server import find_toxiproxy


@dataclass(frozen=True, slots=True)
class Finding:
    """One part. `ok` is None where a drill runs without it, less well or with something else instead."""

    part: str
    ok: bool | None
    found: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Every part that a drill needs or can use, in the order in which one would set a machine up."""
    yield Finding("python", True, platform.python_version())
    yield _sandbox()
    yield _tool("postgres", find_postgres)
    yield _tool("redis-server", lambda: find_redis("redis-server"))
    yield _tool("redis-cli", lambda: find_redis("redis-cli"))
    yield _toxiproxy()
    yield _detection()
    yield from _backups()
    yield _program("bash", needed=True, remedy="apt-get install bash")
    yield _program("curl", needed=True, remedy="apt-get install curl")
    yield _program("jq", needed=False, remedy="runbook commands that call it fail without it: apt-get install jq")
    yield _program("go", needed=False, remedy="only for `gameday tools install toxiproxy`: Go 1.23 or newer")
    yield _engine()
    yield _memory()


def _sandbox() -> Finding:
    try:
        refused = namespaces_refused()
    except OSError as error:
        refused = str(error)
    if refused is None:
        return Finding("sandbox", True, "Linux namespaces: a drill reaches nothing of this machine")
    remedy = (
        "Ubuntu 24.04: sysctl kernel.apparmor_restrict_unprivileged_userns=0; in a container: --security-opt seccomp=unconfined"
    )
    return Finding("sandbox", None, f"free ports on this machine's loopback: {refused}", remedy)


def _tool(part: str, find: Callable[[], object]) -> Finding:
    try:
        tool = find()
    except HarnessError as error:
        return Finding(part, False, "not found", str(error))
    return Finding(part, True, " ".join(str(getattr(tool, name)) for name in ("version", "origin", "path")))


_JOBS = {
    "full": "full backup", "incremental": "incremental", "log": "log backup", "verify": "verification", "encrypt": "encryption",
}  # fmt: skip


def _backups() -> Iterator[Finding]:
    """What each job of the backups runs on, of the Postgres that a drill would use."""
    try:
        jobs = BackupPrograms.of(find_postgres().path).jobs()
    except HarnessError:  # told above
        return
    for job in jobs:
        yield Finding(_JOBS[job.name], True if job.runs_on else None, job.runs_on or "not taken", job.why)


def _toxiproxy() -> Finding:
    try:
        server = find_toxiproxy()
    except HarnessError as error:
        return Finding("toxiproxy", False, "not usable", str(error))
    better = "" if server.kind == "real" else "the real one, if you want it: gameday tools install toxiproxy"
    return Finding("toxiproxy", True, f"{server.version} ({server.kind})", better)


def _engine() -> Finding:
    part = "containers"
    try:
        from harness.engine.client import Engine
        from harness.engine.images import image_names

        engine = Engine.connect()
        missing = [f"{name} ({part})" for part, name in image_names().items() if not engine.has_image(name)]
    except ImportError:
        return Finding(part, None, "no --stack containers", "pip install 'gameday[containers]'")
    except HarnessError as error:
        return Finding(part, None, "no --stack containers", str(error))
    later = f"pulled or built at the first drill: {', '.join(missing)}" if missing else ""
    return Finding(part, True, f"Docker engine {engine.version()}", later)


def _detection() -> Finding:
    try:
        tools = (find_prometheus(), find_alertmanager())
    except HarnessError as error:
        return Finding("detection", True, "embedded evaluator of the Prometheus rule files", str(error))
    return Finding("detection", True, ", ".join(f"{tool.name} {tool.version} {tool.path}" for tool in tools))


def _program(name: str, *, needed: bool, remedy: str) -> Finding:
    path = shutil.which(name)
    return Finding(name, True, path) if path else Finding(name, False if needed else None, "not found", remedy)


def _memory() -> Finding:
    rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free_mb = int(rows["MemAvailable"].split()[0]) // 1024
    said = f"{free_mb} MB free, {os.cpu_count()} processors"
    if free_mb < 1500:
        return Finding("memory", None, said, "with less than 1500 MB free the datastores' folders lie on disk: slower to boot")
    return Finding("memory", True, f"{said}: datastores' folders on tmpfs")
