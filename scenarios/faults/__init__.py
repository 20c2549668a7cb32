"""The faults that a scenario file can name, by theme. `harness/faults` carries them out, in modules of the same names."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scenarios.faults.backup import BackupFault
from scenarios.faults.network import NetworkFault
from scenarios.faults.outside import OutsideFault
from scenarios.faults.postgres import PostgresFault
from scenarios.faults.process import ProcessFault
from scenarios.faults.redis import RedisFault

Fault = Annotated[
    BackupFault | NetworkFault | OutsideFault | PostgresFault | ProcessFault | RedisFault, Field(discriminator="fault")
]
