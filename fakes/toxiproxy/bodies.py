"""Reads the JSON bodies of requests: typed fields, names in any case, null as absent, as Go's decoder has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from fakes.toxiproxy.errors import BadBody

_KINDS = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object", type(None): "null"}


def decode(body: bytes) -> object:
    """The JSON value in `body`. Raises BadBody."""
    if not body.strip():
        raise BadBody("EOF")
    try:
        value: object = json.loads(body, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        raise BadBody("unexpected EOF" if at_end else f"{error.msg} at line {error.lineno} column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise BadBody(str(error)) from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class Fields:
    """One JSON object, read field by field. `what` names it in messages. Raises BadBody on a field of the wrong type."""

    def __init__(self, value: object, what: str) -> None:
        if value is None:
            value = {}
        if not isinstance(value, Mapping):
            raise BadBody(f"json: cannot read {_kind(value)} as {what}, which is an object")
        self._what = what
        self._values = {str(name).casefold(): given for name, given in value.items() if given is not None}
        self.names = [str(name) for name in value]

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(name, default)
        return value if isinstance(value, str) else self._refuse(name, value, "string")

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name, default)
        return value if isinstance(value, bool) else self._refuse(name, value, "bool")

    def number(self, name: str, default: float) -> float:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(name, value, "number")
        return value

    def whole(self, name: str, default: int) -> int:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self._refuse(name, value, "whole number")
        return value

    def get(self, name: str) -> object:
        """The raw value, None when absent."""
        return self._values.get(name)

    def _refuse(self, name: str, value: object, wanted: str) -> NoReturn:
        shown = json.dumps(value)
        shown = shown if len(shown) <= 40 else shown[:37] + "..."
        raise BadBody(f"json: cannot read {_kind(value)} {shown} as {self._what}.{name}, which is a {wanted}")


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "value")
