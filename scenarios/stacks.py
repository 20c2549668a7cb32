"""Loads the description of a stack, and sees that it fits together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scenarios.errors import InvalidInput, Problem
from scenarios.model import Stack
from scenarios.places import STACKS, locate, siblings
from scenarios.sites import site_problems
from scenarios.suggestions import hint
from scenarios.validation import read_model
from scenarios.yaml_source import Source, describe

ANY = "any"  # stands for everybody who has no link of their own: `any -> redis`


def stack_names() -> list[str]:
    return sorted(path.stem for path in STACKS.glob("*.yaml"))


def stack_path(name_or_path: str, beside: Path | None = None) -> Path | None:
    """The file of a stack: a name in `stacks/`, or a path (relative to `beside`, to the current folder); None when there is none."""
    named = STACKS / f"{name_or_path}.yaml"
    if named.is_file():
        return named
    places = [Path(name_or_path)] if beside is None else [beside.parent / name_or_path, Path(name_or_path)]
    return next((path for path in places if path.is_file()), None)


def load_stack(name_or_path: str) -> Stack:
    """A stack by its name in `stacks/` or by its path. Raises InvalidInput."""
    path = stack_path(name_or_path)
    if path is None:
        raise InvalidInput([Problem(Path(name_or_path), 0, 0, f"there is no such stack{hint(name_or_path, stack_names())}")])
    return read_stack(path)


def read_stack(path: Path) -> Stack:
    """Raises InvalidInput."""
    source, stack = read_model(path, Stack)
    schemas, unreadable = _schemas(source, path, stack)
    problems = [
        *unreadable,
        *_links(source, stack),
        *_addresses(source, stack),
        *_replicas(source, stack),
        *_names(source, stack),
        *_standbys(source, stack),
        *_settings(source, stack),
        *site_problems(source, stack),
    ]
    if problems:
        raise InvalidInput(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return stack.model_copy(update={"schemas": schemas})


def processes(stack: Stack) -> list[str]:
    """Everything that can be killed or paused."""
    return sorted({*stack.services, *stack.datastores})


def link_names(stack: Stack, *, with_addresses: bool) -> list[str]:
    """The names of all links, as `from -> to`; on demand those of the service addresses too, as `any -> to`."""
    own = [f"{link.source} -> {link.to}" for link in stack.links]
    return [*own, *(f"{ANY} -> {name}" for name in (*stack.services, *stack.addresses))] if with_addresses else own


def _links(source: Source, stack: Stack) -> Iterator[Problem]:
    ends = sorted({*processes(stack), *stack.addresses})
    seen: set[tuple[str, str]] = set()
    for index, link in enumerate(stack.links):
        for key, name, known in (("from", link.source, processes(stack)), ("to", link.to, ends)):
            if name not in known:
                yield source.problem(f"{key}: unknown service or datastore '{name}'{hint(name, known)}", ("links", index, key))
        if (link.source, link.to) in seen:
            yield source.problem(f"the link {link.source} -> {link.to} stands here again", ("links", index))
        seen.add((link.source, link.to))


def _addresses(source: Source, stack: Stack) -> Iterator[Problem]:
    """Each service address selects one instance, and no two things listen on one port."""
    for name, address in stack.addresses.items():
        labels = [{"app": f"{stack.prefix}-{store.kind}", "role": store.role} for store in stack.datastores.values()]
        found = sum(address.selector.items() <= each.items() for each in labels)
        if found != 1:
            apps = ", ".join(sorted({f"{stack.prefix}-{store.kind}" for store in stack.datastores.values()}))
            message = f"the selector of {name} matches {found} datastores; it must match one by app ({apps}) and role"
            yield source.problem(message, ("addresses", name, "selector"))
    taken: dict[int, str] = {}
    groups = (("services", stack.services), ("datastores", stack.datastores), ("addresses", stack.addresses))
    for group, members in groups:
        for name, member in members.items():
            if member.port in taken:
                yield source.problem(
                    f"port {member.port} of {name} belongs to {taken[member.port]} already", (group, name, "port")
                )
            taken.setdefault(member.port, name)


def _schemas(source: Source, path: Path, stack: Stack) -> tuple[tuple[str, ...], list[Problem]]:
    """The texts of its SQL files, and what is wrong with them. A sandbox sees none of the folders that they lie in."""
    texts, problems = [], []
    for index, reference in enumerate(stack.schemas):
        try:
            texts.append((path.parent / reference).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            problems.append(source.problem(f"{reference} cannot be read: {why}", ("schemas", index)))
    return tuple(texts), problems


def _standbys(source: Source, stack: Stack) -> Iterator[Problem]:
    """What a standby stands by for, what an ingress leads to, and what else is there."""
    for name, service in stack.services.items():
        others = [other for other, model in stack.services.items() if not model.standby]
        if service.standby_for is not None and service.standby_for not in others:
            message = f"unknown service '{service.standby_for}'{hint(service.standby_for, others)}"
            yield source.problem(message, ("services", name, "standby-for"))
    for host, service_name in (stack.ingress.hosts if stack.ingress else {}).items():
        if service_name not in stack.services:
            message = f"unknown service '{service_name}'{hint(service_name, stack.services)}"
            yield source.problem(message, ("ingress", "hosts", host))
    for index, manifest in enumerate(stack.objects):
        if not manifest.get("kind") or not (manifest.get("metadata") or {}).get("name"):
            yield source.problem("an object needs a kind and metadata with a name", ("objects", index))


def _replicas(source: Source, stack: Stack) -> Iterator[Problem]:
    for name, store in stack.datastores.items():
        primary = store.replica_of
        if primary is None:
            continue
        others = [other for other in stack.datastores if other != name]
        at = ("datastores", name, "replica-of")
        if primary not in others:
            yield source.problem(f"unknown datastore '{primary}'{hint(primary, others)}", at)
        elif not any((link.source, link.to) == (name, primary) for link in stack.links):
            yield source.problem(f"there is no link {name} -> {primary}, which replication needs", at)


def _names(source: Source, stack: Stack) -> Iterator[Problem]:
    """Rule files, what is scraped, what is depended on."""
    known = sorted({*stack.services, *stack.addresses})
    for index, name in enumerate(stack.monitoring.scrape):
        if name not in known:
            yield source.problem(
                f"scrape: unknown service or address '{name}'{hint(name, known)}", ("monitoring", "scrape", index)
            )
    for index, reference in enumerate(stack.monitoring.rules):
        if not locate(reference, source.path).is_file():
            near = hint(reference, siblings(reference, source.path))
            yield source.problem(f"there is no rule file {reference}{near}", ("monitoring", "rules", index))
    for name, service in stack.services.items():
        for index, other in enumerate(service.depends_on):
            if other not in {*known, *stack.datastores}:
                near = hint(other, {*known, *stack.datastores})
                yield source.problem(f"unknown service or datastore '{other}'{near}", ("services", name, "depends-on", index))


def _settings(source: Source, stack: Stack) -> Iterator[Problem]:
    for name, choices in stack.setting_choices.items():
        if name not in stack.settings:
            yield source.problem(f"unknown setting '{name}'{hint(name, stack.settings)}", ("setting-choices", name), key=True)
        elif stack.settings[name] not in choices:
            message = f"{describe(stack.settings[name])} is not among the choices {', '.join(choices)}"
            yield source.problem(message, ("settings", name))
