"""Faults of links, carried out by Toxiproxy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from scenarios.faults.base import BaseFault
from scenarios.fields import PositiveDuration


class LinkDown(BaseFault):
    """Links are cut: existing connections closed, new ones refused. `*` matches any name: `* -> redis`."""

    strikes = "links"
    fault: Literal["link.down"]
    links: tuple[str, ...] = Field(min_length=1, description="`from -> to`; also `any -> to`, everybody else's way to it.")


class LinkToxic(BaseFault):
    """A Toxiproxy toxic on links."""

    strikes = "links"
    fault: Literal["link.toxic"]
    links: tuple[str, ...] = Field(min_length=1, description="`from -> to`; `*` matches any name.")
    toxic: Literal["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"]
    stream: Literal["upstream", "downstream"] = Field(
        "downstream", description="Upstream: from the one who connected; downstream: to it."
    )
    toxicity: float = Field(1.0, gt=0, le=1, description="Share of the connections that are struck.")
    attributes: dict[str, int] = Field(default_factory=dict, description="Toxiproxy's own: latency, jitter, rate, timeout ...")


class LinkPartition(BaseFault):
    """An asymmetric partition: what is sent one way never arrives, the other way all does. Healing closes what was connected."""

    strikes = "links"
    fault: Literal["link.partition"]
    links: tuple[str, ...] = Field(min_length=1, description="`from -> to`; also `any -> to`, everybody else's way to it.")
    stream: Literal["upstream", "downstream"] = Field(
        "downstream", description="What is lost. Upstream: requests; downstream: answers to requests that were carried out."
    )


class LinkFlap(BaseFault):
    """Links are cut and mended again and again, cut first. Healed: they stay mended."""

    strikes = "links"
    fault: Literal["link.flap"]
    links: tuple[str, ...] = Field(min_length=1, description="`from -> to`; also `any -> to`, everybody else's way to it.")
    down_s: PositiveDuration = Field(description="How long they are cut each time, in documented time.")
    up_s: PositiveDuration = Field(description="How long they are mended each time, in documented time.")


class SiteCut(BaseFault):
    """Parts of the stack are cut off: all links from and to them, and the service addresses that lead to them at the time.

    An address that is led elsewhere, as by a failover, works again. The parts do not reach each other either. The cluster's
    control API has ways of its own; with a whole `site` it is gone as well: nothing there can be told anything.
    """

    strikes = "links"
    fault: Literal["site.cut"]
    parts: tuple[str, ...] = Field((), description="Services and datastore instances; `*` matches any name.")
    site: str | None = Field(None, description="In place of `parts`: one of the two sites of the stack, with all that is there.")

    @model_validator(mode="after")
    def _one_of_them(self) -> SiteCut:
        if bool(self.parts) == bool(self.site):
            raise ValueError("what is cut off? Give either `parts` or `site`")
        return self


class SiteLost(BaseFault):
    """A site is destroyed: all its processes are killed, the data of its datastores and the backups on site are deleted.

    Never healed: what was shipped elsewhere is all that is left.
    """

    strikes = "nothing"
    fault: Literal["site.lost"]
    site: str = Field(description="One of the two sites of the stack.")


NetworkFault = LinkDown | LinkToxic | LinkPartition | LinkFlap | SiteCut | SiteLost
