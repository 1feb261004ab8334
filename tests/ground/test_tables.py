"""Tables at any width: what one copies is never cut nor broken, words shrink or move below."""

from __future__ import annotations

import re
import textwrap

import pytest

from amani_cli.tables import lines, toned, wide

MEMO = "order 42, for the bread of the whole of next week and the one after it"
ROW = ["2026-11-28 09:23", "a-wallet [SANDBOX]", "out", "-1,234,567.891 sat", "unknown", MEMO, "pay_01m8gqe44dh8jst56m"]
COLUMNS = [(name, name == "amount") for name in ("when", "wallet", "", "amount", "status", "memo", "id")]


def drawn(width: int, row: list[str] = ROW, *, colored: bool = False) -> list[str]:
    return [*lines(COLUMNS, [row, row], width, colored=colored)]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_what_one_copies_stays_whole(width: int) -> None:
    shown = drawn(width)
    for cell in ROW:
        if cell != MEMO:
            assert any(cell in line for line in shown), cell
    assert max(map(wide, shown)) <= width
    assert sum("memo" in line for line in shown[1:]) in (0, 2)


def test_a_long_memo_takes_one_line_and_says_that_it_was_cut() -> None:
    assert all(MEMO not in line for line in drawn(60))
    assert sum("order 42" in line and line.endswith("…") for line in drawn(60)) == 2
    assert MEMO in drawn(200)[1]


def test_an_id_longer_than_the_screen_is_whole_all_the_same() -> None:
    digest = "f" * 64
    assert f"  id {digest}" in drawn(40, [*ROW[:-1], digest])


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_our_own_words_are_wrapped_and_a_command_in_them_stays_in_one_piece(width: int) -> None:
    fix = "Give the key by --key-file PATH, or --key-command 'pass show lnbits', or leave it be for ever and a day"
    columns = [("", False), ("check", False), ("found", False), ("fix", False)]
    shown = [*lines(columns, [["warn", "keyring", "no usable keyring", fix]], width, colored=False)]
    told = " ".join(line.strip() for line in shown)
    assert re.sub(r"\s+", " ", told).endswith(fix)
    assert max(map(wide, shown)) <= width
    assert textwrap.shorten(fix, 20) not in told


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_chart_fits_and_its_bars_keep_their_order(width: int) -> None:
    columns = [("day", False), ("", False), ("balance", True)]
    rows = [["2026-11-27", "█" * 30, "2,000 sat"], ["2026-11-28", "█" * 15, "1,000 sat"]]
    shown = [*lines(columns, rows, width, colored=False)]
    assert max(map(wide, shown)) <= width
    assert len(shown) == 3
    assert shown[1].count("█") > shown[2].count("█") > 0


def test_wide_letters_take_two_columns_and_joined_marks_none() -> None:
    assert (wide("日本"), wide("e\u0301"), wide("abc")) == (4, 1, 3)
    assert max(map(wide, drawn(80, [*ROW[:5], "日" * 60, ROW[6]]))) <= 80


def test_colour_says_status_and_is_never_the_only_sign() -> None:
    plain, coloured = drawn(120), drawn(120, colored=True)
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plain
    assert "\x1b[35munknown\x1b[0m" in coloured[1]
    assert toned("settled") == "\x1b[32msettled\x1b[0m"
    assert toned("failed: no money moved").startswith("\x1b[31mfailed\x1b[0m:")
    assert toned("for what settled") == "for what settled"
