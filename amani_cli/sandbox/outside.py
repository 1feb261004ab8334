"""A second LNbits beside the sandbox's, funded by it: what its wallet pays to the first leaves a server, as real money.

Its folder is `outside/` in the sandbox's own, with the same Python environment; its funds are a wallet of the first
that nobody is shown, whose keys stand in `funds.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from amani_cli.sandbox import accounts
from amani_cli.sandbox.folder import read_json, write_json

if TYPE_CHECKING:
    import httpx

WALLETS: Mapping[str, int] = {"outside": 100_000}
FUNDS_SAT = 10_000_000


def folder(root: Path) -> Path:
    """Where the second one lives, there or not."""
    return root / "outside"


def exists(root: Path) -> bool:
    """Whether a second one was made."""
    return bool(read_json(folder(root) / "keys.json").get("wallets"))


def prepare(root: Path) -> None:
    """Make its folder, on the environment that the first runs in."""
    own = folder(root)
    own.mkdir(mode=0o700, exist_ok=True)
    env = own / "env"
    if not env.exists():
        env.unlink(missing_ok=True)
        env.symlink_to(root / "env")


def backend(root: Path, url: str, client: httpx.Client) -> dict[str, str]:
    """The settings by which the second pays out of a wallet of the first, at `url`; made and funded where missing.

    LNbits heeds them at its very first start, and keeps them in its database from then on.
    """
    path = folder(root) / "funds.json"
    funds = read_json(path)
    if not funds:
        funds = {**accounts.make_account(client, "outside's funds"), "funded": False}
        write_json(path, funds)
    if not funds["funded"]:
        accounts.top_up(root, client, read_json(root / "keys.json"), str(funds["id"]), FUNDS_SAT)
        write_json(path, {**funds, "funded": True})
    return {
        "LNBITS_BACKEND_WALLET_CLASS": "LNbitsWallet",
        "LNBITS_ENDPOINT": url,
        "LNBITS_KEY": str(funds["adminkey"]),
    }


def root_of(root: Path, wallet_id: str) -> Path:
    """The folder of the one that a wallet is on."""
    own = folder(root)
    there = read_json(own / "keys.json").get("wallets", {}).values()
    return own if any(wallet["id"] == wallet_id for wallet in there) else root
