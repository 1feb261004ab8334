"""Paying whom a text names (`reading`): an address or link is turned into an invoice first.

So its hash is journaled before anything is paid. With a reference the invoice is remembered from the moment it is
fetched: a retry, after whatever crash, pays that one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from amani_cli import bolt11, contacts, engine, errors, models, payees, payers, payments, rates, rulebook, success
from amani_cli.amounts import Fiat, format_sat
from amani_cli.payments import Order
from amani_cli.reading import Destination, read
from amani_cli.store import references
from amani_cli.times import to_rfc3339
from amani_cli.wallets import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli import fiat, payouts
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
    quoted: models.Quoted | None = None
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
        return payees.meaning_of_link(self.amount, to.amount_msat, to.shown, self.comment)


# -- paying -------------------------------------------------------------------------------------


def pay(
    ws: Workspace,
    wallet: KnownWallet,
    wish: Wish,
    *,
    confirm: Callable[[models.Plan], None] | None,
    wait: bool = True,
) -> models.Payment | models.Nothing:
    """Pay somebody once. Raises what `payments.pay` raises, and what resolving an address or link may.

    With a reference, what was paid before is told without asking anybody who is not our provider.
    """
    if wish.destination.kind != "bolt11":
        replay = engine.replayed(
            ws,
            wish.reference,
            wish.meaning,
            go_on=lambda row: payments.resume(
                ws, wallet, row, confirm=confirm, max_fee_msat=wish.max_fee_msat, wait=wait
            ),
        )
        if replay is not None:
            return replay
    wanted = order(ws, wallet, wish)
    if isinstance(wanted, models.Nothing):
        return wanted
    if wanted.quoted is not None:
        wanted = replace(wanted, still_good=_watching_the_price(wallet, wanted.quoted, wish))
    paid = payments.pay(ws, wallet, wanted, confirm=confirm, wait=wait)
    if wish.destination.contact is not None and paid.status == "settled" and wanted.seen is not None:
        contacts.pin(ws, wish.destination.contact, wanted.seen)
    return paid


def _watching_the_price(wallet: KnownWallet, quoted: models.Quoted, wish: Wish) -> Callable[[], object]:
    """Another look at the price, once the yes and the PIN were given: it can move while a person thinks."""

    def look_again() -> None:
        rates.forget(wallet.ws)
        rates.check_slippage(wallet, quoted, wish.slippage)

    return look_again


def pay_out(
    ws: Workspace,
    wallet: KnownWallet,
    destination: Destination,
    wanted: payouts.Order,
    *,
    confirm: fiat.Confirm | None,
    wait: bool = True,
    accept_change: bool = False,
) -> models.Payment:
    """Pay a bank account or a phone once; a contact's holder is checked against, and pinned like, what was seen first.

    Raises what `payouts.pay` raises.
    """
    from amani_cli import payouts

    name = destination.contact
    if name is None:
        return payouts.pay(ws, wallet, wanted, confirm=confirm, wait=wait)
    seen: contacts.Seen = {}

    def looked_at_first(plan: models.Plan | models.PayoutPlan) -> None:
        assert isinstance(plan, models.PayoutPlan)
        seen.update(bank=plan.destination, name=plan.payee)
        contacts.check(ws, name, seen, accept_change=accept_change)
        if confirm is not None:
            confirm(plan)

    paid = payouts.pay(ws, wallet, wanted, confirm=looked_at_first, wait=wait)
    if paid.status == "settled" and seen:
        contacts.pin(ws, name, seen)
    return paid


def planned(ws: Workspace, wallet: KnownWallet, wish: Wish) -> models.Plan | models.Nothing:
    """What paying would do. For an address or link an invoice is fetched, which binds nobody."""
    wanted = order(ws, wallet, wish)
    if isinstance(wanted, models.Nothing):
        return wanted
    payments.point_out_open(ws, wanted)
    return payments.plan(ws, wallet, wanted)


def order(ws: Workspace, wallet: KnownWallet, wish: Wish, net: Lnurl | None = None) -> Order | models.Nothing:
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
        return _order_for_invoice(ws, wish, amount)
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


def _order_for_invoice(ws: Workspace, wish: Wish, amount: Amount) -> Order:
    if amount is not None and not isinstance(amount, int):
        raise errors.Usage(
            "an invoice says itself how much it is over", code="AMOUNT_DIFFERS", hint="Leave the amount out."
        )
    if wish.payer:
        raise errors.Usage("an invoice asks for no payer", hint="Leave --payer-name and its like out.")
    if wish.comment:
        raise errors.Usage("an invoice takes no comment", hint="--memo is a note for your own history.")
    return payments.order(
        ws,
        wish.destination.text,
        amount,
        memo=wish.memo,
        reference=wish.reference,
        max_fee_msat=wish.max_fee_msat,
    )


def _order_for_link(
    ws: Workspace, wallet: KnownWallet, wish: Wish, amount: Amount, net: Lnurl | None
) -> Order | models.Nothing:
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
            left = _all_there_is(ws, wallet, wish, request)
            if isinstance(left, models.Nothing):
                return left
            amount = left
        quoted = None
        if isinstance(amount, Fiat):
            quoted = wish.quoted or rates.quote(wallet, amount)
            amount = rates.to_msat(quoted)
        payer = payers.told(ws, request, wish.payer)
        offer = open_net.invoice(request, amount, wish.comment, rulebook.value(ws, "network"), payer)
    if not offer.described:
        ws.warn(
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
    action: models.SuccessAction | None,
    quoted: models.Quoted | None,
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


def _all_there_is(ws: Workspace, wallet: KnownWallet, wish: Wish, request: PayRequest) -> int | models.Nothing:
    """How much `max` is: what can leave with the worst-case fee, and still keep what shall be kept."""
    with wallet.lnbits("read") as client:
        balance_msat = client.wallet().balance_msat
    amount_msat = payments.spendable_msat(balance_msat, wish.keep_msat)
    if amount_msat < 1000:
        return models.Nothing("nothing to do: nothing is left over", wallet.name, balance_msat, wish.keep_msat)
    if amount_msat > request.max_msat:
        raise errors.Usage(
            f"{request.link.domain} takes at most {format_sat(request.max_msat)},"
            f" and {format_sat(amount_msat)} could be sent",
            code="AMOUNT_OUT_OF_RANGE",
            hint=f"Write the amount: {request.max_msat // 1000}sat.",
        )
    return amount_msat


# -- what a reference was resolved to -----------------------------------------------------------------


def _remember(ws: Workspace, wish: Wish, wanted: Order) -> Order:
    """Put the invoice on disk under its reference; if another process was first, its invoice is the one to pay."""
    if wish.reference is None:
        return wanted
    details = {
        "description": wanted.description,
        "success": success.to_text(wanted.success),
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
    row = references.resolution(ws.store.connection, wish.reference)
    if row is None:
        return None
    invoice = bolt11.decode_invoice(row["bolt11"])
    failed = ws.store.one("SELECT 1 FROM payment WHERE payment_hash=? AND status='failed'", invoice.payment_hash)
    if failed or invoice.is_expired(time.time()):
        return None
    details = json.loads(row["details"])
    action = success.from_text(details["success"], None)
    quoted = rates.from_text(details["quoted"])
    return _order(wish, invoice, details["description"], action, quoted, details["seen"])


# -- looking -------------------------------------------------------------------------------------


def looked_at(ws: Workspace, wallet: KnownWallet | None, text: str) -> models.Decoded | models.Payee:
    """What a destination says, without paying. An invoice is read offline; for an address or link its server is asked.

    `wallet` only says whether servers of this very machine may be asked: those of the sandbox.
    """
    from amani_cli import invoices

    found = read(ws, text)
    if found.kind == "bolt11":
        return invoices.decoded(found.text)
    if found.payout is not None:
        return models.Payee("payout", found.shown, None)
    from amani_cli.providers import lnurl  # as in `read`: an invoice does not need it

    link = found.link
    assert link is not None
    with lnurl_for(ws, private=wallet is not None and wallet.sandbox) as net:
        request = net.ask(link)
    if isinstance(request, lnurl.Login):
        return models.Payee("login", f"login at {link.domain}", link.domain)
    if isinstance(request, lnurl.WithdrawRequest):
        # The link itself is the money: it is not shown.
        return models.Payee(
            "withdraw",
            f"withdraw from {link.domain}",
            link.domain,
            request.min_msat,
            request.max_msat,
            request.description,
        )
    return models.Payee(
        "pay",
        found.shown,
        link.domain,
        request.min_msat,
        request.max_msat,
        request.description,
        request.long_description,
        request.identifier,
        request.comment_limit,
    )


def lnurl_for(ws: Workspace, *, private: bool) -> Lnurl:
    """Lines to LNURL servers, within this command's time."""
    from amani_cli.providers.lnurl import Lnurl

    return Lnurl(deadline=ws.deadline, timeout=ws.timeout, private=private)
