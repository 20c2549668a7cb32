"""Logs and change requests: ages are those of the lines, and a request is a row that stays."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.eafix.conftest import Books
from tests.fakes.commands.fake_cluster import FakeCluster


def test_logs_are_as_old_as_their_lines(cluster: FakeCluster, run: Run) -> None:
    """The services' lines in documented time, the datastores' in that of the wall; nothing is older than 30 days."""
    cluster.services = {"gui-gateway": cluster.services["gui-gateway"]}
    cluster.datastores = {"redis": cluster.datastores["redis"]}
    cluster.logs["gui-gateway"] = ["2026-11-21T11:00:00.000Z INFO gui-gateway up", "a line without a time"]
    cluster.logs["redis"] = [time.strftime("%Y-%m-%d %H:%M:%S ready", time.gmtime(time.time() - 60))]
    ended = run("eafix-cli logs cleanup --older-than=30d")
    assert (ended.code, ended.out.splitlines()[0], ended.out.splitlines()[2]) == (
        0,
        "gui-gateway         1 lines, the oldest 600 s old, 0 older than 30d",
        "0 files older than 30d, 0 lines; the oldest line of all is 600 s old",
    )


def test_what_is_older_is_not_claimed_to_be_gone(cluster: FakeCluster, run: Run) -> None:
    """The lines can't be removed from here: exit code 1."""
    cluster.services = {"gui-gateway": cluster.services["gui-gateway"]}
    cluster.datastores = {}
    cluster.logs["gui-gateway"] = ["2026-11-21T11:00:00.000Z INFO gui-gateway up", "2026-11-21T11:09:59.000Z INFO gui-gateway on"]
    ended = run("eafix-cli logs cleanup --older-than=5m")
    assert (ended.code, ended.out.splitlines()[-1]) == (
        1, "0 files older than 5m, 1 lines; the oldest line of all is 600 s old",
    )  # fmt: skip
    assert "nothing was removed" in ended.err
    assert run("eafix-cli logs cleanup").code == 2
    assert run("eafix-cli logs cleanup --older-than=old").code == 2


@pytest.mark.real
@pytest.mark.usefixtures("cluster")
def test_change_requests_are_numbered_and_stay(run: Run, books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says from which commit of the checkout it comes; any characters may be in a title."""
    monkeypatch.chdir(tmp_path)
    assert run("eafix-cli change-request create --config-change") == Ended(0, "CR-1 created: configuration\n", "")
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q", "-b", "config/limits"], [*who, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *words], check=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    ended = run('eafix-cli change-request create --config-change --title="limits\' change"')
    assert ended.out == "CR-2 created: limits' change\n"
    assert books.sql("SELECT number, kind, title, source, status, created_at_s FROM change_requests WHERE number = 2") == [
        (2, "config-change", "limits' change", f"config/limits at {commit}", "open", 3600.0)
    ]
    assert run("eafix-cli change-request list").out.splitlines() == [
        "CR-1  2026-11-21T11:10:00Z  config-change  open  configuration",
        "CR-2  2026-11-21T11:10:00Z  config-change  open  limits' change",
        "2 change requests",
    ]
    assert f"source    config/limits at {commit}" in run("eafix-cli change-request show CR-2").out.splitlines()
    assert run("eafix-cli change-request show CR-9") == Ended(1, "", "eafix-cli: no change request CR-9\n")


@pytest.mark.usefixtures("cluster")
def test_a_request_says_what_it_is_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage errors, and a database that is down: no id is printed."""
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    assert run("eafix-cli change-request create").code == 2
    assert run("eafix-cli change-request show 1").code == 2
    ended = run("eafix-cli change-request create --config-change")
    assert (ended.code, ended.out) == (1, "")
