"""Addresses in Go's way of writing."""

from __future__ import annotations

import asyncio
import socket

import pytest

from fakes.toxiproxy import addresses
from fakes.toxiproxy.addresses import join_address, listen, resolve, split_address
from fakes.toxiproxy.errors import CannotListen


@pytest.mark.parametrize(
    ("address", "parts"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:80", ("::1", 80)), (":80", ("", 80)), ("", ("", 0)), ("host:", ("host", 0)),
     ("host:http", ("host", 80))],
)  # fmt: skip
def test_splits_host_and_port(address: str, parts: tuple[str, int]) -> None:
    """Either may be empty; a port may be a name."""
    assert split_address(address) == parts


@pytest.mark.parametrize(
    ("address", "message"),
    [("host", "missing port in address"), ("[::1]", "missing port in address"), ("::1:80", "too many colons in address"),
     ("host:65536", "address 65536: invalid port"), ("host:" + "9" * 5000, "invalid port"), ("host:nonsense", "unknown port")],
)  # fmt: skip
def test_says_what_is_wrong_with_an_address(address: str, message: str) -> None:
    """In Go's words."""
    with pytest.raises(ValueError, match=message):
        split_address(address)


def test_shows_an_ipv6_address_in_brackets() -> None:
    """As it must be written."""
    assert (join_address(("::1", 80)), join_address(("127.0.0.1", 80))) == ("[::1]:80", "127.0.0.1:80")


def test_a_name_is_resolved_to_ipv4_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the real server shows localhost, also where it is first of all an IPv6 name."""

    async def both(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
        return [(socket.AF_INET6, ("::1", port)), (socket.AF_INET, ("127.0.0.1", port))]

    assert asyncio.run(resolve("localhost:80")) == (socket.AF_INET, ("127.0.0.1", 80))
    monkeypatch.setattr(addresses, "_look_up", both)
    assert asyncio.run(resolve("localhost:80")) == (socket.AF_INET, ("127.0.0.1", 80))


def test_a_name_that_nobody_knows_is_an_error() -> None:
    """And nothing hangs."""
    with pytest.raises(CannotListen, match="listen tcp: "):
        asyncio.run(resolve("no-such-host.invalid:80"))


def test_without_a_host_every_interface_is_listened_on() -> None:
    """Both families where the machine has them; the chosen port is told."""
    listener, address = asyncio.run(listen(":0"))
    with listener:
        port = int(address.rpartition(":")[2])
        assert address.removesuffix(f":{port}") in ("[::]", "0.0.0.0")
        socket.create_connection(("127.0.0.1", port), timeout=15).close()
