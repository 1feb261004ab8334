"""An index of the words in the journal, beside it: a rare one is found at once among a million payments.

It is made from the journal alone and each search brings it up to date, so that writing a payment costs nothing for it
and never depends on it. Where it can't be made, or SQLite has no such tokenizer, the journal itself is read.
https://www.sqlite.org/fts5.html#the_trigram_tokenizer
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from amani_cli import errors
from amani_cli.store.ledger import Store, beyond
from amani_cli.store.sqlite import SqliteStore, make_private

NAME = "search.db"
FEW = 2000
# So much of a text, and of a node's key, is looked up; the journal's own rows have the last word.
_LOOKED_UP = 16
NODE_KEY = "(length(destination)=66 AND substr(destination,1,2) IN ('02','03'))"

_SCHEMA = """
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, content='', detail='none', tokenize='trigram');
CREATE TABLE IF NOT EXISTS done (upto INTEGER NOT NULL, id TEXT NOT NULL);
"""
_TEXT = (
    "memo||char(10)||coalesce(reference,'')||char(10)||wallet||char(10)"
    f"||coalesce(iif({NODE_KEY}, substr(destination,1,{_LOOKED_UP}), destination),'')"
)


def candidates(store: Store, text: str) -> tuple[str, Sequence[object]] | None:
    """The condition, with its values, of being one of the few payments that may have a text.

    None, if they are many or can't be told, says that the journal is better read in the order of time: with many, a
    page is full before long.
    """
    if len(text) < 3 or "\0" in text:
        return None
    if not isinstance(store, SqliteStore):
        from amani_cli.store import postgres, postgres_search

        assert isinstance(store, postgres.PostgresStore)
        ids = postgres_search.candidates(store, text, FEW)
        return None if ids is None else (f"id IN ({','.join('?' * len(ids))})" if ids else "1=0", ids)
    rows = _indexed(store, text)
    return None if rows is None else (f"rowid IN ({','.join(map(str, rows))})", ())


def _indexed(store: SqliteStore, text: str) -> list[int] | None:
    piece = text[:_LOOKED_UP]
    trigrams = {piece[at : at + 3].replace('"', '""') for at in range(len(piece) - 2)}
    try:
        with closing(_opened(store)) as index:
            _catch_up(store.connection, index)
            match = " AND ".join(f'"{each}"' for each in sorted(trigrams))
            found = index.execute("SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (match, FEW + 1)).fetchall()
            for column in ("id", "payment_hash"):
                begins = f"SELECT rowid FROM payment WHERE {column}>=? AND {column}<? LIMIT ?"
                low = text.lower()
                found += store.connection.execute(begins, (low, beyond(low), FEW + 1)).fetchall()
    except (errors.Usage, sqlite3.OperationalError, OSError, ValueError):  # not ours, busy, no such tokenizer
        return None
    except sqlite3.DatabaseError:  # damaged: the next search makes it anew
        with contextlib.suppress(OSError):
            store.path.with_name(NAME).unlink(missing_ok=True)
        return None
    return None if len(found) > FEW else [row[0] for row in found]


def _opened(store: SqliteStore) -> sqlite3.Connection:
    path = store.path.with_name(NAME)
    make_private(path)  # memos are in it
    index = sqlite3.connect(path, timeout=1, isolation_level=None)
    try:
        index.execute("PRAGMA journal_mode=WAL")
        index.execute("PRAGMA synchronous=NORMAL")
        index.executescript(_SCHEMA)
    except BaseException:
        index.close()
        raise
    return index


def _catch_up(journal: sqlite3.Connection, index: sqlite3.Connection) -> None:
    """Take in the payments that came since; all of them anew if the journal is not the one that was indexed."""
    last = journal.execute("SELECT rowid, id FROM payment ORDER BY rowid DESC LIMIT 1").fetchone()
    if last is None or tuple(last) == index.execute("SELECT upto, id FROM done").fetchone():
        return
    index.execute("BEGIN IMMEDIATE")
    upto, known = index.execute("SELECT upto, id FROM done").fetchone() or (0, None)
    there = journal.execute("SELECT id FROM payment WHERE rowid=?", (upto,)).fetchone()
    if known is not None and (there is None or there[0] != known):  # a backup was restored
        index.execute("INSERT INTO words(words) VALUES ('delete-all')")
        upto = 0
    fresh = journal.execute(f"SELECT rowid, {_TEXT} FROM payment WHERE rowid>? AND rowid<=?", (upto, last[0]))
    index.executemany("INSERT INTO words(rowid, text) VALUES (?,?)", fresh)
    index.execute("DELETE FROM done")
    index.execute("INSERT INTO done VALUES (?,?)", tuple(last))
    index.execute("COMMIT")
