"""When a surprise comes: drawn from the seed, so that the facilitator's sheet can say it and a second run repeats it."""

from __future__ import annotations

import random


def surprise_after(seed: int, within_s: float) -> float:
    """Documented seconds that a scenario's faults come later than without a surprise: 0 or more, less than `within_s`."""
    return random.Random(f"{seed} surprise").random() * within_s
