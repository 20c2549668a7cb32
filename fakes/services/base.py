"""What every service has: a configuration, the clock, a log, metrics, health, HTTP, background work, a graceful end.

A program is one function `start(service)` that says what the service answers and does, and a `main(config)` that hands it
to `run`. SIGTERM ends a service within 2 s of the wall: it stops accepting, finishes what is in flight, acknowledges what
it consumed, closes its connections and exits with status 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import resource
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from aiohttp.typedefs import Middleware

from fakes.clock import OwnClock, PageClock
from fakes.services.answers import Handler, answer, translated
from fakes.services.bus import Bus, Consumer
from fakes.services.calls import Peer
from fakes.services.config import Config
from fakes.services.database import Database
from fakes.services.defects import defective, work_of
from fakes.services.health import Dependency
from fakes.services.logs import log_to_stderr
from fakes.services.metrics import CONTENT_TYPE, Registry
from fakes.services.strain import Strain

Work = Callable[[], Coroutine[Any, Any, None]]

CLOCK_OFFSET = "clock.offset"  # in the state folder: how far its clock is off, see `fakes.clock`
_IN_FLIGHT_S = 1.0  # wall seconds after SIGTERM in which Postgres may still answer requests in flight
_ANSWERED_S = 1.2  # then they are answered, well or badly
_BATCH_S = 0.4  # for the batch that a consumer has in hand
_END_S = 1.9  # then the process ends in any case
_PAGE_BYTES = resource.getpagesize()
_CPU_LEAST_S = 0.5  # wall: what the share of a processor is measured over, at least

_log = logging.getLogger(__name__)


class Service:
    """One running service. A `start` function fills it; `run` drives it."""

    def __init__(self, config: Config, clock: PageClock) -> None:
        self.config = config
        self.clock = clock
        self.metrics = Registry()
        self.dependencies: dict[str, Dependency] = {}
        self.optional: set[str] = set()  # dependencies without which it can do its work now
        self._requests = self.metrics.counter("http_requests_total", "method", "path", "status")
        self._durations = self.metrics.histogram("http_request_duration_seconds", "method", "path")
        self._app = web.Application()
        self._work: list[Work] = []
        self._consumers: list[Consumer] = []
        self._databases: list[Database] = []
        self._closing: list[Callable[[], Awaitable[None] | None]] = []
        self._end = asyncio.Event()
        self.site: Callable[[web.AppRunner, str, int], web.BaseSite] = web.TCPSite  # what it listens with
        self._status = 0
        self._strain = Strain(config.state_dir)
        self._describe_itself()
        if (work := work_of(config.defect)) is not None:
            self.background(work)

    # --- what a program says of itself ---

    def get(self, path: str, handler: Handler) -> None:
        self._app.router.add_get(path, self._measured("GET", path, handler), allow_head=False)

    def post(self, path: str, handler: Handler) -> None:
        self._app.router.add_post(path, self._measured("POST", path, handler))

    def open_ended(self, path: str, handler: Handler) -> None:
        """Like `get`, for answers that last as long as the client stays: their durations say nothing, so none is measured."""

        async def unmeasured(request: web.Request) -> web.StreamResponse:
            return await translated(request, handler)

        self._app.router.add_get(path, unmeasured, allow_head=False)

    def around(self, middleware: Middleware) -> None:
        """Ask this before any route: it answers a request itself, or has it answered."""
        self._app.middlewares.append(middleware)

    def background(self, work: Work) -> None:
        """Run this from the start to the end of the service. If it raises, the service ends with status 1."""
        self._work.append(work)

    def consume(self, consumer: Consumer) -> None:
        """Read a stream from the start to the end of the service; at the end the batch in hand is finished."""
        self._consumers.append(consumer)

    def on_stop(self, stop: Callable[[], None]) -> None:
        """Call this when the end begins: answers that stream without end must end now."""

        async def stopping(_: web.Application) -> None:
            stop()

        self._app.on_shutdown.append(stopping)

    def on_response(self, tell: Callable[[web.Request, web.StreamResponse], Awaitable[None]]) -> None:
        """Tell this of every request and its answer, before the answer is sent."""
        self._app.on_response_prepare.append(tell)

    def on_close(self, close: Callable[[], Awaitable[None] | None]) -> None:
        """Call this at the very end, the last told first."""
        self._closing.append(close)

    def dependency(self, name: str) -> Dependency:
        """Something this service needs; whoever uses it tells it how it was."""
        self.dependencies[name] = Dependency(name)
        return self.dependencies[name]

    def database(self, name: str = "postgres") -> Database:
        """The Postgres behind this link."""
        dependency = self.dependency(name)
        database = Database(self.config, self.clock, dependency)
        self._uses(dependency, database.ping)
        self._databases.append(database)
        return database

    def bus(self, name: str = "redis") -> Bus:
        """The Redis behind this link."""
        dependency = self.dependency(name)
        bus = Bus(self.config, self.clock, dependency)
        self._uses(dependency, bus.ping)
        self.on_close(bus.close)
        self.background(lambda: bus.beat(self.state))
        return bus

    def peer(self, name: str) -> Peer:
        """The service behind this link."""
        dependency = self.dependency(name)
        peer = Peer(self.config, self.clock, dependency)
        self._uses(dependency, peer.ping)
        self.on_close(peer.close)
        return peer

    def _uses(self, dependency: Dependency, ping: Work) -> None:
        self.background(lambda: dependency.watch(ping))

    # --- what every service answers ---

    def state(self) -> str:
        """`ok`, or what is down."""
        return "; ".join(f"{each.name} {each.state}" for each in self._missed()) or "ok"

    def _missed(self) -> list[Dependency]:
        return [each for name, each in self.dependencies.items() if not each.up and name not in self.optional]

    def _describe_itself(self) -> None:
        self._app.router.add_get("/healthz", self._healthz)
        self._app.router.add_get("/metrics", self._scrape)
        self.metrics.gauges("service_info", ("version",), lambda: {(self.config.version,): 1.0})
        self.metrics.gauges(
            "dependency_up", ("dependency",), lambda: {(name,): float(each.up) for name, each in self.dependencies.items()}
        )
        self.metrics.gauge("process_resident_memory_bytes", resident_bytes)
        self.metrics.gauge("process_open_fds", _open_descriptors)
        self.metrics.gauge("process_max_fds", _most_descriptors)
        self.metrics.gauge("cpu_usage_percent", _CpuShare().percent)
        began_s = self.clock.now()
        self.metrics.gauge("process_started_at_seconds", lambda: began_s)  # documented, as everything is
        self.metrics.gauge("process_clock_seconds", self.clock.now)  # what time it is here: clocks can be off

    async def _healthz(self, _: web.Request) -> web.Response:
        missed = bool(self._missed())
        body = {
            "status": "unavailable" if missed else "ok",
            "service": self.config.name,
            "version": self.config.version,
            "dependencies": {name: each.state for name, each in self.dependencies.items()},
        }
        return answer(body, 503 if missed else 200)

    async def _scrape(self, _: web.Request) -> web.Response:
        return web.Response(body=self.metrics.render().encode(), headers={"Content-Type": CONTENT_TYPE})

    def _measured(self, method: str, path: str, handler: Handler) -> Handler:
        """Count and time requests; probes and scrapes are no traffic and are not counted."""
        handled = defective(self.config.defect, handler)

        async def measured(request: web.Request) -> web.StreamResponse:
            began_s = time.perf_counter()
            status = 500
            try:
                response = await translated(request, handled)
                status = response.status
            finally:
                self._requests.add(method, path, str(status))
                self._durations.observe(time.perf_counter() - began_s, method, path)
            return response

        return measured

    # --- life ---

    async def live(self, start: Callable[[Service], Awaitable[None]]) -> int:
        """From the start to SIGTERM; returns the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        loop.add_signal_handler(signal.SIGUSR2, self._strain.heed)
        self._strain.heed()
        await self._strain.late(self.clock, self._end)
        if self._end.is_set():
            return self._status
        await start(self)
        runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=_ANSWERED_S)
        await runner.setup()
        await self.site(runner, "127.0.0.1", self.config.port).start()
        _log.info("version %s listens on port %d", self.config.version, self.config.port)
        consuming = [loop.create_task(consumer.run()) for consumer in self._consumers]
        working = [loop.create_task(work()) for work in self._work]
        for task in (*consuming, *working):
            task.add_done_callback(self._ended)
        await self._end.wait()
        _log.info("stops")
        loop.call_later(_END_S, os._exit, self._status)
        await self._stop(runner, consuming, working)
        _log.info("has stopped")
        return self._status

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.critical("Exception in the background: the service ends", exc_info=error)
            self._status = 1
            self._end.set()

    async def _stop(self, runner: web.AppRunner, consuming: list[asyncio.Task[None]], working: list[asyncio.Task[None]]) -> None:
        for consumer in self._consumers:
            consumer.stop()
        for database in self._databases:
            asyncio.get_running_loop().call_later(_IN_FLIGHT_S, database.hang_up)
        await runner.cleanup()
        if consuming:
            await asyncio.wait(consuming, timeout=_BATCH_S)
        for database in self._databases:
            await database.close()
        for task in (*consuming, *working):
            task.cancel()
        await asyncio.gather(*consuming, *working, return_exceptions=True)
        for close in reversed(self._closing):
            if (closing := close()) is not None:
                await closing


class _CpuShare:
    """The processor time of this process, in percent of one core: since the last question, or of half a second of the wall.

    What is asked for sooner is noise. Time for which a thread had to wait for a core counts as well: that the machine carries
    something else out is none of the stack's.
    """

    def __init__(self) -> None:
        self._waited = _Waited()
        self._marks = deque([self._mark()])

    def percent(self) -> float:
        now = self._mark()
        while len(self._marks) > 1 and now[0] - self._marks[1][0] >= _CPU_LEAST_S:
            self._marks.popleft()
        wall_s, busy_s = (here - then for here, then in zip(now, self._marks[0], strict=True))
        self._marks.append(now)
        return round(100 * busy_s / max(wall_s, 1e-6), 2)

    def _mark(self) -> tuple[float, float]:
        """Wall time, and the time for which this process used a core or waited for one."""
        return time.monotonic(), time.process_time() + self._waited.seconds()


class _Waited:
    """For how long the threads of this process have waited for a core. It never goes back, whichever of them end."""

    def __init__(self, tasks: Path = Path("/proc/self/task")) -> None:
        self._tasks = tasks
        self._known: dict[str, int] = {}  # nanoseconds, by thread
        self._all_ns = 0

    def seconds(self) -> float:
        """Since the process began; what it was before, when there is no descriptor left to look with."""
        with contextlib.suppress(OSError):
            known = {}
            for thread in self._tasks.iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError, IndexError):  # it has ended
                    known[thread.name] = int((thread / "schedstat").read_text(encoding="ascii").split()[1])
            self._all_ns += sum(max(waited - self._known.get(name, 0), 0) for name, waited in known.items())
            self._known = known
        return self._all_ns / 1e9


def resident_bytes() -> float:
    """The resident memory of this process; the most that it had when there is no descriptor left to look with."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _open_descriptors() -> float:
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir()) - 1  # one was opened for the look
    except OSError:  # there is none left
        return _most_descriptors()


def _most_descriptors() -> float:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def run(given: Mapping[str, Any], start: Callable[[Service], Awaitable[None]]) -> None:
    """Be the service until SIGTERM. Raises SystemExit when it could not do its work."""
    config = Config.of(given)
    config.state_dir.mkdir(parents=True, exist_ok=True)
    clock = OwnClock(config.clock, config.state_dir / CLOCK_OFFSET)
    log_to_stderr(config.name, clock)

    async def live() -> int:
        return await Service(config, clock).live(start)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            status = runner.run(live())
        except Exception:  # noqa: BLE001 - the end of the process: the log gets the trace whatever it was
            _log.critical("Exception: the service ends", exc_info=True)
            status = 1
    if status:
        raise SystemExit(status)
