"""Faults of the outside world: price feeds and their providers, the broker, names, certificates, clocks, the object store, intruders."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scenarios.faults.base import BaseFault
from scenarios.fields import PositiveDuration

GATEWAYS = ("gui-gateway", "trading-api")  # the programs that are one
Share = Annotated[float, Field(gt=0, le=1)]
# Of documentation's own networks (RFC 5737), so that nobody real is accused.
_Address = Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,3}){3}$")]


class PartyFault(BaseFault):
    """A fault of a service that runs one of certain programs."""

    strikes = "service"
    programs: ClassVar[tuple[str, ...]]
    process: str


class _Feed(PartyFault):
    """A fault of one provider's feed."""

    programs = ("price-provider",)
    process: str = Field("price-primary", description="A price provider of the stack.")


class FeedStopped(_Feed):
    """A provider's streams stay open and nothing comes. Healed: ticks come again; what was missed is never sent."""

    fault: Literal["feed.stopped"]


class FeedStale(_Feed):
    """A provider goes on sending, and each tick repeats its symbol's last price and time. Healed: prices move again."""

    fault: Literal["feed.stale"]


class FeedOutOfOrder(_Feed):
    """A provider sends two rounds of ticks at a time, the newest first, so that the older price of each symbol is what remains."""

    fault: Literal["feed.out-of-order"]


class FeedDuplicated(_Feed):
    """A provider sends ticks twice, with the same number."""

    fault: Literal["feed.duplicated"]
    share: Share = Field(1.0, description="Of the ticks.")


class FeedSpikes(_Feed):
    """The price of one tick in 21 is beyond any reason; the next one of that symbol is right again."""

    fault: Literal["feed.spikes"]
    factor: float = Field(10.0, gt=1, le=1e6, description="How many times the right price that is.")


class ProviderRefuses(_Feed):
    """A provider answers 429 with Retry-After, and ends the streams that are open. Healed: it takes connections again."""

    fault: Literal["provider.refuses"]


class ProviderQuota(PartyFault):
    """Somebody else with the same key has used up a provider's quota at the rate gate. Healed by a reset of it, unless somebody did that."""

    programs = ("rate-gate",)
    fault: Literal["provider.quota"]
    process: str = Field("rate-gate", description="The rate gate of the stack.")
    provider: str | None = Field(None, description="As the gate calls it; by default each of them.")


class _Broker(PartyFault):
    """A fault of the broker."""

    programs = ("broker",)
    process: str = Field("broker", description="The broker of the stack.")


class BrokerRejects(_Broker):
    """The broker refuses new orders: 409, certainly not filled. Healed: it takes them again."""

    fault: Literal["broker.rejects"]
    share: Share = Field(1.0, description="Of the new orders.")


class BrokerDisconnects(_Broker):
    """The broker cuts the connection instead of answering; half of these orders are filled. Healed: it answers, and doubt can be settled."""

    fault: Literal["broker.disconnects"]
    share: Share = Field(1.0, description="Of all requests, cancellations and probes too.")


class BrokerDoubleFills(_Broker):
    """The broker fills new orders twice and answers with the first fill. Healed: no more of that; second fills stay in its book."""

    fault: Literal["broker.double-fills"]
    share: Share = Field(1.0, description="Of the new orders.")


class BrokerSlow(_Broker):
    """The broker answers late, its health check in time: above 1 s the engine has given up by then. Healed: it answers at once."""

    fault: Literal["broker.slow"]
    delay_s: PositiveDuration = Field(2.0, le=600, description="How much later, in documented time.")


class DnsWrong(BaseFault):
    """A name is resolved to the wrong machine: whoever calls the service gets somebody else, or nobody.

    The stack has no resolver of its own: a name is what the service's address leads to, for clients, operators and services
    alike, and for the host names of an ingress, those of the ingress. Healed: it leads where it should, unless somebody has
    led it elsewhere meanwhile.
    """

    strikes = "nothing"
    fault: Literal["dns.wrong"]
    address: str = Field(description="A service or a service address of the stack: gui-gateway, ingress, postgres ...")
    to: str | None = Field(None, description="The service that answers instead; by default a machine where nobody listens.")


class CertificateExpired(PartyFault):
    """The ingress serves a certificate that has expired, and its Certificate object says so. Healed: the one before is served again."""

    programs = ("ingress",)
    fault: Literal["certificate.expired"]
    process: str = Field("ingress", description="The ingress of the stack.")


class ClockSkew(BaseFault):
    """The clock of one service is off, also after a restart of it; what it times is right. Healed: its clock is right."""

    strikes = "service"
    fault: Literal["clock.skew"]
    process: str = Field(description="A service of the stack.")
    by_s: PositiveDuration = Field(description="How far it is off, in documented time.")
    direction: Literal["ahead", "behind"] = Field("ahead", description="Of everybody else's.")


class ObjectStoreDown(BaseFault):
    """The object store that `aws` reaches takes connections and answers nothing. Healed: it answers; what it held is there."""

    strikes = "nothing"
    fault: Literal["object-store.down"]


class LoginsBruteForce(PartyFault):
    """Somebody guesses passwords at the gateway, evenly and with eight tries under way at most. Healed: it stops.

    A guess costs the gateway several milliseconds of the wall: what is tried in documented time is more than a machine can do
    at a high speed, and the alert for ten a second wants a drill at speed 1 or 2.
    """

    programs = GATEWAYS
    fault: Literal["logins.brute-force"]
    process: str = Field("gui-gateway", description="The gateway of the stack.")
    user: str = Field("trader-1", min_length=1, max_length=64, description="Whose password is guessed.")
    address: _Address = Field("203.0.113.66", description="Where it comes from.")
    attempts: int = Field(12_000, gt=0, le=100_000, description="How many at most; then it is over.")
    every_s: PositiveDuration = Field(
        0.05, ge=0.01, description="Documented time from one to the next; later when the gateway is slower."
    )


class KeyLeaked(PartyFault):
    """A token of the API is in strange hands, which use it from a strange address. Healed: they stop; the token is as good as before."""

    programs = GATEWAYS
    fault: Literal["key.leaked"]
    process: str = Field("gui-gateway", description="The gateway of the stack.")
    token: str = Field(
        "svc-reporting-nightly-export-token", min_length=1, description="The token itself; by default the schema's."
    )
    address: _Address = Field("198.51.100.99", description="Where it is used.")
    does: Literal["orders", "reads", "admin"] = Field(
        "orders",
        description="Places orders of one unit; looks at the positions; or tries what only operators may do, and is refused.",
    )
    attempts: int = Field(600, gt=0, le=100_000, description="How many at most; then it is over.")
    every_s: PositiveDuration = Field(1.0, ge=0.01, description="Documented time from one use to the next.")


FeedFault = FeedStopped | FeedStale | FeedOutOfOrder | FeedDuplicated | FeedSpikes | ProviderRefuses | ProviderQuota
BrokerFault = BrokerRejects | BrokerDisconnects | BrokerDoubleFills | BrokerSlow
AccessFault = DnsWrong | CertificateExpired | ClockSkew | ObjectStoreDown
Intrusion = LoginsBruteForce | KeyLeaked
OutsideFault = FeedFault | BrokerFault | AccessFault | Intrusion
