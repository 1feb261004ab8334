"""The line to the ledger breaks at any message of a payment, in any way: nothing is sent that is not journaled for
certain, nothing twice, and nothing is called failed that is unknown."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held, write_key
from tests.faults.tally import DEEP, Tally
from tests.kit import ledgers
from tests.kit.driver import Amani, Result
from tests.kit.ledger_proxy import Break, Instead, LedgerProxy, ended_after, statements
from tests.kit.machine import Machine
from tests.kit.postgres_server import PostgresServer

pytestmark = [pytest.mark.lnbits, pytest.mark.store, pytest.mark.faults]

SAT = 21
WAYS: tuple[Break, ...] = ("before", "during", "after", "late")
FORMS = {
    "plain": [],
    "with a reference": ["--reference", "REF"],
    "read first": ["--wallet", "payer", "--memo", "m"],
    "under rules": ["--pin-file", "PIN", "--reference", "REF"],
}
PIN = "739154"


class Shop:
    """A payer and a payee, and what the server says became of each invoice."""

    def __init__(self, amani: Amani, add_wallet: AddWallet, home: Path) -> None:
        self.amani, self.home = amani, home
        self.payer: Held = add_wallet("payer", 90_000)
        self.payee: Held = add_wallet("payee", 0)
        amani("wallet", "use", "payer")
        self.paid = 0
        self.number = itertools.count()
        self.pin = write_key(self.payer.key_file.with_name("pin"), PIN)

    def with_rules(self) -> None:
        """Have every payment ask for the PIN, and count against a budget."""
        assert self.amani("wallet", "limit", "payer", "--per-day", "80ksat").code == 0
        assert self.amani("pin", "set", "--always", "--pin-file", self.pin).code == 0

    def words(self, form: str) -> list[str]:
        """A payment that was not made before."""
        if form == "under rules" and not self.amani("pin", "status", "--json").data["set"]:
            self.with_rules()
        nth = next(self.number)
        blanks = {"REF": f"shop {nth}", "PIN": str(self.pin)}
        more = [blanks.get(word, word) for word in FORMS[form]]
        bolt11 = self.payee.invoice(SAT, memo=f"number {nth}; it's a test", expiry=86_400)
        return ["pay", bolt11, "--yes", "--json", *more]

    def is_right(self, words: list[str], broken: Result, sent: int) -> None:
        """What a run under a fault may have done, and that the same command again ends it."""
        assert broken.code in (0, 8, 10), broken
        if broken.code == 10:
            assert sent == 0, broken
            assert broken.error["money_moved"] == "no"
        if sent == 0:
            assert broken.code != 0, broken
        again = self.amani(*words)
        if again.code == 8:  # it was sent and the outcome is asked for
            again = self.amani("reconcile")
            again = self.amani(*words)
        assert again.code == 0, (broken, again)
        self.paid += 1
        assert self.payer.sat == 90_000 - SAT * self.paid
        assert ledgers.ask(self.home, "SELECT count(*) FROM payment WHERE status='unknown'")[0][0] == 0
        assert ledgers.ask(self.home, "SELECT count(*) FROM payment WHERE direction='out' AND status='settled'") == [
            (self.paid,)
        ]
        assert ledgers.ask(self.home, "SELECT count(*) FROM payment WHERE status='failed'")[0][0] == 0


@pytest.fixture
def shop(amani: Amani, add_wallet: AddWallet, home: Path, proxy: LedgerProxy) -> Shop:
    return Shop(amani, add_wallet, home)


def run_broken(shop: Shop, proxy: LedgerProxy, form: str, nth: int, way: Break) -> bool:
    """Break the line at the `nth` message of a payment; whether it had so many."""
    words = shop.words(form)
    began, reached = len(proxy.seen), []
    before = shop.payer.sat

    def at(number: int, text: str) -> Break | None:
        if number - began == nth:
            reached.append(text)
            return way
        return None

    proxy.at = at
    broken = shop.amani(*words)
    proxy.at = lambda number, text: None
    shop.is_right(words, broken, (before - shop.payer.sat) // SAT)
    return bool(reached)


_TOO = [("late", "with a reference"), ("after", "under rules")]
PAIRS = [(way, form) for way in WAYS for form in FORMS if DEEP or form == "plain" or (way, form) in _TOO]


@pytest.mark.parametrize(("way", "form"), PAIRS)
def test_a_line_that_breaks_at_any_message(shop: Shop, proxy: LedgerProxy, tally: Tally, way: Break, form: str) -> None:
    for _ in range(3 if DEEP else 1):
        nth = 1
        while run_broken(shop, proxy, form, nth, way):
            tally("faults")
            nth += 1
        assert nth > 7


@pytest.mark.parametrize("form", FORMS if DEEP else ["plain", "under rules"])
def test_a_backend_that_is_ended_at_any_statement(shop: Shop, proxy: LedgerProxy, tally: Tally, form: str) -> None:
    """As `pg_terminate_backend` of an administrator does: after each statement of each message of a payment."""
    every = 1 if DEEP else 13
    for nth in itertools.count(0, every):
        words, reached, before = shop.words(form), list[str](), shop.payer.sat
        passed = 0

        def at(number: int, text: str) -> Instead | None:
            nonlocal passed
            parts = len(statements(text))
            passed += parts
            if reached or passed <= nth:  # noqa: B023
                return None
            reached.append(text)  # noqa: B023
            return ended_after(text, nth - (passed - parts))  # noqa: B023

        proxy.at = at
        broken = shop.amani(*words)
        proxy.at = lambda number, text: None
        shop.is_right(words, broken, (before - shop.payer.sat) // SAT)
        if not reached:
            break
        tally("faults")
    assert nth > 50


@pytest.mark.parametrize("form", FORMS if DEEP else ["plain"])
def test_a_ledger_that_is_gone_for_an_hour_from_any_message_on(
    shop: Shop,
    proxy: LedgerProxy,
    tally: Tally,
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.setattr("amani_cli.store.postgres.SETTLE_S", 0.2)
    for nth in itertools.count(1):
        words, began, reached, before = shop.words(form), len(proxy.seen), list[str](), shop.payer.sat

        def at(number: int, text: str) -> Break | None:
            if number - began < nth:  # noqa: B023
                return None
            reached.append(text)  # noqa: B023
            proxy.is_away = True
            return "after" if nth % 2 else "before"  # noqa: B023

        proxy.at = at
        gone = shop.amani(*words)
        sent = (before - shop.payer.sat) // SAT
        if reached:
            machine.goes_on(1800)
            assert shop.amani(*words).code in (8, 10)
            assert (before - shop.payer.sat) // SAT == sent
            machine.goes_on(1800)
            tally("faults", 2)
        proxy.at, proxy.is_away = (lambda number, text: None), False
        shop.is_right(words, gone, sent)
        if not reached:
            break
    assert nth > 7


def test_a_ledger_that_is_away(shop: Shop, proxy: LedgerProxy, tally: Tally) -> None:
    """Nothing is sent while it is; the same command pays when it is back."""
    words = shop.words("plain")
    proxy.is_away = True
    proxy.cut()
    for command in (words, ["wallet", "balance", "--json"], ["reconcile", "--json"], ["history", "list", "--json"]):
        away = shop.amani(*command)
        assert (away.code, away.error["code"], away.error["money_moved"]) == (10, "LEDGER_AWAY", "no"), away
        tally("faults")
    assert shop.payer.sat == 90_000
    proxy.is_away = False
    assert shop.amani(*words).code == 0


@pytest.mark.parametrize("nth", [1, 2])
def test_a_ledger_that_goes_away_once_the_money_is_sent(
    shop: Shop, proxy: LedgerProxy, tally: Tally, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 8, as for any outcome that is not written down; `reconcile` from anywhere ends it."""
    monkeypatch.setattr("amani_cli.store.postgres.SETTLE_S", 0.5)
    words, journaled = shop.words("plain"), list[int]()

    def at(number: int, text: str) -> Break | None:
        if "INSERT INTO payment" in text:
            journaled.append(number)
        if journaled and number == journaled[0] + nth:
            proxy.is_away = True
            return "before"
        return None

    proxy.at = at
    gone = shop.amani(*words)
    tally("faults")
    assert (gone.code, gone.error["money_moved"], gone.error["retry"]) == (8, "maybe", "after_reconcile")
    proxy.is_away = False
    assert shop.payer.sat == 90_000 - SAT
    assert shop.amani("reconcile").code == 0
    again = shop.amani(*words)
    assert again.data["replayed"]
    assert shop.payer.sat == 90_000 - SAT


@contextmanager
def away_from(proxy: LedgerProxy, statement: str, when: Break) -> Iterator[None]:
    """Have the ledger be away from a statement on, before or after it is carried out; back at the end."""

    def at(number: int, text: str) -> Break | None:
        if statement in text:
            proxy.is_away = True
            return when
        return None

    proxy.at = at
    yield
    proxy.at, proxy.is_away = (lambda number, text: None), False


def test_nobody_can_tell_whether_an_entry_is_there(
    shop: Shop, proxy: LedgerProxy, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The COMMIT's answer is lost and the ledger stays away: nothing is sent, though the entry may be there."""
    monkeypatch.setattr("amani_cli.store.postgres.SETTLE_S", 0.5)
    words = shop.words("plain")

    with away_from(proxy, "INSERT INTO payment", "after"):
        lost = shop.amani(*words)
    tally("faults")
    assert (lost.code, lost.error["code"], lost.error["money_moved"]) == (10, "LEDGER_AWAY", "no")
    assert shop.payer.sat == 90_000
    assert ledgers.ask(shop.home, "SELECT status FROM payment WHERE direction='out'") == [("unknown",)]
    shop.is_right(words, lost, 0)  # the same command goes on with the entry that did get there


def test_a_ledger_that_goes_away_once_a_cheque_s_money_is_back(
    shop: Shop, proxy: LedgerProxy, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written down is not said not to have been moved; the same command goes on from there."""
    monkeypatch.setattr("amani_cli.store.postgres.SETTLE_S", 0.3)
    made = shop.amani("cheque", "create", "100", "--yes", "--json").data
    shop.amani.secrets.add(made["code"])
    words = ["cheque", "void", made["id"], "--yes", "--json"]

    with away_from(proxy, "status='void'", "before"):
        lost = shop.amani(*words)
    tally("faults")
    assert (lost.code, lost.error["code"], lost.error["money_moved"]) == (10, "LEDGER_AWAY", "yes")
    assert lost.error["hint"].startswith("The money is back.")
    assert shop.payer.sat == 90_000
    ledgers.change(shop.home, "DELETE FROM claim")  # of a process that is gone, as this one is not
    assert shop.amani(*words).code == 0
    assert shop.payer.sat == 90_000


@contextmanager
def away_once(proxy: LedgerProxy, statement: str, nth: int) -> Iterator[list[str]]:
    """Have the ledger be away from the `nth` message on that follows a statement; gives that message, if it came."""
    seen, reached = list[str](), list[str]()

    def at(number: int, text: str) -> Break | None:
        if seen or statement in text:
            seen.append(text)
        if len(seen) <= nth:
            return None
        reached.append(text)
        proxy.is_away = True
        return "before"

    proxy.at = at
    yield reached
    proxy.at, proxy.is_away = (lambda number, text: None), False


def test_a_ledger_that_goes_away_once_a_sweep_has_brought_money_back(
    shop: Shop, proxy: LedgerProxy, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not said that nothing was sent, at whatever message behind it."""
    monkeypatch.setattr("amani_cli.store.postgres.SETTLE_S", 0.2)
    assert shop.amani("config", "set", "limit.cheque", "off").code == 0
    for nth in itertools.count(0):
        made = shop.amani("cheque", "create", "100", "--yes", "--json").data
        shop.amani.secrets.add(made["code"])
        ledgers.change(shop.home, "UPDATE cheque SET expires_at='2026-01-01T00:00:00Z' WHERE status='open'")
        with away_once(proxy, "UPDATE cheque SET status='expired'", nth) as reached:
            told = shop.amani("cheque", "sweep", "--json")
        tally("faults")
        assert shop.payer.sat == 90_000
        assert "Nothing was sent" not in told.stdout + told.stderr, (nth, reached[:1], told)
        ledgers.change(shop.home, "DELETE FROM claim")
        assert shop.amani("cheque", "sweep").code == 0
        if not reached:
            break
    assert nth > 4


def test_a_ledger_that_goes_away_once_a_payment_was_gone_on_with(
    shop: Shop, proxy: LedgerProxy, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amani_cli.store.postgres.SETTLE_S", 0.2)
    for nth in itertools.count(0):
        with away_from(proxy, "INSERT INTO payment", "after"):
            assert shop.amani(*shop.words("plain")).code == 10
        entry = ledgers.ask(shop.home, "SELECT id FROM payment WHERE status='unknown'")[0][0]
        with away_once(proxy, "SET status='settled'", nth) as reached:
            told = shop.amani("reconcile", "--resume", entry, "--yes", "--json")
        tally("faults")
        assert shop.payer.sat == 90_000 - SAT * (nth + 1)
        assert told.code == 0 or told.error["money_moved"] != "no", (nth, reached[:1], told)
        assert shop.amani("reconcile").code == 0
        if not reached:
            break
    assert nth > 2


@pytest.mark.parametrize("after", range(3, 40, 4) if DEEP else [25])
def test_a_server_that_restarts_in_mid_batch(
    shop: Shop, proxy: LedgerProxy, tally: Tally, postgres_server: PostgresServer, tmp_path: Path, after: int
) -> None:
    rows = "".join(f"{shop.payee.invoice(SAT, memo=str(nth))}\n" for nth in range(8))
    (tmp_path / "rows.csv").write_text("to\n" + rows)
    plan = tmp_path / "plan.json"
    assert shop.amani("batch", "plan", tmp_path / "rows.csv", "--output", plan).code == 0
    began, done = len(proxy.seen), list[int]()

    def at(number: int, text: str) -> None:
        if number - began == after and not done:
            done.append(number)
            postgres_server.stop()
            postgres_server.start()

    proxy.at = at
    # A process of its own: what it had claimed is taken over once it is gone, if the ledger was away at its end.
    first = shop.amani.process("batch", "run", plan, "--yes", "--jobs", "2")
    proxy.at = lambda number, text: None
    tally("faults")
    assert done, len(proxy.seen) - began
    assert first.code in (0, 8, 10, 11), first
    shop.amani("reconcile")
    for _ in range(3):
        last = shop.amani("batch", "run", plan, "--yes")
    assert last.code == 0, last
    assert shop.payer.sat == 90_000 - 8 * SAT
