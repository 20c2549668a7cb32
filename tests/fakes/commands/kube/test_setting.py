"""Variables, images, resources, labels and annotations, and the editor."""

from __future__ import annotations

import json

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster

RATE = '{"spec":{"template":{"spec":{"containers":[{"name":"gateway","env":[{"name":"RATE_LIMIT","value":"1000"}]}]}}}}'
INGRESS = {"name": "shop-ingress", "namespace": "default", "hosts": {"api.shop.example": "gui-gateway"}}


@pytest.fixture
def gateway(cluster: FakeCluster) -> FakeCluster:
    cluster.services["gui-gateway"]["deployment"] = "eafix-gateway"
    return cluster


def test_the_documented_patch_sets_a_variable(gateway: FakeCluster, run: Run) -> None:
    """Runbook 002:325: the container is called as the deployment is, less what all of them begin with."""
    assert run(f"kubectl patch deployment eafix-gateway --patch='{RATE}'") == Ended(
        0, "deployment.apps/eafix-gateway patched\n", ""
    )
    assert gateway.posts() == [
        ("/services/gui-gateway/configure", {"version": "1.0.0", "environment": {"RATE_LIMIT": "1000"}, "cause": ""})
    ]
    assert (
        run(f"kubectl patch deployment eafix-gateway --patch='{RATE}'").out
        == "deployment.apps/eafix-gateway patched (no change)\n"
    )


def test_a_patch_of_another_container_lacks_an_image(gateway: FakeCluster, run: Run) -> None:
    """As the API server says it; nothing is done."""
    ended = run(f"kubectl patch deployment eafix-gateway --patch='{RATE.replace('gateway', 'web')}'")
    assert ended == Ended(
        1, "", 'The Deployment "eafix-gateway" is invalid: spec.template.spec.containers[1].image: Required value\n'
    )
    assert gateway.posts() == []


def test_variables_are_set_listed_and_removed(cluster: FakeCluster, run: Run) -> None:
    """Runbook 003:205."""
    line = "kubectl set env deployment/eafix-risk-manager"
    assert run(f"{line} GODEBUG=gctrace=1") == Ended(0, "deployment.apps/eafix-risk-manager env updated\n", "")
    assert run(f"{line} --list").out == "# deployments eafix-risk-manager, container risk-manager\nGODEBUG=gctrace=1\n"
    assert run(f"{line} GODEBUG-").code == 0
    assert cluster.posts()[-1][1]["environment"] == {"GODEBUG": None}
    assert run(f"{line} --list").out == "# deployments eafix-risk-manager, container risk-manager\n"


def test_an_image_sets_the_version_and_undo_takes_it_back(cluster: FakeCluster, run: Run) -> None:
    """The tag is the version; history shows both, and each template once."""
    line = "kubectl set image deployment/eafix-risk-manager"
    assert run(f"{line} risk-manager=eafix/risk-manager:2.0.0").out == "deployment.apps/eafix-risk-manager image updated\n"
    assert cluster.services["risk-manager"]["version"] == "2.0.0"
    assert run("kubectl rollout undo deployment/eafix-risk-manager").out == "deployment.apps/eafix-risk-manager rolled back\n"
    assert cluster.services["risk-manager"]["version"] == "1.0.0"
    history = run("kubectl rollout history deployment/eafix-risk-manager").out
    assert history == "deployment.apps/eafix-risk-manager \nREVISION  CHANGE-CAUSE\n2         <none>\n3         rollback to 1\n\n"
    assert "Image:\teafix/risk-manager:2.0.0" in run("kubectl rollout history deployment/eafix-risk-manager --revision=2").out
    assert run("kubectl rollout undo deployment/eafix-risk-manager --to-revision=9") == Ended(
        1, "", "error: unable to find specified revision 9 in history\n"
    )
    assert run("kubectl rollout undo deployment/eafix-gui-gateway") == Ended(
        1, "", 'error: no rollout history found for deployment "eafix-gui-gateway"\n'
    )


def test_an_image_without_a_program_is_not_run(cluster: FakeCluster, run: Run) -> None:
    """A container that is not there is kubectl's error, a program that is not there the stand-in's."""
    line = "kubectl set image deployment/eafix-risk-manager"
    assert run(f"{line} web=nginx:1").err == 'error: unable to find container named "web"\n'
    assert run(f"{line} risk-manager=nginx:1").code == 3
    assert cluster.posts() == []


def test_annotations_and_resources_are_kept_beside_what_runs(cluster: FakeCluster, run: Run) -> None:
    """They restart nothing, and are there when one looks."""
    name = "deployment/eafix-risk-manager"
    assert run(f"kubectl annotate {name} owner=risk").out == "deployment.apps/eafix-risk-manager annotated\n"
    assert run(f"kubectl annotate {name} owner=other").code == 1
    assert run(f"kubectl annotate {name} owner=other --overwrite").code == 0
    assert (
        run(f"kubectl set resources {name} --limits=memory=4Gi").out
        == "deployment.apps/eafix-risk-manager resource requirements updated\n"
    )
    item = json.loads(run(f"kubectl get {name} -o json").out)
    assert item["metadata"]["annotations"]["owner"] == "other"
    assert item["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"memory": "4Gi"}}
    assert cluster.posts() == []


def test_labels_that_addresses_select_by_cannot_be_changed_here(cluster: FakeCluster, run: Run) -> None:
    """Others can."""
    assert run("kubectl label deployment eafix-risk-manager tier=back").out == "deployment.apps/eafix-risk-manager labeled\n"
    assert run("kubectl get deploy -l tier=back -o name").out == "deployment.apps/eafix-risk-manager\n"
    assert run("kubectl label deployment eafix-risk-manager app=x --overwrite").code == 3


@pytest.mark.parametrize(
    "patch",
    [
        """-p '{"metadata":{"annotations":{"nginx.ingress.kubernetes.io/whitelist-source-range":"10.0.0.0/8"}}}'""",
        """--type=merge -p '{"metadata":{"annotations":{"nginx.ingress.kubernetes.io/whitelist-source-range":"10.0.0.0/8"}}}'""",
        """--type=json -p '[{"op":"add","path":"/metadata/annotations","value":{"nginx.ingress.kubernetes.io/whitelist-source-range":"10.0.0.0/8"}}]'""",
    ],
)
def test_an_ingress_is_annotated_by_any_kind_of_patch(cluster: FakeCluster, run: Run, patch: str) -> None:
    """Runbook 003:223: the object in the store is what the way in reads."""
    cluster.platform = {"ingress": INGRESS}
    assert run(f"kubectl patch ingress shop-ingress {patch}").out == "ingress.networking.k8s.io/shop-ingress patched\n"
    (stored,) = cluster.objects.found("Ingress", "default")
    assert stored["metadata"]["annotations"] == {"nginx.ingress.kubernetes.io/whitelist-source-range": "10.0.0.0/8"}


def test_a_service_of_the_platform_is_pointed_elsewhere(gateway: FakeCluster, run: Run) -> None:
    """Runbook 002:79: the selector is merged, and the control API leads the address to what matches."""
    assert run("""kubectl patch service eafix-gateway -p '{"spec":{"selector":{"version":"green"}}}'""").code == 0
    assert gateway.posts() == [("/addresses/gui-gateway/selector", {"selector": {"version": "green"}})]


def test_an_alias_is_the_same_deployment(gateway: FakeCluster, run: Run) -> None:
    """Runbook 002:85 calls it eafix-blue: said back as it was asked, and kept under one name."""
    gateway.services["gui-gateway"]["aliases"] = ["eafix-blue"]
    assert run("kubectl scale deployment eafix-blue --replicas=0").out == "deployment.apps/eafix-blue scaled\n"
    assert gateway.posts() == [("/services/gui-gateway/scale", {"replicas": 0})]
    assert run("kubectl annotate deployment eafix-blue a=b").code == 0
    assert "eafix-blue" not in run("kubectl get deployments").out


def test_edit_goes_through_the_operators_editor(cluster: FakeCluster, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runbook 002:285: what the editor leaves is applied; nothing changed is told; without a terminal vi fails."""
    run("kubectl create configmap settings --from-literal=limit=5")
    monkeypatch.setenv("KUBE_EDITOR", "sed -i s/'5'/'6'/")
    assert run("kubectl edit configmap settings").out == "configmap/settings edited\n"
    assert run("kubectl get cm settings -o jsonpath={.data.limit}").out == "6"
    monkeypatch.setenv("KUBE_EDITOR", "true")
    assert run("kubectl edit cm settings") == Ended(0, "", "Edit cancelled, no changes made.\n")
    monkeypatch.setenv("KUBE_EDITOR", "false")
    assert run("kubectl edit cm settings").err == 'error: there was a problem with the editor "false"\n'
    monkeypatch.delenv("KUBE_EDITOR")
    monkeypatch.delenv("EDITOR", raising=False)
    assert run("kubectl edit cm settings").err == 'error: there was a problem with the editor "vi"\n'
