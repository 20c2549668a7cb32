"""The nearest valid name, for whoever mistyped one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

_ALIKE = 0.6  # of the letters must match
_LEAST_PART = 3  # letters of a longer name that are enough to mean it: redis, redis-outage
_MOST_SHOWN = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like this one, or None when none comes near."""
    # Letter case and the kind of hyphen are the commonest slips, and count as no difference.
    plain = {_plain(each): each for each in sorted(known)}
    matcher = SequenceMatcher(b=_plain(name))
    likeness: dict[str, float] = {}
    for each in plain:
        matcher.set_seq1(each)
        likeness[each] = matcher.ratio()
    best = max(likeness, key=likeness.__getitem__, default="")
    if likeness.get(best, 0) >= _ALIKE:
        return plain[best]
    longer = [each for each in plain if len(name) >= _LEAST_PART and _plain(name) in each]
    return plain[min(longer, key=len)] if longer else None


def hint(name: str, known: Iterable[str]) -> str:
    """What to say after "unknown": `; did you mean 'at'?`, or else what there is."""
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f"; did you mean '{near}'?"
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"; known: {', '.join(names[:_MOST_SHOWN])}{more}" if names else "; there are none"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
