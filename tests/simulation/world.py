"""The world: its servers, machines and time, and the one place that runs a step of a script in it."""

from __future__ import annotations

import contextlib
import heapq
import io
import json
import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from greenlet import greenlet

from tests.kit import keyrings
from tests.simulation import seams
from tests.simulation.clock import BEGINNING, Clock, Watch
from tests.simulation.fincra import Fincra, Movement
from tests.simulation.hosts import LnurlHost
from tests.simulation.line import Line
from tests.simulation.lnbits import Lnbits, Record, Wallet
from tests.simulation.network import Network, Paper
from tests.simulation.shared_ledger import Ledgers, SharedLedger

T = TypeVar("T")
Step = dict[str, Any]


class Killed(BaseException):
    """kill -9: whatever runs after this runs in a process that is not there any more."""


@dataclass
class Audited:
    """How far a machine's audit log has been looked at, and which lines stood there."""

    seq: int
    hash: str
    lines: dict[str, int]


@dataclass
class Machine:
    """A computer with an amani: a folder that is all that survives, and a watch."""

    name: str
    root: Path
    watch: Watch
    wallets: dict[str, Wallet] = field(default_factory=dict)
    lives: int = 1
    keyring: dict[tuple[str, str], str] = field(default_factory=dict)
    restored_at: float = 0.0
    is_older: bool = False
    sent: list[Record] = field(default_factory=list)
    audited: Audited | None = None
    ledger: str = ""
    keeps: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    has_mixed_up_keys: bool = False

    @property
    def home(self) -> Path:
        """Where its amani keeps everything."""
        return self.root / "amani"


@dataclass
class Run:
    """One run of amani: what was asked, how it ended, and which payments the servers saw it send."""

    number: int
    machine: Machine
    step: Step
    argv: list[str]
    began: float = 0.0
    ended: float = 0.0
    code: int | None = None
    stdout: str = ""
    stderr: str = ""
    killed: bool = False
    records: list[Record] = field(default_factory=list)
    requests: int = 0
    pays: int = 0
    asks: int = 0
    alone: bool = True
    points: int = 0
    full: bool = False
    damaged: bool = False
    messages: int = 0
    commits: int = 0
    says_no: bool = False
    movements: list[Movement] = field(default_factory=list)
    fiat_open: set[tuple[str, Decimal, str]] = field(default_factory=set)
    open_before: set[tuple[str, int]] = field(default_factory=set)
    open_hashes: set[str] = field(default_factory=set)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The one document on stdout, or nothing; of a batch the last, after those of its rows."""
        is_batch = self.argv[:2] == ["batch", "run"]
        try:
            found = json.loads(self.stdout.splitlines()[-1] if is_batch and self.stdout else self.stdout)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass
class _Task:
    """A run with its streams."""

    run: Run
    stdin: _Stream
    out: _Stream = field(default_factory=lambda: _Stream())
    err: _Stream = field(default_factory=lambda: _Stream())
    memory: seams.Memory = field(default_factory=lambda: seams.Memory())


class Turns:
    """Two runs of which one alone is ever on: who passes on waits until it is given the turn back."""

    def __init__(self, tasks: list[_Task], take: Callable[[_Task], None]) -> None:
        self._tasks, self._take = tasks, take
        self._alive = set(range(len(tasks)))
        self._turn = 0
        self._threads: list[greenlet] = []

    def run(self, work: Callable[[_Task], None]) -> None:
        """Run all to their ends. What one raises is raised here."""

        def alone(number: int) -> None:
            self._take(self._tasks[number])
            try:
                work(self._tasks[number])
            finally:
                self._alive.discard(number)

        self._threads = [greenlet(lambda number=number: alone(number)) for number in range(len(self._tasks))]
        while self._alive:
            self._turn = min(self._alive)
            self._threads[self._turn].switch()

    def pass_on(self) -> None:
        """Let another run go on."""
        me = self._turn
        others = sorted(self._alive - {me})
        if not others:
            return
        self._turn = others[0]
        self._threads[self._turn].switch()
        self._turn = me
        self._take(self._tasks[me])


class World:
    """Everything there is. `root` is a folder of its own; all that is left to chance comes from `seed`.

    With `ledgers` its machines share one, on a server of PostgreSQL.
    """

    def __init__(self, root: Path, seed: int, ledgers: Ledgers | None = None) -> None:
        self.root, self.seed = root, seed
        self.rng = random.Random(seed)
        self.clock = Clock()
        self.watch = Watch(self.clock)
        self.network = Network()
        self.line = Line(self)
        self.servers: dict[str, Any] = {}
        self.machines: dict[str, Machine] = {}
        self.names: dict[str, Any] = {}
        self.runs: list[Run] = []
        self.counts: dict[str, int] = {}
        self.problems: list[str] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._eventual = 0
        self._now: Run | None = None
        self._task: _Task | None = None
        self._turns: Turns | None = None
        self.step: Step = {}
        self._dead: Machine | None = None
        self._snapshot: Path | None = None
        self._keyring: dict[tuple[str, str], str] = {}
        self.plans: dict[tuple[str, str], list[tuple[str, int]]] = {}
        self.fincra: Fincra | None = None
        self.fiat_references: dict[str, list[Movement]] = {}
        self.plan_words: dict[tuple[str, str], list[str]] = {}
        self.plan_runs: dict[tuple[str, str], list[Run]] = {}
        self.faucet_runs: list[Run] = []
        self.sent: dict[str, list[Record]] = {}
        self.sent_twice: set[str] = set()
        self.by_reference: dict[tuple[str, str], list[Record]] = {}
        self.used_twice: set[tuple[str, str]] = set()
        self.cheque_wallets: dict[str, str] = {}
        self.is_set = False
        self.wrong_pins: list[float] = []
        self.day_msat = 0
        self.ours: set[str] = set()
        self.transcript: list[str] = []
        self.pool = seams.Pool()
        self._journals: dict[str, tuple[int, sqlite3.Connection]] = {}
        self._homes: dict[str, Lnbits] = {}
        self._kill_at, self._full_from, self._shut_from = -1, 10**9, 10**9
        self._alive: set[int] = set()
        wrong = random.Random(f"{seed}/server").choice([0.0, 0.0, 2.0, -300.0])
        self.ledger = SharedLedger(ledgers, self, wrong) if ledgers is not None else None

    # -- building --------------------------------------------------------------------------------------------------

    def add_lnbits(self, name: str, version: str = "1.6.2") -> Lnbits:
        """A new server."""
        host = f"127.0.1.{len(self.servers) + 1}"
        made = Lnbits(f"http://{host}", self.network, lambda: self.clock.now, self.later, version)
        made.on_record, made.fate, made.rng = self._seen, self._fate, self.rng
        made.shows_failed = lambda: bool(self.step.get("shows failed", self.rng.random() >= 0.5))
        self.servers[host] = self.names[name] = made
        return made

    def add_fincra(self) -> Fincra:
        """The one Fincra, with a business."""
        host = "127.0.2.1"
        self.fincra = self.servers[host] = self.names["fincra"] = Fincra(
            f"http://{host}", lambda: self.clock.now, self.later, self._moved
        )
        return self.fincra

    def _moved(self, made: Movement) -> None:
        if made.by is None:
            return
        made.by.movements.append(made)
        if made.by.says_no:
            self.problems.append(f"money_moved: run {made.by.number} said that no money moved, and then it did")
        if "--reference" in made.by.argv:
            name = made.by.argv[made.by.argv.index("--reference") + 1]
            self.fiat_references.setdefault(name, []).append(made)

    def add_host(self, name: str) -> LnurlHost:
        """A new server of Lightning addresses."""
        made = LnurlHost(name, self.network, lambda: self.clock.now, self.later)
        self.servers[name] = self.names[name] = made
        return made

    def add_machine(self, name: str) -> Machine:
        """A new machine, without an amani's files yet."""
        made = Machine(name, self.root / name, Watch(self.clock))
        for folder in ("here", "keys", "kept"):
            (made.root / folder).mkdir(parents=True, mode=0o700)
        made.ledger = name
        if self.ledger is not None:  # what one did the other must know
            made.ledger, made.sent = "the ledger", next(iter(self.machines.values()), made).sent
        self.machines[name] = self.names[name] = made
        return made

    # -- what goes on by itself ------------------------------------------------------------------------------------

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Have something happen after a while."""
        self._eventual += 1
        heapq.heappush(self._events, (self.clock.now + seconds, self._eventual, act))

    def happen(self) -> None:
        """Let happen what is due by now."""
        while self._events and self._events[0][0] <= self.clock.now:
            heapq.heappop(self._events)[2]()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and happen what is due in it."""
        ends = self.clock.now + seconds
        while self._events and self._events[0][0] <= ends:
            at, _, act = heapq.heappop(self._events)
            self.clock.now = max(self.clock.now, at)
            act()
        self.clock.now = max(self.clock.now, ends)

    def sleep(self, seconds: float) -> None:
        """What `time.sleep` is."""
        self.point("sleep")
        self.pass_time(seconds)

    def _fate(self, paper: Paper) -> tuple[str, float, bool, int]:
        """What becomes of a payment that leaves a server: as the step has it, or by chance."""
        if "fate" in self.step:
            when, after, fine, fee = self.step["fate"]
            return when, after, fine, fee
        rng = self.rng
        fine = rng.random() < 0.8
        fee = rng.choice([0, 1, 999, 1000, 1234, 2000, rng.randrange(0, 3000)])
        how = rng.random()
        if how < 0.6:
            return "now", 0.0, fine, fee
        if how < 0.85:
            return "later", rng.random() * 40, fine, fee
        return "later", rng.random() * 20_000, fine, fee

    def _seen(self, record: Record) -> None:
        if record.amount < 0:
            _add(self.sent, record.paper.payment_hash, record, self.sent_twice)
        if record.by is not None:
            if record.amount < 0:
                record.by.machine.sent.append(record)
                if record.by.argv[:2] == ["request", "run"]:
                    what = f"request {record.by.argv[2]}"
                    _add(self.by_reference, (record.by.machine.ledger, what), record, self.used_twice)
                if "--reference" in record.by.argv:
                    name = record.by.argv[record.by.argv.index("--reference") + 1]
                    _add(self.by_reference, (record.by.machine.ledger, name), record, self.used_twice)
            record.by.records.append(record)
            if record.by.says_no and record.status != "failed" and record.amount < 0:
                self.problems.append(
                    f"run {record.by.number} ({' '.join(record.by.argv)}) said that no money moved, and then it did"
                )

    # -- a run's points ----------------------------------------------------------------------------------------

    def running(self) -> Run | None:
        """The run that is on."""
        return self._now

    def next_fault(self, pays: bool, asks: bool) -> str | None:
        """What befalls the next request of the step, if anything does."""
        run = self._now
        if run is None:
            return None
        run.requests += 1
        faults = self.step.get("faults", {})
        found: str | None = faults.get(str(run.requests - 1))
        if pays and found is None:
            found = faults.get(f"pay {run.pays}")
        if asks and found is None:
            found = faults.get(f"ask {run.asks}")
        for key, fault in faults.items():
            if found is None and key.startswith("from ") and run.requests > int(key[5:]):
                found = fault
        run.pays += pays
        run.asks += asks
        if found in ("old", "other", "other-after") and run.machine.has_mixed_up_keys:
            found = "502"  # whose a key is, an answer alone tells
        if found is not None:
            self.count(f"fault {found}")
        return found

    def point(self, what: str) -> None:
        """A moment at which a run can be killed: before each statement, request and wait, and after each answer."""
        if self.is_dying:
            if what.startswith("ROLLBACK"):
                return
            raise Killed
        run = self._now
        if run is None:
            return
        if self._events:
            self.happen()
        if self._turns is not None and self.rng.random() < self.step.get("passes", 0.3):
            self._turns.pass_on()
            if self.is_dying:
                raise Killed
        run.points += 1
        if run.points > 20_000:
            raise AssertionError(f"a run that does not end: {run.argv}")
        if run.points - 1 == self._kill_at:
            self._kill(run, what)

    def need_room(self, sql: str) -> None:
        """Refuse to write from the moment on at which the disk of a step is full."""
        if self._now is None or sql.split(None, 1)[0] not in _WRITES:
            return
        if self.is_shut():
            raise sqlite3.OperationalError("attempt to write a readonly database")
        if self.is_full():
            raise sqlite3.OperationalError("database or disk is full")

    def is_full(self) -> bool:
        """Whether the disk of a step is full by now."""
        return self._has_come(self._full_from, "full disk")

    def is_shut(self) -> bool:
        """Whether the disk of a step can be read alone from now on, as Linux leaves one that has had a fault."""
        return self._has_come(self._shut_from, "disk that can be read alone")

    def _has_come(self, point: int, what: str) -> bool:
        run = self._now
        if run is None or run.points <= point or self.is_dying:
            return False
        if not run.full:
            run.full = True
            self.count(what)
        return True

    def _kill(self, run: Run, what: str) -> None:
        self._dead, self._full_from, self._shut_from = run.machine, 10**9, 10**9
        self.count("kill")
        self.transcript.append(f"    killed before: {' '.join(what.split())[:80]}")
        self._snapshot = self.root / "snapshot"
        self._keyring = dict(run.machine.keyring)
        shutil.copytree(run.machine.root, self._snapshot, symlinks=True, ignore=shutil.ignore_patterns("*-shm"))
        if self.ledger is not None:
            self.ledger.cut(run.machine)
        raise Killed

    def patiently(self, act: Callable[[], T], seconds: float) -> T:
        """Do something to a database that another run may have locked: for as long as amani would wait."""
        ends = self.clock.now + seconds
        while True:
            try:
                return act()
            except sqlite3.OperationalError as error:
                if self._turns is None or "locked" not in str(error) or self.clock.now > ends:
                    raise
                self.clock.pass_(0.05)
                self.count("waited for a locked database")
                self._turns.pass_on()
                if self.is_dying:
                    raise Killed from None

    def let_another(self) -> None:
        """Wait a moment for what another run has."""
        self.clock.pass_(0.05)
        if self._turns is not None:
            self._turns.pass_on()
        if self.is_dying:
            raise Killed

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        """What goes on in the block is no part of what happens: it begins with the world, and takes no time."""
        now, run = self.clock.now, self._now
        self.clock.now, self._now = BEGINNING, None
        try:
            yield
        finally:
            self.clock.now, self._now = now, run

    @property
    def is_dying(self) -> bool:
        """Whether the run that is on was killed, and what it still does is done by nobody."""
        return self._dead is not None and self._now is not None and self._now.machine is self._dead

    def _dying(self) -> Machine | None:
        return self._dead

    def host(self) -> str:
        """The name of the machine that is on."""
        return self._now.machine.name if self.ledger is not None and self._now is not None else "machine"

    def process(self) -> str:
        """What the process of the run that is on has to itself."""
        return f"run {self._now.number}" if self._now is not None else ""

    def goes_on(self, process: str) -> bool:
        """Whether a process is still there."""
        return any(f"run {number}" == process for number in self._alive)

    def has_rules(self, machine: Machine) -> bool:
        """Whether what the first machine set up holds on this one, and always did."""
        return (machine.name == "m1" or self.ledger is not None) and not machine.is_older

    def is_older(self, ledger: str) -> bool:
        """Whether somebody put a ledger back by hand."""
        return any(each.is_older for each in self.machines.values() if each.ledger == ledger)

    def is_unread(self, machine: Machine, remote_id: str, made: float) -> bool:
        """Whether what a wallet did then is from before a copy was put in place, and was not read back yet: what failed
        there was an earlier try."""
        if made >= machine.restored_at:
            return False
        sql = "SELECT 1 FROM hold WHERE remote_id=? UNION SELECT 1 FROM mark WHERE name=?"
        return machine.is_older or bool(self.read(machine, sql, remote_id, seams.part("marks").HELD))

    @property
    def is_alone(self) -> bool:
        """Whether no second run takes turns with the one that is on."""
        return self._turns is None

    def count(self, what: str) -> None:
        """Count something for the report."""
        self.counts[what] = self.counts.get(what, 0) + 1

    # -- steps -----------------------------------------------------------------------------------------------------

    def begin(self, step: Step) -> None:
        """Chance begins anew with each step, so that one can be left out without changing the others."""
        self.step = step
        self.rng.seed(f"{self.seed}/{step.get('n', 0)}")
        self.happen()

    def amani(self, machine: Machine, argv: list[str], step: Step, stdin: str = "") -> Run:
        """Run a command on a machine, to its end or its death."""
        return self.at_once([(machine, argv, step, stdin)])[0]

    def at_once(self, wanted: list[tuple[Machine, list[str], Step, str]]) -> list[Run]:
        """Run one command, or two that take turns at every statement, request and wait, as the seed has it."""
        self._dead = None
        tasks = [_Task(self._begun(machine, argv, step), _Stream(stdin)) for machine, argv, step, stdin in wanted]
        self._alive = {task.run.number for task in tasks}
        before = sys.stdin, sys.stdout, sys.stderr, os.getcwd(), os.umask(0o077)
        try:
            if len(tasks) == 1:
                self._take(tasks[0])
                self._work(tasks[0])
            else:
                self._turns = Turns(tasks, self._take)
                self._turns.run(self._work)
        finally:
            dead = self._dying()
            self._now, self._task, self._dead, self._turns = None, None, None, None
            sys.stdin, sys.stdout, sys.stderr = before[:3]
            os.chdir(before[3])
            os.umask(before[4])
        for task in tasks:
            task.run.alone = len(tasks) == 1
            task.run.killed = dead is not None and task.run.code is None
            if not task.run.killed:
                task.run.stdout, task.run.stderr = task.out.written(), task.err.written()
            task.run.ended = self.clock.now
        if dead is not None:
            self._go_on_from_copy(dead)
        if self.ledger is not None:
            self.ledger.at_end_of_step()
        return [task.run for task in tasks]

    def _begun(self, machine: Machine, argv: list[str], step: Step) -> Run:
        run = Run(len(self.runs), machine, step, argv, began=self.clock.now)
        if argv[0] == "pay" and "@" in argv[1] and "how" not in step:
            sql = "SELECT destination, amount_msat, payment_hash FROM payment"
            rows = self.read(machine, f"{sql} WHERE status='unknown' AND direction='out'")
            run.open_before = {(str(row[0]).lower(), row[1]) for row in rows}
            run.open_hashes = {row[2] for row in rows}
        if self.fincra is not None and argv[0] in ("pay", "wallet") and "how" not in step:
            run.fiat_open = {
                (each.payee, *each.amount) for each in self.fincra.movements.values() if self._is_open(machine, each)
            }
        self.runs.append(run)
        if argv[:2] == ["batch", "run"]:
            self.plan_runs.setdefault((machine.ledger, step["argv"][2]), []).append(run)
        if argv[:2] == ["faucet", "claim"]:
            self.faucet_runs.append(run)
        return run

    def _is_open(self, machine: Machine, made: Movement) -> bool:
        if made.status == "failed" or not made.payee:
            return False
        sql = "SELECT 1 FROM payment WHERE status='unknown' AND our_reference=?"
        return bool(self.read(machine, sql, made.reference))

    def _take(self, task: _Task) -> None:
        """Have a run be the one that is on, with what its process and its machine are."""
        machine, before = task.run.machine, self._task
        if before is not None and before is not task:
            before.memory = seams.remembered()
            seams.remember(task.memory)
        self._now, self._task, self.step = task.run, task, task.run.step
        self._kill_at, self._full_from = self.step.get("kill", -1), self.step.get("full", 10**9)
        self._shut_from = self.step.get("shut", 10**9)
        sys.stdin, sys.stdout, sys.stderr = task.stdin, task.out, task.err
        if before is None or before.run.machine is not machine:
            self.watch = machine.watch
            os.environ.pop("AMANI_STORE", None)
            os.environ.update({"HOME": str(machine.root), "AMANI_HOME": str(machine.home), **machine.env})
            keyrings.InMemory.content = machine.keyring
            os.chdir(machine.root / "here")

    def _work(self, task: _Task) -> None:
        try:
            task.run.code = seams.run_command(task.run.argv)
        except Killed:
            task.run.code = None
        if self.is_dying:
            task.run.code = None
        self._alive.discard(task.run.number)

    def _go_on_from_copy(self, machine: Machine) -> None:
        assert self._snapshot is not None
        self.forget_journal(machine)
        shutil.rmtree(machine.root)
        self._snapshot.rename(machine.root)
        machine.keyring = self._keyring
        self._snapshot = None

    def read(self, machine: Machine, sql: str, *values: Any) -> list[Any]:
        """Look into a machine's journal, as amani does not know."""
        if self.ledger is not None and self.ledger.is_used:
            return self.ledger.read(sql, values)
        path = os.path.join(machine.root, "amani", "amani.db")
        try:
            file = os.stat(path).st_ino
        except FileNotFoundError:
            return []
        kept = self._journals.get(machine.name)
        if kept is None or kept[0] != file:
            self.forget_journal(machine)
            kept = self._journals[machine.name] = file, _connect(path, isolation_level=None)
            kept[1].row_factory = sqlite3.Row
        return kept[1].execute(sql, values).fetchall()

    def hide(self, text: str) -> str:
        """A text without what is another each time."""
        text = text.replace(str(self.root), "")
        return self.ledger.hide(text) if self.ledger is not None else text

    def forget_journal(self, machine: Machine | None = None) -> None:
        """Close what is open of the journal, on one machine or on all: another file may take its place."""
        self.pool.empty(str(machine.root if machine is not None else self.root))
        for name in [machine.name] if machine is not None else list(self._journals):
            if name in self._journals:
                self._journals.pop(name)[1].close()

    def home_of(self, wallet: str | None) -> Lnbits | None:
        """The server on which a wallet of this id is."""
        if wallet is not None and wallet not in self._homes:
            for server in self.servers.values():
                if wallet in server.wallets:
                    self._homes[wallet] = server
        return self._homes.get(wallet or "")


def _add(kept: dict[Any, list[Record]], key: Any, record: Record, twice: set[Any]) -> None:
    """Keep a record by a key, and note which keys have more than one."""
    kept.setdefault(key, []).append(record)
    if len(kept[key]) > 1:
        twice.add(key)


_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "ALTER", "COMMIT")
_connect = sqlite3.connect


class _Stream(io.TextIOWrapper):
    """One of the three standard streams, in memory."""

    def __init__(self, text: str = "") -> None:
        self.bytes = io.BytesIO(text.encode())
        super().__init__(self.bytes, encoding="utf-8", newline="\n", write_through=True)

    def written(self) -> str:
        """What was written to it."""
        return self.bytes.getvalue().decode()
