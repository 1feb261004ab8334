"""Tables as a terminal of any width can show them: what one copies stays whole, on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator

Column = tuple[str, bool]  # heading, and whether it is right-aligned

_GAP = 2
_SHORTEST = 12
_INDENT = 2
# Columns of a person's words, which may be cut, and of ours, which are wrapped below their row where they don't fit.
# Every other column may be copied or reckoned with, and is never cut nor broken.
_CUT = {"memo", "description"}
_WRAPPED = {"found", "fix", "meaning", "what happened", "what to do", "reason", "about", "name", "who"}

_BAR = set("█▏▎▍▌▋▊▉")

_GOOD, _OPEN, _BAD = "32", "35", "31"  # readable on light and on dark
_TONES = {
    **dict.fromkeys(("settled", "paid", "ok", "claimed", "whole"), _GOOD),
    **dict.fromkeys(("unknown", "pending", "open", "warn", "funding", "claiming", "voiding"), _OPEN),
    **dict.fromkeys(("failed", "fail", "reversed", "BROKEN", "DIFFERS"), _BAD),
    **dict.fromkeys(("UNKNOWN",), _OPEN),
    **dict.fromkeys(("REVERSED",), _BAD),
}


def lines(columns: list[Column], rows: list[list[str]], width: int, *, colored: bool) -> Iterator[str]:
    """The lines of a table, none longer than `width` unless one thing to copy is."""
    from amani_cli.text import plain

    cells = [[plain(cell) for cell in row] for row in rows]
    used = [at for at in range(len(columns)) if columns[at][0] or any(row[at] for row in cells)]
    widths = {at: max([wide(columns[at][0]), *(wide(row[at]) for row in cells)]) for at in used}
    _shorten_bars(cells, used, widths, width)
    beside, below = _placed(columns, used, widths, width)
    heading = _line([columns[at] for at in beside], [columns[at][0] for at in beside], [widths[at] for at in beside])
    if heading.strip():
        yield f"\x1b[1m{heading}\x1b[0m" if colored else heading
    for row in cells:
        line = _line([columns[at] for at in beside], [row[at] for at in beside], [widths[at] for at in beside])
        yield toned(line, anywhere=True) if colored else line
        for at in below:
            if row[at]:
                yield from _below(columns[at][0], row[at], width)


def _shorten_bars(cells: list[list[str]], used: list[int], widths: dict[int, int], width: int) -> None:
    """Draw the bars of a chart in the room that the figures leave; without any, none."""
    for at in used:
        if not any(row[at] for row in cells) or any(set(row[at]) - _BAR for row in cells):
            continue
        over = sum(widths[each] for each in used) + _GAP * (len(used) - 1) - width
        if over > 0:
            room = max(0, widths[at] - over)
            for row in cells:
                row[at] = row[at][: -(-len(row[at]) * room // widths[at])]
            widths[at] = room


def _placed(columns: list[Column], used: list[int], widths: dict[int, int], width: int) -> tuple[list[int], list[int]]:
    """Which columns stand beside one another and which below each row; changes `widths` of those that are cut."""
    beside, below = [*used], list[int]()

    def over() -> int:
        return sum(widths[at] for at in beside) + _GAP * (len(beside) - 1) - width

    for at in used:
        if columns[at][0] in _CUT and over() > 0:
            widths[at] = max(min(widths[at], _SHORTEST), widths[at] - over())
    for wanted in (_WRAPPED, _CUT, None):
        for at in reversed(used):
            if at in beside and len(beside) > 1 and over() > 0 and (wanted is None or columns[at][0] in wanted):
                beside.remove(at)
                below.insert(0, at)
    return beside, below


def _line(columns: list[Column], cells: list[str], widths: list[int]) -> str:
    parts = []
    for (heading, right), cell, room in zip(columns, cells, widths, strict=True):
        shown = cut(cell, room) if heading in _CUT else cell
        space = " " * max(0, room - wide(shown))
        parts.append(space + shown if right else shown + space)
    return (" " * _GAP).join(parts).rstrip()


def _below(heading: str, text: str, width: int) -> Iterator[str]:
    """A cell below its row: words of ours wrapped, a person's cut, and all else whole."""
    lead = " " * _INDENT + (f"{heading} " if heading and heading not in _WRAPPED else "")
    if heading in _CUT:
        yield lead + cut(text, max(_SHORTEST, width - len(lead)))
    elif heading in _WRAPPED:
        import textwrap

        yield from textwrap.wrap(
            text,
            max(_SHORTEST, width),
            initial_indent=lead,
            subsequent_indent=lead,
            break_long_words=False,
            break_on_hyphens=False,
        )
    else:
        yield lead + text


def cut(text: str, room: int) -> str:
    """A text in so many columns, its end left out with `…` where it is longer."""
    if wide(text) <= room:
        return text
    while text and wide(text) > room - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def wide(text: str) -> int:
    """How many columns a text takes: two for wide letters and emoji, none for marks that join the one before."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0
        if unicodedata.combining(each) or each in "\u200d\ufe0e\ufe0f"
        else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def toned(text: str, *, anywhere: bool = False) -> str:
    """Put a status in its colour: the first word, or with `anywhere` each word that stands alone in a table's row."""
    words = "|".join(_TONES)
    pattern = rf"(?:(?<=  )|^)({words})(?=  |$)" if anywhere else rf"^({words})\b"
    return re.sub(pattern, lambda found: f"\x1b[{_TONES[found[1]]}m{found[1]}\x1b[0m", text)
