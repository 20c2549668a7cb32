"""The operator's desk, in drills and checks alike: the workstation, the cloud that it reaches, and what goes on there without anybody typing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from harness.dns import lead_clients_home
from harness.errors import SandboxError
from harness.respond.confinement import Confinement
from harness.respond.root import link_root
from harness.respond.shell import run_block
from harness.respond.standing import Standing
from harness.respond.workstation import Endpoints, Workstation, build_workstation
from harness.sandbox.launch import PROJECT
from harness.stack.cloud import Cloud
from harness.stack.embedded import EmbeddedStack
from harness.stack.entrance import open_web
from harness.stack.topology import CLOUD_PORT, CONTROL_PORT, PROMETHEUS_PORT
from harness.tools import Tools

_TRIED_WITHIN_S = 20.0
_INGRESS, _REDIS_DATA = "ingress", "/var/lib/redis"


def endpoints_of(stack: EmbeddedStack) -> Endpoints:
    """Where an operator's commands find what they act through."""
    ports, run = stack.ports, stack.folders.run
    units = {name for name, each in stack.model.datastores.items() if each.kind == "redis" and each.systemd}
    redis = next((store.data for name, store in stack.datastores.items() if name in units), None)
    ingress = next((name for name, each in stack.model.services.items() if each.program == _INGRESS), None)
    return Endpoints(
        control=ports.address(CONTROL_PORT), prometheus=ports.address(PROMETHEUS_PORT), ports=ports.mapped(),
        database=str(stack.settings["postgres.database"]), user=str(stack.settings["postgres.user"]),
        cloud=ports.address(CLOUD_PORT), clock=stack.folders.clock,
        certificates=run / "state" / ingress / "ca.pem" if ingress else None,
        folders={_REDIS_DATA: redis} if redis is not None and stack.kind == "embedded" else {},
    )  # fmt: skip


def lay_out(folder: Path, stack: EmbeddedStack, *, programs: Mapping[str, Path], own_root: bool) -> Workstation:
    """Build the workstation of a stack that has booted in `folder`.

    `own_root`: the machine's root belongs to the drill, so documented paths can lie there. Blocks. Raises HarnessError.
    """
    station = build_workstation(folder, stack.model, endpoints_of(stack), programs=programs)
    if own_root:
        link_root(station.root)
    return station


async def confine(stack: EmbeddedStack, station: Workstation, tools: Tools) -> Confinement:
    """What the commands of a procedure are given of a drill whose root is its own. Raises SandboxError when it cannot be made."""
    endpoints, ingress = endpoints_of(stack), stack.model.ingress
    shown = [Path(sys.prefix), Path(sys.base_prefix), PROJECT / "fakes", *tools.folders(), stack.folders.clock]
    confinement = Confinement(
        writable=(station.folder, *endpoints.folders.values()), root=station.root,
        shown=[*shown, *([endpoints.certificates] if endpoints.certificates else [])],
        temporary=station.folder.with_name(f"{station.folder.name}-tmp"), hosts=tuple(ingress.hosts) if ingress else (),
    )  # fmt: skip
    tried = await run_block(
        "true", environment=station.environment, folder=station.checkout, limit_s=_TRIED_WITHIN_S, confinement=confinement
    )
    if tried.exit_code != 0:
        raise SandboxError(f"the sandbox of the procedure's commands could not be made: {tried.output.strip()[-500:]}")
    return confinement


async def stand(undo: AsyncExitStack, stack: EmbeddedStack, station: Workstation, *, own_root: bool) -> Standing:
    """Start what it reaches, and what goes on there; last night's backups are being taken when it returns. Raises HarnessError."""
    if own_root:
        await open_web(undo, stack.model)
    log = stack.folders.logs / "cloud.log"
    cloud = Cloud(stack.ports[CLOUD_PORT], stack.model.checkout, seeds=station.folder / "cloud", log=log)
    undo.push_async_callback(cloud.stop)
    await cloud.start()
    await lead_clients_home(stack)
    standing = Standing(station, stack.model, logs=stack.folders.logs)
    undo.push_async_callback(standing.stop)
    await standing.start()
    return standing
