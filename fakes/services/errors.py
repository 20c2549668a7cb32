"""What a service answers when it does not do what it was asked. `answers` turns each into its HTTP answer.

ServiceError
+-- BadRequest        400  the request makes no sense
+-- Rejected          409  understood and refused: by a limit, a halt, a stale price
+-- DependencyDown    503  something the service needs cannot be used
"""

from __future__ import annotations

from typing import Literal

Outcome = Literal["failed", "unknown"]


class ServiceError(Exception):
    """A request was not carried out.

    `outcome` tells what became of it: `failed`, nothing was done, for certain; `unknown`, it may have been done.
    """

    outcome: Outcome = "failed"


class BadRequest(ServiceError):
    """The request makes no sense; the message says why."""


class Rejected(ServiceError):
    """The request was understood and refused. `reason` is a word for programs, the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class DependencyDown(ServiceError):
    """A dependency cannot be used."""

    def __init__(self, dependency: str, why: str, outcome: Outcome = "failed") -> None:
        super().__init__(f"{dependency}: {why}")
        self.dependency = dependency
        self.why = why
        self.outcome = outcome
