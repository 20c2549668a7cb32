"""Stand-in for `ping` of iputils: real ICMP echoes, where this process may send any. In a sandbox it mostly may not."""

from __future__ import annotations

import os
import socket
import struct
import sys
import time

from fakes.commands.entry import Failure, not_modelled, run

_USAGE = "Usage\n  ping [options] <destination>"
_VALUED = {"-c": "count", "-i": "interval", "-W": "timeout", "-w": "deadline", "-s": "size"}
_SWITCHES = ("-q", "-n", "-4", "-O")
_REAL = "aAbBCdDfhLPrRUvV6" + "eFIlmMNpQSTt"


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    options, names = _parsed(argv)
    if not names:
        raise Failure("ping: usage error: Destination address required")
    connection = _socket()
    try:
        address = socket.getaddrinfo(names[-1], None, socket.AF_INET)[0][4][0]
    except OSError as error:
        raise Failure(f"ping: {names[-1]}: {getattr(error, 'strerror', None) or error}", 2) from error
    return _echo(connection, names[-1], str(address), options)


def _parsed(argv: list[str]) -> tuple[dict[str, float], list[str]]:
    options: dict[str, float] = {}
    names: list[str] = []
    queue = list(argv)
    while queue:
        item = queue.pop(0)
        if not item.startswith("-"):
            names.append(item)
            continue
        flag, value = item[:2], item[2:]
        if flag in _VALUED:
            if not value and not queue:
                raise Failure(f"ping: option requires an argument -- '{flag[1]}'\n\n{_USAGE}", 2)
            text = value or queue.pop(0)
            try:
                options[_VALUED[flag]] = float(text)
            except ValueError as error:
                raise Failure(f"ping: invalid argument: '{text}'") from error
        elif flag in _SWITCHES:
            options[flag] = 1.0
        elif flag[1:] and flag[1] in _REAL:
            raise not_modelled("ping", flag)
        else:
            raise Failure(f"ping: invalid option -- '{flag[1:]}'\n\n{_USAGE}", 2)
    return options, names


def _socket() -> socket.socket:
    """One that may send echoes. Raises Failure in iputils' words."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
        except OSError:
            continue
    raise Failure(
        "ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing cap_net_raw+p capability or setuid?", 2
    )


def _echo(connection: socket.socket, name: str, address: str, options: dict[str, float]) -> int:
    """Send and wait, once a second, until --count are sent or somebody ends it. 0 when at least one came back."""
    size = int(options.get("size", 56))
    print(f"PING {name} ({address}) {size}({size + 28}) bytes of data.", flush=True)
    count, number, started = int(options.get("count", 0)), 0, time.monotonic()
    times: list[float] = []
    ends = started + options["deadline"] if "deadline" in options else None
    try:
        while (not count or number < count) and (ends is None or time.monotonic() < ends):
            if number:
                time.sleep(options.get("interval", 1.0))
            number += 1
            spent = _once(connection, address, number, size, options.get("timeout", 10.0 if count else 1.0))
            if spent is not None:
                times.append(spent)
                if "-q" not in options:
                    print(f"{size + 8} bytes from {address}: icmp_seq={number} ttl=64 time={spent * 1000:.3f} ms", flush=True)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        print(f"ping: sendmsg: {error.strerror}", file=sys.stderr)
    lost = round((number - len(times)) / number * 100) if number else 0
    print(f"\n--- {name} ping statistics ---")
    print(
        f"{number} packets transmitted, {len(times)} received, {lost}% packet loss, time {(time.monotonic() - started) * 1000:.0f}ms"
    )
    if times:
        mean = sum(times) / len(times)
        spread = float((sum((each - mean) ** 2 for each in times) / len(times)) ** 0.5)
        print(
            "rtt min/avg/max/mdev = " + "/".join(f"{each * 1000:.3f}" for each in (min(times), mean, max(times), spread)) + " ms"
        )
    return 0 if times else 1


def _once(connection: socket.socket, address: str, number: int, size: int, within_s: float) -> float | None:
    """Seconds until the echo came back; None when it did not."""
    mark = os.getpid() & 0xFFFF
    payload = bytes(size)
    head = struct.pack("!BBHHH", 8, 0, 0, mark, number)
    packet = struct.pack("!BBHHH", 8, 0, _checksum(head + payload), mark, number) + payload
    sent = time.monotonic()
    connection.sendto(packet, (address, 0))
    while (left := sent + within_s - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            answer = connection.recv(65536)
        except TimeoutError:
            return None
        if connection.type == socket.SOCK_RAW:
            answer = answer[(answer[0] & 15) * 4 :]
            if answer[4:6] != mark.to_bytes(2, "big"):
                continue
        if answer[0] == 0 and answer[6:8] == number.to_bytes(2, "big"):
            return time.monotonic() - sent
    return None


def _checksum(data: bytes) -> int:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total >> 16) + (total & 0xFFFF)
    return int(~(total + (total >> 16)) & 0xFFFF)
