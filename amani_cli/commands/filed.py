"""What `--request` does of every command that has it: the request is written down and shown, and nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli.requests import filing, standing

if TYPE_CHECKING:
    from amani_cli.options import Options
    from amani_cli.requests.filing import Draft
    from amani_cli.wallets.known import KnownWallet


def filed(said: Options, wallet: KnownWallet | None, draft: Draft) -> None:
    """File a request and print it."""
    said.emit(standing.view(said.ws, filing.file(said.ws, wallet, draft)))
