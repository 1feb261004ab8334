"""An advice of a payment, for its payee: one page as HTML or PDF, with what their bank finds it by."""

from __future__ import annotations

import html
from pathlib import Path

from amani_cli import errors
from amani_cli.amounts import Fiat, format_fiat, format_sat
from amani_cli.files import check_paper, write_private
from amani_cli.models.payments import Payment
from amani_cli.text import plain
from amani_cli.times import local

_PAGE = """<!doctype html><meta charset="utf-8"><title>Payment advice</title><style>
body {{ font: 12pt sans-serif; margin: 20mm }} h1 {{ font-size: 18pt }} th {{ text-align: left; padding-right: 10mm }}
td, th {{ padding-bottom: 2mm; vertical-align: top; overflow-wrap: anywhere }}
</style><h1>Payment advice</h1><table>{rows}</table>
"""


def write(path: str, paid: Payment) -> None:
    """Write the advice, whole or not at all, 0600. Raises `errors.Usage` for what is no payment that settled.

    What it cost and what it was filed under are the payer's own business, and not on it.
    """
    form = check_paper(path, "an advice is")
    if paid.direction != "out" or paid.status != "settled":
        raise errors.Usage(
            f"an advice is of a payment that settled, and {paid.id} {_is_not(paid)}",
            code="NO_ADVICE",
            hint=f"See: amani history show {paid.id}",
        )
    rows = [(label, plain(value)) for label, value in _rows(paid) if value]
    if form == ".pdf":
        content: str | bytes = _pdf(rows)
    else:
        cells = "".join(f"<tr><th>{html.escape(label)}</th><td>{html.escape(value)}</td></tr>" for label, value in rows)
        content = _PAGE.format(rows=cells)
    write_private(Path(path), content)


def _is_not(paid: Payment) -> str:
    return "came in" if paid.direction == "in" else f"is {paid.status}"


def _rows(paid: Payment) -> list[tuple[str, str | None]]:
    sent = format_fiat(Fiat(*paid.amount)) if paid.amount else format_sat(paid.amount_msat or 0)
    arrived = format_fiat(Fiat(*paid.received)) if paid.received and paid.received != paid.amount else None
    return [
        ("Amount", arrived or sent),
        ("Sent as", sent if arrived else None),
        ("To", paid.destination),
        ("From", paid.wallet),
        ("Settled", local(paid.settled_at) if paid.settled_at else None),
        ("For", paid.memo),
        ("Reference", paid.reference),
        ("Fincra's reference", paid.provider_reference),
        ("Session id", paid.session_id),
        ("Sender's reference", paid.our_reference),
        ("Payment hash", paid.payment_hash),
        ("Preimage (proof)", paid.preimage),
        ("Note", "Test money: nothing of worth was paid." if paid.sandbox else None),
    ]


def _pdf(rows: list[tuple[str, str]]) -> bytes:
    from fpdf import FPDF

    page = FPDF()
    page.add_page()
    page.set_font("helvetica", size=18)
    page.cell(0, 14, "Payment advice")
    page.ln(18)
    for label, value in rows:
        page.set_font("helvetica", style="B", size=11)
        page.cell(50, 7, label)
        page.set_font("helvetica", size=11)
        # The built-in fonts know Latin letters only; what they don't is shown as a question mark.
        page.multi_cell(130, 7, value.encode("latin-1", "replace").decode("latin-1"))
        page.ln(1)
    return bytes(page.output())
