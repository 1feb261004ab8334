"""The servers that cheques' codes name: whoever wrote a code chose its server, and may mean no good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.finding import everything
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits

# LNbits tells its version in the description of its API alone: 300 KiB, and more with each extension.
LIMIT = 4 * 1024 * 1024


def named_server(ws: Workspace, url: str, key: str, *, private: bool = False) -> Lnbits:
    """A client for the LNbits that a cheque's code names: a stranger's, unless a wallet known here is there too.

    `private` is for the sandbox. Raises what `strangers.line` raises.
    """
    if is_server_of_ours(ws, url):
        return lnbits_client(ws, url, key)
    from amani_cli.providers import strangers
    from amani_cli.providers.lnbits import Lnbits

    line = strangers.line(url, deadline=ws.deadline, timeout=ws.timeout, name="LNbits", private=private, limit=LIMIT)
    return Lnbits(line, key)


def is_server_of_ours(ws: Workspace, url: str) -> bool:
    """Whether a wallet that is known here is at that server."""
    return any(wallet.url == url for wallet in everything(ws))
