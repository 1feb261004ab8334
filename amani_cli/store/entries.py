"""The journal's rows: a payment as it stands, as it is begun, and what may become different of it."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypedDict

from amani_cli.models.wallets import Provider
from amani_cli.store.rows import Row

Direction = Literal["in", "out"]
EntryStatus = Literal["settled", "failed", "unknown"]


class Entry(Row):
    """A payment of the journal: what left or came, and what became of it."""

    id: str
    wallet_id: int
    wallet: str
    remote_wallet_id: str | None
    provider: Provider
    direction: Direction
    kind: str
    status: EntryStatus
    amount_msat: int | None
    fee_msat: int | None
    reserved_msat: int
    amount: str | None
    fee: str | None
    currency: str | None
    payment_hash: str | None
    bolt11: str | None
    preimage: str | None
    destination: str | None
    memo: str
    reference: str | None
    actor: str | None
    failure: str | None
    sandbox: int
    created_at: str
    expires_at: str | None
    settled_at: str | None
    checked_at: str | None
    success: str | None
    our_reference: str | None
    provider_reference: str | None
    received: str | None
    received_currency: str | None
    log_id: str | None
    category: str | None
    rate: str | None
    rate_currency: str | None
    rate_source: str | None
    rate_at: str | None
    quoted: str | None
    answered: int
    ledger_ahead: int | None
    told_ahead: int | None
    resent: int
    duty: str | None
    fee_reserve: str | None
    documents: str | None
    session_id: str | None
    reversed_at: str | None
    payer: str | None
    request_id: str | None
    host: str | None
    os_user: str | None


class Whose(NamedTuple):
    """Whose entry it is: the wallet here and at its server, and whether its money is play money."""

    wallet_id: int
    wallet: str
    remote_wallet_id: str | None
    provider: Provider
    sandbox: int


class NewEntry(NamedTuple):
    """What is journaled of a payment that was not there before; the rest is known later. It is of now, unless it says
    when it was created."""

    whose: Whose
    direction: Direction
    kind: str
    status: EntryStatus
    amount_msat: int | None = None
    fee_msat: int | None = None
    reserved_msat: int = 0
    amount: str | None = None
    fee: str | None = None
    fee_reserve: str | None = None
    currency: str | None = None
    payment_hash: str | None = None
    bolt11: str | None = None
    preimage: str | None = None
    destination: str | None = None
    memo: str = ""
    reference: str | None = None
    actor: str | None = None
    failure: str | None = None
    created_at: str | None = None
    expires_at: str | None = None
    settled_at: str | None = None
    success: str | None = None
    our_reference: str | None = None
    provider_reference: str | None = None
    received: str | None = None
    received_currency: str | None = None
    log_id: str | None = None
    category: str | None = None
    quoted: str | None = None
    ledger_ahead: int | None = None
    told_ahead: int | None = None
    request_id: str | None = None
    host: str | None = None
    os_user: str | None = None


class EntryChanges(TypedDict, total=False):
    """What may become different of an entry once it stands."""

    remote_wallet_id: str | None
    kind: str
    status: EntryStatus
    amount_msat: int | None
    fee_msat: int | None
    reserved_msat: int
    amount: str | None
    fee: str | None
    fee_reserve: str | None
    duty: str | None
    currency: str | None
    preimage: str | None
    destination: str | None
    memo: str
    reference: str | None
    failure: str | None
    settled_at: str | None
    checked_at: str | None
    reversed_at: str | None
    provider_reference: str | None
    received: str | None
    received_currency: str | None
    log_id: str | None
    session_id: str | None
    documents: str | None
    answered: int
    resent: int
