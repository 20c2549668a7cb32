"""What kubectl shows of crashes, nodes, events and other namespaces."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fakes.commands.install import install_commands
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import NOW_S, FakeCluster


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"exit_code": 1, "ended_s": NOW_S - 299}, "CrashLoopBackOff"),  # one second after its start
        ({"exit_code": 1, "ended_s": NOW_S - 5}, "Error"),  # five minutes after it
        ({"exit_code": 137, "ended_s": NOW_S - 299}, "Error"),  # killed
        ({"exit_code": 0, "ended_s": NOW_S - 5}, "Completed"),
    ],
)
def test_a_pod_whose_process_ended_says_how(cluster: FakeCluster, run: Run, facts: dict[str, float], status: str) -> None:
    """And how often it was started before."""
    cluster.services["risk-manager"] |= {"state": "stopped", "ready": False, "restarts": 3} | facts
    row = run("kubectl get pods -l app=eafix-risk-manager --no-headers").out.split()
    assert row[1:4] == ["0/1", status, "3"]
    assert run("kubectl get deploy eafix-risk-manager --no-headers").out.split()[1] == "0/1"


def test_what_is_in_another_namespace_is_found_there_only(cluster: FakeCluster, run: Run) -> None:
    """Runbook 003:91: the controller of the way in has a namespace of its own."""
    cluster.services["risk-manager"] |= {"namespace": "ingress-nginx", "deployment": "ingress-nginx-controller"}
    cluster.logs["risk-manager"] = ["2026-11-21T11:09:30.000Z INFO ready"]
    assert run("kubectl get deploy ingress-nginx-controller").code == 1
    assert run("kubectl logs -n ingress-nginx deployment/ingress-nginx-controller --tail=500").out.endswith("ready\n")
    assert run("kubectl get deploy -A --no-headers").out.splitlines()[-1].split()[:2] == [
        "ingress-nginx",
        "ingress-nginx-controller",
    ]
    assert run("kubectl get deploy -n production") == Ended(0, "", "No resources found in production namespace.\n")
    assert run("kubectl get deploy x -A").err == "error: a resource cannot be retrieved by name across all namespaces\n"


def test_events_are_told_in_their_order(cluster: FakeCluster, run: Run) -> None:
    """Runbook 003:94, and kubectl's own verb for them."""
    cluster.events = [
        {
            "at_s": NOW_S - 90 + number,
            "type": kind,
            "reason": reason,
            "object": "eafix-risk-manager",
            "message": "m",
            "namespace": "default",
        }
        for number, (kind, reason) in enumerate([("Normal", "Started"), ("Warning", "BackOff")])
    ]
    table = run("kubectl get events --sort-by='.lastTimestamp'").out.splitlines()
    assert table[0].split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert [line.split()[1:4] for line in table[1:]] == [
        ["Normal", "Started", "pod/eafix-risk-manager"],
        ["Warning", "BackOff", "pod/eafix-risk-manager"],
    ]
    assert len(run("kubectl events --types=Warning").out.splitlines()) == 2
    assert "BackOff" in run("kubectl describe deployment eafix-risk-manager").out
    assert run("kubectl get events --sort-by=.nothing").code == 1


def test_the_node_is_this_machine(cluster: FakeCluster, run: Run) -> None:
    """With its true figures, and no namespace."""
    assert run("kubectl get nodes").out.splitlines()[1].split()[:3] == ["gameday", "Ready", "control-plane"]
    head, row = (line.split() for line in run("kubectl top nodes").out.splitlines())
    assert head == ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    total = next(
        int(line.split()[1]) // 1024
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("MemTotal")
    )
    assert 0 < int(row[3].removesuffix("Mi")) < total
    assert 0 <= int(row[2].removesuffix("%")) <= 100


def test_all_kinds_of_one_platform_at_once(cluster: FakeCluster, run: Run) -> None:
    """`get all`: what runs, each kind in its table, and no configuration."""
    run("kubectl create configmap c --from-literal=a=b")
    kinds = {line.split("/")[0] for line in run("kubectl get all -o name").out.splitlines()}
    assert kinds == {"pod", "service", "deployment.apps", "replicaset.apps", "statefulset.apps"}


def test_a_terminal_that_is_not_there_is_remarked(cluster: FakeCluster, tmp_path: Path) -> None:
    """Runbook 003:115: kubectl's remark, and the command goes on with what comes in."""
    (tmp_path / "psql").write_text("#!/bin/sh\ncat\n", encoding="utf-8")
    (tmp_path / "psql").chmod(0o755)
    install_commands(tmp_path / "bin", sys.executable, {})
    ended = subprocess.run(
        [str(tmp_path / "bin/kubectl"), "exec", "-it", "statefulset/eafix-postgres", "--", "psql"], input="SELECT 1;", text=True, capture_output=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "GAMEDAY_CONTROL": cluster.address}, check=True,
    )  # fmt: skip
    assert ended.stdout == "SELECT 1;"
    assert ended.stderr == "Unable to use a TTY - input is not a terminal or the right kind of file\n"


def test_the_name_of_a_pod_is_no_name_of_a_statefulset(cluster: FakeCluster, run: Run) -> None:
    """Runbook 003:115 takes one for the other."""
    message = 'Error from server (NotFound): statefulsets.apps "eafix-postgres-0" not found\n'
    assert run("kubectl exec -it statefulset/eafix-postgres-0 -- psql") == Ended(1, "", message)


def test_a_watch_goes_on_with_what_changes(cluster: FakeCluster, tmp_path: Path) -> None:
    """Until somebody ends it."""
    install_commands(tmp_path, sys.executable, {})
    environment = {"PATH": "/usr/bin:/bin", "GAMEDAY_CONTROL": cluster.address}
    with subprocess.Popen(
        [str(tmp_path / "kubectl"), "get", "sts", "eafix-redis", "-w"], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().split() == ["NAME", "READY", "AGE"]
        assert process.stdout.readline().split()[:2] == ["eafix-redis", "1/1"]
        cluster.kill("redis")
        assert process.stdout.readline().split()[:2] == ["eafix-redis", "0/1"]
        process.kill()


def test_waiting_for_a_field_and_for_an_end(cluster: FakeCluster, run: Run) -> None:
    """`--for=jsonpath` and `--for=delete`."""
    line = "kubectl wait deployment/eafix-risk-manager --timeout=50ms"
    assert run(f"{line} --for=jsonpath='{{.status.readyReplicas}}'=1").out == "deployment.apps/eafix-risk-manager condition met\n"
    assert run(f"{line} --for=jsonpath='{{.status.readyReplicas}}'=2").code == 1
    assert (
        run(f"{line} --for=delete").err == "error: timed out waiting for the condition on deployments.apps/eafix-risk-manager\n"
    )


def test_a_log_of_the_process_before(cluster: FakeCluster, run: Run) -> None:
    """What it said until the next one started; an error when there was none."""
    cluster.logs["risk-manager"] = ["x version 1 listens on port 1", "x broke", "x version 1 listens on port 1", "x is fine"]
    assert run("kubectl logs --previous deployment/eafix-risk-manager").code == 1
    cluster.services["risk-manager"]["restarts"] = 1
    assert run("kubectl logs --previous deployment/eafix-risk-manager").out == "x version 1 listens on port 1\nx broke\n"


def test_output_for_scripts(cluster: FakeCluster, run: Run) -> None:
    """YAML and columns of one's own."""
    assert run("kubectl get sts eafix-redis -o yaml").out.startswith("apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n")
    assert run("kubectl get sts -o custom-columns=N:.metadata.name,X:.none --no-headers").out.splitlines()[-1].split() == [
        "eafix-redis",
        "<none>",
    ]
