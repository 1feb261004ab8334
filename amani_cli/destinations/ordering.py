"""Paying whom a text names (`reading`): an address or link is turned into an invoice first.

So its hash is journaled before anything is paid. With a reference the invoice is remembered from the moment it is
fetched: a retry, after whatever crash, pays that one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from amani_cli import errors
from amani_cli.amounts import Fiat, format_sat
from amani_cli.destinations import contacts, payers
from amani_cli.destinations.forms import Destination
from amani_cli.encodings import bolt11
from amani_cli.lightning import fees, paying
from amani_cli.lightning.paying import Order
from amani_cli.models.money import Quoted
from amani_cli.models.payments import Nothing, SuccessAction
from amani_cli.payees import canonical
from amani_cli.payments import success_action
from amani_cli.rules import rulebook
from amani_cli.store import journal, references
from amani_cli.times import to_rfc3339
from amani_cli.wallets import rates
from amani_cli.wallets.clients import lnurl_for
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnurl import Lnurl, PayRequest


Amount = int | Fiat | Literal["max"] | None


@dataclass(frozen=True)
class Wish:
    """What somebody wants paid: to whom, how much (msat, fiat, or all that can be spent), on what conditions.

    `quoted` is what the fiat was agreed to be, without which the price of now is shown and asked about; `seen` is what
    stood behind the destination when it was agreed to.
    `payer` is what they agree to have told of themselves (`payers`).
    """

    destination: Destination
    amount: Amount = None
    comment: str = ""
    memo: str = ""
    reference: str | None = None
    max_fee_msat: int | None = None
    keep_msat: int = 0
    max_slippage: Decimal | None = None
    accept_change: bool = False
    quoted: Quoted | None = None
    seen: contacts.Seen | None = None
    payer: Mapping[str, str] = field(default_factory=dict)

    @property
    def slippage(self) -> Decimal:
        """How far, in percent, the price may be from the one that was shown."""
        return self.max_slippage if self.max_slippage is not None else rates.DEFAULT_SLIPPAGE

    @property
    def meaning(self) -> str:
        """What a reference for this stands for, known before anything is fetched."""
        to = self.destination
        return canonical.meaning_of_link(self.amount, to.amount_msat, to.shown, self.comment)


def order(ws: Workspace, wallet: KnownWallet, wish: Wish, net: Lnurl | None = None) -> Order | Nothing:
    """Turn a wish into an invoice to pay; an address or link is resolved, over `net` if that is open already.

    `models.Nothing` when all was to be sent and nothing can be.
    """
    stated = wish.destination.amount_msat
    if stated is not None and wish.amount not in (None, stated):
        raise errors.Usage(
            f"the link asks for {format_sat(stated)}, which is not the amount given",
            code="AMOUNT_DIFFERS",
            hint="Leave the amount out, or ask for a link over the right one.",
        )
    amount = wish.amount if wish.amount is not None else stated
    if wish.max_slippage is not None and not isinstance(amount, Fiat):
        raise errors.Usage("--max-slippage goes with an amount in fiat", hint="E.g. 20USD.")
    if wish.keep_msat and amount != "max":
        raise errors.Usage("--keep goes with the amount 'max'", hint="E.g. amani pay ada@example.com max --keep 50k")
    if wish.destination.kind == "bolt11":
        return _order_for_invoice(wish, amount)
    if wish.destination.payout is not None:
        raise errors.Usage(
            f"{wish.destination.shown} is paid in fiat, from a Fincra wallet; '{wallet.name}' is none",
            code="WRONG_PROVIDER",
            hint="Say --wallet NAME.",
        )
    wanted = _order_for_link(ws, wallet, wish, amount, net)
    if wish.destination.contact is None:
        contacts.point_out_look_alikes(ws, wish.destination.shown)
    return wanted


def _order_for_invoice(wish: Wish, amount: Amount) -> Order:
    if amount is not None and not isinstance(amount, int):
        raise errors.Usage(
            "an invoice says itself how much it is over", code="AMOUNT_DIFFERS", hint="Leave the amount out."
        )
    if wish.payer:
        raise errors.Usage("an invoice asks for no payer", hint="Leave --payer-name and its like out.")
    if wish.comment:
        raise errors.Usage("an invoice takes no comment", hint="--memo is a note for your own history.")
    return paying.Order(
        paying.read_invoice(wish.destination.text, amount),
        memo=wish.memo,
        reference=wish.reference,
        max_fee_msat=wish.max_fee_msat,
    )


def _order_for_link(
    ws: Workspace, wallet: KnownWallet, wish: Wish, amount: Amount, net: Lnurl | None
) -> Order | Nothing:
    from amani_cli.providers import lnurl

    link = wish.destination.link
    assert link is not None
    if amount is None:
        raise errors.Usage(
            f"how much shall {wish.destination.shown} get?",
            code="NO_AMOUNT",
            hint=f"Say it behind the address: amani pay {link.address or 'LNURL'} 1000",
        )
    earlier = remembered(ws, wish)
    if earlier is not None:
        _refuse_changed(ws, wish, earlier.seen or {})
        return earlier
    with nullcontext(net) if net is not None else lnurl_for(ws, private=wallet.sandbox) as open_net:
        request = open_net.ask(link)
        if isinstance(request, lnurl.WithdrawRequest):
            raise errors.Usage(
                f"this link gives money ({link.domain}) and takes none",
                code="NOT_PAY",
                hint="amani invoice claim LNURL",
            )
        if isinstance(request, lnurl.Login):
            raise errors.Usage(
                f"this is a link to log in at {link.domain}, which amani does not do",
                code="NOT_PAY",
                hint="Use a wallet that logs in, or another way that the site offers.",
            )
        if amount == "max":
            left = _all_there_is(wallet, wish, request)
            if isinstance(left, Nothing):
                return left
            amount = left
        quoted = None
        if isinstance(amount, Fiat):
            quoted = wish.quoted or rates.quote(wallet, amount)
            amount = rates.to_msat(quoted)
        payer = payers.told(ws, request, wish.payer)
        offer = open_net.invoice(request, amount, wish.comment, rulebook.value(ws, "network"), payer)
    if not offer.described:
        ws.talk.warn(
            f"the invoice from {link.domain} does not carry the hash of the description shown: in a dispute it does"
            " not prove what was paid for"
        )
    seen = {
        "domain": link.domain,
        "callback": lnurl.host_of(request.callback),
        "node": offer.invoice.payee,
    }
    _refuse_changed(ws, wish, seen)  # before it is remembered: a retry would find nothing else
    return _remember(ws, wish, _order(wish, offer.invoice, request.description, offer.success, quoted, seen))


def _refuse_changed(ws: Workspace, wish: Wish, seen: contacts.Seen) -> None:
    """Stop what leads to somebody else than a contact's payments did, or than a plan found."""
    if wish.destination.contact is not None:
        contacts.check(ws, wish.destination.contact, seen, accept_change=wish.accept_change)
    contacts.refuse_other(wish.destination.shown, wish.seen or {}, seen)


def _order(
    wish: Wish,
    invoice: bolt11.Invoice,
    description: str,
    action: SuccessAction | None,
    quoted: Quoted | None,
    seen: contacts.Seen,
) -> Order:
    assert wish.destination.link is not None
    return Order(
        invoice,
        memo=wish.memo,
        destination=wish.destination.shown,
        reference=wish.reference,
        max_fee_msat=wish.max_fee_msat,
        what=wish.meaning,
        domain=wish.destination.link.domain,
        description=description,
        comment=wish.comment or None,
        success=action,
        quoted=quoted,
        contact=wish.destination.contact,
        seen=seen,
    )


def _all_there_is(wallet: KnownWallet, wish: Wish, request: PayRequest) -> int | Nothing:
    """How much `max` is: what can leave with the worst-case fee, and still keep what shall be kept."""
    with wallet.lnbits("read") as client:
        balance_msat = client.wallet().balance_msat
    amount_msat = fees.spendable_msat(balance_msat, wish.keep_msat)
    if amount_msat < 1000:
        return Nothing("nothing to do: nothing is left over", wallet.name, balance_msat, wish.keep_msat)
    if amount_msat > request.max_msat:
        raise errors.Usage(
            f"{request.link.domain} takes at most {format_sat(request.max_msat)},"
            f" and {format_sat(amount_msat)} could be sent",
            code="AMOUNT_OUT_OF_RANGE",
            hint=f"Write the amount: {request.max_msat // 1000}sat.",
        )
    return amount_msat


def _remember(ws: Workspace, wish: Wish, wanted: Order) -> Order:
    """Put the invoice on disk under its reference; if another process was first, its invoice is the one to pay."""
    if wish.reference is None:
        return wanted
    details = {
        "description": wanted.description,
        "success": success_action.to_text(wanted.success),
        "quoted": rates.to_text(wanted.quoted),
        "seen": wanted.seen,
    }
    with ws.store.write() as db:
        references.claim(db, wish.reference, wish.meaning)
        earlier = _usable(ws, wish)
        if earlier is None:
            references.resolve(
                db,
                wish.reference,
                wanted.invoice.bolt11,
                to_rfc3339(wanted.invoice.expires_at),
                json.dumps(details),
            )
    return earlier or wanted


def remembered(ws: Workspace, wish: Wish) -> Order | None:
    """The order that a wish's reference was resolved to before, as long as its invoice can be paid."""
    return _usable(ws, wish) if wish.reference is not None and ws.has_store else None


def _usable(ws: Workspace, wish: Wish) -> Order | None:
    """The order that a reference was resolved to before, if its invoice can still be paid.

    One that expired was never sent, or the journal would say so; one that failed can't be tried again at most nodes.
    """
    assert wish.reference is not None
    row = references.resolution(ws.store, wish.reference)
    if row is None:
        return None
    invoice = bolt11.decode_invoice(row.bolt11)
    if journal.has_failed(ws.store, invoice.payment_hash) or invoice.is_expired(time.time()):
        return None
    details = json.loads(row.details)
    action = success_action.from_text(details["success"], None)
    quoted = rates.from_text(details["quoted"])
    return _order(wish, invoice, details["description"], action, quoted, details["seen"])
