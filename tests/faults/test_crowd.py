"""Many amani processes on one database: nothing is done twice, no write is lost, and nobody is told "locked".

Crowds at budgets, limits, PIN attempts, the faucet and cheques are in tests/rules and tests/cheques.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from amani_cli.store import migrations
from amani_cli.store.ledger import SCHEMA_VERSION
from tests.conftest import AddWallet
from tests.faults.line import SAT, World, world
from tests.faults.tally import DEEP, Tally
from tests.faults.test_fincra_kills import is_whole
from tests.kit.books import compared
from tests.kit.crowd import at_once
from tests.kit.driver import Amani, Result
from tests.kit.journals import add_payment, writing
from tests.kit.journals import add_wallet as add_row
from tests.kit.lnbits_server import LnbitsServer
from tests.store.test_store import older

__all__ = ["world"]

pytestmark = pytest.mark.faults

MANY = 24 if DEEP else 6


def crowd(amani: Amani, tally: Tally, commands: Iterable[Iterable[object]], *codes: int) -> list[Result]:
    """Start all of them at once; each must end with one of these codes, and none of a lock."""
    results = at_once(amani, [(list(words), None) for words in commands])
    tally("processes", len(results))
    for result in results:
        assert result.code in codes, result
        assert "locked" not in result.stderr, result
    return results


@pytest.mark.lnbits
class TestPays:
    @pytest.mark.parametrize("times", range(5 if DEEP else 1))
    def test_of_one_invoice(self, amani: Amani, world: World, tally: Tally, times: int) -> None:
        invoice = world.foreign
        # 8: another one's payment was on its way when this one asked about it.
        results = crowd(amani, tally, [("pay", invoice, "--yes", "--json")] * MANY, 0, 8)
        assert len({result.data["id"] for result in results if result.code == 0}) == 1
        assert (world.payer.sat, amani("reconcile").code) == (9000 - SAT, 0)
        assert len([each for each in world.proxy.those("POST", "/api/v1/payments") if each.json["out"]]) == 1
        compared(amani, world.payer)

    @pytest.mark.parametrize("times", range(5 if DEEP else 1))
    def test_of_one_reference(self, amani: Amani, world: World, tally: Tally, times: int) -> None:
        words = [("pay", world.foreign, "--reference", "rent", "--yes", "--json") for _ in range(MANY)]
        results = crowd(amani, tally, words, 0, 8, 9)
        assert {result.error["code"] for result in results if result.code == 9} <= {"REFERENCE_TAKEN"}
        assert (world.payer.sat, amani("reconcile").code) == (9000 - SAT, 0)
        compared(amani, world.payer)

    def test_transfers_of_one_reference(self, amani: Amani, world: World, tally: Tally) -> None:
        words = ("transfer", "payee", SAT, "--reference", "rent", "--yes", "--json")
        crowd(amani, tally, [words] * MANY, 0, 8)
        assert amani(*words).data["replayed"] is True
        assert (world.payer.sat, world.payee.sat, amani("reconcile").code) == (9000 - SAT, SAT, 0)
        compared(amani, world.payer, world.payee)

    def test_reconciles_and_the_payments_they_are_about(self, amani: Amani, world: World, tally: Tally) -> None:
        open_ = [world.in_doubt for _ in range(3)]
        words = [("pay", world.foreign, "--yes") for _ in range(MANY // 2)]
        crowd(amani, tally, [*words, *[("reconcile", "--no-books", "--json")] * (MANY // 2)], 0, 8)
        assert amani("reconcile").code == 0
        assert {amani("history", "show", each, "--json").data["status"] for each in open_} == {"settled"}
        settled = amani("audit", "list", "--json").data["items"]
        for each in open_:  # closed by one of them, and once
            assert [entry["outcome"] for entry in settled if entry["subject"] == each].count("settled") == 1
        assert amani("audit", "verify").code == 0
        compared(amani, world.payer)

    def test_invoices_of_one_reference(self, amani: Amani, world: World, tally: Tally) -> None:
        words = ("invoice", "create", SAT, "-w", "payee", "--reference", "rent", "--json")
        results = crowd(amani, tally, [words] * MANY, 0)
        assert len({result.data["payment_hash"] for result in results}) == 1
        made = [("invoice", "create", SAT, "-w", "payee", "-q") for _ in range(MANY)]
        different = crowd(amani, tally, made, 0)
        assert len({result.stdout for result in different}) == MANY
        assert len(amani("invoice", "list", "--limit", "100", "--json").data["items"]) == MANY + 1


@pytest.mark.lnbits
def test_payments_beside_a_long_export(
    amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer, home: Path, tmp_path: Path, tally: Tally
) -> None:
    payee, payer = add_wallet("payee"), add_wallet("payer", 9000)
    rows = 50_000 if DEEP else 10_000
    with writing(home) as (_, db):
        old = add_row(db, "old")
        for number in range(rows):
            add_payment(db, old, 1, f"2026-08-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z")
    exports = [tmp_path / f"{number}.csv" for number in range(2)]
    words: list[list[object]] = [["history", "export", "--format", "csv", "-o", path] for path in exports]
    words += [["pay", payee.invoice(SAT), "-w", "payer", "--yes"] for _ in range(MANY)]
    crowd(amani, tally, words, 0)
    for path in exports:
        with path.open(newline="") as file:
            exported = list(csv.reader(file))
        assert rows < len(exported) <= rows + MANY + 1, exported[:3]
    assert payer.sat == 9000 - MANY * SAT
    compared(amani, payer)


@pytest.mark.sqlite
@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION) if DEEP else [1, SCHEMA_VERSION - 1])
def test_migrations_at_once(amani: Amani, home: Path, version: int, tally: Tally) -> None:
    older(home / "amani.db", version)
    reads = [("history", "list", "-q")] * (MANY // 2)
    writes = [("contact", "add", f"c{number}", "ada@example.com") for number in range(MANY // 2)]
    results = crowd(amani, tally, [*reads, *writes], 0)
    assert [result.stdout for result in results[: len(reads)]] == ["pay_1\n"] * len(reads)
    assert len(amani("contact", "list", "--json").data["items"]) == len(writes)
    is_whole(home)
    copy = migrations.copy_path(home / "amani.db", version)
    with closing(sqlite3.connect(copy)) as db:  # of the time before, whichever of them was first
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
        assert db.execute("SELECT id FROM payment").fetchall() == [("pay_1",)]
    assert {each.name for each in home.glob("*before*")} == {copy.name}


@pytest.mark.lnbits
def test_wallets_made_on_the_sandbox_at_once(
    amani: Amani, lnbits_server: LnbitsServer, sandbox_home: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their keys lie in one file: each must still be there."""
    monkeypatch.setenv("AMANI_HOME", str(sandbox_home))
    assert amani("sandbox", "start").code == 0
    names = [f"crowd{os.urandom(3).hex()}" for _ in range(MANY)]
    crowd(amani, tally, [("wallet", "create", name, "--url", lnbits_server.url) for name in names], 0)
    for name in names:
        assert amani("wallet", "balance", name, "--json").data["balance_msat"] == 0
