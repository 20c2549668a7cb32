"""What a procedure's commands can do to the drill that judges them: nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.history import HISTORY_FILE, History
from harness.sandbox import launch

pytestmark = pytest.mark.namespaces
Row = dict[str, Any]


def carry_out(folder: Path, *commands: str) -> list[Row]:
    """What came of each, carried out by the responder of a drill with this folder; the history is what was recorded, and no more."""
    process = launch.start(
        [sys.executable, "-m", "tests.harness.respond.untrusted", str(folder), json.dumps(commands)], own_network=True,
        read_only=[launch.PROJECT / "tests"], writable=[folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    printed, log = process.communicate(timeout=120)
    assert process.returncode == 0, log.decode()
    assert (folder / HISTORY_FILE).read_bytes() == printed
    return [dict(each.data) for each in History.read(folder).of_kind("command.finished")]


def test_no_command_writes_the_history(tmp_path: Path) -> None:
    """Neither by its path, nor by a copy of the harness's descriptors; the drill's folder is not even there."""
    history = tmp_path / HISTORY_FILE
    added, there, removed, held, well = carry_out(
        tmp_path,
        f"echo x >> {history}",
        f"ls {tmp_path}",
        f"rm -rf {tmp_path} && mkdir -p {tmp_path} && echo x > {history}; ls {tmp_path}",
        "for each in /proc/*/fd/*; do readlink $each; done | grep -c history",
        "echo well",
    )
    assert added["exit_code"] == 1
    assert "No such file or directory" in added["output"]
    assert there["exit_code"] != 0
    assert held["output"].strip() == "0"
    assert well["output"] == "well\n"
    assert removed["output"].split() == [HISTORY_FILE]  # one of its own, below the procedure's own /tmp


def test_nothing_else_of_the_drill_is_there(tmp_path: Path) -> None:
    """What runs is hidden or read-only, other processes are out of reach, and a command sees the caller's environment as before."""
    listed, clock, killed, names, host = carry_out(
        tmp_path,
        "ls /run/gameday; ls /run/gameday/state",
        "cat /run/gameday/clock.page; echo x > /run/gameday/clock.page",
        "kill -9 -1; ls -d /proc/[0-9]* | wc -l",
        "env | grep -c PYTHONPATH; pwd",
        "getent hosts api.example.com; ls -d /scripts || true",
    )
    assert listed["output"].split()[:2] == ["clock.page", "station"]
    assert "Read-only file system" in clock["output"]
    assert clock["output"].startswith("the drill's")
    assert int(killed["output"].split()[-1]) < 6
    assert names["output"].split() == ["0", "/run/gameday/station/checkout"]
    assert "api.example.com" in host["output"]


def test_a_block_leaves_files_to_the_next_and_no_process(tmp_path: Path) -> None:
    """The workstation and /tmp are the same machine's for all steps, and what is still running when a step ends is ended."""
    began = time.monotonic()
    _, kept, late = carry_out(
        tmp_path,
        "echo mine > ~/note; echo mine > /tmp/note; (setsid sleep 1; touch ~/late) &",
        "cat ~/note /tmp/note; sleep 1.5; ls ~",
        "sleep 60",
    )
    assert kept["output"].split() == ["mine", "mine", "note"]
    assert (late["exit_code"], late["timed_out"]) == (124, True)
    assert time.monotonic() - began < 30


def test_what_a_command_leaves_leads_no_later_sandbox_astray(tmp_path: Path) -> None:
    """Each block's sandbox is made outside of it: modules, and links in place of folders, that an earlier one left do nothing there."""
    history = tmp_path / HISTORY_FILE
    evil = f"open({str(history)!r}, 'a').write('x')"
    *_, seen = carry_out(
        tmp_path,
        f'for each in json os sitecustomize usercustomize; do echo "{evil}" > $each.py; done; cp *.py ~',
        f"rm -rf ../tmp ../root; ln -s {tmp_path} ../tmp; ln -s {tmp_path} ../root; rmdir /tmp; ln -sfn {tmp_path} /tmp/x; echo x > /tmp/x/y",
        f"ls /tmp {tmp_path}; echo x >> {history}; echo x >> /tmp/{HISTORY_FILE}; echo x >> ../root/{HISTORY_FILE}; echo end",
    )
    assert seen["output"].endswith("end\n")
