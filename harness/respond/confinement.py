"""A sandbox within the drill's own, for each command block of a procedure: nobody vouches for what a runbook has typed.

Inside there is the workstation, writable, and the tools it uses; what the harness keeps of the drill, its history, ledger and
logs, the data of its stack and all other processes are not there, so that no command can change what it is judged by.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.sandbox.launch import PROJECT

_PRIVATE_MB = 64  # of the inner sandbox's own file system, beside the workstation's
# PYTHONPATH is for the sandbox's first process alone.
_BEGIN = 'unset PYTHONPATH; cd "$1" && exec bash --noprofile --norc -c "$2"'


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a block is shown. The sandbox that this process runs in must have namespaces of its own."""

    writable: Sequence[Path]
    shown: Sequence[Path]  # read-only
    root: Path  # what lies in it is found at the root of the machine too
    temporary: Path  # its /tmp. In nothing that is writable inside: a link left there would lead the next sandbox astray
    hosts: Sequence[str] = ()  # names of this machine

    def command(self, block: str, folder: Path) -> list[str]:
        """What has bash carry the block out in `folder`. Exit code 125: the sandbox could not be made, and stderr says why."""
        self.temporary.mkdir(exist_ok=True)
        spec = {
            "parent": os.getpid(), "plain": False, "inner": True, "run": None, "largest_mb": _PRIVATE_MB,
            "read_only": [str(each) for each in self.shown], "writable": [str(each) for each in self.writable],
            "linked": str(self.root), "temporary": str(self.temporary), "hosts": list(self.hosts),
        }  # fmt: skip
        return [
            # Neither the folder nor the operator's home may bring modules along (-P, -S): this runs outside of the sandbox.
            sys.executable, "-P", "-S", "-m", "harness.sandbox.init", json.dumps(spec), "--",
            "/bin/bash", "--noprofile", "--norc", "-c", _BEGIN, "bash", str(folder), block,
        ]  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """Beside the block's own."""
        return {"PYTHONPATH": str(PROJECT)}
