"""A pool of Postgres connections that fails fast and recovers at once.

Nothing is retried in the background: a request that finds no usable connection opens one, so an outage ends for clients
the moment it ends for Postgres. A connection is thrown away when the server closed it, when an answer does not come in
time, and when it turns out to lead to a read-only copy. Time-outs are documented seconds.

An answer that does not come is ended by shutting the socket down, not by cancelling: psycopg answers a cancellation with a
cancel request to the server and waits for its result, which is the wrong thing to do to a server that is silent.
"""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, LiteralString

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from fakes.clock import PageClock
from fakes.services.config import Config
from fakes.services.errors import DependencyDown
from fakes.services.health import ANSWER_WITHIN_S, Dependency

Statement = tuple[LiteralString, Sequence[Any]]
_Raw = psycopg.AsyncConnection[TupleRow]

STATEMENT_S, STATEMENT_LEAST_S = 1.0, 0.5
MOST = 12  # connections at once
KEPT = 4  # idle ones; what a burst opened beyond them is closed after it
_LAST_MOMENT_S = 0.2  # wall

# The server's own limits end what the client has given up on.
_LIMITS = "-c statement_timeout=5s -c lock_timeout=5s -c idle_in_transaction_session_timeout=5s"


class Session:
    """One connection, lent to one request."""

    def __init__(self, raw: _Raw, dependency: Dependency, within_s: float) -> None:
        self._raw = raw
        self._dependency = dependency
        self._within_s = within_s
        self.spoiled = False

    async def rows(self, query: LiteralString, parameters: Sequence[Any] = ()) -> list[TupleRow]:
        """Run one statement. Raises as `batch` does."""
        with self._judged():
            cursor = await self._raw.execute(query, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def batch(self, statements: Sequence[Statement]) -> list[list[TupleRow]]:
        """Run statements in order, in one round trip; the rows of each. The first error ends the batch.

        Raises DependencyDown when the connection fails or the server does not do it, psycopg.IntegrityError when a
        constraint would be violated.
        """
        with self._judged():
            async with self._raw.pipeline():
                cursors = [await self._raw.execute(query, parameters) for query, parameters in statements]
            return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]

    async def ping(self) -> None:
        """Raises DependencyDown, also when only a read-only copy is there."""
        with self._judged():
            cursor = await self._raw.execute("SELECT current_setting('transaction_read_only')")
            if await cursor.fetchone() != ("off",):
                raise psycopg.errors.ReadOnlySqlTransaction

    async def settle(self) -> bool:
        """Roll back what was not committed; whether the connection can be used again."""
        if self.spoiled or self._raw.closed:
            return False
        status = self._raw.info.transaction_status
        if status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            try:
                await self.rows("ROLLBACK")
            except (DependencyDown, psycopg.Error):
                return False
        return self._raw.info.transaction_status == TransactionStatus.IDLE

    @contextmanager
    def _judged(self) -> Iterator[None]:
        late = False

        def give_up() -> None:
            nonlocal late
            late = True
            _shut(self._raw)

        timer = asyncio.get_running_loop().call_later(self._within_s, give_up)
        try:
            yield
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise self._down("only a read-only copy is there") from error
        except psycopg.IntegrityError:
            raise
        except psycopg.Error as error:
            raise self._down(f"no answer within {self._within_s:.2f} s" if late else _first_line(error)) from error
        else:
            self._dependency.worked()
        finally:
            timer.cancel()

    def _down(self, why: str) -> DependencyDown:
        self.spoiled = True
        self._dependency.failed(why)
        return DependencyDown(self._dependency.name, why)


class Database:
    """The connections of one service to one Postgres address."""

    def __init__(self, config: Config, clock: PageClock, dependency: Dependency) -> None:
        address = config.address(dependency.name)
        self._dependency = dependency
        self._clock = clock
        self._statement_s = config.number("postgres.timeout_s", STATEMENT_S)
        self._parameters = psycopg.conninfo.make_conninfo(
            host=address.host,
            port=address.port,
            dbname=config.text("postgres.database", "eafix_prod"),
            user=config.text("postgres.user", "eafix"),
            password=config.text("postgres.password", "") or None,
            application_name=config.name,
            sslmode="disable",
            gssencmode="disable",
            options=_LIMITS,
        )
        self._idle: list[_Raw] = []
        self._lent: set[_Raw] = set()
        self._returned = asyncio.Event()
        self._hung_up = False
        self._slots = asyncio.Semaphore(MOST)

    @asynccontextmanager
    async def session(self, within_s: float | None = None) -> AsyncIterator[Session]:
        """A connection for one request. What is not committed is rolled back.

        Getting it may take `within_s` of the wall, and so may each answer. Raises DependencyDown.
        """
        if self._hung_up:
            raise DependencyDown(self._dependency.name, "this service stops")
        if within_s is None:
            within_s = self._clock.wall_for(self._statement_s, least_s=STATEMENT_LEAST_S)
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(within_s):
                await self._slots.acquire()
        except TimeoutError:
            raise DependencyDown(self._dependency.name, f"all {MOST} connections wait for answers") from None
        raw: _Raw | None = None
        usable = False
        try:
            raw = self._fresh() or await self._connect(max(within_s - (time.monotonic() - began_s), 0))
            self._lent.add(raw)
            session = Session(raw, self._dependency, within_s)
            try:
                yield session
            finally:
                usable = await session.settle()
        finally:
            if raw is not None:
                self._lent.discard(raw)
                self._returned.set()
                await self._give_back(raw, usable=usable)
            self._slots.release()

    async def rows(self, query: LiteralString, parameters: Sequence[Any] = ()) -> list[TupleRow]:
        """Run one statement in a transaction of its own. Raises as `Session.batch` does."""
        async with self.session() as session:
            return await session.rows(query, parameters)

    async def ping(self) -> None:
        """Raises DependencyDown, also when only a read-only copy is there."""
        async with self.session(ANSWER_WITHIN_S) as session:
            await session.ping()

    def hang_up(self) -> None:
        """End the use of all connections, now and from now on: whoever waits for an answer gets DependencyDown."""
        self._hung_up = True
        for raw in self._lent:
            _shut(raw)

    async def close(self) -> None:
        """Close all connections. What uses one still has a moment to see its end: cancelling it would take longer."""
        self.hang_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_MOMENT_S):
                while self._lent:
                    self._returned.clear()
                    await self._returned.wait()
        while self._idle:
            await self._idle.pop().close()

    def _fresh(self) -> _Raw | None:
        """The idle connection used last, unless the server closed it meanwhile."""
        while self._idle:
            raw = self._idle.pop()
            poll = select.poll()
            poll.register(raw.pgconn.socket, select.POLLIN)
            if not poll.poll(0):  # an idle connection has nothing to say but its end
                return raw
            raw.pgconn.finish()
        return None

    async def _connect(self, within_s: float) -> _Raw:
        try:
            async with asyncio.timeout(within_s):
                return await psycopg.AsyncConnection.connect(self._parameters, autocommit=True)
        except TimeoutError:
            why = f"no connection within {within_s:.2f} s"
        except psycopg.OperationalError as error:
            why = _first_line(error)
        self._dependency.failed(why)
        raise DependencyDown(self._dependency.name, why)

    async def _give_back(self, raw: _Raw, *, usable: bool) -> None:
        wanted = self._slots.locked() or len(self._idle) < KEPT  # somebody waits for it, or may soon
        if usable and wanted:
            self._idle.append(raw)
        else:
            await raw.close()


def _shut(raw: _Raw) -> None:
    """Make whoever waits for this connection see its end."""
    if raw.closed:
        return
    with socket.socket(fileno=socket.dup(raw.pgconn.socket)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
