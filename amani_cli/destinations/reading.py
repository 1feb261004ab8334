"""Whom a text names: an invoice, an address, an LNURL, a link, a bank account or phone, a contact. Offline.

One reading for whatever takes such a text. What people type is trimmed at its ends and never changed inside: white
space is understood only in an invoice or a bech32 LNURL, where it can't belong, and a `+` is a plus.
"""

from __future__ import annotations

import re
from dataclasses import replace

from amani_cli import errors
from amani_cli.amounts import format_sat, parse_msat
from amani_cli.destinations import contacts
from amani_cli.destinations.forms import FORMS, Destination
from amani_cli.encodings import bolt11
from amani_cli.store import wallets as store_wallets
from amani_cli.text import did_you_mean
from amani_cli.workspace import Workspace

# White space, and marks of no width that a copy brings along at its ends.
_UNSEEN = (
    " \t\r\n\v\f\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff"
)


def read(ws: Workspace, text: str) -> Destination:
    """Say, offline, what somebody who is to be paid was named by.

    Raises `errors.Usage`: for something recognised that can't be right, with the reason; else with what was tried.
    """
    text = _unwrapped(text)
    found = _itself(text)
    if found is not None:
        return found
    contact = contacts.find(ws, text)
    if contact is not None:
        kept = _itself(contact.destination)
        if kept is not None:
            return replace(kept, contact=contact.name)
    raise _unknown(ws, text)


def by_itself(text: str) -> Destination | None:
    """What a text says of whom to pay without any name that is known here: for what strangers send.

    None for what is no such thing; raises `errors.Usage` for what is one and can't be right.
    """
    return _itself(_unwrapped(text))


def _unwrapped(text: str) -> str:
    """A text less what mail, chats and web pages put around it: white space, marks that can't be seen, `mailto:`, `₿`.

    `₿` stands before the addresses of BIP 353; the same name is asked for as a Lightning address (LUD-16).
    """
    text = text.strip(_UNSEEN)
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0]
    return text.removeprefix("₿").strip(_UNSEEN)


def _itself(text: str) -> Destination | None:
    """What a text says by itself, without anybody's names for it; None for what is no such thing."""
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower() if colon else ""
    if scheme == "bitcoin":
        return _from_bip21(rest)
    if scheme in ("bank", "momo", "fincra"):
        from amani_cli.fiat import orders

        to = orders.read(text)
        return Destination("payout", str(to), payout=to)
    return _inside(rest.removeprefix("//")) if scheme in ("lightning", "lnurl") else _lightning(text)


def _inside(text: str) -> Destination | None:
    """What stands in a link, where only what `_lightning` reads belongs."""
    scheme = text.partition(":")[0].strip().lower()
    if scheme in ("lightning", "bitcoin", "lnurl", "bank", "momo"):
        raise errors.Usage(
            f"there is '{scheme}:' inside this link; only an invoice, an LNURL or a Lightning address belongs there",
            code="BAD_DESTINATION",
            hint="Give what is inside by itself, if you trust it.",
        )
    return _lightning(text)


def _lightning(text: str) -> Destination | None:
    """An invoice, an LNURL or an address, without a wrapping."""
    if bolt11.looks_like_invoice(text):
        return Destination("bolt11", bolt11.bare(text))
    from amani_cli.providers import links

    joined = "".join(text.split())
    is_bech32 = joined.lower().startswith("lnurl1")
    inside = links.invoice_inside(text)
    if inside is not None:
        return Destination("bolt11", bolt11.bare(inside))
    link = links.read_link(joined if is_bech32 else text)
    return None if link is None else Destination("lnurl", joined if is_bech32 else text, link=link)


def _from_bip21(rest: str) -> Destination:
    """The Lightning part of a `bitcoin:` link (BIP 21), and the amount it names."""
    from amani_cli.providers.links import query_of

    query: dict[str, str] = {}
    for name, value in query_of(rest.partition("?")[2]):
        name = name.lower()
        if name.startswith("req-"):
            raise errors.Usage(
                f"this bitcoin: link requires '{name[4:][:40]}', which amani does not know", code="BAD_DESTINATION"
            )
        if name in ("lightning", "amount") and name in query:
            raise errors.Usage(
                f"this bitcoin: link has more than one {name}= part, and nobody can say which is meant",
                code="BAD_DESTINATION",
                hint="Ask the payee for a new link, or for an invoice.",
            )
        query[name] = value
    inner = query.get("lightning", "").strip()
    if not inner:
        raise errors.Usage(
            "this bitcoin: link is on-chain only: it has no lightning= part, and amani pays by Lightning",
            code="BAD_DESTINATION",
            hint="Ask the payee for a Lightning invoice or address.",
        )
    found = _inside(inner)
    if found is None:
        raise errors.Usage(
            "the lightning= part of this bitcoin: link is no invoice, no LNURL and no Lightning address",
            code="BAD_DESTINATION",
            hint="Only these belong in a link. A contact is paid by its name alone: amani pay NAME AMOUNT",
        )
    if "amount" not in query:
        return found
    amount_msat = parse_msat(query["amount"].strip() + "btc")
    asked = bolt11.decode_invoice(found.text).amount_msat if found.kind == "bolt11" else None
    if asked not in (None, amount_msat):
        raise errors.Usage(
            f"this bitcoin: link asks for {format_sat(amount_msat)}, and the invoice in it for {format_sat(asked)}",
            code="AMOUNT_DIFFERS",
            hint="Ask the payee which is right, and for a new link.",
        )
    return replace(found, amount_msat=amount_msat)


def _unknown(ws: Workspace, text: str) -> errors.Usage:
    if ws.has_store and store_wallets.by_name(ws.store, text) is not None:
        return errors.Usage(
            f"'{text}' is a wallet of yours, and no payee",
            code="BAD_DESTINATION",
            hint=f"To move money to it: amani transfer '{text}' AMOUNT",
        )
    if re.fullmatch(r"(?a:\d)[\d_.,]{0,15}(?:sat|msat|btc|k|m|[a-z]{3})?", text, re.IGNORECASE):
        return errors.Usage(
            f"'{text}' is an amount, and no payee",
            code="BAD_DESTINATION",
            hint="First whom, then how much: amani pay ada@example.com 2100",
        )
    address = re.search(r"<\s*([^\s<>@]+@[^\s<>@]+)\s*>", text)
    if address is not None and len(text) <= 200 and text.isprintable():
        return errors.Usage(
            f"'{text}' is a name and an address", code="BAD_DESTINATION", hint=f"Give the address alone: {address[1]}"
        )
    # Keys, hashes, offers and on-chain addresses in the wrong place: the decoder of invoices names them, unrepeated.
    try:
        bolt11.decode_invoice(text)
    except errors.Usage as error:
        if not error.message.startswith("That is not a Lightning invoice"):
            return error
    shown = f"'{text}'" if len(text) <= 60 and text.isprintable() else "that"
    hint = "An address looks like ada@example.com, an invoice starts with lnbc, an LNURL with lnurl1 or lnurlp://."
    hint = did_you_mean(text, [each.name for each in contacts.every(ws).items]) + hint
    return errors.Usage(f"{shown} is none of: {FORMS}", code="BAD_DESTINATION", hint=hint)
