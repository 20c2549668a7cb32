"""Our own runbooks, carried out: nothing is found, and no command is left out.

All of them are more than a hundred procedures and take ten minutes of two cores; a run of the tests carries out a part of each
platform's. `GAMEDAY_THOROUGH=1` carries all of them out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills.cli import PROJECT, THOROUGH

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]

RUNBOOKS = PROJECT / "scenarios/runbooks"


PART = ("service-status", "health-checks", "daily-checks", "the-rate-gate-is-exhausted", "loki-lags-behind")


def test_our_own_runbooks_hold_what_they_promise(tmp_path: Path) -> None:
    """Each in a sandbox of its own, on the stack of its platform: no finding of any severity, every command executed."""
    out = tmp_path / "findings.json"
    command = [
        sys.executable,
        "-m",
        "gameday.cli",
        "runbook",
        "check",
        str(RUNBOOKS),
        "--bindings",
        str(RUNBOOKS / "bindings.yaml"),
    ]
    command += ["--severity", "info", "--format", "json", "--output", str(out)]
    command += [] if THOROUGH else [word for anchor in PART for word in ("--procedure", anchor)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=3600 if THOROUGH else 300, check=False)
    assert out.is_file(), ended.stderr[-3000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    told = [f"{each['file']}:{each['line']} {each['rule']}: {each['message']}\n{each['evidence']}" for each in found["findings"]]
    assert (told, found.get("broken", [])) == ([], [])
    coverage = found["coverage"]
    assert coverage["executed"] == sum(coverage["by_status"].values()) > (600 if THOROUGH else 30), coverage["by_status"]
    assert ended.returncode == 0
