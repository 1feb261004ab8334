"""What was measured, as a table, as JSON and as a picture."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.measure import Spread


@dataclass(frozen=True)
class Row:
    """One line: what amani took, what the other took, and how the ratio stands to the bar.

    `ratio` is the median of the ratios within each round, with the least and the most. The bar is the most it may be,
    or with `at_least` the least.
    """

    name: str
    unit: str
    ours: Spread
    theirs: Spread | None
    ratio: Spread | None
    bar: float | None = None
    at_least: bool = False
    against: str = "the floor"

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        if self.bar is None or self.ratio is None:
            return None
        return self.ratio.median >= self.bar if self.at_least else self.ratio.median <= self.bar


@dataclass(frozen=True)
class Report:
    """Every row, what was left out and why, when it was measured and on what."""

    rows: list[Row]
    skipped: list[str]
    date: str
    machine: str
    rounds: int


def text(report: Report) -> str:
    """The table for a terminal."""
    head = ("what", "amani", "against", "ratio", "bar", "")
    cells = [head, *(_cells(row) for row in report.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    about = f"{report.date} · {report.machine} · medians of {report.rounds} alternating rounds (least–most)"
    return "\n".join([about, "", *lines, *(f"not measured: {each}" for each in report.skipped)]) + "\n"


def document(report: Report) -> str:
    """The same as JSON."""
    rows: list[dict[str, Any]] = []
    for row in report.rows:
        spreads = {"ours": row.ours, "theirs": row.theirs, "ratio": row.ratio}
        rows.append(
            {
                "what": row.name,
                "against": row.against,
                "unit": row.unit,
                **{name: spread and spread._asdict() for name, spread in spreads.items()},
                "bar": row.bar,
                "at_least": row.at_least,
                "met": row.met,
            }
        )
    about = {"date": report.date, "machine": report.machine, "rounds": report.rounds, "not_measured": report.skipped}
    return json.dumps({**about, "rows": rows}, indent=1, ensure_ascii=False) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    theirs = f"{_shown(row.theirs)} {row.unit} {row.against}" if row.theirs else ""
    bar = "" if row.bar is None else f"{'≥' if row.at_least else '≤'} {row.bar:g}"
    met = {True: "met", False: "NOT MET", None: ""}[row.met]
    return row.name, f"{_shown(row.ours)} {row.unit}", theirs, _shown(row.ratio, 2) if row.ratio else "", bar, met


def _shown(spread: Spread, digits: int | None = None) -> str:
    if digits is None:
        digits = 2 if spread.median < 1 else 0 if spread.median >= 1000 else 1
    median, least, most = (f"{value:,.{digits}f}" for value in spread)
    return median if least == most else f"{median} ({least}–{most})"


# -- the picture ------------------------------------------------------------------------------------

WIDTH, LINE, LEFT, RIGHT = 980, 24, 350, 200
FONT = 'font-family="system-ui, sans-serif" font-size="13"'


def picture(report: Report) -> str:
    """Bars of the ratios, each with a mark where its bar is: a bar that ends before its mark is good."""
    rows = [row for row in report.rows if row.ratio is not None and row.bar]  # a bar of nothing has no share
    # A row whose ratio is to be large is drawn the other way up, so that short is good everywhere.
    scale = (WIDTH - LEFT - RIGHT) / 1.4
    height = LINE * (len(rows) + 3) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" {FONT}>',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        _label(16, LINE, "amani’s cost as a share of what each task may cost", weight="bold"),
        _label(16, LINE * 2, f"{report.date} · {report.machine}", colour="#57606a"),
    ]
    mark = LEFT + scale
    for number, row in enumerate(rows):
        assert row.ratio is not None
        assert row.bar is not None
        share = row.bar / row.ratio.median if row.at_least else row.ratio.median / row.bar
        top = LINE * (number + 2) + 14
        colour = "#2da44e" if row.met else "#9a6700"
        waited = f"{_shown(Spread(*[row.ours.median] * 3))} {row.unit}".strip()  # what one waits for
        parts += [
            _label(LEFT - 10, top + 13, row.name, anchor="end"),
            f'<rect x="{LEFT}" y="{top}" width="{min(share, 1.4) * scale:.1f}" height="16" rx="3" fill="{colour}"/>',
            _label(
                WIDTH - RIGHT + 8,
                top + 13,
                f"{waited}: {row.ratio.median:.2f} ({'≥' if row.at_least else '≤'} {row.bar:g})",
            ),
        ]
    bottom = LINE * (len(rows) + 2) + 14
    parts.append(f'<path d="M{mark:.1f} {LINE * 2 + 10}V{bottom}" stroke="#24292f" stroke-dasharray="3 3"/>')
    parts.append(_label(mark, bottom + 14, "the most it may cost", anchor="middle", colour="#57606a"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _label(
    x: float, y: float, words: str, *, anchor: str = "start", colour: str = "#24292f", weight: str = "normal"
) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )


def write(report: Report, as_json: Path | None, as_picture: Path | None) -> None:
    """Write the files that were asked for."""
    if as_json is not None:
        as_json.write_text(document(report))
    if as_picture is not None:
        as_picture.write_text(picture(report))
