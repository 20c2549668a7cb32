"""Random series and PromQL expressions, the same for a seed: material for comparing evaluators."""

from __future__ import annotations

import random

_JOBS = ("a", "b", "c")
_BOUNDS = ("0.1", "0.5", "1", "2.5", "+Inf")
_INSTANTS = ("req_total", "err_total", "temp", 'req_total{job="a"}', 'req_total{job=~"a|b"}', 'temp{inst!="1"}', '{job="a"}',
             '{__name__=~"temp|err_total"}', 'temp{job!~"a.*"}', "nothing", "info", "req_total offset 1m", "temp offset -20s")  # fmt: skip
_RANGED = ("req_total", "err_total", "temp", 'req_total{job="a"}', 'temp{inst!="1"}', '{__name__=~"temp|err_total"}', "nothing")
_RANGE_FUNCTIONS = ("rate", "rate", "increase", "increase", "delta", "irate", "idelta", "changes", "resets", "deriv", "avg_over_time",
                    "sum_over_time", "min_over_time", "max_over_time", "count_over_time", "stddev_over_time", "stdvar_over_time",
                    "last_over_time", "present_over_time", "absent_over_time")  # fmt: skip
_FUNCTIONS = ("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "round", "absent", "timestamp", "sort", "-")
_AGGREGATIONS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
_GROUPINGS = ("", "by (job)", "without (inst)", "by (job, inst)", "by (nope)", "without ()", "by (version)")
_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
_COMPARISONS = ("==", "!=", ">", "<", ">=", "<=")
_MATCHINGS = ("", "on(job, inst)", "ignoring(inst)", "on(job)", "ignoring(le)", "on(job) group_left()", "on(job) group_left(version)",
              "on(job) group_right(version)", "on(job) group_right()", "ignoring(inst) group_left()")  # fmt: skip


def random_series(draw: random.Random, steps: int) -> dict[str, str]:
    """Counters with resets, gauges with NaN and infinities, histograms, an info metric; with gaps, ends and late beginnings."""
    series: dict[str, str] = {}
    for job in _JOBS:
        for inst in ("1", "2"):
            labels = f'inst="{inst}", job="{job}"'
            for name in ("req_total", "err_total"):
                series[f"{name}{{{labels}}}"] = _with_gaps(draw, _counter(draw, steps))
            series[f"temp{{{labels}}}"] = _with_gaps(draw, [_gauge(draw) for _ in range(steps)])
            for factor, bound in enumerate(_BOUNDS, start=1):
                counts = [str(factor * index // 3) for index in range(steps)]
                series[f'lat_bucket{{{labels}, le="{bound}"}}'] = " ".join(counts)
        series[f'info{{job="{job}", version="v{job}"}}'] = "1 " * steps
    for labels in draw.sample(sorted(series), len(series) // 5):
        del series[labels]
    return series


def _counter(draw: random.Random, steps: int) -> list[str]:
    value = draw.choice((0.0, 0.0, 5.0, 100.0))
    values = []
    for _ in range(steps):
        value = draw.choice((0.0, 1.0)) if draw.random() < 0.03 else value + draw.choice((0.0, 1.0, 2.5))
        values.append(repr(value))
    return values


def _gauge(draw: random.Random) -> str:
    return draw.choice((repr(round(draw.uniform(-10, 10), 3)), str(draw.randrange(-3, 4)), "1.5"))


def _with_gaps(draw: random.Random, values: list[str]) -> str:
    gaps = draw.random() * 0.3
    late, end = draw.choice((0, 0, draw.randrange(len(values)))), draw.choice((None, None, draw.randrange(len(values))))
    kept = ["_" if index < late or draw.random() < gaps else value for index, value in enumerate(values)]
    if draw.random() < 0.2:
        kept[draw.randrange(len(kept))] = draw.choice(("NaN", "Inf", "-Inf"))
    return " ".join([*kept[:end], "stale"] if end else kept)


def random_query(draw: random.Random, depth: int = 0) -> str:
    """An instant vector expression."""
    if depth > 3 or draw.random() < 0.12:
        return draw.choice(_INSTANTS)
    make = draw.choice(
        (_over_range, _over_range, _over_range, _function, _aggregation, _aggregation, _operation, _operation, _special)
    )
    return make(draw, depth + 1)


def _over_range(draw: random.Random, _: int) -> str:
    selected = f"{draw.choice(_RANGED)}[{draw.choice(('30s', '1m', '5m', '2m', '7s', '10m', '35s'))}]"
    return f"{draw.choice(_RANGE_FUNCTIONS)}({selected}{draw.choice(('', '', '', ' offset 1m', ' offset -33s'))})"


def _function(draw: random.Random, depth: int) -> str:
    return f"{draw.choice(_FUNCTIONS)}({random_query(draw, depth)})"


def _aggregation(draw: random.Random, depth: int) -> str:
    return f"{draw.choice(_AGGREGATIONS)} {draw.choice(_GROUPINGS)} ({random_query(draw, depth)})"


def _operation(draw: random.Random, depth: int) -> str:
    left = f"({random_query(draw, depth)})"
    if draw.random() < 0.25:
        matching = draw.choice(("", "on(job)", "ignoring(inst)", "on()"))
        return f"{left} {draw.choice(('and', 'or', 'unless'))} {matching} ({random_query(draw, depth)})"
    op = draw.choice(_ARITHMETIC + _COMPARISONS)
    op += " bool" if op in _COMPARISONS and draw.random() < 0.4 else ""
    scalar = draw.choice(("0", "1", "2.5", "-3", "Inf", "NaN", "time()", 'scalar(temp{inst="1", job="a"})'))
    kind = draw.random()
    if kind < 0.3:
        return f"{left} {op} {scalar}"
    if kind < 0.4:
        return f"{scalar} {op} {left}"
    return f"{left} {op} {draw.choice(_MATCHINGS)} ({random_query(draw, depth)})"


def _special(draw: random.Random, depth: int) -> str:
    inner = random_query(draw, depth)
    buckets = draw.choice(
        ("lat_bucket", "rate(lat_bucket[2m])", "sum by (le) (rate(lat_bucket[5m]))", "sum by (le, job) (lat_bucket)")
    )
    return draw.choice(
        (
            f"histogram_quantile({draw.choice(('0.5', '0.9', '0', '1', '-1', '2'))}, {buckets})",
            f"quantile by (job) ({draw.choice(('0.5', '0.99', '-1', '1.5'))}, {inner})",
            f"quantile_over_time({draw.choice(('0.5', '0.9', '-1'))}, {draw.choice(_RANGED)}[2m])",
            f"predict_linear({draw.choice(('temp', 'req_total'))}[3m], {draw.choice(('60', '3600'))})",
            f'count_values by (job) ("v", {draw.choice(("info", "changes(temp[1m])"))})',
            f"clamp({inner}, {draw.choice(('-1, 2', '3, 2'))})",
            f"clamp_max({inner}, 1)",
            f"clamp_min({inner}, 0)",
            f"round({inner}, 0.3)",
            f"vector(scalar({inner}))",
            f'label_replace({inner}, "{draw.choice(("x", "job"))}", "{draw.choice(("$1", "k-${1}y", "", "$2"))}", "job", "(a|b)(.*)")',
            f'label_join({inner}, "x", "-", "job", "inst")',
        )
    )
