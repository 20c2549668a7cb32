"""Charts: a folder with a Chart.yaml, values and templates."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from fakes.commands.entry import Failure, not_modelled
from fakes.commands.helming.template import render
from fakes.commands.helming.values import over

_LOOK_DEPTH = 5


class Chart(NamedTuple):
    """A chart as it lies in the checkout."""

    name: str
    version: str
    app_version: str
    values: dict[str, Any]
    templates: dict[str, str]  # path inside the chart: text

    @property
    def shown(self) -> str:
        return f"{self.name}-{self.version}"


def load(path: str) -> Chart:
    """Raises Failure, in helm's words, for what is no chart."""
    if not os.path.exists(path):
        if path.startswith((".", "/")):
            raise Failure(f'Error: path "{path}" not found')
        if path.startswith(("http://", "https://", "oci://")):
            raise not_modelled("helm", "a chart from a URL")
        repository, slash, _ = path.partition("/")
        raise Failure(
            f"Error: repo {repository} not found"
            if slash
            else f"Error: non-absolute URLs should be in form of repo_name/path_to_chart, got: {path}"
        )
    if not os.path.isdir(path):
        raise not_modelled("helm", "a packaged chart")
    if not os.path.isfile(os.path.join(path, "Chart.yaml")):
        raise Failure("Error: Chart.yaml file is missing")
    about = _yaml(os.path.join(path, "Chart.yaml"))
    for key in ("name", "version"):
        if not about.get(key):
            raise Failure(f"Error: validation: chart.metadata.{key} is required")
    values = os.path.join(path, "values.yaml")
    return Chart(
        str(about["name"]), str(about["version"]), str(about.get("appVersion") or ""), _yaml(values) if os.path.isfile(values) else {},
        _templates(path),
    )  # fmt: skip


def _yaml(path: str) -> dict[str, Any]:
    from fakes.commands.yaml_text import load_all

    try:
        with open(path, encoding="utf-8") as file:
            found = load_all(file.read())
    except (OSError, ValueError) as error:
        raise Failure(f"Error: cannot load {os.path.basename(path)}: error converting YAML to JSON: {error}") from error
    return found[0] if found and isinstance(found[0], dict) else {}


def _templates(path: str) -> dict[str, str]:
    found = {}
    for folder, folders, files in os.walk(os.path.join(path, "templates")):
        folders.sort()
        for name in sorted(files):
            if name.endswith((".yaml", ".yml")) and not name.startswith("_"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    found[os.path.relpath(os.path.join(folder, name), path)] = file.read()
    return found


def manifests(
    chart: Chart, release: str, namespace: str, values: dict[str, Any], revision: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the chart's templates make of these values: objects, and hooks. Raises Failure."""
    from fakes.commands.yaml_text import load_all

    data = {
        "Values": over(chart.values, values, keep_null=False),
        "Release": {"Name": release, "Namespace": namespace, "Service": "Helm", "Revision": revision, "IsUpgrade": revision > 1, "IsInstall": revision == 1},
        "Chart": {"Name": chart.name, "Version": chart.version, "AppVersion": chart.app_version},
    }  # fmt: skip
    objects: list[dict[str, Any]] = []
    hooks: list[dict[str, Any]] = []
    for path, text in chart.templates.items():
        rendered = render(text, data)
        try:
            documents = load_all(rendered)
        except ValueError as error:
            raise Failure(
                f"Error: UPGRADE FAILED: YAML parse error on {chart.name}/{path}: error converting YAML to JSON: {error}"
            ) from error
        for found in documents:
            hook = "helm.sh/hook" in ((found.get("metadata") or {}).get("annotations") or {})
            (hooks if hook else objects).append(found)
    return objects, hooks


def beside(release: str) -> Chart | None:
    """The chart of a release in the checkout where the operator is: the one of its name."""
    for folder, folders, files in os.walk("."):
        folders[:] = [] if folder.count(os.sep) >= _LOOK_DEPTH else sorted(name for name in folders if not name.startswith("."))
        if "Chart.yaml" in files:
            chart = load(folder)
            if chart.name == release:
                return chart
    return None
