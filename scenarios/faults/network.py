"""Faults of links, carried out by Toxiproxy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scenarios.faults.base import BaseFault


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


NetworkFault = LinkDown | LinkToxic
