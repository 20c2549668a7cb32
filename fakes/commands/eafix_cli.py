"""Stand-in for `eafix-cli`, the platform's own command. Exit code 0: healthy or done; 1: not; 2: no such command."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, run
from fakes.commands.flags import BadFlag, parse
from fakes.commands.wire import Unreachable


class Command(NamedTuple):
    """Where a subcommand is: its function and the name of its flags in a module of `fakes.commands.eafix`."""

    module: str
    function: str
    flags: str = ""
    words: bool = False  # whether it takes positional arguments
    shown: str = ""


_COMMANDS = {
    "status": Command("health", "status", "STATUS_FLAGS", shown="[--verbose]"),
    "doctor": Command("health", "doctor", "DOCTOR_FLAGS", shown="[--comprehensive]"),
    "health-check": Command("health", "health_check", "HEALTH_FLAGS", shown="[--comprehensive]"),
    "database ping": Command("database", "ping", "PING_FLAGS", shown="[--timeout=SECONDS]"),
    "database verify": Command("database", "verify", "VERIFY_FLAGS", shown="[--full-check] [--timeout=SECONDS]"),
    "database performance": Command("database", "performance"),
    "database vacuum": Command("maintenance", "vacuum", "VACUUM_FLAGS", shown="[--analyze]"),
    "database reindex": Command("maintenance", "reindex", "REINDEX_FLAGS", shown="[--critical-only]"),
    "database optimize": Command("maintenance", "optimize", "OPTIMIZE_FLAGS", shown="[--analyze] [--full]"),
    "database performance-report": Command("reports", "database_report", "PERIOD_FLAGS", shown="--period=PERIOD"),
    "data-feed status": Command("feed", "status"),
    "data-feed test": Command("feed", "test", "TEST_FLAGS", shown="[--provider=all|NAME]"),
    "data-feed switch": Command("feed", "switch", "SWITCH_FLAGS", shown="--to=NAME"),
    "data-feed restart": Command("feed", "restart", "TEST_FLAGS", shown="[--provider=NAME]"),
    "data latest": Command("feed", "latest", "LATEST_FLAGS", shown="--symbol=SYMBOL"),
    "cache clear": Command("feed", "clear", "CLEAR_FLAGS", shown="--pattern=PATTERN"),
    "trading status": Command("trading", "status"),
    "trading stop": Command("trading", "stop", "STOP_FLAGS", shown="[--graceful]"),
    "trading start": Command("trading", "start"),
    "trading enable": Command("trading", "start", "START_FLAGS"),
    "trading performance-report": Command("reports", "trading_report", "PERIOD_FLAGS", shown="--period=PERIOD"),
    "risk status": Command("trading", "risk_status"),
    "risk limits": Command("trading", "risk_limits"),
    "risk limits reset": Command("trading", "risk_reset", "RESET_FLAGS", shown="--confirm"),
    "orders list": Command("trading", "orders", "LIST_FLAGS", shown="[--status=filled|failed] [--limit=N]"),
    "orders cleanup": Command("orders", "cleanup", "CLEANUP_FLAGS", shown="--stuck"),
    "broker status": Command("trading", "broker", "BROKER_FLAGS", shown="[--all]"),
    "metrics query": Command("health", "metrics_query", words=True, shown="EXPRESSION"),
    "metrics report": Command("trends", "metrics_report", "REPORT_FLAGS", shown="--metric=response_time|NAME --period=PERIOD"),
    "dependencies check": Command("health", "dependencies", "DEPENDENCIES_FLAGS", shown="--service=SERVICE"),
    "services stop": Command("health", "services_stop", "SERVICES_FLAGS", words=True, shown="--all|SERVICE..."),
    "services start": Command("health", "services_start", "SERVICES_FLAGS", words=True, shown="--all|SERVICE..."),
    "resources report": Command("trends", "resources_report", "RESOURCE_FLAGS", shown="--period=PERIOD"),
    "test smoke": Command("testing", "smoke", "TEST_FLAGS"),
    "test trading": Command("testing", "trade", "TEST_FLAGS"),
    "contracts validate": Command("testing", "contracts", "VALIDATE_FLAGS", shown="[--full]"),
}


def main(argv: list[str]) -> int:
    return run(_main, argv)


def _main(argv: list[str]) -> int:
    name, rest = _command(argv)
    command = _COMMANDS[name]
    module = importlib.import_module(f"fakes.commands.eafix.{command.module}")
    try:
        line = parse(rest, getattr(module, command.flags) if command.flags else ())
    except BadFlag as error:
        raise Failure(f"eafix-cli {name}: {error}\nusage: eafix-cli {name} {command.shown}".rstrip(), 2) from error
    if line.words and not command.words:
        raise Failure(f"eafix-cli {name}: unexpected {line.words[0]!r}\nusage: eafix-cli {name} {command.shown}".rstrip(), 2)
    from fakes.commands.eafix.platform import Platform

    try:
        code: int = getattr(module, command.function)(line, Platform(Control.from_environment()))
    except Unreachable as error:
        raise Failure(f"eafix-cli: no answer from {error}") from error
    except Refused as error:
        raise Failure(f"eafix-cli: refused: {error}") from error
    return code


def _command(argv: list[str]) -> tuple[str, list[str]]:
    """The longest name of a command that the line begins with. Raises Failure with the usage."""
    for count in (3, 2, 1):
        name = " ".join(argv[:count])
        if len(argv) >= count and name in _COMMANDS:
            return name, argv[count:]
    unknown = " ".join(argv[:2])
    usage = "\n".join(f"  eafix-cli {name} {command.shown}".rstrip() for name, command in _COMMANDS.items())
    raise Failure((f"eafix-cli: unknown command {unknown!r}\n" if unknown else "") + "usage:\n" + usage, 2)
