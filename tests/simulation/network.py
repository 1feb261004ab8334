"""The Lightning network of the world: every invoice there is, who made it, and who has paid it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tests.kit import make_invoice


@dataclass
class Paper:
    """An invoice. `maker` is the LNbits that made it, or None for a payee outside; `paid` counts what arrived."""

    bolt11: str
    payment_hash: str
    preimage: str
    amount_msat: int
    created: float
    expiry: int
    memo: str
    maker: Any = None
    payee: str = ""
    paid: int = 0
    asked: str = ""
    arrived: list[Callable[[], None]] = field(default_factory=list)

    def is_over(self, now: float) -> bool:
        """Whether its time has passed."""
        return now >= self.created + self.expiry


class Network:
    """Makes invoices, and knows each by its text and its hash."""

    def __init__(self) -> None:
        self.by_text: dict[str, Paper] = {}
        self.by_hash: dict[str, Paper] = {}

    def invoice(
        self,
        rng: random.Random,
        amount_msat: int,
        now: float,
        *,
        expiry: int = 3600,
        memo: str = "",
        maker: Any = None,
        payee: str = "",
        description_hash: str | None = None,
    ) -> Paper:
        """A new invoice. Its signature is a stand-in that names the payee: signing takes longer than all else."""
        preimage = rng.randbytes(32)
        payment_hash = sha256(preimage).hexdigest()
        payee = payee or sha256(repr(maker and maker.url).encode()).hexdigest()
        text = make_invoice.make_invoice(
            amount_msat=amount_msat,
            description=None if description_hash else memo,
            description_hash=description_hash,
            expiry_s=expiry,
            created_at=int(now),
            payment_hash=payment_hash,
            key=payee,
        )
        paper = Paper(text, payment_hash, preimage.hex(), amount_msat, float(int(now)), expiry, memo, maker, payee)
        self.by_text[text] = self.by_hash[payment_hash] = paper
        return paper
