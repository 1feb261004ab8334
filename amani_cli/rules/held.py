"""After a restore: what a wallet that may have paid since must not do until it was read back."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.store import holds, marks
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

SKEW_S = 5.0
"""A clock that is further off the ledger's is told of to whoever spends."""


def refuse_held(ws: Workspace, wallet: KnownWallet) -> None:
    """Refuse to spend from a wallet that a restored copy knew until `reconcile` has read it back, by its own id.

    Raises `errors.RefusedByPolicy`.
    """
    refuse(ws, wallet.name, wallet.remote_id)


def refuse(ws: Workspace, name: str, remote_id: str | None) -> None:
    """The same for a wallet that may not be registered here any more; `name` is what it is or was called."""
    skew = ws.store.clock.skew()
    if abs(skew) > SKEW_S:
        ws.talk.warn(f"this machine's clock is {skew:+.0f} s off the ledger's, which is the one that counts")
    gone = marks.read(ws.store, marks.GONE)
    if gone is not None:
        raise errors.RefusedByPolicy(
            f"the ledger was moved to {gone.value}, and nothing is spent by this one any more",
            code="LEDGER_MOVED",
            retry="never",
            hint="Point at the new one (amani config set store ADDRESS, or AMANI_STORE), or lift this while nothing was"
            " written there: amani store copy --undo",
        )
    copy = holds.of_copy(ws.store)
    held = holds.of_wallet(ws.store, remote_id)
    if copy is None and held is None:
        return
    why = copy.value if copy is not None else held.why if held is not None else ""
    raise errors.RefusedByPolicy(
        f"wallet '{name}' is held: this is {why}, and what was paid from it since then may be missing",
        code="RECONCILE_FIRST",
        hint="Run 'amani reconcile': it reads that back, and lets spending go on when the books agree.",
    )


def refuse_unread(ws: Workspace, reference: str | None) -> None:
    """Refuse a reference that is new here while a wallet is held that may have paid for it since the copy was made.

    Whichever wallet it would be paid from now: a reference does not say from which it was. An invoice is paid once, but
    the reference may stand for another one. Raises `errors.RefusedByPolicy`.
    """
    held = [row.wallet for row in holds.waiting(ws.store)] if reference is not None else []
    if held:
        raise errors.RefusedByPolicy(
            f"wallet '{held[0]}' is held, and what it paid since this copy was made is not known: '{reference}' may be"
            " paid already",
            code="RECONCILE_FIRST",
            hint=f"Run 'amani reconcile' when '{held[0]}' can be asked. Invoices without a reference can be paid from"
            f" other wallets meanwhile. If it never can be again: amani reconcile --resolve '{held[0]}'",
        )
