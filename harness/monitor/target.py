"""One scrape target: turns its answers into samples, and its silence into `up 0` and staleness markers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from harness.monitor.errors import BadExposition
from harness.monitor.exposition import read_line, read_value
from harness.monitor.labels import NAME, Labels, make_labels
from harness.monitor.series import Series, SeriesStore

Health = Literal["unknown", "up", "down"]


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """Where to scrape. Its series carry `job` = the name and `instance` = host and port of the URL."""

    name: str
    url: str

    @property
    def instance(self) -> str:
        return urlsplit(self.url).netloc


class TargetState:
    """What is known of one target. Times are whole milliseconds of documented time."""

    def __init__(self, target: ScrapeTarget, store: SeriesStore) -> None:
        self.target = target
        self.health: Health = "unknown"
        self.error = ""  # of the last scrape
        self.scraped_at_ms: int | None = None
        self.took_s = 0.0
        self.identity = {"job": target.name, "instance": target.instance}
        self._store = store
        # By what stands before the value in a line: parsing labels anew in each scrape would be most of its cost.
        self._known: dict[str, Series] = {}

    def accept(self, body: str, at_ms: int, took_s: float) -> None:
        """Store the samples of an answer, all with the time of the scrape. Raises BadExposition, storing nothing."""
        readings = self._read(body)
        for series, value in readings:
            series.append(at_ms, value)
        for key in [key for key, series in self._known.items() if not series.times or series.times[-1] < at_ms]:
            self._known.pop(key).end(at_ms)
        self._report(at_ms, up=1.0, took_s=took_s, samples=len(readings), error="")

    def reject(self, error: str, at_ms: int, took_s: float) -> None:
        """Note a scrape that failed: all series of the target end."""
        for series in self._known.values():
            series.end(at_ms)
        self._known.clear()
        self._report(at_ms, up=0.0, took_s=took_s, samples=0, error=error)

    def _read(self, body: str) -> list[tuple[Series, float]]:
        readings = []
        known = self._known
        for line in body.split("\n"):
            key, _, text = line.rpartition(" ")
            series = known.get(key)
            if series is not None:
                value = read_value(text)
                if value is None:
                    raise BadExposition(line, f"{text!r} is not a number")
                readings.append((series, value))
            elif line and line[0] != "#" and line.strip():
                readings.append(self._read_new(line.strip(), key, text))
        return readings

    def _read_new(self, line: str, key: str, text: str) -> tuple[Series, float]:
        labels, value, has_time = read_line(line)
        series = self._store.series(self._labelled(labels))
        if key and not has_time and read_value(text) is not None:
            self._known[key] = series
        return series, value

    def _labelled(self, labels: Labels) -> Labels:
        """The target's own labels win; what it calls `job` or `instance` itself is kept as `exported_job`."""
        renamed = {f"exported_{name}" if name in self.identity else name: value for name, value in labels}
        return make_labels({**renamed, **self.identity})

    def _report(self, at_ms: int, *, up: float, took_s: float, samples: int, error: str) -> None:
        for name, value in (("up", up), ("scrape_duration_seconds", took_s), ("scrape_samples_scraped", float(samples))):
            self._store.series(make_labels({NAME: name, **self.identity})).append(at_ms, value)
        self.health = "up" if up else "down"
        self.error, self.scraped_at_ms, self.took_s = error, at_ms, took_s
