"""An approver's key that is lost where nobody is left to sign: the way of a forgotten PIN, slow and in the open."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.requests import filing
from amani_cli.rules import changes, rulebook, written
from amani_cli.store.rows import RequestRow
from amani_cli.times import parse_duration
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def file(ws: Workspace, name: str, wallet: KnownWallet, admin_key: str) -> RequestRow:
    """Ask for an approver's removal without anybody's signature, given the key that pays.

    It waits as long as a PIN's reset (`pin_reset_delay`), and whoever may approve can refuse it meanwhile. Raises
    `errors.NotAuthorised` for another key, `errors.RefusedByPolicy` where another wallet's payments need them too.
    """
    row = changes.known(ws.store, name)
    changes.refuse_needed_elsewhere(ws.store, row, wallet.identity)
    if wallet.remote_id is None or wallet.owner_of(admin_key) != wallet.remote_id:
        raise errors.NotAuthorised(
            f"that is not the key by which wallet '{wallet.name}' pays",
            code="KEY_REFUSED",
            hint="Take the Admin key (LNbits) or the secret key (Fincra).",
        )
    wait_s = parse_duration(rulebook.value(ws, "pin_reset_delay"))
    terms = {"name": row.name, "key": row.public_key, "lost": True, "wait_s": wait_s}
    draft = filing.Draft(
        "approver remove",
        {},
        {},
        terms,
        life_s=wait_s + written.LIFE_S,
    )
    return filing.file(ws, wallet, draft)
