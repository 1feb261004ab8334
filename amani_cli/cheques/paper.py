"""Cheques on paper: a page of cards, each with its QR code, as HTML or PDF, readable by its owner alone."""

from __future__ import annotations

import html
import io
from pathlib import Path

from amani_cli.amounts import format_sat
from amani_cli.files import check_paper, write_private
from amani_cli.models.cheques import Cheque
from amani_cli.text import plain
from amani_cli.times import local

_PAGE = """<!doctype html><meta charset="utf-8"><title>amani cheques</title><style>
body {{ font: 11pt sans-serif; margin: 12mm }}
section {{ display: flex; gap: 8mm; border: 1px dashed #999; padding: 6mm; margin-bottom: 6mm; break-inside: avoid }}
svg {{ width: 44mm; height: 44mm; flex: none }} h1 {{ font-size: 20pt; margin: 0 }} code {{ overflow-wrap: anywhere }}
</style>{cards}
"""
_CARD = (
    "<section>{qr}<div><h1>{worth}</h1><p>{memo}</p><p>good until {until}</p>"
    "<p>{how} Whoever is first has it.</p>"
    "<p><code>{code}</code></p></div></section>"
)


def write(path: str, cheques: list[Cheque]) -> None:
    """Write the cheques that carry a code, whole or not at all, 0600 from the first byte: each code is money."""
    cards = [cheque for cheque in cheques if cheque.code]
    if check_paper(path) == ".html":
        content: str | bytes = _PAGE.format(cards="\n".join(_card(cheque) for cheque in cards))
    else:
        content = _pdf(cards)
    write_private(Path(path), content)


def _qr(cheque: Cheque) -> str:
    return cheque.link or (cheque.lnurl or cheque.code or "").upper()


def _how(cheque: Cheque) -> str:
    if cheque.link:
        return "Point your phone's camera at it, or open this link."
    return "Claim it: amani cheque claim, then give this code."


def _card(cheque: Cheque) -> str:
    import segno

    drawing = io.BytesIO()
    segno.make_qr(_qr(cheque), error="m").save(drawing, kind="svg", xmldecl=False, svgns=True, border=2)
    return _CARD.format(
        qr=drawing.getvalue().decode(),
        worth=html.escape(format_sat(cheque.amount_msat)),
        memo=html.escape(plain(cheque.memo)),
        until=local(cheque.expires_at),
        how=html.escape(_how(cheque)).replace("amani cheque claim", "<b>amani cheque claim</b>"),
        code=html.escape(cheque.link or cheque.code or ""),
    )


def _pdf(cards: list[Cheque]) -> bytes:
    import segno
    from fpdf import FPDF

    page = FPDF()
    page.set_auto_page_break(False)
    for index, cheque in enumerate(cards):
        if index % 4 == 0:
            page.add_page()
        left, top = 15, 15 + (index % 4) * 68
        page.set_line_width(0.2)
        page.rect(left, top, 180, 62)
        rows = list(segno.make_qr(_qr(cheque), error="m").matrix_iter(border=2))
        side = 50 / len(rows)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                if dark:
                    page.rect(left + 4 + x * side, top + 6 + y * side, side, side, style="F")
        _text(page, left + 60, top + 8, 20, format_sat(cheque.amount_msat))
        _text(page, left + 60, top + 19, 10, plain(cheque.memo)[:70])
        _text(page, left + 60, top + 25, 10, f"good until {local(cheque.expires_at)}")
        _text(page, left + 60, top + 31, 9, _how(cheque))
        _text(page, left + 60, top + 39, 7, cheque.link or cheque.code or "")
    return bytes(page.output())


def _text(page: object, x: float, y: float, size: int, text: str) -> None:
    """Text in a box; the built-in fonts know Latin letters only, and what they don't is shown as a question mark."""
    page.set_font("helvetica", size=size)  # type: ignore[attr-defined]
    page.set_xy(x, y)  # type: ignore[attr-defined]
    known = text.encode("latin-1", "replace").decode("latin-1")
    page.multi_cell(115, size * 0.45, known)  # type: ignore[attr-defined]
