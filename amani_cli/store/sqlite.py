"""The ledger in a SQLite file: opened safely, one writer at a time, durable at each commit."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amani_cli import errors, private
from amani_cli.store.clock import LedgerClock
from amani_cli.store.ledger import BUSY_TIMEOUT_S, SCHEMA_VERSION, TABLES, R, Store
from amani_cli.store.rows import Row, Transaction


class SqliteStore(Store):
    """An open database."""

    engine = "sqlite"

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.where = str(path)
        self.connection = connection
        self.wrote = False
        self.clock = LedgerClock(lambda: self.one(Row, "SELECT * FROM clock"))

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A durable transaction: on disk when the block ends, rolled back when it raises.

        BEGIN IMMEDIATE, because a deferred transaction that reads and then writes fails with "locked" under
        concurrency whatever the busy timeout (https://www.sqlite.org/isolation.html). Raises `errors.Locked`
        after `BUSY_TIMEOUT_S` of waiting, `errors.Usage` when the file can't be written.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            self.wrote = True
            try:
                yield self.connection
                self.clock.keep(self.connection)
            except BaseException:
                self.connection.rollback()
                raise
            self.connection.commit()
        except sqlite3.Error as error:
            if self.connection.in_transaction:
                self.connection.rollback()
            raise explained(error, self.path) from error

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Queries that all see the database as it stood at the first of them; writers are not held up."""
        try:
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.rollback()
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    def in_passing(self, write: Callable[[Transaction], object]) -> None:
        """Not synced to the disk and not waited for: a power cut or a busy database costs what is written, no time."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.execute("PRAGMA synchronous=NORMAL")
            self.connection.execute("PRAGMA busy_timeout=100")
            self.connection.execute("BEGIN IMMEDIATE")
            write(self.connection)
            self.connection.commit()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection.in_transaction

    @property
    def current(self) -> Transaction:
        """The connection: it is in a transaction or not."""
        return self.connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """A query outside of any transaction; what a function that takes a `Ledger` asks either of the two."""
        try:
            return self.connection.execute(sql, values)
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    def all(self, kind: type[R], sql: str, *values: Any) -> list[R]:
        """Every row of a query, as rows of that kind."""
        try:
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    def one(self, kind: type[R], sql: str, *values: Any) -> R | None:
        """The first row of a query, or None."""
        try:
            row: R | None = self.connection.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise explained(error, self.path) from error
        return row

    def each(self, kind: type[R], sql: str, *values: Any) -> Iterator[R]:
        """The rows of a query one at a time, so that any number of them takes no memory."""
        try:
            yield from self.connection.execute(sql, values)
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    def take_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write many rows into a table."""
        marks = ",".join("?" * len(columns))
        return self.connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows
        ).rowcount

    def last_number(self, table: str) -> int:
        """As SQLite keeps it for AUTOINCREMENT, or else the highest there is."""
        row = self.one(Row, "SELECT seq FROM sqlite_sequence WHERE name=?", table)
        row = row or self.one(Row, f"SELECT coalesce(max(id), 0) FROM {table}")
        return int(row[0]) if row is not None else 0

    def go_on_from(self, table: str, number: int) -> None:
        """Only a table with AUTOINCREMENT can."""
        self.connection.execute("UPDATE sqlite_sequence SET seq=max(seq, ?) WHERE name=?", (number, table))
        self.connection.execute(
            "INSERT INTO sqlite_sequence SELECT ?1, ?2 WHERE ?1='wallet' AND NOT EXISTS"
            " (SELECT 1 FROM sqlite_sequence WHERE name=?1)",
            (table, number),
        )

    def is_whole(self) -> bool:
        """Whether SQLite finds the file as it should be."""
        row = self.one(Row, "PRAGMA quick_check")
        return row is not None and row[0] == "ok"

    def close(self) -> None:
        """Close the file; the WAL is folded in by the last one to leave."""
        self.connection.close()


class Lasting:
    """Databases that stay open for whoever asks again and again, one for each thread: `serve` reads by them."""

    def __init__(self) -> None:
        self._kept = threading.local()

    def opened(self, path: Path) -> SqliteStore:
        """The thread's database, opened anew where another file has taken its place or its schema has changed.

        Raises what `open_store` raises.
        """
        kept: SqliteStore | None = getattr(self._kept, "store", None)
        try:
            about = os.stat(path)
        except OSError as error:
            raise explained(error, path) from error
        file = (about.st_dev, about.st_ino)
        if kept is not None and self._kept.file == file:
            version = kept.one(Row, "PRAGMA user_version")
            if version is not None and version[0] == SCHEMA_VERSION:
                return SqliteStore(path, kept.connection)  # with a clock that is read anew
        if kept is not None:
            kept.close()
        self._kept.store = None
        self._kept.store, self._kept.file = open_store(path, create=False), file
        return SqliteStore(path, self._kept.store.connection)


def open_store(path: Path, *, create: bool = True) -> SqliteStore:
    """Open (and, on the first use, make) the database at `path`, upgrading an older one after a copy.

    The file and its -wal and -shm are 0600 from their first byte. Raises `errors.Usage` for a file that is not
    amani's, not the user's alone, empty or damaged, that can't be written, or was made by a newer amani.
    """
    connection = None
    try:
        if not is_private(path):
            if not create:
                raise errors.NotFound(f"no database at {path}", hint="Nothing has been recorded yet.")
            log = path.with_name(f"{path.name}-wal")
            if log.exists() and log.stat().st_size:  # SQLite would put it into whatever stands there
                raise _hollow(path, f"is gone, and its log {log.name} is left")
            _make(path)
        elif path.stat().st_size == 0:
            raise _hollow(path, "is empty")
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        connection.row_factory = Row
        connection.execute("PRAGMA foreign_keys=ON")
        # FULL costs nothing measurable for a one-shot command and keeps the last payment through a power cut.
        connection.execute("PRAGMA synchronous=FULL")
        _bring_up_to_date(connection, path)
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        raise explained(error, path) from error
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    return SqliteStore(path, connection)


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == SCHEMA_VERSION:
        missing = TABLES.difference(row[0] for row in connection.execute("SELECT name FROM sqlite_master"))
        if missing:  # rules, references or outcomes may be among them, and what asks for none of them would go on
            raise _hollow(path, f"lacks tables ({', '.join(sorted(missing))})")
        return
    from amani_cli.store import migrations

    migrations.refuse_foreign(connection)
    if version > SCHEMA_VERSION:
        raise errors.Usage(
            f"{path} was made by a newer amani (schema {version}; this one knows {SCHEMA_VERSION})",
            code="NEWER_DATABASE",
            hint="Upgrade amani, or restore the copy that the upgrade made and named.",
        )
    if version == 0:  # nothing makes one in its place but `_make`: what was in it is gone
        raise _hollow(path, "holds no tables")
    # One at a time: where two switch the same file to WAL, SQLite refuses one of them at once, whatever its timeout.
    with _alone(path.parent):
        migrations.upgrade(connection, path, SCHEMA_VERSION)


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Keep other amanis from making or upgrading a database in this folder meanwhile; gives the open folder."""
    import fcntl

    held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield held
    finally:
        os.close(held)


def is_private(path: Path) -> bool:
    """Whether there is a database, it and its folder being the user's alone; looks before SQLite does.

    Raises `errors.Usage` (NOT_PRIVATE), also for a link: its disk may not be mounted, and a new database in the place
    of the old one would pay things again.
    """
    private.check_folder(path.parent)
    for ending in ("-wal", "-shm"):
        private.check(path.with_name(path.name + ending))
    return private.check(path)


def _make(path: Path) -> None:
    """Make a new database beside its place and give it its name when it is whole: a crash leaves none.

    Of several processes at once one makes it, and the others find it there. What a crash left is taken away.
    """
    from amani_cli.store import migrations

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.new")
    with _alone(path.parent) as folder:
        if os.path.lexists(path):  # another was first
            return
        _unmake(half)
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            connection = sqlite3.connect(half, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            try:
                connection.execute("PRAGMA synchronous=FULL")
                migrations.upgrade(connection, half, SCHEMA_VERSION)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()
            half.rename(path)
            os.fsync(folder)
        finally:
            _unmake(half)


def _unmake(half: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        half.with_name(half.name + ending).unlink(missing_ok=True)


def make_private(path: Path) -> None:
    """Make a file of a cache, 0600, before SQLite sees it: it gives -wal and -shm the same mode."""
    if not is_private(path):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _hollow(path: Path, words: str) -> errors.Usage:
    """The error for a journal without a journal in it: going on would forget PIN, limits and what was paid."""
    beside = sorted(path.parent.glob(f"{path.name}.before-*"))
    copies = [each for each in beside if not each.name.endswith(".toml")]
    there = f"a copy lies at {copies[-1]}" if copies else "a copy may be among your backups"
    return errors.Usage(
        f"{path} {words}: what amani wrote in it is gone",
        code="BAD_DATABASE",
        hint=f"Move it away, with {path.name}-wal and -shm, and put a copy in its place: {there}, and 'amani backup"
        " restore FILE' takes one of those. Only where nothing was ever paid may you begin anew, with 'history sync'.",
    )


_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


def explained(error: Exception, path: Path) -> errors.AmaniError:
    """Say in one line, with the way out, what is wrong with the database file."""
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return errors.Locked(
            f"the database {path} has been busy for {BUSY_TIMEOUT_S} s",
            hint="Another amani is writing for a long time; try again when it is done.",
        )
    if "not a database" in text or "malformed" in text or "no such table" in text or "no such column" in text:
        return errors.Usage(
            f"{path} is not a database that amani can read ({error})",
            code="BAD_DATABASE",
            hint="Restore it from a backup, or move it away and run 'amani history sync' to start again.",
        )
    # On a full disk SQLite can't make the index of its log, and calls that an I/O error.
    if "full" in text or getattr(error, "errno", None) == errno.ENOSPC or ("i/o" in text and _is_full(path.parent)):
        return errors.Usage(
            f"no room left to write {path}",
            code="DISK_FULL",
            hint="Free some space: no payment is sent that can't be written down first.",
        )
    if isinstance(error, sqlite3.IntegrityError) and error.sqlite_errorcode in _UNIQUE:
        return errors.Duplicate(f"the database has it already: {error}", hint="Please report this.")
    if isinstance(error, sqlite3.IntegrityError):
        return errors.Bug(f"a rule of the database was broken: {error}", hint="Please report this.")
    return errors.Usage(
        f"can't use {path}: {(isinstance(error, OSError) and error.strerror) or error}",
        code="DATABASE_UNUSABLE",
        hint="Check that the file and its folder belong to you and are writable, and their disk's room (and quota).",
    )


def _is_full(folder: Path) -> bool:
    try:
        about = os.statvfs(folder)
    except OSError:
        return False
    return about.f_bavail * about.f_frsize < 64 * 1024
