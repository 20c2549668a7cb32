"""Stand-in for `pm2`: the stack's processes that pm2 runs, in the grammar, words and exit codes of pm2 5.4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.wire import Unreachable

if TYPE_CHECKING:
    from fakes.commands.host.apps import Apps

_USAGE = """usage: pm2 [options] <command>

pm2 -h, --help             all available commands and options
pm2 examples               display pm2 usage examples
pm2 <command> -h           help on a specific command

Access pm2 files in ~/.pm2"""
# Name, and whether a value follows: "" none, "<>" one, "[]" perhaps.
OPTIONS = {
    "--version": "", "--silent": "", "--ext": "<>", "--name": "<>", "--mini-list": "", "--interpreter": "<>", "--interpreter-args": "<>",
    "--node-args": "<>", "--output": "<>", "--error": "<>", "--log": "[]", "--filter-env": "[]", "--log-type": "<>",
    "--log-date-format": "<>", "--time": "", "--disable-logs": "", "--env": "<>", "--update-env": "", "--force": "", "--instances": "<>",
    "--parallel": "<>", "--shutdown-with-message": "", "--pid": "<>", "--kill-timeout": "<>", "--listen-timeout": "<>",
    "--max-memory-restart": "<>", "--restart-delay": "<>", "--exp-backoff-restart-delay": "<>", "--execute-command": "",
    "--max-restarts": "[]", "--user": "<>", "--uid": "<>", "--gid": "<>", "--namespace": "<>", "--cwd": "<>", "--hp": "<>", "--wait-ip": "",
    "--service-name": "<>", "--cron": "<>", "--cron-restart": "<>", "--write": "", "--no-daemon": "", "--source-map-support": "",
    "--only": "<>", "--disable-source-map-support": "", "--wait-ready": "", "--merge-logs": "", "--watch": "[]", "--ignore-watch": "<>",
    "--watch-delay": "<>", "--no-color": "", "--no-vizion": "", "--no-autostart": "", "--no-autorestart": "", "--stop-exit-codes": "<>",
    "--no-treekill": "", "--no-pmx": "", "--no-automation": "", "--trace": "", "--disable-trace": "", "--sort": "<>", "--attach": "",
    "--v8": "", "--event-loop-inspector": "", "--deep-monitoring": "", "--help": "",
}  # fmt: skip
SHORT = {
    "-v": "--version", "-V": "--version", "-s": "--silent", "-n": "--name", "-m": "--mini-list", "-o": "--output", "-e": "--error",
    "-l": "--log", "-a": "--update-env", "-f": "--force", "-i": "--instances", "-p": "--pid", "-k": "--kill-timeout",
    "-x": "--execute-command", "-u": "--user", "-c": "--cron", "-w": "--write", "-h": "--help",
}  # fmt: skip
LOGS_OPTIONS = {
    "--json": "", "--format": "", "--raw": "", "--err": "", "--out": "", "--lines": "<>", "--timestamp": "[]", "--nostream": "",
    "--highlight": "[]",
}  # fmt: skip
_USED = (
    "--update-env",
    "--no-color",
    "--only",
    "--env",
    "--silent",
    "--lines",
    "--nostream",
    "--err",
    "--out",
    "--raw",
    "--force",
)
NEEDS = {  # what commander calls the word that a verb can't do without
    "restart": "id|name|namespace|all|json|stdin", "stop": "id|name|namespace|all|json|stdin", "reload": "id|name|namespace|all",
    "delete": "name|id|namespace|script|all|json|stdin", "del": "name|id|namespace|script|all|json|stdin", "describe": "name|id",
    "desc": "name|id", "info": "name|id", "show": "name|id", "env": "id", "reset": "name|id|all", "id": "name", "startOrRestart": "json",
    "startOrReload": "json", "startOrGracefulReload": "json",
}  # fmt: skip
_LISTS = ("list", "ls", "l", "ps", "status")
OFFERED = (
    *_LISTS, *NEEDS, "start", "logs", "jlist", "prettylist", "pid", "flush", "save", "dump", "ping",
)  # fmt: skip
REAL = (
    "trigger", "deploy", "create", "scale", "profile:mem", "profile:cpu", "inspect", "sendSignal", "updatePM2", "update", "install",
    "module:install", "module:update", "module:generate", "uninstall", "module:uninstall", "package", "publish", "module:publish", "set",
    "multiset", "get", "conf", "config", "unset", "report", "link", "unlink", "monitor", "unmonitor", "open", "plus", "register", "login",
    "logout", "cleardump", "send", "attach", "resurrect", "unstartup", "startup", "logrotate", "ecosystem", "init", "sysmonit", "slist",
    "sysinfos", "monit", "imonit", "dashboard", "dash", "reloadLogs", "kill", "pull", "forward", "backward", "deepUpdate", "serve", "expose",
    "autoinstall", "examples",
)  # fmt: skip


class _Line(NamedTuple):
    """A command line: the verb, its words, and the options that were given."""

    verb: str
    words: list[str]
    options: dict[str, str]

    def on(self, option: str) -> bool:
        return option in self.options


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    line = _parsed(argv)
    if line.on("--version"):
        print("5.4.3")
        return 0
    if not line.verb:
        print(_USAGE)
        return 1
    if line.verb not in OFFERED:
        if line.verb in REAL:
            raise not_modelled("pm2", line.verb)
        print(f"[PM2][ERROR] Command not found\n\n{_USAGE}")
        return 1
    for option in line.options:
        if option not in _USED:
            raise not_modelled("pm2", f"{line.verb} {option}")
    if line.verb in NEEDS and not line.words:
        raise Failure(f"\n  error: missing required argument `{NEEDS[line.verb]}'\n")
    try:
        return _carry_out(line, Control.from_environment())
    except Unreachable as error:
        raise Failure(f"[PM2][ERROR] connect ECONNREFUSED {error.address}") from error
    except Refused as error:
        raise Failure(f"[PM2][ERROR] {error}") from error


def _parsed(argv: Sequence[str]) -> _Line:
    """As commander does: options anywhere, a wrong one ends it. Raises Failure."""
    words: list[str] = []
    options: dict[str, str] = {}
    queue = list(argv)
    while queue:
        item = queue.pop(0)
        if item == "--":
            words += queue
            break
        if not item.startswith("-") or item == "-":
            words.append(item)
            continue
        name, equals, value = item.partition("=")
        name = SHORT.get(name, name)
        known = OPTIONS | (LOGS_OPTIONS if words[:1] == ["logs"] else {})
        if name not in known:
            raise Failure(f"\n  error: unknown option `{item}'\n")
        if known[name] == "<>" and not equals:
            if not queue:
                shown = "--lines <n>" if name == "--lines" else name
                raise Failure(f"\n  error: option `{shown}' argument missing\n")
            value = queue.pop(0)
        elif known[name] == "[]" and not equals and queue and not queue[0].startswith("-"):
            value = queue.pop(0)
        options[name] = value
    return _Line(words[0] if words else "", words[1:], options)


def _carry_out(line: _Line, control: Control) -> int:
    """The parts are imported only now: a command must start fast."""
    from fakes.commands.host.apps import Apps

    apps = Apps(control)
    if line.verb in _LISTS:
        from fakes.commands.host.pm2_show import listing

        return listing(apps)
    if line.verb in ("restart", "start", "reload", "stop", "delete", "del") or line.verb.startswith("startOr"):
        return _act(line, apps)
    if line.verb in ("flush", "save", "dump", "ping", "reset", "id", "pid"):
        return _keep(line, apps)
    return _show(line, apps)


def _act(line: _Line, apps: Apps) -> int:
    from fakes.commands.host import pm2_act

    verb = {"del": "delete", "startOrRestart": "restart", "startOrReload": "reload", "startOrGracefulReload": "reload"}.get(
        line.verb, line.verb
    )
    if line.verb.startswith("startOr") and not line.words[0].endswith((".cjs", ".js", ".mjs", ".json")):
        raise Failure(f"[PM2][ERROR] File {line.words[0]} not found")
    words = line.words or (["ecosystem.config.js"] if verb == "start" else [])
    wish = pm2_act.Wish(
        verb, line.on("--update-env"), line.options.get("--only", ""), line.options.get("--env", ""), line.on("--silent")
    )
    return pm2_act.act(apps, wish, words)


def _show(line: _Line, apps: Apps) -> int:
    from fakes.commands.host import pm2_show

    if line.verb in ("jlist", "prettylist"):
        return pm2_show.as_json(apps, pretty=line.verb == "prettylist")
    if line.verb == "env":
        return pm2_show.environment(apps, line.words[0])
    if line.verb != "logs":
        return pm2_show.describe(apps, line.words[0])
    lines = line.options.get("--lines", "")
    streams = {"error"} if line.on("--err") else {"out"} if line.on("--out") else {"out", "error"}
    count = int(lines) if lines.isdigit() else None
    return pm2_show.logs(
        apps, line.words[0] if line.words else "all", lines=count, follow=not line.on("--nostream"), streams=streams
    )


def _keep(line: _Line, apps: Apps) -> int:
    """What pm2 remembers, and small questions."""
    from fakes.commands.host.pm2_show import listing

    if line.verb == "flush":
        raise not_modelled("pm2", "flush: the logs of a drill are its evidence; it")
    if line.verb in ("save", "dump"):
        apps.save()
        print("[PM2] Saving current process list...\n[PM2] Successfully saved")
        return 0
    if line.verb == "ping":
        print("{ msg: 'pong' }")
        return 0
    chosen = apps.named(line.words[0]) if line.words else apps.listed
    if line.verb == "pid":
        print("".join(f"{app.unit.pid or 0}\n" for app in chosen), end="")
        return 0
    if line.verb == "id":
        print(f"[ {', '.join(str(app.number) for app in chosen)} ]" if chosen else "[]")
        return 0
    if not chosen:
        raise Failure("Unknown process name")
    for app in chosen:
        apps.reset(app)
        print(f"[PM2] Resetting meta for process id {app.number}")
    apps.refresh()
    return listing(apps)
