"""Stand-in for `sudo`: runs the rest. The operator may do everything without a password, and becomes nobody else.

As with sudo's `env_reset`, the command sees little of the operator's environment unless -E is given: DATABASE_URL is gone. What
the stand-ins find the stack by stays.
"""

from __future__ import annotations

import os

from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.processes import attach

_KEPT = ("PATH", "HOME", "TERM", "LANG", "LANGUAGE", "COLORTERM", "DISPLAY", "USER", "LOGNAME", "TZ")
_KEPT_STARTS = ("LC_", "GAMEDAY_", "EAFIX_PROMETHEUS")
_USAGE = (
    "usage: sudo -h | -K | -k | -V\nusage: sudo -v [-ABkNnS] [-g group] [-h host] [-p prompt] [-u user]\n"
    "usage: sudo [-ABbEHnPS] [-C num] [-D directory] [-g group] [-h host] [-p prompt] [-R directory] [-T timeout] [-u user] [VAR=value] "
    "[-i | -s] [command [arg ...]]"
)
_VALUED = "CDghpRTUu"
_LONG = {
    "--preserve-env": "E",
    "--non-interactive": "n",
    "--set-home": "H",
    "--stdin": "S",
    "--validate": "v",
    "--login": "i",
    "--list": "l",
}
_LONG_TOO = ("--group", "--host", "--prompt", "--chdir", "--chroot", "--background", "--edit", "--shell", "--askpass", "--bell")


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    given, user, rest = _parsed(argv)
    if user not in ("root", "#0"):
        raise not_modelled("sudo", f"-u {user}")
    if "V" in given:
        print("Sudo version 1.9.13p3")
        return 0
    if given & set("isleK"):
        raise not_modelled("sudo", f"-{min(given & set('isleK'))}")
    if not rest:
        if given & set("vk"):
            return 0
        raise Failure(_USAGE)
    environment = {
        name: value for name, value in os.environ.items() if "E" in given or name in _KEPT or name.startswith(_KEPT_STARTS)
    }
    while rest and "=" in rest[0] and rest[0].partition("=")[0].isidentifier():
        name, _, value = rest.pop(0).partition("=")
        environment[name] = value
    environment |= {"GAMEDAY_ROOT": "1", "SUDO_USER": os.environ.get("USER", ""), "SUDO_COMMAND": " ".join(rest)}
    if not rest:
        raise Failure(_USAGE)
    try:
        return attach(rest, environment, stdin=True)
    except OSError as error:
        raise Failure(
            f"sudo: {rest[0]}: command not found" if error.errno == 2 else f"sudo: unable to execute {rest[0]}: {error.strerror}"
        ) from error


def _parsed(argv: list[str]) -> tuple[set[str], str, list[str]]:
    """The letters of the options that were given, the user, and what is to be run. Raises Failure."""
    given: set[str] = set()
    user, queue = "root", list(argv)
    while queue and queue[0].startswith("-") and queue[0] != "-":
        item = queue.pop(0)
        if item == "--":
            break
        if not item.startswith("--"):
            user = _letters(item[1:], queue, given) or user
        elif item.partition("=")[0] == "--user":
            user = item.partition("=")[2] or (queue.pop(0) if queue else "")
        elif item.partition("=")[0] in _LONG:
            given.add(_LONG[item.partition("=")[0]])
        elif item.partition("=")[0] in _LONG_TOO:
            raise not_modelled("sudo", item.partition("=")[0])
        else:
            raise Failure(f"sudo: unrecognized option '{item}'\n{_USAGE}")
    return given, user, queue


def _letters(letters: str, queue: list[str], given: set[str]) -> str:
    """Short options put together; the user, when one of them names it. Raises Failure."""
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter not in "ABbEeHiKklnNPSsVv" + _VALUED:
            raise Failure(f"sudo: invalid option -- '{letter}'\n{_USAGE}")
        if letter not in _VALUED:
            given.add(letter)
            continue
        if not letters and not queue:
            raise Failure(f"sudo: option requires an argument -- '{letter}'\n{_USAGE}")
        if letter != "u":
            raise not_modelled("sudo", f"-{letter}")
        return letters or queue.pop(0)
    return ""
