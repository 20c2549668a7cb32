"""The ingress: the way in from outside. TLS ends here, and each host name leads to its service.

Settings: ingress.hosts {host name: service}; ingress.object and ingress.namespace, the Ingress object of the cluster that it
obeys: gone, every request is 404; its annotation nginx.ingress.kubernetes.io/whitelist-source-range (or allowlist-...) lets only
those addresses in, everybody else gets 403. The cluster is asked every half second; while it does not answer, what was known holds.

On its port plain HTTP answers GET /healthz, /metrics and /ca.pem, the authority that vouches for it; it sends whoever asks for a
host name at port 80 to 443, and answers 400 to all else. The authority is made at the first start and kept in the state folder,
and so are its two certificates: server.pem is the one that is served, from the next handshake on when it is replaced;
expired.pem has just expired.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import ipaddress
import logging
import re
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from fakes.services import certificates
from fakes.services.answers import Handler
from fakes.services.base import Service, run
from fakes.services.config import Address, Config
from fakes.services.tls_site import TlsSite

AUTHORITY = "gameday private CA"
_CONTROL = Address("127.0.0.1", 6443)
SERVED, EXPIRED = "server.pem", "expired.pem"  # in the state folder: what is served, and one that could be
_VALID = re.compile(rb"\x17\x0d\d{12}Z\x17\x0d(\d{12}Z)")  # two UTCTimes in DER: from, until
_ANNOTATIONS = tuple(f"nginx.ingress.kubernetes.io/{word}-source-range" for word in ("whitelist", "allowlist"))
_ASK_EVERY_S, _ASK_S = 0.5, 1.0  # wall
_PROXY_S, _CONNECT_S = 60.0, 5.0  # wall; what ingress-nginx waits by default
_PLAIN = ("/healthz", "/metrics", "/ca.pem")
_OF_THE_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding", "upgrade",
    "host", "content-length", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol",
}  # fmt: skip
_Networks = list[ipaddress.IPv4Network | ipaddress.IPv6Network]

_log = logging.getLogger(__name__)


class Rules:
    """What the Ingress object says, as far as it is known."""

    def __init__(self, config: Config) -> None:
        self.there = True
        self.only: _Networks | None = None  # None: everybody
        self.invalid = False
        control = config.addresses.get("control", _CONTROL)
        namespace = config.text("ingress.namespace", "default")
        self._url = f"http://{control.host}:{control.port}/objects?kind=Ingress&namespace={namespace}"
        self._name = config.text("ingress.object", "")
        self._known: object = None

    async def follow(self) -> None:
        """Ask for ever. Without an object that is named there is nothing to obey."""
        if not self._name:
            return
        timeout = aiohttp.ClientTimeout(total=_ASK_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                try:
                    async with session.get(self._url, raise_for_status=True) as response:
                        self.learn((await response.json())["objects"])
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError):
                    pass  # the API is away: what was known holds
                await asyncio.sleep(_ASK_EVERY_S)

    def learn(self, objects: list[Mapping[str, Any]]) -> None:
        """Take over what the object says now."""
        found = next((each for each in objects if each["metadata"]["name"] == self._name), None)
        annotations = (found or {}).get("metadata", {}).get("annotations") or {}
        wanted = next((str(annotations[name]) for name in _ANNOTATIONS if annotations.get(name)), "")
        if (found is not None, wanted) == self._known:
            return
        self._known = (found is not None, wanted)
        self.there, self.invalid, self.only = found is not None, False, None
        try:
            self.only = [ipaddress.ip_network(part.strip()) for part in wanted.split(",")] if wanted else None
        except ValueError as error:
            self.invalid = True
            _log.error("the annotation does not contain a valid IP address or network: %s", error)
        _log.info("ingress %s: %s", self._name, f"only {wanted}" if wanted else "open to all" if self.there else "is gone")

    def refuses(self, address: str) -> bool:
        return self.only is not None and not any(ipaddress.ip_address(address) in network for network in self.only)


class Proxy:
    """Hands requests on."""

    def __init__(self, service: Service, rules: Rules) -> None:
        self._service, self._rules = service, rules
        self._hosts = {str(host): str(name) for host, name in dict(service.config.settings.get("ingress.hosts", {})).items()}
        self._session: aiohttp.ClientSession | None = None
        metrics = service.metrics
        self._requests = metrics.counter("nginx_ingress_controller_requests", "host", "status")
        self._durations = metrics.histogram("nginx_ingress_controller_request_duration_seconds", "host")
        service.on_close(self.close)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """Made at first use: it belongs to the running event loop."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_PROXY_S, sock_connect=_CONNECT_S)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=False)
        return self._session

    async def between(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What TLS brought is handed on; what came plain is answered here."""
        if not request.secure:
            return await handler(request) if request.path in _PLAIN else self._answer_plain(request)
        host, began_s, status = request.host.partition(":")[0], time.perf_counter(), 499
        try:
            response = await self._answer(request, host)
            status = response.status
        finally:
            took_s = time.perf_counter() - began_s
            known = host if host in self._hosts else "_"
            self._requests.add(known, str(status))
            self._durations.observe(took_s, known)
            _log.info(
                '%s - - "%s %s HTTP/%d.%d" %d - "%s" %.3f [%s]', request.remote, request.method, request.path_qs, *request.version,
                status, request.headers.get("User-Agent", "-"), took_s, self._hosts.get(host, "default-backend"),
            )  # fmt: skip
        return response

    def _answer_plain(self, request: web.Request) -> web.Response:
        """A host name without a port was asked for at 80, which leads here too: that goes on at 443."""
        if request.host not in self._hosts:
            return _page(400, "The plain HTTP request was sent to HTTPS port")
        response = _page(308, "308 Permanent Redirect")
        response.headers["Location"] = f"https://{request.host}{request.raw_path}"
        return response

    async def _answer(self, request: web.Request, host: str) -> web.StreamResponse:
        if host not in self._hosts or not self._rules.there:
            return _page(404, "404 Not Found")
        if self._rules.invalid:
            return _page(503, "503 Service Temporarily Unavailable")
        if self._rules.refuses(request.remote or "0.0.0.0"):
            return _page(403, "403 Forbidden")
        address = self._service.config.address(self._hosts[host])
        url = f"http://{address.host}:{address.port}{request.raw_path}"
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._pass_socket(request, url)
            return await self._pass_on(request, url, host)
        except TimeoutError:
            return _page(504, "504 Gateway Time-out")
        except (aiohttp.ClientError, OSError) as error:
            _log.error("%s while connecting to upstream %s: %s", type(error).__name__, self._hosts[host], error)
            return _page(502, "502 Bad Gateway")

    def _headers(self, request: web.Request, host: str) -> dict[str, str]:
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_HOP}
        return {**kept, "Host": host, "X-Forwarded-For": request.remote or "", "X-Forwarded-Proto": "https"}

    async def _pass_on(self, request: web.Request, url: str, host: str) -> web.StreamResponse:
        body = await request.read()
        async with self.session.request(
            request.method, url, headers=self._headers(request, host), data=body or None, allow_redirects=False
        ) as upstream:
            kept = [(name, value) for name, value in upstream.headers.items() if name.lower() not in _OF_THE_HOP]
            response = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=dict(kept))
            await response.prepare(request)
            async for part in upstream.content.iter_any():
                await response.write(part)
            await response.write_eof()
            return response

    async def _pass_socket(self, request: web.Request, url: str) -> web.StreamResponse:
        async with self.session.ws_connect(url, headers=self._headers(request, request.host)) as upstream:
            client = web.WebSocketResponse()
            await client.prepare(request)
            ways = [asyncio.ensure_future(_pump(upstream, client)), asyncio.ensure_future(_pump(client, upstream))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                await client.close()
            return client


async def _pump(source: Any, target: Any) -> None:
    """Messages from one socket to the other, until either is closed."""
    async for message in source:
        if message.type == aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type == aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)


def _page(status: int, words: str) -> web.Response:
    head = f"<html>\r\n<head><title>{words}</title></head>\r\n<body>\r\n<center><h1>{words}</h1></center>\r\n"
    text = head + "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    return web.Response(status=status, text=text, content_type="text/html")


class Served:
    """The certificate that lies in the state folder now. Authority and certificates are made at the first start and kept."""

    def __init__(self, config: Config) -> None:
        self._chain = config.state_dir / SERVED
        self.hosts = sorted(dict(config.settings.get("ingress.hosts", {}))) or ["localhost"]
        if not self._chain.exists():
            self._make(config.state_dir)
        self._stamp, self._context = self._chain.stat().st_mtime_ns, self._load()

    def _make(self, folder: Path) -> None:
        root, own = certificates.Key.new(), certificates.Key.new()
        (folder / "ca.pem").write_text(certificates.authority(AUTHORITY, root), encoding="ascii")
        for name, days in ((EXPIRED, 0), (SERVED, 90)):
            vouched = certificates.server([*self.hosts, "localhost"], own, issuer=AUTHORITY, issuer_key=root, days=days)
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(vouched + own.pem(), encoding="ascii")

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._chain)
        return context

    def context(self) -> ssl.SSLContext:
        """For the next handshake. A file that is no certificate is passed over, as if nobody had put it there."""
        stamp = self._chain.stat().st_mtime_ns
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._context = self._load()
                _log.info("the certificate was replaced")
            except (ssl.SSLError, OSError) as error:
                _log.error("the new certificate cannot be used: %s", error)
        return self._context

    def expires(self) -> dict[tuple[str, ...], float]:
        """When the served certificate expires, for each host name; seconds of the epoch, as ingress-nginx tells it."""
        coded = self._chain.read_text(encoding="ascii").partition("-----END")[0].partition("-----\n")[2]
        found = _VALID.search(base64.b64decode(coded))
        if found is None:
            return {}
        until = datetime.strptime(found[1].decode(), "%y%m%d%H%M%SZ").replace(tzinfo=UTC)
        return {(host,): until.timestamp() for host in self.hosts}


async def start(service: Service) -> None:
    """Open the way in."""
    rules = Rules(service.config)
    proxy = Proxy(service, rules)
    served = Served(service.config)
    service.site = functools.partial(TlsSite, tls=served.context)
    service.metrics.gauges("nginx_ingress_controller_ssl_expire_time_seconds", ("host",), served.expires)

    @web.middleware
    async def between(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await proxy.between(request, handler)

    service.around(between)
    service.background(rules.follow)

    async def ca(_: web.Request) -> web.Response:
        return web.Response(text=(service.config.state_dir / "ca.pem").read_text(encoding="ascii"))

    service.get("/ca.pem", ca)


def main(config: Mapping[str, Any]) -> None:
    """Be the ingress."""
    run(config, start)
