"""Releases: their history, upgrades from a chart, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.commands.helming.template import render
from fakes.commands.helming.values import parse_set
from harness.stack.releases import Releases
from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import NOW_S, FakeCluster

API, WEB = "gui-gateway", "data-ingestor"
DEPLOYMENT = """{{- /* one deployment of the chart */ -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-api
  namespace: {{ .Release.Namespace }}
spec:
  replicas: {{ .Values.api.replicas }}
  selector:
    matchLabels: {app: {{ .Release.Name }}-api}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}-api}
    spec:
      containers:
        - name: api
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          resources:
            {{- toYaml .Values.api.resources | nindent 12 }}
"""
SCALER = """{{- if .Values.api.minReplicas }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: {{ .Release.Name }}-api}
spec: {minReplicas: {{ .Values.api.minReplicas }}, maxReplicas: 9, scaleTargetRef: {kind: Deployment, name: {{ .Release.Name }}-api}}
{{- end }}
"""
VALUES = "image: {repository: shop/api, tag: v1.0.0}\napi: {replicas: 1, minReplicas: 2, resources: {limits: {memory: 1Gi}}}\n"
UPGRADED = 'Release "shop" has been upgraded. Happy Helming!'


@pytest.fixture
def shop(cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """A release of two services in a namespace of its own, and the chart in the checkout."""
    cluster.platform = {"prefix": "shop", "namespace": "trading", "helm": "shop", "ingress": None}
    for name in [name for name in cluster.services if name not in (API, WEB)]:
        del cluster.services[name]
    for name, deployment in ((API, "shop-api"), (WEB, "shop-web")):
        releases = Releases.of("v1.0.0")
        cluster._releases[name].revisions[:] = releases.revisions
        cluster.services[name].update(
            deployment=deployment, namespace="trading", version="v1.0.0", revision=1, revisions=releases.rows(), image=f"shop/{deployment[5:]}"
        )  # fmt: skip
    cluster.web.answers["GET", "/healthz"] = (200, {"status": "ok"})
    chart = tmp_path / "charts" / "shop"
    (chart / "templates").mkdir(parents=True)
    for path, text in {
        "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.3.0\nappVersion: v1.0.0\n", "values.yaml": VALUES,
        "templates/deployment.yaml": DEPLOYMENT, "templates/scaler.yaml": SCALER,
    }.items():  # fmt: skip
        (chart / path).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return cluster


def history(run: Run) -> list[list[str]]:
    """The columns of the history that do not depend on the clock: revision, status, chart, version and description."""
    rows = [[cell.strip() for cell in line.split("\t")] for line in run("helm history shop -n trading").out.splitlines()[1:]]
    return [[row[0], *row[2:]] for row in rows]


def deploy(shop: FakeCluster, name: str, version: str, defect: str) -> None:
    """What the fault `service.version` does."""
    releases = shop._releases[name]
    releases.configure({"version": version, "defect": defect, "cause": "deployment"}, NOW_S - 60)
    now = releases.current
    shop.services[name].update(version=version, defect=defect, revision=now.revision, revisions=releases.rows())


def test_the_platform_is_a_release_from_the_start(shop: FakeCluster, run: Run) -> None:
    """With the chart that lies in the checkout; and helm's own Secret keeps it."""
    assert history(run) == [["1", "deployed", "shop-0.3.0", "v1.0.0", "Install complete"]]
    assert run("kubectl get secret sh.helm.release.v1.shop.v1 -n trading").out.splitlines()[1].split()[1] == "helm.sh/release.v1"
    assert run("helm list -A").out.splitlines()[1].split("\t")[0].strip() == "shop"
    assert run("helm history shop") == Ended(1, "", "Error: release: not found\n")


def test_an_upgrade_truly_changes_what_runs(shop: FakeCluster, run: Run) -> None:
    """Runbook 003:369: the version of the deployments that the chart has, and nothing else."""
    ended = run("helm upgrade shop ./charts/shop --namespace trading --set image.tag=v1.2.0 --wait --timeout 10m")
    assert (ended.code, ended.out.splitlines()[0]) == (0, UPGRADED)
    assert (shop.services[API]["version"], shop.services[WEB]["version"]) == ("v1.2.0", "v1.0.0")
    assert history(run)[-1] == ["2", "deployed", "shop-0.3.0", "v1.0.0", "Upgrade complete"]
    assert run("helm get values shop -n trading").out == "USER-SUPPLIED VALUES:\nimage:\n  tag: v1.2.0\n"
    assert run("kubectl get hpa -n trading").out.splitlines()[1].split()[:2] == ["shop-api", "Deployment/shop-api"]


def test_values_that_are_not_told_again_are_the_charts(shop: FakeCluster, run: Run) -> None:
    """Helm's trap: a second upgrade with another value takes the version back, but for --reuse-values."""
    line = "helm upgrade shop ./charts/shop -n trading --set"
    run(f"{line} image.tag=v1.2.0")
    run(f"{line} api.resources.limits.memory=4Gi --reuse-values")
    path = "{.spec.template.spec.containers[0].resources.limits.memory}"
    assert run(f"kubectl get deploy shop-api -n trading -o jsonpath={path}").out == "4Gi"
    assert shop.services[API]["version"] == "v1.2.0"
    run(f"{line} api.resources.limits.memory=4Gi")
    assert shop.services[API]["version"] == "v1.0.0"


def test_a_rollback_brings_back_version_and_objects(shop: FakeCluster, run: Run) -> None:
    """To the revision before, or to one that is named: what the chart made, and what was there before any chart was seen."""
    run("helm upgrade shop ./charts/shop -n trading --set image.tag=v1.2.0 --set api.minReplicas=5")
    assert run("helm rollback shop -n trading") == Ended(0, "Rollback was a success! Happy Helming!\n", "")
    assert shop.services[API]["version"] == "v1.0.0"
    assert run("kubectl get hpa -n trading").err == "No resources found in trading namespace.\n"
    run("helm rollback shop 2 -n trading")
    assert shop.services[API]["version"] == "v1.2.0"
    assert run("kubectl get hpa shop-api -n trading -o jsonpath={.spec.minReplicas}").out == "5"
    assert [row[-1] for row in history(run)][-2:] == ["Rollback to 1", "Rollback to 2"]
    assert [row[1] for row in history(run)] == ["superseded", "superseded", "superseded", "deployed"]


@pytest.mark.parametrize(
    "line",
    [
        "helm rollback shop -n trading",
        "helm rollback shop 1 -n trading --wait",
        "kubectl rollout undo deployment/shop-api -n trading",
    ],
)
def test_a_bad_deployment_is_a_revision_and_can_be_taken_back(shop: FakeCluster, run: Run, line: str) -> None:
    """Runbooks 003:67 and 003:386: whoever deployed it, helm's history shows it, and the defect goes with the version."""
    assert run("helm history shop -n trading").code == 0
    deploy(shop, API, "v1.1.0", "errors")
    assert [row[0:2] for row in history(run)] == [["1", "superseded"], ["2", "deployed"]]
    assert run(line).code == 0
    assert (shop.services[API]["version"], shop.services[API]["defect"]) == ("v1.0.0", "")


def test_a_failed_upgrade_is_recorded_and_atomic_goes_back(shop: FakeCluster, run: Run) -> None:
    """Who waits for a service that never gets ready ends with helm's error."""
    become = shop.answers["POST", f"/services/{API}/configure"]

    def never_ready(query: str, body: Any) -> Any:
        answer = become(query, body) if callable(become) else become
        shop.services[API]["ready"] = False
        return answer

    shop.answers["POST", f"/services/{API}/configure"] = never_ready
    line = "helm upgrade shop ./charts/shop -n trading --set image.tag=v1.2.0 --timeout 100ms"
    assert run(f"{line} --wait").err.splitlines()[-1] == "Error: UPGRADE FAILED: context deadline exceeded"
    assert history(run)[-1][1:] == ["failed", "shop-0.3.0", "v1.0.0", 'Upgrade "shop" failed: context deadline exceeded']
    assert "has been rolled back due to atomic being set" in run(f"{line.replace('v1.2.0', 'v1.3.0')} --atomic").err
    assert shop.services[API]["version"] == "v1.0.0"


def test_a_test_asks_every_service(shop: FakeCluster, run: Run) -> None:
    """Runbook 003:366: the phase is that of the services now."""
    ended = run("helm test shop -n trading")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "Phase:          Succeeded")
    shop.web.answers["GET", "/healthz"] = (503, {"status": "unavailable"})
    ended = run("helm test shop -n trading")
    assert (ended.code, ended.out.splitlines()[-1]) == (1, "Phase:          Failed")
    assert ended.err.startswith("Error: 1 error occurred:\n\t* pod shop-test-health failed\n")


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("helm frob", Ended(1, "", "Error: unknown command \"frob\" for \"helm\"\nRun 'helm --help' for usage.\n")),
        ("helm histry", Ended(1, "", "Error: unknown command \"histry\" for \"helm\"\n\nDid you mean this?\n\thistory\n\nRun 'helm --help' for usage.\n")),
        ("helm history", Ended(1, "", 'Error: "helm history" requires 1 argument\n\nUsage:  helm history RELEASE_NAME [flags]\n')),
        ("helm rollback", Ended(1, "", 'Error: "helm rollback" requires at least 1 argument\n\nUsage:  helm rollback <RELEASE> [REVISION] [flags]\n')),
        ("helm upgrade a", Ended(1, "", 'Error: "helm upgrade" requires 2 arguments\n\nUsage:  helm upgrade [RELEASE] [CHART] [flags]\n')),
        ("helm list x", Ended(1, "", 'Error: "helm list" accepts no arguments\n\nUsage:  helm list [flags]\n')),
        ("helm history x --nope", Ended(1, "", "Error: unknown flag: --nope\n")),
        ("helm history x --max=abc", Ended(1, "", 'Error: invalid argument "abc" for "--max" flag: strconv.ParseInt: parsing "abc": invalid syntax\n')),
        ("helm rollback shop abc -n trading", Ended(1, "", 'Error: could not convert revision to a number: strconv.Atoi: parsing "abc": invalid syntax\n')),
        ("helm rollback shop 9 -n trading", Ended(1, "", "Error: release has no 9 version\n")),
        ("helm rollback shop -n trading", Ended(1, "", "Error: release has no 0 version\n")),
        ("helm rollback shop [REVISION] -n trading", Ended(1, "", 'Error: could not convert revision to a number: strconv.Atoi: parsing "[REVISION]": invalid syntax\n')),
        ("helm rollback nothing", Ended(1, "", "Error: release: not found\n")),
        ("helm upgrade shop ./nochart -n trading", Ended(1, "", 'Error: path "./nochart" not found\n')),
        ("helm upgrade shop . -n trading", Ended(1, "", "Error: Chart.yaml file is missing\n")),
        ("helm upgrade shop ./charts/shop -n trading --set a", Ended(1, "", 'Error: failed parsing --set data: key "a" has no value\n')),
        ("helm upgrade shop ./charts/shop -n trading -f none.yaml", Ended(1, "", "Error: open none.yaml: no such file or directory\n")),
        ("helm upgrade new ./charts/shop -n trading", Ended(1, "", 'Error: UPGRADE FAILED: "new" has no deployed releases\n')),
        ("helm uninstall shop", Ended(3, "", "helm: the command uninstall exists in the real tool, but gameday's stand-in does not offer it\n")),
        ("helm upgrade shop ./charts/shop --dry-run", Ended(3, "", "helm: upgrade --dry-run exists in the real tool, but gameday's stand-in does not offer it\n")),
    ],
)  # fmt: skip
def test_wrong_lines_are_refused_in_the_real_words(shop: FakeCluster, run: Run, line: str, ended: Ended) -> None:
    """Helm's messages and exit codes, and nothing is done."""
    assert run(line) == ended
    assert shop.posts() == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=c,d=5", {"a": {"b": "c"}, "d": 5}),
        ("a=true,b=null,c=0012", {"a": True, "b": None, "c": "0012"}),
        ("a={x,y},b[1]=z", {"a": ["x", "y"], "b": [None, "z"]}),
        (r"a\.b=c\,d", {"a.b": "c,d"}),
        ("s[0].p=1,s[0].q=2", {"s": [{"p": 1, "q": 2}]}),
    ],
)
def test_set_is_read_as_helm_reads_it(text: str, values: dict[str, Any]) -> None:
    """Kinds, lists, indices and escapes."""
    assert parse_set(text) == values


def test_a_template_beyond_what_is_read_is_refused(shop: FakeCluster, run: Run, tmp_path: Path) -> None:
    """As a whole, and nothing is done."""
    (tmp_path / "charts/shop/templates/x.yaml").write_text('{{ include "a" . }}\n', encoding="utf-8")
    ended = run("helm upgrade shop ./charts/shop -n trading")
    assert (ended.code, shop.posts()) == (3, [])
    assert (
        ended.err
        == 'helm: the template action {{ include "a" . }} exists in the real tool, but gameday\'s stand-in does not offer it\n'
    )


def test_templates_render_as_go_renders_them() -> None:
    """Ranges over maps in the order of their keys, else, with, variables, trimmed blanks."""
    text = "{{- range $k, $v := .M }}\n{{ $k }}={{ $v | quote }}{{ else }}none{{- end }}{{ with .N }}{{ .x }}{{ end }}{{ $a := .M.b }}{{ $a }}"
    assert render(text, {"M": {"b": 2, "a": "x"}, "N": {"x": True}}) == '\na="x"\nb="2"true2'
    assert render("{{ if and .A (not .B) }}y{{ else if .B }}b{{ else }}n{{ end }}", {"A": 1, "B": 0}) == "y"
