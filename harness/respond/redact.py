"""Keeps secrets out of what is recorded."""

from __future__ import annotations

import re

_WORDS = r"(?:[\w-]*(?:password|passwd|secret|token|api[_-]?key|routing[_-]?key|credential)[\w-]*|PGPASSWORD|REDISCLI_AUTH)"
_ASSIGNED = re.compile(rf"(?i)(\b{_WORDS}\b[\"']?[ \t]*[=:][ \t]*)(\"[^\"]*\"|'[^']*'|[^\s,;&\"']+)")
_IN_ADDRESS = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(@)")
_BEARER = re.compile(r"(?i)(\bauthorization:\s*\w+\s+|\bbearer\s+)[\w.~+/=-]{8,}")
HIDDEN = "***"


def without_secrets(text: str) -> str:
    """The text with the values of passwords, tokens and keys replaced."""
    text = _ASSIGNED.sub(lambda found: found[1] + HIDDEN, text)
    text = _IN_ADDRESS.sub(lambda found: found[1] + HIDDEN + found[2], text)
    return _BEARER.sub(lambda found: found[1] + HIDDEN, text)
