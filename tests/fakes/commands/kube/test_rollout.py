"""Rollouts and waiting: what takes its time, and what it says meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import Answer, FakeCluster


def ready_after(cluster: FakeCluster, name: str, looks: int) -> None:
    """A unit that is ready only when the state has been looked at so many times."""
    row, left = (cluster.services.get(name) or cluster.datastores[name]), [looks]

    def state(_query: str, _body: Any) -> Answer:
        left[0] -= 1
        row["ready"] = left[0] < 0
        return 200, cluster.state()

    cluster.answers["GET", "/state"] = state


def test_a_restart_is_asked_for_and_not_waited_for(cluster: FakeCluster, run: Run) -> None:
    """As kubectl's: status waits, restart does not."""
    shown = run("kubectl rollout restart deployment/eafix-risk-manager deployment/eafix-data-ingestor")
    assert shown == Ended(0, "deployment.apps/eafix-risk-manager restarted\ndeployment.apps/eafix-data-ingestor restarted\n", "")
    assert cluster.posts() == [
        ("/services/risk-manager/restart", {"wait": False}),
        ("/services/data-ingestor/restart", {"wait": False}),
    ]


def test_a_deployment_that_is_not_there_fails_as_the_document_would(cluster: FakeCluster, run: Run) -> None:
    """Runbook 002:492 names a deployment that does not exist."""
    assert run("kubectl rollout restart deployment/eafix-portfolio-manager") == Ended(
        1, "", 'Error from server (NotFound): deployments.apps "eafix-portfolio-manager" not found\n'
    )


def test_status_waits_until_the_process_is_ready(cluster: FakeCluster, run: Run) -> None:
    """It says what it waits for, once, and then that it is done."""
    ready_after(cluster, "risk-manager", 3)
    assert run("kubectl rollout status deployment/eafix-risk-manager --timeout=20s") == Ended(
        0,
        'Waiting for deployment "eafix-risk-manager" rollout to finish: 0 of 1 updated replicas are available...\n'
        'deployment "eafix-risk-manager" successfully rolled out\n',
        "",
    )


def test_status_of_a_statefulset(cluster: FakeCluster, run: Run) -> None:
    """In the words kubectl has for statefulsets."""
    ready_after(cluster, "postgres-replica", 2)
    shown = run("kubectl rollout status statefulset/eafix-postgres-replica")
    assert shown.code == 0
    assert shown.out.splitlines()[0] == "Waiting for 1 pods to be ready..."
    assert shown.out.splitlines()[1].startswith("statefulset rolling update complete 1 pods at revision eafix-postgres-replica-")


def test_status_gives_up_in_time(cluster: FakeCluster, run: Run) -> None:
    """A process that never gets ready ends it with an error."""
    cluster.kill("risk-manager")
    shown = run("kubectl rollout status deployment/eafix-risk-manager --timeout=100ms")
    assert (shown.code, shown.err) == (1, "error: timed out waiting for the condition\n")


def test_status_can_look_once(cluster: FakeCluster, run: Run) -> None:
    """--watch=false tells how it is now."""
    cluster.kill("risk-manager")
    assert run("kubectl rollout status deployment/eafix-risk-manager --watch=false").code == 0


def test_history_counts_restarts(cluster: FakeCluster, run: Run) -> None:
    """One revision at first, one more for each restart."""
    cluster.services["risk-manager"]["restarts"] = 1
    assert run("kubectl rollout history deployment/eafix-risk-manager").out == (
        "deployment.apps/eafix-risk-manager \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n"
    )


def test_wait_ends_when_the_condition_holds(cluster: FakeCluster, run: Run) -> None:
    """For pods that are ready and deployments that are available."""
    ready_after(cluster, "postgres-replica", 2)
    assert run("kubectl wait --for=condition=ready pod/eafix-postgres-replica-0 --timeout=20s") == Ended(
        0, "pod/eafix-postgres-replica-0 condition met\n", ""
    )
    assert (
        run("kubectl wait --for=condition=Available deployment eafix-risk-manager").out
        == "deployment.apps/eafix-risk-manager condition met\n"
    )


def test_wait_gives_up_in_time(cluster: FakeCluster, run: Run) -> None:
    """With the name of what was waited for."""
    cluster.kill("postgres-replica")
    assert run("kubectl wait --for=condition=ready pod/eafix-postgres-replica-0 --timeout=100ms") == Ended(
        1, "", "error: timed out waiting for the condition on pods/eafix-postgres-replica-0\n"
    )


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("kubectl wait --for=condition=ready pod -l version=green --timeout=1s", Ended(1, "", "error: no matching resources found\n")),
        ("kubectl wait --for=ready pod/x", Ended(1, "", 'error: unrecognized condition: "ready"\n')),
        ("kubectl wait pod/x", Ended(1, "", 'error: unrecognized condition: ""\n')),
        ("kubectl rollout frobnicate", Ended(1, "", "error: unknown command \"frobnicate\"\nSee 'kubectl rollout -h' for help and examples\n")),
        ("kubectl rollout restart", Ended(1, "", "error: required resource not specified\n")),
        ("kubectl rollout restart service/eafix-redis", Ended(1, "", 'error: services "eafix-redis" restarting is not supported\n')),
        ("kubectl rollout pause deployment/x", Ended(3, "", "kubectl: rollout pause exists in the real tool, but gameday's stand-in does not offer it\n")),
    ],
)  # fmt: skip
def test_wrong_lines_are_refused_in_the_real_words(cluster: FakeCluster, run: Run, line: str, ended: Ended) -> None:
    """Kubectl's messages and exit codes."""
    assert run(line) == ended
