"""What applying a manifest does, and what a manifest that is wrong is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster

POLICY = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: block}\nspec: {podSelector: {matchLabels: {app: x}}}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {limit: '5'}\n"


def deployment(name: str, *, version: str = "1.0.0", replicas: int = 1, **variables: str) -> str:
    """A manifest as JSON, which is YAML too."""
    short = name.removeprefix("eafix-")
    container = {
        "name": short,
        "image": f"eafix/{short}:{version}",
        "env": [{"name": key, "value": value} for key, value in variables.items()],
    }
    labels = {"app": name}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


@pytest.fixture
def wrote(tmp_path: Path) -> Any:
    def write(text: str, name: str = "a.yaml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_objects_are_created_then_unchanged_then_configured(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """Runbook 002:688: what is applied is there, and can be described."""
    path = wrote(POLICY)
    said = "networkpolicy.networking.k8s.io/block"
    assert run(f"kubectl apply -f {path}") == Ended(0, f"{said} created\n", "")
    assert run(f"kubectl apply -f {path}").out == f"{said} unchanged\n"
    wrote(POLICY.replace("app: x", "app: y"))
    assert run(f"kubectl apply -f {path}").out == f"{said} configured\n"
    assert run("kubectl get netpol").out.splitlines()[1].split() == ["block", "app=y", "0s"]
    assert "Spec.podSelector.matchLabels.app:" in run("kubectl describe netpol block").out


def test_a_folder_is_applied_file_by_file(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """Runbook 002:701: in the order of names; other files are passed over."""
    wrote(POLICY, "20.yaml")
    folder = wrote(CONFIG, "10.yml").parent
    wrote("no manifest", "README.md")
    assert run(f"kubectl apply -f {folder}").out == "configmap/settings created\nnetworkpolicy.networking.k8s.io/block created\n"


def test_a_field_that_a_manifest_no_longer_says_goes(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """And what somebody else added stays: kubectl's three-way merge."""
    path = wrote(CONFIG.replace("'5'", "'5', old: a"))
    run(f"kubectl apply -f {path}")
    run('kubectl patch configmap settings -p \'{"data":{"other":"b"}}\'')
    wrote(CONFIG)
    assert run(f"kubectl apply -f {path}").out == "configmap/settings configured\n"
    assert run("kubectl get cm settings -o jsonpath={.data}").out == '{"limit":"5","other":"b"}'


def test_a_deployment_that_runs_gets_what_the_manifest_says(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """Version and variables in one revision; nothing when nothing differs."""
    path = wrote(deployment("eafix-risk-manager", version="1.4.0", RATE_LIMIT="7"))
    assert run(f"kubectl apply -f {path}") == Ended(0, "deployment.apps/eafix-risk-manager configured\n", "")
    assert cluster.posts() == [
        ("/services/risk-manager/configure", {"version": "1.4.0", "environment": {"RATE_LIMIT": "7"}, "cause": ""})
    ]
    assert run(f"kubectl apply -f {path}").out == "deployment.apps/eafix-risk-manager unchanged\n"
    assert len(cluster.posts()) == 1


def test_a_standby_comes_into_being_with_its_manifest(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """Runbook 002:70: with the version of the manifest from its first start on; then its pods can be waited for."""
    green = {
        "deployment": "eafix-green",
        "present": False,
        "standby_for": "gui-gateway",
        "labels": {"app": "eafix-green", "version": "green"},
    }
    cluster.add_service("green", state="stopped", ready=False, **green)
    path = wrote(deployment("eafix-green", version="2.0.0"))
    assert run("kubectl get deployment eafix-green").code == 1
    assert run(f"kubectl apply -f {path}").out == "deployment.apps/eafix-green created\n"
    assert [made for made, _ in cluster.posts()] == ["/services/green/configure", "/services/green/create"]
    assert run("kubectl wait --for=condition=ready pod -l version=green --timeout=5s").code == 0
    assert run("kubectl delete deployment eafix-green").out == 'deployment.apps "eafix-green" deleted\n'
    assert cluster.posts()[-1][0] == "/services/green/delete"
    assert run("kubectl get deployment eafix-green").code == 1


def test_a_deployment_that_no_program_belongs_to_stays_pending(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """It is an object like any other, but nothing of it runs, and its pods say why."""
    run(f"kubectl apply -f {wrote(deployment('eafix-web'))}")
    assert run("kubectl get deployment eafix-web").out.splitlines()[1].split()[:2] == ["eafix-web", "0/1"]
    assert run("kubectl get pods --field-selector=status.phase=Pending -o name").out.startswith("pod/eafix-web-")
    assert "no program for eafix/web:1.0.0" in run("kubectl describe pod -l app=eafix-web").out
    assert run("kubectl wait --for=condition=available deployment/eafix-web --timeout=50ms").code == 1
    assert cluster.posts() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "error: no objects passed to apply"),
        (
            "a: b: c\n",
            "error: error parsing {}: error converting YAML to JSON: yaml: line 1: mapping values are not allowed in this context",
        ),
        (
            "a: 1\n",
            'error: error validating "{}": error validating data: [apiVersion not set, kind not set]; if you choose to ignore these errors, turn validation off with --validate=false',
        ),
        (
            "apiVersion: x/v1\nkind: Backup\nmetadata: {name: b}\n",
            'error: resource mapping not found for name: "b" namespace: "" from "{}": no matches for kind "Backup" in version "x/v1"\nensure CRDs are installed first',
        ),
        (
            CONFIG.replace("settings", "settings, namespace: staging"),
            'Error from server (NotFound): error when creating "{}": namespaces "staging" not found',
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {}\n",
            'The Deployment "d" is invalid: \n* spec.selector: Required value\n* spec.template.spec.containers: Required value',
        ),
    ],
)
def test_a_wrong_manifest_is_refused_and_nothing_is_done(
    cluster: FakeCluster, run: Run, wrote: Any, text: str, message: str
) -> None:
    """Kubectl's words, exit code 1."""
    path = wrote(text)
    assert run(f"kubectl apply -f {path}") == Ended(1, "", message.format(path) + "\n")
    assert [asked for asked in cluster.asked if asked[0] != "GET"] == []


def test_a_dry_run_does_nothing(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """It says what it would do."""
    assert run(f"kubectl apply --dry-run=client -f {wrote(CONFIG)}").out == "configmap/settings created (dry run)\n"
    assert run("kubectl get cm").err == "No resources found in default namespace.\n"


def test_a_missing_file_and_a_kustomization(cluster: FakeCluster, run: Run) -> None:
    """The first is kubectl's error, the second the stand-in's."""
    assert run("kubectl apply -f /none.yaml") == Ended(1, "", 'error: the path "/none.yaml" does not exist\n')
    assert run("kubectl apply -k .") == Ended(
        3, "", "kubectl: apply -k exists in the real tool, but gameday's stand-in does not offer it\n"
    )


def test_a_namespace_is_created_used_and_deleted_with_all_in_it(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """Runbooks 002:527 to 543 and 002:627."""
    assert run("kubectl create namespace staging") == Ended(0, "namespace/staging created\n", "")
    assert (
        run("kubectl create namespace staging").err == 'Error from server (AlreadyExists): namespaces "staging" already exists\n'
    )
    assert run(f"kubectl apply -f {wrote(CONFIG)} --namespace=staging").code == 0
    assert run("kubectl get cm settings").code == 1
    assert run("kubectl get cm -A").out.splitlines()[1].split()[:2] == ["staging", "settings"]
    assert run("kubectl delete namespace staging").out == 'namespace "staging" deleted\n'
    assert run("kubectl get cm -A").err == "No resources found\n"


def test_plain_data_of_a_secret_is_encoded_as_the_server_does_it(cluster: FakeCluster, run: Run, wrote: Any) -> None:
    """Applied twice it is unchanged."""
    path = wrote("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: abc}\n")
    assert run(f"kubectl apply -f {path}").out == "secret/s created\n"
    assert run("kubectl get secret s -o jsonpath={.data.key}{.stringData}").out == "YWJj"
    assert run(f"kubectl apply -f {path}").out == "secret/s unchanged\n"
    wrote("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: abd}\n")
    assert run(f"kubectl apply -f {path}").out == "secret/s configured\n"


def test_a_secret_is_replaced_and_never_shown(cluster: FakeCluster, run: Run) -> None:
    """Runbook 003:240 to 242."""
    assert run("kubectl delete secret s").err == 'Error from server (NotFound): secrets "s" not found\n'
    assert run("kubectl create secret generic s --from-literal=key='NEW_SECRET'").out == "secret/s created\n"
    assert (
        run("kubectl create secret generic s --from-literal=key=x").err
        == 'error: failed to create secret secrets "s" already exists\n'
    )
    shown = run("kubectl describe secret s").out
    assert "10 bytes" in shown
    assert "NEW_SECRET" not in shown
    assert run("kubectl get secret s -o jsonpath={.data.key}").out == "TkVXX1NFQ1JFVA=="
