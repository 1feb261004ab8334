"""Where fiat can be sent: banks and mobile-money operators by code or name, kept for a day; and whose account it is."""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import CURRENCIES
from amani_cli.models.payments import BankCode, Banks
from amani_cli.providers.fiat import Bank
from amani_cli.store import banks as store_banks
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

MAX_AGE_S = 86400

# The country of a bank by the currency it is paid in. Where several countries share one it has to be asked for, and
# Fincra wants other things of dollars, pounds and euros than amani knows to say.
BANK_COUNTRIES = {
    "NGN": "NG",
    "GHS": "GH",
    "KES": "KE",
    "UGX": "UG",
    "TZS": "TZ",
    "ZMW": "ZM",
    "ZAR": "ZA",
    "RWF": "RW",
    "MWK": "MW",
    "EGP": "EG",
    "ETB": "ET",
}
# The country of a phone by currency and calling code (ITU-T E.164).
PHONE_COUNTRIES = {
    "NGN": {"234": "NG"},
    "GHS": {"233": "GH"},
    "KES": {"254": "KE"},
    "UGX": {"256": "UG"},
    "TZS": {"255": "TZ"},
    "ZMW": {"260": "ZM"},
    "RWF": {"250": "RW"},
    "MWK": {"265": "MW"},
    "ETB": {"251": "ET"},
    "XOF": {"221": "SN", "223": "ML", "225": "CI", "226": "BF", "227": "NE", "228": "TG", "229": "BJ", "245": "GW"},
    "XAF": {"235": "TD", "236": "CF", "237": "CM", "240": "GQ", "241": "GA", "242": "CG"},
}


def listed(ws: Workspace, wallet: KnownWallet, currency: str) -> Banks:
    """Every bank and operator that a currency can be paid to, with the codes that `pay` takes."""
    currency = currency.strip().upper()
    if currency not in CURRENCIES:
        raise errors.Usage(f"'{currency[:10]}' is not a currency", code="BAD_CURRENCY", hint="E.g. NGN or GHS.")
    with wallet.fincra("read") as client:
        found = [bank for mobile in (False, True) for bank in known(ws, client, currency, mobile=mobile)]
    items = [BankCode("momo" if bank.mobile else "bank", bank.code, bank.name, bank.swift) for bank in found]
    return Banks(currency, items)


def known(ws: Workspace, client: Fincra, currency: str, *, mobile: bool) -> list[Bank]:
    """The banks or operators of a currency: as they were written down today, or asked for."""
    kept = store_banks.kept(ws.store, client.url, currency, mobile=mobile, max_age_s=MAX_AGE_S)
    return _asked_for(ws, client, currency, mobile=mobile) if kept is None else kept


def _asked_for(ws: Workspace, client: Fincra, currency: str, *, mobile: bool) -> list[Bank]:
    fresh = client.banks(currency, mobile=mobile)
    with ws.store.write() as db:
        store_banks.keep(db, client.url, currency, fresh, mobile=mobile)
    return fresh


def find(ws: Workspace, client: Fincra, currency: str, text: str, *, mobile: bool) -> Bank:
    """The bank or operator that a code, a name or a part of a name means.

    Raises `errors.NotFound`, with near names, or `errors.Usage` for more than one.
    """
    # An empty list may have been a slip of Fincra's: nobody shall be unpayable for a day because of it.
    every = known(ws, client, currency, mobile=mobile) or _asked_for(ws, client, currency, mobile=mobile)
    noun = "operator" if mobile else "bank"
    wanted = folded(text)
    found = fitting(every, text)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{bank.code} {bank.name}" for bank in found[:6])
        raise errors.Usage(f"'{text[:60]}' fits more than one {noun}", code="AMBIGUOUS", hint=f"Use a code: {names}.")
    names_by = {folded(bank.name): bank for bank in every}
    near = [names_by[name] for name in get_close_matches(wanted, names_by, n=3)]
    hint = f"Did you mean {', '.join(f'{bank.code} {bank.name}' for bank in near)}? " if near else ""
    raise errors.NotFound(
        f"no {noun} '{text[:60]}' that {currency} can be paid to",
        code="NO_SUCH_BANK",
        hint=f"{hint}See: amani contact banks {currency}",
    )


def fitting(every: list[Bank], text: str) -> list[Bank]:
    """Those of a list that a text means: by code, else by name, else by a part of the name."""
    wanted = folded(text)
    by_code = [bank for bank in every if folded(bank.code) == wanted]
    by_name = [bank for bank in every if folded(bank.name) == wanted]
    return by_code or by_name or [bank for bank in every if wanted and wanted in folded(bank.name)]


def phone(text: str, currency: str) -> tuple[str, str]:
    """A phone number in full, digits alone, and its country. Raises `errors.Usage` with the corrected form."""
    digits = text.strip().removeprefix("+").replace(" ", "").replace("-", "")
    countries = PHONE_COUNTRIES.get(currency)
    if countries is None:
        raise errors.Usage(f"amani can't pay phones in {currency}", code="BAD_DESTINATION")
    codes = " or ".join(countries)
    if not (digits.isascii() and digits.isdigit()) or not 9 <= len(digits) <= 15:
        raise errors.Usage(
            f"'{text[:30]}' is not a phone number",
            code="BAD_PHONE",
            hint=f"Write it with its country code, e.g. {next(iter(countries))}241234567.",
        )
    if digits[:3] not in countries:
        example = f"{next(iter(countries))}{digits.lstrip('0')}"
        hint = f"Write it in full, e.g. {example}." if digits.startswith("0") else f"{currency} phones begin so."
        raise errors.Usage(f"'{text[:30]}' does not begin with {codes}", code="BAD_PHONE", hint=hint)
    return digits, countries[digits[:3]]


def account(text: str, currency: str) -> tuple[str, str]:
    """An account number and its country. Raises `errors.Usage`."""
    number = text.strip().replace(" ", "").replace("-", "")
    country = BANK_COUNTRIES.get(currency)
    if country is None:
        raise errors.Usage(
            f"amani can't pay banks in {currency}",
            code="BAD_DESTINATION",
            hint=f"It can in: {', '.join(BANK_COUNTRIES)}.",
        )
    if not number.isascii() or not number.isalnum() or not 5 <= len(number) <= 34:
        raise errors.Usage(f"'{text[:40]}' is not an account number", code="BAD_ACCOUNT")
    if currency == "NGN" and not (number.isdigit() and len(number) == 10):
        raise errors.Usage(
            f"a Nigerian account number has 10 digits, '{text[:40]}' does not",
            code="BAD_ACCOUNT",
            hint="Write the NUBAN in full, leading zeros too.",
        )
    return number, country


def is_name(expected: str, holder: str) -> bool:
    """Whether every word of an expected name is in the holder's, whatever their order, case and accents."""
    return bool(expected.strip()) and set(folded(expected).split()) <= set(folded(holder).split())


def folded(text: str) -> str:
    """Text without case, accents and punctuation, as names are compared."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(" " if not each.isalnum() else each for each in plain if not unicodedata.combining(each))
    return " ".join(kept.split())
