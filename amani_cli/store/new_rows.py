"""What is written down of a wallet, an invoice, a cheque or a request that was not there before; for the type checker.

Never imported when amani runs: each start would make these classes for nothing.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from amani_cli.models.invoices import InvoiceStatus
from amani_cli.models.wallets import Access, Provider


class WalletPlace(TypedDict):
    """Where a wallet is, and where its keys are."""

    url: str
    remote_id: str | None
    access: Access
    key_source: str
    has_read_key: NotRequired[int]
    sandbox: NotRequired[int]
    live: NotRequired[int]
    login: NotRequired[str | None]
    insecure_http: NotRequired[int]
    server_version: NotRequired[str | None]
    public_key: NotRequired[str | None]


class NewWallet(WalletPlace):
    """A wallet, added now unless it says when."""

    name: str
    name_key: str
    provider: Provider
    created_at: NotRequired[str]


class WalletChanges(TypedDict, total=False):
    """What may become different of a wallet once it stands."""

    name: str
    name_key: str
    url: str
    remote_id: str | None
    access: Access
    key_source: str
    has_read_key: int
    login: str | None
    insecure_http: int
    server_version: str | None
    balance: str | None
    balance_at: str | None
    balance_clock: float | None
    public_key: str | None


class NewInvoice(TypedDict):
    """What is asked for; in msat, or with `amount` and `currency` in fiat."""

    payment_hash: str
    wallet_id: int
    wallet: str
    bolt11: str
    amount_msat: int
    memo: str
    status: InvoiceStatus
    created_at: str
    expires_at: str
    purpose: NotRequired[str]
    reference: NotRequired[str | None]
    category: NotRequired[str | None]
    amount: NotRequired[str | None]
    currency: NotRequired[str | None]
    account: NotRequired[str | None]
    quoted: NotRequired[str | None]


class NewCheque(TypedDict):
    """A cheque that is begun, now and on this machine unless it says otherwise."""

    id: str
    wallet_id: int
    wallet: str
    identity: str
    url: str
    place: str
    has_login: int
    status: str
    amount_msat: int
    reserve_msat: int
    memo: str
    reference: str | None
    expires_at: str
    ledger_ahead: int | None
    created_at: NotRequired[str]
    host: NotRequired[str | None]


class ChequeChanges(TypedDict, total=False):
    """What may become different of a cheque once it stands."""

    status: str
    remote_id: str | None
    expires_at: str
    reference: str | None
    funding_hash: str | None
    payment_hash: str | None
    claimed_at: str | None
    claimed_by: str | None
    claim: str | None
    swept: int


class NewRequest(TypedDict):
    """A request as it is filed; moments of the ledger's time in unix seconds."""

    id: str
    status: str
    what: str
    identity: str
    body: str
    digest: str
    reference: str | None
    actor: str | None
    os_user: str
    host: str
    filed: float
    ends: float
    reason: str | None
    changed_at: str
