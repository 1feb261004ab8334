"""Wallets, and who may do what with them."""

from typing import Literal, NamedTuple

from amani_cli.models.document import document

Provider = Literal["lnbits", "fincra"]


Access = Literal["spend", "read"]


@document("amani.wallet/1")
class Wallet(NamedTuple):
    """A wallet that amani knows. `id` is its id at the provider, `key_source` says where its key lives."""

    name: str
    provider: Provider
    url: str
    access: Access
    default: bool
    id: str | None
    key_source: str
    sandbox: bool = False
    live: bool = True
    login: bool = False
    server_version: str | None = None
    created_at: str | None = None


@document("amani.wallets/1")
class Wallets(NamedTuple):
    """Every wallet that amani knows."""

    items: list[Wallet]


@document("amani.removed/1")
class Removed(NamedTuple):
    """What `wallet remove` took away."""

    wallet: str
    keys_deleted: bool
    remote_deleted: bool


@document("amani.login/1")
class Login(NamedTuple):
    """A user's token for one LNbits, as stored; never the token itself."""

    url: str
    username: str
    logged_in: bool
