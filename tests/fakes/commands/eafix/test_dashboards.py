"""Dashboards: each expression is asked of Prometheus, and what has nothing to show is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.fakes.commands.conftest import Run
from tests.fakes.commands.fake_cluster import Answer, FakeCluster


@pytest.fixture
def boards(cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, and a Prometheus that has `up` and requests, none of which failed."""

    def query(text: str, _body: Any) -> Answer:
        asked = parse_qs(text)["query"][0]
        if asked == "up{":
            return 400, {"status": "error", "error": "parse error: unclosed"}
        known = asked in ("up", "rate(up[5m])", "sum(http_requests_total)")
        rows = [{"metric": {}, "value": [0, "1"]}] if known else []
        return 200, {"status": "success", "data": {"resultType": "vector", "result": rows}}

    cluster.web.answers["GET", "/api/v1/query"] = query
    monkeypatch.setenv("EAFIX_PROMETHEUS", cluster.web.address)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "monitoring/dashboards"
    folder.mkdir(parents=True)
    return folder


def _board(folder: Path, *expressions: str) -> None:
    panels = [{"title": f"p{number}", "targets": [{"expr": text}]} for number, text in enumerate(expressions, 1)]
    (folder / "one.json").write_text(json.dumps({"title": "One", "panels": [{"title": "row", "panels": panels}]}))


def test_every_panel_is_asked(boards: Path, run: Run) -> None:
    """Those in rows too; an interval that Grafana would fill in is five minutes."""
    _board(boards, "up", "rate(up[$__rate_interval])")
    ended = run("eafix-cli dashboard verify")
    assert (ended.code, ended.out) == (0, "ok    One / p1: 1 series\nok    One / p2: 1 series\n")


def test_a_panel_without_a_metric_is_empty_for_ever(boards: Path, run: Run) -> None:
    """A metric that nobody has fails; one that has no errors just now does not."""
    _board(boards, "nobody_has_this", 'sum(http_requests_total{status=~"5.."})', "up{", 'up{job="$job"}')
    ended = run("eafix-cli dashboard verify")
    assert (ended.code, ended.out.splitlines()) == (
        1,
        [
            "FAIL  One / p1: no series: nobody_has_this",
            'ok    One / p2: no series now, the metric is there: sum(http_requests_total{status=~"5.."})',
            "FAIL  One / p3: parse error: unclosed",
            'FAIL  One / p4: depends on a variable that only Grafana fills in: up{job="$job"}',
        ],
    )


def test_what_is_no_dashboard_fails(boards: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken file, one that asks nothing, no file, no folder, no Prometheus."""
    assert run("eafix-cli dashboard verify").err == "eafix-cli: monitoring/dashboards: no dashboard (*.json)\n"
    (boards / "two.json").write_text("{")
    (boards / "three.json").write_text("[]")
    ended = run("eafix-cli dashboard verify")
    assert ended.code == 1
    assert ended.out.splitlines()[0] == "FAIL  three.json: no panel asks anything"
    assert ended.out.splitlines()[1].startswith("FAIL  monitoring/dashboards/two.json: cannot be read")
    assert run("eafix-cli dashboard verify --folder=/nowhere").code == 1
    _board(boards, "up")
    monkeypatch.setenv("EAFIX_PROMETHEUS", "127.0.0.1:1")
    assert "FAIL  One / p1: monitoring does not answer: 127.0.0.1:1: connection refused" in run("eafix-cli dashboard verify").out
