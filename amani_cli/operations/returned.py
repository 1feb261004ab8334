"""Payouts that settled and came back, looked for on every business."""

from __future__ import annotations

from amani_cli import errors
from amani_cli.fiat.reversals import look
from amani_cli.models.payments import Payment
from amani_cli.store import journal
from amani_cli.wallets import finding
from amani_cli.workspace import Workspace


def find(ws: Workspace) -> tuple[list[Payment], list[str]]:
    """Ask every Fincra wallet what came back, by its log and its list of refunds.

    Returns the entries that this is news of, and the names of the wallets that could not be asked.
    """
    from amani_cli.books import history
    from amani_cli.payments import receipts

    found: list[Payment] = []
    unasked: list[str] = []
    for wallet in finding.registered(ws):
        if wallet.provider != "fincra" or not journal.has_settled(ws.store, wallet.remote_id):
            continue
        ws.talk.progress(f"asking what came back to {wallet.name}")
        before = journal.reversed_ids(ws.store, wallet.remote_id)
        try:
            history.sync(ws, wallet)
            with wallet.fincra("read") as client:
                look(ws, wallet, client)
        except errors.AmaniError as error:
            ws.talk.warn(f"what came back to '{wallet.name}' could not be asked: {error.message}")
            unasked.append(wallet.name)
        news = sorted(journal.reversed_ids(ws.store, wallet.remote_id) - before)
        found += [receipts.receipt(row) for each in news if (row := journal.by_id(ws.store, each)) is not None]
    return found, unasked
