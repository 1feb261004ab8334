"""What a payment asks of a ledger that is far away: each message is 1 ms, or 30 ms, of waiting."""

from __future__ import annotations

import pytest

from tests.conftest import AddWallet, write_key
from tests.kit.driver import Amani
from tests.kit.ledger_proxy import LedgerProxy

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

BEFORE, AFTER = 6, 3
PIN = "739154"


@pytest.mark.parametrize("under", ["no rule", "a reference", "a budget", "a PIN", "a reference, a budget, a PIN"])
def test_a_payment_asks_little_of_the_ledger(
    amani: Amani, add_wallet: AddWallet, proxy: LedgerProxy, under: str
) -> None:
    payer = add_wallet("payer", 1000)
    payee = add_wallet("payee", 0)
    amani("wallet", "use", "payer")
    more: list[object] = []
    if "reference" in under:
        more += ["--reference", "rent"]
    if "budget" in under:
        assert amani("wallet", "limit", "payer", "--per-day", "500sat", "--per-payment", "100sat").code == 0
    if "PIN" in under:
        pin = write_key(payer.key_file.with_name("pin"), PIN)
        assert amani("pin", "set", "--always", "--pin-file", pin).code == 0
        more += ["--pin-file", pin]
    invoice = payee.invoice(21)
    proxy.seen.clear()
    paid = amani("pay", invoice, "--yes", "--json", *more)
    assert paid.code == 0, paid
    inserted = next(at for at, text in enumerate(proxy.seen) if "INSERT INTO payment" in text)
    before = next(at for at, text in enumerate(proxy.seen[inserted:], inserted + 1) if text.endswith("COMMIT"))
    after = len(proxy.seen) - before
    told = "\n".join(text[:150] for text in proxy.seen)
    assert before <= BEFORE, told
    assert after <= AFTER, told
