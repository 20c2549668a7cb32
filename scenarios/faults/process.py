"""Faults of processes and releases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scenarios.faults.base import BaseFault


class ProcessKill(BaseFault):
    """kill -9 of a process of the stack (a service or a datastore instance). Healing does not restart it: somebody must."""

    strikes = "process"
    fault: Literal["process.kill"]
    process: str = Field(description="A service or a datastore instance of the stack.")


class ProcessPause(BaseFault):
    """SIGSTOP of a process and all its children; healed by SIGCONT."""

    strikes = "process"
    fault: Literal["process.pause"]
    process: str = Field(description="A service or a datastore instance of the stack.")


class ServiceVersion(BaseFault):
    """A version of a service is deployed that is bad. Healed by going back to the version before, unless somebody did that already."""

    strikes = "service"
    fault: Literal["service.version"]
    process: str = Field(description="A service of the stack.")
    version: str = Field(min_length=1, description="What the bad version is called.")
    defect: Literal["errors", "crash", "slow", "leak"] = Field(
        description="Every second request fails; it ends soon after its start; each request takes 1.5 s longer; it grows by 20 MB a second."
    )


ProcessFault = ProcessKill | ProcessPause | ServiceVersion
