"""Faults of processes and releases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scenarios.faults.base import BaseFault
from scenarios.fields import PositiveDuration


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


class ProcessCrashLoop(BaseFault):
    """kill -9 of a process whenever it comes up. Healed: a service comes up once more and stays; a datastore somebody must start."""

    strikes = "process"
    fault: Literal["process.crash-loop"]
    process: str = Field(description="A service or a datastore instance of the stack.")
    restart_after_s: PositiveDuration | None = Field(
        10.0,
        description="A service is started again so long after each end; null: only people start it, as a datastore in any case.",
    )


class ProcessSlowStart(BaseFault):
    """A service is restarted, and each start of it takes so long until it listens. Healed: it starts at once."""

    strikes = "service"
    fault: Literal["process.slow-start"]
    process: str = Field(description="A service of the stack.")
    takes_s: PositiveDuration = Field(description="From the start of its process until it listens, in documented time.")


class ProcessMemoryLeak(BaseFault):
    """A running service keeps what it should give back, and from the beginning again after a restart. Healed: it gives it back."""

    strikes = "service"
    fault: Literal["process.memory-leak"]
    process: str = Field(description="A service of the stack.")
    mb_per_s: int = Field(20, alias="mb-per-s", ge=1, le=100, description="Growth, MB per wall second.")
    most_mb: int = Field(300, ge=10, le=1000, description="Where the growth ends: the machine is not the drill's alone.")


class ProcessCpuHog(BaseFault):
    """Threads of a service spin: one core is full, and its requests wait for their turn. Ended by healing and by a restart."""

    strikes = "service"
    fault: Literal["process.cpu-hog"]
    process: str = Field(description="A service of the stack.")
    threads: int = Field(2, ge=1, le=4, description="How many. All together they take one core; each makes requests wait longer.")


class ProcessFileDescriptors(BaseFault):
    """A service's file descriptors are used up: it accepts no connection and makes none. Ended by healing and by a restart.

    Whoever is connected already is served on: clients and monitors that keep their connections may feel nothing for long.
    """

    strikes = "service"
    fault: Literal["process.file-descriptors"]
    process: str = Field(description="A service of the stack.")


class ServiceConfiguration(BaseFault):
    """A wrong value of a setting is deployed to a service. Healed by taking it back, unless somebody did that already."""

    strikes = "service"
    fault: Literal["service.configuration"]
    process: str = Field(description="A service of the stack.")
    setting: str = Field(description="A setting of the stack or of the service.")
    value: str = Field(description="What it is set to. The service ends at its start when it can make nothing of it.")


ProcessFault = (
    ProcessKill | ProcessPause | ProcessCrashLoop | ProcessSlowStart | ProcessMemoryLeak | ProcessCpuHog | ProcessFileDescriptors
    | ServiceVersion | ServiceConfiguration
)  # fmt: skip
