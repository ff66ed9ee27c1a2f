"""The database behind what needs a key: an SQLite file beside the store, or PostgreSQL by URL; nothing public needs it.

It is opened by each request that needs it and by none other, so that a server goes on with what is public while the
database is away, and finds it again by itself.
"""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from api.database_tables import REVISION, VERSION_TABLE, metadata
from api.errors import ApiError, DatabaseAway, DatabaseError, DatabaseMissing, DatabaseNotReady, log
from api.settings import Settings, database_url_of

if TYPE_CHECKING:  # only who upgrades waits for it
    from alembic.script import ScriptDirectory

_WAIT_S = 5
"""How long a statement, or the lock of a file, is waited for."""
_REST_S = 2.0
"""After the server could not be reached, for how long nobody tries: what waits for it would wait in vain."""
_UPGRADE_LOCK = 0x636D6462
"""Any number, the same in all versions: who upgrades a PostgreSQL database holds the advisory lock of this name."""
_REMEDY = "run 'carbonmap database upgrade' with the same settings"
_DAMAGED = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}
_LOCKED = {"SQLITE_BUSY", "SQLITE_LOCKED"}


@lru_cache(maxsize=1)
def _steps() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(Path(__file__).parent / "migrations"))


class Database:
    """A database, opened when asked for; one object per process, used by its threads at once.

    Attributes:
        name: where it is, for messages: without a password.
        file: the SQLite file; None if it is PostgreSQL.
    """

    def __init__(self, url: URL, store: Path) -> None:
        """Take note of where the database is; nothing is opened yet.

        Args:
            url: `sqlite` with a file, or `postgresql+psycopg`.
            store: whoever owns this folder shall own a file that is made.
        """
        self.name = url.render_as_string(hide_password=True)
        self.file = Path(url.database).resolve() if url.get_backend_name() == "sqlite" and url.database else None
        self._store = store
        self._engine = _postgresql(url) if self.file is None else _sqlite(self.file)
        self._rest = threading.Lock()
        self._away_until = 0.0
        self._was_there = False
        weakref.finalize(self, self._engine.dispose)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the database that the settings name."""
        return cls(database_url_of(settings), settings.store)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads.

        Raises:
            DatabaseMissing: there is no file yet.
            DatabaseAway: it cannot be reached at the moment; of a file, it was there before.
            DatabaseNotReady: it is older or newer than this program, another's, or damaged.
        """
        with self._transaction("BEGIN") as connection:
            self._check(_revision(connection))
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes: all of it is done at the end, or nothing. Raises like `reading`."""
        # Of a file the right to write is taken at once: two that read first and then wanted it would block each other.
        with self._transaction("BEGIN IMMEDIATE") as connection:
            self._check(_revision(connection))
            yield connection

    def check(self) -> None:
        """See whether the database can be used. Raises like `reading`."""
        with self.reading():
            pass

    def prepare(self) -> None:
        """Upgrade a file that is there and older; of a server, only see whether it can be used. Raises like `reading`.

        A file belongs to one machine, whose processes start with one version of the program; a server may be shared by
        several versions, so that when to upgrade it is for its operator to say. A file that is not there yet is no
        fault: nobody made a key.
        """
        if self.file is None:
            self.check()
        elif self.file.exists():
            try:
                self.check()
            except DatabaseNotReady:
                self.upgrade()  # tells again what it cannot mend

    def prepare_or_say(self) -> None:
        """Prepare the database, or say in the log why it cannot be used: what is public is served nevertheless."""
        try:
            self.prepare()
        except DatabaseError as error:
            log.error("keys cannot be looked at, and what is public is served: %s", error)

    def upgrade(self) -> tuple[str | None, str]:
        """Make or upgrade the tables, in one transaction; who comes second waits and finds it done.

        Returns:
            The revision before (None: there were no tables) and after.

        Raises:
            DatabaseAway, DatabaseNotReady: as `reading` does; an older database is no reason.
        """
        if self.file is not None:
            self._make_file(self.file)
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", _steps().dir.replace("%", "%%"))
        with self._transaction("BEGIN IMMEDIATE") as connection:
            if self.file is None:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _UPGRADE_LOCK})
            tables = inspect(connection).get_table_names()
            before = _revision(connection) if VERSION_TABLE in tables else None
            if before is None and (others := sorted(set(metadata.tables) & set(tables))):
                raise DatabaseNotReady(
                    f"database {self.name} has tables {', '.join(others)} that are not of carbonmap: give it a "
                    f"database of its own"
                )
            if before != REVISION:
                self._check(before, older_is_fine=True)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        return before, REVISION

    def _check(self, revision: str | None, *, older_is_fine: bool = False) -> None:
        """Compare a revision with that of this program."""
        if revision == REVISION or (older_is_fine and (revision is None or _is_known(revision))):
            return
        if revision is None:
            raise DatabaseNotReady(f"database {self.name} has no tables yet: {_REMEDY}")
        if _is_known(revision):
            raise DatabaseNotReady(
                f"database {self.name} is older ({revision}) than this version of the program wants it ({REVISION}): "
                f"{_REMEDY}"
            )
        raise DatabaseNotReady(
            f"database {self.name} is at revision {revision!r}, which this version of the program does not know (its "
            f"newest is {REVISION}): a newer version upgraded it. Run that version, or restore a backup made before"
        )

    def _make_file(self, file: Path) -> None:
        """Make an empty file that only its owner may read."""
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return
        except OSError as error:
            raise DatabaseNotReady(f"database {self.name} cannot be made: {error.strerror or error}") from error
        try:
            # Made by root for a server that is not: it shall be able to open it.
            if hasattr(os, "geteuid") and os.geteuid() == 0 and self._store.exists():
                owner = self._store.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        finally:
            os.close(descriptor)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        if self.file is not None and not self.file.exists():
            # What was there is being restored, or its disk is not mounted: its keys are no worse for that.
            if self._was_there:
                raise DatabaseAway(f"the database at {self.file} is gone: restore it, or start the server anew without")
            raise DatabaseMissing(f"there is no database at {self.file}: 'carbonmap keys create' makes it")
        self._was_there = True
        if time.monotonic() < self._away_until:
            raise DatabaseAway(f"database {self.name} could not be reached a moment ago")
        try:
            with self._engine.connect() as connection, connection.execution_options(begin=begin).begin():
                yield connection
        except PoolExhausted as error:
            raise DatabaseAway(f"database {self.name} is busy: no connection came free within {_WAIT_S} s") from error
        except ApiError:
            raise
        except ValueError as error:  # of a moment that is none, which something else wrote
            raise DatabaseNotReady(f"database {self.name} holds what cannot be read: {error}") from error
        except DBAPIError as error:
            meaning = self._meaning(error)
            if meaning is None:
                raise
            raise meaning from error

    def _meaning(self, error: DBAPIError) -> DatabaseError | None:
        """Return an error of ours for one that is the database's state and not about what was asked of it."""
        said = _first_line(error.orig)
        if isinstance(error.orig, sqlite3.Error):
            code = getattr(error.orig, "sqlite_errorname", "")
            if any(code.startswith(name) for name in _LOCKED):
                return DatabaseAway(f"database {self.name} is held by another process for more than {_WAIT_S} s")
            if any(code.startswith(name) for name in _DAMAGED):
                return DatabaseNotReady(
                    f"database {self.name} is damaged ({said}): move the file away, with its -wal and -shm, and "
                    f"restore a backup, or create keys anew"
                )
            if isinstance(error.orig, sqlite3.OperationalError):
                return DatabaseNotReady(
                    f"database {self.name} cannot be used: {said}. Whoever serves must own the file and be able "
                    f"to write in its folder"
                )
            return None
        state = getattr(error.orig, "sqlstate", None)
        # Without a state, or with one of these classes, it is the connection or the server, not the statement.
        if error.connection_invalidated or state is None or state[:2] in {"08", "53", "57", "58"}:
            with self._rest:
                self._away_until = time.monotonic() + _REST_S
            return DatabaseAway(f"database {self.name} cannot be reached: {said}")
        if state[:2] in {"25", "28", "3D", "42", "XX"}:
            return DatabaseNotReady(f"database {self.name} cannot be used: {said}")
        return None


def _is_known(revision: str) -> bool:
    return any(step.revision == revision for step in _steps().walk_revisions())


def _revision(connection: Connection) -> str | None:
    """Return the revision the tables are at; None if there are none."""
    try:
        revision: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    except DBAPIError as error:
        said = str(error.orig)
        if getattr(error.orig, "sqlstate", "") == "42P01" or said.startswith("no such table"):
            return None
        raise
    return revision


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().split("\n")[0]


def _sqlite(file: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        # `rw`: a file that is not there is not made by looking.
        connection = sqlite3.connect(
            f"file:{quote(str(file))}?mode=rw",
            uri=True,
            timeout=_WAIT_S,
            isolation_level=None,  # transactions are begun below: by itself the driver leaves table making out of them
            check_same_thread=False,
        )
        try:
            _make_ahead_log(connection)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")  # else a power cut could take back that a key was revoked
        except BaseException:
            connection.close()
            raise
        return connection

    # A connection each time costs a tenth of a millisecond, and sees at once that the file was replaced by a backup.
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _make_ahead_log(connection: sqlite3.Connection) -> None:
    """Let readers go on beside a writer; the file keeps this, so that only the first connection changes anything."""
    until = time.monotonic() + _WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # Of this change alone SQLite does not wait for its turn.
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _postgresql(url: URL) -> Engine:
    given: dict[str, Any] = {
        "application_name": "carbonmap",
        "connect_timeout": "3",
        "tcp_user_timeout": "5000",
        "keepalives_idle": "30",
        "options": f"-c statement_timeout={_WAIT_S}s -c timezone=UTC",
    }
    return create_engine(
        url.update_query_dict({name: value for name, value in given.items() if name not in url.query}),
        pool_size=4,
        max_overflow=4,
        pool_timeout=_WAIT_S,
        pool_pre_ping=True,  # a server that was started again costs no request
        hide_parameters=True,
    )
