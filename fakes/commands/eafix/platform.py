"""What `eafix-cli` may ask: the services, Postgres (through psql), Redis and the monitoring. Every question is bounded."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from fakes.commands.control import Control, State, Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.processes import MISSING, TIMED_OUT, Finished, capture
from fakes.commands.wire import Redis, Reply, Unreachable, request

GATEWAY, INGESTOR, SIGNALS, RISK, EXECUTION = (
    "gui-gateway",
    "data-ingestor",
    "signal-generator",
    "risk-manager",
    "execution-engine",
)
BROKER = "broker"
ENVIRONMENT = "production"
_PROMETHEUS = "127.0.0.1:9090"
_SEPARATOR = "\x1f"


class Check(NamedTuple):
    """One thing looked at, and what was seen."""

    name: str
    ok: bool
    seen: str


class SqlFailed(Exception):
    """A query got no answer: the server could not be reached, refused, or took too long."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class Platform:
    """The stack, as its operators' own command sees it."""

    def __init__(self, control: Control, database: str | None = None) -> None:
        self.control = control
        self._database = database  # None: the one that the environment names
        self._state: State | None = None

    def at(self, database: str) -> Platform:
        """The same platform, asked of another database of the same server."""
        return Platform(self.control, database)

    @property
    def state(self) -> State:
        """As it was at the first question."""
        if self._state is None:
            self._state = self.control.state()
        return self._state

    def service(self, name: str) -> Unit:
        """By its name, or that of its deployment. Raises Failure."""
        services = [unit for unit in self.state.units if unit.kind == "service"]
        for unit in services:
            if name in (unit.name, unit.deployment, *unit.aliases):
                return unit
        raise Failure(f"eafix-cli: no service {name!r}; there are {', '.join(unit.name for unit in services)}")

    def ask(self, name: str, method: str, path: str, body: object = None, *, within_s: float = 5.0) -> Reply:
        """One request to a service at its service address. Raises Unreachable."""
        return request(f"127.0.0.1:{self.service(name).port}", method, path, body, timeout_s=within_s)

    def health(self, name: str) -> tuple[bool, dict[str, str]]:
        """Whether a service says that it can do its work, and what it says of its dependencies. Raises Unreachable."""
        reply = self.ask(name, "GET", "/healthz", within_s=3.0)
        body = reply.json()
        found = body.get("dependencies", {}) if isinstance(body, dict) else {}
        return reply.status == 200, {str(key): str(value) for key, value in found.items()}

    def scraped(self, name: str, metric: str) -> dict[str, float]:
        """A metric as the service itself has it, by its labels (as they are written). Raises Unreachable, Failure."""
        return self.scraped_all(name, (metric,))[metric]

    def scraped_all(self, name: str, metrics: Iterable[str]) -> dict[str, dict[str, float]]:
        """Several metrics of one scrape, as `scraped`."""
        reply = self.ask(name, "GET", "/metrics")
        if reply.status != 200:
            raise Failure(f"eafix-cli: {name} tells no metrics: HTTP status {reply.status}")
        found: dict[str, dict[str, float]] = {metric: {} for metric in metrics}
        for line in reply.text.splitlines():
            series, _, value = line.rpartition(" ")
            own, brace, labels = series.partition("{")
            if own in found:
                found[own][labels.removesuffix("}") if brace else ""] = float(value)
        return found

    def sql(self, query: str, *, within_s: float = 5.0, application: str = "eafix-cli") -> list[list[str]]:
        """Rows of one statement, at the database the environment names. Raises SqlFailed."""
        done = self._psql(query, within_s=within_s, application=application)
        return [line.split(_SEPARATOR) for line in done.out.splitlines() if line]

    def maintain(self, statement: str, *, within_s: float) -> str:
        """What Postgres says while it carries out one statement of maintenance. Raises SqlFailed; what takes too long is cancelled."""
        application = f"eafix-cli maintain {os.getpid()}"
        try:
            return self._psql(statement, within_s=within_s, application=application).err
        except SqlFailed as failed:
            if failed.timed_out:  # its session outlives psql
                self.sql(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '{application}'")
            raise

    def _psql(self, query: str, *, within_s: float, application: str) -> Finished:
        command = ["psql", "-X", "-q", "-w", "-A", "-t", "-F", _SEPARATOR, "-v", "ON_ERROR_STOP=1", "-c", query]
        wait_s = max(round(within_s), 2)  # libpq takes whole seconds, and 1 for 2
        environment = dict(os.environ, PGCONNECT_TIMEOUT=str(wait_s), PGAPPNAME=application)
        if self._database is not None:
            environment["PGDATABASE"] = self._database
        done = capture(command, environment, within_s=within_s)
        if done.code == TIMED_OUT:
            raise SqlFailed(f"no answer within {within_s:g} s", timed_out=True)
        if done.code == MISSING:
            raise SqlFailed(done.err)
        if done.code:
            raise SqlFailed(_reason(done.err) or f"psql ended with exit code {done.code}")
        return done

    def database(self) -> str:
        return f"{os.environ.get('PGHOST', '127.0.0.1')}:{os.environ.get('PGPORT', '5432')}"

    def redis(self) -> Redis:
        """A connection to the Redis service address. Raises Unreachable, Failure."""
        address = self.state.address("redis")
        if address is None:
            raise Failure("eafix-cli: this stack has no service address redis")
        return Redis(f"127.0.0.1:{address.port}", timeout_s=5.0)

    def query(self, expression: str) -> Any:
        """The answer of Prometheus's query API. Raises Unreachable, Failure."""
        from urllib.parse import quote

        address = os.environ.get("EAFIX_PROMETHEUS", _PROMETHEUS)
        reply = request(address, "GET", f"/api/v1/query?query={quote(expression, safe='')}", timeout_s=10.0)
        body = reply.json()
        if not isinstance(body, dict) or body.get("status") != "success":
            raise Failure(f"eafix-cli: {body.get('error', reply.text) if isinstance(body, dict) else reply.text}")
        return body["data"]


def report(checks: Iterable[Check]) -> int:
    """Print each check as it comes; 0 when all are well, else 1."""
    failed = 0
    for check in checks:
        print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.seen}", flush=True)
        failed += not check.ok
    return 1 if failed else 0


def refuse_other_environment(environment: str) -> None:
    if environment not in ("", ENVIRONMENT):
        raise not_modelled("eafix-cli", f"--environment={environment}, which is not {ENVIRONMENT},")


def attempt(name: str, look: Any) -> Check:
    """The check that `look` makes; a service that does not answer is a failed check, not the end of the command."""
    try:
        found: Check = look()
    except (Unreachable, SqlFailed) as error:
        return Check(name, False, str(error))
    return found


def _reason(text: str) -> str:
    """The first line of psql's complaint, without its prefixes."""
    for line in text.splitlines():
        stripped = line.strip()
        for prefix in ("psql: error:", "psql:", "ERROR:", "FATAL:"):
            stripped = stripped.removeprefix(prefix).strip()
        if stripped:
            return stripped
    return ""
