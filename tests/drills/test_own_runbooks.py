"""Our own runbooks, carried out: no finding, and no command left out.

All of them are 141 procedures and take eight minutes of two cores. A run of the tests carries out a sixth of them, which the
commit chooses: another commit has another one, and what fails fails again in the same. `GAMEDAY_SIXTH=0` to `5` chooses by hand,
`GAMEDAY_THOROUGH=1` carries all of them out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.runbooks.cases import Choice, find_cases
from scenarios.reading import find_runbooks, load_bindings, read_runbook
from tests.drills.cli import PROJECT, THOROUGH

pytestmark = [pytest.mark.alone, pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]

RUNBOOKS = PROJECT / "scenarios/runbooks"
BINDINGS = RUNBOOKS / "bindings.yaml"
_SIXTHS = 6
_JOBS = 3  # a sandbox waits a third of its time


def _sixth() -> int:
    """Which one this run has: of the environment, else of the commit, else (no checkout) the first."""
    if (chosen := os.environ.get("GAMEDAY_SIXTH")) is not None:
        return int(chosen) % _SIXTHS
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=False)
    return int(asked.stdout.strip()[:8] or "0", 16) % _SIXTHS


def _chosen() -> tuple[list[str], int]:
    """What the command line says of which procedures, and how many commands these have."""
    books = tuple(read_runbook(path) for path in find_runbooks([RUNBOOKS]))
    cases = find_cases(books, Choice(load_bindings(BINDINGS)))
    if not THOROUGH:
        cases = cases[_sixth() :: _SIXTHS]
    named = [] if THOROUGH else [f"--procedure={each.book.reference(each.procedure)}" for each in cases]
    return named, sum(len(step.commands) for each in cases for step in each.procedure.steps)


def test_our_own_runbooks_hold_what_they_promise(tmp_path: Path) -> None:
    """Each procedure in a sandbox of its own, on the stack of its platform: no finding of any severity, every command executed."""
    named, commands = _chosen()
    assert commands > (800 if THOROUGH else 80)
    out = tmp_path / "findings.json"
    ended = subprocess.run(
        [
            sys.executable, "-m", "gameday.cli", "runbook", "check", str(RUNBOOKS), *named, "--bindings", str(BINDINGS),
            "--severity", "info", "--format", "json", "--output", str(out), "--jobs", str(_JOBS),
        ],
        cwd=PROJECT, capture_output=True, text=True, timeout=3600, check=False,
    )  # fmt: skip
    assert out.is_file(), ended.stderr[-3000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    told = [f"{each['file']}:{each['line']} {each['rule']}: {each['message']}\n{each['evidence']}" for each in found["findings"]]
    assert (told, found.get("broken", [])) == ([], [])
    coverage = found["coverage"]
    assert coverage["executed"] == sum(coverage["by_status"].values()) == commands, coverage["by_status"]
    assert ended.returncode == 0
