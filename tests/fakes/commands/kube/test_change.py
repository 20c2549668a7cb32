"""What kubectl changes, and what it refuses to."""

from __future__ import annotations

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster

PROMOTE = '{"spec":{"template":{"spec":{"containers":[{"name":"postgres","env":[{"name":"POSTGRES_ROLE","value":"primary"}]}]}}}}'
POINT = '{"spec":{"selector":{"role":"primary"}}}'


def test_the_documented_patch_promotes_the_replica_and_labels_it(cluster: FakeCluster, run: Run) -> None:
    """Runbook 002: POSTGRES_ROLE=primary on the statefulset."""
    assert run(f"kubectl patch statefulset eafix-postgres-replica --patch='{PROMOTE}'") == Ended(
        0, "statefulset.apps/eafix-postgres-replica patched\n", ""
    )
    assert cluster.posts() == [
        ("/datastores/postgres-replica/promote", {"wait": False}),
        ("/datastores/postgres-replica/role", {"role": "primary"}),
    ]


def test_the_documented_patch_points_the_service_elsewhere(cluster: FakeCluster, run: Run) -> None:
    """Runbook 002: a strategic merge of the selector, under the name of the address."""
    assert run(f"kubectl patch service eafix-postgres -p '{POINT}'") == Ended(0, "service/eafix-postgres patched\n", "")
    assert cluster.posts() == [("/addresses/postgres/selector", {"selector": {"role": "primary"}})]


def test_a_patch_that_changes_nothing_says_so(cluster: FakeCluster, run: Run) -> None:
    """And does nothing."""
    shown = run("""kubectl patch service eafix-postgres -p '{"spec":{"selector":{"role":"writer"}}}'""")
    assert shown.out == "service/eafix-postgres patched (no change)\n"
    assert cluster.posts() == []


def test_scaling_to_nothing_stops_and_scaling_up_starts(cluster: FakeCluster, run: Run) -> None:
    """0 replicas take the pod away; asking for more than the stack can run starts one, and says so."""
    assert run("kubectl scale deployment eafix-risk-manager --replicas=0") == Ended(
        0, "deployment.apps/eafix-risk-manager scaled\n", ""
    )
    assert run("kubectl get pods -l app=eafix-risk-manager").err == "No resources found in default namespace.\n"
    shown = run("kubectl scale deployment/eafix-risk-manager --replicas=3")
    assert shown == Ended(
        0,
        "deployment.apps/eafix-risk-manager scaled\n",
        "Warning: this stack runs one process for eafix-risk-manager: 1 of 3 replicas\n",
    )
    assert [path for path, _ in cluster.posts()] == ["/services/risk-manager/scale", "/services/risk-manager/scale"]


def test_scaling_to_what_is_there_does_nothing(cluster: FakeCluster, run: Run) -> None:
    """A running process is left alone."""
    run("kubectl scale statefulset eafix-redis --replicas=1")
    assert cluster.posts() == []


def test_scaling_brings_a_dead_process_back(cluster: FakeCluster, run: Run) -> None:
    """One replica was wanted all the time; asked for again, it is started."""
    cluster.kill("risk-manager")
    run("kubectl scale deployment eafix-risk-manager --replicas=1")
    assert [path for path, _ in cluster.posts()] == ["/services/risk-manager/scale"]


def test_replicas_in_a_patch_scale(cluster: FakeCluster, run: Run) -> None:
    """Runbook 002: isolating a service by a patch."""
    assert run("""kubectl patch deployment eafix-risk-manager --patch='{"spec":{"replicas":0}}'""").code == 0
    assert [path for path, _ in cluster.posts()] == ["/services/risk-manager/scale"]


def test_deleting_a_pod_restarts_its_process(cluster: FakeCluster, run: Run) -> None:
    """By label as in runbook 002, and by name."""
    shown = run("kubectl delete pod -l app=eafix-risk-manager")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith('pod "eafix-risk-manager-')
    assert run("kubectl delete pod eafix-redis-0").out == 'pod "eafix-redis-0" deleted\n'
    assert [path for path, _ in cluster.posts()] == ["/services/risk-manager/restart", "/datastores/redis/restart"]


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("kubectl scale deployment x", Ended(1, "", 'error: required flag(s) "replicas" not set\n')),
        (
            "kubectl scale deployment x --replicas=many",
            Ended(
                1, "",
                'error: invalid argument "many" for "--replicas" flag: strconv.ParseInt: parsing "many": invalid syntax\n'
                "See 'kubectl scale --help' for usage.\n",
            ),
        ),
        ("kubectl scale deployment nobody --replicas=1", Ended(1, "", 'Error from server (NotFound): deployments.apps "nobody" not found\n')),
        ("kubectl patch service x", Ended(1, "", "error: must specify --patch or --patch-file containing the contents of the patch\n")),
        ("kubectl patch service x -p '{}' --type=x", Ended(1, "", 'error: --type must be one of [json merge strategic], not "x"\n')),
        (f"kubectl patch service nobody -p '{POINT}'", Ended(1, "", 'Error from server (NotFound): services "nobody" not found\n')),
        (
            f"kubectl patch statefulset eafix-postgres -p '{PROMOTE.replace('postgres', 'web')}'",
            Ended(1, "", 'The StatefulSet "eafix-postgres" is invalid: spec.template.spec.containers[1].image: Required value\n'),
        ),
        (
            f"kubectl patch statefulset eafix-postgres -p '{PROMOTE.replace('POSTGRES_ROLE', 'RATE_LIMIT')}'",
            Ended(
                3, "", "kubectl: setting RATE_LIMIT on eafix-postgres exists in the real tool, but gameday's stand-in does not offer it\n"
            ),
        ),
        ("kubectl delete pod", Ended(1, "", "error: resource(s) were provided, but no name was specified\n")),
        ("kubectl delete pod -l app=none", Ended(0, "No resources found\n", "")),
        (
            "kubectl delete deployment eafix-risk-manager",
            Ended(3, "", "kubectl: deleting deployments exists in the real tool, but gameday's stand-in does not offer it\n"),
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_is_refused_and_nothing_is_done(cluster: FakeCluster, run: Run, line: str, ended: Ended) -> None:
    """Kubectl's words where kubectl refuses; the stand-in's own where only it does."""
    assert run(line) == ended
    assert cluster.posts() == []


def test_a_refusal_of_the_stack_is_the_servers_error(cluster: FakeCluster, run: Run) -> None:
    """What the control API says is passed on, with kubectl's exit code."""
    cluster.answers["POST", "/addresses/postgres/selector"] = (503, {"error": "no datastore instance matches"})
    assert run(f"kubectl patch service eafix-postgres -p '{POINT}'") == Ended(
        1, "", "Error from server (InternalError): no datastore instance matches\n"
    )
