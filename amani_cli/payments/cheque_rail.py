"""The rail of a cheque: its wallet pays an invoice of ours, and our own wallet's record says what came.

Any server may be behind a code, and say what it likes: of what it tells nothing but a failure is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amani_cli.payments import lightning_rail
from amani_cli.payments.receipts import open_outcome
from amani_cli.payments.verdict import Found
from amani_cli.providers.base import PayAnswer, Record
from amani_cli.store.entries import Entry

if TYPE_CHECKING:
    from amani_cli.providers.lnbits import Lnbits


@dataclass(frozen=True)
class Draw(lightning_rail.Lightning):
    """The rail of money that is drawn: `client` is the wallet it comes to, `cheque` the one it leaves, by its id.

    `resumed` says that it may have been sent before. What became of a draw later is asked of `client` alone, by the
    rail that any wallet has: the key of a cheque is not kept.
    """

    cheque: Lnbits
    cheque_id: str
    resumed: bool = False

    def post(self, row: Entry) -> PayAnswer:
        """Have the cheque's wallet pay the invoice of an entry, without what its server says of a success.

        When it is resumed, a key that is refused, or a line that can't be had, proves nothing about the first time.
        """
        from amani_cli.providers.http import NotSent

        payment_hash, _ = lightning_rail.ids(row)
        assert row.bolt11 is not None
        try:
            answer = self.cheque.pay(row.bolt11, payment_hash, self.cheque_id)
        except NotSent as error:
            if self.resumed:
                raise open_outcome(row, f"it could not be sent again: {error.message}") from error
            raise
        if self.resumed and answer.heard == "refused":
            return PayAnswer("silence", None, answer.reason)
        return answer._replace(record=None, accepted=False)

    def find(self, row: Entry) -> Found:
        """Our own record once the money is there; until then the cheque's, which alone knows of a failure."""
        payment_hash, own_id = lightning_rail.ids(row)
        mine = lightning_rail.find(self.client, payment_hash, own_id, incoming=True)
        if isinstance(mine, Record) and mine.status == "settled":
            return mine
        theirs = lightning_rail.find(self.cheque, payment_hash, self.cheque_id)
        if isinstance(theirs, Record) and theirs.status == "settled":
            return theirs._replace(status="pending")  # by its word, and it has not arrived
        return theirs
