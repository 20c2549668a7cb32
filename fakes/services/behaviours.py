"""What a party outside the platform does wrong while it is told to: each has a number, and is counted as it is done.

    GET  /admin/behaviours                 {behaviour: {"value", "acts"}} of those in force; `acts`: how often it was done since
    POST /admin/behaviours {name: value}   from now on, any of them; null ends one. Told again, it goes on, and so does its count

A share is kept evenly: of ten orders with 0.1, one. A restart ends them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web

from fakes.services.answers import answer, body_of
from fakes.services.base import Service
from fakes.services.errors import BadRequest

PATH = "/admin/behaviours"


class Behaviours:
    """Those of one party, in force or not."""

    def __init__(self, service: Service, most: Mapping[str, float], *, changed: Callable[[], None] = lambda: None) -> None:
        """`most` is the highest value of each; `changed` is called after every change."""
        self._most, self._changed = dict(most), changed
        self._values: dict[str, float] = {}
        self._acts: dict[str, int] = {}
        self._owed: dict[str, float] = {}
        service.get(PATH, self._show)
        service.post(PATH, self._change)

    def value(self, name: str) -> float:
        """0 while it is not in force."""
        return self._values.get(name, 0.0)

    def did(self, name: str, times: int = 1) -> None:
        """It was done."""
        self._acts[name] += times

    def strikes(self, name: str) -> bool:
        """Whether it is done this time, where its value is a share; it is counted then."""
        if not (share := self.value(name)):
            return False
        self._owed[name] += share
        if self._owed[name] < 1:
            return False
        self._owed[name] -= 1
        self.did(name)
        return True

    def set(self, given: Mapping[str, object]) -> None:
        """From now on. Raises BadRequest, and then changes nothing."""
        wanted = {name: self._checked(name, value) for name, value in given.items()}
        for name, value in wanted.items():
            if value is None:
                self._values.pop(name, None)
                continue
            if name not in self._values:
                self._acts[name], self._owed[name] = 0, 1 - min(value, 1)  # a share strikes the first time
            self._values[name] = value
        self._changed()

    def _checked(self, name: str, value: object) -> float | None:
        if name not in self._most:
            raise BadRequest(f"unknown behaviour {name!r}; there are {', '.join(self._most)}")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= self._most[name]:
            raise BadRequest(f"{name}: expected a number above 0, {self._most[name]:g} at most, or null, found {value!r}")
        return float(value)

    def state(self) -> dict[str, dict[str, float]]:
        """Those in force."""
        return {name: {"value": value, "acts": self._acts[name]} for name, value in self._values.items()}

    async def _show(self, _: web.Request) -> web.Response:
        return answer(self.state())

    async def _change(self, request: web.Request) -> web.Response:
        self.set(await body_of(request))
        return answer(self.state())
