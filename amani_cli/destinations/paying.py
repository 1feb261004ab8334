"""Paying somebody: resolved, agreed to, sent once; what was seen of a contact is pinned."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.destinations import contacts
from amani_cli.destinations.forms import Destination
from amani_cli.destinations.ordering import Wish, order
from amani_cli.lightning import paying
from amani_cli.models.money import Quoted
from amani_cli.models.payments import Nothing, Payment, PayoutPlan, Plan
from amani_cli.payments import earlier as payments_earlier
from amani_cli.store import journal
from amani_cli.wallets import rates
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.fiat import moving, orders


def pay(
    ws: Workspace,
    wallet: KnownWallet,
    wish: Wish,
    *,
    confirm: Callable[[Plan], None] | None,
    wait: bool = True,
) -> Payment | Nothing:
    """Pay somebody once. Raises what `payments.pay` raises, and what resolving an address or link may.

    With a reference, what was paid before is told without asking anybody who is not our provider.
    """
    if wish.destination.kind != "bolt11":
        replay = payments_earlier.replayed(
            ws,
            wish.reference,
            wish.meaning,
            go_on=lambda row: paying.resume(
                ws, wallet, row, confirm=confirm, max_fee_msat=wish.max_fee_msat, wait=wait
            ),
        )
        if replay is not None:
            return replay
    wanted = order(ws, wallet, wish)
    if isinstance(wanted, Nothing):
        return wanted
    if wanted.quoted is not None:
        wanted = replace(wanted, still_good=_watching_the_price(wallet, wanted.quoted, wish))
    try:
        paid = paying.pay(ws, wallet, wanted, confirm=confirm, wait=wait)
    except errors.OutcomeUnknown as error:
        # A retry that was refused sent nothing, and its invoice is another one.
        if wish.destination.contact is not None and wanted.seen and error.id and _is_for(ws, error.id, wanted):
            _pin_if_first(ws, wish.destination.contact, wanted.seen)
        raise
    if wish.destination.contact is not None and paid.status == "settled" and wanted.seen is not None:
        contacts.pin(ws, wish.destination.contact, wanted.seen)
    return paid


def _pin_if_first(ws: Workspace, name: str, seen: contacts.Seen) -> None:
    """Keep what was seen of a contact whose first payment is in doubt: it may have been paid, and nobody sees it again
    before the next one. What can't be kept, the doubt outweighs."""
    with suppress(errors.AmaniError):
        row = contacts.find(ws, name)
        if row is not None and not row.seen:
            contacts.pin(ws, name, seen)


def _is_for(ws: Workspace, entry: str, wanted: paying.Order) -> bool:
    """Whether an entry of the journal is this very order's; not, where that can't be told."""
    with suppress(errors.AmaniError):
        row = journal.by_id(ws.store, entry)
        return row is not None and row.payment_hash == wanted.invoice.payment_hash
    return False


def _watching_the_price(wallet: KnownWallet, quoted: Quoted, wish: Wish) -> Callable[[], object]:
    """Another look at the price, once the yes and the PIN were given: it can move while a person thinks."""

    def look_again() -> None:
        rates.forget(wallet.ws)
        rates.check_slippage(wallet, quoted, wish.slippage)

    return look_again


def pay_out(
    ws: Workspace,
    wallet: KnownWallet,
    destination: Destination,
    wanted: orders.Order,
    *,
    confirm: moving.Confirm | None,
    wait: bool = True,
    accept_change: bool = False,
) -> Payment:
    """Pay a bank account or a phone once; a contact's holder is checked against, and pinned like, what was seen first.

    Raises what `payouts.pay` raises.
    """
    from amani_cli.fiat import payouts

    name = destination.contact
    if name is None:
        return payouts.pay(ws, wallet, wanted, confirm=confirm, wait=wait)
    seen: contacts.Seen = {}

    def looked_at_first(plan: Plan | PayoutPlan) -> None:
        assert isinstance(plan, PayoutPlan)
        seen.update(bank=plan.destination, name=plan.payee)
        contacts.check(ws, name, seen, accept_change=accept_change)
        if confirm is not None:
            confirm(plan)

    try:
        paid = payouts.pay(ws, wallet, wanted, confirm=looked_at_first, wait=wait)
    except errors.OutcomeUnknown:
        if seen:
            _pin_if_first(ws, name, seen)
        raise
    if paid.status == "settled" and seen:
        contacts.pin(ws, name, seen)
    return paid


def planned_out(
    ws: Workspace, wallet: KnownWallet, destination: Destination, wanted: orders.Order, *, accept_change: bool
) -> PayoutPlan:
    """What paying a bank account or a phone would do, or refuse of a contact. Sends no payment."""
    from amani_cli.fiat import payouts

    plan = payouts.plan(ws, wallet, wanted)
    if destination.contact is not None:
        seen: contacts.Seen = {"bank": plan.destination, "name": plan.payee}
        contacts.check(ws, destination.contact, seen, accept_change=accept_change)
    return plan


def planned(ws: Workspace, wallet: KnownWallet, wish: Wish) -> Plan | Nothing:
    """What paying would do. For an address or link an invoice is fetched, which binds nobody."""
    wanted = order(ws, wallet, wish)
    if isinstance(wanted, Nothing):
        return wanted
    paying.point_out_open(ws, wanted)
    return paying.plan(ws, wallet, wanted)
