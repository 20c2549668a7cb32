"""Stand-in for `eafix-cli`, the platform's own command. Exit code 0: healthy or done; 1: not; 2: no such command."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from fakes.commands.control import Control, Refused
from fakes.commands.entry import NOT_MODELLED, Failure, run
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
    "status": Command("health", "status", "STATUS_FLAGS", shown="[--verbose] [--environment=NAME]"),
    "doctor": Command("health", "doctor", "DOCTOR_FLAGS", shown="[--comprehensive] [--environment=NAME]"),
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
    "trading enable": Command("operating", "trading_enable", "TRADING_FLAGS", shown="[--site=SITE --confirm-dr]"),
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
    "test smoke": Command("testing", "smoke", "TEST_FLAGS", shown="[--environment=NAME]"),
    "test trading": Command("testing", "trade", "TEST_FLAGS", shown="[--environment=production]"),
    "test integration": Command("testing", "integration", "INTEGRATION_FLAGS", shown="[--namespace=NAMESPACE]"),
    "test config": Command("configuration", "test", "TEST_FLAGS", shown="[--namespace=NAMESPACE]"),
    "config validate": Command("configuration", "validate", "VALIDATE_FLAGS", shown="--file=FILE"),
    "config verify": Command("configuration", "verify", "VERIFY_FLAGS", shown="--service=SERVICE"),
    "maintenance enable": Command("operating", "enable", "ENABLE_FLAGS", shown="[--message=TEXT] [--scheduled]"),
    "maintenance disable": Command("operating", "disable", "DISABLE_FLAGS", shown="[--security-incident]"),
    "maintenance status": Command("operating", "status"),
    "account balance": Command("operating", "balance", "BALANCE_FLAGS", shown="--all|--account=NAME"),
    "broker reconnect": Command("operating", "reconnect", "RECONNECT_FLAGS", shown="--broker=NAME"),
    "monitor": Command("monitoring", "monitor", "MONITOR_FLAGS", shown="--duration=TIME [--environment=NAME]"),
    "monitoring enhance": Command("monitoring", "enhance", "ENHANCE_FLAGS", shown="--security-mode[=false]"),
    "monitoring watch": Command("monitoring", "watch", "WATCH_FLAGS", shown="--duration=TIME [--security-focus]"),
    "benchmark run": Command("benchmark", "run", "RUN_FLAGS", shown="[--save-results]"),
    "capacity analyze": Command("planning", "analyze", "ANALYZE_FLAGS", shown="[--generate-report]"),
    "capacity plan": Command("planning", "plan", "PLAN_FLAGS", shown="--forecast=TIME [--based-on=historical-data]"),
    "scaling recommend": Command("planning", "scaling", "SCALING_FLAGS", shown="[--services=all|NAME,...] --timeframe=PERIOD"),
    "cost analyze": Command("planning", "cost", "COST_FLAGS", shown="[--optimization-opportunities]"),
    "optimize recommend": Command("optimizing", "optimize", "RECOMMEND_FLAGS", shown="--based-on=PERIOD-data"),
    "dashboard verify": Command("dashboards", "verify", "VERIFY_FLAGS", shown="[--folder=FOLDER]"),
    "logs cleanup": Command("housekeeping", "cleanup", "CLEANUP_FLAGS", shown="--older-than=PERIOD"),
    "change-request create": Command("housekeeping", "create", "CREATE_FLAGS", shown="--config-change [--title=TEXT]"),
    "change-request list": Command("housekeeping", "listed"),
    "change-request show": Command("housekeeping", "show", words=True, shown="ID"),
    "contracts validate": Command("testing", "contracts", "VALIDATE_FLAGS", shown="[--full]"),
    "incident create": Command(
        "incidents", "create", "CREATE_FLAGS", shown="--title=TEXT [--severity=LEVEL] [--type=KIND] [--description=TEXT]"
    ),
    "incident list": Command("incidents", "listed"),
    "incident show": Command("incidents", "show", "SHOW_FLAGS", shown="--incident-id=ID"),
    "incident report": Command("incidents", "report", "REPORT_FLAGS", shown="--incident-id=ID [--format=text|markdown|json|pdf]"),
    "postmortem create": Command("incidents", "postmortem", "SHOW_FLAGS", shown="--incident-id=ID"),
    "training schedule": Command("incidents", "training", "TRAINING_FLAGS", shown="--type=KIND [--mandatory] [--within=PERIOD]"),
    "security analyze": Command("security", "analyze", "INCIDENT_FLAGS", shown="--incident-id=ID"),
    "security impact-assessment": Command("security", "impact", "INCIDENT_FLAGS", shown="--incident-id=ID"),
    "security scan": Command("scan", "run", "SCAN_FLAGS", shown="[--remove-threats]"),
    "security updates": Command("security", "updates", "UPDATES_FLAGS", shown="--check-only"),
    "security verify": Command("security", "verify", "VERIFY_FLAGS", shown="[--comprehensive]"),
    "security ids-status": Command("security", "ids_status"),
    "audit export": Command("audit", "export", "EXPORT_FLAGS", shown="[--since=PERIOD] [--format=json|csv]"),
    "audit query": Command("audit", "query", "QUERY_FLAGS", words=True, shown="EXPRESSION [--count] [--since=PERIOD]"),
    "audit review": Command("audit", "review", "REVIEW_FLAGS", shown="[--suspicious-only] [--since=PERIOD]"),
    "auth revoke": Command("accounts", "revoke", "USER_FLAGS", shown="--user-id=USER"),
    "auth mark": Command("accounts", "mark", "USER_FLAGS", shown="--user-id=USER"),
    "auth reset": Command("accounts", "reset", "RESET_FLAGS", shown="--compromised-accounts"),
    "tokens revoke": Command("accounts", "revoke_tokens", "PATTERN_FLAGS", shown="--pattern=PATTERN"),
    "certificates check": Command("encryption", "certificates", "CERTIFICATE_FLAGS", shown="[--expiring-within=PERIOD]"),
    "backup verify-encryption": Command("encryption", "backups", "BACKUP_FLAGS", shown="--latest"),
}


def main(argv: list[str]) -> int:
    code = run(_main, argv)
    if code not in (2, NOT_MODELLED):  # then nothing was tried
        _audited(argv, code)
    return code


def _audited(argv: list[str], code: int) -> None:
    """What changes something is put into the platform's audit trail, whether it succeeded or not."""
    from fakes.commands.eafix.trail import CHANGING, write_down

    name, rest = _command(argv)
    if name in CHANGING:
        write_down(name, rest, code)


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
