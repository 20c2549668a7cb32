"""How alembic carries the migrations out: on the connection that `reports.store_engine` hands over, within its transaction."""

from __future__ import annotations

from alembic import context

from reports.store_tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
