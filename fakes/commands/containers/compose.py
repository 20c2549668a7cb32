"""`docker compose`: its grammar (version 2), and what looks at containers: ps, logs, top, images, config, exec."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fakes.commands.containers import act, project, template
from fakes.commands.containers.composefile import ComposeFile
from fakes.commands.containers.logs import check_tail, print_logs
from fakes.commands.containers.program import run_in_container
from fakes.commands.containers.top import print_top
from fakes.commands.control import Control, Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import BadFlag, Flag, Parsed, parse

_GLOBAL = (
    Flag("file", "f"), Flag("project-name", "p"), Flag("profile"), Flag("progress"), Flag("ansi"), Flag("env-file"),
    Flag("project-directory"), Flag("compatibility", "", "switch"), Flag("dry-run", "", "switch"), Flag("all-resources", "", "switch"),
    Flag("parallel", "", "int"), Flag("version", "v", "switch"), Flag("help", "h", "switch"),
)  # fmt: skip
_UNUSED = ("dry-run", "all-resources", "env-file", "help")  # the real compose has them
_REAL = (
    "alpha", "attach", "bridge", "commit", "convert", "cp", "create", "events", "export", "help", "ls", "pause", "port", "publish", "push",
    "run", "stats", "unpause", "volumes", "wait", "watch",
)  # fmt: skip
_HEADS = {
    "Name": "NAME", "Image": "IMAGE", "Command": "COMMAND", "Service": "SERVICE", "CreatedAt": "CREATED AT", "RunningFor": "CREATED",
    "Status": "STATUS", "Ports": "PORTS", "State": "STATE", "Health": "HEALTH", "ID": "CONTAINER ID", "Names": "NAMES",
    "ExitCode": "EXIT CODE", "Project": "PROJECT",
}  # fmt: skip
_STANDARD = ("Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports")


def compose(argv: list[str], control: Control) -> int:
    try:
        before = parse(argv, _GLOBAL, stop_at_word=True)
        for flag in _UNUSED:
            if before.has(flag):
                raise not_modelled("docker", f"compose --{flag}")
        verb, arguments = (before.words[0], before.words[1:]) if before.words else ("", [])
        if before.on("version") or verb == "version":
            print("Docker Compose version v2.36.2")
            return 0
        if not verb or verb in _REAL:
            raise not_modelled("docker", f"compose {verb}" if verb else "the help text of compose")
        if verb not in VERBS:
            raise Failure(f'unknown docker command: "compose {verb}"', 16)
        line = parse(arguments, VERBS[verb].flags, stop_at_word=verb == "exec")
        for flag in VERBS[verb].missing():
            if line.has(flag):
                raise not_modelled("docker", f"compose {verb} --{flag}")
    except BadFlag as error:
        raise Failure(str(error), 16) from error
    file = project.project_file(before)
    if other := project.other_project(before, file):
        return _without_containers(verb, other, file)
    return VERBS[verb].action(line, act.Job(project.Engine(control), file))


def _without_containers(verb: str, name: str, file: ComposeFile) -> int:
    """Another project than the stack's has no container: there is nothing to show, to stop or to remove."""
    if verb in ("up", "exec", "build", "config", "scale", "pull"):
        raise not_modelled(
            "docker", f"compose -p {name} {verb}, with another project name than the stack's ({file.name or 'its own'})"
        )
    if verb == "ps":
        template.show("table", [], _HEADS, _STANDARD, "*formatter.ContainerContext")
    elif verb == "down":
        import sys

        print(f'Warning: No resource found to remove for project "{name}".', file=sys.stderr)
    return 0


def _ps(line: Parsed, job: act.Job) -> int:
    engine, wanted = job.engine, [*line.texts("status"), *(text.removeprefix("status=") for text in line.texts("filter"))]
    if any(not text.startswith("status=") for text in line.texts("filter")):
        raise Failure("arguments to --filter should be in form KEY=VAL" if "=" not in line.text("filter") else
                      f"unsupported filter {line.text('filter').partition('=')[0]}")  # fmt: skip
    there = engine.containers()
    shown = [unit for unit in engine.chosen(line.words) if unit in there and (unit.running or line.on("all") or wanted)]
    if wanted:
        shown = [unit for unit in shown if ("running" if unit.running else "exited") in wanted]
    if line.on("quiet"):
        print("".join(engine.long_identity(unit) + "\n" for unit in shown), end="")
    elif line.on("services"):
        print("".join(f"{unit.compose}\n" for unit in shown), end="")
    else:
        form = line.text("format", "table")
        template.show(form, [_row(engine, unit) for unit in shown], _HEADS, _STANDARD, "*formatter.ContainerContext")
    return 0


def _row(engine: project.Engine, unit: Unit) -> dict[str, object]:
    return {
        "ID": engine.identity(unit),
        "Name": engine.name(unit),
        "Names": engine.name(unit),
        "Image": engine.image(unit),
        "Command": f'"{project.command(unit)}"',
        "Project": engine.state.prefix,
        "Service": str(unit.compose),
        "RunningFor": f"{project.long_age(engine.now_s)} ago",
        "State": "running" if unit.running else "exited",
        "Health": ("healthy" if unit.ready else "unhealthy") if unit.running else "",
        "Status": engine.status(unit),
        "ExitCode": unit.exit_code or 0,
        "Ports": engine.ports(unit),
    }


def _logs(line: Parsed, job: act.Job) -> int:
    engine = job.engine
    tail = check_tail(line.text("tail", "all"))
    there = engine.containers()
    units = [unit for unit in engine.chosen(line.words) if unit in there]
    width = max((len(f"{unit.compose}-1") for unit in units), default=0) + 1
    bare = line.on("no-log-prefix")
    heads = [(unit, "" if bare else f"{unit.compose}-1".ljust(width) + " | ") for unit in units]
    print_logs(engine, heads, tail=tail, line=line)
    return 0


def _up(line: Parsed, job: act.Job) -> int:
    code = act.up(line, job)
    if code or line.on("detach") or line.on("wait"):
        return code
    job.engine.refresh()
    return _logs(Parsed({"follow": ["true"], "tail": ["0"]}, line.words, [], False), job)


def _top(line: Parsed, job: act.Job) -> int:
    for unit in job.engine.chosen(line.words):
        if unit.running and unit.pid:
            print(job.engine.name(unit))
            print_top(unit.pid)
            print()
    return 0


def _images(line: Parsed, job: act.Job) -> int:
    """No layers lie behind the stack's processes: every image is as big as nothing."""
    engine = job.engine
    rows = [["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"]]
    there = [unit for unit in engine.chosen(line.words) if unit in engine.containers()]
    for unit in there:
        repository, _, tag = engine.image(unit).partition(":")
        rows.append(
            [
                engine.name(unit),
                repository,
                tag or "latest",
                "linux/amd64",
                engine.identity(unit),
                "0B",
                f"{project.long_age(engine.now_s)} ago",
            ]
        )
    if line.on("quiet"):
        print("".join(engine.identity(unit) + "\n" for unit in there), end="")
    else:
        project.print_columns(rows)
    return 0


def _config(line: Parsed, job: act.Job) -> int:
    """The file was read: that is what --quiet asks."""
    services = sorted(job.file.services)
    if line.on("services"):
        print("".join(f"{service}\n" for service in services), end="")
    elif line.on("images"):
        print("".join(f"{keys['image']}\n" for _, keys in sorted(job.file.services.items()) if keys.get("image")), end="")
    elif not line.on("quiet"):
        raise not_modelled("docker", "compose config without --quiet, --services or --images")
    return 0


def _exec(line: Parsed, job: act.Job) -> int:
    if not line.words[1:]:
        raise Failure("\"docker compose exec\" requires at least 2 arguments.\nSee 'docker compose exec --help'.")
    (unit,) = job.engine.chosen(line.words[:1])
    if not unit.running:
        raise Failure(f'service "{unit.compose}" is not running')
    return run_in_container(unit, line.words[1:], line, stdin=True)


def _flag(text: str) -> Flag:
    """`a,all` is --all with -a; `t,timeout:int` takes a number."""
    names, _, kind = text.partition(":")
    short, _, name = names.rpartition(",")
    return Flag(name, short, kind or "switch")


class Verb(NamedTuple):
    """One command: what it does, its flags, and those that the real one has and this one has not."""

    action: Callable[[Parsed, act.Job], int]
    offered: str
    lacks: str = ""

    @property
    def flags(self) -> tuple[Flag, ...]:
        return tuple(_flag(each) for each in f"{self.offered} {self.lacks} dry-run".split())

    def missing(self) -> tuple[str, ...]:
        return tuple(_flag(each).name for each in f"{self.lacks} dry-run".split())


VERBS = {
    "ps": Verb(_ps, "a,all q,quiet services no-trunc orphans format:text status:text filter:text"),
    "logs": Verb(_logs, "f,follow t,timestamps no-log-prefix no-color n,tail:text since:text until:text", "index:int"),
    "restart": Verb(act.restart, "no-deps t,timeout:int"),
    "stop": Verb(act.stop, "t,timeout:int"),
    "start": Verb(act.start, "wait wait-timeout:int"),
    "kill": Verb(act.kill, "remove-orphans s,signal:text"),
    "rm": Verb(act.rm, "f,force s,stop v,volumes"),
    "up": Verb(
        _up,
        "d,detach wait force-recreate build no-deps remove-orphans no-build no-recreate quiet-pull V,renew-anon-volumes no-log-prefix no-color "
        "always-recreate-deps y,yes quiet-build scale:text t,timeout:int pull:text wait-timeout:int",
        "no-start abort-on-container-exit abort-on-container-failure attach-dependencies timestamps attach:text no-attach:text "
        "exit-code-from:text w,watch menu",
    ),
    "down": Verb(act.down, "remove-orphans v,volumes rmi:text t,timeout:int"),
    "scale": Verb(act.scale, "no-deps"),
    "build": Verb(
        act.build, "no-cache q,quiet with-dependencies pull build-arg:text progress:text",
        "builder:text m,memory:text push ssh:text check print provenance:text sbom:text",
    ),
    "pull": Verb(act.pull, "q,quiet ignore-pull-failures include-deps ignore-buildable policy:text"),
    "top": Verb(_top, ""),
    "images": Verb(_images, "q,quiet", "format:text"),
    "config": Verb(
        _config, "q,quiet services images volumes",
        "environment format:text hash:text no-consistency no-interpolate no-normalize no-path-resolution o,output:text profiles "
        "resolve-image-digests variables lock-image-digests models networks no-env-resolution",
    ),
    "exec": Verb(_exec, "T,no-TTY i,interactive d,detach t,tty u,user:text e,env:text", "index:int privileged w,workdir:text"),
}  # fmt: skip
