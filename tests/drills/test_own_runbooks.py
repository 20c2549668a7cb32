"""Our own runbooks, all of them, carried out: nothing is found, and no command is left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills.cli import PROJECT

pytestmark = [pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]

RUNBOOKS = PROJECT / "scenarios/runbooks"


def test_our_own_runbooks_hold_what_they_promise(tmp_path: Path) -> None:
    """Every procedure of the three platforms, in a sandbox of its own: no finding of any severity, every command executed."""
    out = tmp_path / "findings.json"
    command = [sys.executable, "-m", "gameday.cli", "runbook", "check", str(RUNBOOKS), "--bindings", str(RUNBOOKS / "bindings.yaml")]
    command += ["--severity", "info", "--jobs", "3", "--format", "json", "--output", str(out)]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=1000, check=False)
    assert out.is_file(), ended.stderr[-3000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    told = [f"{each['file']}:{each['line']} {each['rule']}: {each['message']}\n{each['evidence']}" for each in found["findings"]]
    assert (told, found.get("broken", [])) == ([], [])
    coverage = found["coverage"]
    assert coverage["executed"] == coverage["commands"] > 500, coverage["by_status"]
    assert ended.returncode == 0
