"""The embedded Toxiproxy beside the real one and no proxy at all: `python tests/bench/bench_toxiproxy.py`, about 10 s.

Each round measures every target once, one right after the other, and a difference is always taken within a round: what
the machine does meanwhile touches all alike. The median of the rounds is printed. Nothing is asserted here.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run as a script from anywhere

from harness.errors import MissingTool, ProxyError
from harness.toxiproxy import ProxySpec, Toxiproxy
from harness.toxiproxy_server import ToxiproxyServer, find_toxiproxy

ROUNDS = 5
ROUND_TRIPS = 2000
WARM_UP = 200
ONE_WAY_BYTES = 384 * 1024 * 1024
BLOCK = bytes(256 * 1024)


@dataclass(slots=True)
class Figures:
    """Of one target, one entry a round."""

    p50_us: list[float] = field(default_factory=list)
    p99_us: list[float] = field(default_factory=list)
    mb_s: list[float] = field(default_factory=list)


def measure() -> dict[str, Figures]:
    """Figures of `direct`, `embedded` and, where there is one, `real`."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(_upstream())
        targets = {"direct": upstream}
        for server in _servers():
            targets[server.kind] = stack.enter_context(_proxied(server, upstream))
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        figures = {name: Figures() for name in targets}
        for _ in range(ROUNDS):
            for name, address in targets.items():
                p50, p99 = _round_trips(address)
                figures[name].p50_us.append(p50)
                figures[name].p99_us.append(p99)
            for name, address in targets.items():
                figures[name].mb_s.append(_one_way(address))
        return figures


def table(figures: dict[str, Figures]) -> str:
    """One line a target; `added` is over direct."""
    direct = figures["direct"]
    lines = [
        f"{'target':10} {'1-byte round trip, us':>24} {'added, us':>16} {'one way':>12}",
        f"{'':10} {'p50':>12} {'p99':>11} {'p50':>8} {'p99':>7} {'MB/s':>12}",
    ]
    added: dict[str, tuple[float, float]] = {}
    for name, own in figures.items():
        added[name] = (_difference(own.p50_us, direct.p50_us), _difference(own.p99_us, direct.p99_us))
        p50, p99, speed = (statistics.median(values) for values in (own.p50_us, own.p99_us, own.mb_s))
        lines.append(f"{name:10} {p50:12.1f} {p99:11.1f} {added[name][0]:8.1f} {added[name][1]:7.1f} {speed:12.0f}")
    if "real" in figures:
        faster = statistics.median(
            ours / theirs for ours, theirs in zip(figures["embedded"].mb_s, figures["real"].mb_s, strict=True)
        )
        shares = [ours / theirs for ours, theirs in zip(added["embedded"], added["real"], strict=True)]
        lines.append(f"embedded / real: added p50 x {shares[0]:.2f}, added p99 x {shares[1]:.2f}, MB/s x {faster:.2f}")
    else:
        lines.append("no real toxiproxy-server here; get it by `gameday tools install toxiproxy`.")
    return "\n".join(lines)


def _difference(own: list[float], base: list[float]) -> float:
    return statistics.median(a - b for a, b in zip(own, base, strict=True))


def _servers() -> Iterator[ToxiproxyServer]:
    yield find_toxiproxy({"GAMEDAY_TOXIPROXY": "embedded"})
    with contextlib.suppress(MissingTool):
        yield find_toxiproxy({**os.environ, "GAMEDAY_TOXIPROXY": "real"})


@contextlib.contextmanager
def _proxied(server: ToxiproxyServer, upstream: tuple[str, int]) -> Iterator[tuple[str, int]]:
    """A proxy of this server to upstream."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        server.command("127.0.0.1", port), stdout=subprocess.DEVNULL, cwd=Path(__file__).resolve().parents[2]
    )
    try:
        client = Toxiproxy("127.0.0.1", port)
        _await(client)
        proxy = client.create(ProxySpec("bench", "127.0.0.1:0", f"{upstream[0]}:{upstream[1]}"))
        host, _, listen = proxy.listen.rpartition(":")
        yield host, int(listen)
    finally:
        process.terminate()
        process.wait()


def _await(client: Toxiproxy) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.version()
        except ProxyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


@contextlib.contextmanager
def _upstream() -> Iterator[tuple[str, int]]:
    """A server in a process of its own: what begins with `e` is echoed, what begins with `s` is counted."""
    listener = socket.create_server(("127.0.0.1", 0))
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(listener,), daemon=True)
    process.start()
    try:
        yield listener.getsockname()
    finally:
        process.terminate()
        process.join()
        listener.close()


def _serve(listener: socket.socket) -> None:
    # Client and upstream on two processors: on one, chance decides a run's figures by a factor of three.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    while True:  # one client at a time, as the bench has it
        client, _ = listener.accept()
        with client, contextlib.suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if client.recv(1) == b"e":
                while data := client.recv(4096):
                    client.sendall(data)
            else:
                buffer, left = bytearray(1024 * 1024), ONE_WAY_BYTES
                while left and (size := client.recv_into(buffer)):
                    left -= size
                client.sendall(b".")


def _round_trips(address: tuple[str, int]) -> tuple[float, float]:
    """p50 and p99 of a 1-byte round trip in microseconds."""
    with socket.create_connection(address) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(b"e")
        taken = []
        for _ in range(WARM_UP + ROUND_TRIPS):
            began = time.perf_counter_ns()
            client.sendall(b"x")
            client.recv(1)
            taken.append((time.perf_counter_ns() - began) / 1000)
    ordered = sorted(taken[WARM_UP:])
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def _one_way(address: tuple[str, int]) -> float:
    """Megabytes (10^6) a second, until the receiver has all."""
    with socket.create_connection(address) as client:
        client.sendall(b"s")
        began = time.perf_counter()
        for _ in range(ONE_WAY_BYTES // len(BLOCK)):
            client.sendall(BLOCK)
        client.recv(1)
        return ONE_WAY_BYTES / (time.perf_counter() - began) / 1e6


if __name__ == "__main__":
    print(table(measure()))
