"""A fork server and a stack of services, for tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from fakes.clock import ClockPage
from tests.fakes.services.live import ROOT, Gate, Postgres, Redis, eventually, free_ports


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
        self.defects: dict[str, str] = {}  # of bad versions, by service
        self.environments: dict[str, dict[str, str]] = {}  # by service: what its deployment gives it
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
            "environment": self.environments.get(name, {}),
            "defect": self.defects.get(name, ""),
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
