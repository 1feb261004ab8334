"""The rail of an LNbits wallet: the bolt11 of an entry is paid, and its record is looked for by its hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amani_cli import clocks, errors
from amani_cli.encodings import bolt11
from amani_cli.payments.verdict import ABSENT, NOT_ASKED, Found
from amani_cli.providers.base import Named, PayAnswer
from amani_cli.store import approvers, faucet, references
from amani_cli.store.entries import Entry
from amani_cli.times import from_rfc3339
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits


# How long an absent record must have been absent, after the invoice expired, before it proves that the request never
# arrived. Right after a cut line a 404 was wrong in 19 of 60 cases, half a second later in none.
PROOF_OF_ABSENCE_S = 120


@dataclass(frozen=True)
class Lightning:
    """The rail of an LNbits wallet."""

    ws: Workspace
    client: Lnbits

    def post(self, row: Entry) -> PayAnswer:
        """Pay the bolt11 of an entry. Its references go along, who claimed it from the faucet, and which agent spends
        it: a journal that is lost learns them from the record."""
        told = references.told_along(self.ws.store, row)
        reference, meaning = told[0] if told else (None, None)
        claimer = faucet.claimer(self.ws.store, row.id) if row.kind == "faucet" else None
        is_agent = row.actor is not None and approvers.is_agent(self.ws.store, row.actor)
        named = Named(reference, meaning, claimer, row.actor if is_agent else None, tuple(told[1:]))
        assert row.bolt11 is not None
        payment_hash, wallet_id = ids(row)
        return self.client.pay(row.bolt11, payment_hash, wallet_id, named=named if any(named) else None)

    def find(self, row: Entry) -> Found:
        """The wallet's own record of the entry's hash."""
        return _look_up(self.client, *ids(row), row.direction == "in")

    def never_arrived(self, row: Entry) -> bool:
        """Once its invoice has been expired for a while nobody can pay it any more."""
        return _is_long_over(self.ws, row, self.client.line.url) and _is_key_of(self.client, ids(row)[1])


def ids(row: Entry) -> tuple[str, str]:
    """The hash of a Lightning payment and our wallet's id, which an entry has by the time it is sent."""
    assert row.payment_hash is not None
    assert row.remote_wallet_id is not None
    return row.payment_hash, row.remote_wallet_id


def find(client: Lnbits, payment_hash: str, wallet_id: str | None, *, incoming: bool = False) -> Found:
    """A wallet's own record of a payment, for the judge; somebody else's record of the same hash says nothing."""
    try:
        return _look_up(client, payment_hash, wallet_id, incoming)
    except errors.AmaniError:
        return NOT_ASKED


def _look_up(client: Lnbits, payment_hash: str, wallet_id: str | None, incoming: bool) -> Found:
    record = client.record(payment_hash)
    if record is None:
        return ABSENT
    if wallet_id not in (None, record.wallet_id):
        return NOT_ASKED
    if not incoming and record.amount_msat > 0:  # it asked for this itself, and may have paid it besides
        return client.sent(payment_hash) or ABSENT
    return record if (record.amount_msat > 0) == incoming else NOT_ASKED


def has_passed(ws: Workspace, row: Entry, url: str, seconds: float) -> bool:
    """Whether an entry certainly was sent to the server at `url` so long ago; the user is told why, if nobody knows."""
    if ws.store.clock.since(row, url) >= seconds:
        return True
    doubt = ws.store.clock.doubt()
    if doubt:
        ws.talk.warn(f"{doubt}: it proves nothing about {row.id}; set the clock (timedatectl)")
    return False


def _is_long_over(ws: Workspace, row: Entry, url: str) -> bool:
    if row.expires_at is None or not has_passed(ws, row, url, PROOF_OF_ABSENCE_S):
        return False
    by_theirs, expires = clocks.told(url), from_rfc3339(row.expires_at).timestamp()
    if by_theirs is not None:
        return expires < by_theirs - PROOF_OF_ABSENCE_S
    # It was made before it was sent: once its whole life has passed since then, it is over by any clock.
    assert row.bolt11 is not None
    life = bolt11.decode_invoice(row.bolt11).expiry_s
    return has_passed(ws, row, url, life + PROOF_OF_ABSENCE_S)


def _is_key_of(client: Lnbits, wallet_id: str) -> bool:
    """Whether the client's key is this wallet's: the key of another one finds no record either, and proves nothing.

    An invoice key is not told its wallet's id, but each of the wallet's records bears it.
    """
    told = client.wallet().id
    return told == wallet_id if told else any(each.wallet_id == wallet_id for each in client.records()[0])
