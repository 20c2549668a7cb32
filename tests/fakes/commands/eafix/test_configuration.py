"""Configuration: a file is judged by what its service reads, and the object by what the service runs with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.commands.conftest import Ended, Run
from tests.fakes.commands.fake_cluster import FakeCluster
from tests.fakes.services.live import ROOT

SOUND = {
    "risk.max_order_quantity": "1000000", "risk.max_position": "10000000", "risk.signal_quantity": "1000", "risk.stale_after_s": "60",
}  # fmt: skip
RUNNING = {name: float(value) for name, value in SOUND.items()}


def _file(folder: Path, text: str) -> str:
    path = folder / "risk-manager.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _text(data: str, *, name: str = "eafix-risk-manager-config", kind: str = "ConfigMap") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\ndata:\n  {data}\n"


def _map(data: dict[str, str], namespace: str = "default") -> dict[str, Any]:
    metadata = {"name": "eafix-risk-manager-config", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_the_checkouts_own_configuration_is_sound(run: Run, cluster: FakeCluster) -> None:
    """Runbook 002:621, on the file that an operator has."""
    path = ROOT / "fakes/workstation/eafix/checkout/config/production/risk-manager.yaml"
    ended = run(f"eafix-cli config validate --file={path}")
    assert (ended.code, ended.out.splitlines()[0], "FAIL" in ended.out) == (0, "ok    kind: v1 ConfigMap", False)
    assert cluster.asked == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "FAIL  {path}: yaml: line "),
        ("", "FAIL  {path}: holds no object"),
        ("- 1", "FAIL  object: expected a mapping, found list"),
        (_text('risk.max_position: "1"', kind="Secret"), "FAIL  kind: v1 Secret, expected v1 ConfigMap"),
        (_text('risk.max_position: "1"', name="other"), "FAIL  name: other: no service reads it"),
        (_text("{}").replace("data:\n  {}", "data: {}"), "FAIL  data: expected settings, found none"),
        (_text('risk.max_postion: "1"'), "FAIL  risk.max_postion: unknown; there are risk.max_order_quantity, "),
        (_text("risk.max_position: 5"), "FAIL  risk.max_position: 5: a ConfigMap holds text only, write it in quotes"),
        (_text('risk.max_position: "many"'), "FAIL  risk.max_position: 'many' is no whole number"),
        (_text('risk.max_position: "1.5"'), "FAIL  risk.max_position: '1.5' is no whole number"),
        (_text('risk.max_position: "0"'), "FAIL  risk.max_position: 0 is not above 0"),
        (_text('risk.stale_after_s: "61"'), "FAIL  risk.stale_after_s: 61 is more than 60"),
        (
            _text('risk.max_position: "10"\n  risk.max_order_quantity: "11"'),
            "FAIL  risk.max_order_quantity: 11 is more than 10 of risk.max_position",
        ),
        (_text('risk.max_position: "1"') + "datas: {}\n", "FAIL  fields: unknown: datas"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(run: Run, cluster: FakeCluster, tmp_path: Path, text: str, told: str) -> None:
    """Exit code 1, with the key and the reason."""
    path = _file(tmp_path, text)
    ended = run(f"eafix-cli config validate --file={path}")
    assert ended.code == 1
    assert any(line.startswith(told.format(path=path)) for line in ended.out.splitlines()), ended.out


@pytest.mark.usefixtures("cluster")
def test_a_file_that_is_not_there_is_no_valid_one(run: Run) -> None:
    """Nor is none at all."""
    assert run("eafix-cli config validate --file=/nowhere.yaml") == Ended(
        1, "", "eafix-cli: /nowhere.yaml: No such file or directory\n"
    )
    assert run("eafix-cli config validate").code == 2


def test_what_runs_is_held_against_the_object(cluster: FakeCluster, run: Run) -> None:
    """The same figures pass; an object that was changed and a service that was not restarted differ, with both figures."""
    cluster.web.answers["GET", "/api/risk/status"] = (200, {"configuration": RUNNING})
    cluster.answers["GET", "/objects"] = (200, {"objects": [_map(SOUND)]})
    ended = run("eafix-cli config verify --service=risk-manager")
    assert (ended.code, ended.out.splitlines()[1]) == (0, "ok    risk.max_position: 10000000, in the object and running")
    assert cluster.asked[-1][1] == "/objects?kind=ConfigMap&namespace=default"
    cluster.answers["GET", "/objects"] = (200, {"objects": [_map(SOUND | {"risk.max_position": "5000000"})]})
    ended = run("eafix-cli config verify --service=eafix-risk-manager")
    difference, advice = ended.out.splitlines()[1].split(": restart ")
    assert (ended.code, difference) == (1, "FAIL  risk.max_position: object says 5000000, running says 10000000")
    assert advice == "the service to apply: kubectl rollout restart deployment/eafix-risk-manager"


def test_without_an_object_nothing_is_verified(cluster: FakeCluster, run: Run) -> None:
    """A service that reads none has nothing to verify either."""
    cluster.answers["GET", "/objects"] = (200, {"objects": []})
    assert run("eafix-cli config verify --service=risk-manager").err == (
        "eafix-cli: no ConfigMap eafix-risk-manager-config in namespace default; apply it first\n"
    )
    assert run("eafix-cli config verify --service=gui-gateway").code == 1
    assert run("eafix-cli config verify").code == 2


def test_a_namespaces_configuration_is_tested_before_it_comes_to_production(cluster: FakeCluster, run: Run) -> None:
    """Sound or not, and what it would change; without a namespace or without a ConfigMap in it there is nothing to test."""
    there = {"staging": [_map(SOUND | {"risk.max_position": "5000000"}, "staging")], "default": [_map(SOUND)], "empty": []}

    def objects(query: str, _body: Any) -> tuple[int, Any]:
        asked = dict(part.split("=") for part in query.split("&"))
        if asked["kind"] == "Namespace":
            return 200, {"objects": [{"kind": "Namespace", "metadata": {"name": name}} for name in there]}
        return 200, {"objects": there[asked["namespace"]]}

    cluster.answers["GET", "/objects"] = objects
    ended = run("eafix-cli test config --namespace=staging")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "ok    against production: risk.max_position 10000000 to 5000000")
    there["staging"] = [_map({"risk.max_position": "0"}, "staging")]
    assert run("eafix-cli test config --namespace=staging").code == 1
    assert run("eafix-cli test config --namespace=empty").out.startswith(
        "FAIL  empty: no ConfigMap that a service reads is there"
    )
    assert run("eafix-cli test config --namespace=nowhere").err == (
        "eafix-cli: no namespace 'nowhere'; there are staging, default, empty\n"
    )
    assert run("eafix-cli test config").code == 0
