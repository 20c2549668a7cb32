"""Quotas of the rate gate: how much of each provider may be used in a window, and how much was. They survive restarts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Quota:
    """What may be had of one provider in a window of documented seconds. A window begins with its first use."""

    provider: str
    service: str  # the link that leads to the provider
    limit: int
    window_s: float
    used: int = 0
    began_s: float | None = None
    backoffs: int = 0

    def left(self, now_s: float) -> int:
        """How much is left; a window that is over counts no more."""
        if self.began_s is not None and now_s - self.began_s >= self.window_s:
            self.reset()
        return max(0, self.limit - self.used)

    def take(self, now_s: float) -> bool:
        """Use one; False when there is none left."""
        if not self.left(now_s):
            return False
        self.began_s = now_s if self.began_s is None else self.began_s
        self.used += 1
        return True

    def take_many(self, amount: int, now_s: float) -> int:
        """Use so many, or all that are left; how many that were."""
        taken = min(amount, self.left(now_s))
        if taken:
            self.began_s = now_s if self.began_s is None else self.began_s
            self.used += taken
        return taken

    def reset(self) -> None:
        """As if nothing had been used."""
        self.used, self.began_s = 0, None

    def ends_in_s(self, now_s: float) -> float | None:
        """Documented seconds until the window is over; None while none has begun."""
        return None if self.began_s is None else round(max(0.0, self.began_s + self.window_s - now_s), 3)


class QuotaFile:
    """Keeps what was used, so that a restart is no reset."""

    def __init__(self, path: Path, quotas: Iterable[Quota]) -> None:
        self._path, self._quotas = path, tuple(quotas)
        self._written = ""
        if path.exists():
            self._written = path.read_text(encoding="utf-8")
            known = json.loads(self._written)
            for quota in self._quotas:
                if quota.provider in known:
                    quota.used, quota.began_s = known[quota.provider]

    def write(self) -> None:
        """Write it down if it has changed."""
        text = json.dumps({quota.provider: [quota.used, quota.began_s] for quota in self._quotas})
        if text != self._written:
            self._path.write_text(text, encoding="utf-8")
            self._written = text
