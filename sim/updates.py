"""Status updates of one night: who keeps the others informed writes as the announcer of live drills does (harness/respond/announcer.py)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from sim import plan as at
from sim.night import Night

_NONE = math.nan


class Told(NamedTuple):
    """The measures of harness.told, seconds; nan for what never came. `*_least_s`: what a span without an end had certainly come to."""

    first_update_s: float
    update_gap_s: float
    resolution_update_s: float
    updates_due_s: float
    first_update_least_s: float
    update_gap_least_s: float
    resolution_update_least_s: float


class Posted(NamedTuple):
    """When updates were posted; the last one tells the resolution where `resolved`."""

    at_s: tuple[float, ...]
    resolved: bool


def posted(night: Night, proven_s: float | None, until_s: float) -> Posted:
    """From the acknowledgement on, until recovery is proven, and then once more. None: that never was, and observation ends at `until_s`."""
    acknowledged_s, row = night.acknowledged_s, night.row
    if not night.plan.updates or acknowledged_s is None or acknowledged_s > until_s:
        return Posted((), False)
    over_s = until_s if proven_s is None else proven_s
    moments, number = [], 0
    at_s = acknowledged_s + row[at.UPDATE_FIRST]
    while at_s < over_s:
        moments.append(at_s)
        at_s += row[at.UPDATE_EVERY + number % at.UPDATE_GAPS]
        number += 1
    if proven_s is not None:
        moments.append(max(proven_s, acknowledged_s) + row[at.UPDATE_RESOLVED])
    return Posted(tuple(moments), proven_s is not None)


def told(updates: Posted, injected_s: float, fixed_s: float, end_s: float) -> Told:
    """Measure them. `fixed_s` is when clients were served again, nan where that never was; `end_s` the end of the history."""
    moments = updates.at_s
    if not moments:
        return Told(_NONE, _NONE, _NONE, 0.0, end_s - injected_s, _NONE, end_s - fixed_s)
    longest_s = max([later - earlier for earlier, later in pairwise(moments)], default=0.0)
    first_s, last_s = moments[0] - injected_s, moments[-1]
    if updates.resolved:
        return Told(first_s, longest_s, last_s - fixed_s, last_s - moments[0], _NONE, _NONE, _NONE)
    return Told(first_s, _NONE, _NONE, end_s - moments[0], _NONE, max(longest_s, end_s - last_s), end_s - fixed_s)
