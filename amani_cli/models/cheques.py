"""Cheques and the faucet."""

from typing import NamedTuple

from amani_cli.models.document import document


@document("amani.faucet/1")
class Faucet(NamedTuple):
    """The faucet as it is set up and as it stands."""

    configured: bool
    wallet: str | None
    amount_msat: int | None
    cooldown_s: int | None
    daily_cap_msat: int | None
    balance_msat: int | None
    claimed_today_msat: int
    next_claim_at: str | None


@document("amani.cheque/1", leave_out={"code", "lnurl", "link"})
class Cheque(NamedTuple):
    """A cheque: funds set aside in a wallet of their own. `code` and `link` are the money, and shown once."""

    id: str
    amount_msat: int
    memo: str
    status: str
    created_at: str
    expires_at: str
    wallet: str
    url: str
    reference: str | None
    claimed_at: str | None
    claimed_by: str | None
    payment_hash: str | None
    can_rotate: bool
    outstanding_msat: int
    code: str | None = None
    lnurl: str | None = None
    replayed: bool = False
    sandbox: bool = False
    link: str | None = None


@document("amani.cheques/1")
class Cheques(NamedTuple):
    """Cheques, newest first; `outstanding_msat` is what is set aside and not claimed."""

    items: list[Cheque]
    outstanding_msat: int
    wallets_msat: int | None = None
