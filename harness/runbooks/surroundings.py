"""Everybody around the stack while a procedure is carried out: the load with its ledger, the monitor, the pager, the workstation."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from harness.around import load_of, open_pager, start_monitor
from harness.history import LEDGER_FILE, Event, Recorder
from harness.monitor.rules import Alert
from harness.respond.desk import endpoints_of, lay_out, stand
from harness.respond.workstation import Workstation
from harness.runbooks.spec import CheckSpec
from harness.sandbox.warm import Warm
from harness.stack.embedded import EmbeddedStack
from harness.workload.stream import Observer

_HEARD = ".heard"  # a folder of the workstation: what curl was answered


class Surroundings:
    """Starts them in order; each is ended by the exit stack that `start` is given."""

    def __init__(self, spec: CheckSpec, stack: EmbeddedStack, recorder: Recorder, *, tell: Callable[[Event], None]) -> None:
        """`tell` hears of each event of the ledger."""
        self._spec, self._stack, self._recorder, self._tell = spec, stack, recorder, tell
        self.observer = Observer()
        self.firing: set[str] = set()

    async def start(self, undo: AsyncExitStack, warm: Warm | None = None) -> None:
        """`warm` starts the observer."""
        await start_monitor(undo, self._stack, self._spec.rules, open_pager(undo, self._stack), on_alert=self._heard)
        undo.push_async_callback(self.observer.stop)
        self.observer.listen(self._tell)
        spec = self._spec
        load = load_of(self._stack, spec.load, ledger=spec.run / LEDGER_FILE, seed=spec.seed, prefix="check-")
        await self.observer.start(load, spec.run / "logs" / "observer.log", warm)

    def _heard(self, alert: Alert) -> None:
        if alert.state == "firing":
            self.firing.add(alert.rule)
        elif alert.state == "resolved":
            self.firing.discard(alert.rule)
        self._recorder.record(f"alert.{alert.state}", alert.rule, at_s=alert.at_s, labels=dict(alert.labels))

    # --- the workstation --------------------------------------------------------------------------------------

    def workstation(self) -> Workstation:
        """Built anew. Its curl tells what it was answered."""
        built = lay_out(self._spec.workstation, self._stack, programs=self._spec.tools.commands, own_root=True)
        _listen_to_curl(built)
        return built

    @property
    def certificates(self) -> Path | None:
        """Of the authority that vouches for the ingress."""
        return endpoints_of(self._stack).certificates

    @property
    def folders(self) -> Mapping[str, Path]:
        """Data of the stack that lie on the operator's own machine, by documented path: those of what systemd runs there."""
        return endpoints_of(self._stack).folders

    async def stand(self, station: Workstation, undo: AsyncExitStack) -> None:
        """What goes on at the workstation without anybody typing, and what it reaches outside. Last night's backups are there then."""
        await (await stand(undo, self._stack, station, own_root=True)).ready()


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
