"""What the observer is told: a JSON file, written by the conductor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.workload.names import Doors, NameService

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ObserverConfig(BaseModel):
    """The load, and where it goes. Seconds are wall seconds: the observer measures, so it never runs at another rate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clock: Path = Field(description="The drill's clock page.")
    ledger: Path = Field(description="Appended to; one event a line, flushed before anything is sent.")
    gateway: str = Field(description="Base URL that takes orders.")
    ingestor: str = Field(description="Base URL that takes canary ticks.")
    signals: str = Field(description="Base URL that shows the signals that canary ticks become.")
    orders_per_s: Positive
    canary_every_s: Positive
    symbols: tuple[str, ...] = Field(min_length=1)
    order_timeout_s: Positive = Field(2.0, description="From the intended send time; then the order's outcome is unknown.")
    canary_timeout_s: Positive = 4.0
    seed: int = 0
    prefix: str = Field("", description="In front of every client_order_id, so that no two drills' orders are mistaken.")
    names: NameService | None = Field(None, description="Who says which site's doors to use; none: those above.")
    max_in_flight: int = Field(200, ge=1, description="Orders and canaries beyond this are recorded as failed: not sent.")
    parent: int | None = Field(None, description="The pid of whoever started it; it ends when that process does.")

    @property
    def doors(self) -> Doors:
        """Those of a stack that is at one place."""
        return Doors(gateway=self.gateway, ingestor=self.ingestor, signals=self.signals)
