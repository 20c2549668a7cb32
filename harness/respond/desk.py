"""The operator's desk in a drill: the workstation, the cloud that it reaches, and what goes on there without anybody typing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from harness.respond.root import link_root
from harness.respond.standing import Standing
from harness.respond.workstation import Endpoints, Workstation, build_workstation
from harness.runbooks.outside import open_web
from harness.stack.cloud import Cloud
from harness.stack.embedded import EmbeddedStack
from harness.stack.topology import CLOUD_PORT, CONTROL_PORT, PROMETHEUS_PORT

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


class Desk:
    """`open` builds it on a stack that has booted; what it starts is ended by the exit stack."""

    def __init__(self, workstation: Workstation, standing: Standing) -> None:
        self.workstation, self._standing = workstation, standing

    @classmethod
    async def open(
        cls, undo: AsyncExitStack, stack: EmbeddedStack, folder: Path, *, programs: Mapping[str, Path], own_root: bool
    ) -> Desk:
        """Build the workstation in `folder`. `own_root`: the machine's root belongs to the drill, so documented paths can lie there.

        Last night's backups are being taken when it returns. Raises HarnessError.
        """
        station = await asyncio.to_thread(build_workstation, folder, stack.model, endpoints_of(stack), programs=programs)
        if own_root:
            link_root(station.root)
            await open_web(undo, stack.model)
        log = stack.folders.logs / "cloud.log"
        cloud = Cloud(stack.ports[CLOUD_PORT], stack.model.checkout, seeds=station.folder / "cloud", log=log)
        undo.push_async_callback(cloud.stop)
        await cloud.start()
        standing = Standing(station, stack.model, logs=stack.folders.logs)
        undo.push_async_callback(standing.stop)
        await standing.start()
        return cls(station, standing)

    async def ready(self) -> None:
        """Wait until last night's backups are there. Raises HarnessError."""
        await self._standing.ready()
