"""Series for tests, written as promtool writes them, and questions asked of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.monitor.exposition import read_line
from harness.monitor.labels import show
from harness.monitor.promql import Query
from harness.monitor.series import SeriesStore, to_ms
from harness.monitor.values import Dialect

_RUN = re.compile(r"(?P<first>-?[\d.]+|_)(?:(?P<step>[+-][\d.]+))?x(?P<times>\d+)")


def load(series: Mapping[str, str], *, every_s: float = 60.0) -> SeriesStore:
    """A store of these series; values stand `every_s` apart from second 0 on.

    `_` is no sample, `stale` the end of the series, `0+10x3` is 0 10 20 30 and `_x3` three times nothing.
    """
    store = SeriesStore(retention_s=1e9)
    for labels, values in series.items():
        found = store.series(read_line(f"{labels} 0")[0])
        for index, value in enumerate(expanded(values)):
            at_ms = to_ms(index * every_s)
            if value == "stale":
                found.end(at_ms)
            elif value != "_":
                found.append(at_ms, float(value))
    return store


def expanded(values: str) -> Iterator[str]:
    """`0+10x3 _ stale` value by value."""
    for word in values.split():
        run = _RUN.fullmatch(word)
        if run is None:
            yield word
        elif run["first"] == "_":
            yield from ["_"] * int(run["times"])
        else:
            for index in range(int(run["times"]) + 1):
                yield repr(float(run["first"]) + index * float(run["step"] or 0))


def ask(
    store: SeriesStore, expression: str, at_s: float = 0.0, *, epoch_s: float = 0.0, dialect: Dialect = Dialect.PROMETHEUS_3
) -> dict[str, float]:
    """The answer as {labels: value}; a scalar has the labels `{}`."""
    vector = Query(expression).vector_at(store, at_s, epoch_s=epoch_s, dialect=dialect)
    return {show(labels): value for labels, value in vector}
