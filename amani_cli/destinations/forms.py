"""The forms that a destination can have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from amani_cli.encodings import bolt11

if TYPE_CHECKING:
    from amani_cli.fiat import orders
    from amani_cli.providers.links import Link


FORMS = (
    "an invoice, a Lightning address, an LNURL, a lightning: or bitcoin: link, bank:, momo:, fincra:, a contact's name"
)


@dataclass(frozen=True)
class Destination:
    """What a text stands for. `text` is it without wrapping; `amount_msat` is what a link around it asked for.

    `contact` is the name it was called by.
    """

    kind: Literal["bolt11", "lnurl", "payout"]
    text: str
    amount_msat: int | None = None
    link: Link | None = None
    payout: orders.Destination | None = None
    contact: str | None = None

    @property
    def names_amount(self) -> bool:
        """Whether it is over an amount by itself, as most invoices are. Raises `errors.Usage` for a broken one."""
        return self.kind == "bolt11" and bolt11.decode_invoice(self.text).amount_msat is not None

    @property
    def shown(self) -> str:
        """How it is shown and journaled: an address as it is, a link with its domain in the open."""
        if self.link is None:
            return str(self.payout or self.text)
        return self.link.address or re.sub(r"^https?://", "lnurlp://", self.link.url)


def is_form(text: str) -> bool:
    """Whether a text could be meant as something to pay itself, and so can't be a contact's name."""
    return "@" in text or ":" in text or text.lower().startswith("lnurl1") or bolt11.looks_like_invoice(text)
