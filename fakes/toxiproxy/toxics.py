"""What a toxic is: its type, its attributes with their limits, and how a request describes one."""

from __future__ import annotations

import difflib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fakes.toxiproxy.bodies import Fields
from fakes.toxiproxy.errors import ImpossibleValue, InvalidStream, InvalidToxicType

Direction = Literal["upstream", "downstream"]

_MOST_MS = 2**63 // 1_000_000  # milliseconds that fit a signed 64-bit count of nanoseconds: the real server's own limit
_MOST = 2**62


@dataclass(frozen=True, slots=True)
class Attribute:
    """One whole number of a toxic, 0 unless given."""

    name: str
    least: int = 0
    most: int = _MOST


_LATENCY = (Attribute("latency", most=_MOST_MS), Attribute("jitter", most=_MOST_MS))
_TIMEOUT = (Attribute("timeout", most=_MOST_MS),)
ATTRIBUTES: Mapping[str, tuple[Attribute, ...]] = {
    "latency": _LATENCY,  # ms, ms
    "bandwidth": (Attribute("rate"),),  # kB/s (1 kB = 1000 bytes); 0 lets nothing pass
    "slow_close": (Attribute("delay", most=_MOST_MS),),  # ms
    "timeout": _TIMEOUT,  # ms; 0 never closes
    "reset_peer": _TIMEOUT,  # ms from the first data
    "slicer": (
        Attribute("average_size", least=1),
        Attribute("size_variation"),
        Attribute("delay", most=_MOST_MS),
    ),  # bytes, bytes, us
    "limit_data": (Attribute("bytes"),),
    "noop": (),
}


class Toxic:
    """One toxic of one proxy. `attributes` and `toxicity` change under way; the rest stays."""

    def __init__(self, fields: Fields, attributes: Mapping[str, int], toxicity: float) -> None:
        self.type = fields.text("type")
        self.stream = fields.text("stream", "downstream")  # as it was written: that is what the API shows
        self.name = fields.text("name") or f"{self.type}_{self.stream}"
        self.attributes = attributes
        self.toxicity = toxicity
        self.dice = random.Random()

    @property
    def direction(self) -> Direction:
        return "upstream" if self.stream.lower() == "upstream" else "downstream"

    def shown(self) -> dict[str, object]:
        """The toxic as the API shows it."""
        toxicity = int(self.toxicity) if self.toxicity == int(self.toxicity) else self.toxicity
        identity = {"name": self.name, "type": self.type, "stream": self.stream, "toxicity": toxicity}
        return {"attributes": dict(self.attributes), **identity}


def read_toxic(value: object) -> Toxic:
    """The toxic that a request describes. Raises ApiError (400) naming what is wrong with it."""
    fields = Fields(value, "toxic")
    if fields.text("stream", "downstream").lower() not in ("upstream", "downstream"):
        raise InvalidStream
    kind = fields.text("type")
    if kind not in ATTRIBUTES:
        raise InvalidToxicType
    zeros = {attribute.name: 0 for attribute in ATTRIBUTES[kind]}
    return Toxic(fields, _read_attributes(kind, fields.get("attributes"), zeros), _read_toxicity(fields, 1.0))


def read_changes(toxic: Toxic, value: object) -> tuple[Mapping[str, int], float]:
    """Attributes and toxicity of `toxic` after a change; what the request leaves out stays. Raises ApiError (400)."""
    fields = Fields(value, "toxic")
    return _read_attributes(toxic.type, fields.get("attributes"), toxic.attributes), _read_toxicity(fields, toxic.toxicity)


def _read_toxicity(fields: Fields, before: float) -> float:
    toxicity = fields.number("toxicity", before)
    if not 0 <= toxicity <= 1:
        raise ImpossibleValue(f"toxicity is a probability from 0 to 1, not {toxicity:g}")
    return float(toxicity)


def _read_attributes(kind: str, value: object, before: Mapping[str, int]) -> dict[str, int]:
    fields = Fields(value, f"{kind}.attributes")
    _refuse_unknown(kind, fields)
    read = {attribute.name: fields.whole(attribute.name, before[attribute.name]) for attribute in ATTRIBUTES[kind]}
    for attribute in ATTRIBUTES[kind]:
        given = read[attribute.name]
        if not attribute.least <= given <= attribute.most:
            raise ImpossibleValue(f"{attribute.name} of {kind} must be from {attribute.least} to {attribute.most}, not {given}")
    if kind == "slicer" and read["size_variation"] >= read["average_size"]:
        raise ImpossibleValue("size_variation of slicer must be less than its average_size")
    return read


def _refuse_unknown(kind: str, fields: Fields) -> None:
    """A misspelt attribute would otherwise leave a toxic that does nothing, and a drill that proves nothing."""
    known = [attribute.name for attribute in ATTRIBUTES[kind]]
    for name in fields.names:
        if name.casefold() not in known:
            near = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(known) or 'none'}"
            raise ImpossibleValue(f"{kind} has no attribute {name}{hint}")
