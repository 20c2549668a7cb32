"""`eafix-cli benchmark run`: how fast the platform answers now, measured with reads and with risk checks whose room is given back."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from typing import NamedTuple

from fakes.commands.eafix.planning import save
from fakes.commands.eafix.platform import GATEWAY, RISK, SIGNALS, Platform
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.wire import Unreachable

RUN_FLAGS = (Flag("save-results", "", "switch"),)
EACH_S = 1.0  # wall, for each kind of request
_FOLDER = "benchmarks"
_SYMBOL = "EURUSD"


class Result(NamedTuple):
    """One kind of request, one after another over new connections. Times are wall milliseconds."""

    name: str
    requests: int
    failed: int
    per_s: float
    p50_ms: float
    p95_ms: float
    most_ms: float

    def __str__(self) -> str:
        times = f"half within {self.p50_ms:.1f} ms, 95 % within {self.p95_ms:.1f} ms, the slowest {self.most_ms:.1f} ms"
        return f"{self.name:<20}{self.requests} requests, {self.failed} failed, {self.per_s:.0f} a second; {times}"


def run(line: Parsed, platform: Platform) -> int:
    """No order is placed and nothing is written. 1 when a request failed."""
    kinds: dict[str, Callable[[], bool]] = {
        "read positions": lambda: platform.ask(GATEWAY, "GET", "/api/positions").status == 200,
        "read signals": lambda: platform.ask(SIGNALS, "GET", "/api/signals?limit=20").status == 200,
        "check risk": lambda: _checked(platform),
        "ping redis": lambda: _pinged(platform),
    }
    results = []
    for name, ask in kinds.items():
        results.append(_measured(name, ask))
        print(results[-1], flush=True)
    before = _before()
    for each in results:
        if before.get(each.name):
            print(f"{each.name:<20}95 % within {before[each.name]:.1f} ms the last time, {each.p95_ms:.1f} ms now")
    if line.on("save-results"):
        print(f"results: {_save(platform, results)}")
    return 1 if any(each.failed for each in results) else 0


def _checked(platform: Platform) -> bool:
    """A decision on one unit; a refusal is a decision too. What it holds is given back at once."""
    name = f"bench-{uuid.uuid4().hex}"
    order = {"client_order_id": name, "symbol": _SYMBOL, "side": "buy", "quantity": 1}
    status = platform.ask(RISK, "POST", "/api/risk/check", order).status
    if status == 200:
        platform.ask(RISK, "POST", "/api/risk/release", {"client_order_id": name})
    return status in (200, 409)


def _pinged(platform: Platform) -> bool:
    with platform.redis() as redis:
        return bool(redis.call("PING") == "PONG")


def _measured(name: str, ask: Callable[[], bool]) -> Result:
    times: list[float] = []
    failed, began = 0, time.monotonic()
    while time.monotonic() - began < EACH_S:
        started = time.monotonic()
        try:
            failed += not ask()
        except Unreachable:
            failed += 1
        times.append((time.monotonic() - started) * 1000)
    took_s = time.monotonic() - began
    times.sort()
    count = len(times)
    return Result(name, count, failed, count / took_s, times[count // 2], times[min(int(count * 0.95), count - 1)], times[-1])


def _before() -> dict[str, float]:
    """By kind, the 95 % of the latest results that were saved here."""
    try:
        names = sorted(name for name in os.listdir(_FOLDER) if name.startswith("benchmark-") and name.endswith(".json"))
        if not names:
            return {}
        with open(os.path.join(_FOLDER, names[-1]), encoding="utf-8") as file:
            return {str(row["name"]): float(row["p95_ms"]) for row in json.load(file)["results"]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"eafix-cli: the results in {_FOLDER} can't be read: {error}") from error


def _save(platform: Platform, results: list[Result]) -> str:
    at = time.gmtime(platform.state.epoch_s + platform.state.now_s)
    path = os.path.join(_FOLDER, f"benchmark-{time.strftime('%Y%m%d-%H%M%S', at)}.json")
    body = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", at),
        "versions": {unit.name: unit.version for unit in platform.state.services()},
        "results": [each._asdict() for each in results],
    }
    save(path, json.dumps(body, indent=2) + "\n")
    return path
