"""The store of past drills and campaigns. Each is kept once, whole or not at all, however often and by how many it is imported."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.errors import BadHistory
from harness.history import HISTORY_FILE
from reports.store_engine import VARIABLE, open_engine, reading, shown_url, store_url, writing
from reports.store_record import CAMPAIGN_FILE, Record, Row, read_campaign, read_record

if TYPE_CHECKING:
    from pandas import DataFrame
    from sqlalchemy import Connection, Engine, Select

_AT_ONCE = 500  # records in one transaction of `keep`


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the drills that were handed in: new to the store, changed since (such as judged again), or the same."""

    added: int = 0
    changed: int = 0
    same: int = 0

    def __add__(self, other: Kept) -> Kept:
        return Kept(self.added + other.added, self.changed + other.changed, self.same + other.same)


@dataclass(frozen=True)
class Imported:
    """`problems`: folders that could not be read, a line each; they never stop the others."""

    kept: Kept
    problems: tuple[str, ...] = ()


class Store:
    """An open store. Every method raises StoreError when the database refuses."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, beside: Path, url: str | None = None) -> Self:
        """The store that the URL names, else GAMEDAY_STORE, else `store.sqlite` in the folder of drills; made where it is not there.

        Raises StoreError, and InvalidInput for a URL that is none.
        """
        return cls(open_engine(store_url(url or os.environ.get(VARIABLE), beside)))

    @property
    def place(self) -> str:
        """Where it is, for people; never with a password."""
        return shown_url(self._engine.url)

    def import_folders(self, folders: Iterable[Path]) -> Imported:
        """Read drills and campaigns and keep them, each in a transaction of its own.

        What was kept before a crash stays, and is not kept twice.
        """
        kept, problems = Kept(), []
        for folder in folders:
            try:
                if (folder / CAMPAIGN_FILE).is_file():
                    kept += self._keep_campaign(read_campaign(folder))
                else:
                    kept += self.keep([read_record(folder)])
            except BadHistory as error:
                problems.append(str(error))
        return Imported(kept, tuple(problems))

    def keep(self, records: Iterable[Record]) -> Kept:
        """Put records in, some hundred in a transaction. One that is there already is replaced when it differs."""
        kept, waiting = Kept(), list[Record]()
        for record in records:
            waiting.append(record)
            if len(waiting) == _AT_ONCE:
                kept += self._keep(waiting)
                waiting = []
        return kept + self._keep(waiting) if waiting else kept

    def _keep(self, records: Sequence[Record]) -> Kept:
        from reports.store_tables import DRILLS

        with writing(self._engine) as connection:
            known = _digests(connection, [str(record.drill["drill"]) for record in records])
            fresh: dict[str, Record] = {}
            for record in records:  # of two with one name the later one counts
                if known.get(name := str(record.drill["drill"])) != record.drill["digest"]:
                    fresh[name] = record
                else:
                    fresh.pop(name, None)
            changed = known.keys() & fresh.keys()
            if changed:
                connection.execute(DRILLS.delete().where(DRILLS.c.drill.in_(changed)))
            _insert(connection, list(fresh.values()))
        return Kept(len(fresh) - len(changed), len(changed), len(records) - len(fresh))

    def _keep_campaign(self, row: Row) -> Kept:
        from sqlalchemy import select

        from reports.store_tables import CAMPAIGNS

        with writing(self._engine) as connection:
            if connection.execute(select(CAMPAIGNS.c.digest).where(CAMPAIGNS.c.digest == row["digest"])).scalar():
                return Kept(same=1)
            connection.execute(CAMPAIGNS.insert(), [row])
        return Kept(added=1)

    def campaigns(self) -> DataFrame:
        """A row for each campaign: the columns of the table `campaigns`, by scenario."""
        from sqlalchemy import select

        from reports.store_tables import CAMPAIGNS

        return self._frame(select(CAMPAIGNS).order_by(CAMPAIGNS.c.scenario, CAMPAIGNS.c.digest))

    def drills(self) -> DataFrame:
        """A row for each drill, the oldest first: the columns of the table `drills`. `started` is missing where nobody knows it."""
        from sqlalchemy import select

        from reports.store_tables import DRILLS

        return self._frame(select(DRILLS).order_by(DRILLS.c.started, DRILLS.c.drill))

    def targets(self) -> DataFrame:
        """The judged targets of all drills: drill, name (of the measure), limit, measured, verdict."""
        from sqlalchemy import select

        from reports.store_tables import VERDICTS

        its = VERDICTS.c
        return self._frame(select(its.drill, its.name, its.limit, its.measured, its.verdict).where(its.kind == "target"))

    def verdicts(self) -> DataFrame:
        """All verdicts, targets and invariants: the columns of the table `verdicts`."""
        from sqlalchemy import select

        from reports.store_tables import VERDICTS

        return self._frame(select(VERDICTS).order_by(VERDICTS.c.drill, VERDICTS.c.position))

    def steps(self) -> DataFrame:
        """The steps that were carried out: the columns of the table `steps`."""
        from sqlalchemy import select

        from reports.store_tables import STEPS

        return self._frame(select(STEPS).order_by(STEPS.c.drill, STEPS.c.position))

    def scenario(self, digest: str) -> str | None:
        """A scenario as it stood in a history, as JSON with sorted keys."""
        from sqlalchemy import select

        from reports.store_tables import SCENARIOS

        with reading(self._engine) as connection:
            return connection.execute(select(SCENARIOS.c.text).where(SCENARIOS.c.digest == digest)).scalar()

    def _frame(self, query: Select[Any]) -> DataFrame:
        import pandas as pd

        with reading(self._engine) as connection:
            answer = connection.execute(query)
            names, rows = list(answer.keys()), answer.fetchall()
        # Column by column: pandas would ask each row what it is.
        found = pd.DataFrame(dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else None, columns=names)
        if "started" in found:
            found["started"] = pd.to_datetime(found["started"])
        return found


def drill_folders(paths: Sequence[Path]) -> Iterator[Path]:
    """The drills and campaigns that are meant by folders of them and folders that are one. Raises BadHistory where a path holds none."""
    files = (HISTORY_FILE, CAMPAIGN_FILE)
    for path in paths:
        its = [path] if any((path / file).is_file() for file in files) else []
        found = its or sorted({each.parent for file in files for each in path.glob(f"*/{file}")})
        if not found:
            raise BadHistory(f"{path}: no drill here, and no campaign. Give the folder of one, or a folder of them.")
        yield from found


def _digests(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    from sqlalchemy import select

    from reports.store_tables import DRILLS

    return {
        str(name): str(digest)
        for name, digest in connection.execute(select(DRILLS.c.drill, DRILLS.c.digest).where(DRILLS.c.drill.in_(names)))
    }


def _insert(connection: Connection, records: Sequence[Record]) -> None:
    from sqlalchemy import select

    from reports.store_tables import DRILLS, SCENARIOS, STEPS, VERDICTS

    texts = {_digest(record.scenario): record.scenario for record in records if record.scenario is not None}
    there = set(connection.execute(select(SCENARIOS.c.digest).where(SCENARIOS.c.digest.in_(texts))).scalars())
    rows: list[tuple[object, list[Row]]] = [
        (SCENARIOS, [{"digest": digest, "text": text} for digest, text in texts.items() if digest not in there]),
        (
            DRILLS,
            [{**each.drill, "scenario_digest": None if each.scenario is None else _digest(each.scenario)} for each in records],
        ),
        (VERDICTS, [{"drill": each.drill["drill"], **row} for each in records for row in each.verdicts]),
        (STEPS, [{"drill": each.drill["drill"], **row} for each in records for row in each.steps]),
    ]
    for table, found in rows:
        if found:
            connection.execute(table.insert(), found)  # type: ignore[attr-defined]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
