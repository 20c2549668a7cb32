"""Addresses as Go writes them: `host:port`, `[::1]:port`, `:port` for every interface, port 0 for any free one."""

from __future__ import annotations

import asyncio
import os
import socket

from fakes.toxiproxy.errors import CannotListen

_BACKLOG = 511
_RESOLVE_WITHIN_S = 5.0  # a name server that does not answer must not hold the API up
_HIGHEST_PORT = 65535


def split_address(address: str) -> tuple[str, int]:
    """Host, possibly empty, and port. Raises ValueError in Go's words."""
    host, colon, port = address.rpartition(":")
    if not address:
        return "", 0
    if not colon or (host.startswith("[") and not host.endswith("]")):
        raise ValueError(f"address {address}: missing port in address")
    if ":" in host and not host.startswith("["):
        raise ValueError(f"address {address}: too many colons in address")
    return host.removeprefix("[").removesuffix("]"), _port_number(port)


def _port_number(port: str) -> int:
    if port.isascii() and port.isdigit():
        if int(port[-10:]) <= _HIGHEST_PORT and len(port) <= len(str(_HIGHEST_PORT)):
            return int(port)
        raise ValueError(f"address {port}: invalid port")
    try:
        return socket.getservbyname(port, "tcp") if port else 0
    except OSError:
        raise ValueError(f"lookup tcp/{port}: unknown port") from None


async def resolve(address: str) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Family, and host and port in numbers, to listen on for this address. Raises CannotListen."""
    try:
        host, port = split_address(address)
        if not host:
            everywhere = (socket.AF_INET6, "::") if socket.has_dualstack_ipv6() else (socket.AF_INET, "0.0.0.0")
            return everywhere[0], (everywhere[1], port)
        found = await _look_up(host, port)
    except TimeoutError:
        raise CannotListen(f"listen tcp: lookup {address}: no answer within {_RESOLVE_WITHIN_S:g} s") from None
    except (OSError, ValueError) as error:
        raise CannotListen(f"listen tcp: {error}") from error
    family, sockname = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, sockname


async def _look_up(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    try:
        # An address in numbers needs no thread.
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        looking_up = asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        infos = await asyncio.wait_for(looking_up, _RESOLVE_WITHIN_S)
    return [(info[0], (str(info[4][0]), int(info[4][1]))) for info in infos]


async def listen(address: str) -> tuple[socket.socket, str]:
    """A listening socket and its address in numbers. Raises CannotListen."""
    family, sockname = await resolve(address)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(sockname[0] != "::"))
        listener.bind(sockname)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise CannotListen(f"listen tcp {join_address(sockname)}: bind: {why}") from error
    return listener, join_address(listener.getsockname()[:2])


def join_address(sockname: tuple[str, int]) -> str:
    """As `listen` is shown: an IPv6 address in brackets."""
    host, port = sockname
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
