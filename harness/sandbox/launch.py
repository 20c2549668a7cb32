"""Starts a command in a sandbox, from outside.

With namespaces: own users, network, processes, mounts and shared memory; when this process ends, however it ends, the
kernel ends everything inside. Where the machine forbids namespaces the command runs on free ports beside everything
else, and a warning says so; GAMEDAY_SANDBOX=namespaces|ports decides it by hand.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from harness.errors import SandboxError
from harness.sandbox.root import RUN

PROJECT = Path(__file__).resolve().parents[2]
_PACKAGES = ("scenarios", "fakes", "harness", "reports", "gameday")
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONPATH": str(PROJECT),
}  # of whatever starts in a sandbox: nothing of the caller's
_FAST_RUN_NEEDS_MB = 1500  # free memory from which on the datastores' folders lie on tmpfs


@functools.cache
def namespaces_refused() -> str | None:
    """Why this machine permits no namespaces, or None when it does. Tried once a process."""
    process = start(["/bin/sh", "-c", "exit 0"], own_network=True, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    _, printed = process.communicate(timeout=30)
    if process.returncode == 0:
        return None
    return (printed or b"").decode(errors="replace").strip() or f"exit code {process.returncode}"


def choose_own_network() -> tuple[bool, str | None]:
    """Whether drills get namespaces, and the warning when they don't. Raises SandboxError for GAMEDAY_SANDBOX=namespaces."""
    wish = os.environ.get("GAMEDAY_SANDBOX", "auto")
    if wish not in ("auto", "namespaces", "ports"):
        raise SandboxError(f"GAMEDAY_SANDBOX={wish} is not known; write auto, namespaces or ports.")
    if wish == "ports":
        return False, "GAMEDAY_SANDBOX=ports: no namespaces; free ports are used, and addresses in commands are mapped."
    refused = namespaces_refused()
    if refused is None:
        return True, None
    if wish == "namespaces":
        raise SandboxError(f"this machine permits no namespaces ({refused}), and GAMEDAY_SANDBOX=namespaces asks for them.")
    return False, f"this machine permits no namespaces ({refused}): free ports are used, and addresses in commands are mapped."


def run_folder(folder: Path, *, own_network: bool) -> tuple[Path, Path | None]:
    """Where a drill keeps what runs (as it sees it), and the host's folder behind it, or None for a private tmpfs.

    Without namespaces it is a folder of its own under the system's temporary one: paths of sockets are short there, and
    root's drills run Postgres as somebody else, who must be able to reach it.
    """
    if not own_network:
        behind = Path(tempfile.mkdtemp(prefix="gameday-"))
        behind.chmod(0o711)
        return behind, behind
    if free_memory_mb() >= _FAST_RUN_NEEDS_MB:
        return RUN, None
    behind = folder / "run"
    behind.mkdir(exist_ok=True)
    return RUN, behind


def start(
    command: Sequence[str], *, own_network: bool, read_only: Sequence[Path] = (), writable: Sequence[Path] = (), run: Path | None = None,
    stdin: int | IO[bytes] | None = None, stdout: int | IO[bytes] | None = None, stderr: int | IO[bytes] | None = None,
    workstation_mb: int | None = None, largest_mb: int | None = None, hosts: Sequence[str] = (),
) -> subprocess.Popen[bytes]:  # fmt: skip
    """Start `command` in a sandbox that dies with this process. SIGTERM and SIGINT sent to the result reach the command.

    The specification's words are those of `specification`.
    """
    spec = specification(
        own_network=own_network, read_only=read_only, writable=writable, run=run, workstation_mb=workstation_mb, largest_mb=largest_mb,
        hosts=hosts,
    )  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "harness.sandbox.init", json.dumps(spec), "--", *command],
        cwd=PROJECT, env=ENVIRONMENT, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True,
    )  # fmt: skip


def specification(
    *, own_network: bool, read_only: Sequence[Path] = (), writable: Sequence[Path] = (), run: Path | None = None,
    workstation_mb: int | None = None, largest_mb: int | None = None, hosts: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """What `harness.sandbox.init` is told.

    `read_only` and `writable` name what it is shown of the host beside system, interpreter and this project's packages.
    `hosts` are names that it calls itself by.
    `workstation_mb` gives the operator's workstation a file system of its own, of that size; `largest_mb` limits the private one.
    """
    shown = [Path(sys.prefix), Path(sys.base_prefix), *project_packages(), *read_only]
    return {
        "parent": os.getpid(),
        "plain": not own_network,
        "read_only": [str(path) for path in shown],
        "writable": [str(path) for path in writable],
        "run": str(run) if run else None,
        "workstation_mb": workstation_mb,
        "largest_mb": largest_mb,
        "hosts": list(hosts),
    }


def project_packages() -> list[Path]:
    """The folders of this project's own packages."""
    return [PROJECT / name for name in _PACKAGES if (PROJECT / name).is_dir()]


def free_memory_mb() -> float:
    """What of this machine's memory could be used now."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1024
    return 0.0
