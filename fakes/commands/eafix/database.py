"""`eafix-cli database`: can it be read, can it be written, is what it holds sound."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from fakes.commands.eafix.platform import Check, Platform, SqlFailed, report
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed, go_duration

PING_FLAGS = (Flag("timeout"),)
VERIFY_FLAGS = (Flag("full-check", "", "switch"), Flag("timeout"))
_SYSTEM = "schemaname NOT IN ('pg_catalog', 'information_schema')"
_WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
_UNSOUND = """SELECT count(*) FROM
 (SELECT symbol, sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END) AS quantity FROM executions GROUP BY symbol) AS sums
 FULL JOIN positions USING (symbol) WHERE coalesce(sums.quantity, 0) <> coalesce(positions.quantity, 0)"""


def ping(line: Parsed, platform: Platform) -> int:
    """0 when the database answers a query in time."""
    within_s = _timeout(line, 5.0)
    began = time.monotonic()
    try:
        platform.sql("SELECT 1", within_s=within_s)
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} does not answer: {error}") from error
    print(f"database at {platform.database()} answers ({(time.monotonic() - began) * 1000:.0f} ms)")
    return 0


def verify(line: Parsed, platform: Platform) -> int:
    """0 when the database can be read and written and nothing in it is known to be damaged."""
    return report(checks(platform, full=line.on("full-check"), within_s=_timeout(line, 5.0)))


def checks(platform: Platform, *, full: bool, within_s: float = 5.0) -> Iterator[Check]:
    """Read, role, write, checksums; with `full` every table, the indexes, and positions against executions."""
    try:
        ((recovering, checksums, failures),) = platform.sql(
            "SELECT pg_is_in_recovery(), current_setting('data_checksums'),"
            " (SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database)",
            within_s=within_s,
        )
    except SqlFailed as error:
        yield Check("read", False, f"database at {platform.database()} does not answer: {error}")
        return
    yield Check("read", True, f"database at {platform.database()} answers")
    yield Check("role", recovering == "f", "primary" if recovering == "f" else "in recovery: a replica, it takes no writes")
    yield _write(platform, within_s)
    yield Check("checksums", failures == "0", f"{checksums}, {failures} failures")
    if full:
        yield from _contents(platform, within_s)


def _write(platform: Platform, within_s: float) -> Check:
    """Commit a record to the log. A commit that waits for a standby is not bounded by the server, so it is bounded here."""
    application = f"eafix-cli verify {os.getpid()}"
    began = time.monotonic()
    try:
        platform.sql("SELECT pg_logical_emit_message(true, 'eafix-cli', 'verify')", within_s=within_s, application=application)
    except SqlFailed as error:
        return Check("write", False, _why_blocked(platform, application, within_s) if error.timed_out else f"refused: {error}")
    return Check("write", True, f"a commit took {(time.monotonic() - began) * 1000:.0f} ms")


def _why_blocked(platform: Platform, application: str, within_s: float) -> str:
    """What a commit waits for; and end the one that was tried, which would otherwise wait for ever."""
    try:
        ((waiting,),) = platform.sql(_WAITERS)
        ((names,),) = platform.sql("SELECT current_setting('synchronous_standby_names')")
        platform.sql(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '{application}'")
    except SqlFailed as error:
        return f"no commit within {within_s:g} s, and then no answer: {error}"
    if waiting == "0":
        return f"no commit within {within_s:g} s"
    return f"writes blocked: {waiting} sessions wait for SyncRep (synchronous_standby_names = '{names}')"


def _contents(platform: Platform, within_s: float) -> Iterator[Check]:
    """Read every row of every table, in a minute at most."""
    try:
        names = [
            row[0]
            for row in platform.sql(f"SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE {_SYSTEM} ORDER BY 1")
        ]
        counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in names)
        rows = platform.sql(counts, within_s=max(within_s, 60.0)) if names else []
        yield Check(
            "tables", bool(rows), ", ".join(f"{name.removeprefix('public.')} {count} rows" for name, count in rows) or "none"
        )
        ((invalid,),) = platform.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
        yield Check("indexes", invalid == "0", f"{invalid} invalid")
        if {"public.executions", "public.positions"} <= set(names):
            ((unsound,),) = platform.sql(_UNSOUND, within_s=max(within_s, 60.0))
            yield Check("positions", unsound == "0", f"{unsound} symbols differ from the sum of their executions")
    except SqlFailed as error:
        yield Check("tables", False, f"cannot be read: {error}")


def performance(_line: Parsed, platform: Platform) -> int:
    """What Postgres's own statistics say."""
    try:
        _print_statistics(platform)
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} does not answer: {error}") from error
    return 0


def _print_statistics(platform: Platform) -> None:
    ((used, most, active, waiting, longest),) = platform.sql(
        "SELECT count(*), current_setting('max_connections'), count(*) FILTER (WHERE state = 'active'),"
        " count(*) FILTER (WHERE wait_event_type = 'Lock'),"
        " coalesce(round(extract(epoch FROM max(now() - query_start) FILTER (WHERE state = 'active')) * 1000), 0)"
        " FROM pg_stat_activity WHERE backend_type = 'client backend'"
    )
    ((commits, rollbacks, deadlocks, hits),) = platform.sql(
        "SELECT xact_commit, xact_rollback, deadlocks, coalesce(round(100.0 * blks_hit / nullif(blks_hit + blks_read, 0), 2)::text, 'none')"
        " FROM pg_stat_database WHERE datname = current_database()"
    )
    print(f"connections         {used} of {most}, {active} active, {waiting} waiting for locks")
    print(f"longest query       {longest} ms")
    print(f"transactions        {commits} committed, {rollbacks} rolled back, {deadlocks} deadlocks")
    print(f"cache hits          {hits} %")
    if platform.sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"):
        slowest = platform.sql(
            "SELECT round(mean_exec_time::numeric, 2), calls, left(regexp_replace(query, '\\s+', ' ', 'g'), 80)"
            " FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 5"
        )
        for mean_ms, calls, text in slowest:
            print(f"slow statement      {mean_ms} ms a call, {calls} calls: {text}")


def _timeout(line: Parsed, default: float) -> float:
    """`--timeout=5` and `--timeout=5s`. Raises Failure."""
    text = line.text("timeout")
    try:
        seconds = (float(text) if text.replace(".", "", 1).isdigit() else go_duration(text)) if text else default
    except ValueError as error:
        raise Failure(f"eafix-cli: --timeout: {error}", 2) from error
    if seconds <= 0:
        raise Failure(f"eafix-cli: --timeout: {text} is not more than 0", 2)
    return seconds
