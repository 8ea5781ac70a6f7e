"""Connections to the catalog, errors in words, and migrations on opening."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, inspect, make_url, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnection

from storage.sql.databases import postgres, sqlite
from storage.sql.databases.sqlite import copy_catalog
from storage.sql.schema import identity
from uniir.addresses import passwords_of, without_password
from uniir.errors import StoreUnavailable

__all__ = ["HEAD", "Engines", "copy_catalog", "open_catalog"]

HEAD = "0008"  # the newest migration; kept equal to the scripts by a test, so that opening need not load Alembic
_ATTEMPTS = 5
_LONGEST = 300
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Engines:
    """Two ways in: `writer` for what changes something, `reader` for what looks at one state of all tables.

    `fence` is asked at the beginning of every change, in the same transaction; it raises where the change is not allowed any more.
    By `name` a database that several processes share knows the sessions of this one.
    """

    writer: Engine
    reader: Engine
    fence: Callable[[Connection], None] | None = None
    glancer: Engine | None = None
    name: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def is_shared(self) -> bool:
        """Whether several processes may work with this catalog at once."""
        return self.writer.dialect.name == "postgresql"

    def identity(self) -> str:
        """The installation's own name, made with its catalog. Raises StoreUnavailable."""
        with self.reading() as connection:
            return str(connection.execute(select(identity.c.key)).scalar_one())

    def fenced(self, fence: Callable[[Connection], None]) -> Engines:
        return replace(self, fence=fence)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction. Raises StoreUnavailable."""
        with translated(self.writer), self.writer.begin() as connection:
            if self.fence is not None:
                self.fence(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Raises StoreUnavailable."""
        with translated(self.reader), self.reader.connect() as connection:
            yield connection

    @contextmanager
    def glancing(self) -> Iterator[Connection]:
        """For statements of which each may see a state of its own: half the way of a transaction. Raises StoreUnavailable."""
        if self.glancer is None:
            with self.reading() as connection:
                yield connection
            return
        with translated(self.glancer), self.glancer.connect() as connection:
            yield connection

    def settled(self, change: Callable[[Connection], _T]) -> _T:
        """A change that another process may have met: done again from its beginning where both made the same key."""
        for _ in range(_ATTEMPTS - 1):
            try:
                with self.writing() as connection:
                    return change(connection)
            except StoreUnavailable as error:
                if not isinstance(error.__cause__, IntegrityError):
                    raise
        with self.writing() as connection:
            return change(connection)

    def take_stock(self) -> None:
        """Lets the database see how much there is now; it would come to that by itself, but plan its first searches badly."""
        if self.is_shared:  # SQLite plans well without
            with suppress(StoreUnavailable), self.writing() as connection:
                connection.execute(text(postgres.TAKE_STOCK))

    def size(self) -> int:
        """Bytes that the catalog takes, with all its collections. Raises StoreUnavailable."""
        with translated(self.reader):
            found: int = _kind_of(self.reader.url).size(self.reader)
        return found

    def close(self) -> None:
        self.writer.dispose()
        self.reader.dispose()


def open_catalog(url: URL | str) -> Engines:
    """Engines on a migrated catalog; raises StoreUnavailable."""
    place = make_url(url)
    engines = _shared(place) if _kind_of(place) is postgres else Engines(*sqlite.writer_and_reader(place))
    try:
        with translated(engines.writer):
            _migrate(engines.writer)
    except BaseException:
        engines.close()
        raise
    return engines


def _shared(place: URL) -> Engines:
    name = secrets.token_hex(8)
    writer, reader = postgres.writer_and_reader(place, name)
    return Engines(writer, reader, glancer=reader.execution_options(isolation_level="AUTOCOMMIT"), name=name)


def _kind_of(url: URL) -> ModuleType:
    return postgres if url.get_backend_name() == "postgresql" else sqlite


def _migrate(engine: Engine) -> None:
    if _revision(engine) == HEAD:
        return
    from alembic import command
    from alembic.config import Config

    with _kind_of(engine.url).migrating(engine):
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
        config.attributes["engine"] = engine
        command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is not None and revision > HEAD:
        raise StoreUnavailable(
            f"The catalog {_named(engine)} was written by a newer uniir (schema {revision}; this one knows {HEAD}).",
            "Install the newer version.",
        )
    return revision


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """What the database says against it as StoreUnavailable, without any password."""
    try:
        yield
    except (DBAPIError, NoConnection) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = " ".join(str(cause).split())
        for secret in passwords_of(engine.url.render_as_string(hide_password=False)):
            said = said.replace(secret, "***")
        code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
        raise StoreUnavailable(
            f"The catalog {_named(engine)} can't be used: {said[:_LONGEST].rstrip('.')}.", _kind_of(engine.url).way_out(code)
        ) from error


def _named(engine: Engine) -> str:
    return without_password(engine.url.render_as_string(hide_password=False))
