"""Why an outcome is still open, and until when at most."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from amani_cli.payments import fincra_rail, lightning_rail
from amani_cli.store.entries import Entry
from amani_cli.times import from_rfc3339, local, to_rfc3339

_LONGEST_FLIGHT = timedelta(days=14)
"""A payment on its way is held by each hop until a block height; nodes take at most 2016 blocks, two weeks.

https://github.com/lightning/bolts/blob/master/07-routing-gossip.md#recommendations-for-routing (max_htlc_cltv)
"""


class Waiting(NamedTuple):
    """The reason, in words, and the moment (RFC 3339, UTC) by which it is over at the latest, where there is one."""

    reason: str
    until: str | None


def of(row: Entry) -> Waiting:
    """Why this open entry is open still. Words only: nobody is asked."""
    sent = from_rfc3339(row.created_at)
    if row.direction == "in":
        return Waiting("a cheque's money on its way in: the command that drew it, run again, goes on with it", None)
    if row.documents:
        return Waiting(f"Fincra holds it until it has been given: {row.documents}", None)
    if row.currency is not None:
        absent = sent + timedelta(seconds=fincra_rail.PROOF_OF_ABSENCE_S)
        return Waiting(
            f"Fincra has not told its end; if it never got there, that is certain from {local(absent)} on", None
        )
    until = sent + _LONGEST_FLIGHT
    reason = f"it may be held on its way, until {local(until)} at the latest"
    if row.expires_at is not None:
        ends = from_rfc3339(row.expires_at) + timedelta(seconds=lightning_rail.PROOF_OF_ABSENCE_S)
        reason += f"; if it never arrived, that is certain from {local(ends)} on"
        until = max(until, ends)
    return Waiting(reason, to_rfc3339(until))
