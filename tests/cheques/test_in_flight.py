"""kill -9 while the payment is on its way: before the server hears of it, and after it acted and before the answer."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from amani_cli.encodings.cheque_code import decode
from tests.cheques.test_cheques import wallet_of, write
from tests.cheques.test_kills import settle
from tests.conftest import Held
from tests.kit.books import compared, held_by, tell
from tests.kit.cheque_world import User, grow_older, log_in, through
from tests.kit.driver import PATIENCE_S, Amani, tell_to_stop
from tests.kit.fault_proxy import Exchange, FaultProxy, answer, kill, refuse_from_here_on

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

PAYMENTS = "/api/v1/payments"


@pytest.fixture
def line(giver: Held, taker: Held, home: Path, proxy: FaultProxy) -> FaultProxy:
    """Every wallet by way of the proxy."""
    through(proxy, home)
    return proxy


@pytest.fixture
def owner(amani: Amani, line: FaultProxy, giver: Held, shared_keyring: Path) -> User:
    """Logged in by way of the proxy too."""
    return log_in(amani, giver.server, line.url)


def is_payment(exchange: Exchange) -> bool:
    return exchange.method == "POST" and exchange.path == PAYMENTS and exchange.json.get("out") is True


def killed(amani: Amani, line: FaultProxy, after: bool, *words: object) -> None:
    """Run a command and kill it when its one payment comes by."""
    die = kill(after=after)

    def fault(exchange: Exchange) -> None:
        die(exchange) if is_payment(exchange) else exchange.reply(exchange.forward())

    line.victim = None
    line.on(fault, "POST", PAYMENTS, times=None)
    with amani.started(*words) as run:
        line.victim = run
        assert amani.ended(run).code == -9
    line.heal()


def payments_sent(line: FaultProxy) -> int:
    return sum(is_payment(each) for each in line.seen)


both_moments = pytest.mark.parametrize("after", [False, True], ids=["before it heard", "after it acted"])


@both_moments
def test_transfer(amani: Amani, giver: Held, taker: Held, line: FaultProxy, home: Path, after: bool) -> None:
    words = ("transfer", "taker", "7", "--reference", "r1", "--yes")
    killed(amani, line, after, *words)
    assert amani("wallet", "list").stderr.endswith("settle with: amani reconcile\n")
    assert amani("reconcile").code == (0 if after else 8)  # that it is not there yet proves nothing
    settle(amani, home, "reconcile", (giver, taker), *words)
    assert (giver.sat, taker.sat) == (4993, 7)
    assert payments_sent(line) == (1 if after else 2)
    tell(f"{compared(amani, giver, taker)} msat compared")


@both_moments
def test_faucet(amani: Amani, giver: Held, taker: Held, line: FaultProxy, home: Path, after: bool) -> None:
    assert amani("faucet", "configure", "--wallet", "giver", "--amount", "7").code == 0
    words = ("faucet", "claim", "--wallet", "taker", "--reference", "r1")
    killed(amani, line, after, *words)
    assert amani("faucet", "claim", "--wallet", "taker").code == 9
    settle(amani, home, "reconcile", (giver, taker), *words)
    assert (giver.sat, taker.sat) == (4993, 7)
    tell(f"{compared(amani, giver, taker)} msat compared")


@both_moments
def test_cheque_create(amani: Amani, giver: Held, line: FaultProxy, home: Path, owner: User, after: bool) -> None:
    words = ("cheque", "create", "7", "--reference", "r1", "--yes")
    killed(amani, line, after, *words)
    settle(amani, home, "reconcile", (giver,), *words)
    assert giver.sat == 4993
    assert held_by(giver.server, [wallet["id"] for wallet in owner.wallets()]) == 7000
    assert amani("cheque", "list", "--json").data["outstanding_msat"] == 7000
    assert amani("cheque", "void", "r1", "--yes").code == 0
    tell(f"{compared(amani, giver)} msat compared")


@both_moments
def test_cheque_claim(amani: Amani, giver: Held, taker: Held, line: FaultProxy, home: Path, after: bool) -> None:
    code = write(amani, 7)
    killed(amani, line, after, "cheque", "claim", code, "--to", "taker")
    assert amani("cheque", "claim", "-", "--to", "taker", stdin=code).code == 0
    assert (taker.sat, amani("reconcile").code) == (7, 0)
    tell(f"{compared(amani, giver, taker)} msat compared")


def test_a_claim_that_can_not_go_on_stays_open(amani: Amani, giver: Held, taker: Held, line: FaultProxy) -> None:
    """A line that can't be had now says nothing of what was sent before."""
    code = write(amani, 7)
    killed(amani, line, False, "cheque", "claim", code, "--to", "taker")
    line.on(refuse_from_here_on, "GET", "/openapi.json")  # the last that is asked before
    again = amani("cheque", "claim", "-", "--to", "taker", "--json", stdin=code)
    assert (again.code, again.error["money_moved"]) == (8, "maybe")
    line.heal()
    assert amani("cheque", "claim", "-", "--to", "taker", stdin=code).code == 0
    assert (taker.sat, amani("reconcile").code) == (7, 0)


def test_a_claim_whose_code_dies_before_its_end_is_known(
    amani: Amani,
    giver: Held,
    taker: Held,
    line: FaultProxy,
    home: Path,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Somebody was first, and the giver makes the code worthless: open until its invoice has ended, never called failed
    by the word of a server alone."""
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.3)
    code = write(amani, 7)
    theirs, their_key = outside_invoice(giver, 7)

    def too_late(exchange: Exchange) -> None:
        if is_payment(exchange):
            giver.server.call("POST", PAYMENTS, key=decode(code).admin_key, json={"out": True, "bolt11": theirs})
            answer = exchange.forward()
            giver.server.call("PUT", f"/api/v1/wallet/reset/{wallet_of(code)}", token=owner.token)
            exchange.reply(answer)
        else:
            exchange.reply(exchange.forward())

    line.on(too_late, "POST", PAYMENTS, times=None)
    claim = ("cheque", "claim", "-", "--to", "taker", "--timeout", "2s", "--json")
    told = amani(*claim, stdin=code)
    assert (told.code, told.error["money_moved"]) == (8, "maybe")
    line.heal()
    grow_older(home)
    assert amani("reconcile").code == 8
    again = amani(*claim, stdin=code)
    assert (again.code, again.error["id"]) == (8, told.error["id"])
    assert "the cheque was drawn before" in again.error["message"]
    taker.server.end_invoices(taker.id)
    assert amani("reconcile", told.error["id"], "--json").data["items"][0]["status"] == "failed"
    assert amani("reconcile").code == 0
    assert amani(*claim, stdin=code).error["code"] == "CHEQUE_VOID"
    assert (taker.sat, giver.server.balance_msat(their_key), giver.sat) == (0, 7000, 4993)
    tell(f"{compared(amani, giver, taker)} msat compared")


@both_moments
def test_cheque_void(amani: Amani, giver: Held, line: FaultProxy, home: Path, owner: User, after: bool) -> None:
    code = write(amani, 7)
    killed(amani, line, after, "cheque", "void", code, "--yes")
    assert amani("reconcile").code == 0
    assert amani("cheque", "void", code, "--yes").code == 0
    assert giver.sat == 5000
    tell(f"{compared(amani, giver)} msat compared")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_once_a_cheque_has_its_money(
    amani: Amani, giver: Held, line: FaultProxy, owner: User, number: signal.Signals
) -> None:
    """Its code was not shown yet, and the money is not where it was."""
    arrived = threading.Event()

    def wait(exchange: Exchange) -> None:
        arrived.set()
        exchange.proxy.closing.wait(PATIENCE_S)

    line.on(answer(200, []), "GET", "/withdraw/api/v1/links")
    line.on(wait, "POST", "/withdraw/api/v1/links")
    with amani.started("cheque", "create", "7", "--lnurl", "--yes", "--json") as run:
        assert arrived.wait(PATIENCE_S)
        tell_to_stop(run, number)
        ended = amani.ended(run)
    assert (ended.code, ended.error["money_moved"]) == (8, "maybe")
    line.heal()
    assert giver.sat == 4993
    assert amani("cheque", "void", ended.error["id"], "--yes").code == 0
    assert giver.sat == 5000


def outside_invoice(giver: Held, sat: int) -> tuple[str, str]:
    """An invoice of a wallet that amani does not know, and the key that sees what it holds."""
    _, _, key = giver.server.new_wallet()
    body = {"out": False, "amount": sat, "memo": "", "expiry": 600}
    return str(giver.server.call("POST", PAYMENTS, key=key, json=body)["bolt11"]), key


@both_moments
def test_claim_for_another(
    amani: Amani, giver: Held, line: FaultProxy, home: Path, tmp_path: Path, after: bool
) -> None:
    """The key is in the code alone: it is kept for as long as the payment is open, and no longer."""
    code = write(amani, 100, "--outside")
    invoice, payee = outside_invoice(giver, 100)
    kept = tmp_path / "giver.key.amani"
    killed(amani, line, after, "cheque", "claim", code, "--to", invoice)
    assert len(list(kept.glob("claim-*"))) == 1
    first = amani("reconcile")
    if not after:
        assert first.code == 8
        grow_older(home)
        first = amani("reconcile")
    assert first.code == 0
    assert not list(kept.glob("claim-*"))
    (item,) = amani("history", "list", "--search", "cheque claimed for another", "--json").data["items"]
    assert item["status"] == ("settled" if after else "failed")
    assert giver.server.balance_msat(payee) == (100_000 if after else 0)


def test_claim_for_another_whose_key_is_dead_by_now(amani: Amani, giver: Held, line: FaultProxy, owner: User) -> None:
    """What settled is not said to be refused because nobody can be asked any more."""
    code = write(amani, 100, "--outside")
    invoice, payee = outside_invoice(giver, 100)
    killed(amani, line, True, "cheque", "claim", code, "--to", invoice)
    assert amani("cheque", "void", code, "--yes").code == 6  # claimed, as it says; and the key is a new one
    again = amani("cheque", "claim", code, "--to", invoice, "--json")
    assert (again.code, again.error["money_moved"]) == (8, "maybe")
    assert giver.server.balance_msat(payee) == 100_000
