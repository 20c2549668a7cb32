"""The answer of one check of a stack's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of one check; `ok` is None where it could not be judged, and `detail` says why."""

    name: str
    ok: bool | None
    detail: str
    counts: Mapping[str, int] = field(default_factory=dict)
