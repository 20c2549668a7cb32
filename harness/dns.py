"""The name that leads clients to a site: a record at Route 53, made when the operator's desk is set up, and read by the clients."""

from __future__ import annotations

import asyncio
from xml.sax.saxutils import escape

import httpx

from harness.errors import HarnessError
from harness.respond.platform import read_platform
from harness.stack.embedded import EmbeddedStack
from harness.stack.topology import CLOUD_PORT
from harness.workload.names import AUTHORIZATION, Doors, NameService
from scenarios.model import Sites
from scenarios.sites import ENTRANCES

_WITHIN_S = 30.0  # wall: the cloud starts when it is first asked
_RECORD = """<?xml version="1.0" encoding="UTF-8"?>
<ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes><Change>
<Action>UPSERT</Action><ResourceRecordSet><Name>{name}.</Name><Type>CNAME</Type><TTL>{ttl:.0f}</TTL>
<ResourceRecords><ResourceRecord><Value>{host}.</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>
</Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"""


def names_of(stack: EmbeddedStack) -> NameService | None:
    """What the clients of a stack with two sites are told; None for one with a single site. Raises HarnessError."""
    sites = stack.model.sites
    if sites is None:
        return None
    return NameService(
        api=stack.ports.address(CLOUD_PORT), zone=zone_of(stack.model.checkout, sites), name=sites.name, ttl_s=sites.ttl_s,
        first=sites.hosts[sites.first], doors={host: doors_of(stack, site) for site, host in sites.hosts.items()},
    )  # fmt: skip


def zone_of(checkout: str, sites: Sites) -> str:
    """The id of the hosted zone that the clients' name lies in. Raises HarnessError."""
    zones = read_platform(checkout).zones or {}
    for zone, domain in zones.items():
        if sites.name == domain or sites.name.endswith(f".{domain}"):
            return zone
    raise HarnessError(
        f"no hosted zone of {checkout} holds the name {sites.name}; there are {', '.join(zones.values()) or 'none'}"
    )


def doors_of(stack: EmbeddedStack, site: str) -> Doors:
    """Where clients go in at a site."""
    gateway, ingestor, signals = (
        f"http://{stack.ports.address(model.port)}"
        for entrance in ENTRANCES
        for name, model in stack.model.services.items()
        if entrance in (name, model.twin_of) and stack.model.site_of(name) == site
    )
    return Doors(gateway=gateway, ingestor=ingestor, signals=signals)


async def lead_clients_home(stack: EmbeddedStack) -> None:
    """Make the record that leads clients to the first site. Nothing where there is one site. Raises HarnessError."""
    names, sites = names_of(stack), stack.model.sites
    if names is None or sites is None:
        return
    record = _RECORD.format(name=escape(sites.name), ttl=sites.ttl_s, host=escape(names.first))
    headers = {"Authorization": AUTHORIZATION, "Content-Type": "text/xml"}
    try:
        async with asyncio.timeout(_WITHIN_S), httpx.AsyncClient(trust_env=False, timeout=_WITHIN_S) as http:
            answer = await http.post(
                f"http://{names.api}/2013-04-01/hostedzone/{names.zone}/rrset", content=record, headers=headers
            )
    except (httpx.HTTPError, TimeoutError) as error:
        raise HarnessError(f"Route 53's stand-in does not take the record {sites.name}: {error!r}; see cloud.log") from error
    if answer.status_code != 200:
        raise HarnessError(f"Route 53's stand-in refuses the record {sites.name}: {answer.status_code} {answer.text[:200]}")
