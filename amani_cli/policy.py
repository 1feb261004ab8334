"""The rules a payment must pass before a byte is sent, held in the transaction that journals it."""

from __future__ import annotations

from amani_cli.store import Transaction
from amani_cli.wallets import KnownWallet


def reserve(db: Transaction, wallet: KnownWallet, amount_msat: int, max_fee_msat: int) -> int:
    """What to hold back for a payment until its outcome is certain: amount and worst-case fee, in msat.

    Called inside the transaction that journals the payment, so that parallel payments see each other's reservations.
    """
    return amount_msat + max_fee_msat
