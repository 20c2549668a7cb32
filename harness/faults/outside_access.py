"""What lies between the platform and the world is wrong: a name, a certificate, a clock, the object store."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx

from fakes.clock import set_offset
from fakes.services.base import CLOCK_OFFSET
from fakes.services.ingress import EXPIRED, SERVED
from harness.errors import FaultError
from harness.faults.base import Fault
from harness.faults.outside_parties import service_of
from harness.stack.cloud import Cloud, cloud_at
from harness.stack.embedded import NOWHERE, EmbeddedStack
from harness.stack.services import RunningService
from harness.stack.topology import ANY, CLOUD_PORT
from scenarios.faults import Fault as FaultModel
from scenarios.faults.outside import CertificateExpired, ClockSkew, DnsWrong, ObjectStoreDown

_NOBODY = "127.0.0.1:9"  # where the wrong name leads: not NOWHERE, which is a service address that selects nobody
_VALID = "valid.pem"  # in the ingress's folder, while another certificate is served
_ANSWERS_WITHIN_S = 1.0  # wall
_CLOCK = "process_clock_seconds "


class MisleadName:
    """A service's address leads to another service's process, or to nobody."""

    def __init__(self, name: str, stack: EmbeddedStack, address: str, to: str | None) -> None:
        self.name = name
        self._stack, self._address, self._proxy = stack, address, f"{ANY} -> {address}"
        if self._proxy not in {proxy.name for proxy in stack.topology.proxies}:
            raise FaultError(f"{name}: this stack has no service or service address {address}")
        if to is not None and (to not in stack.services or to == address):
            raise FaultError(f"{name}: {to} is no other service of this stack")
        self._wrong = _NOBODY if to is None else f"127.0.0.1:{stack.services[to].port}"
        self._whom = to or "nobody"

    async def inject(self) -> None:
        if not await self._misled():  # its connections would be cut again
            await asyncio.to_thread(self._stack.toxiproxy.set_upstream, self._proxy, self._wrong)

    async def heal(self) -> None:
        if await self._misled():
            await asyncio.to_thread(self._stack.toxiproxy.set_upstream, self._proxy, self._right())

    async def bitten(self) -> str | None:
        return f"{self._address} leads to {self._whom}" if await self._misled() else None

    async def _misled(self) -> bool:
        proxy = await asyncio.to_thread(self._stack.toxiproxy.proxy, self._proxy)
        return proxy.upstream == self._wrong

    def _right(self) -> str:
        """Where it should lead at the moment."""
        stack, address = self._stack, self._address
        if address in stack.model.addresses:
            return f"127.0.0.1:{stack.current(address).port}"
        target = stack.service_pointing.get(address, address)
        return f"127.0.0.1:{stack.services[target].port if target else NOWHERE}"


class ExpireCertificate:
    """The expired certificate that lies beside the served one takes its place; the served one waits to be put back."""

    def __init__(self, name: str, stack: EmbeddedStack, service: RunningService) -> None:
        self.name = name
        self._service, self._objects, self._clock = service, stack.objects, stack.clock
        self._folder = Path(service.config["state_dir"])
        self._hosts = set(service.config["settings"].get("ingress.hosts", {}))

    async def inject(self) -> None:
        if self._active:
            return
        if not (self._folder / EXPIRED).exists():
            raise FaultError(f"{self.name}: {self._service.name} has never run, so it has no certificate yet")
        shutil.copy2(self._folder / SERVED, self._folder / _VALID)
        self._serve(self._folder / EXPIRED)
        self._tell(
            ready="False", reason="Expired", message=f"Certificate expired on {datetime.now(UTC):%a, %d %b %Y %H:%M:%S} UTC"
        )

    async def heal(self) -> None:
        if self._active:
            self._serve(self._folder / _VALID)
            (self._folder / _VALID).unlink()
            self._tell(ready="True", reason="Ready", message="Certificate is up to date and has not expired")

    async def bitten(self) -> str | None:
        """Told by a handshake that checks the certificate, with the authority trusted."""
        if not self._active:
            return None
        said = await asyncio.to_thread(_handshake, self._service.port, self._folder / "ca.pem", min(self._hosts))
        return f"clients say: {said}" if "expired" in said else None

    @property
    def _active(self) -> bool:
        return (self._folder / _VALID).exists()

    def _serve(self, chain: Path) -> None:
        """At once, whoever reads meanwhile; and with a time of its own, so that the change is seen."""
        new = self._folder / f"{SERVED}.new"
        shutil.copyfile(chain, new)
        new.chmod(0o600)
        new.replace(self._folder / SERVED)

    def _tell(self, *, ready: str, reason: str, message: str) -> None:
        """What cert-manager would write on the objects of these host names."""
        condition = {"type": "Ready", "status": ready, "reason": reason, "message": message}
        for found in self._objects.found("Certificate"):
            if self._hosts & set(found.get("spec", {}).get("dnsNames", ())):
                self._objects.put({**found, "status": {**found.get("status", {}), "conditions": [condition]}}, self._clock.now())


def _handshake(port: int, authority: Path, host: str) -> str:
    """What a client says that trusts this authority: `accepted`, or why not."""
    context = ssl.create_default_context(cafile=str(authority))
    try:
        with (
            socket.create_connection(("127.0.0.1", port), _ANSWERS_WITHIN_S) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return "accepted"
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError as error:
        return str(error)


class SkewClock:
    """The clock of one service is off. The order is a file in its folder, so it holds for whoever runs there next."""

    def __init__(self, name: str, stack: EmbeddedStack, service: RunningService, ahead_s: float) -> None:
        self.name = name
        self._stack, self._service, self._ahead_s = stack, service, ahead_s
        self._file = Path(service.config["state_dir"]) / CLOCK_OFFSET

    async def inject(self) -> None:
        self._set(self._ahead_s)

    async def heal(self) -> None:
        if self._file.exists():
            self._set(0.0)

    def _set(self, ahead_s: float) -> None:
        try:
            set_offset(self._file, ahead_s)
        except OSError as error:
            raise FaultError(f"{self.name}: the clock of {self._service.name} could not be set: {error}") from error

    async def bitten(self) -> str | None:
        """Told by the service itself, between two looks at the right time."""
        before_s = self._stack.clock.now()
        try:
            page = await self._stack.http.get(f"http://127.0.0.1:{self._service.port}/metrics", timeout=_ANSWERS_WITHIN_S)
        except httpx.HTTPError:
            return None
        after_s = self._stack.clock.now()
        told = next((float(line.removeprefix(_CLOCK)) for line in page.text.splitlines() if line.startswith(_CLOCK)), None)
        if told is None or not before_s - 0.001 <= told - self._ahead_s <= after_s + 0.001:
            return None
        return f"{self._service.name} says it is {told:.0f} s, it is {after_s:.0f} s"


class PauseObjectStore:
    """The stand-in of the cloud's object store is paused. It is looked for when it is needed: it starts after the stack."""

    def __init__(self, name: str, stack: EmbeddedStack) -> None:
        self.name = name
        self._port = stack.ports[CLOUD_PORT]

    async def inject(self) -> None:
        if (cloud := self._cloud) is None:
            raise FaultError(f"{self.name}: nothing here has an object store: there is no operator's desk")
        await cloud.pause()

    async def heal(self) -> None:
        if (cloud := self._cloud) is not None:
            await cloud.resume()

    async def bitten(self) -> str | None:
        """Told by a request to which nothing comes."""
        if (cloud := self._cloud) is None or not cloud.paused:
            return None
        async with httpx.AsyncClient(trust_env=False, timeout=_ANSWERS_WITHIN_S) as client:
            try:
                await client.get(f"http://127.0.0.1:{self._port}/")
            except httpx.TimeoutException:
                return f"no answer within {_ANSWERS_WITHIN_S:g} s"
            except httpx.HTTPError:
                return None
        return None

    @property
    def _cloud(self) -> Cloud | None:
        return cloud_at(self._port)


def build(name: str, model: FaultModel, stack: EmbeddedStack) -> Fault | None:
    """The fault of this theme that `model` describes; None when it is of another. Raises FaultError."""
    match model:
        case DnsWrong():
            return MisleadName(name, stack, model.address, model.to)
        case CertificateExpired():
            return ExpireCertificate(name, stack, service_of(name, stack, model.process, "ingress"))
        case ClockSkew():
            if model.process not in stack.services:
                raise FaultError(f"{name}: {model.process} is no service; only services have clocks of their own")
            ahead_s = model.by_s if model.direction == "ahead" else -model.by_s
            return SkewClock(name, stack, stack.services[model.process], ahead_s)
        case ObjectStoreDown():
            return PauseObjectStore(name, stack)
        case _:
            return None
