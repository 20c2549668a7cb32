"""Names with the versions that have them: `name`, `name>=16`, `name<17`, `name>=16<18`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAMED = re.compile(r"(?P<name>\w+)(?:>=(?P<since>\d+))?(?:<(?P<gone>\d+))?")
_LINE = re.compile(r"^(?P<key>[\w-]+): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Named:
    """One name. Versions are major versions."""

    name: str
    since: int = 0
    gone: int = 1000

    def is_in(self, version: int) -> bool:
        return self.since <= version < self.gone


def table(text: str) -> dict[str, tuple[Named, ...]]:
    """`key: name name>=16 ...`; a line that is indented goes on with the one before."""
    parts = _LINE.split(text)[1:]
    return {key: tuple(map(_named, names.split())) for key, names in zip(parts[::2], parts[1::2], strict=True)}


def _named(token: str) -> Named:
    found = _NAMED.fullmatch(token)
    assert found is not None, token
    return Named(found["name"], int(found["since"] or 0), int(found["gone"] or 1000))
