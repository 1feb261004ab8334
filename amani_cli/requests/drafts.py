"""What would be sent, of each way out of a wallet, as a request holds it: resolved, priced, with its bounds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from amani_cli import amounts, errors
from amani_cli.amounts import Fiat
from amani_cli.batch import plans
from amani_cli.batch.plans import Purse
from amani_cli.cheques import links, writing
from amani_cli.destinations import contacts, ordering
from amani_cli.destinations.forms import Destination
from amani_cli.destinations.ordering import Wish
from amani_cli.invoices import lightning
from amani_cli.lightning import fees, paying
from amani_cli.lightning import transfers as lightning_transfers
from amani_cli.models.batches import BatchPlan
from amani_cli.models.document import as_json
from amani_cli.models.payments import Nothing, PayoutPlan, Plan
from amani_cli.payees import canonical
from amani_cli.requests.filing import Draft
from amani_cli.wallets import known, rates
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


class Drawn(NamedTuple):
    """What could be filed, and what doing it now would do."""

    draft: Draft
    plan: Plan | PayoutPlan | BatchPlan


def pay(ws: Workspace, wallet: KnownWallet, wish: Wish) -> Drawn | Nothing:
    """A payment by Lightning, with what paying it now would do. An address or link is asked for an invoice, which
    binds nobody; the request holds the address and the bounds."""
    known.identify(wallet)
    wanted = ordering.order(ws, wallet, replace(wish, reference=None))
    if isinstance(wanted, Nothing):
        return wanted
    planned = paying.plan(ws, wallet, wanted)
    to = wish.destination
    fiat = wish.amount if isinstance(wish.amount, Fiat) else None
    amount = fiat if fiat is not None else (None if to.kind == "bolt11" else wanted.amount_msat)
    asked = replace(wish, amount=amount)
    most = planned.max_fee_msat if wish.max_fee_msat is None else wish.max_fee_msat
    terms: dict[str, Any] = {
        "to": to.contact or to.text,
        "shown": to.shown,
        "amount_msat": wanted.amount_msat if fiat is None else None,
        "quoted": None if wanted.quoted is None else as_json(wanted.quoted),
        "comment": wish.comment,
        "payer": dict(wish.payer),
        "max_slippage": format(wish.slippage, "f") if fiat is not None else None,
        "accept_change": wish.accept_change,
        "seen": _seen(wanted.seen),
        "category": ws.said.category,
        "payee": wanted.payee,
        "payment_hash": wanted.invoice.payment_hash if to.kind == "bolt11" else None,
    }
    draft = Draft(
        "pay",
        {"msat": wanted.amount_msat},
        {"msat": most},
        terms,
        meaning=wanted.meaning if to.kind == "bolt11" else asked.meaning,
        memo=planned.memo if to.kind == "bolt11" and not wish.memo else wish.memo,
        reference=wish.reference,
        payment_hash=terms["payment_hash"],
    )
    return Drawn(draft, planned)


def _seen(seen: dict[str, str] | None) -> dict[str, str] | None:
    """What stands behind an address; its node may be another one for each invoice, its server not."""
    return None if seen is None else {name: seen[name] for name in ("domain", "callback") if seen.get(name)}


def pay_out(ws: Workspace, wallet: KnownWallet, to: Destination, wanted: Any, *, accept_change: bool = False) -> Drawn:
    """A payout of a Fincra wallet (`wanted` is its `orders.Order`), to the account whose holder is shown now."""
    from amani_cli.fiat import payouts

    known.identify(wallet)
    wanted = replace(wanted, everything=False)
    planned = payouts.plan(ws, wallet, wanted)
    seen = {"bank": planned.destination, "name": planned.payee}
    if to.contact is not None:
        contacts.check(ws, to.contact, seen, accept_change=accept_change)
    value, currency = wanted.amount
    charged = planned.amount.value + (planned.fee.value if planned.fee else Decimal(0))
    most = charged if planned.rate is None else _worst(charged)
    payee = canonical.of_destination(ws, f"{planned.destination} {planned.payee}", currency)
    terms = {
        "to": to.contact or str(wanted.to),
        "shown": to.shown,
        "value": format(value, "f"),
        "currency": currency,
        "source": wanted.source,
        "to_name": wanted.to_name,
        "name_unverified": wanted.name_unverified,
        "company": wanted.company,
        "description": wanted.description,
        "accept_change": accept_change,
        "seen": seen,
        "category": ws.said.category,
        "payee": payee,
    }
    draft = Draft(
        "pay",
        {wanted.source: most},
        {},
        terms,
        meaning=wanted.meaning(ws),
        memo=wanted.memo,
        reference=wanted.reference,
    )
    return Drawn(draft, planned)


def _worst(amount: Decimal) -> Decimal:
    """What an amount at a quote may come to by the time it is sent: 1 % more, as for prices."""
    places = amount.as_tuple().exponent
    assert isinstance(places, int)
    return (amount * (100 + rates.DEFAULT_SLIPPAGE) / 100).quantize(Decimal(1).scaleb(min(places, -2)))


def transfer(
    ws: Workspace, source: KnownWallet, target: KnownWallet, amount: int | Fiat, *, memo: str, reference: str | None
) -> Draft:
    """A transfer between two wallets; both are known by their ids, whatever they are called by then."""
    known.identify(source)
    known.identify(target)
    if target.identity == source.identity:
        raise errors.Usage(
            f"'{source.name}' and '{target.name}' are the same wallet", code="SAME_WALLET", hint="Name another one."
        )
    terms: dict[str, Any] = {"target": target.identity, "category": ws.said.category}
    if isinstance(amount, Fiat):
        from amani_cli.fiat import transfers as fiat_transfers

        terms |= {"value": format(amount.value, "f"), "currency": amount.currency}
        meaning = fiat_transfers.meaning_of(source, target, amount)
        sums: dict[str, Decimal | int] = {amount.currency: amount.value}
        max_fees: dict[str, Decimal | int] = {}
    else:
        amounts.require_whole_sat(amount)
        lightning.check_memo(memo)
        terms |= {"amount_msat": amount}
        meaning = lightning_transfers.meaning_of(source, target, amount)
        sums, max_fees = {"msat": amount}, {"msat": fees.worst_fee_msat(amount)}
    return Draft(
        "transfer",
        sums,
        max_fees,
        terms,
        meaning=meaning,
        memo=memo,
        reference=reference,
    )


def cheque(ws: Workspace, wallet: KnownWallet, wanted: writing.Wanted) -> Draft:
    """Cheques to be written: their codes are shown to whoever carries the request out, once."""
    writing.check(ws, wallet, wanted)
    terms = {
        "amount_msat": wanted.amount_msat,
        "expires_s": wanted.expires_s,
        "count": wanted.count,
        "outside": wanted.outside,
        "lnurl": wanted.lnurl,
        "base_url": wanted.base_url,
        "category": None,
    }
    return Draft(
        "cheque create",
        {"msat": wanted.total_msat},
        {"msat": 0},
        terms,
        meaning=wanted.meaning(wallet.identity),
        memo=wanted.memo,
        reference=wanted.reference,
    )


def convert(wallet: KnownWallet, amount: Fiat, to: str, *, memo: str, reference: str | None) -> Drawn:
    """An exchange inside a Fincra wallet; the rate may be 1 % worse by then, and no more."""
    from amani_cli.fiat import conversions

    planned = conversions.plan(wallet, amount, to)
    received = planned.received
    least = received.value * (100 - rates.DEFAULT_SLIPPAGE) / 100
    charged = planned.amount.value + (planned.fee.value if planned.fee else Decimal(0))
    terms = {
        "value": format(amount.value, "f"),
        "currency": amount.currency,
        "to": received.currency,
        "least": format(least, "f"),
        "category": None,
    }
    draft = Draft(
        "wallet convert",
        {amount.currency: _worst(charged)},
        {},
        terms,
        meaning=conversions.meaning_of(wallet, amount, received.currency),
        memo=memo,
        reference=reference,
    )
    return Drawn(draft, planned)


def batch(
    ws: Workspace, purse: Purse, plan: plans.Plan, *, jobs: int, stop_on_failure: bool, max_slippage: Decimal
) -> Drawn:
    """A whole plan, by its digest; at the prices that it was made with."""
    rows = list(plan.rows)
    agreed = plans.terms(ws, purse, plan, rows)
    overview = plans.overview(ws, purse, plan, rows, agreed)
    sums: dict[str, Decimal | int] = {each.currency: each.total for each in overview.fiat}
    wallets = {each.currency: purse.fincra.identity for each in overview.fiat} if purse.fincra is not None else {}
    if purse.lightning is not None and agreed.shares:
        known.identify(purse.lightning)
        sums["msat"], wallets["msat"] = agreed.leaving_msat, purse.lightning.identity
    terms = {
        "plan": plan.hash,
        "path": str(plan.path.absolute()),
        "jobs": jobs,
        "stop_on_failure": stop_on_failure,
        "max_slippage": format(max_slippage, "f"),
        "wallets": wallets,
        "base_url": links.base_url(ws) if any(row.is_link for row in rows) else None,
        "category": None,
    }
    draft = Draft(
        "batch run",
        sums,
        {"msat": agreed.total_msat + agreed.max_fee_msat - agreed.leaving_msat} if "msat" in sums else {},
        terms,
        meaning=f"batch {plan.hash}",
    )
    return Drawn(draft, overview)
