"""Stand-in for `nginx` 1.22: -t really checks the proxy's configuration. No nginx runs in front of the stack, so there is none to signal.

The configuration is GAMEDAY_NGINX_CONF where /etc/nginx/nginx.conf would be.
"""

from __future__ import annotations

import os
import sys

from fakes.commands.entry import Failure, not_modelled, run

_HELP = """nginx version: nginx/1.22.1
Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: /usr/share/nginx/)
  -e filename   : set error log file (default: stderr)
  -c filename   : set configuration file (default: /etc/nginx/nginx.conf)
  -g directives : set global directives out of configuration file
"""
_SIGNALS = ("stop", "quit", "reopen", "reload")
_PARAMETERS = {"p": "directory name", "e": "file name", "c": "file name", "g": "parameter", "s": "parameter"}


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    switches, valued = _parsed(argv)
    if switches & set("?h"):
        print(_HELP, file=sys.stderr)
        return 0
    if "V" in switches:
        raise not_modelled("nginx", "-V")
    if "v" in switches:
        print("nginx version: nginx/1.22.1", file=sys.stderr)
        return 0
    for letter in "pg":
        if letter in valued:
            raise not_modelled("nginx", f"-{letter}")
    path = os.path.abspath(valued.get("c") or os.environ.get("GAMEDAY_NGINX_CONF") or "/etc/nginx/nginx.conf")
    if switches & set("tT"):
        return _test(path, quiet="q" in switches, dump="T" in switches)
    _checked(path)
    if "s" in valued:
        raise Failure('nginx: [error] open() "/run/nginx.pid" failed (2: No such file or directory)')
    raise not_modelled("nginx", "starting it: no proxy stands in front of this stack; it")


def _parsed(argv: list[str]) -> tuple[set[str], dict[str, str]]:
    switches: set[str] = set()
    valued: dict[str, str] = {}
    queue = list(argv)
    while queue:
        item = queue.pop(0)
        letters = item[1:]
        if not item.startswith("-"):
            raise Failure(f'nginx: invalid option: "{item}"')
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in "?hvVtTq":
                switches.add(letter)
            elif letter in _PARAMETERS:
                if not letters and not queue:
                    raise Failure(f'nginx: option "-{letter}" requires {_PARAMETERS[letter]}')
                valued[letter], letters = letters or queue.pop(0), ""
            else:
                raise Failure(f'nginx: invalid option: "{letter}"')
    if valued.get("s", "reload") not in _SIGNALS:
        raise Failure(f'nginx: invalid option: "-s {valued["s"]}"')
    return switches, valued


def _checked(path: str) -> set[str]:
    """The sections of a configuration without a fault. Raises Failure."""
    from fakes.commands.host.nginx_conf import Checker, Wrong

    checker = Checker(path)
    try:
        checker.check()
    except Wrong as wrong:
        raise Failure(f"nginx: [emerg] {wrong}") from wrong
    return checker.sections


def _test(path: str, *, quiet: bool, dump: bool) -> int:
    failed = f"nginx: configuration file {path} test failed"
    try:
        sections = _checked(path)
    except Failure as failure:
        raise Failure(f"{failure.message}\n{failed}") from failure
    if not quiet:
        print(f"nginx: the configuration file {path} syntax is ok", file=sys.stderr)
    if "events" not in sections:
        raise Failure(f'nginx: [emerg] no "events" section in configuration\n{failed}')
    if not quiet:
        print(f"nginx: configuration file {path} test is successful", file=sys.stderr)
    if dump:
        with open(path, encoding="utf-8") as file:
            print(f"# configuration file {path}:\n{file.read()}")
    return 0
