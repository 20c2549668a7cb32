"""What a service has counted of its requests: how many, how many failed, how long they took."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from fakes.commands.eafix.platform import Platform

_LABEL = re.compile(r'(\w+)="([^"]*)"')
_COUNT, _BUCKET = "http_requests_total", "http_request_duration_seconds_bucket"
_REFUSED = 'result="maintenance"'


class Requests(NamedTuple):
    """Counters of one service. `buckets`: upper bound to how many took at most that long; `failed` has no refusal by maintenance."""

    total: float
    failed: float
    maintenance: float
    buckets: dict[float, float]

    @classmethod
    def none(cls) -> Self:
        return cls(0.0, 0.0, 0.0, {})

    def since(self, earlier: Requests) -> Requests:
        """What came after an earlier count of the same run."""
        buckets = {bound: count - earlier.buckets.get(bound, 0.0) for bound, count in self.buckets.items()}
        return Requests(self.total - earlier.total, self.failed - earlier.failed, self.maintenance - earlier.maintenance, buckets)

    @property
    def failed_share(self) -> float:
        return max(self.failed, 0.0) / self.total if self.total > 0 else 0.0

    def quantile(self, share: float) -> float | None:
        """The time within which this share was answered, as Prometheus estimates it; None without requests."""
        bounds = sorted(self.buckets)
        if not bounds or self.buckets[bounds[-1]] <= 0:
            return None
        rank, below, low = share * self.buckets[bounds[-1]], 0.0, 0.0
        for bound in bounds:
            count = self.buckets[bound]
            if count >= rank:
                return low if bound == float("inf") else low + (bound - low) * (rank - below) / max(count - below, 1e-9)
            below, low = count, bound
        return low


def requests_of(platform: Platform, name: str) -> Requests:
    """Of a service, since it started. Raises Unreachable, Failure."""
    counts = platform.scraped_all(name, (_COUNT, _BUCKET, "trading_orders_total"))
    failed = sum(value for labels, value in counts[_COUNT].items() if dict(_LABEL.findall(labels))["status"].startswith("5"))
    maintenance = counts["trading_orders_total"].get(_REFUSED, 0.0)
    buckets: dict[float, float] = {}
    for labels, value in counts[_BUCKET].items():
        bound = float(dict(_LABEL.findall(labels))["le"])
        buckets[bound] = buckets.get(bound, 0.0) + value
    return Requests(sum(counts[_COUNT].values()), failed - maintenance, maintenance, buckets)
