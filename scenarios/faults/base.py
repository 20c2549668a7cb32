"""What all faults of a scenario file have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from scenarios.fields import Duration, FileModel

# What the field `process` names; of `links` and `nothing` there is no such field.
Strikes = Literal["process", "service", "postgres", "redis", "links", "nothing"]


# What a fault can wait for, and the event of the history that says so.
Moment = Literal["alert", "page", "acknowledged", "procedure", "procedure-done", "change", "change-done"]
MOMENTS: Mapping[Moment, str] = {
    "alert": "alert.firing", "page": "page.sent", "acknowledged": "page.acknowledged", "procedure": "procedure.started",
    "procedure-done": "procedure.finished", "change": "change.started", "change-done": "change.finished",
}  # fmt: skip


class BaseFault(FileModel):
    """What every fault says of itself."""

    strikes: ClassVar[Strikes]
    name: str | None = Field(None, description="How the report calls it; by default its kind and subject.")
    at_s: Duration = Field(0.0, description="Documented time after the steady state was proven, or after `after`.")
    until_s: Duration | None = Field(None, description="The time is drawn by the drill's seed, from `at` to `until`.")
    after: Moment | None = Field(None, description="`at` counts from this moment instead: the first time that it comes.")
    heal_after_s: Duration | None = Field(
        None, description="None: it stays until the procedure or the end of the drill heals it."
    )
