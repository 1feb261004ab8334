"""One ledger on a real PostgreSQL server for all machines of a world: its lines, its time, and what befalls both.

A message to the server is the smallest thing that can be lost, so faults stand in a step by the number of the message
within a run: `{"ledger": {"4": "after"}}`; "commit 0" is the first that commits something.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus

from tests.kit.postgres_server import PostgresServer, running

if TYPE_CHECKING:
    from tests.simulation.world import Machine, World

Statement = tuple[str, Sequence[Any]]
Send = Callable[[Any, list[Statement]], list[tuple[list[Any], int]]]

FAULTS = ("before", "after", "late", "ended", "half", "restart", "away", "gone", "lost")
"""What may happen to a message: the line breaks before it or after it was carried out; it is carried out when its
sender has seen the line break; the server ends the line, before it or in its midst; the server is started anew; the
line breaks and there is none for a while, before it or after it was carried out; or for so long that whoever asks what
became of it gives up."""
# The busiest moments: an entry is committed and its answer is lost.
HEAVY = ("after", "late", "half", "restart", "gone", "lost")
_RESTART_S = 3.0
_TRIES_IN_VAIN = 40
_TEMPLATE = "world_template"
_real_sleep, _steady = time.sleep, time.perf_counter  # before a world takes their place


class Ledgers:
    """A server on which each world has a database of its own, with an empty ledger in it."""

    def __init__(self, server: PostgresServer) -> None:
        """Makes the template on it, once."""
        self.server = server
        self.clock = server.root / "now"
        if not self.clock.exists():
            server.run(f"CREATE DATABASE {_TEMPLATE} TEMPLATE ledger_template STRATEGY file_copy")
            # Or each server's ledger would have another.
            server.run("UPDATE ledger_schema SET id='the-ledger-of-a-world'", f"{server.host}/{_TEMPLATE}")
            self.clock.write_text("0")
            self.clock.chmod(0o644)

    def make(self, number: int) -> str:
        """Make a database for an empty ledger, the so-manieth of a world's; returns its address."""
        address = self.server.empty(_TEMPLATE)
        if number:  # or whoever saw the first would take this for an earlier state of it
            with psycopg.Connection.connect(address, autocommit=True) as line:
                line.execute(f"UPDATE ledger_schema SET id='the-ledger-of-a-world-{number}'".encode())
        return address


@contextlib.contextmanager
def started() -> Iterator[Ledgers]:
    """A server for as long as the block lasts."""
    with running() as server:
        yield Ledgers(server)


def draw(rng: random.Random) -> dict[str, str]:
    """What befalls the messages of a run: mostly one; sometimes the line is bad, or the ledger is gone for a while."""
    drawn = rng.random()
    if drawn < 0.15:
        return {str(number): rng.choice(FAULTS) for number in range(20) if rng.random() < 0.3}
    if drawn < 0.55:
        return {f"commit {int(rng.expovariate(0.6))}": rng.choice([*FAULTS, *HEAVY])}
    return {str(int(rng.expovariate(0.12))): rng.choice(FAULTS)}


class Line(psycopg.Connection[Any]):
    """A line to the ledger. What waits for another run's lock gives it the turn."""

    ledger: SharedLedger | None = None
    machine: Machine | None = None
    pid = 0
    is_lost = False

    @property
    def closed(self) -> bool:
        """Whether it is of no use to whoever has it."""
        return self.is_lost or super().closed

    def wait(self, gen: Any, *words: Any, **more: Any) -> Any:
        """Wait for an answer."""
        if self.ledger is None or not self.ledger.may_block:
            return super().wait(gen, *words, **more)
        return self.ledger.waited(self, gen)

    def close(self) -> None:
        """Let go of it: kept for the next process, as a pool would."""
        if self.is_lost or self.ledger is None:
            return
        self.ledger.let_go(self)

    def really_close(self) -> None:
        """Have no line any more."""
        super().close()


class SharedLedger:
    """The ledger of a world's machines."""

    def __init__(self, ledgers: Ledgers, world: World, wrong: float) -> None:
        """`wrong` is by how many seconds the server's clock is ahead of true time."""
        self.ledgers, self.world, self.wrong = ledgers, world, wrong
        self.number = 0
        self.address = ledgers.make(self.number)
        # In some worlds it is in a file of the first machine's, until somebody moves it.
        self.is_used = random.Random(f"{world.seed}/moves").random() > 0.3
        self.send: Send = lambda line, statements: []
        self._kept = self.held = ""
        self.gone = ""  # what amani calls the mark of a ledger that was moved away
        self._free: list[Line] = []
        self._open: list[Line] = []
        self._waiting: list[Line] = []
        self._limbo: list[tuple[Line, list[Statement]]] = []
        self._away: dict[str, tuple[float, int]] = {}
        self._clock = os.open(ledgers.clock, os.O_WRONLY)
        self._eye: Any = None
        self._seen: dict[tuple[Any, ...], list[Any]] = {}

    # -- lines -------------------------------------------------------------------------------------------------------

    @property
    def may_block(self) -> bool:
        """Whether a statement might wait for a lock that nobody gives up while it waits."""
        return bool(self._limbo) or not self.world.is_alone

    def connect(self, **said: Any) -> Line:
        """What `psycopg.connect` is."""
        run = self.world.running()
        self.world.point("a new line to the ledger")
        machine = run.machine if run is not None else None
        if machine is not None and self._is_away(machine):
            raise psycopg.OperationalError(
                'connection failed: connection to server at "127.0.0.1", port 5432 failed: Connection refused'
            )
        if self._free:
            line = self._free.pop()
        else:
            line = Line.connect(**said)
            line.ledger, line.pid = self, line.info.backend_pid
        line.machine = machine
        self._open.append(line)
        return line

    def _is_away(self, machine: Machine) -> bool:
        until, tries = self._away.get(machine.name, (0.0, 0))
        if self.world.clock.now >= until or not tries:
            return False
        self._away[machine.name] = until, tries - 1
        return True

    def let_go(self, line: Line) -> None:
        """Somebody has no use for a line any more."""
        if line in self._open:
            self._open.remove(line)
        is_idle = line.pgconn.status == ConnStatus.OK and line.pgconn.transaction_status == TransactionStatus.IDLE
        if is_idle and not self.world.is_dying and line not in self._free:
            self._free.append(line)
        else:
            self._hang_up(line)

    def _hang_up(self, line: Line) -> None:
        """Close a line, and wait until the server has noticed: what was open on it is rolled back then."""
        line.really_close()
        self._until_gone(line.pid)

    def _until_gone(self, pid: int) -> None:
        patience = _steady() + 5
        while (state := self._state(pid)) != "gone":
            if _steady() > patience:
                self.ledgers.server.run(f"SELECT pg_terminate_backend({pid})")
            if state == "blocked" and self._limbo:
                self.arrive()
            _real_sleep(0.000_3)

    def _state(self, pid: int) -> str:
        """What a line's other end does: gone, blocked by another's lock, busy, or idle."""
        server = self.ledgers.server
        if server.admin is None or server.admin.closed:
            server.run("SELECT 1")
        found = server.admin.execute(
            "SELECT state, cardinality(pg_blocking_pids(pid)) FROM pg_stat_activity WHERE pid=%s", (pid,)
        ).fetchone()
        if found is None:
            return "gone"
        return "blocked" if found[1] else "busy" if found[0] == "active" else "idle"

    def waited(self, line: Line, gen: Any) -> Any:
        """Wait for an answer; while it waits for a lock of another run, that one goes on."""
        self._waiting.append(line)
        world = self.world
        ends = world.clock.now + 30.0
        try:
            wanted = next(gen)
            while True:
                found = _ready(line.pgconn.socket, wanted, 0.002)
                if not found and self._state(line.pid) == "blocked":
                    if world.clock.now > ends:
                        raise AssertionError("a lock of the ledger is held for half a minute")
                    world.count("waited for the ledger's lock")
                    if self._limbo:
                        self.arrive()
                    else:
                        world.let_another()
                    continue
                wanted = gen.send(found)
        except StopIteration as done:
            return done.value
        finally:
            self._waiting.remove(line)

    def _settle(self) -> None:
        """Let whoever waits get as far as it can, or which of two is first would be left to the machine."""
        for line in self._waiting:
            while self._state(line.pid) == "busy":
                _real_sleep(0.000_3)

    # -- messages ----------------------------------------------------------------------------------------------------

    def exchange(self, line: Line, statements: Sequence[Statement]) -> list[tuple[list[Any], int]]:
        """What a message to the server comes to, as fate has it."""
        if line.ledger is None:  # the world's own eye
            return self.send(line, list(statements))
        world, what = self.world, _words(statements)
        world.point(what)
        told = [(self._in_world_time(sql), values) for sql, values in statements]
        fault = self._next_fault(statements)
        self._seen.clear()
        try:
            answer = self._bent(line, told, fault) if fault else self._sent(line, told)
        finally:
            self._settle()
        world.point(f"answered: {what}")
        return answer

    def copying(self, line: Line) -> None:
        """Rows are about to be written as a stream."""
        self.world.point("COPY")
        self._seen.clear()
        fault = self._next_fault([])
        if fault:
            self._end(line)

    def _next_fault(self, statements: Sequence[Statement]) -> str | None:
        run = self.world.running()
        if run is None:
            return None
        faults = run.step.get("ledger", {})
        found = faults.get(str(run.messages))
        run.messages += 1
        if any(sql == "COMMIT" for sql, _ in statements):
            found = found or faults.get(f"commit {run.commits}")
            run.commits += 1
        if found:
            self.world.count(f"ledger {found}")
            if found in ("away", "gone"):
                until = self.world.clock.now + self.world.rng.choice([1, 10, 60, 3600])
                self._away[run.machine.name] = until, self.world.rng.randrange(2, 12)
            elif found == "lost":
                self._away[run.machine.name] = self.world.clock.now + 60, _TRIES_IN_VAIN
        return str(found) if found else None

    def _sent(self, line: Line, statements: list[Statement]) -> list[tuple[list[Any], int]]:
        os.pwrite(self._clock, f"{self.world.clock.now + self.wrong:.6f}".encode(), 0)
        return self.send(line, statements)

    def _bent(self, line: Line, statements: list[Statement], fault: str) -> list[tuple[list[Any], int]]:
        if fault == "half":
            half = len(statements) // 2
            if half:
                self._sent(line, statements[:half])
            self._end(line)
            return self._sent(line, statements[half:])
        if fault == "ended":
            self._end(line)
            return self._sent(line, statements)
        if fault == "restart":
            self._restart()
            return self._sent(line, statements)
        if fault == "late":
            line.is_lost = True
            self._open.remove(line)
            self._limbo.append((line, statements))
        elif fault in ("after", "gone", "lost"):
            self._sent(line, statements)
            self._hang_up(line)
        else:
            self._hang_up(line)
        raise psycopg.OperationalError("consuming input failed: server closed the connection unexpectedly")

    def _end(self, line: Line) -> None:
        self.ledgers.server.run(f"SELECT pg_terminate_backend({line.pid})")
        self._until_gone(line.pid)

    def _restart(self) -> None:
        """The server is started anew: no line outlives it, and for a moment there is none."""
        for line in self._free:
            line.really_close()
        self._free.clear()
        for line in self._open:
            self._end(line)
        for name in self.world.machines:
            self._away[name] = self.world.clock.now + _RESTART_S, 1000

    def arrive(self) -> None:
        """What was under way when its sender saw the line break gets to the server now."""
        while self._limbo:
            line, statements = self._limbo.pop(0)
            self._seen.clear()
            line.is_lost = False
            with contextlib.suppress(psycopg.Error):
                os.pwrite(self._clock, f"{self.world.clock.now + self.wrong:.6f}".encode(), 0)
                line.ledger = None  # nobody takes turns with it
                self.send(line, statements)
            line.ledger = self
            self._hang_up(line)

    def _in_world_time(self, sql: str) -> str:
        assert "CURRENT_TIMESTAMP" not in sql.upper(), sql
        return sql.replace("clock_timestamp()", f"to_timestamp(pg_read_file('{self.ledgers.clock}')::float8)")

    # -- what the world does -----------------------------------------------------------------------------------------

    def cut(self, machine: Machine) -> None:
        """All that ran on a machine is gone, and its lines with it."""
        for line in [each for each in self._open if each.machine is machine]:
            self._open.remove(line)
            line.really_close()
            self._until_gone(line.pid)
        self._seen.clear()

    def at_end_of_step(self) -> None:
        """What is under way arrives, and nothing of a run that is over is left open."""
        self.arrive()
        for line in list(self._open):
            self._open.remove(line)
            self._hang_up(line)
        self._waiting.clear()

    def keep(self) -> None:
        """The server's own backup of it: all of it, as of now."""
        self._leave()
        if self._kept:
            self.ledgers.server.drop(self._kept)
        self._kept = self.ledgers.server.empty(self.address.rpartition("/")[2])

    def put_back(self) -> bool:
        """Put that backup in its place, if there is one; whether the audit log lacks something now."""
        if not self._kept:
            return False
        before = self._head()
        self._leave()
        server, name = self.ledgers.server, self.address.rpartition("/")[2]
        server.drop(self.address)
        server.run(f"CREATE DATABASE {name} TEMPLATE {self._kept.rpartition('/')[2]} STRATEGY file_copy")
        return self._head() != before

    @property
    def is_held(self) -> bool:
        """Whether nothing may be spent before wallets were read back."""
        return bool(self.read("SELECT 1 FROM hold UNION SELECT 1 FROM mark WHERE name=?", (self.held,)))

    def _head(self) -> list[Any]:
        return [tuple(row) for row in self.read("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", ())]

    def claims(self) -> list[str]:
        """What somebody is at work on, or was when it died; the oldest first."""
        return [str(row[0]) for row in self.read("SELECT id FROM claim ORDER BY at, id", ())]

    def is_empty(self) -> bool:
        """Whether nobody has written anything into it yet."""
        return not self.read("SELECT 1 FROM audit LIMIT 1", ())

    def is_spent_from(self) -> bool:
        """Whether there is something in it, and nothing keeps it from being spent."""
        return not self.is_empty() and not self.read("SELECT 1 FROM mark WHERE name=?", (self.gone,))

    def renew(self) -> None:
        """Have an empty one in its place."""
        self._forget()
        self.number += 1
        self.address = self.ledgers.make(self.number)

    def be_there(self) -> None:
        """Have everybody reach it."""
        self._away.clear()

    def read(self, sql: str, values: tuple[Any, ...]) -> list[Any]:
        """Look into it, as amani does not know."""
        asked = (sql, *values)
        if asked not in self._seen:
            if self._eye is None:
                self._eye = Line.connect(self.address, autocommit=True, prepare_threshold=None)
                self._eye.adapters.register_loader("bool", _Truth)
            rows = self.send(self._eye, [(sql, values)])[0][0]
            kind = _named(type(rows[0])) if rows else tuple
            self._seen[asked] = [kind(row) for row in rows]
        return self._seen[asked]

    def hide(self, text: str) -> str:
        """A text without the address, which is another each time."""
        return re.sub(re.escape(self.ledgers.server.host) + r"/\w+", "postgresql://ledger", text)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Everything that stands in it: the table's name, and a row as text."""
        tables = self.read("SELECT relname FROM pg_class WHERE relkind='r' AND relnamespace='public'::regnamespace", ())
        for table in tables:
            for row in self.read(f"SELECT t::text FROM {table[0]} AS t", ()):
                yield str(table[0]), str(row[0])

    def close(self) -> None:
        """The world is over."""
        self._forget()
        if self._kept:
            self.ledgers.server.drop(self._kept)
        os.close(self._clock)

    def _forget(self) -> None:
        self._leave()
        self.ledgers.server.drop(self.address)

    def _leave(self) -> None:
        """Have nobody on it."""
        for line in [*self._free, *self._open, *(each for each, _ in self._limbo)]:
            line.is_lost = False
            line.really_close()
        if self._eye is not None:
            self._eye.really_close()
        self._free, self._open, self._limbo, self._eye, self._seen = [], [], [], None, {}


class _Truth(psycopg.adapt.Loader):
    def load(self, data: Any) -> int:
        return int(bytes(data) == b"t")


_kinds: dict[Any, Any] = {}


def _named(kind: Any) -> Any:
    """The kind of rows that are asked by number or name."""

    def asked(self: Any, at: Any) -> Any:
        return getattr(self, at) if isinstance(at, str) else tuple.__getitem__(self, at)

    if kind not in _kinds:
        _kinds[kind] = type("Named", (kind,), {"__getitem__": asked})
    return _kinds[kind]


def _ready(handle: int, wanted: int, seconds: float) -> int:
    """Which of reading (1) and writing (2) a line is ready for."""
    reads, writes, _ = select.select([handle] if wanted & 1 else [], [handle] if wanted & 2 else [], [], seconds)
    return (1 if reads else 0) | (2 if writes else 0)


def _words(statements: Sequence[Statement]) -> str:
    """A message for people: how it ends tells most."""
    return f"a message of {len(statements)}, the last {' '.join(statements[-1][0].split())[:40]}"
