"""Which columns of system views a statement reads, resolved by scope as Postgres resolves them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scenarios.lint.postgres.statements import Statement, every, kind
from scenarios.lint.postgres.views import VIEWS

# TimescaleDB 2 (its manual, "timescaledb_information.hypertables"); schema_name and table_name were those of version 1's `hypertable`.
EXTENSION_VIEWS: dict[str, tuple[str, ...]] = {
    "timescaledb_information.hypertables": (
        "hypertable_schema", "hypertable_name", "owner", "num_dimensions", "num_chunks", "compression_enabled", "is_distributed",
        "replication_factor", "data_nodes", "tablespaces", "primary_dimension", "primary_dimension_type",
    ),
}  # fmt: skip


EXTENSION_FORMER: dict[tuple[str, str], str] = {
    ("timescaledb_information.hypertables", "schema_name"): "since TimescaleDB 2 it is hypertable_schema",
    ("timescaledb_information.hypertables", "table_name"): "since TimescaleDB 2 it is hypertable_name",
    ("timescaledb_information.hypertables", "table_schema"): "since TimescaleDB 2 it is hypertable_schema",
    ("timescaledb_information.hypertables", "table_owner"): "since TimescaleDB 2 it is owner",
}


@dataclass(frozen=True, slots=True)
class Use:
    """A column that is read: of which of these views, and where in the text."""

    column: str
    views: tuple[str, ...]
    offset: int


@dataclass(slots=True)
class _Scope:
    """The relations of one SELECT, by the names they go by. `closed`: all of them are views that are known."""

    views: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    closed: bool = True
    outputs: set[str] = field(default_factory=set)


def uses(statement: Statement) -> Iterator[Use]:
    """Columns of known views; those that could be of anything else are left out."""
    yield from _walk(statement.node, [], frozenset())


def relations(statement: Statement) -> Iterator[tuple[str, int]]:
    """Relations by their names that a statement reads, without those that it makes itself (WITH)."""
    own = {each.ctename for each in every(statement.node) if kind(each) == "CommonTableExpr"}
    for node in every(statement.node):
        if kind(node) == "RangeVar" and node.schemaname in (None, "pg_catalog") and node.relname not in own:
            yield node.relname, node.location or 0


def _walk(node: Any, scopes: list[_Scope], tables: frozenset[str]) -> Iterator[Use]:
    if isinstance(node, (tuple, list)):
        for each in node:
            yield from _walk(each, scopes, tables)
        return
    if not hasattr(node, "__slots__") or not kind(node)[:1].isupper() or isinstance(node, str):
        return
    if kind(node) == "ColumnRef":
        yield from _column(node, scopes)
        return
    if kind(node) == "SelectStmt" and node.fromClause:
        if node.withClause:
            tables = tables | {each.ctename for each in node.withClause.ctes}
        scopes = [*scopes, _scope(node, tables)]
    try:
        names = list(node)
    except TypeError:
        return
    for name in names:
        yield from _walk(getattr(node, name), scopes, tables)


def _scope(select: Any, tables: frozenset[str]) -> _Scope:
    scope = _Scope()
    for item in select.fromClause:
        _add(item, scope, tables)
    scope.outputs = {each.name for each in select.targetList or () if each.name}
    return scope


def _add(item: Any, scope: _Scope, tables: frozenset[str]) -> None:
    if kind(item) == "JoinExpr":
        if item.alias is not None:
            scope.closed = False
        _add(item.larg, scope, tables)
        _add(item.rarg, scope, tables)
        return
    alias = item.alias.aliasname if getattr(item, "alias", None) is not None else ""
    if kind(item) != "RangeVar":
        scope.closed = False
        scope.others.add(alias)
        return
    full = f"{item.schemaname}.{item.relname}"
    known = (
        item.relname if item.schemaname in (None, "pg_catalog") and item.relname in VIEWS and item.relname not in tables else ""
    )
    known = full if full in EXTENSION_VIEWS else known
    if known and not (item.alias is not None and item.alias.colnames):
        scope.views[alias or item.relname] = known
    else:
        scope.closed = False
        scope.others.add(alias or item.relname)


def _column(node: Any, scopes: list[_Scope]) -> Iterator[Use]:
    names = [each.sval for each in node.fields if kind(each) == "String"]
    if len(names) != len(node.fields) or not scopes or not 0 < len(names) < 3:
        return
    if len(names) == 2:
        for scope in reversed(scopes):
            if names[0] in scope.views:
                yield Use(names[1], (scope.views[names[0]],), node.location or 0)
                return
            if names[0] in scope.others:
                return
        return
    here = scopes[-1]
    if any(not scope.closed for scope in scopes) or any(names[0] in scope.views or names[0] in scope.outputs for scope in scopes):
        return
    if here.views:
        yield Use(names[0], tuple(dict.fromkeys(view for scope in scopes for view in scope.views.values())), node.location or 0)
