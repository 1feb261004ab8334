"""The database file: private, durable, upgraded after a copy, and refused where amani can't know what it holds."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from amani_cli import clocks, errors
from amani_cli.store import figures, journal, migrations
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import NewEntry, Whose
from amani_cli.store.ledger import SCHEMA_VERSION, TABLES, new_id
from amani_cli.store.rows import Row
from amani_cli.store.sqlite import SqliteStore, open_store
from tests.kit import ready_ledger
from tests.kit.driver import Amani

pytestmark = pytest.mark.sqlite  # the file itself


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "amani.db"


def older(path: Path, version: int) -> None:
    """A database as an amani of that schema left it, with a payment in it."""
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as db, db:
        for step in migrations._STEPS[:version]:
            step(db)
        db.execute(f"PRAGMA user_version={version}")
        db.execute(
            "INSERT INTO payment (id, wallet_id, wallet, provider, direction, kind, status, created_at)"
            " VALUES ('pay_1', 1, 'w', 'lnbits', 'out', 'pay', 'settled', '2026-08-01T00:00:00Z')"
        )


def schema_of(store: SqliteStore) -> set[str]:
    """Every table's and index's making, white space aside."""
    return {" ".join(row[0].split()) for row in store.all(Row, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}


def test_the_tests_own_ledgers_are_as_the_steps_make_them(tmp_path: Path) -> None:
    seen, anchor = [], clocks.begin(0)
    for name in ("by steps", "at once"):
        path = tmp_path / name / "amani.db"
        with pytest.MonkeyPatch.context() as patch:
            if name == "at once":
                ready_ledger.at_once(patch)
                open_store(tmp_path / "before" / "amani.db", create=True).close()  # at another time
            patch.setattr(clocks, "begin", lambda _: anchor)
            open_store(path, create=True).close()
        with closing(sqlite3.connect(path)) as db:
            settings = ("user_version", "journal_mode", "page_size", "auto_vacuum", "encoding", "integrity_check")
            seen.append(([db.execute(f"PRAGMA {each}").fetchone() for each in settings], [*db.iterdump()]))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert seen[0] == seen[1]
    assert len(seen[0][1]) > len(TABLES)


def test_a_write_is_on_the_disk_when_it_is_done(path: Path) -> None:
    """FULL syncs the WAL at each commit: without it a power cut takes the last payment's entry away."""
    with closing(open_store(path)) as store:
        for pragma, value in (("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)):
            row = store.one(Row, f"PRAGMA {pragma}")
            assert row is not None
            assert row[0] == value
    with closing(open_store(path)) as again:
        row = again.one(Row, "PRAGMA synchronous")
        assert row is not None
        assert row[0] == 2


def test_it_is_private_from_the_first_byte(path: Path) -> None:
    with closing(open_store(path)) as store:
        with store.write() as db:
            store_wallets.save_login(db, "https://x", "me")
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"amani.db": 0o600, "amani.db-wal": 0o600, "amani.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_raises_leaves_nothing(path: Path) -> None:
    with closing(open_store(path)) as store:
        for error in (ValueError, KeyboardInterrupt):
            with suppress(error), store.write() as db:
                store_wallets.save_login(db, "https://x", "me")
                raise error
        assert store_wallets.all_logins(store) == []


def test_a_database_that_stays_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amani_cli.store.sqlite.BUSY_TIMEOUT_S", 0.1)
    with closing(open_store(path)) as one, closing(open_store(path)) as other, one.write():
        with pytest.raises(errors.Locked), other.write():
            pass
        assert other.all(Row, "SELECT * FROM payment") == []  # reading goes on


def test_many_writers_wait_for_each_other(path: Path) -> None:
    open_store(path).close()

    def write() -> None:
        with closing(open_store(path)) as store:
            for _ in range(20):
                with store.write() as db:
                    count = db.execute("SELECT count(*) FROM payment").fetchone()[0]
                    whose = Whose(1, "w", None, "lnbits", 0)
                    journal.insert(db, NewEntry(whose, "out", "pay", "settled", amount_msat=count))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(open_store(path)) as store:
        seen = [row[0] for row in store.all(Row, "SELECT amount_msat FROM payment ORDER BY amount_msat")]
    assert seen == list(range(80))  # each read what the one before had written


def test_every_table_is_looked_for(path: Path) -> None:
    with closing(open_store(path)) as store:
        found = store.all(Row, "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'")
    assert {row[0] for row in found} == TABLES


def test_many_make_it_at_once(path: Path) -> None:
    """One makes it, and all find the same one, whole."""
    found: list[str] = []

    def begin(number: int) -> None:
        with closing(open_store(path)) as store, store.write() as db:
            store_wallets.save_login(db, f"https://{number}", "me")
        found.append("")

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(open_store(path)) as store:
        assert len(store_wallets.all_logins(store)) == len(found) == 8
    assert {each.name for each in path.parent.iterdir()} == {"amani.db"}


@pytest.mark.parametrize("step", range(1, SCHEMA_VERSION + 2))
def test_a_crash_while_it_is_made_leaves_none(path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Killed at each step of it: what is left is no journal, and goes when one is made."""
    child = os.fork()
    if child == 0:
        die: Any = lambda *_: os._exit(9)  # noqa: E731
        monkeypatch.setattr(migrations, "_STEPS", [*migrations._STEPS[: step - 1], die, *migrations._STEPS[step:]])
        monkeypatch.setattr(Path, "rename", die)
        open_store(path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not path.exists()
    open_store(path).close()
    assert {each.name for each in path.parent.iterdir()} == {"amani.db"}


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_older_one_is_upgraded_after_a_copy(path: Path, tmp_path: Path, version: int) -> None:
    older(path, version)
    with closing(open_store(path)) as store, closing(open_store(tmp_path / "new" / "amani.db")) as new:
        row = store.one(Row, "PRAGMA user_version")
        assert row is not None
        assert row[0] == SCHEMA_VERSION
        assert journal.by_id(store, "pay_1") is not None
        assert schema_of(store) == schema_of(new)
    copy = migrations.copy_path(path, version)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == version
        assert db.execute("SELECT id FROM payment").fetchall() == [("pay_1",)]


def test_upgrades_at_once(amani: Amani, home: Path) -> None:
    older(home / "amani.db", 1)
    with ExitStack() as stack:
        runs = [stack.enter_context(amani.started("history", "list", "-q")) for _ in range(4)]
        results = [amani.ended(run) for run in runs]
    assert [(result.code, result.stdout) for result in results] == [(0, "pay_1\n")] * 4
    assert {each.name for each in home.glob("*before*")} == {"amani.db.before-schema-2"}


def test_an_upgrade_that_fails_leaves_it_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        raise sqlite3.OperationalError("interrupted")

    older(path, 1)
    monkeypatch.setattr(migrations, "_STEPS", [*migrations._STEPS[:1], broken, *migrations._STEPS[2:]])
    with pytest.raises(errors.Usage):
        open_store(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1
        assert db.execute("SELECT 1 FROM sqlite_master WHERE name='half'").fetchone() is None


def test_a_newer_one_is_refused_untouched(path: Path) -> None:
    open_store(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    with pytest.raises(errors.Usage) as refused:
        open_store(path)
    assert refused.value.code == "NEWER_DATABASE"
    assert "restore the copy" in refused.value.hint


@pytest.mark.parametrize("content", [b"no database at all, " * 100, b"SQLite format 3\x00" + b"x" * 2000])
def test_what_is_no_database(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_bytes(content)
    with pytest.raises(errors.Usage) as refused:
        open_store(path)
    assert refused.value.code == "BAD_DATABASE"
    assert path.read_bytes() == content


def test_somebody_else_s_database(path: Path) -> None:
    path.parent.mkdir()
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(errors.Usage) as refused:
        open_store(path)
    assert refused.value.code == "BAD_DATABASE"


def test_ids_are_told_apart_and_sort_by_time() -> None:
    made = [new_id("pay") for _ in range(1000)]
    assert len(set(made)) == 1000
    moments = [each[4:14] for each in made]
    assert moments == sorted(moments)


def test_figures_are_let_go_while_another_writes(tmp_path: Path) -> None:
    """They are the last thing that a run does: a busy database must not make it fail."""
    path = tmp_path / "books" / "amani.db"
    with closing(open_store(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        figures.keep(store, {}, "wallet balance")
        other.execute("ROLLBACK")
        assert figures.successes(store) == []
