"""What goes into a pod: its log, a command inside it, what it uses."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.commands.install import install_commands
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster

OLD = "2026-11-21T10:50:00.000Z INFO risk-manager twenty minutes ago"
TRACE = "  and what belongs to it"
NEW = "2026-11-21T11:09:30.000Z ERROR risk-manager postgres is down"


@pytest.fixture
def logged(cluster: FakeCluster) -> FakeCluster:
    cluster.logs["risk-manager"] = [OLD, TRACE, NEW]
    return cluster


@pytest.mark.parametrize(
    ("flags", "lines"),
    [("", [OLD, TRACE, NEW]), ("--tail=1", [NEW]), ("--since=10m", [NEW]), ("--since=1h", [OLD, TRACE, NEW]), ("--since=1h --tail=2", [TRACE, NEW]), ("--tail=0", [])],
)  # fmt: skip
def test_logs_are_cut_by_number_and_age(logged: FakeCluster, run: Run, flags: str, lines: list[str]) -> None:
    """Ages count in documented time; a line without a time has that of the line before it."""
    assert run(f"kubectl logs deployment/eafix-risk-manager {flags}") == Ended(0, "".join(f"{line}\n" for line in lines), "")


def test_logs_of_a_dead_pod_are_still_there(logged: FakeCluster, run: Run) -> None:
    """They are what one looks at then."""
    logged.kill("risk-manager")
    assert run("kubectl logs -l app=eafix-risk-manager").out.splitlines()[-1] == NEW


def test_following_goes_on_until_it_is_ended(logged: FakeCluster, tmp_path: Path) -> None:
    """New lines come as they are written, and the command ends with its reader or its killer only."""
    install_commands(tmp_path, sys.executable, {})
    command = [str(tmp_path / "kubectl"), "logs", "-f", "deployment/eafix-risk-manager", "--tail=1"]
    environment = {"PATH": "/usr/bin:/bin", "GAMEDAY_CONTROL": logged.address}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{NEW}\n"
        logged.logs["risk-manager"].append("2026-11-21T11:10:01.000Z INFO risk-manager postgres is there")
        assert process.stdout.readline().endswith("postgres is there\n")
        assert process.poll() is None
        process.kill()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A psql and a redis-cli that say how they were called."""
    for name in ("psql", "redis-cli"):
        path = tmp_path / name
        path.write_text('#!/bin/sh\necho "$PGHOST:$PGPORT" "$@"; [ "$1" != fail ] || exit 4\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PGPORT", "5432")


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "kubectl exec statefulset/eafix-postgres-replica -- psql -U eafix -c 'SELECT 1'",
            "127.0.0.1:15433 -U eafix -c SELECT 1",
        ),
        ("kubectl exec -i eafix-postgres-0 -- psql -h localhost -p 5432", "127.0.0.1:15432 -h localhost -p 15432"),
        ("kubectl exec eafix-postgres-0 -- psql --port=5432", "127.0.0.1:15432 -p 15432"),
        ("kubectl exec service/eafix-redis -- redis-cli ping", "127.0.0.1:16379 -p 16379 ping"),
    ],
)
def test_a_client_inside_a_pod_talks_to_that_very_instance(
    cluster: FakeCluster, capfd: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    """Whatever the service address leads to: in its pod every instance has the standard port."""
    import shlex

    from fakes.commands import kubectl

    assert kubectl.main(shlex.split(line)[1:]) == 0
    assert capfd.readouterr().out == f"{said}\n"


@pytest.mark.usefixtures("client")
def test_the_exit_code_of_the_client_comes_back(cluster: FakeCluster, capfd: pytest.CaptureFixture[str]) -> None:
    """With kubectl's remark."""
    from fakes.commands import kubectl

    assert kubectl.main(["exec", "eafix-postgres-0", "--", "psql", "fail"]) == 4
    assert capfd.readouterr().err == "command terminated with exit code 4\n"


def test_nothing_runs_in_a_pod_that_is_dead(cluster: FakeCluster, run: Run) -> None:
    """The phase is Failed, not a connection error."""
    cluster.kill("postgres-primary")
    assert run("kubectl exec eafix-postgres-0 -- psql") == Ended(
        1, "", "error: cannot exec into a container in a completed pod; current phase is Failed\n"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "kubectl exec eafix-postgres-0 -- bash",
            'error: Internal error occurred: error executing command in container: OCI runtime exec failed: exec failed: unable to start container process: exec: "bash": executable file not found in $PATH: unknown\n',
        ),
        (
            "kubectl exec eafix-postgres-0 psql",
            "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples\n",
        ),
        ("kubectl exec eafix-postgres-0", "error: you must specify at least one command for the container\n"),
        ("kubectl exec", "error: pod, type/name or --filename must be specified\n"),
        ("kubectl exec eafix-postgres-0 -c web -- psql", "error: container web not found in pod eafix-postgres-0\n"),
        ("kubectl logs deployment/nobody", 'Error from server (NotFound): deployments.apps "nobody" not found\n'),
        (
            "kubectl logs",
            "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command\nSee 'kubectl logs -h' for help and examples\n",
        ),
        (
            "kubectl logs deployment/eafix-risk-manager --since=soon",
            'error: invalid argument "soon" for "--since" flag: time: invalid duration "soon"\nSee \'kubectl logs --help\' for usage.\n',
        ),
    ],
)
def test_wrong_lines_are_refused_in_the_real_words(cluster: FakeCluster, run: Run, line: str, message: str) -> None:
    """Kubectl's messages, and exit code 1."""
    assert run(line) == Ended(1, "", message)


def test_top_shows_what_the_processes_use(cluster: FakeCluster, run: Run) -> None:
    """Processor and memory of the process that the pod is, from /proc."""
    cluster.services["risk-manager"]["pid"] = os.getpid()
    shown = run("kubectl top pods -l app=eafix-risk-manager")
    assert (shown.code, shown.err) == (0, "")
    head, row = (line.split() for line in shown.out.splitlines())
    assert head == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert row[0].startswith("eafix-risk-manager-")
    assert row[1].endswith("m")
    assert int(row[2].removesuffix("Mi")) > 5
    cluster.kill("risk-manager")
    assert run("kubectl top pods -l app=eafix-risk-manager") == Ended(1, "", "error: metrics not available yet\n")
    assert run("kubectl top pods -l app=none") == Ended(0, "", "No resources found in default namespace.\n")
