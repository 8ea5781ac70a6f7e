"""Alembic's entry: runs the migrations on the engine handed over by storage.sql.engines."""

from alembic import context
from sqlalchemy import Engine

from storage.sql.schema import metadata

engine: Engine = context.config.attributes["engine"]
with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
