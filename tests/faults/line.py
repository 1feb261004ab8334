"""What stands between amani and an LNbits in these tests: two wallets, a proxy, every fault, and the server's truth."""

from __future__ import annotations

import contextlib
import http.server
import itertools
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import AddWallet, Held, change_database
from tests.kit import ledgers
from tests.kit.books import compared
from tests.kit.cheque_world import PASSWORD, grow_older, log_in
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import Answer, Exchange, Fault, FaultProxy, answer, cut, garbled, html, redirect, stall, torn
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.lnurl_server import METADATA, LnurlServer, Query

SAT = 21
BODY_LIMIT = 4 << 20
"""What amani takes at most in these tests; a stock LNbits describes its API in less."""
STALL_S = 1.3
"""Longer than the `--timeout 1s` of these tests."""


class Asked(NamedTuple):
    """One request of a command: what it was, the how manieth of its kind, and how the server answered."""

    method: str
    path: str
    nth: int
    answer: Answer

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}" + (f" #{self.nth}" if self.nth > 1 else "")


class Stranger:
    """Another host: what nothing may ever be sent to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        stranger = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                stranger.heard.append(f"{self.command} {self.path}\n{self.headers}")
                self.send_response(200)
                self.end_headers()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 (named by http.server)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Hang up."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class World:
    """`payer`, the default wallet, and `payee` on the real server, both by way of a proxy; and what they need."""

    amani: Amani
    home: Path
    proxy: FaultProxy
    payer: Held
    payee: Held
    folder: Path
    stranger: Stranger
    payees: LnurlServer
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def new(self) -> str:
        """A word that was not used before."""
        return f"r{next(self._numbers)}"

    @property
    def foreign(self) -> str:
        """An invoice of the payee's that amani has not heard of."""
        return self.payee.invoice(SAT, self.new, expiry=600)

    @property
    def address(self) -> str:
        """The payee's Lightning address, on a server of its own that answers well."""
        change_database(self.home, "UPDATE wallet SET sandbox=1")  # these alone may use such a server on this machine

        def invoice(msat: int, _: Query) -> str:
            return self.payee.invoice(msat // 1000, expiry=600, unhashed_description=METADATA.encode().hex())

        return self.payees.pay_to("ada", invoice)

    @property
    def invoice(self) -> str:
        """The hash of an invoice that amani made on the payee."""
        words = ("invoice", "create", SAT, "-w", "payee", "--memo", self.new, "-q", "--json")
        return str(self.amani(*words).data["payment_hash"])

    @property
    def paid(self) -> str:
        """The hash of an invoice that amani made on the payee, and somebody else has paid."""
        made = self.amani("invoice", "create", SAT, "-w", "payee", "--memo", self.new, "--json").data
        self.stranger_pays(made["bolt11"])
        return str(made["payment_hash"])

    def stranger_pays(self, bolt11: str) -> None:
        """Have a wallet that amani knows nothing of pay."""
        _, key, _ = self.payer.server.new_wallet(SAT)
        self.payer.server.call("POST", "/api/v1/payments", key=key, json={"out": True, "bolt11": bolt11})

    @property
    def code(self) -> str:
        """The code of a fresh cheque of the payer's."""
        code = self.amani("cheque", "create", SAT, "--yes", "-q").stdout.strip()
        self.amani.secrets.add(code)
        return code

    @property
    def big_code(self) -> str:
        """The code of a cheque that can leave its server over `SAT`."""
        code = self.amani("cheque", "create", SAT, "--outside", "--yes", "-q").stdout.strip()
        self.amani.secrets.add(code)
        return code

    @property
    def cheque(self) -> str:
        """The id of a fresh cheque of the payer's."""
        reference = self.new
        assert self.amani("cheque", "create", SAT, "--yes", "-q", "--reference", reference).code == 0
        return str(self.amani("cheque", "show", reference, "--json").data["id"])

    @property
    def expired(self) -> str:
        """The id of a cheque that nobody claimed in time."""
        made = self.cheque
        change_database(self.home, "UPDATE cheque SET expires_at='2026-01-01T00:00:00Z' WHERE id=?", made)
        return made

    @property
    def faucet(self) -> str:
        """A new reference, with the faucet set up and every cool-down over."""
        assert self.amani("faucet", "configure", "-w", "payer", "--amount", SAT).code == 0
        change_database(self.home, "UPDATE event SET at=at-90000 WHERE kind='faucet'")
        return self.new

    @property
    def user(self) -> str:
        """The name of a user of the server, whose password is `PASSWORD`."""
        return self.payer.server.new_user(PASSWORD)[0]

    @property
    def own(self) -> str:
        """A wallet of the user that is logged in."""
        name = self.new
        assert self.amani("wallet", "create", name, "--url", self.proxy.url).code == 0
        return name

    @property
    def in_doubt(self) -> str:
        """The id of a payment that went through, and whose answer was lost."""
        self.proxy.on(_gone_after, "POST", "/api/v1/payments")
        ended = self.amani("pay", self.foreign, "--yes", "--no-wait", "--timeout", "1s", "--json")
        assert ended.code == 8, ended
        self.proxy.heal()
        return str(ended.error["id"])

    @property
    def lost(self) -> str:
        """The id of a payment that never arrived."""
        self.proxy.on(cut(after=False), "POST", "/api/v1/payments")
        ended = self.amani("pay", self.foreign, "--yes", "--no-wait", "--timeout", "1s", "--json")
        assert ended.code == 8, ended
        self.proxy.heal()
        return str(ended.error["id"])

    @property
    def key_file(self) -> Path:
        """The key of a wallet on the server that amani does not know."""
        path = self.folder / f"{self.new}.key"
        key = self.payer.server.new_wallet()[1]
        self.amani.secrets.add(key)
        path.write_text(key)
        path.chmod(0o600)
        return path

    @property
    def plan(self) -> Path:
        """A plan to pay two invoices of the payee's."""
        name = self.folder / self.new
        name.with_suffix(".csv").write_text(f"to\n{self.foreign}\n{self.foreign}\n")
        assert self.amani("batch", "plan", name.with_suffix(".csv"), "-o", name, "-w", "payer").code == 0
        return name

    # -- the truth ---------------------------------------------------------------------------------------------------

    def left(self) -> dict[str, int]:
        """What left the payer, by payment hash, in msat, as the server has it; what is pending counts."""
        database = self.payer.server.root / "data" / "database.sqlite3"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
            return dict(
                db.execute(
                    "SELECT payment_hash, -amount FROM apipayments"
                    " WHERE wallet_id=? AND amount<0 AND status IN ('success', 'pending')",
                    (self.payer.id,),
                ).fetchall()
            )

    def came(self) -> set[str]:
        """The hashes of what has come to the payer, as the server has it."""
        database = self.payer.server.root / "data" / "database.sqlite3"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
            asked = "SELECT payment_hash FROM apipayments WHERE wallet_id=? AND amount>0 AND status='success'"
            return {row[0] for row in db.execute(asked, (self.payer.id,)).fetchall()}

    def journal(self) -> dict[str, set[str]]:
        """Each payment out of the payer as it stands in amani's database: its statuses, by payment hash."""
        found: dict[str, set[str]] = {}
        sql = "SELECT payment_hash, status FROM payment WHERE direction='out' AND remote_wallet_id=?"
        for payment_hash, status in ledgers.ask(self.home, sql, self.payer.id):
            found.setdefault(payment_hash, set()).add(status)
        return found

    def everything_msat(self) -> int:
        """What the two wallets and every cheque's hold together: nothing that amani does may change it."""
        cheques = [row[0] for row in ledgers.ask(self.home, "SELECT remote_id FROM cheque WHERE remote_id IS NOT NULL")]
        ids = [self.payer.id, self.payee.id, *cheques]
        database = self.payer.server.root / "data" / "database.sqlite3"
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
            marks = ",".join("?" * len(ids))
            sql = f"SELECT sum(amount - abs(fee)) FROM apipayments WHERE status='success' AND wallet_id IN ({marks})"
            return int(db.execute(sql, ids).fetchone()[0])


# -- commands -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """One command of the matrix: what is typed, made anew for each fault.

    `sat` leaves the payer by it, once, however often it is run. `again` are the ends that a second run may have
    besides 0: what was done cannot be done twice.
    `works` must succeed in the end, with `{}` for the third word that was typed: a wallet's key is the right one.
    """

    words: Callable[[World], str]
    sat: int = 0
    again: frozenset[int] = frozenset()
    stdin: str = ""
    login: bool = False
    works: str = ""


ASK = "wallet balance {}"
THERE, GONE = frozenset({2}), frozenset({4})
"""What a second `wallet add` and a second `wallet remove` of the same wallet end with."""

COMMANDS: dict[str, Command] = {
    "wallet add": Command(
        lambda w: f"wallet add {w.new} --url {w.proxy.url} --key-file {w.key_file}", again=THERE, works=ASK
    ),
    "wallet create": Command(lambda w: f"wallet create {w.new} --url {w.proxy.url} --reference {w.new}", works=ASK),
    "wallet rotate-keys": Command(lambda w: f"wallet rotate-keys {w.own} --yes", login=True, works=ASK),
    "wallet remove": Command(lambda w: f"wallet remove {w.own} --delete-remote --yes", login=True, again=GONE),
    "wallet balance": Command(lambda w: "wallet balance payer"),
    "wallet balance --all": Command(lambda w: "wallet balance --all"),
    "invoice create": Command(lambda w: f"invoice create {SAT} -w payee --memo {w.new}"),
    "invoice create --reference": Command(lambda w: f"invoice create {SAT} -w payee --reference {w.new}"),
    "invoice check": Command(lambda w: f"invoice check {w.paid}"),
    "invoice show": Command(lambda w: f"invoice show {w.invoice}"),
    "invoice wait": Command(lambda w: f"invoice wait {w.paid}"),
    "invoice list": Command(lambda w: f"invoice list -w payee {w.invoice and ''}"),
    "pay": Command(lambda w: f"pay {w.foreign} --yes", SAT),
    "pay --no-wait": Command(lambda w: f"pay {w.foreign} --yes --no-wait", SAT),
    "pay --max-fee": Command(lambda w: f"pay {w.foreign} --yes --max-fee 10", SAT),
    "pay --reference": Command(lambda w: f"pay {w.foreign} --yes --reference {w.new}", SAT),
    "pay an address": Command(lambda w: f"pay {w.address} {SAT} --yes --reference {w.new}", SAT),
    "pay --dry-run": Command(lambda w: f"pay {w.foreign} --dry-run"),
    "transfer": Command(lambda w: f"transfer payee {SAT} --yes --reference {w.new}", SAT),
    "faucet claim": Command(lambda w: f"faucet claim -w payee --reference {w.faucet}", SAT),
    "faucet status": Command(lambda w: f"faucet status {w.faucet and ''}"),
    "cheque create": Command(lambda w: f"cheque create {SAT} --yes --reference {w.new}", SAT, login=True),
    "cheque create, no login": Command(lambda w: f"cheque create {SAT} --yes --reference {w.new}", SAT),
    "cheque create --count": Command(lambda w: f"cheque create {SAT} --count 2 --yes --reference {w.new}", 2 * SAT),
    "cheque claim": Command(lambda w: f"cheque claim {w.code} --to payee"),
    "cheque claim --to bolt11": Command(lambda w: f"cheque claim {w.big_code} --to {w.foreign}"),
    "cheque list": Command(lambda w: f"cheque list {w.cheque and ''}"),
    "cheque show": Command(lambda w: f"cheque show {w.cheque}"),
    "cheque void": Command(lambda w: f"cheque void {w.cheque} --yes", login=True),
    "cheque void, no login": Command(lambda w: f"cheque void {w.cheque} --yes"),
    "cheque reissue": Command(lambda w: f"cheque reissue {w.cheque} --yes", login=True),
    "cheque sweep": Command(lambda w: f"cheque sweep --yes {w.expired and ''}", login=True),
    "batch run": Command(lambda w: f"batch run {w.plan} --yes --jobs 1", 2 * SAT),
    "batch run --jobs 2": Command(lambda w: f"batch run {w.plan} --yes --jobs 2", 2 * SAT),
    "history sync": Command(lambda w: f"history sync {w.paid and ''}"),
    "reconcile": Command(lambda w: f"reconcile {w.in_doubt}"),
    "reconcile all": Command(lambda w: f"reconcile {w.in_doubt and ''}"),
    "trace": Command(lambda w: f"trace {w.paid}"),
    "close": Command(lambda w: "close"),
    # A server of the tests does not sync, and doctor says so.
    "doctor": Command(lambda w: "doctor", again=frozenset({13}) if ledgers.on_postgres() else frozenset()),
    "metrics": Command(lambda w: f"metrics -o {w.folder / w.new}"),
    "login": Command(lambda w: f"login {w.proxy.url} -u {w.user} --password-stdin", stdin=PASSWORD),
    "reconcile --resume": Command(lambda w: f"reconcile --resume {w.lost} --yes", SAT),
}
"""A command that speaks to an LNbits is one line here."""


# -- faults ---------------------------------------------------------------------------------------------------------


def _oversized(exchange: Exchange) -> None:
    exchange.reply(Answer(200, b'{"detail": "' + b"x" * (BODY_LIMIT + 1) + b'"}'))


def _of_another(*, after: bool) -> Callable[[Asked], Fault]:
    """The answer to the same request of the run before, which was about something else."""

    def made(asked: Asked) -> Fault:
        def fault(exchange: Exchange) -> None:
            if after:
                exchange.forward()
            exchange.reply(asked.answer)

        return fault

    return made


def _fixed(fault: Fault) -> Callable[[Asked], Fault]:
    return lambda _: fault


LIMITED = {"status": False, "detail": "Rate limit exceeded: 200 per 1 minute"}
FAULTS: dict[str, Callable[[Asked], Fault]] = {
    "dropped before": _fixed(cut(after=False)),
    "dropped after": _fixed(cut(after=True)),
    "torn": _fixed(torn),
    "truncated": _fixed(garbled),
    "silent before": _fixed(stall(STALL_S, after=False)),
    "silent after": _fixed(stall(STALL_S, after=True)),
    "429": _fixed(answer(429, LIMITED)),
    "429 after": _fixed(answer(429, LIMITED, after=True)),
    "500": _fixed(answer(500, {"detail": "Internal Server Error"})),
    "500 after": _fixed(answer(500, {"detail": "Internal Server Error"}, after=True)),
    "502": _fixed(html(502)),
    "502 after": _fixed(html(502, after=True)),
    "520 failed": _fixed(answer(520, {"detail": "no route", "status": "failed"})),
    "520 failed after": _fixed(answer(520, {"detail": "no route", "status": "failed"}, after=True)),
    "520 pending": _fixed(answer(520, {"detail": "Payment is still pending.", "status": "pending"})),
    "html": _fixed(html(200)),
    "html after": _fixed(html(200, after=True)),
    "oversized": _fixed(_oversized),
    "a list": _fixed(answer(200, [], after=True)),
    "an empty object": _fixed(answer(201, {}, after=True)),
    "wrong types": _fixed(
        answer(201, {name: [{}] for name in ("payment_hash", "bolt11", "balance", "data", "details", "id")}, after=True)
    ),
    "nothing": _fixed(answer(200, b"", after=True)),
    "of another before": _of_another(after=False),
    "of another after": _of_another(after=True),
    "redirected": _fixed(redirect("/elsewhere")),
    "404": _fixed(answer(404, {"detail": "Not Found"})),
    "404 after": _fixed(answer(404, {"detail": "Payment does not exist."}, after=True)),
    "401": _fixed(answer(401, {"detail": "Invalid key"})),
}
"""Faults of one request. `refused` and `redirected away` need more than the request, and are the `Line`'s own."""
REFUSED, AWAY = "refused", "redirected to another host"
ALL = (*FAULTS, REFUSED, AWAY)


@dataclass
class Line:
    """Runs one command with one fault at a time, and holds each run to the truth."""

    world: World
    command: Command

    def __post_init__(self) -> None:
        if self.command.login:
            log_in(self.world.amani, self.world.payer.server, self.world.proxy.url)

    def clean(self) -> list[Asked]:
        """Run it without a fault; what it asked, in its order."""
        words = self._words()
        seen, before = len(self.world.proxy.seen), self.world.left()
        result = self._run(words, "30s")
        assert result.code in {0, *self.command.again}, result
        assert sum(self.world.left().values()) - sum(before.values()) == self.command.sat * 1000
        asked: list[Asked] = []
        for each in self.world.proxy.seen[seen:]:
            path = re.sub(r"[0-9a-f]{32,64}", r"[0-9a-f]{32,64}", each.path.partition("?")[0])
            nth = 1 + sum((one.method, one.path) == (each.method, path) for one in asked)
            assert each.answer is not None
            asked.append(Asked(each.method, path, nth, each.answer))
        assert asked, "it asked nobody: it does not belong here"
        return asked

    def broken(self, asked: list[Asked], at: int, fault: str, *, lasting: bool) -> None:
        """Run it with a fault at one of its requests, for that one or from there on; then as a user goes on."""
        where = f"{fault}{' and so on' if lasting else ''} at {asked[at].name}"
        with self.attempt(where) as attempt:
            self._break(asked, at, fault, lasting)
            result = self._run(attempt.words, "1s")
            self.world.proxy.heal()
            attempt.ended(result)
            assert self.world.stranger.heard == []
            assert self.world.proxy.count("", "/elsewhere") == 0

    @contextlib.contextmanager
    def attempt(self, where: str) -> Iterator[Attempt]:
        """One run, however it ends: what was written down is true, and going on makes it whole, once."""
        world, words = self.world, self._words()
        attempt = Attempt(self, words, world.left(), world.came())
        held = world.everything_msat()
        with _noted(f"{where}: {' '.join(words)}"):
            yield attempt
            self._is_written(attempt)
            self._goes_on(attempt)
            assert world.everything_msat() == held
            compared(world.amani, world.payer)

    def _break(self, asked: list[Asked], at: int, fault: str, lasting: bool) -> None:
        proxy, request = self.world.proxy, asked[at]
        if fault == REFUSED:
            if at == 0:
                proxy.down()
            else:
                proxy.on(_down_after, asked[at - 1].method, asked[at - 1].path, nth=asked[at - 1].nth)
            return
        made = redirect(self.world.stranger.url + request.path) if fault == AWAY else FAULTS[fault](request)
        proxy.on(made, request.method, request.path, nth=request.nth, times=None if lasting else 1)

    def _words(self) -> list[str]:
        return [*self.command.words(self.world).split(), "--json"]

    def _run(self, words: list[str], timeout: str) -> Result:
        return self.world.amani(*words, "--timeout", timeout, stdin=self.command.stdin)

    def _is_written(self, attempt: Attempt) -> None:
        """The journal says what the server says happened."""
        left, journal = self.world.left(), self.world.journal()
        for payment_hash in left:
            assert journal.get(payment_hash, set()) & {"settled", "unknown"}, (
                f"{payment_hash} left and is not journaled"
            )
        for payment_hash, statuses in journal.items():
            assert "settled" not in statuses or payment_hash in left, f"{payment_hash} is journaled and did not leave"

    def _goes_on(self, attempt: Attempt) -> None:
        """The same again without a fault, and then `reconcile`: once, and everything certain."""
        amani, ends, words = self.world.amani, {0, *self.command.again}, attempt.words
        again = self._run(words, "5s")
        if again.code not in ends:
            assert again.code in (8, 11, 13), again
            assert amani("reconcile").code in (0, 8)
            grow_older(self.world.home)
            settled = amani("reconcile", "--json")
            assert settled.code == 0, settled
            again = self._run(words, "5s")
            if again.code == 6:  # which says that the first one failed, and to run it again
                again = self._run(words, "5s")
        assert again.code in ends, again
        settled = amani("reconcile", "--json")
        assert (settled.code, settled.data["unknown"]) == (0, 0), settled
        if self.command.works:
            works = amani(*self.command.works.format(words[2]).split())
            assert works.code == 0, works
        left = self.world.left()
        assert sum(left[each] for each in left.keys() - attempt.before.keys()) == self.command.sat * 1000


@dataclass
class Attempt:
    """One run of a line's command: what was typed, and what had left the payer and come to it before."""

    line: Line
    words: list[str]
    before: dict[str, int]
    had_come: set[str]

    @property
    def moved(self) -> dict[str, int]:
        """What has left the payer since."""
        return {key: msat for key, msat in self.line.world.left().items() if key not in self.before}

    def ended(self, result: Result) -> None:
        """Hold what a run said to what the server says happened."""
        command, moved, journal = self.line.command, self.moved, self.line.world.journal()
        with _noted(str(result)):
            self._told(result, command.sat, moved, journal)

    def _told(self, result: Result, sat: int, moved: dict[str, int], journal: dict[str, set[str]]) -> None:
        said = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        last = result.stdout.splitlines()[-1]
        if result.code == 0:
            assert said == []
            if sat:
                assert sum(moved.values()) == sat * 1000
                assert all("settled" in journal[each] for each in moved)
            return
        told = Result(result.code, last, result.stderr)
        if told.json["ok"]:  # a whole of many parts, which says of each how it stands
            assert told.json["warnings"] or result.code in (8, 11, 13, 130, 143)
            return
        assert len(said) == 1, result.stderr
        error = told.error
        came = self.line.world.came() - self.had_come
        if error["money_moved"] == "no":
            assert not moved, "it says that no money moved"
            assert not came, "it says that no money came"
        elif error["money_moved"] == "yes":
            assert moved or came, "it says that money moved"


def _down_after(exchange: Exchange) -> None:
    heard = exchange.forward()
    exchange.proxy.down()
    exchange.reply(heard, close=True)


def _gone_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.proxy.down()
    exchange.cut()


@contextlib.contextmanager
def _noted(text: str) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        error.add_note(text)
        raise


@pytest.fixture
def world(
    amani: Amani,
    add_wallet: AddWallet,
    home: Path,
    lnbits_server: LnbitsServer,
    shared_keyring: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Two wallets and a line to break; with limits off, and less patience than people have."""
    payee, payer = add_wallet("payee"), add_wallet("payer", 9000)
    assert amani("wallet", "use", "payer").code == 0
    for limit in ("invoice", "check", "cheque", "transfer"):
        assert amani("config", "set", f"limit.{limit}", "off").code == 0
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.3)
    monkeypatch.setattr("amani_cli.providers.http.BODY_LIMIT", BODY_LIMIT)
    stranger, payees = Stranger(), LnurlServer()
    with FaultProxy(lnbits_server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        yield World(amani, home, proxy, payer, payee, tmp_path, stranger, payees)
    stranger.stop()
    payees.stop()
