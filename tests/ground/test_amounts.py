"""What may be typed for an amount, what is refused, and that no number ever grows or shrinks on its way."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amani_cli import amounts
from amani_cli.amounts import Fiat
from amani_cli.errors import Usage


def refusal(text: str) -> str:
    with pytest.raises(Usage) as caught:
        amounts.parse_amount(text)
    assert caught.value.code == "BAD_AMOUNT"
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "msat"),
    [
        ("1000", 1_000_000),
        ("1000sat", 1_000_000),
        ("1000sats", 1_000_000),
        ("1_000", 1_000_000),
        ("1_000_000", 1_000_000_000),
        ("1000 sat", 1_000_000),
        (" 1000sat\n", 1_000_000),
        ("1000SAT", 1_000_000),
        ("21k", 21_000_000),
        ("21K", 21_000_000),
        ("1.5ksat", 1_500_000),
        ("1.5sat", 1_500),
        ("0.001btc", 100_000_000),
        ("0.001 BTC", 100_000_000),
        ("0.00000000001btc", 1),
        ("1500msat", 1_500),
        ("1msat", 1),
        ("0.5btc", 50_000_000_000),
        ("21000000btc", amounts.MAX_MSAT),
    ],
)
def test_lightning_amounts(text: str, msat: int) -> None:
    assert amounts.parse_msat(text) == msat
    assert amounts.parse_amount(text) == msat


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("5000NGN", "5000.00", "NGN"),
        ("12.50 GHS", "12.50", "GHS"),
        ("12.5ghs", "12.50", "GHS"),
        ("5 USD", "5.00", "USD"),
        ("1_000USD", "1000.00", "USD"),
        ("700UGX", "700", "UGX"),
        ("1.234KWD", "1.234", "KWD"),
    ],
)
def test_fiat_amounts(text: str, value: str, currency: str) -> None:
    parsed = amounts.parse_amount(text)
    assert parsed == Fiat(Decimal(value), currency)
    assert isinstance(parsed, Fiat)
    assert str(parsed.value) == value


@pytest.mark.parametrize("text", ["max", "MAX", " max "])
def test_max(text: str) -> None:
    assert amounts.parse_amount(text) == "max"
    with pytest.raises(Usage):
        amounts.parse_msat(text)


@pytest.mark.parametrize(
    ("text", "reason", "example"),
    [
        ("0", "not above zero", "1sat"),
        ("0sat", "not above zero", "1sat"),
        ("0.00btc", "not above zero", "1sat"),
        ("0NGN", "not above zero", "5NGN"),
        ("-5", "negative", "1000sat"),
        ("+5", "sign", "5"),
        ("1,000", "comma", "1000"),
        ("1,5", "comma", "1.5ksat"),
        ("1,000.50NGN", "comma", "1000.50NGN"),
        ("1e3", "exponent", "1000sat"),
        ("1.5E3", "exponent", "1000sat"),
        ("1e+3", "exponent", "1000sat"),
        ("0x10", "decimal", "1000sat"),
        ("NaN", "not an amount", "1000sat"),
        ("Infinity", "not an amount", "1000sat"),
        ("1.5", "no whole number", "1500msat"),
        ("1.5", "no whole number", "1sat"),
        ("1.0", "no whole number", "1000msat"),
        ("١٠٠", "digits 0-9", "100"),
        ("１００", "digits 0-9", "100"),
        ("²", "digits 0-9", "1000sat"),
        ("0.0000000000001btc", "smaller than a millisatoshi", "1msat"),
        ("1.5msat", "smaller than a millisatoshi", "1msat"),
        ("21000001btc", "all bitcoin", "1000sat"),
        ("21000000.00000000001btc", "all bitcoin", "1000sat"),
        ("", "no amount", "1000sat"),
        ("   ", "no amount", "1000sat"),
        ("1__0", "underscore", "1_000"),
        ("1_00", "underscore", "1_000"),
        ("1_", "underscore", "1_000"),
        ("_1", "digit", "1000sat"),
        ("007", "leading zeros", "7"),
        ("00.5btc", "leading zeros", "0.5btc"),
        (".5btc", "before the point", "0.5btc"),
        ("5.", "not a number", "1000sat"),
        ("1..5sat", "not a number", "1000sat"),
        ("1 000", "not an amount", "1000sat"),
        ("1M", "milli or mega", "1000000sat"),
        ("1m", "milli or mega", "0.01btc"),
        ("3mbtc", "unit", "1000sat"),
        ("5 XYZ", "ISO 4217", "5000NGN"),
        ("5XBT", "ISO 4217", "1000sat"),
        ("NGN 5000", "after the number", "5000NGN"),
        ("$5", "not an amount", "5000NGN"),
        ("5.001USD", "2 decimals", "5.00USD"),
        ("5.5UGX", "no decimals", "5UGX"),
        ("0.5UGX", "no decimals", "1UGX"),
        ("0.001NGN", "2 decimals", "0.01NGN"),
        ("0.0001KWD", "3 decimals", "0.001KWD"),
        ("1.2345KWD", "3 decimals", "1.234KWD"),
        ("9" * 16 + "NGN", "too much", "5000NGN"),
        ("1" * 100, "too long", "1000sat"),
    ],
)
def test_refused_with_reason_and_correction(text: str, reason: str, example: str) -> None:
    message = refusal(text)
    assert reason in message
    assert example in message


@pytest.mark.parametrize("text", ["5000NGN", "12.50 ghs"])
def test_fiat_where_lightning_is_needed(text: str) -> None:
    with pytest.raises(Usage, match="is fiat") as caught:
        amounts.parse_msat(text)
    assert caught.value.code == "BAD_AMOUNT"


def test_parse_fiat() -> None:
    assert amounts.parse_fiat("5000NGN") == Fiat(Decimal("5000.00"), "NGN")
    assert amounts.parse_fiat("5000", "NGN") == Fiat(Decimal("5000.00"), "NGN")
    for text in ("5000", "5000sat", "5XYZ"):
        with pytest.raises(Usage):
            amounts.parse_fiat(text)


def test_a_key_in_the_amounts_place_is_not_repeated() -> None:
    key = "0123456789abcdef0123456789abcdef"
    assert key not in refusal(key)


def test_require_whole_sat() -> None:
    assert amounts.require_whole_sat(21_000) == 21
    with pytest.raises(Usage, match="1sat or 2sat"):
        amounts.require_whole_sat(1_500)
    with pytest.raises(Usage, match="write 1sat"):
        amounts.require_whole_sat(1)


@pytest.mark.parametrize(
    ("msat", "sat", "btc"),
    [
        (1_000_000, "1,000 sat", "0.00001000 BTC"),
        (1_500, "1.5 sat", "0.00000001500 BTC"),
        (1, "0.001 sat", "0.00000000001 BTC"),
        (0, "0 sat", "0.00000000 BTC"),
        (-1_500, "-1.5 sat", "-0.00000001500 BTC"),
        (amounts.MAX_MSAT, "2,100,000,000,000,000 sat", "21000000.00000000 BTC"),
    ],
)
def test_formats(msat: int, sat: str, btc: str) -> None:
    assert amounts.format_sat(msat) == sat
    assert amounts.format_btc(msat) == btc


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("5000", "NGN", "5,000.00 NGN"),
        ("12.50", "GHS", "12.50 GHS"),
        ("700", "UGX", "700 UGX"),
        ("1.2345", "USD", "1.2345 USD"),
        ("-3.1", "USD", "-3.10 USD"),
    ],
)
def test_format_fiat(value: str, currency: str, text: str) -> None:
    assert amounts.format_fiat(Fiat(Decimal(value), currency)) == text


every_msat = st.integers(min_value=1, max_value=amounts.MAX_MSAT)


@settings(deadline=None, derandomize=True)
@given(every_msat)
def test_what_is_written_reads_back_as_the_same_amount(msat: int) -> None:
    assert amounts.parse_msat(f"{msat}msat") == msat
    assert amounts.parse_msat(amounts.format_btc(msat)) == msat
    assert amounts.parse_msat(amounts.format_sat(msat).replace(",", "")) == msat
    assert amounts.parse_msat(amounts.format_sat(msat).replace(",", "_")) == msat


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 10**10), st.integers(0, 999), st.sampled_from(sorted(amounts.CURRENCIES)))
def test_fiat_reads_back_exactly(whole: int, part: int, currency: str) -> None:
    decimals = amounts.currency_decimals(currency)
    minor = part % 10**decimals
    value = Decimal(whole * 10**decimals + minor).scaleb(-decimals)
    text = f"{value:f}{currency}"
    if value == 0:
        refusal(text)
        return
    parsed = amounts.parse_amount(text)
    assert parsed == Fiat(value, currency)
    assert amounts.parse_amount(amounts.format_fiat(Fiat(value, currency)).replace(",", "")) == parsed


@settings(deadline=None, derandomize=True)
@given(st.one_of(st.text(), st.from_regex(r"[-+]?[0-9_.,eExX]{0,12} ?[A-Za-z]{0,5}", fullmatch=True)))
def test_any_text_is_an_amount_or_a_usage_error(text: str) -> None:
    refusals = []
    for parse in (amounts.parse_amount, amounts.parse_msat, amounts.parse_fiat):
        try:
            parsed = parse(text)
        except Usage as refused:
            refusals.append(refused)
            continue
        # What was taken is exactly the number that was typed, times the unit.
        number = re.match(r"[0-9_.]+", text.strip())
        if parsed == "max":
            continue
        assert number is not None
        typed = Decimal(number[0].replace("_", ""))
        if isinstance(parsed, Fiat):
            assert parsed.value == typed > 0
        else:
            assert isinstance(parsed, int)
            assert Decimal(parsed) / typed in {1, 1000, 10**6, 10**11}
            assert 0 < parsed <= amounts.MAX_MSAT
    assert all(refused.code == "BAD_AMOUNT" and refused.message.isprintable() for refused in refusals)
