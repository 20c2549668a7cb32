"""Rules about links and contacts: do they lead anywhere. Only whether a file is there is looked up; what stands in it is not read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from scenarios.lint.context import Context
from scenarios.lint.finding import Finding, Related
from scenarios.lint.platforms import groups
from scenarios.lint.rule import rule
from scenarios.reading import Runbook, reach
from scenarios.reading.links import Link
from scenarios.suggestions import hint

_ROOTS = 6  # folders above a document in which its checkout may begin
_NUMBER_OF_FILMS = re.compile(r"(?<!\d)(?:\+?1[- .]?)?\(?555\)?[- .]|(?<!\d)555[- ]01\d\d(?!\d)")
_EXAMPLE = re.compile(r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|example|yourcompany\.com|company\.com)$", re.IGNORECASE)
_UNFILLED = re.compile(r"^[\w /-]+:\s*\[[^\]]*\b(?:phone|slack|e-?mail|contact|name)\b[^\]]*\]\s*$", re.IGNORECASE)
_FOLDER = re.compile(r"\**(?P<what>Kubernetes|Grafana dashboards)\**:\s*`(?P<path>[\w./-]+/)`", re.IGNORECASE)
_SENDS = re.compile(
    r"\b(?:see|refer(?:s|red|ring)?|follow(?:ing|s)?|consult|look (?:at|in|into|up)|per|according to|as in|described|documented|explained|listed|defined|details?|instructions?|procedures?|steps"
    r"|(?:run|play|hand)books?|guides?|policy|policies|documents?)\b(?:(?![.;]\s).)*$",
    re.IGNORECASE,
)
_TOOLS = {"kubernetes": "kubectl", "grafana": "grafana-cli"}
_HTML_ANCHOR = re.compile(r"<[^>]+\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']")


@rule("link-to-nothing", severity="error", title="A link to a file that is not there")
def link_to_nothing(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The document links to a file that does not exist where the link leads. In an index of runbooks that is a procedure that somebody counts on and nobody has written, or one that was moved. Words that send the reader to a file, "see `escalation.md`", are a link too, and then it is a warning.

    Bad: `[backup-recovery.md](backup-recovery.md)` in a folder without such a file.
    Good: a link to a file that is there; for what is still to be written, a line that says so.
    """
    linked = {each.file for each in runbook.links if each.kind == "link"}
    for link in runbook.links:
        if link.kind == "link" and link.file and not _exists(runbook.path, link.file):
            yield link_to_nothing.finding(
                runbook, link, f"there is no file {link.file} where this leads", f"[{link.text}]({link.target})"
            )
        elif (
            link.kind == "mention"
            and _sends_there(runbook, link)
            and link.file not in linked
            and not _is_anywhere(runbook.path, link.file)
        ):
            message = f"there is no file {link.file} beside this document or in a folder above"
            yield link_to_nothing.finding(runbook, link, message, f"`{link.text}`", severity="warning")


def _sends_there(runbook: Runbook, link: Link) -> bool:
    """Whether the words before a file's name send the reader to it; a file that a command will make is named too."""
    return _SENDS.search(runbook.source.line(link.line)[: link.column - 1]) is not None


def _exists(document: Path, target: str) -> bool:
    """Relative to the document; a path from the root also counts from the root of a checkout."""
    plain = re.sub(r"%20", " ", target).partition("?")[0]
    if plain.startswith("/"):
        return _is_anywhere(document, plain.lstrip("/"))
    return (document.parent / plain).exists()


def _is_anywhere(document: Path, target: str) -> bool:
    folders = [document.absolute().parent, *list(document.absolute().parents)[1:_ROOTS]]
    return any((folder / target).exists() for folder in folders)


@rule("anchor-to-nothing", severity="error", title="A link to a section that is not there")
def anchor_to_nothing(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """The link names a section (`#rollback`) that the document does not have: its heading was changed, the link was not. It leads to the top of the page, and the reader takes what stands there for what was meant.

    Bad: `[Rollback](#rollback)` when the heading is "Rollback Procedures".
    Good: `[Rollback](#rollback-procedures)`
    """
    books = {each.path.absolute(): each for each in (runbook, *context.runbooks)}
    for link in runbook.links:
        if link.kind != "link" or not link.fragment or link.is_external:
            continue
        there = runbook if not link.file else books.get(_target(runbook.path, link))
        if there is not None:
            anchors = {each.anchor for each in there.sections} | set(_HTML_ANCHOR.findall(there.text))
            if link.fragment.lower() not in {each.lower() for each in anchors}:
                message = f"{'this document' if there is runbook else link.file} has no section #{link.fragment}{hint(link.fragment, anchors)}"
                yield anchor_to_nothing.finding(runbook, link, message, f"[{link.text}]({link.target})")


def _target(document: Path, link: Link) -> Path:
    return Path(*(document.absolute().parent / link.file).parts)


@rule("placeholder-contact", severity="info", title="A contact that reaches nobody")
def placeholder_contact(context: Context, runbook: Runbook) -> Iterator[Finding]:
    """A telephone number of the range that is kept for films (555), an address at example.com, or a list of people in which only `[Phone]` stands. In the incident that it was written for, nobody is reached; the list of contacts is what is looked up when everything else is down.

    Bad: `**CISO**: +1-555-CISO-123`
    Good: the number that rings, and whose it is.
    """
    for contact in runbook.contacts:
        if (contact.kind == "phone" and _NUMBER_OF_FILMS.search(contact.text)) or (
            contact.kind == "email" and _EXAMPLE.search(contact.text)
        ):
            yield placeholder_contact.finding(
                runbook, contact, f"{contact.text} is a stand-in: it reaches nobody", runbook.source.line(contact.line).strip()
            )
    for fence in runbook.fences:
        lines = [line.strip() for line in fence.body if line.strip()]
        empty = [line for line in lines if _UNFILLED.match(line)]
        if empty and len(empty) == len(lines):
            message = f"none of these {len(empty)} contacts was ever filled in"
            yield placeholder_contact.finding(runbook, (fence.body_line, 1), message, "\n".join(empty), severity="warning")


@rule("path-differs", severity="warning", title="The same configuration in two places", across=True)
def path_differs(context: Context, runbooks: Sequence[Runbook]) -> Iterator[Finding]:
    """A document says in which folder the configuration of a tool lies, and the commands of this platform take it from another. One of the two is old: whoever mends the one and applies the other has changed nothing.

    Bad: "Kubernetes: `/deploy/k8s/`" in the index, and `kubectl apply -f deploy/kubernetes/green/` in the deployment.
    Good: the folder that the commands use.
    """
    for group in groups(runbooks):
        for book in group:
            for line, tool, folder in _told(book):
                used = [each for other in group for each in _taken(other, tool) if not f"{each[0]}/".startswith(f"{folder}/")]
                other_folders = [
                    each for each in used if PurePath(each[0]).parts[:1] == PurePath(folder).parts[:1] or tool == "grafana-cli"
                ]
                if other_folders:
                    path, where, number = other_folders[0]
                    message = f"this says {folder}, but {tool} takes {path} at {where.name}:{number}"
                    evidence = f"{book.name}:{line}: {book.source.line(line).strip()}\n{where.name}:{number}: {where.source.line(number).strip()}"
                    related = tuple(Related(each.path, at, each.source.line(at).strip()) for _, each, at in other_folders)
                    yield path_differs.finding(book, (line, 1), message, evidence, related)


def _told(runbook: Runbook) -> Iterator[tuple[int, str, str]]:
    """Items that name a folder: `Kubernetes: `/deploy/k8s/``."""
    for section in runbook.sections:
        for item in section.items:
            found = _FOLDER.match(item.raw)
            if found:
                yield item.line, _TOOLS[found["what"].lower().split()[0]], found["path"].strip("/")


def _taken(runbook: Runbook, tool: str) -> Iterator[tuple[str, Runbook, int]]:
    """Files that the commands of a document give to a tool."""
    for command in runbook.commands:
        for simple in command.script.commands if command.script else ():
            found = reach(simple)
            for before, word in zip(("", *found.values), found.arguments, strict=False) if found.program == tool else ():
                said = word.text if word.value is None else word.value
                path = (
                    said.removeprefix("--file=")
                    if said.startswith("--file=")
                    else said
                    if before in ("-f", "--file", "--filename")
                    else ""
                )
                if "/" in path and not path.startswith(("http", "<", "$")):
                    yield path.removeprefix("./").strip("/"), runbook, word.line
