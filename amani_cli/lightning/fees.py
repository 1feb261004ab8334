"""What LNbits keeps back for a payment that leaves its server, by its own default of max(2 sat, 1 %)."""

from __future__ import annotations


def worst_fee_msat(amount_msat: int) -> int:
    """What may be due for a payment that leaves the server: LNbits' own default of max(2 sat, 1 %)."""
    return max(2000, -(-amount_msat // 100))


def spendable_msat(balance_msat: int, keep_msat: int = 0) -> int:
    """The largest whole number of sat that can leave and still keep `keep_msat` and the worst-case fee; 0 if none.

    It is the largest A for which A + max(2000, A/100) <= balance - keep.
    """
    free = balance_msat - keep_msat
    return max(0, min(free - 2000, free * 100 // 101) // 1000 * 1000)
