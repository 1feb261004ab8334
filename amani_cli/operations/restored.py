"""Reading the wallets of a restored copy back, so that money may leave them again: each by its own id at its server."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.books import differences, history
from amani_cli.cheques import links
from amani_cli.store import audit as audit_log
from amani_cli.store import holds
from amani_cli.store.rows import HoldRow
from amani_cli.wallets import environment, finding
from amani_cli.wallets import known as wallets_known
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def held(ws: Workspace) -> list[HoldRow]:
    """The holds that stand, one a wallet."""
    if holds.of_copy(ws.store) is not None:
        with ws.store.write() as db:
            holds.spread(db)
    return holds.everything(ws.store)


def read(ws: Workspace, standing: list[HoldRow]) -> tuple[list[KnownWallet], list[str]]:
    """Bring in what held wallets did since the copy was made: those that were read back, and who could not be asked.

    A wallet that is not known here any more can't be asked. It counts if the copy could ask it, or nobody can be.
    """
    done, unasked = [], []
    missing = {row.remote_id: row for row in standing}
    for wallet in _at_hand(ws, set(missing)):
        try:
            ws.restart_clock()
            if wallet.remote_id is None:
                wallets_known.identify(wallet)
            row = missing.pop(wallet.remote_id or "", None)
            if row is None:
                continue
            history.sync(ws, wallet)
            done.append(wallet)
        except errors.AmaniError as error:
            ws.talk.warn(f"spending stays held: wallet '{wallet.name}' could not be asked ({error.message})")
            unasked.append(wallet.name)
    is_nobody = not done and not unasked
    for row in missing.values():
        if row.here > 0 or (is_nobody and row.here == 0):
            ws.talk.warn(
                f"wallet '{row.wallet}' stays held: it is not known here any more. Add it again, under any name, and"
                " run 'amani reconcile'; or, if its key or its server is lost for ever, give it up:"
                f" amani reconcile --resolve '{row.wallet}'"
            )
            unasked.append(row.wallet)
    return done, unasked


def _at_hand(ws: Workspace, wanted: set[str]) -> list[KnownWallet]:
    """The wallets that are held, and those in the environment while one is missing, whose ids may have to be asked."""
    known = [wallet for wallet in finding.registered(ws) if wallet.remote_id in wanted]
    if wanted <= {wallet.remote_id for wallet in known}:
        return known
    seen = {wallet.remote_id for wallet in finding.registered(ws)}
    return [
        *known,
        *(each for each in environment.in_environment(ws) if each.remote_id is None or each.remote_id not in seen),
    ]


def release(ws: Workspace, done: list[KnownWallet]) -> tuple[list[str], list[str], list[str]]:
    """Let the money of wallets that were read back go, if their books agree.

    Returns the names of those, the differences of others, and who could not be asked. A Fincra wallet's log, which need
    not go back to its beginning, adds up to no balance: to have read it is enough.
    """
    free, apart, unasked = [], [], []
    if done:
        links.know_kept(ws)
    for wallet in done:
        ws.talk.progress(f"comparing the books of {wallet.name}")
        try:
            found = differences.of_wallet(ws, wallet) if wallet.provider == "lnbits" else []
        except errors.AmaniError as error:
            ws.talk.warn(f"spending stays held: the books of '{wallet.name}' could not be compared: {error.message}")
            unasked.append(wallet.name)
            continue
        if found:
            ws.talk.warn(f"wallet '{wallet.name}' stays held: its books and its server's differ")
            apart += found
            continue
        with ws.store.write() as db:
            holds.release(db, wallet.remote_id)
            audit_log.append(db, "spending released", wallet=wallet.name, outcome="done", actor=ws.said.actor)
        free.append(wallet.name)
    return free, apart, unasked
