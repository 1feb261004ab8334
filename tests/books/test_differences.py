"""`amani reconcile` on a real server when the journal and LNbits' own figures part: exit 13, and where."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from amani_cli.store.rows import Row
from tests.conftest import AddWallet, Held, change_database, mark_on_server, take_server_away, write_key
from tests.kit.driver import Amani, Result
from tests.kit.journals import add_payment, writing

pytestmark = pytest.mark.lnbits


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    """The default wallet, with 1,000 sat."""
    return add_wallet("main", 1000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    """Another wallet on the same server."""
    return add_wallet("other", 500)


@pytest.fixture
def paid(amani: Amani, main: Held, other: Held) -> str:
    """A payment of 40 sat from one to the other that reconcile has found in order."""
    entry = str(amani("pay", other.invoice(40), "--yes", "--json").data["id"])
    found = amani("reconcile", "--json").data
    assert (found["compared"], found["differences"]) == (2, [])
    return entry


def differences(result: Result) -> list[str]:
    assert result.code == 13, result
    found = result.json["data"]["differences"]
    assert found
    return list(found)


def test_what_amani_does_itself_adds_up(amani: Amani, paid: str, main: Held, other: Held) -> None:
    assert amani("transfer", "other", "5", "--from", "main", "--yes").code == 0
    assert amani("pin", "set", "--pin-stdin", stdin="48213").code == 0
    code = amani("cheque", "create", "20", "--yes", "-q").stdout.strip()
    assert amani("cheque", "create", "7", "--yes").code == 0
    amani.secrets.add(code)
    assert amani("cheque", "claim", "-", "--to", "other", stdin=code).code == 0
    assert amani("cheque", "void", amani("cheque", "list", "--status", "open", "-q").stdout.strip(), "--yes").code == 0
    other.pay(main.invoice(3, "behind its back"))
    shown = amani("reconcile")
    assert (shown.code, shown.stderr) == (0, "")
    assert "differ" not in shown.stdout


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("amount_msat=41000", "amount 41 sat here, 40 sat at the provider"),
        ("fee_msat=2000", "fee 2 sat here, 0 sat at the provider"),
        ("amount_msat=41000, fee_msat=1", "fee 0.001 sat here, 0 sat at the provider"),
    ],
)
def test_an_entry_that_is_not_as_the_provider_has_it(
    amani: Amani, paid: str, home: Path, change: str, text: str
) -> None:
    change_database(home, f"UPDATE payment SET {change} WHERE id=?", paid)
    found = differences(amani("reconcile", "--json"))
    assert f"{paid}: " in found[0]
    assert text in found[0]
    assert "main: the provider holds" in found[1]
    assert text in differences(amani("reconcile", paid, "--json"))[0]
    shown = amani("reconcile")
    assert "The books and the provider differ:\n  pay_" in shown.stdout
    assert amani("explain", "13", "-q").code == 0


def test_one_that_the_provider_calls_failed(amani: Amani, paid: str, main: Held) -> None:
    mark_on_server(main, amani("history", "show", paid, "--json").data["payment_hash"], "failed")
    found = differences(amani("reconcile", "--json"))
    assert found == [
        f"{paid}: settled here, failed at the provider",
        "main: the provider holds 40 sat more than the journal accounts for",
    ]
    assert differences(amani("reconcile", paid, "--json")) == found[:1]


def test_one_that_the_provider_has_never_heard_of(amani: Amani, paid: str, main: Held, home: Path) -> None:
    with writing(home) as (store, db):
        row = store.one(Row, "SELECT wallet_id FROM payment WHERE id=?", paid)
        assert row is not None
        entry = add_payment(db, row[0], -9, "2026-08-01T12:00:00Z", payment_hash="ab" * 32, remote_wallet_id=main.id)
    assert differences(amani("reconcile", "--json")) == [
        "main: the provider holds 9 sat more than the journal accounts for"
    ]
    assert differences(amani("reconcile", entry, "--json")) == [
        f"{entry}: settled here, and the provider has no record of it"
    ]


def test_what_the_journal_lacks_is_brought_in_and_no_difference(amani: Amani, paid: str, home: Path) -> None:
    change_database(home, "DELETE FROM payment WHERE id=?", paid)
    assert amani("reconcile", "--json").data["differences"] == []


def test_a_draw_that_failed_and_whose_invoice_nobody_paid_is_none(
    amani: Amani, paid: str, main: Held, home: Path
) -> None:
    payment_hash = amani("invoice", "decode", main.invoice(5), "--json").data["payment_hash"]
    with writing(home) as (store, db):
        row = store.one(Row, "SELECT wallet_id FROM payment WHERE id=?", paid)
        assert row is not None
        columns = {"payment_hash": payment_hash, "status": "failed", "kind": "cheque", "settled_at": None}
        add_payment(db, row[0], 5, "2026-08-01T12:00:00Z", **columns)
    assert amani("reconcile", "--json").data["differences"] == []


def test_what_is_open_explains_a_difference_and_differences_outrank_it(
    amani: Amani, paid: str, main: Held, home: Path
) -> None:
    mark_on_server(main, amani("history", "show", paid, "--json").data["payment_hash"], "pending")
    change_database(home, "UPDATE payment SET status='unknown', settled_at=NULL, reserved_msat=42000 WHERE id=?", paid)
    still = amani("reconcile", "--json")
    assert (still.code, still.json["data"]["differences"]) == (8, [])
    change_database(home, "UPDATE payment SET amount_msat=amount_msat+100000 WHERE memo='Admin credit'")
    both = amani("reconcile", "--json")
    assert len(differences(both)) == 4
    assert both.json["data"]["unknown"] == 1


def test_a_wallet_that_can_not_be_asked_is_named(amani: Amani, paid: str, home: Path) -> None:
    take_server_away(home)
    result = amani("reconcile", "--json")
    found = result.json["data"]
    assert (result.code, found["compared"], found["differences"], found["unasked"]) == (10, 0, [], ["main", "other"])
    assert "the books of 'main' could not be compared: Connection refused" in result.json["warnings"][0]
    assert amani("reconcile", "--no-books", "--json").json["warnings"] == []


@pytest.mark.parametrize("key", ["admin_key", "read_key"])
def test_the_key_of_another_wallet_compares_nothing(
    amani: Amani, paid: str, main: Held, add_wallet: AddWallet, key: str
) -> None:
    third = add_wallet("third", 7)
    before = amani("history", "list", "--json").data
    write_key(main.key_file, getattr(third, key))
    result = amani("reconcile", "--json")
    assert "another wallet's" in result.json["warnings"][0]
    assert [item["id"] for item in amani("history", "list", "-w", "main", "--json").data["items"]] == [
        item["id"] for item in before["items"] if item["wallet"] == "main"
    ]


def test_what_settles_meanwhile_is_no_difference(amani: Amani, paid: str, main: Held, other: Held) -> None:
    invoices = [main.invoice(1, str(number)) for number in range(60)]
    thread = threading.Thread(target=lambda: [other.pay(text) for text in invoices])
    thread.start()
    runs = 0
    while thread.is_alive():
        result = amani("reconcile", "--json")
        assert result.json["data"]["differences"] == []
        if result.code:  # it never stood still: then it is said that it could not be compared
            assert result.code == 10
            assert "too much happens" in result.json["warnings"][0]
        runs += 1
    thread.join()
    assert runs
    assert json.loads(amani("reconcile", "--json").stdout)["data"]["compared"] == 2
