"""Which objects a command line means: `TYPE [NAME...]`, `TYPE/NAME ...`, `-l`, `--field-selector`, `-f`, `-n`, `-A`."""

from __future__ import annotations

from typing import NamedTuple

from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed
from fakes.commands.kube import kinds
from fakes.commands.kube.cluster import DEFAULT, Cluster, Thing, fields_match, matches
from fakes.commands.kube.kinds import Kind

NO_NAME = "error: resource(s) were provided, but no name was specified"
NO_RESOURCE = """error: You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'"""
_SPLIT = (
    "error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form "
    "(e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"
)


class Selected(NamedTuple):
    """The objects that were found, what was not, and whether they were asked for by name."""

    things: list[Thing]
    missing: list[str]  # messages
    by_name: bool

    def must(self) -> list[Thing]:
        """All of them. Raises Failure when one is missing."""
        if self.missing:
            raise Failure("\n".join(self.missing))
        return self.things


def namespace_of(line: Parsed) -> str | None:
    """The namespace that a line names; None for all of them."""
    return None if line.on("all-namespaces") else line.text("namespace") or DEFAULT


def select(cluster: Cluster, line: Parsed) -> Selected:
    """Raises Failure for a line that means nothing."""
    words, selector, fields = line.words, line.text("selector"), line.text("field-selector")
    space = namespace_of(line)
    if line.texts("filename"):
        return _of_files(cluster, line)
    asked = _asked(words)
    if asked:
        if selector or fields:
            raise Failure("error: name cannot be provided when a selector is specified")
        if space is None and any(kind.namespaced for kind, _ in asked):
            raise Failure("error: a resource cannot be retrieved by name across all namespaces")
        return _named(cluster, asked, space or "")
    found = [
        thing
        for word in words[0].split(",")
        for kind in kinds.of_word(word)
        for thing in cluster.of(kind, space)
        if matches(selector, thing.labels) and fields_match(fields, thing)
    ]
    return Selected(found, [], by_name=False)


def _asked(words: list[str]) -> list[tuple[Kind, str]]:
    """The kinds and names of a line; none when it names no object."""
    if any("/" in word for word in words):
        return [_split(word) for word in words]
    if not words[1:]:
        for word in words[0].split(","):
            kinds.of_word(word)
        return []
    return [(kind, name) for word in words[0].split(",") for kind in kinds.of_word(word) for name in words[1:]]


def _split(word: str) -> tuple[Kind, str]:
    resource, slash, name = word.partition("/")
    if not slash:
        raise Failure(_SPLIT)
    if not resource or not name or "/" in name:
        raise Failure("error: arguments in resource/name form must have a single resource and name")
    return kinds.of_word(resource)[0], name


def _named(cluster: Cluster, asked: list[tuple[Kind, str]], space: str) -> Selected:
    found, missing = [], []
    for kind, name in asked:
        try:
            found.append(cluster.find(kind, space if kind.namespaced else "", name))
        except Failure as failure:
            missing.append(failure.message)
    return Selected(found, missing, by_name=True)


def _of_files(cluster: Cluster, line: Parsed) -> Selected:
    from fakes.commands.kube.manifests import read

    found, missing = [], []
    for manifest in read(line):
        try:
            found.append(cluster.find(manifest.kind, manifest.namespace, manifest.name))
        except Failure as failure:
            missing.append(failure.message)
    return Selected(found, missing, by_name=True)


def needs_name(line: Parsed) -> None:
    """Raises Failure for a line that changes things and neither names them nor selects some."""
    if not line.words and not line.texts("filename"):
        raise Failure(NO_RESOURCE)
    if (
        line.texts("filename")
        or line.words[1:]
        or "/" in line.words[0]
        or line.text("selector")
        or line.text("field-selector")
        or line.on("all")
    ):
        return
    for word in line.words[0].split(","):
        kinds.of_word(word)
    raise Failure(NO_NAME)
