"""The line to a PostgreSQL server: statements sent together, answers read when wanted, broken lines made anew."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import ClientCursor, pq
from psycopg.rows import RowMaker

from amani_cli.store.dialect import translated
from amani_cli.store.postgres_errors import explained
from amani_cli.store.postgres_rows import row_class

PAGE = 500

Statement = tuple[str, Sequence[Any]]
Answered = tuple[list[Any], int]


class Result:
    """What a statement came to, once it was sent; reading it sends what waits."""

    def __init__(self, send: Callable[[], None] | None) -> None:
        self._send = send
        self._rows: Iterator[Any] = iter(())
        self._count = -1
        self._first: Any = None

    def fill(self, rows: list[Any], count: int) -> None:
        self._send = None
        self._first = rows[0] if rows else None
        self._rows = iter(rows)
        self._count = count

    def _filled(self) -> None:
        if self._send is not None:
            self._send()

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        self._filled()
        return self._count

    @property
    def lastrowid(self) -> int | None:
        """The number that a new row was given."""
        self._filled()
        return None if self._first is None else int(self._first[0])

    def fetchone(self) -> Any:
        """The next row, or None."""
        self._filled()
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        self._filled()
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        self._filled()
        return self._rows


def known(rows: list[Any], count: int = -1) -> Result:
    """What is known to be the answer."""
    result = Result(None)
    result.fill(rows, count)
    return result


class Wire:
    """A line to the ledger's server, made when first used and anew when it has broken outside of a transaction."""

    def __init__(self, where: str, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        """`connect` makes a line; `where` says in words where it leads."""
        self.where = where
        self._connect = connect
        self._line: psycopg.Connection[Any] | None = None
        self._idle: list[psycopg.Connection[Any]] = []

    @property
    def is_up(self) -> bool:
        """Whether there is a line that nobody has seen break."""
        return self._line is not None and not self._line.closed

    def exchange(self, statements: Sequence[Statement]) -> list[Answered]:
        """Send statements in one message; the rows and the count that each came to."""
        if self._line is None or self._line.closed:
            try:
                self._line = self._connect()
            except psycopg.Error as error:
                raise explained(error, self.where) from error
        return exchange(self._line, statements)

    def ask(self, statements: Sequence[Statement]) -> list[Answered]:
        """Ask what begins something or changes nothing: a line that broke since it was last used is made anew, once."""
        had_line = self._line is not None
        try:
            return self.exchange(statements)
        except psycopg.Error as error:
            if not had_line or not self.is_gone(error):
                raise
            self.drop()
            return self.exchange(statements)

    def is_gone(self, error: BaseException) -> bool:
        """Whether the line is dead by an error: then what was under way may have been done or not."""
        state = getattr(error, "sqlstate", None)
        return not self.is_up or (state is not None and state.startswith(("08", "57P0"))) or isinstance(error, OSError)

    def roll_back(self) -> None:
        """End whatever transaction is open."""
        line = self._line
        if line is None:
            return
        status = line.pgconn.transaction_status
        if line.closed or status == pq.TransactionStatus.ACTIVE:
            self.drop()
        elif status != pq.TransactionStatus.IDLE:
            try:
                line.execute("ROLLBACK")
            except (psycopg.Error, OSError):
                self.drop()

    def stream(self, sql: str, values: Sequence[Any], *, apart: bool) -> Iterator[Any]:
        """The rows of a query, a page of them at a time; `apart` from the transaction that is open, or that may be."""
        if not apart:
            assert self._line is not None
            yield from _pages(self._line, sql, values)
            return
        line = self._idle.pop() if self._idle else self._connect()
        try:
            exchange(line, [("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ())])
            yield from _pages(line, sql, values)
            exchange(line, [("ROLLBACK", ())])
        except BaseException:
            line.close()
            raise
        self._idle.append(line)

    def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write rows into a table as they come, in the transaction that is open; returns how many."""
        assert self._line is not None
        count = 0
        with self._line.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([_taken(value) for value in row])
                count += 1
        return count

    def drop(self) -> None:
        """Let go of the line; the next statement makes another."""
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                line.close()

    def close(self) -> None:
        """Let go of every line."""
        self.drop()
        for line in self._idle:
            line.close()


def _pages(line: psycopg.Connection[Any], sql: str, values: Sequence[Any]) -> Iterator[Any]:
    name = f"pages_{time.monotonic_ns()}"
    fetch: Statement = (f"FETCH {PAGE} FROM {name}", ())
    rows = exchange(line, [(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", values), fetch])[-1][0]
    while rows:
        yield from rows
        rows = exchange(line, [fetch])[0][0] if len(rows) == PAGE else []


def exchange(line: psycopg.Connection[Any], statements: Sequence[Statement]) -> list[Answered]:
    """Send statements in one message; what each came to. After one that fails none of the rest is run."""
    texts, values = [], []
    for sql, given in statements:
        said = translated(sql)
        texts.append(said.text)
        values += [_taken(given[at]) for at in said.places]
    found: list[Answered] = []
    with ClientCursor(line, row_factory=_maker) as cursor:
        cursor.execute("; ".join(texts).encode(), values)
        more: bool | None = True
        while more:
            rows = cursor.fetchall() if cursor.description is not None else []
            found.append((rows, cursor.rowcount))
            more = cursor.nextset()
    return found


def _taken(value: Any) -> Any:
    """A value as the server takes it: there is no NUL in its texts, which others may send us."""
    if isinstance(value, str):
        return value.replace("\0", "␀")
    return int(value) if isinstance(value, bool) else value


def _maker(cursor: Any) -> RowMaker[Any]:
    return row_class(tuple(column.name for column in cursor.description or ()))
