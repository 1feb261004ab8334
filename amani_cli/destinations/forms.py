"""The forms that a destination can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli.encodings import bolt11

if TYPE_CHECKING:
    pass


FORMS = (
    "an invoice, a Lightning address, an LNURL, a lightning: or bitcoin: link, bank:, momo:, fincra:, a contact's name"
)


def is_form(text: str) -> bool:
    """Whether a text could be meant as something to pay itself, and so can't be a contact's name."""
    return "@" in text or ":" in text or text.lower().startswith("lnurl1") or bolt11.looks_like_invoice(text)
