"""The database of the store: SQLite beside the drills, or Postgres by URL. Brought to the newest revision, written by one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from reports.store_tables import HEAD
from scenarios.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL

VARIABLE = "GAMEDAY_STORE"
FILE = "store.sqlite"
MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_S = 60.0
_LOCK = 7_042_551_339_001  # any number, the same for every gameday: who holds it in a Postgres may write


class StoreError(HarnessError):
    """The store cannot be opened, read or written. The message never holds a password."""


def store_url(given: str | None, beside: Path) -> URL:
    """What `GAMEDAY_STORE` says, else SQLite in the folder of drills. A path means SQLite. Raises InvalidInput."""
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if not given:
        return URL.create("sqlite", database=str(beside / FILE))
    if "://" not in given:
        return URL.create("sqlite", database=given)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise InvalidInput([Problem(Path(VARIABLE), 0, 0, "is no URL; such as postgresql://user@host/gameday")]) from error
    if url.drivername in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("postgresql", "sqlite"):
        raise InvalidInput([Problem(Path(VARIABLE), 0, 0, f"names {url.get_backend_name()}; a store is sqlite or postgresql")])
    return url


def shown_url(url: URL) -> str:
    """For people: a path where it is a file, and never a password."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def open_engine(url: URL) -> Engine:
    """An engine on a database at the newest revision. Raises StoreError."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    with _translated(url):
        if url.get_backend_name() == "sqlite":
            if url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_S})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 10})
        _migrate(engine, url)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads. Raises StoreError."""
    with _translated(engine.url), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is written whole or not at all, and that nobody else writes beside. Raises StoreError."""
    with _translated(engine.url), engine.connect().execution_options(gameday_writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        yield connection


def _prepare_sqlite(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # the driver would begin and commit on its own; `_begin_sqlite` says when
    raw.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("gameday_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine, url: URL) -> None:
    if _revision(engine) == HEAD:
        return
    with writing(engine) as connection:  # others wait, and then find it done
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(f"{shown_url(url)} was written by a newer gameday, or is no store: {error}") from error


def _revision(engine: Engine) -> str | None:
    from sqlalchemy import inspect, text

    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@contextmanager
def _translated(url: URL) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        told = " ".join(str(getattr(error, "orig", None) or error).split())
        if url.password:
            told = told.replace(str(url.password), "***")
        raise StoreError(f"The store {shown_url(url)} cannot be used: {told}") from error
