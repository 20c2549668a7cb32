"""The same rules in wall time mean the same."""

from __future__ import annotations

import json
import math
import random
import subprocess
from pathlib import Path

import pytest

from harness.monitor.errors import BadQuery, QueryFailed
from harness.monitor.labels import show
from harness.monitor.prometheus.rewrite import rewritten, wall_text
from harness.monitor.promql import Query
from harness.monitor.series import LOOKBACK_S, SeriesStore, to_ms
from harness.monitor.values import Dialect, Moment, StringPlan
from scenarios.places import DATA
from scenarios.rules import load_rules
from tests.harness.monitor.loading import load
from tests.harness.monitor.random_queries import random_query, random_series

STEPS, EVERY_S = 140, 5.0
SPEED = 20.0
BAD = (BadQuery, QueryFailed)


@pytest.mark.parametrize(
    ("documented", "on_the_wall"),
    [
        ("up == 0", "up == 0"),
        ("x offset 1m", "x offset 3s"),
        ("x offset -1m", "x offset -3s"),
        ("increase(x[5m] offset 1m)", "increase(x[15s] offset 3s)"),
        ("rate(x[5m]) > 0.05", "(rate(x[15s]) / 20) > 0.05"),
        ("-irate(x[1m]) ^ 2", "-(irate(x[3s]) / 20) ^ 2"),
        ("deriv(x[10m])", "(deriv(x[30s]) / 20)"),
        ("predict_linear(x[10m], 60 * 5)", "predict_linear(x[30s], (60 * 5) / 20)"),
        ("max_over_time(rate(x[5m])[30m:1m] offset 10m)", "max_over_time((rate(x[15s]) / 20)[1m30s:3s] offset 30s)"),
        ('rate({__name__=~"a|b"}[7s])', '(rate({__name__=~"a|b"}[350ms]) / 20)'),
        ("avg_over_time(x[1s])", "avg_over_time(x[50ms])"),
        ("x[10ms]", "x[1ms]"),
    ],
)
def test_durations_are_divided_and_rates_too(documented: str, on_the_wall: str) -> None:
    """At speed 20, to whole milliseconds, and never to nothing."""
    assert rewritten(documented, SPEED) == on_the_wall


@pytest.mark.parametrize(
    "text",
    [
        r'x{path="/a[5m]", why=~"rate\\(y\\[5m\\]\\) offset 1m"} > 300',
        r'label_replace(x, "to", "$1 [5m]", "job", "(.*)\"[5m]")',
        'count_values("offset 5m", rate_5m)',
    ],
)
def test_what_only_looks_like_a_duration_stays(text: str) -> None:
    """In label values, strings, names and numbers."""
    assert rewritten(text, SPEED).replace('",why', '", why') == text


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("time() - x > 60", "time of day"),
        ("hour() > 7 and x", "time of day"),
        ("timestamp(x) > 5", "time of day"),
        ("x @ 5", "instant of the wall"),
        ("rate(x[5m] @ 5)", "instant of the wall"),
        ("max_over_time(x[30m:])", "needs its step"),
        ("rate(x[5m)", "rate"),
    ],
)
def test_what_cannot_be_told_in_bent_time_is_refused(expression: str, why: str) -> None:
    """BadQuery, in so many words."""
    with pytest.raises(BadQuery, match=why):
        rewritten(expression, SPEED)


def test_at_speed_1_nothing_is_changed() -> None:
    """Nor refused: there the wall is documented time."""
    assert rewritten("time() - x{a='b'}  > 60", 1) == "time() - x{a='b'}  > 60"


@pytest.mark.parametrize(
    ("documented_s", "speed", "text"),
    [(300, 20, "15s"), (5, 60, "83ms"), (0.001, 60, "1ms"), (3723, 1, "1h2m3s"), (-5, 1, "-5s")],
)
def test_durations_as_prometheus_reads_them(documented_s: float, speed: float, text: str) -> None:
    """Units from milliseconds on."""
    assert wall_text(documented_s, speed) == text


@pytest.mark.parametrize("seed", range(20))
def test_random_expressions_say_the_same_on_the_wall(seed: int) -> None:
    """Our evaluator, over the documented series with the expression and over the faster ones with the rewritten expression."""
    draw = random.Random(seed)
    series = random_series(draw, STEPS)
    slow, fast = load(series, every_s=EVERY_S), load(series, every_s=EVERY_S / SPEED)
    compared = 0
    for _ in range(60):
        expression = random_query(draw)
        at_s = EVERY_S * draw.randrange(20, STEPS)
        try:
            on_the_wall = rewritten(expression, SPEED)
        except BadQuery as error:
            assert "time of day" in str(error)  # noqa: PT017 - some of them are about time()
            continue
        assert_same(expression, answer(slow, expression, at_s, 1.0), answer(fast, on_the_wall, at_s, SPEED))
        compared += 1
    assert compared > 20


def answer(store: SeriesStore, expression: str, at_s: float, speed: float) -> dict[str, float] | str:
    """The vector at a documented time, or that there is none."""
    moment = Moment(store, to_ms(at_s / speed), 0.0, Dialect.PROMETHEUS_2, to_ms(LOOKBACK_S / speed))
    try:
        plan = Query(expression).plan
        assert not isinstance(plan, StringPlan)
        result = plan.run(moment)
    except BAD as error:
        return type(error).__name__
    if isinstance(result, float):
        return {"{}": result}
    return {show(element[0]): element[1] for element in result if isinstance(element, tuple)}


def assert_same(expression: str, slow: dict[str, float] | str, fast: dict[str, float] | str) -> None:
    if isinstance(slow, str) or isinstance(fast, str):
        assert slow == fast, expression
        return
    assert slow.keys() == fast.keys(), expression
    for labels, value in slow.items():
        other = fast[labels]
        assert math.isclose(value, other, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(value) and math.isnan(other)), expression


@pytest.mark.prometheus
def test_prometheus_reads_every_rewritten_expression(tmp_path: Path) -> None:
    """Those of our own rules and three hundred random ones, at three speeds."""
    draw = random.Random(1)
    expressions = [rule.expr for rule in load_rules(DATA / "alerts" / "eafix.rules.yml")] + [
        random_query(draw) for _ in range(300)
    ]
    rules: list[dict[str, str]] = []
    for expression in expressions:
        for speed in (7.0, 20.0, 60.0):
            try:
                rules.append({"alert": f"a{len(rules)}", "expr": rewritten(expression, speed)})
            except BadQuery:
                continue
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout
    assert len(rules) > 600
