"""Two real LNbits, the second funded by the first, with a line of ours between: what leaves the second is paid outside.

The first is the server that the other tests use. What a wallet of the second pays to an invoice of the first goes over
`OutsidePair.line`, as to a node: it can be made to cost a fee there, to fail, to stay pending, to be slow, to be lost.

The fixture `outside_servers` is one pair for each worker; `outside` hands it to one test, with a line that does nothing
but what that test says.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.kit.fault_proxy import Answer, Exchange, Fault, FaultProxy
from tests.kit.lnbits_server import ANOTHER_VERSION, LnbitsServer, copy_of

PAYMENTS = "/api/v1/payments"
RECORD = f"{PAYMENTS}/.+"
FEE_MSAT = 1234
OWN_ID = "upstream-"
FUNDS_SAT = 5_000_000
WAIT_S = 1  # how long the second LNbits waits for the first before it says "pending"; its own default is 5


@dataclass
class _PayRule:
    fault: Fault
    skip: int
    left: int | None


@dataclass
class OutsidePair:
    """`first` holds the money, `second` pays out of its wallet there by way of `line`."""

    first: LnbitsServer
    second: LnbitsServer
    line: FaultProxy
    wallet_id: str
    admin_key: str
    read_key: str
    _rules: list[_PayRule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def funds_msat(self) -> int:
        """What the second's wallet on the first holds."""
        return self.first.balance_msat(self.read_key)

    def pays(self) -> list[str]:
        """The invoices that the second told the first to pay, in order: one that stands here twice was sent twice."""
        return [each.json["bolt11"] for each in self.line.those("POST", PAYMENTS) if is_pay(each)]

    def on_pay(self, fault: Fault, *, nth: int = 1, times: int | None = 1) -> None:
        """Do this to the `nth` payment that the second sends from now on, and to `times` in all; the newest wins."""
        with self._lock:
            self._rules.insert(0, _PayRule(fault, nth - 1, times))

    def on_look(self, fault: Fault) -> None:
        """Do this whenever the second asks what became of a payment."""
        self.line.on(fault, "GET", RECORD, times=None)

    def quiet(self) -> None:
        """A line without faults, that has seen nothing."""
        self.line.heal()
        self.line.seen.clear()
        self._rules.clear()
        self.line.on(self._post, "POST", PAYMENTS, times=None)

    def _post(self, exchange: Exchange) -> None:
        (self.fault_of(exchange) if is_pay(exchange) else as_it_is)(exchange)

    def fault_of(self, exchange: Exchange) -> Fault:
        """What falls on a payment; it is used up by that."""
        with self._lock:
            for rule in self._rules:
                if rule.left == 0:
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.left is not None:
                    rule.left -= 1
                return rule.fault
        return as_it_is


def as_it_is(exchange: Exchange) -> None:
    """No fault."""
    exchange.reply(exchange.forward())


def is_pay(exchange: Exchange) -> bool:
    """Whether a request pays; to make an invoice is the same route."""
    return exchange.method == "POST" and exchange.path == PAYMENTS and exchange.json.get("out") is True


# -- what a line between can do -----------------------------------------------------------------------------------


def charge(exchange: Exchange) -> None:
    """A record that says what routing cost."""
    heard = exchange.forward()
    body = json.loads(heard.body)
    if isinstance(body.get("details"), dict) and body["details"].get("amount", 0) < 0:
        body["details"]["fee"] = -FEE_MSAT
    exchange.reply(Answer(heard.status, json.dumps(body).encode(), heard.content_type))


def say(status: int, detail: str, said: str) -> Fault:
    """The first says that of a payment, and does nothing."""
    body = json.dumps({"detail": detail, "status": said}).encode()
    return lambda exchange: exchange.reply(Answer(status, body))


unknown_to_it = say(404, "Payment does not exist.", "")


def with_ids_of_its_own(pair: OutsidePair) -> None:
    """Let the first know a payment by an id of its own, as hosted nodes do, and by nothing else."""

    def paid(exchange: Exchange) -> None:
        heard = exchange.forward()
        body = json.loads(heard.body)
        if "payment_hash" in body:
            body |= dict.fromkeys(("payment_hash", "checking_id"), OWN_ID + body["payment_hash"])
        exchange.reply(Answer(heard.status, json.dumps(body).encode(), heard.content_type))

    def looked_up(exchange: Exchange) -> None:
        name = exchange.path.rpartition("/")[2]
        if not name.startswith(OWN_ID):
            unknown_to_it(exchange)
            return
        exchange.path = f"{PAYMENTS}/{name.removeprefix(OWN_ID)}"
        exchange.reply(exchange.forward())

    pair.on_pay(paid, times=None)
    pair.on_look(looked_up)


# -- the pair -----------------------------------------------------------------------------------------------------


def fund_outside(root: Path, url: str, admin_key: str) -> None:
    """Let the LNbits whose data lies below `root`, which must be stopped, pay out of a wallet at `url`.

    Its settings in the environment count at its very first start alone: later ones stand in its database.
    """
    wanted = {
        "lnbits_backend_wallet_class": "LNbitsWallet",
        "lnbits_endpoint": url,
        "lnbits_key": admin_key,
        "lnbits_funding_source_pay_invoice_wait_seconds": WAIT_S,
    }
    with contextlib.closing(sqlite3.connect(root / "data" / "database.sqlite3")) as db, db:
        for name, value in wanted.items():
            db.execute("UPDATE system_settings SET value=? WHERE id=?", (json.dumps(value), name))


@pytest.fixture(scope="session")
def outside_servers(
    request: pytest.FixtureRequest, lnbits_server: LnbitsServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OutsidePair]:
    """The pair, for the whole run of this worker. Its second costs about 3 s to start, and 160 MB."""
    wallet_id, admin_key, read_key = lnbits_server.new_wallet(FUNDS_SAT, "outside's funds")
    root = tmp_path_factory.mktemp("outside") / "sandbox"
    second: LnbitsServer
    with FaultProxy(lnbits_server.url, websockets=True) as line:
        if ANOTHER_VERSION:
            from tests.kit.lnbits_versions import OtherLnbits, prepare_other_template

            template = prepare_other_template()
            root.mkdir(mode=0o700)
            (root / "env").symlink_to(template / "env")
            shutil.copytree(template / "data", root / "data")
            fund_outside(root, line.url, admin_key)
            second = OtherLnbits(root)
        else:
            copy_of(request.getfixturevalue("sandbox_template"), root)
            fund_outside(root, line.url, admin_key)
            second = LnbitsServer(root)
        yield OutsidePair(lnbits_server, second, line, wallet_id, admin_key, read_key)
        second.stop()


@pytest.fixture
def outside(outside_servers: OutsidePair) -> Iterator[OutsidePair]:
    """The pair, with a line that has no faults yet."""
    outside_servers.quiet()
    yield outside_servers
    outside_servers.quiet()
