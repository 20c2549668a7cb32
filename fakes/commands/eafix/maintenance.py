"""`eafix-cli database vacuum`, `reindex` and `optimize`: each really done, table by table, while the platform goes on writing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fakes.commands.eafix.platform import Check, Platform, SqlFailed, attempt, report
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed

VACUUM_FLAGS = (Flag("analyze", "", "switch"),)
REINDEX_FLAGS = (Flag("critical-only", "", "switch"),)
OPTIMIZE_FLAGS = (Flag("analyze", "", "switch"), Flag("full", "", "switch"))
STATEMENT_S = 60.0  # wall, for one table or index
_TABLES = "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables ORDER BY 1"
_INDEXES = """SELECT format('%I.%I', n.nspname, i.relname), t.relname FROM pg_index x
 JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
 JOIN pg_stat_user_tables t ON t.relid = x.indrelid"""
_REMOVED = re.compile(r"tuples: (\d+) removed, (\d+) remain, (\d+) are dead")


def vacuum(line: Parsed, platform: Platform) -> int:
    """Remove dead rows, and with --analyze count what is there for the planner; says what Postgres removed from each table."""
    return report(_vacuum_all(platform, _listed(platform, _TABLES), analyze=line.on("analyze")))


def reindex(line: Parsed, platform: Platform) -> int:
    """Build every index anew beside the old one. The critical ones are those that keep rows unique: no order is filled twice."""
    return report(_reindex_all(platform, _listed(platform, _INDEXES + (" WHERE x.indisunique" * line.on("critical-only")))))


def optimize(line: Parsed, platform: Platform) -> int:
    """New statistics for the planner; with --full the dead rows removed and the indexes built anew too."""
    tables = _listed(platform, _TABLES)
    if not line.on("full"):
        return report(attempt(_short(table), lambda name=table: _analyzed(platform, name)) for (table,) in tables)
    indexes = _listed(platform, _INDEXES)
    return report([*_vacuum_all(platform, tables, analyze=True), *_reindex_all(platform, indexes)])


def _listed(platform: Platform, query: str) -> list[list[str]]:
    """Raises Failure."""
    try:
        found = platform.sql(query)
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} does not answer: {error}") from error
    if not found:
        raise Failure(f"eafix-cli: database at {platform.database()} has no tables")
    return found


def _vacuum_all(platform: Platform, tables: list[list[str]], *, analyze: bool) -> Iterator[Check]:
    for (table,) in tables:
        yield attempt(_short(table), lambda name=table: _vacuumed(platform, name, analyze=analyze))


def _vacuumed(platform: Platform, table: str, *, analyze: bool) -> Check:
    size = f"SELECT pg_size_pretty(pg_total_relation_size('{table}'))"
    ((before,),) = platform.sql(size)
    said = platform.maintain(f"VACUUM (VERBOSE{', ANALYZE' if analyze else ''}) {table}", within_s=STATEMENT_S)
    found = _REMOVED.search(said)
    if found is None:  # Postgres only warns when it passes a table over
        return Check(_short(table), False, said.strip().splitlines()[-1] if said.strip() else "nothing was done")
    ((after,),) = platform.sql(size)
    removed, left, dead = found.groups()
    seen = f"{removed} dead rows removed, {dead} still needed, {left} rows left, {before} before, {after} now"
    return Check(_short(table), True, f"{seen}, analyzed" if "analyzing" in said else seen)


def _analyzed(platform: Platform, table: str) -> Check:
    estimate = f"SELECT reltuples::bigint, (SELECT analyze_count FROM pg_stat_user_tables WHERE relid = oid) FROM pg_class WHERE oid = '{table}'::regclass"
    ((before, count),) = platform.sql(estimate)
    platform.maintain(f"ANALYZE {table}", within_s=STATEMENT_S)
    ((after, new_count),) = platform.sql(estimate)
    known = "never counted" if before == "-1" else f"{before} rows"
    return Check(
        _short(table),
        new_count != count,
        f"the planner expects {after} rows, before: {known}" if new_count != count else "passed over",
    )


def _reindex_all(platform: Platform, indexes: list[list[str]]) -> Iterator[Check]:
    for name, table in sorted(indexes):
        yield attempt(_short(name), lambda index=name, of=table: _rebuilt(platform, index, of))
    yield attempt("indexes", lambda: _invalid(platform))


def _rebuilt(platform: Platform, index: str, table: str) -> Check:
    state = f"SELECT indexrelid, indisvalid, pg_size_pretty(pg_relation_size(indexrelid)) FROM pg_index WHERE indexrelid = '{index}'::regclass"
    ((old, _, before),) = platform.sql(state)
    platform.maintain(f"REINDEX INDEX CONCURRENTLY {index}", within_s=STATEMENT_S)
    ((new, valid, after),) = platform.sql(state)
    well = new != old and valid == "t"
    return Check(_short(index), well, f"of {table}: {'built anew' if well else 'NOT built anew'}, {before} before, {after} now")


def _invalid(platform: Platform) -> Check:
    """What a rebuild leaves behind that was broken off."""
    names = [name for (name,) in platform.sql("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY 1")]
    return Check("indexes", not names, f"invalid, to be dropped or built anew: {', '.join(names)}" if names else "all valid")


def _short(name: str) -> str:
    return name.removeprefix("public.")
