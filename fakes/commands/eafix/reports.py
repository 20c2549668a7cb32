"""`eafix-cli database performance-report` and `trading performance-report`: what the database tells of a period, and how far back."""

from __future__ import annotations

import re

from fakes.commands.eafix.platform import GATEWAY, RISK, Platform, SqlFailed
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.wire import Unreachable

PERIOD_FLAGS = (Flag("period"),)
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# A database's statistics begin with the server's, which a crash resets, unless they were reset since.
_SINCE = """SELECT to_char(since, 'YYYY-MM-DD HH24:MI:SS.MS TZ'), round(extract(epoch FROM clock_timestamp() - since)) FROM (
 SELECT coalesce(stats_reset, (SELECT least(b.stats_reset, a.stats_reset) FROM pg_stat_bgwriter b, pg_stat_archiver a)) AS since
 FROM pg_stat_database WHERE datname = current_database()) AS reach"""
_SUMS = """SELECT xact_commit, xact_rollback, deadlocks, conflicts, tup_returned + tup_fetched, tup_inserted, tup_updated, tup_deleted,
 coalesce(round(100.0 * blks_hit / nullif(blks_hit + blks_read, 0), 2)::text, 'none'), temp_files, pg_size_pretty(temp_bytes),
 pg_size_pretty(pg_database_size(datid)) FROM pg_stat_database WHERE datname = current_database()"""
_TABLES = """SELECT relname, n_live_tup, n_dead_tup, seq_scan, coalesce(idx_scan, 0), pg_size_pretty(pg_total_relation_size(relid))
 FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC, relname"""
_STATEMENTS = """SELECT round(total_exec_time::numeric, 1), round(mean_exec_time::numeric, 2), calls,
 left(regexp_replace(query, '\\s+', ' ', 'g'), 80) FROM pg_stat_statements
 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY total_exec_time DESC LIMIT 10"""


def database_report(line: Parsed, platform: Platform) -> int:
    """Postgres keeps sums since its last reset and no history: the report says since when, and if that's not the period asked for."""
    period, period_s = period_of(line)
    try:
        _print_database(platform, period, period_s)
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} does not answer: {error}") from error
    return 0


def _print_database(platform: Platform, period: str, period_s: int) -> None:
    ((since, age_s),) = platform.sql(_SINCE)
    print(f"statistics          since {since}, {age_s} s ago: {_against(int(age_s), period, period_s)}")
    ((commits, rollbacks, deadlocks, conflicts, read, inserted, updated, deleted, hits, files, spilled, size),) = platform.sql(
        _SUMS
    )
    print(f"size                {size}")
    print(f"transactions        {commits} committed, {rollbacks} rolled back, {deadlocks} deadlocks, {conflicts} conflicts")
    print(f"rows                {read} read, {inserted} inserted, {updated} updated, {deleted} deleted")
    print(f"cache hits          {hits} %")
    print(f"temporary files     {files}, {spilled}")
    for name, live, dead, whole, indexed, table_size in platform.sql(_TABLES):
        print(
            f"table               {name}: {table_size}, {live} rows, {dead} dead; read whole {whole} times, by index {indexed} times"
        )
    if not platform.sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"):
        print("statements          not recorded: this database has no pg_stat_statements")
        return
    ((since, age_s),) = platform.sql(
        "SELECT to_char(stats_reset, 'YYYY-MM-DD HH24:MI:SS.MS TZ'), round(extract(epoch FROM clock_timestamp() - stats_reset))"
        " FROM pg_stat_statements_info"
    )
    print(f"statements          since {since}, {age_s} s ago: {_against(int(age_s), period, period_s)}")
    for total_ms, mean_ms, calls, text in platform.sql(_STATEMENTS):
        print(f"statement           {total_ms} ms in all, {mean_ms} ms a call, {calls} calls: {text}")


def _against(age_s: int, period: str, period_s: int) -> str:
    if age_s < period_s:
        return f"not all of the {period} asked for"
    return f"all of that time, the {period} asked for and what was before (Postgres keeps sums)"


def period_of(line: Parsed) -> tuple[str, int]:
    """`--period=7d` as it was written, and in seconds. Raises Failure."""
    return duration_of(line, "period")


def duration_of(line: Parsed, flag: str) -> tuple[str, int]:
    """As `period_of`, of another flag."""
    text = line.text(flag)
    found = re.fullmatch(r"([1-9]\d{0,8})([smhdw])", text)
    if found is None:
        raise Failure(f"eafix-cli: --{flag}={text}: expected a number and s, m, h, d or w, such as 7d", 2)
    return text, int(found[1]) * _UNITS_S[found[2]]


def trading_report(line: Parsed, platform: Platform) -> int:
    """Fills, volume and latency as they are booked; decisions as the services have counted them since they started."""
    period, period_s = period_of(line)
    now_s = platform.state.now_s
    print(f"period              the last {period}; the books' clock began {now_s:.0f} s ago")
    try:
        _print_trades(platform, max(now_s - period_s, 0.0))
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} does not answer: {error}") from error
    known = [
        _print_counts(platform, "decisions", RISK, "risk_checks_total"),
        _print_counts(platform, "clients' orders", GATEWAY, "trading_orders_total"),
    ]
    return 0 if all(known) else 1


def _print_trades(platform: Platform, since_s: float) -> None:
    source = f"FROM executions e JOIN orders o USING (client_order_id) WHERE e.executed_at_s >= {since_s!r}"
    by_source = platform.sql(f"SELECT o.source, count(*) {source} GROUP BY 1 ORDER BY 1")
    fills = sum(int(count) for _, count in by_source)
    print(f"fills               {fills}" + "".join(f", {count} of source {name}" for name, count in by_source))
    volume = (
        "SELECT e.symbol, sum(e.quantity), count(*), sum(e.quantity) FILTER (WHERE e.side = 'buy'),"
        " round((sum(e.quantity * e.price) / sum(e.quantity))::numeric, 5)"
    )
    for symbol, quantity, count, bought, price in platform.sql(f"{volume} {source} GROUP BY 1 ORDER BY 1"):
        bought_units = int(bought or 0)
        print(
            f"volume {symbol:<13}{quantity} in {count} fills, {bought_units} bought, {int(quantity) - bought_units} sold, at {price} on average"
        )
    if not fills:
        return
    for title, took in {
        "placed to filled": "e.executed_at_s - o.placed_at_s",
        "filled to booked": "e.booked_at_s - e.executed_at_s",
    }.items():
        middle, most, longest = platform.sql(
            f"SELECT round((1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY {took}))::numeric, 1),"
            f" round((1000 * percentile_cont(0.95) WITHIN GROUP (ORDER BY {took}))::numeric, 1), round((1000 * max({took}))::numeric, 1) {source}"
        )[0]
        print(f"{title:<20}half within {middle} ms, 95 % within {most} ms, the slowest {longest} ms")


def _print_counts(platform: Platform, title: str, name: str, metric: str) -> bool:
    """A service's own counters begin with it; False when they are not to be had."""
    try:
        found = platform.scraped(name, metric)
    except Unreachable as error:
        print(f"{title:<20}unknown: {name} does not answer: {error.reason}")
        return False
    counts = ", ".join(f"{labels.partition('=')[2].strip(chr(34))} {count:.0f}" for labels, count in sorted(found.items()))
    age_s = platform.state.now_s - platform.service(name).started_s
    print(f"{title:<20}{counts or 'none'} ({name}, in the {age_s:.0f} s since it started)")
    return True
