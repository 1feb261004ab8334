"""Who is paid, however it was spelled: one text for each payee, by which twins, doubles, pins and references compare.

An address and the link behind it are one payee (LUD-16), so are a bank's code and its name, and a phone number with
and without its plus. Offline: a bank that no list was ever fetched for stays as it was spelled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from amani_cli import errors
from amani_cli.amounts import Fiat
from amani_cli.store import references
from amani_cli.store.entries import Entry
from amani_cli.wallets import rates
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fiat import Bank

_WELL_KNOWN = "/.well-known/lnurlp/"
_LINK = "lnurlp://"


def of(ws: Workspace, shown: str, currency: str | None = None) -> str:
    """The one text of a payee that is shown as an address, a link, or (paid in `currency`) a bank account or phone."""
    kind, colon, rest = shown.partition(":")
    if colon and kind in ("bank", "momo"):
        return _of_account(ws, kind, rest, currency)
    return of_lightning(shown)


def of_lightning(shown: str) -> str:
    """The one text of an address or link: the address, where there is one."""
    if not shown.startswith(_LINK):
        user, at, where = shown.rpartition("@")
        return f"{user.lower()}@{host(where)}" if at else shown
    parts = urlsplit("//" + shown.removeprefix(_LINK))
    where = host(parts.netloc)
    if not parts.query and parts.path.lower().startswith(_WELL_KNOWN):
        user = unquote(parts.path[len(_WELL_KNOWN) :]).lower()
        if re.fullmatch(r"[a-z0-9_.+-]{1,64}", user):
            return f"{user}@{where}"
    query = f"?{_unescaped(parts.query)}" if parts.query else ""
    return f"{_LINK}{where}{_unescaped(parts.path)}{query}"


def of_entry(ws: Workspace, row: Entry) -> str:
    """The one text of the payee of a journaled payment; a payout's holder, who stands behind it there, is left out."""
    return of_destination(ws, row.destination, row.received_currency)


def of_destination(ws: Workspace, destination: str | None, received_currency: str | None) -> str:
    """The same of what an entry is about to have as its destination; `received_currency` is that of a payout."""
    if received_currency is None:
        return of(ws, destination or "")
    return of(ws, (destination or "").partition(" ")[0], received_currency)


def amounts_of(row: Entry) -> list[int | Fiat]:
    """What a journaled payment brought its payee: msat, the fiat that was meant, or the fiat that was paid out."""
    if row.received_currency is not None:
        return [Fiat(Decimal(row.received), row.received_currency)] if row.received else []
    quoted = rates.from_text(row.quoted)
    return [row.amount_msat or 0, *([Fiat(quoted.value, quoted.currency)] if quoted is not None else [])]


def meaning_of_link(amount: object, stated: object, shown: str, comment: str) -> references.Meaning:
    """What a reference for paying an address or link stands for: fiat as it was typed.

    `amount` is what was typed, `stated` what the link itself asks for.
    """

    def said(much: object, whom: str) -> str:
        written = f"{much.value}{much.currency}" if isinstance(much, Fiat) else str(much)
        return " ".join(["pay", written, whom, comment]).rstrip()

    payee = of_lightning(shown)
    user, at, where = payee.rpartition("@")
    linked = f"{_LINK}{where}{_WELL_KNOWN}{quote(user, safe='+')}" if at else payee
    meant = stated if amount is None else amount
    typed = [said(much, whom) for much in (meant, None) for whom in (payee, shown, linked)]
    return references.Meaning(typed[0], typed[1:3] if stated is None else typed[1:])


def meaning_of_payout(
    ws: Workspace, shown: str, currency: str, amount: str, found: str | None = None
) -> references.Meaning:
    """What a reference for a payout in a currency stands for; `amount` says how much, and out of what.

    `found` is the account that `shown` was once found to be.
    """
    kind, _, rest = shown.partition(":")
    bank, _, account = rest.rpartition("/")
    also = [f"{kind}:{bank.casefold()}/{account}" if bank else shown]
    also += [f"{kind}:{name}/{account}" for name in _names(ws, kind, bank, currency)]
    also += [of(ws, found, currency)] if found else []  # lists of banks change
    said = [f"payout {whom} {amount}" for whom in (of(ws, shown, currency), *also)]
    return references.Meaning(said[0], said[1:])


# -- hosts, links, banks ------------------------------------------------------------------------------


def host(netloc: str) -> str:
    """A host in small letters, without the dot at its end and the port that it has anyway."""
    name, colon, port = netloc.lower().rpartition(":")
    if not colon or not port.isdigit():
        return netloc.lower().rstrip(".")
    name = name.rstrip(".")
    return name if port == ("80" if name.endswith(".onion") else "443") else f"{name}:{port}"


def _unescaped(text: str) -> str:
    """A part of a link without the escapes that letters, digits and `-._~` don't need (RFC 3986, 6.2.2)."""

    def plain(found: re.Match[str]) -> str:
        letter = chr(int(found[1], 16))
        return letter if letter.isascii() and (letter.isalnum() or letter in "-._~") else found[0].upper()

    return re.sub("%([0-9A-Fa-f]{2})", plain, text)


def _of_account(ws: Workspace, kind: str, rest: str, currency: str | None) -> str:
    bank, _, account = rest.rpartition("/")
    number = re.sub(r"[\s-]", "", account).removeprefix("+").upper()
    if currency is not None:
        from amani_cli.payees import banks  # which a Lightning payment does without

        with suppress(errors.Usage):  # what is no number of either is never paid
            number = (banks.phone if kind == "momo" else banks.account)(account, currency)[0].upper()
        codes = {found.code for found in _fitting(ws, kind, bank, currency)}
        if len(codes) == 1:
            bank = codes.pop()
    return f"{kind}:{bank.casefold()}/{number}"


def _fitting(ws: Workspace, kind: str, bank: str, currency: str) -> Iterator[Bank]:
    """What a bank's code or name fits, in every list of its currency that was fetched, whenever that was."""
    if ws.has_store:
        from amani_cli.store import banks as store_banks  # with what a Lightning payment does without

        for listed in store_banks.every(ws.store, currency, mobile=kind == "momo"):
            yield from _fitting_in(listed, bank)


@lru_cache(maxsize=256)  # a batch pays the same few banks again and again
def _fitting_in(listed: str, bank: str) -> list[Bank]:
    from amani_cli.payees import banks
    from amani_cli.store import banks as store_banks

    return banks.fitting(store_banks.read(listed), bank)


def _names(ws: Workspace, kind: str, bank: str, currency: str) -> list[str]:
    """The other spellings of a bank: its code and its name."""
    found = _fitting(ws, kind, bank, currency)
    return sorted({name.casefold() for each in found for name in (each.code, each.name)})
