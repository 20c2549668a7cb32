"""`eafix-cli monitor` and `monitoring`: watches for a documented time and tells what it sees as it comes. 1 when something was wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from fakes.commands.control import Unit
from fakes.commands.eafix.environments import gateway_of, units_of
from fakes.commands.eafix.platform import GATEWAY, Platform
from fakes.commands.eafix.requests import Requests, requests_of
from fakes.commands.eafix.trading import accepted
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.wire import Unreachable

MONITOR_FLAGS = (Flag("duration", "", "duration"), Flag("environment"))
ENHANCE_FLAGS = (Flag("security-mode", "", "switch"),)
WATCH_FLAGS = (Flag("security-focus", "", "switch"), Flag("duration", "", "duration"))
# 002:151 and 002:152: response time over 200 ms, over 500 ms; error rate over 1 %, over 5 %.
_WARN_S, _CRITICAL_S = 0.2, 0.5
_WARN_SHARE, _CRITICAL_SHARE = 0.01, 0.05
_EVERY_S = 5.0  # documented
_SLICE_S = 0.05  # wall seconds after which a sleeper looks at the clock again
_PROBE = "/api/positions"


class Watch:
    """Looks again and again until a documented duration is over, and prints what it has not said before."""

    def __init__(self, duration_s: float) -> None:
        self.now = _clock()
        self.began_s = self.now()
        self.until_s = self.began_s + duration_s
        self.every_s = min(_EVERY_S, duration_s / 4)
        self.looks = self.failures = self.warnings = 0
        self._said: set[str] = set()

    def run(self, look: Callable[[Watch], None]) -> None:
        """Look at once, every few documented seconds, and at the very end."""
        due_s = self.began_s
        while True:
            look(self)
            self.looks += 1
            if self.now() >= self.until_s:
                return
            due_s = min(max(due_s + self.every_s, self.now()), self.until_s)
            while self.now() < due_s:
                time.sleep(_SLICE_S if due_s - self.now() > 1 else _SLICE_S / 10)

    def tell(self, kind: str, subject: str, seen: str) -> None:
        """One finding, each time that it comes: FAIL or warn."""
        self.failures += kind == "FAIL"
        self.warnings += kind == "warn"
        print(f"{kind}  at {self.now() - self.began_s:.0f} s  {subject}: {seen}", flush=True)

    def lasting(self, kind: str, subject: str, seen: str | None) -> None:
        """A state: told when it begins and when it has ended (None), not each time that it is seen."""
        if seen is not None and subject not in self._said:
            self._said.add(subject)
            self.tell(kind, subject, seen)
        elif seen is None and subject in self._said:
            self._said.remove(subject)
            self.tell("ok  ", subject, "well again")


def _clock() -> Callable[[], float]:
    """The documented clock of the drill; where there is none, the wall's."""
    path = os.environ.get("GAMEDAY_CLOCK")
    if not path:
        return time.monotonic
    from fakes.clock import PageClock

    return PageClock(path).now


def _duration(line: Parsed, command: str) -> float:
    seconds = line.seconds("duration", 0.0)
    if seconds <= 0:
        raise Failure(f"eafix-cli: {command} needs --duration=TIME, such as 5m", 2)
    return seconds


class _Traffic(NamedTuple):
    """What the gateway counted at the first look and at the last (one each, once there is one), and what the probes took."""

    first: list[Requests]
    last: list[Requests]
    probes_s: list[float]


def monitor(line: Parsed, platform: Platform) -> int:
    """Health of each service, the gateway's error rate and response times, and a read of its own at each look."""
    watch = Watch(_duration(line, "monitor"))
    units, gateway = units_of(platform, line.text("environment")), gateway_of(platform, line.text("environment"))
    names = ", ".join(f"{unit.name} {unit.version}".rstrip() for unit in units)
    print(f"watching for {line.text('duration')}: {names}", flush=True)
    traffic = _Traffic([], [], [])

    def look(now: Watch) -> None:
        for unit in units:
            now.lasting("FAIL", unit.name, _ill(platform, unit))
        _probe(platform, gateway, now, traffic.probes_s)
        _count(platform, gateway, now, traffic)

    watch.run(look)
    return _sum_up(watch, gateway, traffic)


def _ill(platform: Platform, unit: Unit) -> str | None:
    """Why a service can't do its work; None when it can."""
    try:
        well, dependencies = platform.health(unit.name)
    except Unreachable as error:
        return error.reason
    down = ", ".join(f"{name} {state}" for name, state in sorted(dependencies.items()) if state != "ok")
    return None if well else down or "can't do its work"


def _probe(platform: Platform, gateway: Unit, watch: Watch, probes_s: list[float]) -> None:
    began = time.monotonic()
    try:
        status = platform.ask(gateway.name, "GET", _PROBE).status
    except Unreachable as error:
        watch.lasting("FAIL", f"GET {_PROBE}", error.reason)
        return
    took_s = time.monotonic() - began
    probes_s.append(took_s)
    watch.lasting("FAIL", f"GET {_PROBE}", None if status == 200 else f"HTTP status {status}")
    watch.lasting("FAIL", "response time", f"{took_s * 1000:.0f} ms, over 500 ms (002:151)" if took_s > _CRITICAL_S else None)


def _count(platform: Platform, gateway: Unit, watch: Watch, traffic: _Traffic) -> None:
    try:
        found = requests_of(platform, gateway.name)
    except (Unreachable, Failure):
        return  # its health says so
    if traffic.last and found.total < traffic.last[-1].total:
        watch.tell("FAIL", gateway.name, "its counters began anew: it was restarted")
        traffic.first.clear()
        traffic.last.clear()
        traffic.first.append(Requests.none())
    if not traffic.first:
        traffic.first.append(found)
    traffic.last[:] = [found]
    share = found.since(traffic.first[0]).failed_share
    watch.lasting("FAIL", "error rate", f"{share:.1%}, over 5 % (002:152)" if share > _CRITICAL_SHARE else None)


def _sum_up(watch: Watch, gateway: Unit, traffic: _Traffic) -> int:
    if traffic.last:
        seen = traffic.last[-1].since(traffic.first[0])
        p95_s = seen.quantile(0.95)
        shown = f", 95 % within {p95_s * 1000:.0f} ms" if p95_s is not None else ""
        print(f"{gateway.name}: {seen.total:.0f} requests, {seen.failed_share:.1%} failed{shown}")
        if seen.maintenance:
            print(
                f"{gateway.name}: {seen.maintenance:.0f} orders were refused by maintenance mode; they are not counted as failed"
            )
        if p95_s is not None and p95_s > _WARN_S:
            critical = p95_s > _CRITICAL_S
            watch.tell("FAIL" if critical else "warn", "response time", f"95 % within {p95_s * 1000:.0f} ms (002:151)")
        if _WARN_SHARE < seen.failed_share <= _CRITICAL_SHARE:
            watch.tell("warn", "error rate", f"{seen.failed_share:.1%}, over 1 % (002:152)")
    if traffic.probes_s:
        print(f"GET {_PROBE}: {len(traffic.probes_s)} answers, the slowest in {max(traffic.probes_s) * 1000:.0f} ms")
    return _ended(watch)


def _ended(watch: Watch) -> int:
    print(
        f"watched {watch.now() - watch.began_s:.0f} s, {watch.looks} looks: {watch.failures} failures, {watch.warnings} warnings"
    )
    return 1 if watch.failures else 0


def enhance(line: Parsed, platform: Platform) -> int:
    """The gateway logs every request from now on (`kubectl logs`), a refused login as a warning; `--security-mode=false` ends that."""
    if not line.has("security-mode"):
        raise Failure("eafix-cli: monitoring enhance needs --security-mode", 2)
    wanted = line.on("security-mode")
    done = accepted(platform.ask(GATEWAY, "POST", "/admin/monitoring", {"security": wanted}, within_s=15.0), GATEWAY)
    age_s = platform.state.now_s - float(done["since_s"])
    print(f"security monitoring is {'on' if done['security'] else 'off'}, for {max(age_s, 0):.0f} s; {GATEWAY} logs ", end="")
    print("every request" if done["security"] else "no requests")
    return 0


def watch(line: Parsed, platform: Platform) -> int:
    """Services that fail and alerts that fire; with --security-focus refused logins and what the gateway logs of them."""
    started = Watch(_duration(line, "monitoring watch"))
    focus = line.on("security-focus")
    security = _Security(platform) if focus else None
    if focus:
        mode = accepted(platform.ask(GATEWAY, "GET", "/admin/monitoring"), GATEWAY)
        print("security monitoring is " + ("on" if mode["security"] else "off: only refused logins and alerts are seen"))
    print(f"watching for {line.text('duration')}", flush=True)
    known: set[str] = set()

    def look(now: Watch) -> None:
        for unit in platform.state.services():
            now.lasting("FAIL", unit.name, _ill(platform, unit))
        _alerts(platform, now, known)
        if security:
            security.look(now)

    started.run(look)
    return _ended(started)


def _alerts(platform: Platform, watch: Watch, known: set[str]) -> None:
    try:
        rows = platform.query('ALERTS{alertstate="firing"}')["result"]
    except (Unreachable, Failure) as error:
        watch.lasting("FAIL", "monitoring", str(error))
        return
    watch.lasting("FAIL", "monitoring", None)
    firing = {" ".join(filter(None, (row["metric"].get("alertname"), row["metric"].get("job")))) for row in rows}
    for name in sorted(firing | known):
        watch.lasting("FAIL", f"alert {name}", "firing" if name in firing else None)
    known |= firing


class _Security:
    """Refused logins since the watch began, and where the gateway's log saw them come from."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._unit = platform.service(GATEWAY)
        self._place = platform.control.logs(self._unit).next
        self._logins = self._counted()

    def look(self, watch: Watch) -> None:
        try:
            now = self._counted()
        except (Unreachable, Failure):
            return  # its health says so
        before, self._logins = self._logins, now
        if new := now - before if now >= before else now:
            watch.tell("FAIL", "failed logins", f"{new:.0f} more, {now:.0f} since {GATEWAY} started")
        if self._place is not None:
            answer = self._platform.control.logs(self._unit, self._place)
            self._place = answer.next
            for text in answer.lines:
                if " WARNING " in text and " security: " in text:
                    watch.tell("warn", "log", text)

    def _counted(self) -> float:
        return sum(self._platform.scraped(GATEWAY, "failed_login_attempts").values())
