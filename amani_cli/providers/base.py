"""What a wallet's provider can do, in amani's own words: answers become these records, whatever the JSON was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RecordStatus = Literal["settled", "pending", "failed"]
Heard = Literal["settled", "pending", "failed", "refused", "limited", "silence"]


@dataclass(frozen=True, slots=True)
class RemoteWallet:
    """A wallet as its provider describes it. `id` is None when only a read key was shown."""

    name: str
    balance_msat: int
    id: str | None
    can_spend: bool


@dataclass(frozen=True, slots=True)
class NewWallet:
    """A wallet just made, with its keys."""

    id: str
    name: str
    admin_key: str
    read_key: str


@dataclass(frozen=True, slots=True)
class Record:
    """The provider's own record of a payment. `amount_msat` is negative when money left; `fee_msat` never is."""

    payment_hash: str
    wallet_id: str | None
    amount_msat: int
    fee_msat: int
    status: RecordStatus
    preimage: str | None
    memo: str
    bolt11: str
    created_at: str | None
    expires_at: str | None
    settled_at: str | None


@dataclass(frozen=True, slots=True)
class PayAnswer:
    """What came back from the one POST that pays.

    `settled`, `pending`, `failed`: the provider's word. `refused`: it answered that it did not even try. `limited`:
    its rate limit turned the request away. `silence`: no answer that means anything. `record` is there when the
    answer was our own record of this very payment; `reason` is the provider's wording.
    """

    heard: Heard
    record: Record | None
    reason: str
    code: str = ""
