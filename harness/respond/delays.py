"""How long people take, drawn from what a scenario says of them."""

from __future__ import annotations

import math
import random

from scenarios.model import HumanDelay

_P95 = 1.6448536269514722  # standard deviations from the median to the 95th percentile of a normal distribution


def draw_delay_s(delay: HumanDelay, rng: random.Random) -> float:
    """A log-normal delay in documented seconds; the median itself when both figures are equal. One draw of `rng`."""
    deviation = rng.gauss(0.0, 1.0)
    if delay.median_s <= 0 or delay.p95_s <= delay.median_s:
        return delay.median_s
    return delay.median_s * math.exp(deviation * math.log(delay.p95_s / delay.median_s) / _P95)
