"""Whose an id is that a server told: it names one wallet, the one at the server where it was met first.

Rules, history, references and cheques go by a wallet's id, which no two honest servers share. Another server that tells
an id which is known could have any of that for its own, so it is taken for the same one only once it shows the wallet's
records, which nobody else has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.servers import server_of
from amani_cli.store import journal
from amani_cli.store import wallets as store_wallets
from amani_cli.store.ledger import Store

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits

SHOWN = 20  # of the newest settled payments, each of which must be on record


def meet(store: Store, client: Lnbits, remote_id: str, *, told_of: bool = True) -> None:
    """Take an id that a server tells for its own, or refuse it as another's. Raises `errors.RefusedByPolicy`.

    `told_of` remembers it, so that nobody else can claim it later.
    """
    server = server_of(client.url)
    known = store_wallets.servers_of(store, remote_id)
    if server in known:
        return
    # Where it was never met, there is only what it did before servers were remembered to be shown.
    at_least = 1 if known and journal.knows(store, remote_id) else 0
    if not shows_records(store, client, remote_id, at_least=at_least):
        elsewhere = f" of the wallet at {', '.join(known)}" if known else " of a wallet in the journal here"
        raise errors.RefusedByPolicy(
            f"{client.url} tells the id{elsewhere}, and has not that wallet's records",
            code="ID_OF_ANOTHER",
            retry="never",
            hint="An id names one wallet. If that server is to be trusted with another, use it with an AMANI_HOME of"
            " its own.",
        )
    if told_of:
        with store.write() as db:
            store_wallets.met(db, remote_id, server)


def was_met(store: Store, remote_id: str) -> bool:
    """Whether an id was ever met, at any server: what was made just now can't have been."""
    return bool(store_wallets.servers_of(store, remote_id)) or journal.knows(store, remote_id)


def refuse_known(store: Store, url: str, remote_id: str) -> None:
    """Refuse the id of a wallet that was made just now if it was ever met, anywhere: a new wallet has a new id.

    Taken, it would take over another's history, and with it what that one's cheques are worth. Raises
    `errors.RefusedByPolicy`.
    """
    if was_met(store, remote_id):
        raise errors.RefusedByPolicy(
            f"{url} says that it made a wallet, and tells the id of one that was met before",
            code="ID_OF_ANOTHER",
            retry="never",
            hint="Nothing was registered. That server, or something between here and there, lies or repeats old"
            " answers.",
        )


def shows_records(store: Store, client: Lnbits, remote_id: str, *, at_least: int) -> bool:
    """Whether a server has every one of a wallet's newest payments that the journal knows, and so many at least."""
    rows = journal.newest_settled(store, remote_id, SHOWN)
    for row in rows:
        assert row.payment_hash is not None  # those without are left out
        record = client.record(row.payment_hash)
        if record is None or record.status != "settled" or abs(record.amount_msat) != row.amount_msat:
            return False
    return len(rows) >= at_least
