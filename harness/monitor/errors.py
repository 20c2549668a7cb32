"""Errors of the monitor; a branch of the tree in `harness.errors`.

HarnessError
+-- BadExposition            a target answered with something that is not Prometheus text
+-- BadQuery                 a PromQL expression cannot be used: syntax, types, or a part that is not supported
+-- QueryFailed              a correct expression met series that it cannot be evaluated on
+-- PagingFailed             the pager could not be told, or refused
"""

from __future__ import annotations

from harness.errors import HarnessError


class BadExposition(HarnessError):
    """A target answered with something that is not Prometheus text."""

    def __init__(self, line: str, why: str) -> None:
        super().__init__(f'{why} in the line {line[:200]!r}; expected: name{{label="value",...}} number')


class BadQuery(HarnessError):
    """A PromQL expression cannot be used: syntax, types, or a part that is not supported."""


class QueryFailed(HarnessError):
    """A correct expression met series that it cannot be evaluated on."""


class PagingFailed(HarnessError):
    """The pager could not be told, or refused."""
