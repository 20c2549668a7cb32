"""What stands in the checkouts is what it says it is."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml

from fakes import services
from harness.respond.platform import PLACE, files_below, is_script

PLATFORMS = ("eafix", "trading-engine", "ai-trading")
FILES = {
    f"{platform}/{path}": content
    for platform in PLATFORMS
    for kind in ("checkout", "root")
    for path, content in files_below(PLACE / platform / kind).items()
}
SHELL = sorted(path for path in FILES if path.endswith(".sh"))
PYTHON = sorted(path for path in FILES if path.endswith(".py"))
DASHBOARDS = sorted(path for path in FILES if "dashboards/" in path)
MANIFESTS = sorted(
    path for path in FILES if path.startswith("eafix/") and path.endswith(".yaml") and "security-alerts" not in path
)


@pytest.mark.parametrize("path", SHELL)
def test_scripts_are_bash(path: str, tmp_path: Path) -> None:
    """bash reads each to its end; those that are commands begin with #!, what they only read does not."""
    script = tmp_path / "script.sh"
    script.write_bytes(FILES[path])
    checked = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert is_script(FILES[path]) is not path.endswith("common.sh")


@pytest.mark.parametrize("path", PYTHON)
def test_programs_are_python(path: str) -> None:
    """Each compiles, though no linter of ours reads it."""
    compile(FILES[path], path, "exec")


@pytest.mark.parametrize("path", DASHBOARDS)
def test_dashboards_show_metrics_that_there_are(path: str) -> None:
    """Grafana would take each; its queries parse, and every metric in them is one that a service has or every target."""
    board = json.loads(FILES[path])
    assert {"uid", "title", "panels", "schemaVersion", "templating"} <= board.keys()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    source = "".join(module.read_text() for module in Path(services.__file__).parent.glob("*.py"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            promql_parser.parse(target["expr"])
            for name in re.findall(r"\b([a-z]+_[a-z_]+)\b(?=[\[{)\s]|$)", target["expr"]):
                known = re.sub(r"_(bucket|sum|count)$", "", name) if name.startswith("http_request_duration") else name
                assert f'"{known}"' in source, f"{panel['title']}: {name}"


@pytest.mark.parametrize("path", MANIFESTS)
def test_manifests_are_objects_of_kubernetes(path: str) -> None:
    """Each has a kind, a version and a name of the platform."""
    for manifest in yaml.safe_load_all(FILES[path]):
        assert manifest["kind"] in ("Deployment", "ConfigMap", "NetworkPolicy")
        assert manifest["apiVersion"]
        assert manifest["metadata"]["name"].startswith("eafix-")


def test_blue_and_green_differ_in_version_and_image_alone() -> None:
    """The gateway's service selects one of the two by this label: 002:79, 002:113."""
    blue, green = (FILES[f"eafix/deploy/kubernetes/{colour}/deployment.yaml"].decode() for colour in ("blue", "green"))
    assert blue.replace("blue", "green").replace("1.0.0", "1.1.0") == green
    labels = yaml.safe_load(blue)["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "eafix-gateway", "version": "blue"}


@pytest.mark.parametrize(
    ("platform", "chart"), [("trading-engine", "deployments/helm/trading-engine"), ("ai-trading", "charts/ats")]
)
def test_charts_have_what_helm_needs(platform: str, chart: str) -> None:
    """Name, version and values; templates only use values that are there."""
    about = yaml.safe_load(FILES[f"{platform}/{chart}/Chart.yaml"])
    assert {"apiVersion", "name", "version", "appVersion"} <= about.keys()
    values = yaml.safe_load(FILES[f"{platform}/{chart}/values.yaml"])
    templates = b"".join(content for path, content in FILES.items() if path.startswith(f"{platform}/{chart}/templates/")).decode()
    for path in re.findall(r"\.Values\.([\w.]+)", templates):
        found = values
        for key in path.split("."):
            assert key in found, path
            found = found[key]


def test_the_documents_settings_of_the_chart_are_there() -> None:
    """What 003 gives to `helm upgrade --set`."""
    values = yaml.safe_load(FILES["trading-engine/deployments/helm/trading-engine/values.yaml"])
    assert values["api"]["resources"]["limits"]["memory"]
    assert values["api"]["autoscaling"]["minReplicas"]
    assert values["postgresql"]["primary"]["resources"]["limits"].keys() == {"cpu", "memory"}
    assert values["image"]["tag"]


def test_the_failover_of_names_is_a_change_batch() -> None:
    """The shape that Route 53 takes: 002:508."""
    (change,) = json.loads(FILES["eafix/dns-failover.json"])["Changes"]
    assert change["Action"] == "UPSERT"
    assert change["ResourceRecordSet"].keys() == {"Name", "Type", "TTL", "ResourceRecords"}
