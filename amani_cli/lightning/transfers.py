"""Moving money between wallets that amani knows: an invoice on one, paid by the other; both sides journaled."""

from __future__ import annotations

from collections.abc import Callable

from amani_cli import amounts, errors
from amani_cli.encodings import bolt11
from amani_cli.invoices import lightning
from amani_cli.invoices.lightning import INVOICE_LIFE_S
from amani_cli.lightning import paying
from amani_cli.lightning.paying import Order
from amani_cli.models.payments import Payment, Plan
from amani_cli.payments import earlier
from amani_cli.rules import budgets, limits
from amani_cli.store import invoices as store_invoices
from amani_cli.store import journal
from amani_cli.store import wallets as store_wallets
from amani_cli.store.rows import Entry
from amani_cli.times import now
from amani_cli.wallets.known import KnownWallet, identify
from amani_cli.workspace import Workspace


def transfer(
    ws: Workspace,
    source: KnownWallet,
    target: KnownWallet,
    amount_msat: int,
    *,
    memo: str = "",
    reference: str | None = None,
    confirm: Callable[[Plan], None] | None,
) -> Payment:
    """Move a whole number of sat from one wallet to another; free inside a server, real Lightning across two.

    A crash before the payment leaves an invoice that expires; after it, `reconcile` settles the one entry there is.
    Raises what `payments.pay` raises, and `errors.Usage` for a transfer to itself.
    """
    identify(source)
    identify(target)
    _refuse_same(source, target)
    amounts.require_whole_sat(amount_msat)
    lightning.check_memo(memo)
    replay = earlier.replayed(
        ws,
        reference,
        meaning_of(source, target, amount_msat),
        go_on=lambda row: paying.resume(ws, source, row, confirm=confirm),
    )
    if replay is not None:
        note_arrival(ws, target, replay, kind="transfer", memo=memo or f"from {source.name}")
        return replay._replace(to_wallet=target.name)
    budgets.check(ws, source, amount_msat, 0)
    limits.look(ws, source, "transfer")
    made = lightning.create(ws, target, amount_msat, memo, INVOICE_LIFE_S, purpose="transfer")
    identify(target)  # an invoice key learns it from the first invoice
    _refuse_same(source, target)
    wanted = Order(
        bolt11.decode_invoice(made.to_pay),
        kind="transfer",
        memo=memo or f"to {target.name}",
        destination=target.name,
        reference=reference,
        what=meaning_of(source, target, amount_msat),
        on_journal=lambda db, entry: limits.take(ws, db, source, "transfer", entry),
    )
    paid = paying.pay(ws, source, wanted, confirm=confirm)
    note_arrival(ws, target, paid, kind="transfer", memo=memo or f"from {source.name}")
    return paid._replace(to_wallet=target.name)


def meaning_of(source: KnownWallet, target: KnownWallet, amount_msat: int) -> str:
    """What a reference for this stands for, as far as the two are known by now."""
    return f"transfer {source.identity} to {target.identity} {amount_msat}"


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
            journal.insert(
                db,
                **target.journaled,
                direction="in",
                kind=kind,
                status="settled",
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
        store_invoices.set_status(db, target.id, paid.payment_hash, "paid", paid.settled_at, paid.preimage)
        store_wallets.clear_cached_balance(db, target.id)
        row = journal.last_attempt(db, target.id, paid.payment_hash, "in")
    assert row is not None
    return row
