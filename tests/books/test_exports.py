"""`amani history export`, and the programs that are to read what it writes."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from amani_cli.store.journal import OUTSIDE
from tests.kit.driver import Amani, environment
from tests.kit.journals import add_payment, add_wallet, writing

NASTY = '=cmd|"/c calc"!A1; rm -rf\n* ] } \\ "quoted" Ünïcode 支付 #tag ^link'


@pytest.fixture(autouse=True)
def _utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


ACTS = "a\x1b]0;owned\x07b\x9b31mc\u202ed\u2066e\u2028f\u2029g\x85h\x7fi\x00j\rk\nl\u200bm\U000e0041"


@pytest.mark.parametrize("form", ["csv", "jsonl", "ledger", "beancount"])
def test_nothing_in_a_file_acts_on_whoever_looks_at_it(amani: Amani, home: Path, tmp_path: Path, form: str) -> None:
    """Whoever pays can choose the words of a memo: `cat` of an export must not obey them."""
    with writing(home) as (_, db):
        main = add_wallet(db, f"main{ACTS}")
        for number, amount in enumerate((100_000, -1000)):
            add_payment(
                db,
                main,
                amount,
                "2026-07-30T10:00:00Z",
                id=f"pay_{number}",
                **dict.fromkeys(("wallet", "memo", "destination", "reference", "actor", "category"), ACTS),
                rate="65000.00",
                rate_currency="USD",
                rate_source=ACTS,
                rate_at="2026-08-01T10:01:00Z",
            )
    file = tmp_path / "out"
    assert amani("history", "export", "--format", form, "-o", file).code == 0
    shown = amani("history", "export", "--format", form).stdout
    for text in (file.read_bytes().decode(), shown, amani("metrics").stdout):
        lines = text.replace("\r\n", "\n").split("\n")
        assert [line for line in lines if not line.isprintable()] == []
    assert "owned" in file.read_text()


@pytest.fixture
def books(home: Path) -> Path:
    """Two wallets over two months: fees, odd msat, a transfer, nasty text, a fiat payout, an open outcome."""
    with writing(home) as (_, db):
        main = add_wallet(db, "main")
        other = add_wallet(db, "Ops: café (2)")
        fiat = add_wallet(db, "biz", provider="fincra", remote_id="biz")
        add_wallet(db, "alice", sandbox=1)
        add_payment(db, main, 100_000, "2026-07-30T10:00:00Z", memo="seed", id="pay_a")
        add_payment(db, main, -1000, "2026-07-31T10:00:00Z", fee_msat=2500, memo=NASTY, id="pay_b", destination=NASTY)
        rate = {
            "rate": "65000.00",
            "rate_currency": "USD",
            "rate_source": "x.example",
            "rate_at": "2026-08-01T10:01:00Z",
        }
        add_payment(db, main, -2000, "2026-08-01T10:00:00Z", fee_msat=1, category="rent", id="pay_c", **rate)
        add_payment(db, main, -500, "2026-08-02T10:00:00Z", id="pay_d", payment_hash="aa" * 32, kind="transfer")
        add_payment(db, other, 500, "2026-08-02T10:00:00Z", id="pay_e", payment_hash="aa" * 32, wallet="Ops: café (2)")
        add_payment(db, other, 7, "2026-08-03T10:00:00Z", id="pay_f", category="Income:Sales:Übersee", wallet="Ops")
        fiat_row = {"provider": "fincra", "amount_msat": None, "fee_msat": None, "currency": "NGN", "wallet": "biz"}
        add_payment(db, fiat, 1, "2026-08-04T10:00:00Z", id="pay_g", amount="5000.00", **fiat_row)
        add_payment(db, fiat, -1, "2026-08-05T10:00:00Z", id="pay_h", amount="1200.50", fee="50.00", **fiat_row)
        add_payment(db, main, -9, "2026-08-06T10:00:00Z", id="pay_i", status="unknown", settled_at=None)
        add_payment(db, main, -9, "2026-08-06T10:00:00Z", id="pay_j", status="failed", settled_at=None)
        add_payment(db, 4, 99, "2026-08-06T10:00:00Z", id="pay_k", sandbox=1, wallet="alice")
        add_payment(db, OUTSIDE, -9, "2026-08-06T10:00:00Z", id="pay_l", wallet="cheque", kind="claim")
        add_payment(db, main, 1, "2026-09-01T00:00:00Z", id="pay_m")
    return home


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_fees_apart_and_a_running_balance(amani: Amani, books: Path) -> None:
    result = amani("history", "export", "--format", "csv")
    found = {row["id"]: row for row in rows(result.stdout)}
    assert list(found) == [f"pay_{letter}" for letter in "abcdefghm"]
    assert [(row["amount"], row["fee"], row["balance"], row["unit"]) for row in found.values()] == [
        ("100000", "0", "100000", "sat"),
        ("-1000", "2.5", "98997.5", "sat"),
        ("-2000", "0.001", "96997.499", "sat"),
        ("-500", "0", "96497.499", "sat"),
        ("500", "0", "500", "sat"),
        ("7", "0", "507", "sat"),
        ("5000.00", "0", "5000.00", "NGN"),
        ("-1200.50", "50.00", "3749.50", "NGN"),
        ("1", "0", "96498.499", "sat"),
    ]
    assert found["pay_d"]["own"] == found["pay_e"]["own"] == "yes"
    assert (found["pay_c"]["value"], found["pay_c"]["currency"], found["pay_c"]["rate_source"]) == (
        *("-1.30", "USD"),
        "x.example",
    )
    assert found["pay_a"]["value"] == ""
    assert "1 open outcome(s)" in result.stderr


def test_csv_is_safe_in_a_spreadsheet(amani: Amani, books: Path) -> None:
    memo = {row["id"]: row for row in rows(amani("history", "export", "--format", "csv").stdout)}["pay_b"]
    assert memo["memo"] == memo["destination"] == "'" + NASTY.replace("\n", r"\n")


def test_a_month_begins_with_what_was_there(amani: Amani, books: Path) -> None:
    found = rows(amani("history", "export", "--format", "csv", "--month", "2026-08").stdout)
    assert [row["id"] for row in found] == [f"pay_{letter}" for letter in "cdefgh"]
    assert found[0]["balance"] == "96997.499"
    only = rows(amani("history", "export", "--format", "csv", "--month", "2026-08", "-w", "biz").stdout)
    assert [row["id"] for row in only] == ["pay_g", "pay_h"]


def test_jsonl_speaks_as_history_does(amani: Amani, books: Path) -> None:
    lines = amani("history", "export", "--format", "jsonl", "--month", "2026-08").stdout.splitlines()
    found = {each["id"]: each for each in map(json.loads, lines)}
    shown = amani("history", "show", "pay_c", "--json").data
    assert found["pay_c"].items() >= shown.items()
    assert found["pay_c"]["balance_msat"] == 96_997_499
    assert found["pay_c"]["value"] == {"value": "-1.30", "currency": "USD"}
    assert found["pay_c"]["rate"]["price"] == "65000.00"
    assert found["pay_h"]["balance"] == {"value": "3749.50", "currency": "NGN"}


def test_sandbox_money_stays_out_of_real_books(amani: Amani, books: Path) -> None:
    assert [row["id"] for row in rows(amani("history", "export", "--format", "csv", "-w", "alice").stdout)] == ["pay_k"]


def test_a_file_is_whole_private_and_told_of(amani: Amani, books: Path, tmp_path: Path) -> None:
    out = tmp_path / "august.csv"
    done = amani("history", "export", "--format", "csv", "--month", "2026-08", "--output", out, "--json").data
    assert (done["payments"], done["open"], done["without_rate"]) == (6, 1, 3)
    assert (done["since"], done["until"]) == ("2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z")
    assert out.stat().st_mode & 0o777 == 0o600
    assert len(rows(out.read_text())) == 6
    assert list(tmp_path.glob(".august*")) == []
    refused = amani("history", "export", "--format", "csv", "--output", tmp_path / "no" / "x.csv", "--json")
    assert (refused.code, refused.error["code"]) == (2, "CANT_WRITE")


@pytest.mark.parametrize(
    "options",
    [["--format", "xls"], ["--format", "csv", "--json"], ["--format", "csv", "--month", "last", "--since", "today"],
     ["--format", "csv", "--month", "2026-13"]],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(amani: Amani, books: Path, options: Sequence[str]) -> None:
    assert amani("history", "export", *options).code == 2


def test_rates_from_a_file_fill_gaps_and_are_marked(amani: Amani, books: Path, tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("date,currency,rate\n2026-07-28,EUR,50000\n2026-08-02,EUR,60000.5\n")
    result = amani("history", "export", "--format", "csv", "--rates", rates)
    found = {row["id"]: row for row in rows(result.stdout)}
    assert (found["pay_a"]["value"], found["pay_a"]["currency"]) == ("50.00", "EUR")
    assert (found["pay_a"]["rate_source"], found["pay_a"]["rate_at"]) == ("file rates.csv", "2026-07-28")
    assert found["pay_c"]["currency"] == "USD"  # what was stored when it settled stands
    assert found["pay_f"]["rate"] == "60000.5"
    assert found["pay_m"]["value"] == ""  # nothing near enough
    assert "have no rate" in result.stderr


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "date,currency,rate\n2026-08-02,EUR,-1\n",
        "date,currency,rate\nx,EUR,1\n",
        "date,currency,rate\n2026-08-02,XXQ,1\n",
        "date,currency,rate\n2026-08-02,EUR\n",
        "date,currency,rate\n2026-08-02,EUR,60000\n2026-08-02,USD,65000\n",
        "date,currency,rate\n2026-08-02,EUR,60000\n2026-08-03,EUR,60001\n2026-08-02,EUR,70000\n",
    ],
)
def test_rates_that_cannot_be_right_are_refused(amani: Amani, books: Path, tmp_path: Path, text: str) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text(text)
    result = amani("history", "export", "--format", "csv", "--rates", rates, "--json", "-o", tmp_path / "x")
    assert (result.code, result.error["code"]) == (2, "BAD_RATES")
    assert not (tmp_path / "x").exists()


def run(*argv: object, stdin: str | None = None) -> str:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, input=stdin, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("month", [[], ["--month", "2026-08"]])
def test_hledger_and_ledger_agree(amani: Amani, books: Path, tmp_path: Path, month: list[str]) -> None:
    programs = [name for name in ("hledger", "ledger") if shutil.which(name)]
    if not programs:
        pytest.skip("neither hledger nor ledger is installed")
    out = tmp_path / "books.journal"
    amani("history", "export", "--format", "ledger", "-o", out, *month)
    main = "96,498.499" if not month else "96,497.499"
    for name in programs:
        shown = run(name, "-f", out, "balance").replace("96497", "96,497").replace("96498", "96,498")
        assert f"{main} sat" in shown, shown
        assert "3749.50 NGN" in shown
        assert "Fees" in shown
        assert "Transfers" not in run(name, "-f", out, "balance", "Equity:Transfers", "--depth", "2"), "they net out"
    if "hledger" in programs:
        run("hledger", "-f", out, "check", "ordereddates")
        assert "-1.30 USD" in run("hledger", "-f", out, "print", "desc:pay")


def test_months_one_after_the_other_make_one_ledger(amani: Amani, books: Path, tmp_path: Path) -> None:
    if not shutil.which("hledger"):
        pytest.skip("hledger is not installed")
    text = amani("history", "export", "--format", "ledger", "--until", "2026-08-01").stdout
    for month in ("2026-08", "2026-09"):
        text += amani("history", "export", "--format", "ledger", "--month", month, "--no-opening").stdout
    (tmp_path / "all.journal").write_text(text)
    whole = amani("history", "export", "--format", "ledger").stdout
    (tmp_path / "whole.journal").write_text(whole)
    balances = [run("hledger", "-f", tmp_path / f"{name}.journal", "balance") for name in ("all", "whole")]
    assert balances[0] == balances[1]


@pytest.mark.parametrize("month", [[], ["--month", "2026-08"]])
def test_bean_check_accepts_it(amani: Amani, books: Path, tmp_path: Path, month: list[str]) -> None:
    check = Path(sys.executable).with_name("bean-check")
    if not check.exists():
        pytest.skip("beancount is not installed")
    out = tmp_path / "books.beancount"
    amani("history", "export", "--format", "beancount", "-o", out, *month)
    run(check, out)
    text = out.read_text()
    assert "balance Assets:Lightning:Main  9649" in text
    # A wrong figure would be seen: the balances are asserted.
    out.write_text(text.replace("  -500 SAT", "  -501 SAT").replace("  500 SAT", "  501 SAT", 1))
    assert subprocess.run([check, out], capture_output=True, check=False).returncode != 0


def test_memory_stays_flat(home: Path, tmp_path: Path) -> None:
    with writing(home) as (store, db):
        main = add_wallet(db, "main")
        add_payment(db, main, 10, "2026-08-01T00:00:00Z")
        at, chance = "2026-08-02T00:00:00Z", random.Random(1)
        columns = ("id", "wallet_id", "wallet", "provider", "direction", "kind", "status", "amount_msat", "fee_msat")
        alike = (main, "main", "lnbits", "in", "invoice", "settled", 1000, 0)
        store.take_in(
            "payment",
            (*columns, "memo", "created_at", "settled_at"),
            ((f"pay_x{number}", *alike, chance.randbytes(50).hex(), at, at) for number in range(100_000)),
        )

    def peak(*options: str) -> int:
        words = [sys.executable, "-m", "amani_cli", "history", "export", "--format", "jsonl", "--force", *options]
        with subprocess.Popen([*words, "-o", str(tmp_path / "out")], env=environment()) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = status
        assert status == 0
        return usage.ru_maxrss

    few = peak("--until", "2026-08-02")
    many = peak()
    assert (tmp_path / "out").stat().st_size > 40_000_000
    assert many < few + 6000, f"{many} KiB against {few} KiB"
    assert Decimal(json.loads((tmp_path / "out").read_text().splitlines()[-1])["balance_msat"]) == 100_010_000
