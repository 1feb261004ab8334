"""What is agreed to for a batch: what each row may come to, at which price, and a purse that no sum may go beyond.

A fiat row is worked out once, at the price that the question (or the plan, where nobody is asked) shows; it is paid at
that price or not at all. A payment that was begun before keeps the amount it was begun with.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from amani_cli import errors
from amani_cli.amounts import format_sat
from amani_cli.batch.table import CHEQUE, PAYOUT, Row
from amani_cli.destinations import ordering, reading
from amani_cli.lightning import fees, paying
from amani_cli.models.money import Quoted
from amani_cli.wallets import rates
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


class Share(NamedTuple):
    """What one row may come to, in msat. `quoted` is the price behind it, where it is in fiat; `aside_msat` the part of
    the fee that leaves the wallet for certain, as a link's reserve does."""

    amount_msat: int
    max_fee_msat: int
    quoted: Quoted | None = None
    aside_msat: int = 0


@dataclass(frozen=True)
class Terms:
    """The shares of the rows that are paid by Lightning, by the line they stand in."""

    shares: dict[int, Share]

    @property
    def total_msat(self) -> int:
        """What the rows come to, without fees."""
        return sum(share.amount_msat for share in self.shares.values())

    @property
    def leaving_msat(self) -> int:
        """What leaves the wallet for them without what is due on the way: the rules count that."""
        return sum(share.amount_msat + share.aside_msat for share in self.shares.values())

    @property
    def max_fee_msat(self) -> int:
        """What may be due for all of them beside."""
        return sum(share.max_fee_msat for share in self.shares.values())

    @property
    def quoted(self) -> list[Quoted]:
        """What is meant in each currency, by each price that it was worked out at."""
        sums: dict[Quoted, Decimal] = {}
        for share in self.shares.values():
            if share.quoted is not None:
                price = share.quoted._replace(value=Decimal(0))
                sums[price] = sums.get(price, Decimal(0)) + share.quoted.value
        return [price._replace(value=value) for price, value in sums.items()]


def of(
    ws: Workspace,
    wallet: KnownWallet,
    rows: Iterable[Row],
    plan_hash: str,
    *,
    prices: dict[str, Quoted],
    begun: dict[int, int | None],
) -> Terms:
    """What the rows of a plan come to that are paid by Lightning.

    `prices`, by currency, are those that were shown already; others are asked for. `begun` are the amounts of the rows
    whose payment is under way since an earlier run. Raises what asking for a price raises.
    """
    shares = {}
    for row in rows:
        if row.kind == PAYOUT:
            continue
        quoted = None
        amount_msat = begun.get(row.row) or row.amount_msat
        if amount_msat is None:
            quoted = _fetched(ws, row, plan_hash) or _priced(wallet, row, prices)
            amount_msat = rates.to_msat(quoted)
        aside_msat = set_aside_msat(row, amount_msat)
        fee_msat = aside_msat or _worst_fee_msat(ws, wallet, row, amount_msat)
        shares[row.row] = Share(amount_msat, fee_msat, quoted, aside_msat)
    return Terms(shares)


def _priced(wallet: KnownWallet, row: Row, prices: dict[str, Quoted]) -> Quoted:
    known = prices.get(row.fiat.currency)
    return rates.quote(wallet, row.fiat) if known is None else known._replace(value=row.fiat.value)


def _fetched(ws: Workspace, row: Row, plan_hash: str) -> Quoted | None:
    """The price behind the invoice that a run which was cut short has fetched for a row: that one is paid."""
    reference = row.reference_in(plan_hash)
    try:
        to = reading.read(ws, row.to)
    except errors.Usage:  # a contact that is gone by now: its row will say so
        return None
    order = ordering.remembered(ws, ordering.Wish(to, row.fiat, comment=row.comment, reference=reference))
    return None if order is None else order.quoted


def set_aside_msat(row: Row, amount_msat: int) -> int:
    """What a row that is a link takes on top, for a claim that leaves the server; 0 for any other."""
    if not row.is_link:
        return 0
    from amani_cli.cheques import writing

    return writing.Wanted(amount_msat, outside=True).reserve_msat


def _worst_fee_msat(ws: Workspace, wallet: KnownWallet, row: Row, amount_msat: int) -> int:
    return 0 if _is_ours(ws, wallet, row) else fees.worst_fee_msat(amount_msat)


def _is_ours(ws: Workspace, wallet: KnownWallet, row: Row) -> bool:
    return row.kind == CHEQUE or (row.payment_hash is not None and paying.is_own_invoice(ws, wallet, row.payment_hash))


class Allowance:
    """What is left of what was agreed to, fees counted in; the threads of a run take their rows' shares from it."""

    def __init__(self, terms: Terms, max_slippage: Decimal) -> None:
        self._terms = terms
        self._max_slippage = max_slippage
        self._left_msat = terms.total_msat + terms.max_fee_msat
        self._lock = threading.Lock()

    def quoted(self, wallet: KnownWallet, row: Row) -> Quoted | None:
        """The price a row was agreed to at, if it is near enough. Raises what `rates.check_slippage` raises."""
        quoted = self._terms.shares[row.row].quoted
        if quoted is not None:
            rates.check_slippage(wallet, quoted, self._max_slippage)
        return quoted

    def take(self, row: Row, amount_msat: int) -> int:
        """Set a row's amount and worst-case fee aside, before it is sent; returns how much that is, in msat.

        Raises `errors.RefusedByPolicy` (code BEYOND_AGREED) for more than was agreed to, for the row or for the whole.
        """
        share = self._terms.shares[row.row]
        if amount_msat > share.amount_msat:
            raise errors.RefusedByPolicy(
                f"{format_sat(share.amount_msat)} was agreed to, and by now it is {format_sat(amount_msat)}",
                code="BEYOND_AGREED",
                hint="Run the plan again to see what it comes to.",
            )
        wanted = amount_msat + share.max_fee_msat
        with self._lock:
            if wanted > self._left_msat:
                raise errors.RefusedByPolicy(
                    f"{format_sat(max(0, self._left_msat))} is left of what was agreed to for the whole, fees counted"
                    f" in, and this may take {format_sat(wanted)}: other rows cost more than could be known",
                    code="BEYOND_AGREED",
                    hint="Run the plan again to see what the rest comes to.",
                )
            self._left_msat -= wanted
        return wanted

    def spent(self, taken_msat: int, spent_msat: int) -> None:
        """Say what a row has really cost; what it did not need is there for the others."""
        with self._lock:
            self._left_msat += taken_msat - spent_msat
