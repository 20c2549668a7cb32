"""What the fields of files are made of: durations, names, and models that refuse what they don't know."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(value: object) -> float:
    """`1h30m` -> 5400.0. A bare number is refused: its unit would be a guess. Raises ValueError."""
    if isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    if value == 0 and not isinstance(value, bool):
        return 0.0
    raise ValueError(f"{value!r} is not a duration; write a number with its unit: 500ms, 30s, 5m, 2h or 1h30m")


def format_duration(seconds: float) -> str:
    """5400.0 -> `1h30m`: what `parse_duration` reads, to a tenth of a millisecond or better."""
    if seconds < 1:
        return f"{seconds * 1000:.6g}ms" if seconds else "0s"
    whole, parts = int(seconds), ""
    for unit, size in (("h", 3600), ("m", 60)):
        count, whole = divmod(whole, size)
        parts += f"{count}{unit}" if count else ""
    rest = whole + seconds % 1
    return parts + (f"{rest:.6g}s" if rest or not parts else "")


def _hyphens(name: str) -> str:
    return name.removesuffix("_s").replace("_", "-")


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": f"^{_DURATION.pattern}$"}, {"const": 0}],
            "examples": ["500ms", "30s", "5m", "1h30m"],
        }
    ),
]
PositiveDuration = Annotated[Duration, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class FileModel(BaseModel):
    """A model that is read from a file: immutable, unknown keys refused, hyphenated keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_hyphens, populate_by_name=True)
