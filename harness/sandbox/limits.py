"""What commands that nobody trusts may use of a machine. Limits of the kernel for each process; the watchdog holds the sum of them.

The kernel's limit of processes does not hold for a caller who is root, so that the pid namespace has one of its own
(`linux.limit_processes`); memory and processor time it counts for each process alone. The watchdog of a check sees to the rest.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

_MB = 1024 * 1024
_POLITE = 10  # the niceness of commands: whoever watches them is never the one who waits


@dataclass(frozen=True, slots=True)
class Limits:
    """For each process: address space, size of a file, processor time; for all of a sandbox: processes, memory."""

    address_space_mb: int = 2048
    file_mb: int = 256
    cpu_s: int = 60
    open_files: int = 1024
    processes: int = 300
    memory_mb: int = 1024

    def apply(self) -> None:
        """To this process and all that it starts. They can only be made stricter."""
        wanted = {
            resource.RLIMIT_AS: self.address_space_mb * _MB,
            resource.RLIMIT_FSIZE: self.file_mb * _MB,
            resource.RLIMIT_CPU: self.cpu_s,
            resource.RLIMIT_NOFILE: self.open_files,
            resource.RLIMIT_NPROC: 2
            * self.processes,  # beyond what the watchdog lets be: a bomb that cannot fork dies out unseen
            resource.RLIMIT_CORE: 0,
        }
        for name, value in wanted.items():
            hard = resource.getrlimit(name)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(name, (most, most))
        os.nice(_POLITE)
