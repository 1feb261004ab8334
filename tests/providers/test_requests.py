"""How many HTTP requests a command makes: what its task needs, and not one more. Each stands here by name."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import write_key
from tests.kit.driver import Amani
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.lnurl_proxy import Proxy

pytestmark = pytest.mark.lnbits

BALANCE = "GET /api/v1/wallet"
INVOICE = PAY = "POST /api/v1/payments"
RECORD = "GET /api/v1/payments/{hash}"
RECORDS = "GET /api/v1/payments/paginated"
FEE = "GET /api/v1/payments/fee-reserve"


class Counted:
    """Two wallets behind a proxy that counts: `payer`, the default, with 1,000 sat, and `payee`."""

    def __init__(self, amani: Amani, proxy: Proxy, payee_key: str, server: LnbitsServer) -> None:
        self._amani, self._proxy, self._key, self._server = amani, proxy, payee_key, server

    def foreign_invoice(self) -> str:
        """An invoice of the payee's that amani has not heard of."""
        body = {"out": False, "amount": 21, "memo": "test"}
        return str(self._server.call("POST", "/api/v1/payments", key=self._key, json=body)["bolt11"])

    def own_invoice(self) -> str:
        """An invoice that amani made."""
        return str(self._amani("invoice", "create", "21", "-w", "payee", "--json").data["bolt11"])

    def __call__(self, *words: str, code: int = 0) -> list[str]:
        """Run a command; what it asked the server."""
        before = len(self._proxy.seen)
        result = self._amani(*words)
        assert result.code == code, result
        asked = [f"{method} {path.partition('?')[0]}" for method, path in self._proxy.seen[before:]]
        return [re.sub(r"[0-9a-f]{64}", "{hash}", each) for each in asked]


@pytest.fixture
def counted(amani: Amani, lnbits_server: LnbitsServer, tmp_path: Path) -> Iterator[Counted]:
    keys = {}
    proxy = Proxy(lnbits_server.port)
    with contextlib.ExitStack() as ended:
        ended.callback(proxy.stop)
        for name, sat in (("payer", 1000), ("payee", 0)):
            _, keys[name], _ = lnbits_server.new_wallet(sat)
            amani.secrets.add(keys[name])
            path = write_key(tmp_path / name, keys[name])
            added = amani("wallet", "add", name, "--url", proxy.url, "--key-file", str(path))
            assert added.code == 0, added
        yield Counted(amani, proxy, keys["payee"], lnbits_server)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("wallet list", []),
        ("wallet show", []),
        ("wallet balance", [BALANCE]),
        ("wallet balance --all", [BALANCE, BALANCE]),
        ("wallet use payee", []),
        ("wallet limit", []),
        ("invoice create 21", [INVOICE]),
        ("invoice list", []),
        ("history list", []),
        ("history list --search coffee", []),
        ("history sync", [RECORDS] * 4),  # the first time, that a list ends is asked for twice
        ("history export --format csv", []),
        ("reconcile", [BALANCE, RECORDS, RECORDS] * 2),
        ("reconcile --no-books", []),
        ("pin status", []),
        ("audit list", []),
        ("cheque list", []),
        ("contact list", []),
        ("config show", []),
    ],
)
def test_a_command_asks_for(counted: Counted, words: str, asked: list[str]) -> None:
    assert counted(*words.split()) == asked


def test_an_invoice_is_checked_by_its_record_alone(counted: Counted) -> None:
    invoice = counted.own_invoice()
    assert counted("invoice", "check", invoice) == [RECORD]
    assert counted("invoice", "show", invoice) == [RECORD]
    assert counted("invoice", "decode", invoice) == []
    assert counted("invoice", "list") == [RECORDS]  # one question a wallet, however many are pending


def test_a_payment_is_one_post_and_its_receipt_needs_none(counted: Counted) -> None:
    invoice = counted.foreign_invoice()
    # Whose the key in the file is, is asked before money leaves by it.
    assert counted("pay", invoice, "--yes") == [BALANCE, PAY]
    assert counted("pay", invoice, "--yes") == []
    assert counted("history", "show", invoice) == []


def test_a_fee_limit_costs_one_question(counted: Counted) -> None:
    assert counted("pay", counted.foreign_invoice(), "--yes", "--max-fee", "10sat") == [FEE, BALANCE, PAY]
    assert counted("pay", counted.own_invoice(), "--yes", "--max-fee", "10sat") == [BALANCE, PAY]


def test_a_dry_run_asks_what_can_be_spent_and_for_the_fee(counted: Counted) -> None:
    assert counted("pay", counted.foreign_invoice(), "--dry-run") == [BALANCE, FEE]
    assert counted("pay", counted.own_invoice(), "--dry-run") == [BALANCE]


def test_a_transfer_is_an_invoice_and_a_payment(counted: Counted) -> None:
    assert counted("transfer", "payee", "21", "--yes") == [INVOICE, BALANCE, PAY]
