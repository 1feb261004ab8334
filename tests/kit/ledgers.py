"""The ledger of a test, behind amani's back: the file at its home, or with AMANI_TEST_STORE=postgres a database."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from amani_cli.servers import server_of
from amani_cli.store.dialect import translated
from amani_cli.store.ledger import Store
from amani_cli.store.opening import open_shared
from amani_cli.store.sqlite import open_store
from amani_cli.times import from_rfc3339, to_rfc3339


def on_postgres() -> bool:
    """Whether the tests run on PostgreSQL."""
    return os.environ.get("AMANI_TEST_STORE", "sqlite") == "postgres"


_by_home: dict[str, str] = {}
_make: list[Callable[[], str]] = []


def begin(make: Callable[[], str]) -> str:
    """Begin a test on PostgreSQL with a ledger for its home; `make` makes others, for other homes."""
    _by_home.clear()
    _make[:] = [make]
    return of_home({"AMANI_HOME": os.environ["AMANI_HOME"]})["AMANI_STORE"]


def all_made() -> list[str]:
    """The ledgers that a test made."""
    return list(_by_home.values())


def of_home(env: Mapping[str, str | None] | None) -> dict[str, str]:
    """The ledger of a home: another home is another amani's, unless a test says that both share one."""
    env = env or {}
    home = env.get("AMANI_HOME", os.environ.get("AMANI_HOME"))
    if not on_postgres() or "AMANI_STORE" in env or not home or not _make:
        return {}
    if _by_home and os.environ.get("AMANI_STORE") not in _by_home.values():  # a test has set one of its own, or none
        return {}
    if home not in _by_home:
        _by_home[home] = _make[0]()
    return {"AMANI_STORE": _by_home[home]}


def opened(home: Path) -> Store:
    """The ledger as amani opens it. Close it."""
    address = _address(home)
    return open_shared(address, {}, home) if address else open_store(home / "amani.db")


def _address(home: Path) -> str:
    return of_home({"AMANI_HOME": str(home)}).get("AMANI_STORE") or os.environ.get("AMANI_STORE", "")


def _line(address: str) -> Any:
    import psycopg

    return psycopg.connect(address, cursor_factory=psycopg.ClientCursor, prepare_threshold=None)


def _tables(line: Any) -> list[str]:
    of = "SELECT relname FROM pg_class WHERE relkind='r' AND relnamespace='public'::regnamespace ORDER BY relname"
    return [row[0] for row in line.execute(of).fetchall()]


def ask(home: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Look into the ledger."""
    return _run(home, sql, values)


def change(home: Path, sql: str, *values: object) -> None:
    """Do to the ledger what only time, a crash or another amani could."""
    _run(home, sql, values)
    if sql.startswith("UPDATE wallet SET url"):  # another address of the same server, or one that is down
        _keys_follow(home)


@contextlib.contextmanager
def refusing(home: Path, when: str, said: str = "database or disk is full") -> Iterator[None]:
    """Have the ledger refuse one kind of writing, such as "UPDATE ON contact", for want of room or as if locked."""
    code = "lock_not_available" if said == "locked" else "disk_full"
    theirs, ours = f"RAISE EXCEPTION ''{said}'' USING ERRCODE=''{code}''", f"SELECT RAISE(ABORT, '{said}')"
    act = theirs if _address(home) else ours
    with meanwhile(home, when, act):
        yield


@contextlib.contextmanager
def meanwhile(home: Path, when: str, act: str) -> Iterator[None]:
    """Have the ledger do something just before each writing of a kind, as if another had been in between."""
    if not _address(home):
        change(home, f"CREATE TRIGGER meanwhile BEFORE {when} BEGIN {act}; END")
        yield
        change(home, "DROP TRIGGER meanwhile")
        return
    made = "CREATE OR REPLACE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql AS"
    change(home, f"{made} 'BEGIN {act}; RETURN NEW; END'")
    what, _, where = when.partition(" WHEN ")
    only = f" WHEN ({where})" if where else ""
    change(home, f"CREATE TRIGGER meanwhile BEFORE {what} FOR EACH ROW{only} EXECUTE FUNCTION meanwhile()")
    yield
    change(home, f"DROP TRIGGER meanwhile ON {what.rpartition(' ')[2]}")


def _rows_of(line: Any, table: str) -> list[bytes]:
    with line.cursor().copy(f"COPY {table} TO STDOUT") as copy:
        return [bytes(block) for block in copy]


class Kept:
    """A ledger as it stood when this was made, to have it be that again: as a copy that somebody puts in its place."""

    def __init__(self, home: Path) -> None:
        self._home, self._address = home, _address(home)
        if not self._address:
            self._copy = sqlite3.connect(":memory:", check_same_thread=False)
            with contextlib.closing(sqlite3.connect(home / "amani.db")) as db:
                db.backup(self._copy)
            return
        with _line(self._address) as line:
            self._tables = {name: _rows_of(line, name) for name in _tables(line)}
            self._numbers = line.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall()

    def put_back(self, *, seen: bool = False) -> None:
        """Have the ledger be the copy; unless it is `seen`, this machine does not remember that it was ever later."""
        if not self._address:
            with contextlib.closing(sqlite3.connect(self._home / "amani.db")) as db:
                self._copy.backup(db)
            return
        with _line(self._address) as line:
            line.execute(f"TRUNCATE {', '.join(self._tables)}")
            for name, blocks in self._tables.items():
                with line.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                    for block in blocks:
                        copy.write(block)
            for name, number in self._numbers:
                line.execute("SELECT setval(%s, %s, %s)", (name, number or 1, number is not None))
        if not seen:
            (self._home / "ledgers.json").unlink(missing_ok=True)


def is_whole(home: Path) -> bool:
    """Whether the engine finds its data as they should be."""
    with contextlib.closing(opened(home)) as store:
        return store.is_whole()


def move_back(home: Path, table: str, column: str, seconds: float, where: str = "1=1") -> None:
    """Have what the ledger says is at some time have been so much earlier."""
    times = [row[0] for row in ask(home, f"SELECT DISTINCT {column} FROM {table} WHERE {where} ORDER BY {column}")]
    for at in filter(None, times):  # the earliest first, which then is none of those that are left
        earlier = to_rfc3339(int(from_rfc3339(at).timestamp() - seconds))
        change(home, f"UPDATE {table} SET {column}=? WHERE {column}=? AND {where}", earlier, at)


def _run(home: Path, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    address = _address(home)
    if not address:
        with contextlib.closing(sqlite3.connect(home / "amani.db", timeout=30)) as db, db:
            return db.execute(sql, values).fetchall()
    said = translated(sql)
    with _line(address) as line:
        cursor = line.execute(said.text.encode(), [values[at] for at in said.places])
        return cursor.fetchall() if cursor.description is not None else []


def _keys_follow(home: Path) -> None:
    """Have this machine's keys be for the servers that the ledger names now, where it keeps that by itself."""
    path = home / "keys-here.json"
    if path.exists():
        kept, urls = json.loads(path.read_text()), dict(_run(home, "SELECT id, url FROM wallet", ()))
        for ledger in kept.values():
            for number, about in ledger["wallets"].items():
                about["server"] = server_of(urls.get(int(number), ""))
        path.write_text(json.dumps(kept))


def tables_with(secrets: Collection[str]) -> list[str]:
    """The tables of the database in which one of these texts stands."""
    if not secrets:
        return []
    with _line(os.environ["AMANI_STORE"]) as line:
        tables = _tables(line)
        each = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name} AS t WHERE t::text LIKE ANY(%s))" for name in tables
        )
        patterns = [f"%{secret}%" for secret in secrets]
        return [row[0] for row in line.execute(each.encode(), [patterns] * len(tables)).fetchall()]
