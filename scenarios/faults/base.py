"""What all faults of a scenario file have in common."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from scenarios.fields import Duration, FileModel

# What the field `process` names; of `links` and `nothing` there is no such field.
Strikes = Literal["process", "service", "postgres", "redis", "links", "nothing"]


class BaseFault(FileModel):
    """What every fault says of itself."""

    strikes: ClassVar[Strikes]
    name: str | None = Field(None, description="How the report calls it; by default its kind and subject.")
    at_s: Duration = Field(0.0, description="Documented time after the steady state was proven.")
    heal_after_s: Duration | None = Field(
        None, description="None: it stays until the procedure or the end of the drill heals it."
    )
