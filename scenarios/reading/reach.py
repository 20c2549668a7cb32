"""Looks through commands that only carry another one: sudo, timeout, kubectl exec ... --, docker exec, ssh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scenarios.reading.shell import Simple, Word

_PLAIN = {
    "sudo",
    "time",
    "nohup",
    "env",
    "nice",
    "exec",
    "command",
    "builtin",
    "watch",
    "xargs",
    "timeout",
    "stdbuf",
    "setsid",
    "ionice",
    "chroot",
    "doas",
}
_VALUED = {
    "sudo": {"-u", "-g", "-h", "-p", "-C", "-T"}, "env": {"-u", "-C", "-S"}, "nice": {"-n"}, "watch": {"-n", "--interval"},
    "xargs": {"-n", "-I", "-P", "-d", "-L", "-a", "-s"}, "timeout": {"-s", "-k"}, "stdbuf": {"-i", "-o", "-e"}, "ionice": {"-c", "-n"},
    "docker": {"-e", "--env", "-u", "--user", "-w", "--workdir", "--env-file", "--index"},
    "ssh": {"-i", "-p", "-l", "-o", "-F", "-J", "-L", "-R", "-D", "-b", "-c", "-E", "-W", "-m", "-S"},
}  # fmt: skip
_OPERANDS = {"timeout": 1, "chroot": 1}  # plain words of their own before the command
_COMPOSE_VALUED = {"-f", "--file", "-p", "--project-name", "--env-file", "--profile", "--project-directory"}

Place = Literal["here", "pod", "container", "host"]


@dataclass(frozen=True, slots=True)
class Reach:
    """What is run in the end: the program and its arguments, what carries it, and where."""

    program: str
    arguments: tuple[Word, ...]
    through: tuple[str, ...] = ()  # "sudo", "kubectl exec", "ssh"
    place: Place = "here"
    target: str = ""  # the pod, container or host

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(each.text if each.value is None else each.value for each in self.arguments)


def reach(simple: Simple) -> Reach:
    """The program that a simple command runs in the end. Of `ssh host` alone there is none: `program` is then empty."""
    program, arguments = simple.program, list(simple.arguments)
    through: list[str] = []
    place: Place = "here"
    target = ""
    for _ in range(len(arguments) + 1):
        carried = _carried(program, arguments)
        if carried is None:
            break
        carrier, there, where, rest = carried
        through.append(carrier)
        place, target = (there, where) if there != "here" else (place, target)
        program = _said(rest[0]).rpartition("/")[2] if rest else ""
        arguments = rest[1:]
    return Reach(program, tuple(arguments), tuple(through), place, target)


def _carried(program: str, arguments: Sequence[Word]) -> tuple[str, Place, str, list[Word]] | None:
    words = [_said(each) for each in arguments]
    if program in _PLAIN:
        rest = _after_options(arguments, _VALUED.get(program, set()), _OPERANDS.get(program, 0))
        while rest and program in ("env", "sudo") and "=" in _said(rest[0]):
            rest = rest[1:]
        return (program, "here", "", rest) if rest else None
    if program in ("kubectl", "oc") and "exec" in words and "--" in words:
        at, end = words.index("exec"), words.index("--")
        target = next(
            (word for before, word in zip(words[at:end], words[at + 1 : end], strict=False) if _names(before, word)), ""
        )
        return f"{program} exec", "pod", target, list(arguments[end + 1 :])
    if program in ("docker", "podman", "docker-compose"):
        return _in_container(program, arguments, words)
    if program == "ssh":
        rest = _after_options(arguments, _VALUED["ssh"], 0)
        return ("ssh", "host", _said(rest[0]), rest[1:]) if rest else None
    return None


def _in_container(program: str, arguments: Sequence[Word], words: Sequence[str]) -> tuple[str, Place, str, list[Word]] | None:
    at = 0
    carrier = program
    if words[:1] == ["compose"] or program == "docker-compose":
        carrier, at = "docker compose", 1 if program != "docker-compose" else 0
        while at < len(words) and words[at].startswith("-"):
            at += 2 if words[at] in _COMPOSE_VALUED else 1
    if words[at : at + 1] != ["exec"]:
        return None
    rest = _after_options(arguments[at + 1 :], _VALUED["docker"], 0)
    return (f"{carrier} exec", "container", _said(rest[0]), rest[1:]) if rest else None


def _names(before: str, word: str) -> bool:
    """Whether a word of `kubectl exec` is the pod: neither an option nor the value of one."""
    return not word.startswith("-") and before not in (
        "-n",
        "--namespace",
        "-c",
        "--container",
        "-f",
        "--filename",
        "--context",
        "--kubeconfig",
    )


def _after_options(arguments: Sequence[Word], valued: set[str], operands: int) -> list[Word]:
    at = 0
    while at < len(arguments) and _said(arguments[at]).startswith("-"):
        said = _said(arguments[at])
        at += 2 if said in valued else 1
        if said == "--":
            break
    return list(arguments[at + operands :])


def _said(word: Word) -> str:
    return word.text if word.value is None else word.value
