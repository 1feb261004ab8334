"""A wallet that is registered nowhere: a cheque's, known by the key in its code or by one that was kept."""

from __future__ import annotations

import contextlib

from amani_cli import errors, keys
from amani_cli.servers import server_of
from amani_cli.store import journal, marks
from amani_cli.store.entries import Entry
from amani_cli.wallets.finding import registered
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

IN_CODE = keys.KeySource("code")


def keep_key(ws: Workspace, admin_key: str, payment_hash: str) -> str | None:
    """Keep a code's key, before it is used, where the keys of our wallets are; returns where, or None if nowhere."""
    for source in [wallet.key_source for wallet in registered(ws)] or [keys.KeySource("keyring")]:
        try:
            place = keys.place_for(source, ws.paths.sandbox)
            keys.keep(place, f"claim:{payment_hash}", admin_key)
        except errors.AmaniError:
            continue
        return place
    ws.talk.warn(
        "the code's key could be kept nowhere: should this be cut short, only the same command can ask about it"
    )
    return None


UNNAMED = "(a cheque)"  # as they were journaled before the server was named


def mark_of(entry: str) -> str:
    return f"claim {entry}"


def own_cheque(cheque_id: str, place: str) -> str:
    """How a cheque of ours names where its keys are, for a `KeySource` (behind `kept:`) and for the mark of a claim.

    It is looked up there anew each time: the keys may have been rotated since.
    """
    return f"cheque:{cheque_id}@{place}"


def source_of(ws: Workspace, row: Entry) -> KnownWallet | None:
    """The cheque's wallet that an open payment is out of, by the key that was kept; None where none was."""
    mark = marks.read(ws.store, mark_of(row.id))
    if mark is None:
        return None
    url, _, kept = mark.value.partition(" ")
    assert row.remote_wallet_id is not None
    name = kept if kept.startswith("cheque:") else f"claim:{row.payment_hash}@{kept}"
    return as_wallet(ws, url, row.remote_wallet_id, keys.KeySource(f"kept:{name}"))


def forget_key(ws: Workspace, row: Entry) -> None:
    """Drop the key that was kept for a payment, now that its outcome is certain."""
    mark = marks.read(ws.store, mark_of(row.id))
    if mark is None:
        return
    place = mark.value.partition(" ")[2]
    if not place.startswith("cheque:"):  # our own cheque's stay as long as its wallet
        with contextlib.suppress(errors.AmaniError):  # a cheque that was drawn in full is worth nothing
            keys.unkeep(place, f"claim:{row.payment_hash}")
    with ws.store.write() as db:
        marks.wipe(db, mark_of(row.id))


def as_wallet(ws: Workspace, url: str, wallet_id: str, key_source: keys.KeySource = IN_CODE) -> KnownWallet:
    """A cheque's wallet, for the journal: it is registered nowhere, and its key is in the code alone or kept."""
    return KnownWallet(
        ws=ws,
        id=journal.OUTSIDE,
        name=f"(a cheque of {server_of(url)})",
        provider="lnbits",
        url=url,
        remote_id=wallet_id,
        access="spend",
        key_source=key_source,
        has_read_key=False,
        sandbox=False,
        live=True,
        default=False,
        server_version=None,
        login=None,
        insecure_http=False,
        created_at=None,
    )
