"""Stand-in for `grafana-cli`, as of Grafana 9.2 and later: its grammar. It works on Grafana's own folders, which a drill hasn't."""

from __future__ import annotations

import sys

from fakes.commands.entry import Failure, not_modelled, run

_VALUED = ("--config", "--homepath", "--configOverrides", "--pluginsDir", "--repo", "--pluginUrl")
_SWITCHES = ("--insecure", "--debug", "-d", "--help", "-h", "--version", "-v")
COMMANDS: dict[str, tuple[str, ...]] = {
    "plugins": ("install", "list-remote", "list-versions", "update", "upgrade", "update-all", "upgrade-all", "ls", "uninstall", "remove"),
    "admin": ("reset-admin-password", "data-migration", "secrets-migration", "user-manager", "flush-rbac-seed-assignment", "secrets-consolidation"),
    "cue": (),
}  # fmt: skip
_DEPRECATED = (
    "Deprecation warning: The standalone 'grafana-cli' program is deprecated and will be removed in the future. Please update all uses "
    "of 'grafana-cli' to 'grafana cli'"
)
_HELP = """NAME:
   grafana cli - run the grafana cli

USAGE:
   grafana cli command [command options] [arguments...]

COMMANDS:
   plugins  Manage plugins for grafana
   admin    Grafana admin commands
   help, h  Shows a list of commands or help for one command"""


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    print(_DEPRECATED, file=sys.stderr)
    words = _words(argv)
    if not words or words[0] in ("help", "h"):
        print(_HELP)
        return 0
    group, below = words[0], words[1:]
    if group not in COMMANDS:
        return _not_found(group)
    if not below or below[0] in ("help", "h"):
        print(f"NAME:\n   grafana cli {group}\n\nCOMMANDS:\n" + "\n".join(f"   {name}" for name in (*COMMANDS[group], "help, h")))
        return 0
    if COMMANDS[group] and below[0] not in COMMANDS[group]:
        return _not_found(below[0])
    raise not_modelled("grafana-cli", f"{group} {below[0]}: no Grafana is installed on this machine; it")


def _words(argv: list[str]) -> list[str]:
    """What is left without the global options. Raises Failure for a wrong one, as Go's flag package does."""
    queue = list(argv)
    words: list[str] = []
    while queue:
        item = queue.pop(0)
        if words or not item.startswith("-"):
            words.append(item)
            continue
        name = "--" + item.lstrip("-").partition("=")[0] if len(item.lstrip("-")) > 1 else item
        if name in _VALUED:
            if "=" not in item:
                if not queue:
                    raise Failure(f"flag needs an argument: {item}")
                queue.pop(0)
        elif name in ("--help", "-h"):
            words.append("help")
        elif name in ("--version", "-v"):
            raise not_modelled("grafana-cli", "--version")
        elif name not in _SWITCHES:
            print(f"Incorrect Usage: flag provided but not defined: -{item.lstrip('-').partition('=')[0]}\n\n{_HELP}")
            raise Failure("")
    return words


def _not_found(command: str) -> int:
    print(f"grafana: '{command}' is not a grafana command. See 'grafana --help'.")
    return 1
