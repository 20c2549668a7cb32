"""Everybody around the stack while a procedure is carried out: the load with its ledger, the monitor, the pager, the workstation."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from fakes.clock import ClockPage
from harness.history import LEDGER_FILE, Event, Recorder
from harness.monitor.api import Api
from harness.monitor.monitor import Monitor
from harness.monitor.pagerduty import PagerDutyNotifier
from harness.monitor.rules import Alert
from harness.monitor.target import ScrapeTarget
from harness.respond.root import link_root
from harness.respond.standing import Standing
from harness.respond.workstation import Endpoints, Workstation, build_workstation
from harness.runbooks.outside import open_web
from harness.runbooks.spec import CheckSpec
from harness.stack.cloud import Cloud
from harness.stack.embedded import EmbeddedStack
from harness.stack.redis import RedisServer
from harness.stack.topology import CONTROL_PORT, PROMETHEUS_PORT
from harness.workload.config import ObserverConfig
from harness.workload.stream import Observer

_ROUTING_KEY = "gameday-drill-routing-key-000000"
CLOUD_PORT = 4566
_HEARD = ".heard"  # a folder of the workstation: what curl was answered


class Surroundings:
    """Starts them in order; each is ended by the exit stack that `start` is given."""

    def __init__(
        self, spec: CheckSpec, stack: EmbeddedStack, clock: ClockPage, recorder: Recorder, *, tell: Callable[[Event], None]
    ) -> None:
        """`tell` hears of each event of the ledger."""
        self._spec, self._stack, self._clock, self._recorder, self._tell = spec, stack, clock, recorder, tell
        self.observer = Observer()
        self.firing: set[str] = set()

    async def start(self, undo: AsyncExitStack) -> None:
        await self._watch(undo)
        undo.push_async_callback(self.observer.stop)
        self.observer.listen(self._tell)
        await self.observer.start(self._load(), self._spec.run / "logs" / "observer.log")

    async def _watch(self, undo: AsyncExitStack) -> None:
        spec, monitoring = self._spec, self._stack.model.monitoring
        notifier = PagerDutyNotifier(self._url("pager"), _ROUTING_KEY, self._clock, on_paged=lambda alert, key: None)
        undo.push_async_callback(notifier.close)
        monitor = Monitor(
            spec.rules, [self._target(name) for name in monitoring.scrape], self._clock, scrape_every_s=monitoring.scrape_every_s,
            evaluate_every_s=monitoring.evaluate_every_s, on_alert=self._heard, notify=notifier,
            on_health=lambda health: None, on_problem=lambda problem: None,
        )  # fmt: skip
        api = Api(monitor, self._stack.ports[PROMETHEUS_PORT])
        undo.push_async_callback(api.stop)
        await api.start()
        undo.push_async_callback(monitor.stop)
        await monitor.start()

    def _heard(self, alert: Alert) -> None:
        if alert.state == "firing":
            self.firing.add(alert.rule)
        elif alert.state == "resolved":
            self.firing.discard(alert.rule)
        self._recorder.record(f"alert.{alert.state}", alert.rule, at_s=alert.at_s, labels=dict(alert.labels))

    def _target(self, name: str) -> ScrapeTarget:
        if name in self._stack.services:
            return ScrapeTarget(name, f"http://127.0.0.1:{self._stack.metrics_port(name)}/metrics")
        return ScrapeTarget(name, f"http://127.0.0.1:{self._stack.services['exporter'].port}/metrics/{name}")

    def _load(self) -> ObserverConfig:
        load = self._spec.load
        return ObserverConfig(
            clock=self._spec.run / "clock.page", ledger=self._spec.run / LEDGER_FILE, gateway=self._url("gui-gateway"),
            ingestor=self._url("data-ingestor"), signals=self._url("signal-generator"), orders_per_s=load.orders_per_s,
            canary_every_s=load.canary_every_s, symbols=load.symbols, seed=self._spec.seed, prefix="check-",
        )  # fmt: skip

    def _url(self, program: str) -> str:
        """The documented address of whatever plays this part, as clients use it."""
        services = self._stack.model.services
        name = program if program in services else next(
            (name for name, each in services.items() if each.program == program), program
        )  # fmt: skip
        return f"http://{self._stack.ports.address(services[name].port)}"

    # --- the workstation --------------------------------------------------------------------------------------

    def workstation(self) -> Workstation:
        """Built anew. Its curl tells what it was answered."""
        spec, ports = self._spec, self._stack.ports
        endpoints = Endpoints(
            control=ports.address(CONTROL_PORT), prometheus=ports.address(PROMETHEUS_PORT), ports=ports.mapped(),
            database=str(spec.settings["postgres.database"]), user=str(spec.settings["postgres.user"]),
            cloud=ports.address(CLOUD_PORT), clock=spec.run / "clock.page", certificates=self.certificates, folders=self.folders,
        )  # fmt: skip
        built = build_workstation(spec.workstation, self._stack.model, endpoints, programs=spec.tools.commands)
        link_root(built.root)
        _listen_to_curl(built)
        return built

    @property
    def certificates(self) -> Path | None:
        """Of the authority that vouches for the ingress."""
        services = self._stack.model.services
        name = next((name for name, each in services.items() if each.program == "ingress"), None)
        return self._spec.run / "state" / name / "ca.pem" if name is not None else None

    @property
    def folders(self) -> dict[str, Path]:
        """Data of the stack that lie on the operator's own machine, by documented path: those of what systemd runs there."""
        local = [name for name, each in self._stack.model.datastores.items() if each.systemd]
        redis = [store for name in local if isinstance(store := self._stack.datastores[name], RedisServer)]
        return {"/var/lib/redis": redis[0].data} if redis else {}

    async def stand(self, station: Workstation, undo: AsyncExitStack) -> None:
        """What goes on at the workstation without anybody typing, and what it reaches outside. Last night's backups are there then."""
        cloud = Cloud(
            CLOUD_PORT, self._stack.model.checkout, seeds=station.folder / "cloud", log=self._spec.run / "logs" / "cloud.log"
        )
        undo.push_async_callback(cloud.stop)
        await cloud.start()
        await open_web(undo, self._stack.model)
        standing = Standing(station, self._stack.model, logs=self._spec.run / "logs")
        undo.push_async_callback(standing.stop)
        await standing.start()
        await standing.ready()


def _listen_to_curl(station: Workstation) -> None:
    """Put a curl before the real one that has it write the headers of its answers down. What it prints stays the same."""
    heard = station.folder / _HEARD
    heard.mkdir(exist_ok=True)
    path = next((place for each in station.environment["PATH"].split(":") if (place := Path(each, "curl")).exists()), None)
    if path is None or not path.is_relative_to(station.folder):
        return
    real, folder = str(path.resolve()), shlex.quote(str(heard))
    path.unlink()
    path.write_text(
        f'#!/bin/sh\nif [ -w {folder} ]; then printf "%s " "$@" > {folder}/$$.said; exec {shlex.quote(real)} -D {folder}/$$.heard "$@"; fi\n'
        f'exec {shlex.quote(real)} "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)


def take_answers(station: Path) -> list[dict[str, Any]]:
    """What curl said and was answered since the last time: `{"said": arguments, "status": the last status line}`."""
    found: list[dict[str, Any]] = []
    for path in sorted((station / _HEARD).glob("*.heard"), key=_age):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        status = [each.strip() for each in lines if each.startswith("HTTP/")]
        said = path.with_suffix(".said")
        if status and len(found) < 50:
            found.append({"said": said.read_text(errors="replace")[:400].strip() if said.exists() else "", "status": status[-1]})
        path.unlink()
        said.unlink(missing_ok=True)
    return found


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns
