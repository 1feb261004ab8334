"""Text from outside can't act on a terminal or a spreadsheet, and no known secret gets through."""

from __future__ import annotations

import base64
import json
import unicodedata
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amani_cli import text as texts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 cup of coffee",
        "ナンセンス 1杯",
        "Ọjà ẹ̀bùn – ₦5 000",
        "قهوة",
        "نام‌ه",
        "👨‍👩‍👧 ❤️ ❤️‍🔥 🇳🇬 👍🏿 1️⃣ ©️",
        r"C:\x1b is not an escape",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert texts.plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("paid\rfree", r"paid\x0dfree"),
        ("a\nb\r\nc\td", r"a\nb\nc d"),
        ("evil\u202egpj.exe", r"evil\u202egpj.exe"),
        ("\u2066a\u2069\u200e\u200f\u061c", r"\u2066a\u2069\u200e\u200f\u061c"),
        ("a\u200bb\u2060c\ufeffd\u00ade", r"a\u200bb\u2060c\ufeffd\xade"),
        ("a\u200db", r"a\u200db"),
        ("👍\u200d\u200d", "👍\u200d" + r"\u200d"),
        ("\u200b\u200d", r"\u200b\u200d"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\ud83d", r"\ud83d"),
        ("x\U000e0041\U000e007f", r"x\U000e0041\U000e007f"),
        ("a\ufe00\U000e0100", r"a\ufe00\U000e0100"),
        ("a\x00b\x7f", r"a\x00b\x7f"),
    ],
)
def test_what_could_act_or_hide_is_shown(text: str, shown: str) -> None:
    assert texts.plain(text) == shown


OVERRIDES = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.text(st.characters()))
def test_plain_text_is_harmless(text: str) -> None:
    shown = texts.plain(text)
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(letter) for letter in shown} & OVERRIDES
    assert texts.plain(shown) == shown
    shown.encode()


def test_one_line() -> None:
    assert texts.one_line("a\n b\t c ", 10) == "a b c"
    assert texts.one_line("abcdef", 6) == "abcdef"
    assert texts.one_line("abcdefg", 6) == "abcde…"
    assert texts.one_line("abcd efgh", 6) == "abcd…"
    assert texts.one_line("abc", 0) == ""


@settings(deadline=None, derandomize=True)
@given(st.text(), st.integers(0, 40))
def test_one_line_keeps_its_limit(text: str, limit: int) -> None:
    assert len(texts.one_line(text, limit)) <= limit


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_formulas_are_defused(text: str) -> None:
    assert texts.csv_cell(text) == "'" + text.replace("\t", " ")


@pytest.mark.parametrize("text", ["\r=1", "\n=1", "a\x1b[31mb", "a\x9bb", "\u202eb", "a\u2028b", "a\x7fb", "\x00"])
def test_a_cell_holds_nothing_that_acts(text: str) -> None:
    cell = texts.csv_cell(text)
    assert cell.isprintable()
    assert cell == texts.plain(text)


@pytest.mark.parametrize("text", ["", "coffee", "a=b", "1-2", "ナ"])
def test_other_cells_stay(text: str) -> None:
    assert texts.csv_cell(text) == text


KEY = "4b8d3c0f9e6a4f21b7c5d8e9fa0b1c2d"
ODD = "päss/w\"ord'+ 1\\"


@pytest.mark.parametrize("secret", [KEY, ODD])
def test_every_form_of_a_secret_is_masked(secret: str) -> None:
    forms = [
        secret,
        secret.upper(),
        repr(secret),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        secret.encode().hex(),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
        base64.b64encode(secret.encode()).decode().rstrip("="),
    ]
    for form in forms:
        masked = texts.mask(f"before {form} after", [secret])
        assert "***" in masked
        assert masked.startswith("before ")
        assert masked.endswith(" after")
        assert form not in masked


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "operator"])
def test_a_secret_inside_base64_is_masked(user: str) -> None:
    header = base64.b64encode(f"{user}:{KEY}:end".encode()).decode()
    masked = texts.mask(f"Authorization: Basic {header}", [KEY])
    assert masked.startswith("Authorization: Basic ")
    assert "***" in masked
    # What is left of the encoding is its edges, which hold a letter or two of the key at most.
    assert len(masked) < len("Authorization: Basic ***") + len(header) - len(KEY) * 4 // 3 + 8


def test_masking_leaves_the_rest() -> None:
    assert texts.mask("nothing here", [KEY, "", "1"]) == "nothing here"
    assert texts.mask("nothing here", []) == "nothing here"
    assert texts.mask("abcd1234efgh", ["abcd", "abcd1234"]) == "***efgh"


@pytest.mark.parametrize("text", ["1,482 sat", "1482msat is not whole", "pay_1482", "0.1482", "148200000", "1482"])
def test_a_pin_changes_no_number(text: str) -> None:
    assert texts.mask(text, ["1482"]) == text


def test_a_password_of_digits_is_masked_and_is_no_part_of_a_number() -> None:
    password = "48151623"
    assert texts.mask(f"wrong password {password}.", [password]) == "wrong password ***."
    for number in (f"{password}42", f"1{password}", f"{password}.5", f"1,{password}", f"{password}msat"):
        assert texts.mask(number, [password]) == number


letters = st.characters(exclude_characters="*")
secrets = st.text(letters, min_size=4, max_size=40).filter(lambda text: not (text.isascii() and text.isdigit()))


@settings(deadline=None, derandomize=True)
@given(st.text(), secrets, st.text())
def test_a_secret_never_gets_through(before: str, secret: str, after: str) -> None:
    assert secret not in texts.mask(before + secret + after, [secret])
    assert secret not in texts.mask(f"{before}{secret!r}{after}", [secret])
