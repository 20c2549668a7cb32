"""Puts the stand-ins on an operator's PATH: one small launcher for each, and links to the real programs beside them."""

from __future__ import annotations

import compileall
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import fakes

STAND_INS = {  # command: module of fakes.commands
    "kubectl": "kubectl", "eafix-cli": "eafix_cli", "helm": "helm", "docker": "docker", "pm2": "pm2", "systemctl": "systemctl",
    "nginx": "nginx", "ufw": "ufw", "sudo": "sudo", "wscat": "wscat", "grafana-cli": "grafana_cli", "ping": "ping",
}  # fmt: skip
FALL_BACKS = {"make": "make"}  # only where the machine lacks the real one
# Real ones only: a command that lacks its tool says so.
NEEDED = ("psql", "pg_dump", "pg_restore", "createdb", "dropdb", "redis-cli", "curl", "jq", "git")
_MISSING = 127


def install_commands(folder: Path, python: str, extra: Mapping[str, Path]) -> None:
    """Fill the workstation's `bin` folder.

    `python` is the absolute path of the interpreter. `extra` names real programs by the command they are called by; each is
    linked, but for the stand-ins' own names. A tool of `NEEDED` that is neither given nor on the system's path becomes a
    command that says what is missing and ends with 127, as the shell's own "command not found" does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for command, module in STAND_INS.items():
        _write(folder / command, _launcher(python, module))
    for command, path in extra.items():
        if command not in STAND_INS:
            _link(folder / command, path)
    for command, module in FALL_BACKS.items():
        if command not in extra and not _on_system(command):
            _write(folder / command, _launcher(python, module))
    for command in NEEDED:
        if command not in extra and not _on_system(command):
            _write(folder / command, _missing(command))


def compile_commands() -> None:
    """Compile the stand-ins beside their sources, and all else that runs in a sandbox: uncompiled it takes three times as long to start.

    For whoever runs where the sources can be written to, before they are used where they can't: in a sandbox. Takes a tenth of a
    second when nothing has changed; does nothing where it may not write.
    """
    project = Path(fakes.__file__).resolve().parents[1]
    for name in ("fakes/commands", "fakes/services", "fakes/toxiproxy", "harness", "scenarios"):
        compileall.compile_dir(project / name, quiet=2)
    for path in (project / "fakes").glob("*.py"):
        compileall.compile_file(path, quiet=2)


def _launcher(python: str, module: str) -> str:
    """Without site-packages, user site and PYTHON* variables: it starts in half the time, and nothing gets in the way."""
    root = Path(fakes.__file__).resolve().parents[1]
    code = f"import sys; sys.path[0] = {str(root)!r}; from fakes.commands.{module} import main; sys.exit(main(sys.argv[1:]))"
    return f'#!/bin/sh\nexec {shlex.quote(python)} -S -E -s -c {shlex.quote(code)} "$@"\n'


def _missing(command: str) -> str:
    text = f"{command}: not found on this machine; `gameday doctor` tells how to get it"
    return f"#!/bin/sh\necho {shlex.quote(text)} >&2\nexit {_MISSING}\n"


def _on_system(command: str) -> bool:
    return shutil.which(command, path="/usr/bin:/bin") is not None


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target.resolve())
