"""The tables of the store. Durations are documented seconds; times of day are UTC without a zone.

`migrations/versions/` holds how they came about, and a test holds the two against each other.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

HEAD = "0001"  # the newest revision in migrations/versions
MEASURES = (
    "time_to_detect_s", "time_to_acknowledge_s", "time_to_mitigate_s", "time_to_recover_s", "recovery_point_s", "outage_s", "lost_writes",
)  # fmt: skip

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

SCENARIOS = Table(
    "scenarios",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the text
    Column("text", Text, nullable=False),  # the scenario as it stood in the history: JSON, keys sorted
)

DRILLS = Table(
    "drills",
    METADATA,
    Column("drill", String(200), primary_key=True),
    Column(
        "digest", String(64), nullable=False
    ),  # of the files that it was read from: a second import of the same changes nothing
    Column("folder", Text, nullable=False),
    Column("started", DateTime, nullable=True),
    Column("scenario", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("scenario_digest", String(64), ForeignKey("scenarios.digest"), nullable=True),
    Column("disaster_class", String(100), nullable=False),  # a row of the table at 002:463-468, or "other"
    Column("runbook", Text, nullable=False),  # the procedure that answers; empty where there is none
    Column("stack", String(50), nullable=False),
    Column("engine", String(20), nullable=False),  # live or simulated
    Column("respond", String(20), nullable=False),  # auto or human
    Column("variant", Text, nullable=False),  # what --set changed; empty for the scenario as it stands
    Column("synthetic", Boolean, nullable=False),  # made up, such as by tests; never a drill that took place
    Column("seed", BigInteger, nullable=True),
    Column("speed", Float, nullable=True),
    Column("code", String(64), nullable=True),  # the commit of the project, and with it of its runbooks
    Column("versions", Text, nullable=False),  # JSON
    Column("rerun", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("bitten", Boolean, nullable=False),
    *(Column(name, Float, nullable=True) for name in MEASURES),
    Column("orders_attempted", Integer, nullable=True),
    Column("orders_failed", Integer, nullable=True),
    Column("orders_unknown", Integer, nullable=True),
    Column("budget_allowed_s", Float, nullable=True),
    Column("budget_spent_s", Float, nullable=True),
    Index(None, "scenario", "started"),
)

VERDICTS = Table(
    "verdicts",
    METADATA,
    Column("drill", String(200), ForeignKey("drills.drill", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("target", String(200), nullable=True),
    Column("limit", Float, nullable=True),
    Column("measured", Float, nullable=True),
    Column("unit", String(20), nullable=True),
    Column("verdict", String(10), nullable=False),
    Column("known", Boolean, nullable=False),
    Column("source", Text, nullable=True),
    Column("why", Text, nullable=False),
)

CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the document: a campaign has no other name
    Column("scenario", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("seed", BigInteger, nullable=True),
    Column("nights", Integer, nullable=False),
    Column("folder", Text, nullable=False),
    Column("document", Text, nullable=False),  # campaign.json, as it was written
)

STEPS = Table(
    "steps",
    METADATA,
    Column("drill", String(200), ForeignKey("drills.drill", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("began_s", Float, nullable=False),  # since the first fault
    Column("waited_s", Float, nullable=False),  # from the end of the step before, or the start of the procedure
    Column("took_s", Float, nullable=True),  # null: it never ended
    Column("ok", Boolean, nullable=True),
    Column("why", Text, nullable=False),
)
