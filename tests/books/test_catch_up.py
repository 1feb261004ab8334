"""A sync on a real server reads on until nothing is missing: cut, shifted, with equal times, or late."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from amani_cli.books import records
from amani_cli.providers import lnbits_records
from amani_cli.store import read_back
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit import fault_proxy, ledgers
from tests.kit.driver import Amani
from tests.kit.fault_proxy import Exchange, FaultProxy

pytestmark = pytest.mark.lnbits

RECORDS = "/api/v1/payments/paginated"
PAGE = 4


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lnbits_records, "PAGE", PAGE)
    monkeypatch.setattr(read_back, "DEPTH", 0)
    monkeypatch.setattr(read_back, "MARGIN_S", 0)


@pytest.fixture
def other(add_wallet: AddWallet) -> Held:
    """A wallet that nobody syncs."""
    return add_wallet("other", 1000)


@pytest.fixture
def main(other: Held, add_wallet: AddWallet) -> Held:
    """The wallet that is synced, with 100 sat."""
    return add_wallet("main", 100)


@pytest.fixture
def proxy(main: Held) -> Iterator[FaultProxy]:
    """Between amani and the server."""
    with FaultProxy(main.server.url) as made:
        yield made


@pytest.fixture
def sync(amani: Amani, main: Held, proxy: FaultProxy, home: Path) -> Callable[..., int]:
    """Syncs `main` through the proxy: how many are new. The code must be `code`."""
    change_database(home, "UPDATE wallet SET url=? WHERE name='main'", proxy.url)

    def sync(*words: str, code: int = 0) -> int:
        done = amani("history", "sync", "-w", "main", *words, "--json")
        assert done.code == code, done
        return int(done.json["data"]["new"]) if code == 0 else -1

    return sync


def spread(held: Held, *, same: bool = False) -> None:
    """Have the records of a wallet lie a minute apart (or all at one moment), as if they had been made in that time."""
    with contextlib.closing(sqlite3.connect(held.server.root / "data" / "database.sqlite3", timeout=30)) as db, db:
        rows = db.execute("SELECT checking_id FROM apipayments WHERE wallet_id=? ORDER BY time", (held.id,)).fetchall()
        for number, (checking_id,) in enumerate(rows):
            moment = 1795000000 + (0 if same else 60 * number)
            sql = "UPDATE apipayments SET time=?, created_at=? WHERE checking_id=? AND wallet_id=?"
            db.execute(sql, (moment, moment, checking_id, held.id))


def change_server(held: Held, sql: str) -> None:
    """Have the server's records of a wallet be others."""
    with contextlib.closing(sqlite3.connect(held.server.root / "data" / "database.sqlite3", timeout=30)) as db, db:
        db.execute(sql, (held.id,))


def in_journal(amani: Amani) -> int:
    items = amani("history", "list", "-w", "main", "--limit", "1000", "--json").data["items"]
    keys = [(item["payment_hash"], item["direction"]) for item in items]
    assert len(set(keys)) == len(keys)
    return len(keys)


def pay_in(main: Held, other: Held, number: int) -> None:
    for each in range(number):
        other.pay(main.invoice(1, f"from elsewhere {each}"))


@pytest.mark.parametrize("page", [2, 3])
@pytest.mark.parametrize("how", ["500", "time", "nonsense"])
def test_a_sync_that_is_cut_is_gone_on_with(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int], how: str, page: int
) -> None:
    pay_in(main, other, 11)
    spread(main)
    faults = {
        "500": fault_proxy.answer(500, {"detail": "trouble"}),
        "time": fault_proxy.stall(30, after=False),
        "nonsense": fault_proxy.answer(200, {"data": None}),
    }
    proxy.on(faults[how], "GET", RECORDS, nth=page, times=None)
    sync(*(("--timeout", "1s") if how == "time" else ()), code=10)
    proxy.heal()
    assert in_journal(amani) < 12
    pay_in(main, other, 2)  # and more comes meanwhile
    sync()
    assert in_journal(amani) == 14
    before = proxy.count("GET", RECORDS)
    assert sync() == 0
    assert proxy.count("GET", RECORDS) == before + 1


def test_cut_again_and_again_it_gets_there(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int]
) -> None:
    pay_in(main, other, 11)
    spread(main)
    for _ in range(4):  # each gets a page further
        proxy.heal()
        proxy.on(fault_proxy.answer(500, {}), "GET", RECORDS, nth=3, times=None)
        sync_code = amani("history", "sync", "-w", "main").code
        if sync_code == 0:
            break
    assert sync_code == 0
    assert in_journal(amani) == 12


@pytest.mark.parametrize("page", [1, 2, 3, 4])
@pytest.mark.parametrize("which", ["none", "newest", "oldest"])
@pytest.mark.parametrize("known", ["nothing", "all", "with a gap"])
def test_the_answer_to_another_question_leaves_nothing_out(
    amani: Amani,
    main: Held,
    other: Held,
    proxy: FaultProxy,
    sync: Callable[..., int],
    page: int,
    which: str,
    known: str,
) -> None:
    """A page of records does not say what it answers: one that the line mixed up must not stand for the rest."""
    pay_in(main, other, 6)
    spread(main)
    if known == "with a gap":
        proxy.on(fault_proxy.answer(500, {}), "GET", RECORDS, nth=2)
        sync(code=10)
    elif known == "all":
        sync()
    proxy.heal()
    pay_in(main, other, 6)
    spread(main)

    def mix_up(exchange: Exchange) -> None:
        order = "desc" if which == "newest" else "asc"
        asked = httpx.get(
            f"{main.server.url}{RECORDS}?limit=1&sortby=time&direction={order}", headers={"X-Api-Key": main.read_key}
        )
        fault_proxy.answer(200, asked.json() | {"total": 1} if which != "none" else {"data": [], "total": 0})(exchange)

    proxy.on(mix_up, "GET", RECORDS, nth=page)
    amani("history", "sync", "-w", "main")
    amani("history", "sync", "-w", "main")
    assert in_journal(amani) == 13


def test_own_payments_on_the_first_page_hide_nothing(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int]
) -> None:
    pay_in(main, other, 6)
    spread(main)
    for _ in range(PAGE + 1):
        assert amani("pay", other.invoice(1), "-w", "main", "--yes").code == 0
    assert sync() == 7
    pay_in(main, other, 6)
    for _ in range(PAGE + 1):
        assert amani("pay", other.invoice(1), "-w", "main", "--yes").code == 0
    assert sync() == 6
    assert in_journal(amani) == 13 + 2 * (PAGE + 1)


@pytest.mark.parametrize("same", [False, True])
def test_pages_that_shift_while_they_are_read(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int], same: bool
) -> None:
    """New payments push what is read further back; many records bear one time."""
    pay_in(main, other, 10)
    spread(main, same=same)

    def shift(exchange: Exchange) -> None:
        pay_in(main, other, 3)
        exchange.reply(exchange.forward())

    proxy.on(shift, "GET", RECORDS, nth=2, times=2)
    sync()
    sync()
    assert in_journal(amani) == 11 + 6
    assert amani("reconcile", "--json").json["data"]["differences"] == []


def test_what_goes_while_pages_are_read_hides_nothing(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int]
) -> None:
    pay_in(main, other, 8)
    for _ in range(3):
        main.invoice(1, "never paid")
    spread(main)

    def drop(exchange: Exchange) -> None:
        with contextlib.closing(sqlite3.connect(main.server.root / "data" / "database.sqlite3", timeout=30)) as db, db:
            db.execute("DELETE FROM apipayments WHERE wallet_id=? AND status='pending'", (main.id,))
        exchange.reply(exchange.forward())

    proxy.on(drop, "GET", RECORDS, nth=2)
    sync()
    assert in_journal(amani) == 9


def test_an_invoice_that_is_paid_when_it_is_far_down(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int]
) -> None:
    late, never = main.invoice(5, "paid late"), main.invoice(6, "never paid")
    pay_in(main, other, 9)
    assert sync() == 10
    assert sync() == 0
    other.pay(late)
    before = proxy.count("GET", "/api/v1/payments.*")
    assert sync() == 1
    assert proxy.count("GET", "/api/v1/payments.*") - before <= 4
    assert amani("history", "list", "--search", "paid late", "-q").stdout.count("\n") == 1
    assert sync() == 0
    assert never not in amani("history", "list", "--json").stdout


def test_an_invoice_that_was_paid_far_down_long_before_the_next_sync(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int], home: Path
) -> None:
    """It is asked about once more before it is given up as long past its end; what nobody has paid is given up then."""
    late = main.invoice(5, "paid late")
    main.invoice(6, "never paid")
    pay_in(main, other, 9)
    assert sync() == 10
    other.pay(late)
    ledgers.change(home, "UPDATE awaited SET ends=made - 1")  # as if days had passed since
    pay_in(main, other, 1)
    assert sync() == 2
    assert amani("history", "list", "--search", "paid late", "-q").stdout.count("\n") == 1
    assert ledgers.ask(home, "SELECT count(*) FROM awaited") == [(0,)]
    before = proxy.count("GET", "/api/v1/payments.*")
    assert sync() == 0
    assert proxy.count("GET", "/api/v1/payments.*") == before + 1


def test_an_invoice_that_had_ended_long_before_it_was_read(
    amani: Amani, main: Held, other: Held, sync: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """LNbits lets one of its wallets pay it all the same, until somebody asks about it by its hash."""
    monkeypatch.setattr(records, "LATE_S", -(10**9))
    late = main.invoice(5, "paid late")
    pay_in(main, other, 9)
    assert sync() == 10
    other.pay(late)
    pay_in(main, other, 1)
    assert sync() == 2
    assert amani("history", "list", "--search", "paid late", "-q").stdout.count("\n") == 1


def test_what_is_long_past_its_end_is_asked_about_a_few_at_a_time(
    main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LATE_S", -(10**9))
    monkeypatch.setattr(records, "ASKED_AT_ONCE", 3)
    for number in range(7):
        main.invoice(5, f"abandoned {number}")
    pay_in(main, other, 9)
    assert sync() == 10
    for count, left in ((6, 4), (6, 1), (2, 0)):  # twice where it is still called pending
        before = proxy.count("GET", "/api/v1/payments/[0-9a-f]{64}")
        assert sync() == 0
        asked = proxy.count("GET", "/api/v1/payments/[0-9a-f]{64}") - before
        assert (asked, ledgers.ask(home, "SELECT count(*) FROM awaited")) == (count, [(left,)])


def test_an_own_invoice_that_the_wallet_itself_pays_when_it_is_far_down(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int]
) -> None:
    """It has two records of one hash then, and the one on the first page is not the one that was awaited."""
    late = main.invoice(5, "to itself")
    pay_in(main, other, 9)
    assert sync() == 10
    main.pay(late)
    assert sync() == 2
    found = amani("history", "list", "--search", "to itself", "--json").data["items"]
    assert sorted(item["direction"] for item in found) == ["in", "out"]
    assert amani("reconcile", "--json").json["data"]["differences"] == []


def test_an_invoice_that_is_paid_far_down_and_listed_under_another_time(
    amani: Amani, main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int]
) -> None:
    """As after an upgrade of the server: what was awaited is known by its hash then."""
    late = main.invoice(5, "late")
    pay_in(main, other, 9)
    spread(main)
    assert sync() == 10
    change_server(main, "UPDATE apipayments SET time=time+1 WHERE memo='late' AND wallet_id=?")
    other.pay(late)
    assert sync() == 1
    asked = proxy.count("GET", "/api/v1/payments/[0-9a-f]+")
    assert sync() == 0
    assert proxy.count("GET", "/api/v1/payments/[0-9a-f]+") == asked
    assert amani("reconcile", "--json").json["data"]["differences"] == []


def test_what_is_gone_from_the_server_ends_a_sync_that_was_cut_twice(
    main: Held, other: Held, proxy: FaultProxy, sync: Callable[..., int]
) -> None:
    """With every record, and three stretches still to be read, each of which is empty now."""
    for _ in range(2):
        pay_in(main, other, 9)
        spread(main)
        proxy.on(fault_proxy.answer(500, {}), "GET", RECORDS, nth=2)
        sync(code=10)
        proxy.heal()
    change_server(main, "DELETE FROM apipayments WHERE wallet_id=?")
    asked = proxy.count("GET", RECORDS)
    proxy.on(fault_proxy.answer(500, {}), "GET", RECORDS, nth=20, times=None)  # or a fault would never end it
    assert sync() == 0
    assert proxy.count("GET", RECORDS) - asked < 10


def test_a_clock_that_was_behind_is_found_out_by_the_balance(
    amani: Amani, main: Held, other: Held, sync: Callable[..., int]
) -> None:
    pay_in(main, other, 9)
    spread(main)
    sync()
    pay_in(main, other, 1)
    with contextlib.closing(sqlite3.connect(main.server.root / "data" / "database.sqlite3", timeout=30)) as db, db:
        newest = "SELECT max(time) FROM apipayments WHERE wallet_id=?1"
        sql = f"UPDATE apipayments SET time=1700000000 WHERE wallet_id=?1 AND time=({newest})"
        assert db.execute(sql, (main.id,)).rowcount == 1
    assert sync() == 0
    assert amani("reconcile", "--json").json["data"]["differences"] == []
    assert in_journal(amani) == 11


def test_the_records_of_another_wallet_are_not_taken_in(
    amani: Amani, main: Held, other: Held, sync: Callable[..., int]
) -> None:
    sync()
    write_key(main.key_file, other.admin_key)
    refused = amani("history", "sync", "-w", "main", "--json")
    assert (refused.code, refused.error["code"]) == (3, "WRONG_KEY")
    assert in_journal(amani) == 1
