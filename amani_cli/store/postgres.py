"""The ledger on a PostgreSQL server: one writer at a time, by a lock that ends with its transaction.

Behind PgBouncer's transaction mode all that outlives a transaction is lost, so nothing does: no prepared statement, no
setting, no lock. A round trip may cost 30 ms: what needs no answer waits and goes along with what does.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from amani_cli import clocks, errors
from amani_cli.store import audit, holds, machine, marks
from amani_cli.store.clock import ServerClock
from amani_cli.store.dialect import translated
from amani_cli.store.ledger import BUSY_TIMEOUT_S, R, Store
from amani_cli.store.postgres_errors import explained
from amani_cli.store.postgres_mirror import FRESH_S, QUERIES, Mirror
from amani_cli.store.postgres_wire import Answered, Result, Statement, Wire, known
from amani_cli.store.rows import Answer, Row, Transaction

LOCK = 0x616D616E69
"""The advisory lock of every write: transactions that change a ledger follow each other, as they do on SQLite."""
SETTLE_S = 20.0
"""How long it is asked whether a COMMIT whose answer was lost is there, before that is given up."""
IDLE_S = 60
"""A transaction that says nothing for so long belongs to a machine that is gone: the server ends it, and its lock."""
_COMMIT: Statement = ("COMMIT", ())
_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
_PROVE = "INSERT INTO proof (token, host, os_user, at) VALUES (?,?,?,?)"
_PROVEN = "SELECT 1 FROM proof WHERE token=?"
_FORGET = "DELETE FROM proof WHERE at<?"
PROOF_KEPT_S = 7 * 86400


class PostgresStore(Store):
    """A ledger on a server. `connect` makes a line to it, as often as one breaks."""

    engine = "postgresql"

    def __init__(self, where: str, folder: Path, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        """The line is made when first used; `where` says in words where it leads, `folder` is this machine's own."""
        self.where = where
        self.id = ""
        self.own_keys = machine.OwnKeys(folder, "")
        self.seen = machine.SeenHead(folder, "")
        self._folder = folder
        self.wrote = False
        self.clock: ServerClock = ServerClock(self._ask_time)
        self.wire = Wire(where, connect)
        self._mode = ""  # what kind of transaction is open
        self._waiting: list[tuple[Statement, Result]] = []
        self._owed: list[Statement] = []
        self._head: tuple[int, str] | None = None
        self._expected: list[Statement] = []
        self._foreseen: dict[tuple[str, tuple[Any, ...]], tuple[list[Any], float]] = {}
        self._mirror = Mirror()
        self._pruned = False

    # -- transactions ------------------------------------------------------------------------------------------------

    @contextmanager
    def write(self) -> Iterator[PostgresStore]:
        """A durable transaction, alone: kept for certain when the block ends, or rolled back.

        Where the answer to its COMMIT is lost, the ledger is asked on a new line whether it is there. Raises
        `errors.Unreachable` where it is not, or nobody can tell: the block's end was not reached, and whoever journals
        before they send have sent nothing.
        """
        assert not self._mode, "a transaction is open"
        token = os.urandom(12).hex()
        try:
            self._begin()
            self.wrote = True
            try:
                yield self
            except BaseException:
                self._roll_back()
                raise
            self._commit(token)
        except psycopg.Error as error:
            self._roll_back()
            raise explained(error, self.where) from error
        finally:
            self._mode = ""

    def before_long(self, write: Callable[[Transaction], object]) -> None:
        """Keep what is changed until the next transaction begins, whose first message takes it along."""
        assert not self._mode, "a transaction is open"
        self._mode = "owed"
        try:
            write(self)
            self._owed += [statement for statement, _ in self._waiting]
        finally:
            self._waiting.clear()
            self._mode = ""

    def in_passing(self, write: Callable[[Transaction], object]) -> None:
        """One message with all that the block says; the server need not have it on disk, and nobody waits long."""
        self._mode = "passing"
        begin: list[Statement] = [
            ("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", ()),
            ("SET LOCAL synchronous_commit=off", ()),
            ("SET LOCAL lock_timeout='100ms'", ()),
        ]
        try:
            write(self)
            statements = [each for each, _ in self._waiting]
            if self.wire.is_up:
                with contextlib.suppress(psycopg.Error, errors.AmaniError):
                    self.wire.exchange([*begin, *statements, _COMMIT])
        finally:
            self._roll_back()
            self._mode = ""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Queries that all see the ledger as it stood at the first of them."""
        assert not self._mode, "a transaction is open"
        try:
            self._ask_expected([])
            self._mode = "read"
            self.wire.ask([("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ())])
            yield
        except psycopg.Error as error:
            raise explained(error, self.where) from error
        finally:
            self._roll_back()
            self._mode = ""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction that may write is open."""
        return self._mode == "write"

    @property
    def current(self) -> PostgresStore:
        """The ledger itself: it knows whether a transaction is open."""
        return self

    def _begin(self) -> None:
        self._waiting.clear()
        self._foreseen.clear()
        seen = self.seen.read()
        seen_too: Statement = ("SELECT hash FROM audit WHERE seq=?", (seen[0] if seen else 0,))
        first, self._owed = [*alone(), *self._owed], []
        queries = [*first, (_CLOCK, ()), (audit.HEAD, ()), seen_too, *QUERIES]
        clock, head, before, *small = self._ask_expected(queries)[len(first) :]
        self._mode = "write"
        self.clock.hear(clock[0][0][0])
        self._mirror.fill(small)
        self._head = tuple(head[0][0]) if head[0] else (0, audit.GENESIS)
        found = before[0]
        if seen and (not found or found[0][0] != seen[1]):
            self._went_back(seen[0])

    def _commit(self, token: str) -> None:
        host, user = machine.host(), machine.os_user()
        moment = self.clock.now()
        statements = [each for each, _ in self._waiting]
        results = [result for _, result in self._waiting]
        self._waiting.clear()
        statements.append((_PROVE, (token, host, user, moment)))
        if not self._pruned:
            statements.append((_FORGET, (moment - PROOF_KEPT_S,)))
            self._pruned = True
        expected, self._expected = self._expected, []
        self._foreseen.clear()
        try:
            answers = self.wire.exchange([*statements, *expected, _COMMIT])
            for result, (rows, count) in zip(results, answers, strict=False):
                result.fill(rows, count)
            self._foresee(expected, answers[len(statements) : -1])
        except (psycopg.Error, OSError) as error:
            if not self.wire.is_gone(error):
                raise
            if not self._is_there(token):
                raise _not_kept(self.where) from error
        self._mode = ""
        if self._head is not None and self._head[0]:
            self.seen.keep(*self._head)

    def _went_back(self, seq: int) -> None:
        """Hold every wallet that the ledger knows: it lacks an entry that this machine saw in it.

        Raises `errors.RefusedByPolicy`.
        """
        marks.make(self, marks.HELD, f"a ledger that lacks entry {seq} of the audit log, which this machine saw in it")
        holds.spread(self)
        audit.append(self, "store went back", subject=self.where, outcome="held")
        self._commit(os.urandom(12).hex())
        raise errors.RefusedByPolicy(
            f"the ledger at {self.where} went back to an earlier moment: what was paid since then may be missing",
            code="RECONCILE_FIRST",
            hint="Run 'amani reconcile': it reads that back from each wallet, and lets spending go on when the books"
            " agree.",
        )

    def _is_there(self, token: str) -> bool:
        """Whether a transaction whose COMMIT was not answered is in the ledger.

        Asked under the ledger's lock, which the old backend gives up only when it has committed or ended. Raises
        `errors.Unreachable` when nobody can tell.
        """
        self.wire.drop()
        self._mode = ""
        ends, pause = time.monotonic() + SETTLE_S, 0.1
        while True:
            try:
                answers = self.wire.exchange([*alone(), (_PROVEN, (token,)), ("ROLLBACK", ())])
                return bool(answers[-2][0])
            except (psycopg.Error, errors.Unreachable) as error:
                self.wire.drop()
                if time.monotonic() + pause > ends:
                    raise errors.Unreachable(
                        f"the line to the ledger ({self.where}) broke as an entry was committed, and nobody can tell"
                        " whether it is there",
                        code="LEDGER_AWAY",
                        hint="Nothing was sent for it. Run the same command again when the ledger is back: an entry"
                        " that did get there is open, and is gone on with.",
                    ) from error
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _roll_back(self) -> None:
        self._waiting.clear()
        self._mirror.clear()
        self.wire.roll_back()

    # -- statements --------------------------------------------------------------------------------------------------

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Answer:
        """A query, or inside a transaction a change: one that nobody asks about goes along with the next query."""
        if sql == audit.HEAD and self._mode == "write" and self._head is not None:
            return known([self._head] if self._head[0] else [])
        if self._mode in ("write", "passing", "owed") and translated(sql).is_change:
            return self._later(sql, values)
        try:
            found = self._at_hand(sql, tuple(values))
            if found is None:
                return known(*self._ask_after_waiting((sql, values)))
            return known(found)
        except psycopg.Error as error:
            raise explained(error, self.where) from error

    def _later(self, sql: str, values: Sequence[Any]) -> Result:
        if sql == audit.APPEND:
            self._head = (values[0], values[-1])
        table = self._mirror.changed(sql)
        for asked in [each for each in self._foreseen if not table or table in each[0]]:
            del self._foreseen[asked]
        later = Result(self._send_waiting)
        self._waiting.append(((sql, values), later))
        return later

    def _at_hand(self, sql: str, values: tuple[Any, ...]) -> list[Any] | None:
        """What a query answers by what was brought along already."""
        found = self._foreseen.pop((sql, values), None)
        if found is not None and clocks.steady() - found[1] <= FRESH_S:
            return found[0]
        if self._mode == "read" or not self._mirror.covers(sql):
            return None
        if self._mode != "write" and not self._mirror.is_fresh():
            self._mirror.fill(self._ask_expected(QUERIES))
        return self._mirror.ask(sql, values)

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]], /) -> None:
        """Run one statement for each of some rows."""
        for values in parameters:
            self.execute(sql, values)

    def each(self, kind: type[R], sql: str, *values: Any) -> Iterator[R]:
        """The rows of a query, a page of them at a time, as they stood when it began."""
        try:
            self._send_waiting()
            if not self._mode:
                self._ask_expected([])
            yield from self.wire.stream(sql, values, apart=not self._mode)
        except psycopg.Error as error:
            raise explained(error, self.where) from error

    def expect(self, sql: str, *values: Any) -> None:
        """Have a query asked along with whatever is sent next, since it will be asked then; answered once."""
        self._expected.append((sql, values))

    def _ask_expected(self, statements: Sequence[Statement]) -> list[Answered]:
        """Ask, and what is expected along with it, in no transaction; what is owed comes first, in one of its own."""
        owed, self._owed = self._owed, []
        first = [*alone(), *owed, _COMMIT] if owed else []
        expected, self._expected = self._expected, []
        if not (first or statements or expected):
            return []
        answers = self.wire.ask([*first, *statements, *expected])[len(first) :]
        self._foresee(expected, answers[len(statements) :])
        return answers[: len(statements)]

    def _foresee(self, expected: Sequence[Statement], answers: Sequence[Answered]) -> None:
        for (sql, values), (rows, _) in zip(expected, answers, strict=True):
            self._foreseen[(sql, tuple(values))] = (rows, clocks.steady())

    def _send_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        for (_, result), (rows, count) in zip(waiting, self.wire.exchange([each for each, _ in waiting]), strict=True):
            result.fill(rows, count)

    def _ask_after_waiting(self, statement: Statement) -> Answered:
        if not self._mode:
            return self._ask_expected([statement])[0]
        waiting, self._waiting = self._waiting, []
        answers = self.wire.exchange([*[each for each, _ in waiting], statement])
        for (_, result), (rows, count) in zip(waiting, answers, strict=False):
            result.fill(rows, count)
        return answers[-1]

    def _ask_time(self) -> float:
        return float(self.execute(_CLOCK).fetchone()[0])

    def opened_at(self, sql: str) -> int:
        """The schema and the id of the ledger, which a query answers, and what time it is there: asked before all else.

        Returns the schema. A ledger that lacks what this machine saw in it is held from now on.
        """
        known = machine.every_seen(self._folder)  # before it is asked: another process here goes on meanwhile
        numbers = ",".join(str(seq) for seq, _ in known.values()) or "0"
        there: Statement = (f"SELECT seq, hash FROM audit WHERE seq IN ({numbers})", ())
        first: list[Statement] = [(sql, ()), (_CLOCK, ()), there]
        try:
            schema, clock, heads, *small = self.wire.ask([*first, *QUERIES])
            self._mirror.fill(small)
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):  # of another schema, or of none
            schema, clock, heads = self.wire.ask(first)
        version, self.id = schema[0][0]
        self.clock.hear(clock[0][0][0])
        self.own_keys = machine.OwnKeys(self._folder, self.id)
        self.seen = machine.SeenHead(self._folder, self.id)
        seen = known.get(self.id)
        if seen is not None and seen not in [tuple(row) for row in heads[0]]:
            # What can't be held now, as by who may only look, is by whoever writes next.
            with contextlib.suppress(errors.AmaniError), self.write():
                pass
        return int(version)

    def take_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write many rows into a table, by COPY."""
        try:
            self._send_waiting()
            self._mirror.changed(f"INSERT INTO {table}")
            self._head = None  # what was brought along with the lock is not the newest entry any more
            return self.wire.copy_in(table, columns, rows)
        except psycopg.Error as error:
            raise explained(error, self.where) from error

    def last_number(self, table: str) -> int:
        """As the table's sequence has it."""
        return int(self.execute(f"SELECT last_value FROM {table}_id_seq").fetchone()[0])

    def go_on_from(self, table: str, number: int) -> None:
        """Set the table's sequence."""
        if number:
            self.execute(f"SELECT setval('{table}_id_seq', ?)", (number,))

    # -- as a whole --------------------------------------------------------------------------------------------------

    def is_whole(self) -> bool:
        """Whether the server answers for the journal; its pages are the server's own to check."""
        return self.one(Row, "SELECT count(*) FROM wallet") is not None

    def close(self) -> None:
        """Let go of the lines."""
        with contextlib.suppress(errors.AmaniError, psycopg.Error):
            self._ask_expected([])
        self.wire.close()


def alone() -> list[Statement]:
    """What begins a transaction in which nobody else writes."""
    return [
        ("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", ()),
        ("SET LOCAL synchronous_commit=on", ()),
        (f"SET LOCAL lock_timeout='{BUSY_TIMEOUT_S}s'", ()),
        (f"SET LOCAL idle_in_transaction_session_timeout='{IDLE_S}s'", ()),
        (f"SELECT pg_advisory_xact_lock({LOCK})", ()),
    ]


def _not_kept(where: str) -> errors.Unreachable:
    return errors.Unreachable(
        f"the line to the ledger ({where}) broke before an entry was committed: it is not there",
        code="LEDGER_AWAY",
        hint="Nothing was sent for it; run the same command again.",
    )
