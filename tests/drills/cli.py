"""Runs `gameday` as a user would: as a program, in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
THOROUGH = (
    os.environ.get("GAMEDAY_THOROUGH") == "1"
)  # everything, however long it takes; otherwise a part, so that CI stays short


@dataclass(frozen=True)
class Run:
    """A finished command."""

    code: int
    printed: str
    out: Path

    @property
    def folder(self) -> Path:
        """The folder of its drill; there must be exactly one."""
        (folder,) = [each for each in self.out.iterdir() if each.is_dir()]
        return folder

    @property
    def result(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
        return document

    def verdicts(self) -> dict[str, str]:
        """The verdict of each target and invariant by its name."""
        return {(row["target"] or row["name"]): row["verdict"] for row in self.result["verdicts"]}


def start(arguments: list[str], out: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `gameday` with its drills in `out`. The embedded evaluator detects, unless the arguments say who."""
    if arguments[0] == "run" and "--monitor" not in arguments:
        arguments = [*arguments, "--monitor", "embedded"]
    return subprocess.Popen(
        [sys.executable, "-m", "gameday.cli", *arguments, "--out", str(out)], cwd=PROJECT, env={**os.environ, **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def gameday(arguments: list[str], out: Path, **environment: str) -> Run:
    """Run `gameday` to its end."""
    process = start(arguments, out, **environment)
    printed, _ = process.communicate(timeout=400)
    return Run(process.returncode, printed, out)
