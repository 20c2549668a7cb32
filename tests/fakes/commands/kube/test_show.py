"""What kubectl shows of the stack, and its words when there is nothing to show."""

from __future__ import annotations

import json

import pytest

from fakes.commands.kube.cluster import matches
from fakes.commands.kube.table import short_age
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster


def test_pods_are_listed_as_kubectl_lists_them(cluster: FakeCluster, run: Run) -> None:
    """Deployments' pods with two generated parts, statefulsets' with a number; a killed one is not ready."""
    cluster.services = {"risk-manager": cluster.services["risk-manager"]}
    del cluster.datastores["redis"]
    cluster.kill("risk-manager")
    assert run("kubectl get pods") == Ended(
        0,
        "NAME                                  READY   STATUS    RESTARTS   AGE\n"
        "eafix-postgres-0                      1/1     Running   0          60m\n"
        "eafix-postgres-replica-0              1/1     Running   0          60m\n"
        "eafix-risk-manager-nghgj2knq8-4q9ml   0/1     Error     0          5m\n",
        "",
    )


def test_a_new_process_is_a_new_pod(cluster: FakeCluster, run: Run) -> None:
    """A pod's name changes when its process does, as after a rollout."""
    before = run("kubectl get pods -l app=eafix-risk-manager -o name").out
    cluster.services["risk-manager"]["pid"] = 4242
    after = run("kubectl get pods -l app=eafix-risk-manager -o name").out
    assert before.startswith("pod/eafix-risk-manager-")
    assert before != after


def test_deployments_statefulsets_services_and_endpoints_are_shown(cluster: FakeCluster, run: Run) -> None:
    """Several kinds at once, each in its own table with its kind before the name."""
    cluster.services = {"risk-manager": cluster.services["risk-manager"] | {"port": 8084}}
    shown = run("kubectl get deploy,sts,svc,ep")
    assert shown == Ended(
        0,
        "NAME                                 READY   UP-TO-DATE   AVAILABLE   AGE\n"
        "deployment.apps/eafix-risk-manager   1/1     1            1           60m\n"
        "\n"
        "NAME                                      READY   AGE\n"
        "statefulset.apps/eafix-postgres           1/1     60m\n"
        "statefulset.apps/eafix-postgres-replica   1/1     60m\n"
        "statefulset.apps/eafix-redis              1/1     60m\n"
        "\n"
        "NAME                         TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)    AGE\n"
        "service/eafix-postgres       ClusterIP   127.0.0.1    <none>        5432/TCP   60m\n"
        "service/eafix-redis          ClusterIP   127.0.0.1    <none>        6379/TCP   60m\n"
        "service/eafix-risk-manager   ClusterIP   127.0.0.1    <none>        8084/TCP   60m\n"
        "\n"
        "NAME                           ENDPOINTS         AGE\n"
        "endpoints/eafix-postgres       127.0.0.1:15432   60m\n"
        "endpoints/eafix-redis          127.0.0.1:16379   60m\n"
        "endpoints/eafix-risk-manager   127.0.0.1:8084    60m\n",
        "",
    )


def test_a_service_whose_pods_are_down_has_no_endpoints(cluster: FakeCluster, run: Run) -> None:
    """The endpoints tell where a service leads now."""
    cluster.kill("postgres-primary")
    assert run("kubectl get endpoints eafix-postgres --no-headers").out == "eafix-postgres   <none>   60m\n"


def test_wide_and_labels_add_columns(cluster: FakeCluster, run: Run) -> None:
    """-o wide and --show-labels say more of the same objects."""
    shown = run("kubectl get pod eafix-postgres-0 -o wide --show-labels").out.splitlines()
    assert shown[0].split() == [
        "NAME",
        "READY",
        "STATUS",
        "RESTARTS",
        "AGE",
        "IP",
        "NODE",
        "NOMINATED",
        "NODE",
        "READINESS",
        "GATES",
        "LABELS",
    ]
    assert shown[1].split()[5:7] == ["127.0.0.1", "gameday"]
    assert shown[1].endswith(
        "app=eafix-postgres,role=writer,statefulset=eafix-postgres,statefulset.kubernetes.io/pod-name=eafix-postgres-0"
    )


def test_json_and_jsonpath_read_the_same_object(cluster: FakeCluster, run: Run) -> None:
    """What a script picks out is what the object holds."""
    item = json.loads(run("kubectl get deployment eafix-risk-manager -o json").out)
    assert (item["kind"], item["spec"]["replicas"], item["status"]["readyReplicas"]) == ("Deployment", 1, 1)
    assert (
        run("kubectl get service eafix-postgres -o jsonpath='{.spec.selector.role} {.spec.ports[0].port}'").out == "writer 5432"
    )
    listed = json.loads(run("kubectl get pods -l role=replica -o json").out)
    assert [row["metadata"]["name"] for row in listed["items"]] == ["eafix-postgres-replica-0"]


def test_names_only(cluster: FakeCluster, run: Run) -> None:
    """-o name prints what other commands take."""
    assert (
        run("kubectl get statefulset/eafix-redis service/eafix-redis -o name").out
        == "statefulset.apps/eafix-redis\nservice/eafix-redis\n"
    )


def test_describe_names_the_object_and_its_state(cluster: FakeCluster, run: Run) -> None:
    """A line for each thing known of it."""
    shown = run("kubectl describe service eafix-postgres")
    assert shown.code == 0
    assert shown.out.splitlines()[0].split() == ["Name:", "eafix-postgres"]
    assert ["Selector:", "app=eafix-postgres,role=writer"] in [line.split() for line in shown.out.splitlines()]


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("kubectl get pods -l app=none", Ended(0, "", "No resources found in default namespace.\n")),
        ("kubectl get pods -n trading", Ended(0, "", "No resources found in trading namespace.\n")),
        ("kubectl get pod eafix-nobody-0", Ended(1, "", 'Error from server (NotFound): pods "eafix-nobody-0" not found\n')),
        (
            "kubectl get deployment eafix-portfolio-manager",
            Ended(1, "", 'Error from server (NotFound): deployments.apps "eafix-portfolio-manager" not found\n'),
        ),
        ("kubectl get ep/nothing", Ended(1, "", 'Error from server (NotFound): endpoints "nothing" not found\n')),
        ("kubectl get poods", Ended(1, "", 'error: the server doesn\'t have a resource type "poods"\n')),
        (
            "kubectl get deployment/",
            Ended(1, "", "error: arguments in resource/name form must have a single resource and name\n"),
        ),
        ("kubectl get pods --nope", Ended(1, "", "error: unknown flag: --nope\nSee 'kubectl get --help' for usage.\n")),
        ("kubectl verify backup x", Ended(1, "", 'error: unknown command "verify" for "kubectl"\n')),
        (
            "kubectl create backup x-1",
            Ended(1, "", "error: Unexpected args: [backup x-1]\nSee 'kubectl create -h' for help and examples\n"),
        ),
        ("kubectl --context=prod get pods", Ended(1, "", 'error: context "prod" does not exist\n')),
        (
            "kubectl get pods -o go-template=x",
            Ended(
                3,
                "",
                "kubectl: the output format go-template=x exists in the real tool, but gameday's stand-in does not offer it\n",
            ),
        ),
        (
            "kubectl drain x",
            Ended(3, "", "kubectl: the command drain exists in the real tool, but gameday's stand-in does not offer it\n"),
        ),
    ],
)
def test_what_is_not_there_is_refused_in_the_real_words(cluster: FakeCluster, run: Run, line: str, ended: Ended) -> None:
    """Kubectl's messages and exit codes; 3 where only the stand-in lacks it."""
    assert run(line) == ended


def test_a_cluster_that_does_not_answer_is_told_as_kubectl_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 and the server's address."""
    monkeypatch.setenv("GAMEDAY_CONTROL", "127.0.0.1:1")
    message = "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n"
    assert run("kubectl get pods") == Ended(1, "", message)


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", True), ("app=a", True), ("app==a,role!=writer", True), ("app", True), ("!gone", True), ("app in (a, b)", True),
        ("app notin (a)", False), ("role=writer", False), ("gone", False), ("!app", False), ("app=a,role=x", False),
    ],
)  # fmt: skip
def test_selectors_match_as_kubernetes_matches_them(selector: str, found: bool) -> None:
    """Equality, sets and presence, all of which must hold."""
    assert matches(selector, {"app": "a", "role": "replica"}) is found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (599, "9m59s"), (601, "10m"), (10_800, "3h"), (28_800, "8h"), (200_000, "2d7h")],
)
def test_ages_are_written_as_kubectl_writes_them(seconds: float, text: str) -> None:
    """Coarser the older something is."""
    assert short_age(seconds) == text
