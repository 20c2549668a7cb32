"""Our own runbooks, carried out: no finding, and no command left out.

All of them are more than a hundred procedures and take ten minutes of two cores; a run of the tests carries out one document and
some procedures of the others. `GAMEDAY_THOROUGH=1` carries all of them out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills.cli import PROJECT, THOROUGH

pytestmark = [pytest.mark.alone, pytest.mark.real, pytest.mark.namespaces, pytest.mark.slow]

RUNBOOKS = PROJECT / "scenarios/runbooks"
BOOK = "eafix-quick-reference.md"
ELSEWHERE = ("service-failure", "contain", "daily-checks", "the-rate-gate-is-exhausted", "loki-lags-behind")
_JOBS = 4  # a sandbox waits half of its time


@pytest.mark.parametrize(
    ("what", "least"),
    [([str(RUNBOOKS)], 800)]
    if THOROUGH
    else [([str(RUNBOOKS / BOOK)], 10), ([str(RUNBOOKS), *(f"--procedure={each}" for each in ELSEWHERE)], 20)],
    ids=["all"] if THOROUGH else ["a document", "from each document"],
)
def test_our_own_runbooks_hold_what_they_promise(what: list[str], least: int, tmp_path: Path) -> None:
    """Each procedure in a sandbox of its own, on the stack of its platform: no finding of any severity, every command executed."""
    out = tmp_path / "findings.json"
    ended = subprocess.run(
        [
            sys.executable, "-m", "gameday.cli", "runbook", "check", *what, "--bindings", str(RUNBOOKS / "bindings.yaml"),
            "--severity", "info", "--format", "json", "--output", str(out), "--jobs", str(_JOBS),
        ],
        cwd=PROJECT, capture_output=True, text=True, timeout=3600, check=False,
    )  # fmt: skip
    assert out.is_file(), ended.stderr[-3000:]
    found = json.loads(out.read_text(encoding="utf-8"))
    told = [f"{each['file']}:{each['line']} {each['rule']}: {each['message']}\n{each['evidence']}" for each in found["findings"]]
    assert (told, found.get("broken", [])) == ([], [])
    coverage = found["coverage"]
    assert coverage["executed"] == sum(coverage["by_status"].values()) > least, coverage["by_status"]
    assert ended.returncode == 0
