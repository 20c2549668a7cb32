"""The embedded evaluator against Prometheus itself: random series, expressions and rules through `promtool test rules`.

promtool is told to expect nothing and complains with what it got, which is then compared with our answer.
"""

from __future__ import annotations

import json
import math
import random
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.monitor.errors import BadQuery, QueryFailed
from harness.monitor.exposition import read_line
from harness.monitor.rules import RuleState
from harness.monitor.values import Dialect
from tests.harness.monitor.loading import ask, load
from tests.harness.monitor.random_queries import random_query, random_series
from tests.harness.monitor.stages import rule

pytestmark = pytest.mark.prometheus

# Prometheus 2 kept the name in `x atan2 1` and gave 0 for the deviation of one infinite or NaN value; 3 does as we do.
OLD_FAULTS = re.compile(r"\b(atan2|stddev|stdvar)\b")
STEPS = 140
EVERY_S = 5.0
_FAILED = re.compile(r'    expr: (?P<expr>"(?:[^"\\]|\\.)*"), time: \S+?,?(?: err: (?P<error>.*)|\n +exp:.*\n +got:(?P<got>.*))')
_SAMPLE = re.compile(r'(\{(?:[a-z_A-Z]\w*="(?:[^"\\]|\\.)*"(?:, )?)*\}) (\S+?)(?:, |$)')
_ALERTS = re.compile(r"    alertname: (\w+), time: (\S+), \n(.*?)(?=\n    (?:alertname|expr)|\n*\Z)", re.DOTALL)


def promtool(folder: Path, series: Mapping[str, str], test: Mapping[str, Any], rules: Sequence[Mapping[str, Any]] = ()) -> str:
    """Run one test file that fails, and give the complaints."""
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    inputs = [{"series": labels, "values": values} for labels, values in series.items()]
    case = {"interval": f"{EVERY_S:g}s", "input_series": inputs, **test}
    (folder / "test.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": [case]}))
    done = subprocess.run(["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, check=False)
    before, failed, complaints = (done.stdout + done.stderr).partition("FAILED:\n")
    assert failed, before
    return complaints.replace("\n\n", "\n")


def dialect(folder: Path) -> Dialect:
    """That of the promtool that is here: does a range include its oldest instant?"""
    test = {"expr": "count_over_time(x[10s])", "eval_time": "15s", "exp_samples": []}
    (count,) = answers(promtool(folder, {"x": "1 1 1 1"}, {"promql_expr_test": [test]})).values()
    return Dialect.PROMETHEUS_2 if count == {"{}": 3.0} else Dialect.PROMETHEUS_3


def answers(complaints: str) -> dict[str, dict[str, float] | str]:
    """By expression: the vector that Prometheus found, or its error. What is missing was empty."""
    found: dict[str, dict[str, float] | str] = {}
    for match in _FAILED.finditer(complaints):
        vector = {name_of(labels): float(value) for labels, value in _SAMPLE.findall((match["got"] or "").strip())}
        found[json.loads(match["expr"])] = match["error"] if match["error"] is not None else vector
    return found


def name_of(labels: str) -> str:
    """Labels as `loading.ask` shows them."""
    name = re.search(r'__name__="([^"]*)"(?:, )?', labels)
    if name is None:
        return labels
    rest = labels.replace(name[0], "")
    return name[1] if rest == "{}" else f"{name[1]}{rest}"


def agree(theirs: Mapping[str, float], ours: Mapping[str, float]) -> bool:
    return theirs.keys() == ours.keys() and all(same(value, ours[labels]) for labels, value in theirs.items())


def same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize("seed", range(8))
def test_random_expressions_have_prometheus_answers(tmp_path: Path, seed: int) -> None:
    """150 expressions over random series at one instant: the same elements, values and kinds of failure."""
    draw = random.Random(seed)
    series = random_series(draw, STEPS)
    version = dialect(tmp_path)
    queries = sorted({random_query(draw) for _ in range(150)})
    if version is Dialect.PROMETHEUS_2:
        queries = [query for query in queries if not OLD_FAULTS.search(query)]
    at_s = draw.choice((300, 400, 500, 612, 655, 695, 900))
    tests = [{"expr": query, "eval_time": f"{at_s}s", "exp_samples": []} for query in queries]
    # promtool loads what lies before the last evaluation, and offsets may look ahead.
    tests.append({"expr": "nothing", "eval_time": "1000s", "exp_samples": []})
    theirs = answers(promtool(tmp_path, series, {"promql_expr_test": tests}))
    store = load(series, every_s=EVERY_S)
    differences = []
    for query in queries:
        expected = theirs.get(query, {})
        try:
            got: dict[str, float] | str = ask(store, query, at_s, dialect=version)
        except (BadQuery, QueryFailed) as error:
            got = str(error)
        failed = isinstance(expected, str), isinstance(got, str)
        if failed[0] != failed[1] or not (isinstance(expected, str) or isinstance(got, str) or agree(expected, got)):
            differences.append((query, at_s, expected, got))
    assert not differences
    assert sum(bool(answer) for answer in theirs.values()) > len(queries) / 5  # the comparison had something to compare


RULES = {
    "Instant": ("temp > 1", 0),
    "Short": ("temp > -1", 15),
    "Long": ("rate(req_total[1m]) > 0.05", 60),
    "Odd": ("sum by (job) (temp) > 0", 20),
    "Missing": ('absent(err_total{job="a", inst="1"})', 30),
    "Ended": ("err_total unless on(job) (temp < 0)", 45),
}


@pytest.mark.parametrize("seed", range(4))
def test_random_rules_fire_when_prometheus_says(tmp_path: Path, seed: int) -> None:
    """Six rules with different `for` over random series, evaluated every 15 s: the same alerts firing at each evaluation."""
    series = random_series(random.Random(seed), STEPS)
    instants = range(0, int(STEPS * EVERY_S), 15)
    tests = [{"alertname": name, "eval_time": f"{at_s}s", "exp_alerts": []} for name in RULES for at_s in instants]
    rules = [
        {"alert": name, "expr": expr, "for": f"{for_s}s", "labels": {"severity": "critical"}}
        for name, (expr, for_s) in RULES.items()
    ]
    theirs = firing(promtool(tmp_path, series, {"alert_rule_test": tests}, rules))
    store, version = load(series, every_s=EVERY_S), dialect(tmp_path)
    ours: dict[tuple[str, int], set[str]] = {}
    for name, (expr, for_s) in RULES.items():
        state = RuleState(rule(expr, name=name, for_=f"{for_s}s"))
        for at_s in instants:
            state.evaluate(store, at_s, epoch_s=0.0, dialect=version)
            labels = {shown(alert.labels) for alert in state.active.values() if alert.state == "firing"}
            if labels:
                ours[name, at_s] = labels
    assert ours == theirs
    assert len(theirs) > len(tests) / 4


def firing(complaints: str) -> dict[tuple[str, int], set[str]]:
    """By rule and second: the labels of the alerts that were firing."""
    found = {}
    for name, time, got in _ALERTS.findall(complaints):
        labels = re.findall(r"Labels:(\{.*\})\n", got)
        found[name, seconds(time)] = {shown(dict(read_line(f"x{text} 0")[0][1:])) for text in labels}
    return found


def shown(labels: Mapping[str, str]) -> str:
    return json.dumps({name: value for name, value in labels.items() if name != "__name__"}, sort_keys=True)


def seconds(text: str) -> int:
    """`1h2m3s` as promtool writes it."""
    return sum(int(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in re.findall(r"(\d+)([hms])", text))
