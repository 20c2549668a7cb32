"""What the execution engine was about to do: written down before the broker is asked, struck out when it is booked.

An order that ended in between, by a lost database or a killed engine, is in doubt: the broker may have filled it. The
engine asks, and books what was filled (see `execution_engine`). The file survives restarts; it holds what is open only,
after each start.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

from fakes.services.bookings import Terms
from fakes.services.orders import Order

Intent = tuple[Order, Terms]


class Intents:
    """The journal of orders between the broker and the book."""

    def __init__(self, path: Path) -> None:
        self._open = _read(path)
        self._doubtful = set(self._open)
        self.doubt = asyncio.Event()
        if self._doubtful:
            self.doubt.set()
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(_line(intent) for intent in self._open.values()), encoding="utf-8")
        fresh.replace(path)
        self._file = path.open("a", encoding="utf-8")

    def __len__(self) -> int:
        return len(self._doubtful)

    def add(self, order: Order, terms: Terms) -> bool:
        """The broker is asked next. False when the same order is open already, from an earlier try."""
        new = order.client_order_id not in self._open
        self._open[order.client_order_id] = (order, terms)
        self._write(_line((order, terms)))
        return new

    def strike(self, client_order_id: str) -> None:
        """It is booked, or it certainly never happened."""
        if self._open.pop(client_order_id, None) is not None:
            self._write(json.dumps({"struck": client_order_id}) + "\n")
        self._doubtful.discard(client_order_id)
        if not self._doubtful:
            self.doubt.clear()

    def doubted(self, client_order_id: str) -> None:
        """It ended without an answer."""
        if client_order_id in self._open:
            self._doubtful.add(client_order_id)
            self.doubt.set()

    def doubtful(self) -> list[Intent]:
        """The oldest first."""
        return [intent for client_order_id, intent in self._open.items() if client_order_id in self._doubtful]

    def close(self) -> None:
        self._file.close()

    def _write(self, line: str) -> None:
        self._file.write(line)
        self._file.flush()


def _line(intent: Intent) -> str:
    order, terms = intent
    return json.dumps({"order": order.to_json(), "terms": asdict(terms)}) + "\n"


def _read(path: Path) -> dict[str, Intent]:
    found: dict[str, Intent] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        row = json.loads(line)
        if "struck" in row:
            found.pop(row["struck"], None)
        else:
            order = Order.of(row["order"])
            found[order.client_order_id] = (order, Terms(**row["terms"]))
    return found
