"""The nearest valid name, for whoever mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_SHOWN = 12
_ALIKE = 0.6  # share of letters that must match; difflib's own default


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like this one, or None when none comes near."""
    # Letter case and the kind of hyphen are the commonest slips, and difflib counts each as a wrong letter.
    plain = {_plain(each): each for each in known}
    found = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=_ALIKE)
    return plain[found[0]] if found else None


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
