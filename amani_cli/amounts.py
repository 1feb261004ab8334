"""Amounts of money: what a person may type, the exact number it stands for, and how it is written back.

Lightning amounts are whole millisatoshis (`int`), fiat amounts a `Decimal` with its ISO 4217 code. There is
no float here, nothing is rounded, and what can be read in two ways is refused with a corrected example.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal, NamedTuple

from amani_cli.errors import Usage

MSAT_PER_SAT = 1_000
MSAT_PER_BTC = 100_000_000_000
MAX_MSAT = 21_000_000 * MSAT_PER_BTC
"""No more bitcoin than this will ever exist, so a larger amount is a slip of the hand."""

_LIGHTNING_UNITS = {
    "": MSAT_PER_SAT,
    "sat": MSAT_PER_SAT,
    "sats": MSAT_PER_SAT,
    "k": 1_000 * MSAT_PER_SAT,
    "ksat": 1_000 * MSAT_PER_SAT,
    "ksats": 1_000 * MSAT_PER_SAT,
    "btc": MSAT_PER_BTC,
    "msat": 1,
    "msats": 1,
}

# ISO 4217: how many decimals each active currency has, in words, to be compared with the standard's table.
_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
_TWO_DECIMALS = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF
    CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
    HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
    MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
    RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS
    UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905
)
CURRENCIES = _NO_DECIMALS | _TWO_DECIMALS | _THREE_DECIMALS

_LONGEST = 64  # characters; far more than any amount needs, and short enough to keep every step cheap
_MOST_FIAT_DIGITS = 15
# Patterns stay text until they are used: most commands only print amounts, and compiling takes milliseconds.
_NUMBER_AND_UNIT = r"([0-9][0-9_.]*)[ \t]*([A-Za-z]*)"
_WHOLE = r"0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:_[0-9]{3})+"
# What people write before or behind an amount of one currency. '$' and 'FCFA' are several countries'.
_SIGNS = {
    "₦": "NGN",
    "₵": "GHS",
    "GH₵": "GHS",
    "GHC": "GHS",
    "KSH": "KES",
    "TSH": "TZS",
    "USH": "UGX",
    "R": "ZAR",
    "€": "EUR",
    "£": "GBP",
    "US$": "USD",
}
_SIGN_FIRST = r"([^0-9\s.,_+-]{1,4})[ \t]*([0-9].*)"
_SIGN_LAST = r"([0-9][0-9_.,]*)[ \t]*([^0-9\s.,_]{1,4})"
_COMMA_GROUPS = r"([0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]+)?[ \t]*([A-Za-z]*)"


class Fiat(NamedTuple):
    """An amount of a fiat currency; what was parsed carries the currency's own number of decimals."""

    value: Decimal
    currency: str


def currency_decimals(currency: str) -> int:
    """Return how many decimals `currency` (an ISO 4217 code, upper case) has."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def parse_msat(text: str) -> int:
    """Return the Lightning amount in `text` as whole millisatoshis, always more than 0.

    `1000` `1000sat` `1_000` `21k` `1.5ksat` `0.001btc` `1500msat`, units in either case. A number without a
    unit is satoshis and must be whole.

    Raises:
        Usage: code `BAD_AMOUNT`; the message holds the reason and a corrected example.
    """
    cleaned = _cleaned(text, example="1000sat")
    if cleaned.lower() == "max":
        raise _bad("max can't be used here: write the amount, for example 1000sat")
    number, unit = _number_and_unit(cleaned, example="1000sat")
    if unit.lower() in _LIGHTNING_UNITS:
        return _msat(number, unit.lower())
    if unit.upper() in CURRENCIES:
        raise _bad(f"{_shown(cleaned)} is fiat ({unit.upper()}): write a Lightning amount, for example 1000sat")
    raise _bad_unit(cleaned, unit)


def parse_amount(text: str) -> int | Fiat | Literal["max"]:
    """Return what `text` asks for: millisatoshis, an amount of fiat (`5000NGN`, `12.50 GHS`), or `max`.

    A number without a unit is satoshis; a wallet that holds fiat must refuse it unless it has one currency.

    Raises:
        Usage: code `BAD_AMOUNT`; the message holds the reason and a corrected example.
    """
    cleaned = _cleaned(text, example="1000sat or 5000NGN")
    if cleaned.lower() == "max":
        return "max"
    number, unit = _number_and_unit(cleaned, example="1000sat or 5000NGN")
    if unit.lower() in _LIGHTNING_UNITS:
        return _msat(number, unit.lower())
    currency = unit.upper()
    if currency not in CURRENCIES:
        raise _bad_unit(cleaned, unit)
    return _fiat(number, currency)


def parse_fiat(text: str, currency: str | None = None) -> Fiat:
    """Return the fiat amount in `text`; a bare number is taken only where `currency` says which one it is.

    The currency may stand first (`NGN 5000`), and be a sign that is one currency's (`₦5000`, `KSh500`).

    Raises:
        Usage: code `BAD_AMOUNT`.
    """
    cleaned = code_last(_cleaned(text, example=f"5000{currency or 'NGN'}"))
    number, unit = _number_and_unit(cleaned, example=f"5000{currency or 'NGN'}")
    if not unit and currency is not None:
        return _fiat(number, currency)
    if unit.upper() in CURRENCIES:
        return _fiat(number, unit.upper())
    if not unit:
        raise _bad(f"{_shown(cleaned)} names no currency: write it after the number, for example {number}NGN")
    if unit.lower() in _LIGHTNING_UNITS:
        raise _bad(f"{_shown(cleaned)} is a Lightning amount: a fiat amount is needed, for example 5000NGN")
    raise _bad_unit(cleaned, unit)


def names_currency(text: str) -> bool:
    """Whether an amount says what it is in: anything but digits and what stands between them."""
    return any(not each.isdigit() and not each.isspace() and each not in "_.,+-" for each in text)


def code_last(text: str) -> str:
    """Return an amount with its currency's code behind it, as it may be written on a fiat wallet.

    Raises:
        Usage: code `BAD_AMOUNT`, for a sign that is several currencies'.
    """
    first, last = re.fullmatch(_SIGN_FIRST, text), re.fullmatch(_SIGN_LAST, text)
    sign, number = (first[1], first[2]) if first else (last[2], last[1]) if last else ("", text)
    if sign == "$" or sign.upper() in ("FCFA", "CFA"):
        bare = number.strip().replace(",", "")
        codes = f"{bare}USD" if sign == "$" else f"{bare}XAF or {bare}XOF"
        raise _bad(f"{sign} is more than one currency's: write for example {codes}")
    code = _SIGNS.get(sign.upper()) or (sign.upper() if first and sign.upper() in CURRENCIES else None)
    return text if code is None else f"{number.strip()}{code}"


def require_whole_sat(amount_msat: int) -> int:
    """Return `amount_msat` in satoshis where only whole satoshis will do.

    Raises:
        Usage: code `BAD_AMOUNT`, naming the two nearest whole amounts.
    """
    sat, rest = divmod(amount_msat, MSAT_PER_SAT)
    if rest == 0:
        return sat
    nearest = f"{sat}sat or {sat + 1}sat" if sat else "1sat"
    raise _bad(f"{amount_msat}msat is not a whole number of satoshis, which is needed here: write {nearest}")


def format_sat(amount_msat: int) -> str:
    """Return `amount_msat` in satoshis, for people: `1,000 sat`, and `1.5 sat` where there are odd ones."""
    sign, whole, rest = _split(amount_msat, MSAT_PER_SAT)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{sign}{whole:,}{fraction} sat"


def format_btc(amount_msat: int) -> str:
    """Return `amount_msat` in bitcoin, exactly: eight decimals, or eleven for odd millisatoshis."""
    sign, whole, rest = _split(amount_msat, MSAT_PER_BTC)
    sat, msat = divmod(rest, MSAT_PER_SAT)
    return f"{sign}{whole}.{sat:08d}{f'{msat:03d}' if msat else ''} BTC"


def padded(value: Decimal, currency: str) -> Decimal:
    """Return `value` with the decimals of its currency, or with all it carries if that is more."""
    exponent = value.as_tuple().exponent
    carried = -exponent if isinstance(exponent, int) else 0
    return Decimal(f"{value:.{max(currency_decimals(currency), carried)}f}")


def format_fiat(amount: Fiat) -> str:
    """Return a fiat amount for people: `5,000.00 NGN`, with every decimal that it carries."""
    return f"{padded(*amount):,f} {amount.currency}"


def _bad(message: str) -> Usage:
    return Usage(message, code="BAD_AMOUNT")


def _shown(text: str) -> str:
    # A key or a PIN can land in the amount's place by a slip of the hand: only what is short is repeated.
    return repr(text) if len(text) <= 24 and text.isascii() and text.isprintable() else "that"


def _split(amount_msat: int, unit: int) -> tuple[str, int, int]:
    whole, rest = divmod(abs(amount_msat), unit)
    return ("-" if amount_msat < 0 else ""), whole, rest


def _cleaned(text: str, example: str) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise _bad(f"no amount given: write for example {example}")
    if len(cleaned) > _LONGEST:
        raise _bad(f"that is too long for an amount: write for example {example}")
    return cleaned


def _number_and_unit(text: str, example: str) -> tuple[str, str]:
    """Split `text` into number and unit, or say what is wrong with its shape."""
    match = re.fullmatch(_NUMBER_AND_UNIT, text)
    if match is None:
        raise _bad_shape(text, example)
    number, unit = match[1], match[2]
    lowered = text.lower()
    if number == "0" and unit[:1] in {"x", "X", "b", "B", "o", "O"} and lowered != "0btc":
        raise _bad(f"{_shown(text)} is not decimal: write the amount in decimal digits, for example {example}")
    if re.fullmatch(r"[0-9.]+[eE]", number + unit) or re.fullmatch(r"[0-9.]+e[0-9]+.*", lowered):
        raise _bad(f"{_shown(text)} has an exponent: write all digits out, for example {example}")
    whole, dot, fraction = number.partition(".")
    if re.fullmatch(_WHOLE, whole) is None:
        if whole.replace("_", "").isdigit() and "_" not in whole:
            tidy = whole.lstrip("0") or "0"
            raise _bad(f"{_shown(text)} has leading zeros: write {tidy}{dot}{fraction}{unit}")
        raise _bad(f"{_shown(text)}: an underscore goes between groups of three digits only, for example 1_000")
    if dot and not (fraction.isascii() and fraction.isdigit()):
        raise _bad(f"{_shown(text)} is not a number: one point with digits after it, for example {example}")
    return number.replace("_", ""), unit


def _bad_shape(text: str, example: str) -> Usage:
    """Say why `text` is not a number with a unit, as precisely as can be told."""
    shown = _shown(text)
    if text[0] == "-":
        return _bad(f"{shown}: an amount can't be negative: write for example {example}")
    if text[0] == "+":
        unsigned = text[1:] if text[1:].isalnum() else example
        return _bad(f"{shown}: an amount takes no sign: write for example {unsigned}")
    if not text.isascii():
        try:
            # int() understands the decimal digits of every script, so the correction can be exact.
            plain = str(int(text))
        except ValueError:
            plain = example
        return _bad(f"only the digits 0-9 are taken in an amount: write for example {plain}")
    if re.match(r"[0-9.]+[eE][+-]?[0-9]", text):
        return _bad(f"{shown} has an exponent: write all digits out, for example {example}")
    if re.match(r"0[xXbBoO][0-9a-fA-F]", text):
        return _bad(f"{shown} is not decimal: write the amount in decimal digits, for example {example}")
    commas = re.fullmatch(_COMMA_GROUPS, text)
    if commas is not None:
        digits = (commas[1].replace(",", "").lstrip("0") or "0") + (commas[2] or "") + commas[3]
        return _bad(f"{shown}: a comma can mean a decimal point: write {digits}")
    if "," in text:
        return _bad(f"{shown}: a comma can mean two things: write a point for decimals, for example 1.5ksat")
    if text[0] == "." and text[1:2].isdigit():
        return _bad(f"{shown}: a digit goes before the point: write 0{text}")
    currency_first = re.fullmatch(r"([A-Za-z]{3})[ \t]*([0-9][0-9_.]*)", text)
    if currency_first is not None:
        return _bad(f"{shown}: the unit goes after the number: write {currency_first[2]}{currency_first[1]}")
    if text[0] in "_.":
        return _bad(f"{shown} is not a number: an amount starts with a digit, for example {example}")
    return _bad(f"{shown} is not an amount: write for example {example}")


def _bad_unit(text: str, unit: str) -> Usage:
    if unit in {"m", "M"}:
        return _bad(f"{_shown(text)}: m could mean milli or mega: write for example 1000000sat or 0.01btc")
    if len(unit) == 3:
        return _bad(
            f"{_shown(text)}: {_shown(unit.upper())} is not a currency of ISO 4217 nor a unit of bitcoin: "
            "write for example 5000NGN or 1000sat"
        )
    return _bad(f"{_shown(text)}: the unit is not known: write sat, k, ksat, btc or msat, for example 1000sat")


def _msat(number: str, unit: str) -> int:
    """Return `number` of `unit` in millisatoshis, in integers from end to end."""
    whole, dot, fraction = number.partition(".")
    written = f"{number}{unit}"
    scale: int = 10 ** len(fraction)
    amount_msat, rest = divmod(int(whole + fraction) * _LIGHTNING_UNITS[unit], scale)
    if amount_msat > MAX_MSAT:
        raise _bad(f"{_shown(written)} is more than all bitcoin there will ever be: write for example 1000sat")
    if dot and not unit:
        exact = f"{amount_msat}msat" if amount_msat and not rest else "1500msat"
        raise _bad(f"{_shown(written)} is no whole number of satoshis: write {exact} or {int(whole) or 1}sat")
    if rest:
        raise _bad(f"{_shown(written)} has a part smaller than a millisatoshi: write {amount_msat or 1}msat")
    if amount_msat == 0:
        raise _bad(f"{_shown(written)} is not above zero: write for example 1sat")
    return amount_msat


def _fiat(number: str, currency: str) -> Fiat:
    decimals = currency_decimals(currency)
    whole, _, fraction = number.partition(".")
    if len(whole) > _MOST_FIAT_DIGITS:
        raise _bad(f"that is too much money to be meant: write for example 5000{currency}")
    if len(fraction) > decimals:
        correct = f"{whole}.{fraction[:decimals]}" if decimals else whole
        if not correct.strip("0."):
            correct = f"0.{'1'.rjust(decimals, '0')}" if decimals else "1"  # zero would be refused as well
        raise _bad(
            f"{_shown(number + currency)}: {currency} has {decimals or 'no'} decimals: "
            f"write for example {correct}{currency}"
        )
    # The currency's own number of decimals, written by hand: no arithmetic, so nothing can be rounded.
    padded = f"{whole}.{fraction.ljust(decimals, '0')}" if decimals else whole
    value = Decimal(padded)
    if not value:
        raise _bad(f"{_shown(number + currency)} is not above zero: write for example 5{currency}")
    return Fiat(value, currency)
