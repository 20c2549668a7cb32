"""The trading engine, booted: its ingress, its sockets and what its runbook (003) names."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform, booted

pytestmark = [pytest.mark.real, pytest.mark.slow]
WHITELIST = "nginx.ingress.kubernetes.io/whitelist-source-range"
API, SOCKETS = "api.trading-engine.com", "ws.trading-engine.com"


@pytest.fixture(scope="module")
def platform(memory_folder: Path) -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(dir=memory_folder, prefix="te-") as folder:
        Path(folder).chmod(0o755)
        with booted("trading-engine", Path(folder)) as made:
            eventually(lambda: made.order("first").status_code == 201 or None, within_s=30)
            yield made


def trust(platform: Platform) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=platform.get("ingress", "/ca.pem").text)


def from_outside(platform: Platform, path: str, host: str = API, method: str = "GET", **more: Any) -> httpx.Response:
    """A request to a host name, with all the checks of TLS, at the address of the ingress."""
    with httpx.Client(verify=trust(platform), trust_env=False, timeout=20) as client:
        url = f"https://127.0.0.1:{platform.port('ingress')}{path}"
        return client.request(method, url, headers={"Host": host}, extensions={"sni_hostname": host}, **more)


@contextmanager
def ingress_object(platform: Platform) -> Iterator[dict[str, Any]]:
    """The Ingress object as it stands; it is put back as it was."""
    [found] = platform.client.get(f"{platform.control}/objects?kind=Ingress&namespace=production").json()["objects"]
    try:
        yield json.loads(json.dumps(found))
    finally:
        platform.client.put(f"{platform.control}/objects", json=found)
        eventually(lambda: from_outside(platform, "/health").status_code != 403 or None)


def test_the_api_answers_at_its_host_name(platform: Platform) -> None:
    """003:112, 003:255: through TLS that any client accepts, by the gateway behind it."""
    eventually(lambda: from_outside(platform, "/health").status_code == 200 or None, within_s=30)
    assert from_outside(platform, "/health").json()["services"]["gui-gateway"] == "ok"
    assert 'http_requests_total{method="GET",path="/health",status="200"}' in from_outside(platform, "/metrics").text
    order = {"client_order_id": "outside", "symbol": "EURUSD", "side": "buy", "quantity": 100}
    assert from_outside(platform, "/api/orders", method="POST", json=order).status_code == 201


def test_a_client_that_does_not_trust_the_authority_gets_nothing(platform: Platform) -> None:
    """The certificate is real."""
    with httpx.Client(trust_env=False) as client, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(f"https://127.0.0.1:{platform.port('ingress')}/health")


def test_an_unknown_host_and_plain_http_get_what_nginx_gives_them(platform: Platform) -> None:
    """404 of the default backend, 400, and 308 for what came to port 80."""
    with httpx.Client(verify=False, trust_env=False) as client:  # no certificate has that name
        url = f"https://127.0.0.1:{platform.port('ingress')}/health"
        assert client.get(url, headers={"Host": "admin.trading-engine.com"}).status_code == 404
    plain = platform.get("ingress", "/health")
    assert (plain.status_code, "sent to HTTPS port" in plain.text) == (400, True)
    web = platform.client.get(platform.url("ingress", "/api/orders?limit=1"), headers={"Host": API})
    assert (web.status_code, web.headers["Location"]) == (308, f"https://{API}/api/orders?limit=1")


def test_a_whitelist_keeps_everybody_else_out(platform: Platform) -> None:
    """003:223: nobody here comes from 10.0.0.0/8. Its own services go on among themselves."""
    with ingress_object(platform) as found:
        found["metadata"]["annotations"] = {WHITELIST: "10.0.0.0/8"}
        platform.client.put(f"{platform.control}/objects", json=found)
        eventually(lambda: from_outside(platform, "/health").status_code == 403 or None)
        assert platform.order("inside").status_code == 201
        found["metadata"]["annotations"] = {WHITELIST: "10.0.0.0/8,127.0.0.0/8"}
        platform.client.put(f"{platform.control}/objects", json=found)
        eventually(lambda: from_outside(platform, "/health").status_code == 200 or None)
        found["metadata"]["annotations"] = {WHITELIST: "everybody"}
        platform.client.put(f"{platform.control}/objects", json=found)
        eventually(lambda: from_outside(platform, "/health").status_code == 503 or None)


def test_an_ingress_that_is_deleted_leads_nowhere(platform: Platform) -> None:
    """Until somebody makes it again."""
    with ingress_object(platform):
        platform.client.delete(f"{platform.control}/objects/Ingress/production/trading-engine-ingress")
        eventually(lambda: from_outside(platform, "/health").status_code == 404 or None)
    eventually(lambda: from_outside(platform, "/health").status_code == 200 or None)


def test_an_api_that_is_down_is_a_bad_gateway(platform: Platform) -> None:
    """And the access log has it."""
    platform.call(platform.stack.services["gui-gateway"].stop())
    try:
        assert from_outside(platform, "/api/positions").status_code == 502
    finally:
        platform.call(platform.stack.services["gui-gateway"].start())
    assert '"GET /api/positions HTTP/1.1" 502' in (platform.logs / "ingress.log").read_text()
    eventually(lambda: from_outside(platform, "/health").status_code == 200 or None, within_s=30)


def test_sockets_go_through_the_ingress(platform: Platform) -> None:
    """003:17: wss://ws.trading-engine.com, counted by the service behind it."""

    async def listen() -> tuple[str, int]:
        url, context = f"https://127.0.0.1:{platform.port('ingress')}/", trust(platform)
        tls: dict[str, Any] = {"ssl": context, "server_hostname": SOCKETS, "headers": {"Host": SOCKETS}}
        async with aiohttp.ClientSession() as session, session.ws_connect(url, **tls) as socket:
            tick = json.loads(await socket.receive_str(timeout=20))
            async with session.get(platform.url("websocket", "/api/metrics/websockets")) as counted:
                return str(tick["type"]), int((await counted.json())["active"])

    assert asyncio.run(listen()) == ("tick", 1)
    eventually(lambda: platform.metric("websocket", "websocket_connections_active") == 0 or None)


def test_the_heap_of_the_api_can_be_had(platform: Platform) -> None:
    """003:193: of the process itself, and gone with it."""
    url = f"http://127.0.0.1:{platform.debug_port}/debug/pprof/heap"
    assert b"inuse_space" in gzip.decompress(eventually(lambda: platform.client.get(url)).content)
    assert "heap profile:" in platform.client.get(f"{url}?debug=1").text
    assert platform.client.get(url.replace("heap", "goroutine")).status_code == 404
