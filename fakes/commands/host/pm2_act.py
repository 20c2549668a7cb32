"""pm2 acts: restart, reload, start, stop and delete, by name, id, `all`, or with an ecosystem file."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fakes.commands.entry import Failure, not_modelled
from fakes.commands.host.apps import App, Apps, changed_environment
from fakes.commands.host.ecosystem import NoScript, exported
from fakes.commands.host.pm2_show import listing

_ACTIONS = {
    "restart": "restartProcessId",
    "start": "restartProcessId",
    "reload": "reloadProcessId",
    "stop": "stopProcessId",
    "delete": "deleteProcessId",
}
_CONFIGS = (".config.js", ".config.cjs", ".config.mjs", ".json", ".yml", ".yaml")


class Wish(NamedTuple):
    """How a verb was asked for."""

    verb: str  # of _ACTIONS
    update: bool  # --update-env
    only: str  # --only
    flavour: str  # --env
    quiet: bool  # --silent


def act(apps: Apps, wish: Wish, words: Sequence[str]) -> int:
    """Each word in turn; the list at the end, but after `reload`. Raises Failure at the first that can't be done."""
    for word in words:
        if word.endswith(_CONFIGS):
            _with_file(apps, wish, word)
        else:
            _with_name(apps, wish, word)
        apps.refresh()
    return 0 if wish.verb == "reload" or wish.quiet else listing(apps)


def _with_name(apps: Apps, wish: Wish, word: str) -> None:
    if wish.verb in ("restart", "reload") and not wish.update:
        print("Use --update-env to update environment variables")
    chosen = apps.named(word)
    if wish.verb == "start" and not chosen:
        path = os.path.abspath(word)
        if not os.path.exists(path):
            raise Failure(f"[PM2][ERROR] Script not found: {path}")
        raise not_modelled("pm2", "start of a script: the processes of this stack are what there is to run")
    if not chosen:
        if word == "all":
            raise Failure("[PM2][WARN] No process found")
        if word.isdigit():
            print(f"[PM2] Applying action {_ACTIONS[wish.verb]} on app [{word}](ids: [ '{word}' ])")
            raise Failure(f"[PM2][ERROR] Process {word} not found")
        raise Failure(f"[PM2][ERROR] Process or Namespace {word} not found")
    numbers = ", ".join(f"'{app.number}'" if word.isdigit() else str(app.number) for app in chosen)
    print(f"[PM2] Applying action {_ACTIONS[wish.verb]} on app [{word}](ids: [ {numbers} ])", flush=True)
    for app in chosen:
        _do(apps, wish, app, changed_environment(app, {}, known=True) if wish.update else {})
    if wish.verb == "start":
        print("[PM2] Process successfully started")


def _do(apps: Apps, wish: Wish, app: App, environment: Mapping[str, str]) -> None:
    if wish.verb == "delete":
        apps.delete(app)
    elif wish.verb == "stop":
        if app.unit.running:
            apps.control.act(app.unit, "stop", wait=True)
    elif environment:
        apps.control.configure(app.unit, environment=environment, cause=f"pm2 {wish.verb}")
        if not app.unit.running:
            apps.control.act(app.unit, "start", wait=False)
    else:
        apps.control.act(app.unit, "restart" if app.unit.running else "start", wait=False)
    print(f"[PM2] [{app.name}]({app.number}) ✓", flush=True)


def _with_file(apps: Apps, wish: Wish, name: str) -> None:
    """A file's processes. With one that restarts, their environment is renewed, --update-env or not: so does pm2."""
    declared = [row for row in declarations(name) if not wish.only or str(row.get("name")) in wish.only.replace(",", " ").split()]
    missing: list[Mapping[str, Any]] = []
    for row in declared:
        found = next((app for app in apps.listed if app.name == row.get("name")), None)
        if found is None:
            missing.append(row)
            continue
        print(f"[PM2] Applying action {_ACTIONS[wish.verb]} on app [{found.name}](ids: [ {found.number} ])", flush=True)
        _do(apps, wish, found, changed_environment(found, _variables(row, wish.flavour), known=False))
    if not missing or wish.verb in ("stop", "delete"):
        return
    print(
        f"[PM2][WARN] Applications {', '.join(str(row.get('name', '')) for row in missing)} not running, starting...", flush=True
    )
    for row in missing:
        _launch(apps, wish, row)


def _launch(apps: Apps, wish: Wish, row: Mapping[str, Any]) -> None:
    if not row.get("script"):
        raise Failure("[PM2][ERROR] Error: No script path - aborting")
    app = apps.deleted(str(row.get("name")))
    if app:
        apps.bring_back(app)
        environment = changed_environment(app, _variables(row, wish.flavour), known=False)
        if environment:
            apps.control.configure(app.unit, environment=environment, cause="pm2 start")
        apps.control.act(app.unit, "start", wait=False)
        print(f"[PM2] App [{app.name}] launched (1 instances)", flush=True)
        return
    path = os.path.abspath(os.path.join(str(row.get("cwd") or "."), str(row["script"])))
    if not os.path.exists(path):
        raise Failure(f"[PM2][ERROR] Error: Script not found: {path}")
    raise not_modelled("pm2", f"starting {row.get('name')}, which is no process of this stack,")


def declarations(name: str) -> list[Mapping[str, Any]]:
    """The processes that an ecosystem file declares. Raises Failure in pm2's words."""
    path = os.path.abspath(name)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise Failure(f"[PM2][ERROR] File {name} not found") from error
    if name.endswith((".yml", ".yaml")):
        raise not_modelled("pm2", "an ecosystem file in YAML")
    try:
        said = exported(f"module.exports = {text}" if name.endswith(".json") else text, os.path.dirname(path))
    except NoScript as error:
        print(f"[PM2][ERROR] File {name} malformated", file=sys.stderr)
        raise Failure(f"{path}:{error.line}\n\n{error}") from error
    rows = (said.get("apps") or said.get("pm2") or said) if isinstance(said, dict) else said
    return [row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict)]


def _variables(row: Mapping[str, Any], flavour: str) -> dict[str, str]:
    merged = {**(row.get("env") or {}), **((row.get(f"env_{flavour}") or {}) if flavour else {})}
    if flavour and f"env_{flavour}" not in row:
        print(f"[PM2][WARN] Environment [{flavour}] is not defined in process file", file=sys.stderr)
    return {name: _text(value) for name, value in merged.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
