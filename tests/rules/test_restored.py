"""What a restored copy holds is the wallet at its server: until that one was read back and its books agree."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from amani_cli.providers import lnbits_records
from amani_cli.store import read_back
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit import fault_proxy
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import FaultProxy
from tests.kit.going_back import Copied
from tests.kit.journals import as_before

pytestmark = [pytest.mark.lnbits, pytest.mark.usefixtures("cheap_seal")]

PASSPHRASE = "correct horse battery staple"
RECORDS = "/api/v1/payments/paginated"


@pytest.fixture
def other(add_wallet: AddWallet) -> Held:
    """Who is paid; in another home when `main` is alone."""
    return add_wallet("other", 1000)


@pytest.fixture
def main(amani: Amani, other: Held, add_wallet: AddWallet) -> Held:
    """The only wallet there is, with 500 sat."""
    assert amani("wallet", "remove", "other", "--yes").code == 0
    held = add_wallet("main", 500)
    assert amani("wallet", "use", "main").code == 0
    return held


@pytest.fixture
def restore(main: Held, copied: Copied) -> Callable[[], Path]:
    """Makes a copy now; the call is another machine on which it is restored."""
    return copied()


def refused(result: Result) -> None:
    assert (result.code, result.error["code"]) == (9, "RECONCILE_FIRST"), result


def add(amani: Amani, held: Held, name: str) -> None:
    assert amani("wallet", "add", name, "--url", held.server.url, "--key-file", held.key_file).code == 0


@pytest.mark.parametrize("synced", [False, True])
def test_removed_reconciled_and_added_again_it_pays_a_reference_once(
    amani: Amani, main: Held, other: Held, restore: Callable[[], Path], synced: bool
) -> None:
    late = ("pay", other.invoice(20), "--reference", "rent-11", "--yes", "--json")
    first = amani(*late).data
    restore()
    # What is missing comes in with what lifts the hold.
    assert amani("trace", first["payment_hash"], "--json").data["next"][0].startswith("amani reconcile")
    assert amani("wallet", "remove", "main", "--yes").code == 0
    nobody = amani("reconcile")
    assert nobody.code == 10
    assert "possible again" not in nobody.stderr
    assert "'main' stays held: it is not known here any more" in nobody.stderr
    add(amani, main, "again")
    refused(amani(*late))
    if synced:
        assert amani("history", "sync").code == 0
        refused(amani("pay", other.invoice(1), "--yes", "--json"))
    done = amani("reconcile")
    assert done.code == 0, done
    assert "Spending is possible again" in done.stderr
    again = amani(*late).data
    assert (again["payment_hash"], again["replayed"]) == (first["payment_hash"], True)
    assert main.sat == 480


def test_a_catch_up_that_was_cut_lifts_nothing(
    amani: Amani, main: Held, other: Held, restore: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even by the second reconcile; and what fills the first page hides nothing."""
    monkeypatch.setattr(lnbits_records, "PAGE", 3)
    monkeypatch.setattr(read_back, "DEPTH", 0)
    monkeypatch.setattr(read_back, "MARGIN_S", 0)
    late = ("pay", other.invoice(20), "--reference", "rent-11", "--yes", "--json")
    first = amani(*late).data
    for _ in range(8):
        other.pay(main.invoice(1))
    restore()
    with FaultProxy(main.server.url) as proxy:
        change_database(Path(os.environ["AMANI_HOME"]), "UPDATE wallet SET url=?", proxy.url)
        proxy.on(fault_proxy.answer(500, {"detail": "trouble"}), "GET", RECORDS, nth=2, times=None)
        for _ in range(2):
            cut = amani("reconcile")
            assert cut.code == 10
            assert "possible again" not in cut.stderr
            refused(amani(*late))
        proxy.heal()
        done = amani("reconcile")
        assert (done.code, "Spending is possible again" in done.stderr) == (0, True)
        assert amani(*late).data["payment_hash"] == first["payment_hash"]
    assert main.sat == 500 - 20 + 8


def test_books_that_differ_keep_the_hold(
    amani: Amani, main: Held, other: Held, restore: Callable[[], Path], home: Path
) -> None:
    assert amani("history", "sync").code == 0
    restore()
    change_database(Path(os.environ["AMANI_HOME"]), "UPDATE payment SET amount_msat=amount_msat+1000")
    assert amani("history", "sync").code == 0
    change_database(Path(os.environ["AMANI_HOME"]), "UPDATE payment SET amount_msat=amount_msat+1000")
    for _ in range(2):
        differs = amani("reconcile")
        assert differs.code == 13
        assert "possible again" not in differs.stderr
        assert "'main' stays held" in differs.stderr
        refused(amani("pay", other.invoice(1), "--yes", "--json"))


def test_one_wallet_is_free_while_another_is_held(
    amani: Amani, main: Held, other: Held, add_wallet: AddWallet, copied: Copied
) -> None:
    second = add_wallet("second", 50)
    copied()()
    key = second.key_file.read_text().strip()
    second.key_file.unlink()
    partly = amani("reconcile", "--json")
    assert (partly.code, partly.json["data"]["unasked"]) == (10, ["second"])
    assert "possible again" not in partly.stderr
    assert "Wallet 'main' has been read back" in partly.stderr
    assert amani("pay", other.invoice(1), "--yes").code == 0
    held = amani("pay", other.invoice(1), "-w", "second", "--yes", "--json")
    refused(held)
    assert "wallet 'second' is held" in held.error["message"]
    add_wallet("third", 5)  # the copy did not know it
    assert amani("pay", other.invoice(1), "-w", "third", "--yes").code == 0
    write_key(second.key_file, key)
    assert "Spending is possible again" in amani("reconcile").stderr
    assert amani("pay", other.invoice(1), "-w", "second", "--yes").code == 0


def test_nobody_can_be_asked(amani: Amani, main: Held, other: Held, restore: Callable[[], Path]) -> None:
    """A copy without keys: nothing is asked, so nothing is released, and it is no success."""
    restore()
    main.key_file.unlink()
    for words in ((), ("--no-books",), ("--older-than", "10m")):
        result = amani("reconcile", *words)
        assert result.code == 10, words
        assert "possible again" not in result.stderr
    assert 'command="reconcile"' not in amani("metrics").stdout
    assert "amani_spending_held 1" in amani("metrics").stdout


def test_the_wallet_in_the_environment_is_held_too(amani: Amani, main: Held, other: Held, copied: Copied) -> None:
    env = {"LNBITS_API_KEY": other.admin_key, "LNBITS_BASE_URL": other.server.url}
    assert amani("wallet", "remove", "main", "--yes").code == 0
    assert amani("pay", main.invoice(7), "--yes", env=env).code == 0
    restore = copied()
    late = ("pay", main.invoice(20), "--reference", "rent-11", "--yes", "--json")
    first = amani(*late, env=env).data
    restore()
    assert amani("reconcile").code == 10  # without its variables
    refused(amani(*late, env=env))
    done = amani("reconcile", env=env)
    assert (done.code, "Spending is possible again" in done.stderr) == (0, True)
    assert amani(*late, env=env).data["payment_hash"] == first["payment_hash"]
    assert other.sat == 1000 - 27


def test_restores_on_top_of_each_other(
    amani: Amani, main: Held, other: Held, restore: Callable[[], Path], copied: Copied
) -> None:
    late = ("pay", other.invoice(20), "--reference", "rent-11", "--yes", "--json")
    first = amani(*late).data
    restore()
    assert amani("wallet", "remove", "main", "--yes").code == 0
    again = copied()
    again()
    again()
    add(amani, main, "again")
    refused(amani(*late))
    assert amani("reconcile").code == 0
    assert amani(*late).data["payment_hash"] == first["payment_hash"]
    assert main.sat == 480


@pytest.mark.parametrize("form", ["mark", pytest.param("older schema", marks=pytest.mark.sqlite)])
def test_the_hold_of_an_older_amani_holds_every_wallet(
    amani: Amani, main: Held, other: Held, home: Path, form: str
) -> None:
    """It was one mark for all."""
    assert amani("pay", other.invoice(1), "--yes").code == 0
    change_database(home, "INSERT INTO mark VALUES ('spending held', 'the copy from before an upgrade', '2026-11-01')")
    if form == "older schema":
        as_before(home, "_read_back")
    refused(amani("pay", other.invoice(1), "--yes", "--json"))
    assert amani("wallet", "remove", "main", "--yes").code == 0
    assert amani("reconcile").code == 10
    add(amani, main, "again")
    refused(amani("pay", other.invoice(1), "--yes", "--json"))
    assert amani("reconcile").code == 0
    assert amani("pay", other.invoice(1), "--yes").code == 0


def test_a_reference_that_a_held_wallet_may_have_paid_is_not_paid_from_another(
    amani: Amani, main: Held, other: Held, restore: Callable[[], Path], add_wallet: AddWallet, tmp_path: Path
) -> None:
    """A payment to an address under a reference says nowhere from which wallet it was."""
    restore()
    assert amani("wallet", "remove", "main", "--yes").code == 0
    add_wallet("fresh", 50)
    assert amani("reconcile").code == 10
    assert amani("pay", other.invoice(1), "--yes").code == 0  # an invoice is paid once
    refused(amani("pay", other.invoice(1), "--reference", "r-1", "--yes", "--json"))  # which may stand for another one
    words = ("transfer", "fresh", "1", "--from", "fresh2", "--reference", "r-2", "--yes", "--json")
    add_wallet("fresh2", 50)
    held = amani(*words)
    refused(held)
    assert "wallet 'main' is held" in held.error["message"]
    assert "Invoices" in held.error["hint"]
    add(amani, main, "again")
    assert amani("reconcile").code == 0
    assert amani(*words).code == 0
