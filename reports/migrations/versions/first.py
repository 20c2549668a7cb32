"""The first tables: drills with their scenarios, verdicts and steps; campaigns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MEASURES = (
    "time_to_detect_s",
    "time_to_acknowledge_s",
    "time_to_mitigate_s",
    "time_to_recover_s",
    "recovery_point_s",
    "outage_s",
    "lost_writes",
)


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "scenarios",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_scenarios"),
    )
    op.create_table(
        "drills",
        sa.Column("drill", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("started", sa.DateTime, nullable=True),
        sa.Column("scenario", sa.String(200), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("scenario_digest", sa.String(64), nullable=True),
        sa.Column("disaster_class", sa.String(100), nullable=False),
        sa.Column("runbook", sa.Text, nullable=False),
        sa.Column("stack", sa.String(50), nullable=False),
        sa.Column("engine", sa.String(20), nullable=False),
        sa.Column("respond", sa.String(20), nullable=False),
        sa.Column("variant", sa.Text, nullable=False),
        sa.Column("synthetic", sa.Boolean, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=True),
        sa.Column("speed", sa.Float, nullable=True),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("versions", sa.Text, nullable=False),
        sa.Column("rerun", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("exit_code", sa.Integer, nullable=False),
        sa.Column("bitten", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Float, nullable=True) for name in _MEASURES),
        sa.Column("orders_attempted", sa.Integer, nullable=True),
        sa.Column("orders_failed", sa.Integer, nullable=True),
        sa.Column("orders_unknown", sa.Integer, nullable=True),
        sa.Column("budget_allowed_s", sa.Float, nullable=True),
        sa.Column("budget_spent_s", sa.Float, nullable=True),
        sa.PrimaryKeyConstraint("drill", name="pk_drills"),
        sa.ForeignKeyConstraint(["scenario_digest"], ["scenarios.digest"], name="fk_drills_scenario_digest"),
    )
    op.create_index("ix_drills_scenario", "drills", ["scenario", "started"])
    op.create_table(
        "verdicts",
        sa.Column("drill", sa.String(200), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("target", sa.String(200), nullable=True),
        sa.Column("limit", sa.Float, nullable=True),
        sa.Column("measured", sa.Float, nullable=True),
        sa.Column("unit", sa.String(20), nullable=True),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("known", sa.Boolean, nullable=False),
        sa.Column("source", sa.Text, nullable=True),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("drill", "position", name="pk_verdicts"),
        sa.ForeignKeyConstraint(["drill"], ["drills.drill"], name="fk_verdicts_drill", ondelete="CASCADE"),
    )
    op.create_table(
        "campaigns",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scenario", sa.String(200), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=True),
        sa.Column("nights", sa.Integer, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_campaigns"),
    )
    op.create_table(
        "steps",
        sa.Column("drill", sa.String(200), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("began_s", sa.Float, nullable=False),
        sa.Column("waited_s", sa.Float, nullable=False),
        sa.Column("took_s", sa.Float, nullable=True),
        sa.Column("ok", sa.Boolean, nullable=True),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("drill", "position", name="pk_steps"),
        sa.ForeignKeyConstraint(["drill"], ["drills.drill"], name="fk_steps_drill", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop them, and with them all that the store holds."""
    for name in ("campaigns", "steps", "verdicts", "drills", "scenarios"):
        op.drop_table(name)
