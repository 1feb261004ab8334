"""Where fiat can be sent: banks and mobile-money operators by code or name, kept for a day; and whose account it is."""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.amounts import CURRENCIES
from amani_cli.models.payments import BankCode, Banks
from amani_cli.providers.corridors import ABROAD, CORRIDORS, PAYSHAP, Corridor, Phones
from amani_cli.providers.fiat import Bank
from amani_cli.store import banks as store_banks
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

MAX_AGE_S = 86400


def listed(ws: Workspace, wallet: KnownWallet, currency: str) -> Banks:
    """Every bank and operator that a currency can be paid to, with the codes that `pay` takes.

    Raises `errors.Usage` for a currency that Fincra pays nobody in.
    """
    currency = currency.strip().upper()
    if currency not in CURRENCIES:
        raise errors.Usage(f"'{currency[:10]}' is not a currency", code="BAD_CURRENCY", hint="E.g. NGN or GHS.")
    with wallet.fincra("read") as client:
        found = [bank for mobile in _ways(currency) for bank in known(ws, client, currency, mobile=mobile)]
    items = [BankCode("momo" if bank.mobile else "bank", bank.code, bank.name, bank.swift) for bank in found]
    return Banks(currency, items)


def _ways(currency: str) -> list[bool]:
    """Which of banks (False) and phones (True) are paid in a currency. Raises `errors.Usage` where neither is."""
    corridor = CORRIDORS.get(currency) or _corridor(currency, mobile=False)
    return [mobile for mobile, paid in ((False, corridor.country), (True, corridor.phones)) if paid]


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
    if not every:
        raise errors.NotFound(
            f"Fincra's list of {noun}s for {currency} is empty, so that nobody can be named there",
            code="NO_SUCH_BANK",
            hint="Try again later, or ask Fincra whether this business may pay there.",
        )
    wanted, found = folded(text), fitting(every, text)
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
    by_code = [bank for bank in every if wanted in (folded(bank.code), folded(bank.swift or ""))]
    by_name = [bank for bank in every if folded(bank.name) == wanted]
    return by_code or by_name or [bank for bank in every if wanted and wanted in folded(bank.name)]


def currencies_of(ws: Workspace, client: Fincra, code: str, currencies: list[str]) -> list[str]:
    """Which of these currencies have a bank of that code."""
    wanted = folded(code)
    paid = [each for each in currencies if each in CORRIDORS and CORRIDORS[each].country]
    return [
        each
        for each in paid
        if any(
            wanted in (folded(bank.code), folded(bank.swift or "")) for bank in known(ws, client, each, mobile=False)
        )
    ]


def phone(text: str, currency: str) -> tuple[str, str]:
    """A phone number in full, digits alone, and its country.

    In full (`+254…`, `00254…`, `254…`) or as it is dialled inside the country (`0722 345 678`), if that can be one
    number only. Raises `errors.Usage` with the corrected form.
    """
    countries = _corridor(currency, mobile=True).phones
    plain = "".join(each for each in text if not each.isspace() and each not in "-().")
    abroad = plain.startswith(("+", "00"))
    digits = plain.removeprefix("+").removeprefix("00") if abroad else plain
    if not (digits.isascii() and digits.isdigit()):
        raise errors.Usage(f"'{text[:30]}' is not a phone number", code="BAD_PHONE", hint=_for_example(countries))
    numbers = [(digits, each.country) for each in countries if _is_full(digits, each)]
    numbers += [] if abroad else [number for each in countries for number in _dialled(digits, each)]
    found = dict(numbers)
    if len(found) == 1:
        return next(iter(found.items()))
    if found:
        raise errors.Usage(
            f"'{text[:30]}' could be {' or '.join(sorted(found))}", code="BAD_PHONE", hint="Write it in full."
        )
    raise errors.Usage(
        f"'{text[:30]}' is no phone number that {currency} can be paid to: those have"
        f" {' or '.join(f'{each.digits} digits after {each.calling}' for each in countries)}",
        code="BAD_PHONE",
        hint=_for_example(countries) if abroad else _nearest(digits, countries),
    )


def currency_of_phone(text: str) -> str | None:
    """The currency that a phone written in full is paid in; None for one that is no such phone, or is dialled."""
    plain = "".join(each for each in text if each.isdigit() or each == "+").removeprefix("+").removeprefix("00")
    fits = [each for each, way in CORRIDORS.items() if any(_is_full(plain, phones) for phones in way.phones)]
    return fits[0] if len(fits) == 1 else None


def _is_full(digits: str, phones: Phones) -> bool:
    return digits.startswith(phones.calling) and len(digits) == len(phones.calling) + phones.digits


def _dialled(digits: str, phones: Phones) -> list[tuple[str, str]]:
    """The number in full that is dialled so inside a country, if it can be one of that country's phones."""
    bare = digits[len(phones.trunk) :]
    fits = digits.startswith(phones.trunk + phones.begins) and len(bare) == phones.digits
    return [(phones.calling + bare, phones.country)] if fits else []


def _nearest(digits: str, countries: tuple[Phones, ...]) -> str:
    for each in countries:
        if len(digits) == each.digits and each.trunk and not digits.startswith(each.trunk):
            return f"Did you mean {each.calling}{digits}, or {each.trunk}{digits}?"
    return _for_example(countries)


def _for_example(countries: tuple[Phones, ...]) -> str:
    each = countries[0]
    number = (each.begins or "7") + "12345678901"
    return f"Write it with its country code, e.g. {each.calling}{number[: each.digits]}."


def account(text: str, currency: str) -> tuple[str, str]:
    """An account number and its country; in South Africa a PayShap alias too. Raises `errors.Usage`."""
    country = _corridor(currency, mobile=False).country
    assert country is not None
    number = "".join(each for each in text if not each.isspace() and each != "-")
    if currency == "ZAR" and "@" in number:
        alias, _, at = text.strip().rpartition("@")
        if not alias or not at or any(each.isspace() for each in text.strip()) or len(text) > 100:
            raise errors.Usage(
                f"'{text[:40]}' is not a PayShap ID",
                code="BAD_ACCOUNT",
                hint=f"E.g. bank:{PAYSHAP}/0713058274@nedbank: all of it, with what stands behind the @.",
            )
        return text.strip(), country
    if not number.isascii() or not number.isalnum() or not 5 <= len(number) <= 34:
        raise errors.Usage(f"'{text[:40]}' is not an account number", code="BAD_ACCOUNT")
    if currency == "NGN" and not (number.isdigit() and len(number) == 10):
        raise errors.Usage(
            f"a Nigerian account number has 10 digits, '{text[:40]}' does not",
            code="BAD_ACCOUNT",
            hint="Write the NUBAN in full, leading zeros too.",
        )
    return number, country


def _corridor(currency: str, *, mobile: bool) -> Corridor:
    """How banks (or phones) are paid in a currency. Raises `errors.Usage` where Fincra pays none."""
    found = CORRIDORS.get(currency)
    if found is not None and (found.phones if mobile else found.country):
        return found
    if currency in ABROAD:
        raise errors.Usage(
            f"amani can't pay out in {currency}: Fincra wants the sender's papers and the payee's address for that",
            code="BAD_DESTINATION",
            hint="Pay it in Fincra's dashboard; 'amani history sync' brings it in.",
        )
    noun = "phones" if mobile else "banks"
    can = [each for each, way in CORRIDORS.items() if (way.phones if mobile else way.country)]
    raise errors.Usage(
        f"Fincra pays no {noun} in {currency}", code="BAD_DESTINATION", hint=f"It pays {noun} in: {', '.join(can)}."
    )


def code_of(bank: Bank, account: str, currency: str, *, mobile: bool) -> str:
    """The one of a bank's codes by which a payout names it. Raises `errors.Usage` where that can't be."""
    if mobile:
        return bank.code
    if (bank.code == PAYSHAP) != ("@" in account):
        raise errors.Usage(
            f"{bank.name} and '{account[:40]}' don't go together: a PayShap ID (number@bank) goes with bank:{PAYSHAP}",
            code="BAD_ACCOUNT",
            hint=f"E.g. bank:{PAYSHAP}/0713058274@nedbank.",
        )
    if bank.code == PAYSHAP or CORRIDORS[currency].code == "bankCode":
        return bank.code
    if bank.swift is None:
        raise errors.Usage(
            f"Fincra pays {currency} by a bank's SWIFT code, and its list has none for {bank.name}",
            code="NO_SWIFT_CODE",
            hint=f"See: amani contact banks {currency}. Ask Fincra, or pay another account.",
        )
    return bank.swift


def is_name(expected: str, holder: str) -> bool:
    """Whether every word of an expected name is in the holder's, whatever their order, case and accents."""
    return bool(expected.strip()) and set(folded(expected).split()) <= set(folded(holder).split())


def folded(text: str) -> str:
    """Text without case, accents and punctuation, as names are compared."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(" " if not each.isalnum() else each for each in plain if not unicodedata.combining(each))
    return " ".join(kept.split())
