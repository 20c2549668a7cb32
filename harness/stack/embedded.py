"""The embedded stack: datastores, proxies and services as processes of this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

import fakes.services
from fakes.clock import Clock
from harness.errors import HarnessError
from harness.ports import Ports, free_port
from harness.sandbox.warm import Warm
from harness.stack.backup_redis import RedisBackups
from harness.stack.backup_store import BucketStore, Store
from harness.stack.backups import Backups, BackupSettings, Source
from harness.stack.cloud import Cloud
from harness.stack.disk_status import tell_of_disks
from harness.stack.objects import ObjectStore
from harness.stack.postgres import PostgresServer, PostgresSettings
from harness.stack.process import Process, descendants, memory_mb
from harness.stack.redis import RedisServer
from harness.stack.releases import Releases
from harness.stack.restore import Restored
from harness.stack.services import ForkServer, RunningService
from harness.stack.topology import CONTROL_PORT, TOXIPROXY_PORT, Topology
from harness.tools import Tools
from harness.toxiproxy import ProxySpec, Toxiproxy
from harness.toxiproxy_server import ToxiproxyServer
from harness.waiting import wait_until
from scenarios.model import Stack

READY_WITHIN_S = 30.0
WRITTEN_TO = "postgres"  # the service address through which clients write
NOWHERE = 1  # a port on which nobody listens
Instance = PostgresServer | RedisServer
T = TypeVar("T", PostgresServer, RedisServer)


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a drill keeps what runs (fast, private, gone afterwards) and what stays."""

    run: Path
    logs: Path
    clock: Path


class EmbeddedStack:
    """The stack of one drill. `start` and `stop` are safe to repeat; `stop` runs every step even if one fails."""

    kind = "embedded"

    def __init__(
        self, stack: Stack, settings: Mapping[str, Any], *, tools: Tools, toxiproxy: ToxiproxyServer, ports: Ports, folders: Folders,
        clock: Clock, seed: int, warm: Warm | None = None,
    ) -> None:  # fmt: skip
        self.model, self.settings, self.ports, self.clock, self.folders = stack, dict(settings), ports, clock, folders
        self.topology = Topology(stack, ports)
        self.roles = self.topology.roles()
        self.selectors = {name: dict(address.selector) for name, address in stack.addresses.items()}
        self.pointing = {name: self.topology.selected(name, self.roles) for name in stack.addresses}
        inside = [name for name, model in stack.services.items() if model.inside and not model.standby]
        self.service_selectors = {name: {"app": self.topology.service_labels(name)["app"]} for name in inside}
        self.service_pointing: dict[str, str | None] = {name: name for name in inside}
        self.objects = ObjectStore(stack.namespace, (self._as_set(manifest) for manifest in stack.objects))
        self.active_site = stack.sites.first if stack.sites else None  # the one whose database takes writes
        self.fenced: set[str] = set()  # sites that were cut off for good by whoever took over from them
        self.out_of_reach: set[str] = set()  # parts whose own control API does not answer either, with all of their site
        self.on_cutover: Callable[[str, str, str], None] = lambda address, old, new: None
        self.on_backup: Callable[..., object] = lambda kind, subject, **facts: None  # as of the start
        self.backups: Backups | None = None  # made at the start, where the settings ask for them
        self.toxiproxy = Toxiproxy("127.0.0.1", ports[TOXIPROXY_PORT])
        self._toxiproxy_server, self._tools, self._seed, self._warm = toxiproxy, tools, seed, warm
        self._fork_server = ForkServer(folders.run / "fork.sock", folders.logs / "forkserver.log", warm)
        self._owned: list[Process] = []
        self.services = {name: self._service(name) for name in stack.services}
        self.datastores = {name: self._datastore(name) for name in stack.datastores}
        self.http = httpx.AsyncClient(trust_env=False)
        self._started = False

    @property
    def shared(self) -> Path:
        """A folder that whatever this stack is made of can read."""
        return self.folders.run

    # --- building ---------------------------------------------------------------------------------------------

    def _service(self, name: str) -> RunningService:
        model = self.model.services[name]
        state = self.folders.run / "state" / name
        links = self.topology.links_of(name)
        if model.program == "ingress":  # it obeys objects of the cluster
            links["control"] = self.ports.address(CONTROL_PORT)
        config = {
            "name": model.twin_of or name, "program": model.program, "port": self.topology.process_port(name), "clock": str(self.folders.clock),
            "version": model.version, "seed": self._seed, "addresses": links,
            "settings": {**self.settings, **model.settings}, "state_dir": str(state),
        }  # fmt: skip
        return RunningService(
            name, config, self.folders.logs / f"{name}.log", self._fork_server, self.clock,
            present=not model.standby, releases=Releases.of(model.version), mounted=lambda: self._mounted(name),
        )  # fmt: skip

    def _as_set(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """A ConfigMap with the settings of this drill in it: at the start it says what the services run with."""
        data = manifest.get("data")
        if manifest.get("kind") != "ConfigMap" or not isinstance(data, Mapping):
            return manifest
        written = {key: _written(self.settings[key]) if key in self.settings else value for key, value in data.items()}
        return {**manifest, "data": written}

    def _mounted(self, name: str) -> dict[str, str]:
        """What stands in a service's ConfigMap, DEPLOYMENT-config, at the moment."""
        model = self.model.services[name]
        found = self.objects.get("ConfigMap", model.namespace or self.model.namespace, f"{model.deployment}-config")
        return {str(key): str(value) for key, value in ((found or {}).get("data") or {}).items()}

    def _datastore(self, name: str) -> Instance:
        model, log = self.model.datastores[name], self.folders.logs / f"{name}.log"
        port, run = self.ports[model.port], self.folders.run
        if model.kind == "redis":
            return RedisServer(name, program=self._tools.redis_server.path, folder=run, port=port, log=log, clock=self.clock)
        return PostgresServer(
            name, programs=self._tools.postgres.path, folder=run, port=port, log=log, clock=self.clock,
            settings=PostgresSettings.of(self.settings), uid=_other_than_root(),
        )  # fmt: skip

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> float:
        """Boot everything; wall seconds it took. Raises NotReady, HarnessError."""
        began = time.monotonic()
        for name in self.services:
            (self.folders.run / "state" / name).mkdir(parents=True, exist_ok=True)
        self._started = True
        await asyncio.gather(self._start_proxies(), self._fork_server.start(self.clock), self._start_datastores())
        tell_of_disks(self.folders.run / "state", self.model, (store.disk for store in self._of(PostgresServer)))
        await self._start_backups()
        present = [service for service in self.services.values() if service.present]
        await asyncio.gather(*(service.start() for service in present))
        await asyncio.gather(*(service.wait_healthy(self.http, within_s=READY_WITHIN_S) for service in present))
        return time.monotonic() - began

    async def _start_proxies(self) -> None:
        server, log = self._toxiproxy_server, self.folders.logs / "toxiproxy.log"
        told = server.arguments("127.0.0.1", self.ports[TOXIPROXY_PORT], seed=self._seed)
        if server.kind == "embedded":
            process = await Process.python("toxiproxy", "fakes.toxiproxy.__main__", *told, log=log, warm=self._warm)
        else:
            process = await Process.start("toxiproxy", [str(server.program), *told], log=log)
        self._owned.append(process)

        async def answers() -> str | None:
            if not process.running:
                raise HarnessError(f"it ended with exit code {process.exit_code}")
            return await asyncio.to_thread(self.toxiproxy.version)

        await self._populate(answers)

    async def _populate(self, answers: Callable[[], Awaitable[str | None]]) -> None:
        """Make the proxies as soon as the server answers."""
        await wait_until(answers, what="Toxiproxy", within_s=10, every_s=0.01, clock=self.clock)
        specs = [ProxySpec(proxy.name, proxy.listen, proxy.upstream) for proxy in self.topology.proxies]
        await asyncio.to_thread(self.toxiproxy.populate, specs)

    async def _start_datastores(self) -> None:
        await asyncio.gather(self._start_postgres(), *(store.start() for store in self._of(RedisServer)))

    async def _start_postgres(self) -> None:
        primary, replicas = self._primary_and_replicas()
        await self._first_start(primary)
        for replica in replicas:
            await wait_until(self._has_proxies, what="Toxiproxy's proxies", within_s=10, every_s=0.01, clock=self.clock)
            await self._first_start(replica)
            await primary.streaming()

    def _primary_and_replicas(self) -> tuple[PostgresServer, list[PostgresServer]]:
        """As the stack file has them, without a second site's that is fed by backups: it is empty until it is restored."""
        servers = self._of(PostgresServer)
        primary = next(server for server in servers if self.model.datastores[server.name].replica_of is None)
        empty = self.settings.get("site.fed_by") == "backups"
        return primary, [
            server for server in servers if server is not primary and not (empty and self.model.datastores[server.name].twin_of)
        ]

    async def _first_start(self, server: PostgresServer) -> None:
        """Start a server that has no data yet: a primary with an empty database, a replica with a copy."""
        primary, replicas = self._primary_and_replicas()
        if server is primary:
            await primary.create(replica=replicas[0].name if replicas else "none")
            await primary.start()
            await primary.prepare((Path(fakes.services.__file__).parent / "schema.sql").read_text(), *self.model.schemas)
            return
        link = self.topology.links_of(server.name)[primary.name].split(":")
        await server.copy_from((link[0], int(link[1])))
        await server.start()

    async def _start_backups(self) -> None:
        chosen = BackupSettings.of(self.settings)
        if not chosen.enabled:
            return
        if self.kind != "embedded":
            raise HarnessError(
                f"the data folders of a stack on {self.kind} are out of the drill's reach: backup.enabled needs an embedded stack"
            )
        exporters = [name for name, model in self.model.services.items() if model.program == "exporter"]
        self.backups = Backups(
            self.folders.run / "backups", chosen, archive=self.folders.run / "postgres" / "archive", clock=self.clock,
            primary=self._backed_up, tell=self.on_backup, store=self._backup_store(chosen),
            status=[self.folders.run / "state" / name for name in exporters],
        )  # fmt: skip
        for redis in self._of(RedisServer)[:1]:
            folder, log = self.folders.run / "backups" / "on-site-redis", self.folders.logs / "redis-trial.log"
            self.backups.redis = RedisBackups(redis, self._tools.redis_cli.path, folder, self.backups.vault, log)
        await self.backups.start()

    def _backup_store(self, chosen: BackupSettings) -> Store | None:
        """What lies off site: None stands for a folder; else a bucket of an object store that nobody else uses."""
        if chosen.off_site == "folder":
            return None
        seeds = self.folders.run / "object-store"
        seeds.mkdir(exist_ok=True)
        return BucketStore(Cloud(free_port(), self.model.checkout, seeds=seeds, log=self.folders.logs / "object-store.log"))

    def _backed_up(self) -> PostgresServer:
        """Where clients write now; where the stack's settings do not call that `postgres`: its primary."""
        found = self.serving(WRITTEN_TO) if WRITTEN_TO in self.pointing else None
        if found is not None and (found.name in self.out_of_reach or self.model.site_of(found.name) in self.fenced):
            raise HarnessError(f"{found.name} is cut off, with its site: nothing of it reaches another place")
        return found if isinstance(found, PostgresServer) else self._primary_and_replicas()[0]

    async def _has_proxies(self) -> bool | None:
        return bool(await asyncio.to_thread(self.toxiproxy.names)) or None

    def _of(self, kind: type[T]) -> list[T]:
        return [store for store in self.datastores.values() if isinstance(store, kind)]

    async def stop(self) -> None:
        """End everything that was started. Raises the first error after every step has run."""
        if not self._started:
            return
        self._started = False
        async with AsyncExitStack() as steps:  # last in, first out; each step runs even if another fails
            steps.push_async_callback(self.http.aclose)
            for process in self._owned:
                steps.push_async_callback(process.stop)
            for store in self.datastores.values():
                steps.push_async_callback(_resumed_stop, store)
            steps.push_async_callback(self._fork_server.stop)
            steps.push_async_callback(self._stop_services)
            if self.backups is not None:
                steps.push_async_callback(self.backups.stop)

    async def _stop_services(self) -> None:
        for service in self.services.values():
            await service.signal(signal.SIGCONT)
        await asyncio.gather(*(service.stop() for service in self.services.values()))

    # --- what the cluster's control API and the faults use -----------------------------------------------------

    def process(self, name: str) -> RunningService | Instance:
        """A service or datastore instance by name. Raises HarnessError when there is none."""
        found = self.services.get(name) or self.datastores.get(name)
        if found is None:
            raise HarnessError(f"{name} is neither a service nor a datastore of this stack")
        return found

    def metrics_port(self, service: str) -> int:
        """Where the monitor scrapes a service: its own process; its address where another one may stand in for it, as green for blue."""
        stood_in_for = any(each.standby_for == service for each in self.model.services.values())
        cut_off = self.model.site_of(service) is not None  # with its site it is out of the monitor's reach too
        return self.ports[self.model.services[service].port] if stood_in_for or cut_off else self.services[service].port

    async def set_selector(self, address: str, selector: Mapping[str, str]) -> str:
        """Merge labels into a service address's selector and re-point it; the instance it leads to now."""
        merged = {**self.selectors[address], **selector}
        instance = self.topology.selected(address, self.roles, merged)
        self.selectors[address] = merged
        await self._point(address, instance)
        return instance

    async def set_service_selector(self, name: str, selector: Mapping[str, str | None]) -> str | None:
        """Merge labels into the selector of a service's address; the service that it leads to now, None when that is nobody.

        Raises HarnessError for a service that has no address of its own.
        """
        if name not in self.service_selectors:
            raise HarnessError(f"{name} has no service address of its own")
        merged = {**self.service_selectors[name], **selector}
        self.service_selectors[name] = {key: value for key, value in merged.items() if value is not None}
        return await self.point_service(name)

    async def point_service(self, name: str) -> str | None:
        """Lead a service's address to where its selector says: where it leads already if that still matches."""
        found = [each for each in self.topology.services_selected(self.service_selectors[name]) if self.services[each].present]
        old = self.service_pointing[name]
        new = old if old in found else found[0] if found else None
        if new != old:
            port = self.services[new].port if new else NOWHERE
            await asyncio.to_thread(self.toxiproxy.set_upstream, f"any -> {name}", f"127.0.0.1:{port}")
            self.service_pointing[name] = new
            self.on_cutover(name, old or "nobody", new or "nobody")
        return new

    async def set_role(self, instance: str, role: str) -> None:
        """Label an instance; service addresses whose selector matches it now lead to it."""
        self.roles[instance] = role
        for address, selector in self.selectors.items():
            try:
                await self._point(address, self.topology.selected(address, self.roles, selector))
            except HarnessError:
                continue  # an address without an instance keeps leading where it led

    async def _point(self, address: str, instance: str) -> None:
        old = self.pointing[address]
        if instance == old:
            return
        upstream = f"127.0.0.1:{self.ports[self.model.datastores[instance].port]}"
        await asyncio.to_thread(self.toxiproxy.set_upstream, f"any -> {address}", upstream)
        self.pointing[address] = instance
        self.on_cutover(address, old, instance)

    async def wipe(self, store: Instance) -> None:
        """Stop a datastore and delete its data, as whoever deletes its volume does. Raises HarnessError."""
        if self.kind != "embedded":
            raise HarnessError(f"the volumes of a stack on {self.kind} are not the drill's to delete")
        await store.stop()
        await asyncio.to_thread(shutil.rmtree, store.data, ignore_errors=True)
        store.wiped = True

    async def start_store(self, store: Instance) -> None:
        """Start a datastore; one whose data were deleted starts as a new one. Raises NotReady, HarnessError."""
        wiped, store.wiped = store.wiped, False
        if not (wiped and isinstance(store, PostgresServer)):
            await store.start()
            return
        primary, _ = self._primary_and_replicas()
        if store is not primary:  # the old primary keeps a slot of the replica that is gone
            await primary.drop_slots()
        await self._first_start(store)

    async def restore(self, store: Instance, *, source: Source, to: str) -> Restored:
        """Bring a Postgres server back from a backup; addresses that lead to it lead to what was restored. Raises HarnessError."""
        if self.backups is None:
            raise HarnessError("there are no backups to restore from; this stack takes them with the setting backup.enabled")
        if not isinstance(store, PostgresServer):
            raise HarnessError(f"{store.name} is no Postgres server; only those are backed up")
        found = await self.backups.restore(store, source=source, to=to)
        for address in (each for each, instance in self.pointing.items() if instance == store.name):
            self.on_cutover(address, store.name, f"{store.name}, restored")
        return found

    def current(self, address: str) -> Instance:
        """The datastore instance that a service address leads to."""
        return self.datastores[self.pointing[address]]

    def serving(self, address: str) -> Instance:
        """The instance behind a service address at the site that is in charge: that of its twin when the second one is."""
        sites = self.model.sites
        if sites is None or self.active_site == sites.first:
            return self.current(address)
        return self.current(next((name for name, each in self.model.addresses.items() if each.twin_of == address), address))

    async def memory_mb(self) -> float:
        """Resident memory of everything this process started and of itself."""
        return await asyncio.to_thread(lambda: memory_mb([os.getpid(), *descendants(os.getpid())]))

    async def servers(self) -> dict[str, str]:
        """Versions that only the running servers know; none here, where their programs were asked."""
        return {}

    def versions(self) -> dict[str, str]:
        return {**self._tools.versions(), "toxiproxy": f"{self._toxiproxy_server.version} ({self._toxiproxy_server.kind})"}


def _written(value: object) -> str:
    """A setting as a ConfigMap has it: 60.0 is 60."""
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


async def _resumed_stop(store: Instance) -> None:
    await store.signal(signal.SIGCONT)
    await store.stop()
    if isinstance(store, PostgresServer) and store.disk is not None:
        await store.disk.stop()


def _other_than_root() -> int | None:
    """Postgres refuses to run as root: outside a sandbox root's drills run it as nobody."""
    return 65534 if os.geteuid() == 0 else None
