"""Whether a command can be executed, as far as reading tells: yes, once its placeholders are bound, or not at all, and why."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scenarios.reading.commands import Command
from scenarios.reading.reach import Reach, reach
from scenarios.reading.sessions import opens
from scenarios.reading.shell import Simple

_EDITORS = {"vi", "vim", "nvim", "nano", "emacs", "ed", "code", "mcedit", "micro", "visudo", "vipw", "sudoedit"}
_BROWSERS = {"open", "xdg-open", "firefox", "google-chrome", "sensible-browser"}
_ENDLESS = {"top", "htop", "watch", "wscat", "websocat", "tcpdump", "iotop", "ping", "k9s"}
_FOLLOWING = {"-f", "-F", "--follow"}
_FOLLOWERS = {"tail", "journalctl", "stern"}  # all their words are options of their one verb
_FOLLOWING_VERBS = {"logs": _FOLLOWING, "get": {"-w", "--watch", "--watch-only"}}  # of kubectl, docker and their kin
_ENOUGH = re.compile(
    r"(?:^|\s)(?:-[a-zA-Z]*[qm]|--quiet|--silent|--max-count)"
)  # of grep: it ends at the first match, or after so many
_WITH_VERBS = {"kubectl", "docker", "docker-compose", "podman", "oc"}


class Class(StrEnum):
    """What can be done with a command."""

    EXECUTABLE = "executable"
    NEEDS_BINDING = "needs a binding"
    NOT_EXECUTABLE = "cannot be executed"


@dataclass(frozen=True, slots=True)
class Classified:
    """The class and its reason. `endless` commands run until they are stopped: whoever executes them gives them a time."""

    kind: Class
    reason: str
    endless: bool = False


def classify(command: Command, bound: Collection[str] = ()) -> Classified:
    """`bound` are the names of placeholders that have a value."""
    reason = _impossible(command)
    if reason:
        return Classified(Class.NOT_EXECUTABLE, reason)
    open_ = dict.fromkeys(each.text for each in command.placeholders if each.where != "comment" and each.name not in bound)
    endless = _endless(command)
    if open_:
        return Classified(Class.NEEDS_BINDING, f"{', '.join(open_)} must be given a value", endless)
    return Classified(Class.EXECUTABLE, _remark(command, endless=endless), endless)


def _impossible(command: Command) -> str:
    if command.kind == "prose":
        return "prose in a block of shell: a line for people"
    if command.kind == "address":
        return "an address to open in a browser, not a command"
    if command.script is None:
        return ""
    if command.script.errors:
        first = command.script.errors[0]
        return f"bash cannot parse it: {first.message} (line {first.line}, column {first.column})"
    for simple in command.script.commands:
        reason = _impossible_program(reach(simple))
        if reason:
            return reason
    return ""


def _impossible_program(found: Reach) -> str:
    values = found.values
    if found.program in _EDITORS:
        return f"{found.program} opens an editor: a person changes a file"
    if found.program in ("kubectl", "oc") and values[:1] == ("edit",):
        return f"{found.program} edit opens an editor: a person changes a resource"
    if (found.program == "crontab" and "-e" in values) or (found.program == "systemctl" and values[:1] == ("edit",)):
        return f"{found.program} opens an editor: a person changes a file"
    if found.program == "git" and "rebase" in values and ("-i" in values or "--interactive" in values):
        return "git rebase -i opens an editor: a person decides"
    if found.program in _BROWSERS:
        return f"{found.program} opens a window: something to look at"
    if "ssh" in found.through or found.program in ("ssh", "telnet", "mosh"):
        return f"it goes to another host, {found.target or 'which is not here'}: there is only this one"
    return ""


def _endless(command: Command) -> bool:
    if command.script is None:
        return False
    for at, simple in enumerate(command.script.commands, 1):
        found = reach(simple)
        if simple.background or "timeout" in found.through or _has_enough(simple, command.script.commands[at:]):
            continue
        if is_endless(found):
            return True
    return False


def is_endless(found: Reach) -> bool:
    """Whether a program runs until it is stopped, wherever its output goes and whatever ends it."""
    if {found.program, *found.through} & _ENDLESS and not _is_bounded(found):
        return True
    if found.program == "docker" and found.values[:1] == ("stats",) and "--no-stream" not in found.values:
        return True
    if found.program == "pm2" and found.values[:1] in (("logs",), ("monit",)) and "--nostream" not in found.values:
        return True
    return _follows(found)


def _has_enough(simple: Simple, later: Sequence[Simple]) -> bool:
    """Whether what it prints goes to a program that ends by itself: then it is ended too."""
    after = [reach(each) for each in later if simple.pipeline and each.pipeline == simple.pipeline]
    return any(each.program == "head" or (each.program == "grep" and _ENOUGH.search(" ".join(each.values))) for each in after)


def _follows(found: Reach) -> bool:
    """Whether it prints what comes until it is stopped. An option before the verb or behind another one follows nothing."""
    if found.program in _FOLLOWERS:
        return bool(_FOLLOWING & set(found.values))
    if found.program not in _WITH_VERBS:
        return False
    verbs = [at for at, each in enumerate(found.values) if each in _FOLLOWING_VERBS]
    return bool(verbs) and bool(_FOLLOWING_VERBS[found.values[verbs[0]]] & set(found.values[verbs[0] :]))


def _is_bounded(found: Reach) -> bool:
    options = {"ping": ("-c", "-w"), "top": ("-n", "-bn", "-b"), "tcpdump": ("-c",), "iotop": ("-n",)}.get(found.program, ())
    return any(each.startswith(options) for each in found.values if options)


def _remark(command: Command, *, endless: bool) -> str:
    if command.kind == "schedule":
        return "a crontab line: its job is run once, now"
    if command.kind in ("sql", "redis"):
        return f"{command.kind}: given to a client of the stack's own datastore"
    if command.input:
        return f"what is typed into it is given on its standard input: {len(command.input)}"
    if command.script is not None and opens(command.script) is not None:
        return "a session in which nothing is typed: it gets an empty standard input"
    return "it runs until it is stopped, and is stopped after its time" if endless else ""
