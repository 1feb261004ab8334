"""What an LNbits keeps of a wallet's payments: one by its hash, or all of them, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from amani_cli import errors
from amani_cli.providers import lnbits_wire as wire
from amani_cli.providers.base import Record, RemoteWallet
from amani_cli.providers.lnbits_line import LnbitsLine

PAGE = 1000  # the server's own cap


class LnbitsRecords(LnbitsLine):
    """The calls that read a wallet's records, by its key."""

    def record(self, payment_hash: str) -> Record | None:
        """This wallet's own record of a payment, or None when it has none.

        The status call answers a junk key with 200 and no `details`, so such an answer is a refused key, not a
        payment (raises `errors.NotAuthorised`).
        """
        answer = self._read(f"/api/v1/payments/{quote(payment_hash, safe='')}", accept=(404,))
        if answer.status == 404:
            if wire.detail(answer) == "Payment does not exist.":
                return None
            raise self._refusal(answer)
        body = self._object(answer)
        details = body.get("details")
        if not isinstance(details, dict):
            raise errors.NotAuthorised(
                f"{self.line.host} does not know this key any more",
                code="KEY_REFUSED",
                hint="Was it rotated, or the wallet deleted? 'amani doctor' looks at each wallet.",
            )
        record = self._record(details, paid=body.get("paid"))
        if record.payment_hash != payment_hash:
            raise self._odd("the record of another payment")
        return record

    def sure_record(self, payment_hash: str) -> Record | None:
        """The same, for who concludes from None: that is asked for twice.

        "Payment does not exist." does not say which, and may be the answer to another question that the line mixed up.
        """
        return self.record(payment_hash) or self.record(payment_hash)

    def sent(self, payment_hash: str) -> Record | None:
        """This wallet's record of money going out by a hash, where it has another of it coming in; None for none.

        Asked for by hash the server tells one of the two. A list has both. Raises `errors.Unreachable` if the server
        does not list by hash.
        """
        listed, _, _ = self._page({"limit": PAGE, "offset": 0, "payment_hash": payment_hash})
        if not listed or any(each.payment_hash != payment_hash for each in listed):
            raise self._odd("other records than were asked for")
        return next((each for each in listed if each.amount_msat < 0), None)

    def wallet_id(self) -> str | None:
        """The wallet's id, which an invoice key is told by its records alone; None while there is no record."""
        return next((record.wallet_id for record in self.records()[0] if record.wallet_id), None)

    def is_shared(self, wallet: RemoteWallet) -> bool | None:
        """Whether the admin key's wallet is another user's, shared with this key; None while it is quite empty.

        The records of a shared wallet bear the other wallet's id, and a key that may not view them sees a balance that
        came from nowhere.
        """
        records, _ = self.records(limit=1)
        if records:
            return records[0].wallet_id not in (None, wallet.id)
        return True if wallet.balance_msat else None

    def records(self, *, offset: int = 0, limit: int = PAGE) -> tuple[list[Record], bool]:
        """A page of this wallet's records, newest first, failed ones too; and whether there is more."""
        records, _, more = self._page({"limit": limit, "offset": offset})
        return records, more

    def all_records(self, since: float | None = None, *, status: str | None = None) -> Iterator[list[Record]]:
        """Every page of records, newest first, from a moment (unix seconds; None: now) back to the beginning.

        The next page is asked for by the time at which the last one ended, that second again with it: whatever comes,
        goes or changes its place meanwhile, no record is left out, and some come twice. Where more records bear one
        second than a page holds, they are counted through. `status` may be understood or not: look at each record.

        A page does not say what it answers, but it begins with what the last one ended with (and what was seen at
        `since`). Where that is missing, the line may have mixed up answers: it is asked for again. It may be gone, too.
        """
        before = None if since is None else int(since) + 1
        offset, more, again = 0, True, int(since or 0)
        while more:
            query: dict[str, Any] = {"limit": PAGE, "offset": offset}
            if before is not None:
                query["time[le]"] = before
            if status is not None:
                query["status"] = status
            page, times, more = self._page(query)
            if again and status is None and (not times or times[0] < again):
                page, times, more = self._page(query)
            if times != sorted(times, reverse=True) or (before is not None and times and times[0] > before):
                raise self._odd("records in another order than was asked for")
            yield page
            reached = int(times[-1]) + 1 if times else None
            if reached is not None and (before is None or reached < before):
                before, offset, again = reached, 0, int(times[-1])
            else:
                offset, again = offset + len(page), 0

    def prove_end(self, oldest: float | None) -> None:
        """Ask whether there is a record from before `oldest` (unix seconds; None: any): the page that said there is
        none may have been the answer to another question. Raises `errors.Unreachable` if there is one."""
        query = {"limit": 1, "offset": 0} | ({} if oldest is None else {"time[le]": int(oldest) - 1})
        if self._page(query)[0]:
            raise self._odd("records after it had said that there are no more")

    def _page(self, query: dict[str, Any]) -> tuple[list[Record], list[float], bool]:
        """A page of records, newest first, with the times they are listed under; and whether there is more."""
        ordered = {**query, "sortby": "time", "direction": "desc"}
        body = self._object(self._read("/api/v1/payments/paginated", params=ordered))
        data, total = body.get("data"), body.get("total")
        if not isinstance(data, list):
            raise self._odd("a list of payments that is none")
        records = [self._record(each) for each in data if isinstance(each, dict)]
        times = [record.listed_at for record in records if record.listed_at is not None]
        seen = int(query["offset"]) + len(data)
        more = len(data) >= query["limit"] and total != seen
        return records, times, more or (bool(data) and wire.is_int(total) and total > seen)
