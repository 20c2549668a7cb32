"""`docker compose`: ps, logs, restart, start, stop, up, down and exec of the stack's services."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from fakes.commands.containers import project
from fakes.commands.control import Control, State, Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import BadFlag, Flag, Parsed, parse
from fakes.commands.inside import missing_program, run_inside
from fakes.commands.logs import Source, show

_GLOBAL = (Flag("file", "f"), Flag("project-name", "p"), Flag("profile"), Flag("progress"), Flag("ansi"))
_TIMEOUT = Flag("timeout", "t", "int")
_REAL = (
    "attach", "build", "commit", "config", "cp", "create", "events", "export", "images", "kill", "ls", "pause", "port", "publish",
    "pull", "push", "rm", "run", "scale", "stats", "top", "unpause", "version", "volumes", "wait", "watch",
)  # fmt: skip


def compose(argv: list[str], control: Control) -> int:
    try:
        before = parse(argv, _GLOBAL, stop_at_word=True)
        if not before.words:
            raise not_modelled("docker", "the help text of compose")
        verb, arguments = before.words[0], before.words[1:]
        if verb in _REAL:
            raise not_modelled("docker", f"compose {verb}")
        if verb not in _VERBS:
            raise Failure(f'unknown docker command: "compose {verb}"', 16)
        action, flags = _VERBS[verb]
        line = parse(arguments, flags, stop_at_word=verb == "exec")
    except BadFlag as error:
        raise Failure(str(error), 16) from error
    project.require_file(before)
    return action(line, control)


def _ps(line: Parsed, control: Control) -> int:
    state = control.state()
    shown = [unit for unit in project.chosen(state, line.words) if unit.running or line.on("all")]
    form = line.text("format", "table")
    if line.on("quiet"):
        print("".join(project.container_id(unit) + "\n" for unit in shown), end="")
    elif line.on("services"):
        print("".join(f"{unit.compose}\n" for unit in shown), end="")
    elif form == "json":
        for unit in shown:
            print(json.dumps(_row(state, unit), separators=(",", ":")))
    elif form == "table":
        heads = ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"]
        cells = [[row["Name"], row["Image"], f'"{row["Command"]}"', row["Service"], row["CreatedAt"], row["Status"], row["Ports"]]
                 for row in (_row(state, unit) for unit in shown)]  # fmt: skip
        project.print_columns([heads, *cells])
    else:
        raise not_modelled("docker", f"compose ps --format {form}")
    return 0


def _row(state: State, unit: Unit) -> dict[str, str]:
    age = project.long_age(state.now_s - unit.started_s)
    return {
        "Name": project.container_name(unit),
        "Image": project.image(unit),
        "Command": project.command(unit),
        "Service": str(unit.compose),
        "CreatedAt": f"{project.long_age(state.now_s)} ago",
        "State": "running" if unit.running else "exited",
        "Health": ("healthy" if unit.ready else "unhealthy") if unit.running else "",
        "Status": f"Up {age} ({'healthy' if unit.ready else 'unhealthy'})" if unit.running else _exited(state, unit),
        "Ports": f"127.0.0.1:{unit.port}->{unit.port}/tcp" if unit.running else "",
    }


def _exited(state: State, unit: Unit) -> str:
    code = f" ({unit.exit_code})" if unit.exit_code is not None else ""
    return f"Exited{code}" + (f" {project.long_age(state.now_s - unit.ended_s)} ago" if unit.ended_s is not None else "")


def _logs(line: Parsed, control: Control) -> int:
    if line.on("timestamps"):
        raise not_modelled("docker", "compose logs --timestamps")
    state = control.state()
    units = project.chosen(state, line.words)
    tail = line.text("tail", "all")
    if tail != "all" and not tail.isdigit():
        raise Failure(f'invalid value for "--tail": {tail}')
    width = max((len(f"{unit.compose}-1") for unit in units), default=0) + 1
    bare = line.on("no-log-prefix")
    sources = [Source(unit, "" if bare else f"{unit.compose}-1".ljust(width) + " | ") for unit in units]
    show(
        control, sources, tail=-1 if tail == "all" else int(tail), since_s=line.seconds("since", 0.0),
        now_s=state.epoch_s + state.now_s, follow=line.on("follow"), tool="docker",
    )  # fmt: skip
    return 0


def _restart(line: Parsed, control: Control) -> int:
    return _each(line, control, lambda unit: ("restart", "Restarting", "Started"))


def _stop(line: Parsed, control: Control) -> int:
    return _each(line, control, lambda unit: ("stop", "Stopping", "Stopped") if unit.running else None)


def _start(line: Parsed, control: Control) -> int:
    return _each(line, control, lambda unit: None if unit.running else ("start", "Starting", "Started"))


def _down(line: Parsed, control: Control) -> int:
    """Containers go, their volumes stay: `up` brings the same data back."""
    if line.on("volumes"):
        raise not_modelled("docker", "compose down --volumes")
    units = project.chosen(control.state(), line.words)
    _each(line, control, lambda unit: ("stop", "Stopping", "Stopped") if unit.running else None)
    for unit in units:
        _say(unit, "Removing")
        _say(unit, "Removed")
    return 0


def _up(line: Parsed, control: Control) -> int:
    if line.on("build"):
        raise not_modelled("docker", "compose up --build")
    scales = dict(_scale(text) for text in line.texts("scale"))
    project.chosen(control.state(), list(scales))

    def verb(unit: Unit) -> tuple[str, str, str] | None:
        if scales.get(str(unit.compose)) == 0:
            return ("stop", "Stopping", "Stopped") if unit.running else None
        if unit.running and line.on("force-recreate"):
            return "restart", "Recreate", "Started"
        return None if unit.running else ("start", "Starting", "Started")

    for service, count in scales.items():
        if count > 1:
            print(f"Warning: this stack runs one process for {service}: 1 of {count}", file=sys.stderr)
    for unit in project.chosen(control.state(), line.words):
        if unit.running and verb(unit) is None:
            _say(unit, "Running")
    code = _each(line, control, verb)
    if line.on("detach") or line.on("wait"):
        return code
    return _logs(Parsed({"follow": ["true"], "tail": ["0"]}, line.words, [], False), control)


def _scale(text: str) -> tuple[str, int]:
    service, _, count = text.partition("=")
    if not count.isdigit():
        raise Failure(f"invalid --scale option {text!r}. Should be SERVICE=NUM")
    return service, int(count)


def _each(line: Parsed, control: Control, choose: Callable[[Unit], tuple[str, str, str] | None]) -> int:
    """Do to each chosen container what `choose` says (verb, word before, word after), and wait for it, as compose does."""
    for unit in _in_order(project.chosen(control.state(), line.words)):
        step = choose(unit)
        if step:
            verb, doing, done = step
            _say(unit, doing)
            control.act(unit, verb, wait=True)
            _say(unit, done)
    return 0


def _in_order(units: list[Unit]) -> list[Unit]:
    """Datastores first: what depends on them finds them there."""
    return sorted(units, key=lambda unit: unit.kind == "service")


def _say(unit: Unit, what: str) -> None:
    print(f" Container {project.container_name(unit)}  {what}", file=sys.stderr, flush=True)


def _exec(line: Parsed, control: Control) -> int:
    if not line.words[1:]:
        raise Failure("\"docker compose exec\" requires at least 2 arguments.\nSee 'docker compose exec --help'.")
    (unit,) = project.chosen(control.state(), line.words[:1])
    if not unit.running:
        raise Failure(f'service "{unit.compose}" is not running')
    if missing := missing_program(unit, line.words[1:]):
        raise Failure(missing, 127)
    return run_inside(unit, line.words[1:], stdin=True)


_SWITCHES = {name: Flag(name, short, "switch") for name, short in (
    ("all", "a"), ("quiet", "q"), ("services", ""), ("follow", "f"), ("timestamps", "t"), ("no-log-prefix", ""), ("no-color", ""),
    ("no-deps", ""), ("detach", "d"), ("wait", ""), ("force-recreate", ""), ("build", ""), ("remove-orphans", ""), ("volumes", "v"),
    ("no-TTY", "T"),
)}  # fmt: skip


def _flags(names: str, *others: Flag) -> tuple[Flag, ...]:
    return (*(_SWITCHES[name] for name in names.split()), *others)


_VERBS: dict[str, tuple[Callable[[Parsed, Control], int], tuple[Flag, ...]]] = {
    "ps": (_ps, _flags("all quiet services", Flag("format"))),
    "logs": (_logs, _flags("follow timestamps no-log-prefix no-color", Flag("tail", "n"), Flag("since", "", "duration"))),
    "restart": (_restart, _flags("no-deps", _TIMEOUT)),
    "stop": (_stop, (_TIMEOUT,)),
    "start": (_start, ()),
    "up": (_up, _flags("detach wait force-recreate build no-deps remove-orphans", Flag("scale"), _TIMEOUT)),
    "down": (_down, _flags("remove-orphans volumes", _TIMEOUT)),
    "exec": (_exec, _flags("no-TTY", Flag("user", "u"))),
}
