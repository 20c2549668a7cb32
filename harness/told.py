"""How the others were kept informed: the first status update, the longest silence, the news of the resolution.

An update is a message that the chat received (`update.posted`) and that says what the status is, as the documented template does
(001:233-241): whoever posted it, and whenever that was meant to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.history import Event, History
from harness.spans import Span, instant
from harness.steady import Instant

RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Told:
    """The three spans, by the names of their measures, and how long there was something to tell.

    `incident_s`: from the first update to the news of the resolution, or to the end of observation; 0 without any update.
    """

    spans: Mapping[str, Span]
    incident_s: float


def told(history: History, injected: Event, scenario: Mapping[str, Any], fixed: Instant | None) -> Told:
    """Measure the updates after an injection. `fixed` is when clients were served again; None: that never was."""
    end_s = history.events[-1].at_s
    posted = [event for event in history.of_kind("update.posted") if event.at_s >= injected.at_s and event.data.get("status")]
    start = instant(injected)
    if not posted:
        asked = (scenario.get("response") or {}).get("updates") is not None
        least_end_s = end_s if asked else None
        why = "nothing was posted" if asked else "nothing was posted: the scenario's response asks nobody for updates"
        return Told(
            {
                "time_to_first_update_s": Span(start, least_end_s=least_end_s, why=why),
                "longest_update_gap_s": Span(None, why=why),
                "time_to_resolution_update_s": _resolution(None, fixed, least_end_s, why),
            },
            0.0,
        )
    resolved = next((each for each in posted if fixed and each.data.get("status") == RESOLVED and each.at_s >= fixed.at_s), None)
    why = "nobody told the resolution" if fixed else "clients were not served again, so that there was no resolution to tell"
    last_s = resolved.at_s if resolved else end_s
    return Told(
        {
            "time_to_first_update_s": Span(start, instant(posted[0])),
            "longest_update_gap_s": _longest_gap(posted, resolved, end_s),
            "time_to_resolution_update_s": _resolution(resolved, fixed, end_s, why),
        },
        last_s - posted[0].at_s,
    )


def _resolution(resolved: Event | None, fixed: Instant | None, least_end_s: float | None, why: str) -> Span:
    if fixed is None or resolved is None:
        return Span(fixed, least_end_s=least_end_s, why=why)
    return Span(fixed, instant(resolved))


def _longest_gap(posted: list[Event], resolved: Event | None, end_s: float) -> Span:
    """The longest time between two updates of one incident. Without its end: at least that, or the time since the last one."""
    moments = [instant(each) for each in posted if resolved is None or each.at_s <= resolved.at_s]
    gaps = [Span(earlier, later) for earlier, later in pairwise(moments)]
    longest = max(gaps, key=lambda gap: gap.documented_s or 0.0, default=Span(moments[0], moments[0]))
    if resolved is not None:
        return longest
    why = "the resolution was not told, so that updates were due until the end"
    if end_s - moments[-1].at_s >= (longest.documented_s or 0.0):
        return Span(moments[-1], least_end_s=end_s, why=why)
    return Span(longest.start, least_end_s=longest.end.at_s if longest.end else None, why=why)
