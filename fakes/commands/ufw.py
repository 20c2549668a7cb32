"""Stand-in for `ufw` 0.36: keeps the rules of a firewall that is not enabled, as it comes. Until `ufw enable` they hold nothing back.

Nothing filters the packets of a drill, so `enable` is not offered: a rule that was said to work and did not would be a lie.
"""

from __future__ import annotations

import os
import re
import sys

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled, run
from fakes.commands.wire import Unreachable

KIND, _PLACE = "FirewallRule", "_"  # the store's name for what belongs to no namespace
_ACTIONS = ("allow", "deny", "reject", "limit")
REAL = ("enable", "default", "logging", "insert", "prepend", "route", "reset", "app")
_KEYS = ("proto", "from", "to", "port", "app")
_PROTOCOLS = ("tcp", "udp", "any", "ah", "esp", "gre", "ipv6", "igmp", "vrrp")
_USAGE = """
Usage: ufw COMMAND

Commands:
 enable                          enables the firewall
 disable                         disables the firewall
 default ARG                     set default policy
 logging LEVEL                   set logging to LEVEL
 allow ARGS                      add allow rule
 deny ARGS                       add deny rule
 reject ARGS                     add reject rule
 limit ARGS                      add limit rule
 delete RULE|NUM                 delete RULE
 insert NUM RULE                 insert RULE at NUM
 prepend RULE                    prepend RULE
 route RULE                      add route RULE
 route delete RULE|NUM           delete route RULE
 route insert NUM RULE           insert route RULE at NUM
 reload                          reload firewall
 reset                           reset firewall
 status                          show firewall status
 status numbered                 show firewall status as numbered list of RULES
 status verbose                  show verbose firewall status
 show ARG                        show firewall report
 version                         display version information

Application profile commands:
 app list                        list application profiles
 app info PROFILE                show information on PROFILE
 app update PROFILE              update PROFILE
 app default ARG                 set default application policy
"""


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    words = [word for word in argv if word not in ("--force", "--dry-run")]
    if "--dry-run" in argv:
        raise not_modelled("ufw", "--dry-run")
    verb, rest = (words[0].lower(), words[1:]) if words else ("", [])
    if verb in ("--help", "-h", "help"):
        print(_USAGE)
        return 0
    if verb in ("version", "--version"):
        print("ufw 0.36.2\nCopyright 2008-2023 Canonical Ltd.")
        return 0
    if not verb:
        raise Failure(f"ERROR: not enough args\n{_USAGE}")
    if verb in _ACTIONS:
        return _add(_checked(verb, rest))
    if verb == "delete":
        return _delete(rest)
    if verb in ("status", "show", "disable", "reload"):
        return _tell(verb, rest)
    if verb in REAL:
        _need_root()
        raise not_modelled("ufw", verb)
    raise _bad_syntax()


def _bad_syntax() -> Failure:
    return Failure(f"ERROR: Invalid syntax\n{_USAGE}")


def _need_root() -> None:
    if os.environ.get("GAMEDAY_ROOT") != "1" and os.geteuid() != 0:
        raise Failure("ERROR: You need to be root to run this script")


def _checked(action: str, rest: list[str]) -> str:
    """The rule in one line, as `ufw show added` shows it. Raises Failure for what is none."""
    words = [word.lower() for word in rest]
    if not words:
        raise _bad_syntax()
    direction = words.pop(0) if words[0] in ("in", "out") else ""
    if direction and not words:
        raise Failure("ERROR: Invalid interface clause")
    interface = ""
    if words[0] == "on":
        if not direction or len(words) < 2:
            raise Failure("ERROR: Invalid interface clause")
        interface, words = f"on {words[1]}", words[2:]
    if len(words) == 1:
        _check_port(words[0])
    elif words:
        _check_clauses(words)
    return " ".join(part for part in (action, direction, interface, *words) if part)


def _check_port(text: str) -> None:
    port, _, protocol = text.partition("/")
    if protocol and protocol not in _PROTOCOLS:
        raise Failure("ERROR: Bad port")
    if re.fullmatch(r"\d[\d,:]*", port):
        if all(1 <= int(number) <= 65535 for number in re.findall(r"\d+", port)):
            if ("," in port or ":" in port) and protocol not in ("tcp", "udp"):
                raise Failure("ERROR: Must specify 'tcp' or 'udp' with multiple ports")
            return
        raise Failure("ERROR: Bad port")
    import socket

    try:
        socket.getservbyname(port)
    except OSError as error:
        raise Failure(f"ERROR: Could not find a profile matching '{text}'") from error


def _check_clauses(words: list[str]) -> None:
    if len(words) % 2:
        raise Failure("ERROR: Wrong number of arguments")
    pairs = list(zip(words[::2], words[1::2], strict=True))
    for key, value in pairs:
        if key not in _KEYS:
            raise Failure(f"ERROR: Invalid token '{key}'")
        if key == "port":
            _check_port(value)
        elif key == "proto" and value not in _PROTOCOLS:
            raise Failure(f"ERROR: Unsupported protocol '{value}'")
        elif key in ("from", "to") and value != "any":
            _check_address(key, value)
    if not {"from", "to"} & {key for key, _ in pairs}:
        raise Failure("ERROR: Need 'to' or 'from' clause")


def _check_address(key: str, value: str) -> None:
    import ipaddress

    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise Failure(f"ERROR: Bad {'source' if key == 'from' else 'destination'} address") from error


def _add(rule: str) -> int:
    _need_root()
    control, known = _kept()
    if rule in known:
        _twice("Skipping adding existing rule")
        return 0
    name = f"rule-{max([*known.values(), 0]) + 1:04}"
    control.put_object(
        {"apiVersion": "ufw/v0", "kind": KIND, "metadata": {"name": name, "namespace": _PLACE}, "spec": {"rule": rule}}
    )
    _twice("Rules updated")
    return 0


def _delete(rest: list[str]) -> int:
    if rest and rest[0].isdigit():
        _need_root()
        raise Failure(f"ERROR: Could not find rule '{rest[0]}'")  # of a firewall that is not enabled no rule has a number
    if not rest or rest[0].lower() not in _ACTIONS:
        raise _bad_syntax()
    rule = _checked(rest[0].lower(), rest[1:])
    _need_root()
    control, known = _kept()
    if rule not in known:
        _twice("Could not delete non-existent rule")
        return 0
    control.delete_object(KIND, _PLACE, f"rule-{known[rule]:04}")
    _twice("Rules updated")
    return 0


def _kept() -> tuple[Control, dict[str, int]]:
    """The rules that were added, with their numbers in the store."""
    control = Control.from_environment()
    try:
        found = control.objects(KIND)
    except (Unreachable, Refused) as error:
        raise Failure(f"ERROR: problem running: {error}") from error
    return control, {str(each["spec"]["rule"]): int(str(each["metadata"]["name"]).removeprefix("rule-")) for each in found}


def _twice(text: str) -> None:
    """Once for each version of the Internet protocol."""
    print(f"{text}\n{text} (v6)")


def _tell(verb: str, rest: list[str]) -> int:
    if verb == "status" and rest and rest[0] not in ("verbose", "numbered"):
        raise _bad_syntax()
    if verb == "show" and rest != ["added"]:
        if rest and rest[0] in ("raw", "builtins", "before-rules", "user-rules", "after-rules", "logging-rules", "listening"):
            raise not_modelled("ufw", f"show {rest[0]}")
        raise _bad_syntax()
    _need_root()
    if verb == "show":
        rules = sorted(_kept()[1].items(), key=lambda pair: pair[1])
        print("Added user rules (see 'ufw status' for running firewall):")
        print("\n".join(f"ufw {rule}" for rule, _ in rules) or "(None)")
    else:
        print({"status": "Status: inactive", "disable": "Firewall stopped and disabled on system startup",
               "reload": "Firewall not enabled (skipping reload)"}[verb])  # fmt: skip
    sys.stdout.flush()
    return 0
