"""The rail of a Fincra business: payouts, transfers and conversions under a reference of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.payments.lightning_rail import has_passed
from amani_cli.payments.verdict import ABSENT, Found
from amani_cli.providers.base import FiatRecord, PayAnswer
from amani_cli.store import journal
from amani_cli.store.entries import Entry
from amani_cli.times import from_rfc3339
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.fincra import Fincra


# A payout has no expiry that would make it impossible. What Fincra has not heard of a day after it was sent, it never
# will: no proxy and no queue holds a request for so long.
PROOF_OF_ABSENCE_S = 86400


@dataclass(frozen=True)
class FiatRail:
    """The rail of a Fincra wallet. `order` is the one POST, given our reference; None when it is only looked."""

    ws: Workspace
    client: Fincra
    order: Callable[[str], PayAnswer] | None = None

    def post(self, row: Entry) -> PayAnswer:
        """Send it, and keep Fincra's own reference, by which a conversion is found most surely."""
        assert self.order is not None
        answer = self.order(_reference(row))
        if isinstance(answer.record, FiatRecord):
            self._keep(row, answer.record)
            if answer.record.status == "settled" and answer.record.cost(Decimal(row.amount or 0)) is None:
                return answer._replace(record=self._with_fee(row) or answer.record)
        return answer

    def _keep(self, row: Entry, record: FiatRecord) -> None:
        if record.provider_reference is not None:
            with self.ws.store.write() as db:
                journal.update(db, row.id, provider_reference=record.provider_reference)

    def _with_fee(self, row: Entry) -> FiatRecord | None:
        """What is settled at once says its fee only when it is read."""
        try:
            found = self.find(row)
        except errors.AmaniError:
            return None
        return found if isinstance(found, FiatRecord) and found.status == "settled" else None

    def find(self, row: Entry) -> Found:
        """The record of our reference; Fincra's own reference is kept with the first that is found."""
        known = self._provider_reference(row)
        if row.kind == "convert":
            sent = from_rfc3339(row.created_at).timestamp() + (row.told_ahead or 0)
            record = self.client.conversion(_reference(row), known, sent)
        else:
            record = self.client.record(_reference(row))
        if record is None:
            return ABSENT
        if known is None and record.our_reference is not None:
            self._keep(row, record)
        return record

    def never_arrived(self, row: Entry) -> bool:
        """A day after it was sent, asked with this business' own key: another's has no record either.

        What Fincra has given a reference to did arrive, whatever has become of its record.
        """
        if self._provider_reference(row) is not None:
            return False
        is_over = has_passed(self.ws, row, self.client.line.url, PROOF_OF_ABSENCE_S)
        return is_over and self.client.business().id == row.remote_wallet_id

    def _provider_reference(self, row: Entry) -> str | None:
        fresh = journal.by_id(self.ws.store, row.id) or row
        known: str | None = fresh.provider_reference
        return known


def _reference(row: Entry) -> str:
    """Our own reference, which every movement of fiat was journaled with."""
    assert row.our_reference is not None
    return row.our_reference
