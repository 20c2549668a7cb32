"""JSONPath as kubectl prints it."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.commands.entry import Failure
from fakes.commands.kube.jsonpath import render

PODS: dict[str, Any] = {
    "items": [
        {
            "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x"}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"restartCount": 2}]},
        },
        {
            "metadata": {"name": "b"},
            "status": {"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [{"restartCount": 0}]},
        },
    ]
}


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        # runbook 003:190
        (r'{range .items[*]}{.metadata.name}{"\t"}{.status.containerStatuses[0].restartCount}{"\n"}{end}', "a\t2\nb\t0\n"),
        ("{.items[*].metadata.name}", "a b"),
        (".items[0].metadata.name", "a"),
        ("{.items[-1:].metadata.name}", "b"),
        ("{.items[?(@.metadata.name=='b')].metadata.name}", "b"),
        ('{.items[*].status.conditions[?(@.type=="Ready")].status}', "True False"),
        (r"{.items[0].metadata.labels.app\.kubernetes\.io/name}", "x"),
        ("{range .items[*]}[{.metadata.name}{range .status.conditions[*]} {.type}{end}]{end}", "[a Ready][b Ready]"),
        ("{range .nothing[*]}{.x}{end}none", "none"),
        ("{.items[0].status.conditions[0]}", '{"type":"Ready","status":"True"}'),
        ("{..restartCount}", "2 0"),
        ("{.missing}", ""),
    ],
)
def test_a_template_prints_what_kubectl_prints(template: str, printed: str) -> None:
    """Ranges, filters, slices, quoted text and escaped keys."""
    assert render(template, PODS) == printed


@pytest.mark.parametrize("template", ["{.items", "{range .items[*]}{.x}", "{.items[5]}", "{.items[x]}"])
def test_a_wrong_template_is_an_error(template: str) -> None:
    """Nothing half is printed."""
    with pytest.raises(Failure, match="jsonpath"):
        render(template, PODS)
