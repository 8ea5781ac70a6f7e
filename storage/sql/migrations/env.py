"""Alembic's entry: runs the migrations on the engine handed over by storage.sql.databases.engines."""

from alembic import context
from sqlalchemy import Engine

from storage.sql.schema import concerns, metadata

engine: Engine = context.config.attributes["engine"]
with engine.begin() as connection:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        include_object=lambda _object, name, *_: concerns(connection.dialect.name, name),
    )
    with context.begin_transaction():
        context.run_migrations()
