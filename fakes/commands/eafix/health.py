"""`eafix-cli status`, `doctor`, `health-check`, `dependencies`, `metrics` and `services`: how the platform is."""

from __future__ import annotations

from collections.abc import Iterator

from fakes.commands.control import Unit
from fakes.commands.eafix import database, feed, trading
from fakes.commands.eafix.environments import units_of
from fakes.commands.eafix.platform import ENVIRONMENT, Check, Platform, attempt, report
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.wire import Unreachable

STATUS_FLAGS = (Flag("verbose", "v", "switch"), Flag("environment"))
DOCTOR_FLAGS = (Flag("environment"), Flag("comprehensive", "", "switch"))
HEALTH_FLAGS = (Flag("comprehensive", "", "switch"),)
DEPENDENCIES_FLAGS = (Flag("service"),)
SERVICES_FLAGS = (Flag("all", "", "switch"),)


def status(line: Parsed, platform: Platform) -> int:
    """0 when every service is ready and every service address leads to an instance that is."""
    environment = line.text("environment")
    units, (state, ill) = units_of(platform, environment), (platform.state, 0)
    whole = environment in ("", ENVIRONMENT)
    for unit in (*units, *state.datastores()) if whole else units:
        ready = unit.running and unit.ready
        other = _stands_in(platform, unit) if whole else None
        ill += unit.kind == "service" and not ready and other is None
        role = f", {unit.role}" if unit.role else ""
        role += f", its address leads to {other}" if other else ""
        more = (
            f"  version {unit.version or '?'}, port {unit.port}, pid {unit.pid or '-'}, {unit.restarts} restarts"
            if line.on("verbose")
            else ""
        )
        print(f"{unit.name:<20}{unit.state}, {'ready' if ready else 'NOT READY'}{role}{more}")
    for address in state.addresses if whole else ():
        instance = state.unit(address.instance or "")
        well = instance is not None and instance.running and instance.ready
        ill += not well
        print(f"{address.name:<20}leads to {address.instance or 'nothing'}{'' if well else ', NOT READY'}")
    print(f"{'platform' if whole else environment}: " + ("ok" if not ill else f"{ill} not ready"))
    return 1 if ill else 0


def _stands_in(platform: Platform, unit: Unit) -> str | None:
    """Who answers at a service's address in its place, and can; None where nobody does."""
    other = platform.state.unit(unit.leads_to or "")
    return other.name if other is not None and other.name != unit.name and other.running and other.ready else None


def health_check(line: Parsed, platform: Platform) -> int:
    """Ask each service; with --comprehensive its dependencies, the datastores and the market data too."""
    return report(health_checks(platform, comprehensive=line.on("comprehensive")))


def health_checks(platform: Platform, *, comprehensive: bool) -> Iterator[Check]:
    for unit in platform.state.services():
        yield from of_service(platform, unit, comprehensive=comprehensive)
    if comprehensive:
        yield attempt("postgres", lambda: _postgres(platform))
        yield attempt("redis", lambda: redis_check(platform))
        yield attempt("market data", lambda: feed.fresh(platform))


def of_service(platform: Platform, unit: Unit, *, comprehensive: bool) -> Iterator[Check]:
    try:
        well, dependencies = platform.health(unit.name)
    except Unreachable as error:
        yield Check(unit.name, False, error.reason)
        return
    down = ", ".join(f"{name} {state}" for name, state in sorted(dependencies.items()) if state != "ok")
    yield Check(unit.name, well, "ok" if well else down or "can't do its work")
    if comprehensive:
        for name, state in sorted(dependencies.items()):
            yield Check(f"{unit.name} to {name}", state == "ok", state)


def _postgres(platform: Platform) -> Check:
    platform.sql("SELECT 1", within_s=3.0)
    return Check("postgres", True, f"{platform.database()} answers")


def redis_check(platform: Platform) -> Check:
    with platform.redis() as redis:
        role = redis.call("ROLE")[0]
    return Check("redis", role == "master", f"{redis.address} answers, {role}")


def doctor(line: Parsed, platform: Platform) -> int:
    """Everything that can be looked at, of another environment its own services; 0 when nothing is wrong."""
    environment = line.text("environment")
    units = units_of(platform, environment)
    if environment not in ("", ENVIRONMENT):
        return report(check for unit in units for check in of_service(platform, unit, comprehensive=True))
    return report(_examine(platform, full=line.on("comprehensive")))


def _examine(platform: Platform, *, full: bool) -> Iterator[Check]:
    yield from health_checks(platform, comprehensive=False)
    for check in database.checks(platform, full=full):
        yield Check(f"database {check.name}", check.ok, check.seen)
    yield attempt("redis", lambda: redis_check(platform))
    yield attempt("market data", lambda: feed.fresh(platform))
    yield attempt("trading", lambda: trading.halted(platform))
    yield from trading.broker_checks(platform)
    yield attempt("monitoring", lambda: _monitoring(platform))


def _monitoring(platform: Platform) -> Check:
    series = platform.query("up")["result"]
    down = sorted(row["metric"].get("job", "?") for row in series if row["value"][1] == "0")
    return Check("monitoring", bool(series), f"{len(series)} targets scraped" + (f", down: {', '.join(down)}" if down else ""))


def dependencies(line: Parsed, platform: Platform) -> int:
    """What a service says of the things it needs."""
    if not line.text("service"):
        raise Failure("eafix-cli: dependencies check needs --service=SERVICE", 2)
    unit = platform.service(line.text("service"))
    try:
        _, found = platform.health(unit.name)
    except Unreachable as error:
        return report([Check(unit.name, False, f"does not answer: {error.reason}")])
    return report(Check(name, state == "ok", state) for name, state in sorted(found.items()))


def metrics_query(line: Parsed, platform: Platform) -> int:
    """What Prometheus answers; 1 when no series matches."""
    if len(line.words) != 1:
        raise Failure("eafix-cli: metrics query needs one expression", 2)
    data = platform.query(line.words[0])
    if data["resultType"] in ("scalar", "string"):
        print(data["result"][1])
        return 0
    for row in data["result"]:
        labels = ", ".join(f'{key}="{value}"' for key, value in sorted(row["metric"].items()) if key != "__name__")
        values = [row["value"]] if "value" in row else row["values"]
        print(f"{row['metric'].get('__name__', '')}{{{labels}}} {' '.join(value for _, value in values)}")
    if not data["result"]:
        print("no data")
    return 0 if data["result"] else 1


def services_stop(line: Parsed, platform: Platform) -> int:
    return _each(line, platform, "stop", "stopped")


def services_start(line: Parsed, platform: Platform) -> int:
    return _each(line, platform, "start", "started")


def _each(line: Parsed, platform: Platform, verb: str, done: str) -> int:
    """Of the platform's own services, all or those named; datastores are no services."""
    if bool(line.words) == line.on("all"):
        raise Failure(f"eafix-cli: services {verb} needs either the services' names or --all", 2)
    units = [platform.service(name) for name in line.words] or platform.state.services()
    if verb == "start" and len(units) > 1:  # they need each other to be well: all start before one of them is awaited
        for unit in units:
            platform.control.act(unit, verb, wait=False)
    for unit in units:
        platform.control.act(unit, verb, wait=True)
        print(f"{unit.name} {done}", flush=True)
    return 0
