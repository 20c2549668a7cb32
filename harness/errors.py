"""The error tree of the harness.

    HarnessError                 the harness could not do its work (exit code 4)
    +-- NotReady                 a part of the stack missed its readiness deadline
    +-- MissingTool              a program the drill needs is not on this machine
    +-- FaultError               a fault could not be injected or healed
    +-- ProxyError               the Toxiproxy server refused or did not answer
    +-- SandboxError             the sandbox could not be made
    +-- EngineError              the container engine does not answer, or refused
    +-- BadHistory               a recorded history cannot be read (exit code 2)
    +-- the monitor's            see harness/monitor/errors.py

Input errors (scenario, stack, runbook files) are `scenarios.errors.InvalidInput`. Foreign exceptions are translated
into these where they enter the harness. A message says what failed, what was seen and what to do.
"""

from __future__ import annotations


class HarnessError(Exception):
    """The harness could not do its work."""


class NotReady(HarnessError):
    """A part of the stack missed its readiness deadline."""

    def __init__(self, what: str, within_s: float, seen: str) -> None:
        super().__init__(f"{what} not ready after {within_s:g} s; last seen: {seen}. See its log in the drill's folder.")


class MissingTool(HarnessError):
    """A program the drill needs is not on this machine."""

    def __init__(self, tool: str, remedy: str) -> None:
        super().__init__(f"{tool} was not found. {remedy}")


class FaultError(HarnessError):
    """A fault could not be injected or healed."""


class ProxyError(HarnessError):
    """The Toxiproxy server refused a request or did not answer."""


class SandboxError(HarnessError):
    """The sandbox could not be made."""


class EngineError(HarnessError):
    """The container engine does not answer, or refused a request."""


class BadHistory(HarnessError):
    """A recorded history cannot be read."""
