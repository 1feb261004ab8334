"""Moving money between wallets that amani knows: an invoice on one, paid by the other; both sides journaled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from amani_cli import amounts, errors
from amani_cli.invoices import lightning
from amani_cli.lightning import fees, paying
from amani_cli.lightning.paying import Order
from amani_cli.models.payments import Nothing, Payment, Plan
from amani_cli.payments import earlier
from amani_cli.rules import budgets, limits
from amani_cli.store import invoices as store_invoices
from amani_cli.store import journal
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Entry, NewEntry
from amani_cli.store.rows import Transaction
from amani_cli.times import now
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace


def transfer(
    ws: Workspace,
    source: KnownWallet,
    target: KnownWallet,
    amount: int | Literal["max"],
    *,
    memo: str = "",
    reference: str | None = None,
    confirm: Callable[[Plan], None] | None,
) -> Payment | Nothing:
    """Move a whole number of sat, or all that can go, from one wallet to another.

    It is free inside a server and real Lightning across two.

    A crash before the payment leaves an invoice that expires; after it, `reconcile` settles the one entry there is.
    Raises what `payments.pay` raises, and `errors.Usage` for a transfer to itself.
    """
    identify(source)
    identify(target)
    _refuse_same(source, target)
    if amount != "max":
        amounts.require_whole_sat(amount)
    lightning.check_memo(memo)
    paid = between(
        ws,
        source,
        target,
        Between(
            "transfer",
            lambda: _amount_now(ws, source, target, amount),
            asked=memo,
            memo=memo or f"to {target.name}",
            reference=reference,
            meaning=lambda: meaning_of(source, target, amount),
            on_journal=lambda db, entry: limits.take(ws, db, source, "transfer", entry),
        ),
        confirm=confirm,
    )
    if paid is None:
        return Nothing("nothing to do: nothing is left over", source.name)
    note_arrival(ws, target, paid, kind="transfer", memo=memo or f"from {source.name}")
    return paid._replace(to_wallet=target.name)


def _amount_now(ws: Workspace, source: KnownWallet, target: KnownWallet, amount: int | Literal["max"]) -> int:
    """How much is to go, unless the rules refuse it: of all there is every whole sat, less what a fee may take."""
    amount_msat = amount
    if amount_msat == "max":
        with source.lnbits("read") as client:
            balance_msat = client.wallet().balance_msat
        same = source.url == target.url
        amount_msat = balance_msat // 1000 * 1000 if same else fees.spendable_msat(balance_msat)
    if amount_msat >= 1000:
        budgets.check(ws, source, amount_msat, 0)
        limits.look(ws, source, "transfer")
    return amount_msat


@dataclass(frozen=True)
class Between:
    """What one wallet of ours pays another: `asked` stands in the invoice, `memo` in the payer's journal.

    `amount_msat` says how much, or refuses, once it is clear that nothing was sent before; `meaning` what the reference
    stands for, as far as the two are known by then; `on_journal` is that of `Order`.
    """

    kind: Literal["transfer", "faucet"]
    amount_msat: Callable[[], int]
    asked: str
    memo: str
    reference: str | None
    meaning: Callable[[], str]
    on_journal: Callable[[Transaction, str], object]


def between(
    ws: Workspace,
    source: KnownWallet,
    target: KnownWallet,
    what: Between,
    *,
    confirm: Callable[[Plan], None] | None,
) -> Payment | None:
    """Pay one wallet of ours from another, by an invoice made for this. To journal the arrival is the caller's.

    The same reference again returns the same receipt; None says that there is less than a sat to pay. Who may not pay
    is refused when it is journaled, too. Raises what `paying.pay` raises, and `errors.Usage` if the two are one.
    """
    replay = earlier.replayed(
        ws, what.reference, what.meaning(), go_on=lambda row: paying.resume(ws, source, row, confirm=confirm)
    )
    if replay is not None:
        return replay
    amount_msat = what.amount_msat()
    if amount_msat < 1000:
        return None
    invoice = lightning.create_own(ws, target, amount_msat, what.asked, purpose=what.kind)
    _refuse_same(source, target)
    wanted = Order(
        invoice,
        kind=what.kind,
        memo=what.memo,
        destination=target.name,
        reference=what.reference,
        what=what.meaning(),
        on_journal=what.on_journal,
    )
    return paying.pay(ws, source, wanted, confirm=confirm)


def meaning_of(source: KnownWallet, target: KnownWallet, amount: int | Literal["max"]) -> str:
    """What a reference for this stands for, as far as the two are known by now."""
    return f"transfer {source.identity} to {target.identity} {amount}"


def _refuse_same(source: KnownWallet, target: KnownWallet) -> None:
    if target.identity == source.identity:
        raise errors.Usage(
            f"'{source.name}' and '{target.name}' are the same wallet", code="SAME_WALLET", hint="Name another one."
        )


def note_arrival(ws: Workspace, target: KnownWallet, paid: Payment, *, kind: str, memo: str) -> None:
    """Journal an arrival if that can be done; the payment is settled all the same, and a sync finds what is missing."""
    with ws.talk.once_paid(f"the arrival at '{target.name}' is not written down yet"):
        arrived(ws, target, paid, kind=kind, memo=memo)


def arrived(ws: Workspace, target: KnownWallet, paid: Payment, *, kind: str, memo: str) -> Entry:
    """Journal the arrival of what one of our wallets paid to another: the payer's settled record proves it.

    Returns the entry of the arrival; one that is there already (from a sync) is left as it is.
    """
    assert paid.payment_hash is not None
    with ws.store.write() as db:
        row = journal.last_attempt(db, target.id, paid.payment_hash, "in")
        if row is None:
            entry = NewEntry(
                target.journaled,
                "in",
                kind,
                "settled",
                amount_msat=paid.amount_msat,
                fee_msat=0,
                payment_hash=paid.payment_hash,
                preimage=paid.preimage,
                memo=memo,
                reference=paid.reference,
                actor=ws.said.actor,
                created_at=paid.created_at,
                settled_at=paid.settled_at or now(),
            )
            journal.insert(db, entry)
        store_invoices.set_status(db, target.id, paid.payment_hash, "paid", paid.settled_at, paid.preimage)
        store_wallets.clear_cached_balance(db, target.id)
        row = journal.last_attempt(db, target.id, paid.payment_hash, "in")
    assert row is not None
    return row
