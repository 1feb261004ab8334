"""What a request would do, in words: made of the very terms that it is carried out by, never of a text beside them.

Whoever approves sees this. A body that somebody put together by hand can't say one thing and do another.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from amani_cli import errors
from amani_cli.amounts import Fiat, format_fiat, format_sat
from amani_cli.encodings import bolt11
from amani_cli.rules import changes, written
from amani_cli.rules.written import CHANGES, Body
from amani_cli.times import to_rfc3339
from amani_cli.wallets import rates


def destination(body: Body) -> str:
    """Whom or what it is for."""
    terms = body.terms
    if body.what == "pay":
        if "value" in terms:
            return str(terms["seen"]["bank"])
        return str(terms["shown"] if terms["payment_hash"] is None else terms["payee"])
    if body.what == "transfer":
        return str(terms["target"])
    if body.what == "wallet convert":
        return f"convert:{terms['to']}"
    if body.what == "batch run":
        return str(terms["path"])
    return str(terms.get("name") or "") if body.what in CHANGES else "cheque"


def details(body: Body) -> list[str]:
    """The rest of it, a line each. Raises `errors.RefusedByPolicy` for terms that contradict the sums."""
    if body.what in CHANGES:
        return [changes.words_of(body.what, body.terms, body.wallet)]
    return _TELLS[body.what](body)


def _pay(body: Body) -> list[str]:
    terms = body.terms
    if "value" in terms:
        return _payout(terms)
    if terms["payment_hash"] is not None:
        return _invoice(body)
    lines = [] if terms["to"] == terms["shown"] else [f"named: {terms['to']}"]
    quoted = None if terms["quoted"] is None else rates.from_json(terms["quoted"])
    _agrees(body, terms["amount_msat"] if quoted is None else rates.to_msat(quoted))
    if quoted is not None:
        price = f"{quoted.price:,f} {quoted.currency} for 1 BTC"
        lines.append(f"meant: {format_fiat(Fiat(quoted.value, quoted.currency))}, at {price}")
    return [*lines, *([f"comment: {terms['comment']}"] if terms["comment"] else [])]


def _invoice(body: Body) -> list[str]:
    invoice = bolt11.decode_invoice(body.terms["to"])
    _agrees(body, invoice.amount_msat)
    if invoice.payment_hash != body.terms["payment_hash"] or invoice.payee != body.terms["payee"]:
        raise written.edited(body.id)
    told = [f"it says: {invoice.description}"] if invoice.description else []
    return ["an invoice", *told, f"good until: {to_rfc3339(invoice.expires_at)}"]


def _payout(terms: dict[str, Any]) -> list[str]:
    checked = "typed: nobody can say whose account it is" if terms["name_unverified"] else "as found at its bank"
    arrives = format_fiat(Fiat(Decimal(terms["value"]), terms["currency"]))
    return [f"payee: {terms['seen']['name']} ({checked})", f"arrives: {arrives}"]


def _transfer(body: Body) -> list[str]:
    terms = body.terms
    if "amount_msat" in terms:
        _agrees(body, terms["amount_msat"])
    return ["to the wallet of this id, of one's own"]


def _convert(body: Body) -> list[str]:
    terms = body.terms
    gives = format_fiat(Fiat(Decimal(terms["value"]), terms["currency"]))
    return [f"gives {gives} for {terms['least']} {terms['to']} at least"]


def _cheques(body: Body) -> list[str]:
    terms = body.terms
    each = format_sat(terms["amount_msat"])
    return [
        f"{terms['count']} cheque(s) over {each}, good for {terms['expires_s'] // 3600} h",
        *_links(terms),
        "whoever carries it out is shown the codes",
    ]


def _batch(body: Body) -> list[str]:
    stops = ["begins nothing more after a failure"] if body.terms.get("stop_on_failure") else []
    return [f"plan {body.terms['plan']}", *stops, *_links(body.terms)]


def _links(terms: dict[str, Any]) -> list[str]:
    return [f"links to {terms['base_url']}"] if terms.get("base_url") else []


def _agrees(body: Body, amount_msat: int | None) -> None:
    if body.sums != {"msat": Decimal(amount_msat or 0)}:
        raise errors.RefusedByPolicy(
            f"request {body.id} contradicts itself: its terms are over another amount than its sum",
            code="REQUEST_EDITED",
            retry="never",
            hint="It was not filed by amani as it is. Ask who made it.",
        )


_TELLS: dict[str, Callable[[Body], list[str]]] = {
    "pay": _pay,
    "transfer": _transfer,
    "wallet convert": _convert,
    "cheque create": _cheques,
    "batch run": _batch,
}
