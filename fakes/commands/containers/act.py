"""What changes containers: `docker compose` up, down, start, stop, restart, kill, rm, scale, build, pull."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

from fakes.commands.containers import build as building
from fakes.commands.containers import objects, project, registry
from fakes.commands.containers.composefile import ComposeFile
from fakes.commands.control import Unit
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed

_BUILD_FAILED, _PULL_FAILED = 17, 18
Step = tuple[str, str, str]  # the control API's verb, compose's word before, its word after


class Job(NamedTuple):
    """What a compose command works on."""

    engine: project.Engine
    file: ComposeFile


def restart(line: Parsed, job: Job) -> int:
    return _each(line, job, lambda unit: ("restart", "Restarting", "Started"))


def stop(line: Parsed, job: Job) -> int:
    return _each(line, job, lambda unit: ("stop", "Stopping", "Stopped") if unit.running else None)


def kill(line: Parsed, job: Job) -> int:
    if line.text("signal", "SIGKILL").removeprefix("SIG") not in ("KILL", "TERM", "INT", "9", "15", "2"):
        raise not_modelled("docker", f"compose kill --signal {line.text('signal')}")
    return _each(line, job, lambda unit: ("stop", "Killing", "Killed") if unit.running else None)


def start(line: Parsed, job: Job) -> int:
    for unit in job.engine.chosen(line.words):
        if unit not in job.engine.containers():
            raise Failure(f'service "{unit.compose}" has no container to start')
    return _each(line, job, lambda unit: None if unit.running else ("start", "Starting", "Started"))


def rm(line: Parsed, job: Job) -> int:
    """Only what has ended, unless --stop ends it first."""
    if line.on("stop"):
        stop(line, job)
        job.engine.refresh()
    going = [unit for unit in job.engine.chosen(line.words) if unit in job.engine.containers() and not unit.running]
    if not going:
        print("No stopped containers", file=sys.stderr)
    elif not line.on("force"):
        raise not_modelled("docker", "compose rm without --force, which asks back")
    _remove(job, going)
    return 0


def down(line: Parsed, job: Job) -> int:
    """Containers go. Their volumes stay, and `up` brings the same data back; with --volumes the data are deleted for good."""
    if line.has("rmi") and line.text("rmi") not in ("local", "all"):
        raise Failure(f'invalid value for --rmi: "{line.text("rmi")}" (legal values are "local", "all")')
    if line.has("rmi"):
        raise not_modelled("docker", "compose down --rmi")
    units = [unit for unit in job.engine.chosen(line.words) if unit in job.engine.containers()]
    if not units and not line.on("volumes"):
        print(f'Warning: No resource found to remove for project "{job.engine.state.prefix}".', file=sys.stderr)
    _each(line, job, lambda unit: ("stop", "Stopping", "Stopped") if unit.running else None)
    _remove(job, units)
    if line.on("volumes"):
        for unit in reversed(_in_order(job.engine.chosen(line.words))):
            if unit.kind != "service":
                volume = f"{job.engine.state.prefix}_{unit.compose}-data"
                print(f" Volume {volume}  Removing", file=sys.stderr, flush=True)
                job.engine.control.act(unit, "wipe", wait=True)
                print(f" Volume {volume}  Removed", file=sys.stderr, flush=True)
    return 0


def up(line: Parsed, job: Job) -> int:
    """What is missing is created and started; what runs is left alone."""
    if line.has("pull") and line.text("pull") not in ("missing", "never", "if_not_present"):
        return pull(line, job)
    if line.on("build"):
        _build(job, line.words)
    scales = dict(_scale(text) for text in line.texts("scale"))
    job.engine.chosen(list(scales))

    def verb(unit: Unit) -> Step | None:
        if scales.get(str(unit.compose)) == 0:
            return ("stop", "Stopping", "Stopped") if unit.running else None
        if unit.running and line.on("force-recreate"):
            return "restart", "Recreate", "Started"
        return None if unit.running else ("start", "Starting", "Started")

    for unit in job.engine.chosen(line.words):
        if scales.get(str(unit.compose), 1) > 1:
            _more_than_one(job, unit, scales[str(unit.compose)])
    for unit in job.engine.chosen(line.words):
        if unit.running and verb(unit) is None:
            _say(job, unit, "Running")
    return _each(line, job, verb)


def scale(line: Parsed, job: Job) -> int:
    """Each word is SERVICE=NUM; it is `up --scale`, but for what else is missing."""
    for word in line.words:
        service, count = _scale(word)
        (unit,) = job.engine.chosen([service])
        if count > 1:
            _more_than_one(job, unit, count)
        elif count != int(unit.running):
            job.engine.control.act(unit, "start" if count else "stop", wait=True)
    return 0


def _scale(text: str) -> tuple[str, int]:
    service, _, count = text.partition("=")
    if not count.isdigit():
        raise Failure(f"invalid --scale option {text!r}. Should be SERVICE=NUM")
    return service, int(count)


def _more_than_one(job: Job, unit: Unit, count: int) -> None:
    """A second container can't have the host's port that the compose file gives to the first. Raises Failure."""
    port = job.file.fixed_port(str(unit.compose))
    if port:
        second = job.engine.name(unit).removesuffix("1") + "2"
        print(f" Container {second}  Starting", file=sys.stderr, flush=True)
        raise Failure(
            "Error response from daemon: failed to set up container networking: driver failed programming external connectivity on "
            f"endpoint {second}: Bind for 127.0.0.1:{port} failed: port is already allocated"
        )
    print(f"Warning: this stack runs one process for {unit.compose}: 1 of {count}", file=sys.stderr)


def build(line: Parsed, job: Job) -> int:
    if not _build(job, line.words):
        print("No services to build", file=sys.stderr)
    return 0


def _build(job: Job, services: list[str]) -> int:
    """Build what the file says is built here; how many."""
    built = 0
    job.engine.chosen(services)
    for service in sorted(services or job.file.services):
        if said := job.file.build(service):
            try:
                image = building.build_image(said.context, said.dockerfile)
            except Failure as failure:
                raise Failure(failure.message, _BUILD_FAILED) from failure
            name = job.file.services[service].get("image") or f"{job.engine.state.prefix}-{service}"
            objects.keep_image(job.engine.control, image._replace(reference=registry.with_tag(name)))
            print(f" {service}  Built", file=sys.stderr, flush=True)
            built += 1
    return built


def pull(line: Parsed, job: Job) -> int:
    """No registry is within reach."""
    images = [job.engine.image(unit) for unit in job.engine.chosen(line.words)]
    for name in images:
        refused = registry.unreachable(name)
        print(f" {name}  Error {refused}", file=sys.stderr)
        if not line.on("ignore-pull-failures"):
            raise Failure(f"Error response from daemon: {refused}", _PULL_FAILED)
    return 0


def _remove(job: Job, units: list[Unit]) -> None:
    for unit in _in_order(units):
        _say(job, unit, "Removing")
        objects.remove(job.engine.control, unit)
        _say(job, unit, "Removed")


def _each(line: Parsed, job: Job, choose: Callable[[Unit], Step | None]) -> int:
    """Do to each chosen container what `choose` says, and wait for it, as compose does.

    Services need each other to be healthy: several are all started before one of them is awaited.
    """
    due: list[tuple[Unit, Step]] = []
    for unit in _in_order(job.engine.chosen(line.words)):
        step = choose(unit)
        gone = unit.name in job.engine.removed and not unit.running
        if step is None or (gone and step[0] != "start"):
            continue
        if gone:
            objects.restore(job.engine.control, unit)
        due.append((unit, step))
    together = [unit for unit, step in due if unit.kind == "service" and step[0] != "stop"]
    awaited: list[tuple[Unit, Step]] = []
    for unit, (verb, doing, done) in due:
        later = len(together) > 1 and unit in together
        _say(job, unit, doing)
        job.engine.control.act(unit, verb, wait=not later)
        if later:
            awaited.append((unit, ("start", doing, done)))
        else:
            _say(job, unit, done)
    for unit, (verb, _, done) in awaited:
        job.engine.control.act(unit, verb, wait=True)
        _say(job, unit, done)
    return 0


def _in_order(units: list[Unit]) -> list[Unit]:
    """Datastores first, replicas after what they copy: what depends on them finds them there."""
    return sorted(units, key=lambda unit: (unit.kind == "service", unit.replica_of is not None))


def _say(job: Job, unit: Unit, what: str) -> None:
    print(f" Container {job.engine.name(unit)}  {what}", file=sys.stderr, flush=True)
