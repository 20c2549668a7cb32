"""pm2 shows: the list, one process, its environment, logs, JSON. Words and columns are those of pm2 5.4."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence

from fakes.commands.entry import Failure, not_modelled
from fakes.commands.host.apps import App, Apps, Use, used

_WIDTHS = {
    "namespace": 13, "version": 9, "mode": 9, "pid": 10, "uptime": 8, "↺": 6, "status": 11, "cpu": 10, "mem": 10, "user": 10, "watching": 10,
}  # fmt: skip
_FOLLOW_S = 0.1
_LINES = 15  # of a log, unless something else is said


def listing(apps: Apps) -> int:
    """`pm2 ls`, and what most verbs end with."""
    shown = apps.listed
    name_width = max((len(app.name) for app in shown), default=6) + 5
    id_width = max([2 + len(str(app.number)) for app in shown] + [4])
    widths = [id_width, name_width, *_WIDTHS.values()]
    print("┌" + "┬".join("─" * width for width in widths) + "┐")
    print(_cells(["id", "name", *_WIDTHS], widths))
    if shown:
        print("├" + "┼".join("─" * width for width in widths) + "┤")
    uses = used(shown)
    for app in shown:
        use = uses.get(app.number, Use(0.0, 0))
        alive = app.status == "online"
        cells = [
            str(app.number), app.name, "default", app.unit.version or "N/A", "fork", str(app.unit.pid or 0) if alive else "0",
            _since(apps.state.now_s - app.unit.started_s) if alive else "0", str(app.restarts), app.status, f"{round(use.cpu, 1):g}%",
            _bytes(use.memory), os.environ.get("USER", "root"), "disabled",
        ]  # fmt: skip
        print(_cells(cells, widths))
    print("└" + "┴".join("─" * width for width in widths) + "┘")
    _warn_of_dump(apps)
    return 0


def _warn_of_dump(apps: Apps) -> None:
    saved, running = apps.saved(), [app.name for app in apps.listed]
    if saved is None:
        return
    missing = [name for name in saved if name not in running]
    told = "Type 'pm2 save' to synchronize."
    if missing:
        print(
            f"[PM2][WARN] Current process list is not synchronized with saved list. App {' '.join(missing)} differs. {told}",
            file=sys.stderr,
        )
    elif len(saved) != len(running):
        print(f"[PM2][WARN] Current process list is not synchronized with saved list. {told}", file=sys.stderr)


def _cells(texts: Sequence[str], widths: Sequence[int]) -> str:
    cut = [text if len(text) <= width - 2 else text[: width - 3] + "…" for text, width in zip(texts, widths, strict=True)]
    return "│" + "│".join(f" {text}".ljust(width) for text, width in zip(cut, widths, strict=True)) + "│"


def _since(seconds: float) -> str:
    whole = int(seconds)
    for unit, length in (("D", 86400), ("h", 3600), ("m", 60)):
        if whole // length > 1:
            return f"{whole // length}{unit}"
    return f"{whole}s"


def _bytes(count: float) -> str:
    for unit in ("b", "kb", "mb", "gb"):
        if count < 1024 or unit == "gb":
            return f"{count:.1f}{unit}" if unit != "b" else f"{int(count)}b"
        count /= 1024
    raise AssertionError("unreachable")


def describe(apps: Apps, word: str) -> int:
    chosen = apps.named(word)
    if not chosen:
        raise Failure(f"[PM2][WARN] {word} doesn't exist")
    for app in chosen:
        print(f" Describing process with id {app.number} - name {app.name} ")
        _table(_facts(apps, app))
        print(" Add your own code metrics: http://bit.ly/code-metrics")
        print(
            f" Use `pm2 logs {app.name} [--lines 1000]` to display logs\n Use `pm2 env {app.number}` to display environment variables"
        )
    return 0


def _facts(apps: Apps, app: App) -> list[tuple[str, str]]:
    created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(apps.state.epoch_s + app.unit.started_s))
    alive = app.status == "online"
    return [
        ("status", app.status), ("name", app.name), ("namespace", "default"), ("version", app.unit.version or "N/A"),
        ("restarts", str(app.restarts)), ("uptime", _since(apps.state.now_s - app.unit.started_s) if alive else "0"),
        ("error log path", log_path(app, "error")), ("out log path", log_path(app, "out")),
        ("script id", str(app.number)), ("exec mode", "fork_mode"), ("watch & reload", "✘"),
        ("created at", f"{created}.000Z"),
    ]  # fmt: skip


def _table(rows: Sequence[tuple[str, str]]) -> None:
    left, right = (max(len(row[side]) for row in rows) + 2 for side in (0, 1))
    print(f"┌{'─' * left}┬{'─' * right}┐")
    for key, value in rows:
        print(f"│ {key.ljust(left - 1)}│ {value.ljust(right - 1)}│")
    print(f"└{'─' * left}┴{'─' * right}┘")


def log_path(app: App, kind: str) -> str:
    return os.path.join(os.environ.get("PM2_HOME") or os.path.expanduser("~/.pm2"), "logs", f"{app.name}-{kind}.log")


def environment(apps: Apps, word: str) -> int:
    """`pm2 env ID`: what the process was given. It knows ids only."""
    app = next((each for each in apps.listed if str(each.number) == word), None)
    if app is None:
        raise Failure(f"[PM2][ERROR] Modules with id {word} not found")
    for name, value in sorted(app.unit.environment.items()):
        print(f"{name}: {value}")
    return 0


def as_json(apps: Apps, *, pretty: bool) -> int:
    uses = used(apps.listed)
    rows = []
    for app in apps.listed:
        use = uses.get(app.number, Use(0.0, 0))
        rows.append(
            {
                "pid": app.unit.pid or 0, "name": app.name, "pm_id": app.number,
                "monit": {"memory": use.memory, "cpu": round(use.cpu, 1)},
                "pm2_env": {
                    "name": app.name, "namespace": "default", "pm_id": app.number, "status": app.status, "restart_time": app.restarts,
                    "version": app.unit.version, "exec_mode": "fork_mode", "env": dict(app.unit.environment),
                    "pm_uptime": int((apps.state.epoch_s + app.unit.started_s) * 1000), "exit_code": app.unit.exit_code or 0,
                    "pm_out_log_path": log_path(app, "out"), "pm_err_log_path": log_path(app, "error"),
                },
            }
        )  # fmt: skip
    print(json.dumps(rows, indent=2) if pretty else json.dumps(rows, separators=(",", ":")))
    return 0


def logs(apps: Apps, word: str, *, lines: int | None, follow: bool, streams: set[str]) -> int:
    """The last lines of each log, then new ones without an end unless --nostream. The services write one log: that is `out`."""
    count = _LINES if lines is None else lines
    what = "processes" if word == "all" else "process"
    print(f"[TAILING] Tailing last {count} lines for [{word}] {what} (change the value with --lines option)")
    chosen = apps.named(word)
    places: dict[int, int | None] = {}
    for app in chosen:
        answer = apps.control.logs(app.unit)
        places[app.number] = answer.next
        if "out" in streams:
            print(f"{log_path(app, 'out')} last {count} lines:")
            kept = answer.lines[-count:] if count else []
            for text in kept:
                print(_head(app) + text)
            if kept:
                print()
        if "error" in streams:
            print(f"{log_path(app, 'error')} last {count} lines:")
    while follow:
        sys.stdout.flush()
        time.sleep(_FOLLOW_S)
        for app in chosen if "out" in streams else []:
            start = places[app.number]
            if start is None:
                raise not_modelled("pm2", "following this log")
            answer = apps.control.logs(app.unit, start)
            places[app.number] = answer.next
            for text in answer.lines:
                print(_head(app) + text)
    return 0


def _head(app: App) -> str:
    return f"{app.number}|{app.name}"[:10].ljust(10) + " | "
