"""Paying out from a Fincra wallet, to banks and phones: the rail that the engine in `payments` sends and looks by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.providers.base import FiatRecord, PayAnswer
from amani_cli.store import Row
from amani_cli.store import payments as journal
from amani_cli.times import from_rfc3339
from amani_cli.verdict import ABSENT, Found
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra

# A payout has no expiry that would make it impossible. What Fincra has not heard of a day after it was sent, it never
# will: no proxy and no queue holds a request for so long.
PROOF_OF_ABSENCE_S = 86400


@dataclass(frozen=True)
class Fiat:
    """The rail of a Fincra wallet. `order` is the one POST, given our reference; None when it is only looked."""

    ws: Workspace
    client: Fincra
    order: Callable[[str], PayAnswer] | None = None

    def post(self, row: Row) -> PayAnswer:
        """Send it, and keep Fincra's own reference, by which a conversion is found most surely."""
        assert self.order is not None
        answer = self.order(row["our_reference"])
        if isinstance(answer.record, FiatRecord):
            if answer.record.provider_reference is not None:
                with self.ws.store.write() as db:
                    journal.update(db, row["id"], provider_reference=answer.record.provider_reference)
            if answer.record.status == "settled" and answer.record.fee is None:
                return answer._replace(record=self._with_fee(row) or answer.record)
        return answer

    def _with_fee(self, row: Row) -> FiatRecord | None:
        """What is settled at once says its fee only when it is read."""
        try:
            found = self.find(row)
        except errors.AmaniError:
            return None
        return found if isinstance(found, FiatRecord) and found.status == "settled" else None

    def find(self, row: Row) -> Found:
        """The record of our reference."""
        fresh = journal.by_id(self.ws.store, row["id"]) or row
        if row["kind"] == "convert":
            record = self.client.conversion(row["our_reference"], fresh["provider_reference"])
        else:
            record = self.client.record(row["our_reference"])
        return ABSENT if record is None else record

    def never_arrived(self, row: Row) -> bool:
        """A day after it was sent, asked with this business' own key: another's has no record either."""
        sent = from_rfc3339(row["created_at"]).timestamp()
        return sent < time.time() - PROOF_OF_ABSENCE_S and self.client.business().id == row["remote_wallet_id"]
