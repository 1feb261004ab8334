"""What a payment asks of a ledger that is far away: each message is 1 ms, or 30 ms, of waiting."""

from __future__ import annotations

import pytest

from tests.conftest import AddWallet
from tests.kit.driver import Amani
from tests.kit.ledger_proxy import LedgerProxy

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

BEFORE, AFTER = 6, 3


def test_a_payment_asks_little_of_the_ledger(amani: Amani, add_wallet: AddWallet, proxy: LedgerProxy) -> None:
    add_wallet("payer", 1000)
    payee = add_wallet("payee", 0)
    amani("wallet", "use", "payer")
    invoice = payee.invoice(21)
    proxy.seen.clear()
    paid = amani("pay", invoice, "--yes", "--json")
    assert paid.code == 0, paid
    commits = [at for at, text in enumerate(proxy.seen, 1) if text.endswith("COMMIT")]
    before, after = commits[0], len(proxy.seen) - commits[0]
    told = "\n".join(text[:150] for text in proxy.seen)
    assert before <= BEFORE, told
    assert after <= AFTER, told
