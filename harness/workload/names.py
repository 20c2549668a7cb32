"""Names that clients look up: where a site's doors are, asked of Route 53, and kept for as long as the answer says.

Clients are many, and each has looked at its own time: they are ten here, whose answers run out evenly over the time to live. So
after a change of the record one in ten follows at each tenth of it, and the last one when all of it has passed.
"""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from fakes.clock import Clock

CLIENTS = 10
# The service that a request to moto is for is told by its signature, which nobody checks.
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=gameday/20260101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0"
_ANSWER_WITHIN_S = 2.0  # wall
_ASK_AGAIN_AFTER_S = 1.0  # wall, where nobody answered: the old answer is used on
_NAMESPACE = "{https://route53.amazonaws.com/doc/2013-04-01/}"


class Doors(BaseModel):
    """Where clients of one site go in: base URLs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gateway: str = Field(description="Base URL that takes orders.")
    ingestor: str = Field(description="Base URL that takes canary ticks.")
    signals: str = Field(description="Base URL that shows the signals that canary ticks become.")


class NameService(BaseModel):
    """A name at Route 53, and the doors that each host stands for which it may be an alias (CNAME) of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api: str = Field(description="host:port of Route 53's API.")
    zone: str = Field(description="Id of the hosted zone.")
    name: str = Field(description="What clients look up.")
    ttl_s: float = Field(gt=0, description="Documented seconds; of the first answer.")
    first: str = Field(description="The host that every client has been led to when it begins.")
    doors: dict[str, Doors] = Field(min_length=1, description="By host name.")


@dataclass(frozen=True, slots=True)
class Record:
    """What Route 53 says of a name."""

    host: str
    ttl_s: float


def read_record(answer: str, name: str) -> Record | None:
    """The CNAME of a name in an answer of ListResourceRecordSets; None where it has none. Raises ValueError."""
    try:
        sets = ET.fromstring(answer).iter(f"{_NAMESPACE}ResourceRecordSet")  # noqa: S314 -- the drill's own stand-in
        for each in sets:
            found = {part.tag.removeprefix(_NAMESPACE): part for part in each.iter()}
            if found["Name"].text == f"{name.rstrip('.')}." and found["Type"].text == "CNAME":
                return Record(str(found["Value"].text).rstrip("."), float(str(found["TTL"].text)))
    except (ET.ParseError, KeyError) as error:
        raise ValueError(f"Route 53's answer can't be read: {error!r}") from error
    return None


class Names:
    """What the clients' resolvers remember. `doors` never waits: it answers with what is remembered, and asks anew in the background."""

    def __init__(self, service: NameService, clock: Clock, http: aiohttp.ClientSession) -> None:
        self._service, self._clock, self._http = service, clock, http
        now_s, step_s = clock.now(), service.ttl_s / CLIENTS
        self._host = [service.first] * CLIENTS
        self._until_s = [now_s + (number + 1) * step_s for number in range(CLIENTS)]
        self._asking: dict[int, asyncio.Task[None]] = {}

    def doors(self, client: int) -> Doors | None:
        """Where this client is led now; None where the name leads to a host at which nobody is.

        All whose answers have run out ask anew: a client stands for many, who don't wait for its next operation. Where time is
        accelerated operations are few, and a client that asked only at its own would follow a minute late.
        """
        now_s = self._clock.now()
        for number, until_s in enumerate(self._until_s):
            if now_s >= until_s and number not in self._asking:
                task = self._asking[number] = asyncio.create_task(self._ask(number))
                task.add_done_callback(partial(self._asked, number))
        return self._service.doors.get(self._host[client % CLIENTS])

    def _asked(self, number: int, _: asyncio.Task[None]) -> None:
        self._asking.pop(number, None)

    def host(self, client: int) -> str:
        """The host name that this client was told last."""
        return self._host[client % CLIENTS]

    async def _ask(self, number: int) -> None:
        """Take Route 53's answer over; where none comes the old one is kept."""
        service = self._service
        url = f"http://{service.api}/2013-04-01/hostedzone/{service.zone}/rrset?name={quote(service.name)}&type=CNAME&maxitems=1"
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                async with self._http.get(url, headers={"Authorization": AUTHORIZATION}) as response:
                    record = read_record(await response.text(), service.name) if response.status == 200 else None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
            await asyncio.sleep(_ASK_AGAIN_AFTER_S)
            return
        if record is None:
            await asyncio.sleep(_ASK_AGAIN_AFTER_S)
            return
        self._host[number], self._until_s[number] = record.host, self._clock.now() + record.ttl_s

    async def close(self) -> None:
        """Ask nothing any more."""
        left = list(self._asking.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
