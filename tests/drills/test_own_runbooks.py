"""Our own runbooks, carried out: every procedure, no finding, and no command left out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills.cli import PROJECT

pytestmark = [pytest.mark.alone, pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]

RUNBOOKS = PROJECT / "scenarios/runbooks"
_JOBS = 4  # a sandbox waits half of its time


def test_our_own_runbooks_hold_what_they_promise(tmp_path: Path) -> None:
    """Each in a sandbox of its own, on the stack of its platform: no finding of any severity, every command executed."""
    out = tmp_path / "findings.json"
    ended = subprocess.run(
        [
            sys.executable, "-m", "gameday.cli", "runbook", "check", str(RUNBOOKS), "--bindings", str(RUNBOOKS / "bindings.yaml"),
            "--severity", "info", "--format", "json", "--output", str(out), "--jobs", str(_JOBS),
        ],
        cwd=PROJECT, capture_output=True, text=True, timeout=3600, check=False,
    )  # fmt: skip
    assert out.is_file(), ended.stderr[-3000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    told = [f"{each['file']}:{each['line']} {each['rule']}: {each['message']}\n{each['evidence']}" for each in found["findings"]]
    assert (told, found.get("broken", [])) == ([], [])
    coverage = found["coverage"]
    assert coverage["executed"] == sum(coverage["by_status"].values()) > 800, coverage["by_status"]
    assert ended.returncode == 0
