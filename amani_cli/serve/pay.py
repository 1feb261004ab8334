"""A Lightning address as payers' wallets ask for it: LUD-06 (pay), 12 (comment), 16 (address), 21 (verify).

https://github.com/lnurl/luds. Asking changes nothing; the callback makes an invoice, and nothing is ever paid.
"""

from __future__ import annotations

import re

from werkzeug.wrappers import Request, Response

from amani_cli import errors
from amani_cli.invoices import addresses
from amani_cli.serve.desk import Desk, note
from amani_cli.serve.visitors import Counts, Rate
from amani_cli.serve.withdraw import answer, error
from amani_cli.store import addresses as store_addresses

ASK_S = 10.0
OF_ONE = (60, 60)
"""So many invoices of one address are made in so many seconds."""
_AMOUNT = re.compile(r"[0-9]{1,16}")
_HASH = re.compile(r"[0-9a-f]{64}")


class Payable:
    """The addresses. What has no whole sat, is too much or too little, or says too much is refused in words."""

    def __init__(self, desk: Desk, in_all: Rate, counts: Counts) -> None:
        self._desk = desk
        self._in_all = in_all
        self._of_one = Rate(OF_ONE)
        self._counts = counts

    def offer(self, _: Request, name: str) -> Response:
        """What can be paid to an address (LUD-16)."""
        with self._desk.reading() as ws:
            row = store_addresses.by_name(ws.store, name.lower())
            if row is None:
                return self._unknown()
            self._counts.add("address_offers")
            url = self._desk.base_url
            return answer(
                {
                    "tag": "payRequest",
                    "callback": f"{url}/a/{row.name}/callback",
                    "minSendable": row.min_msat,
                    "maxSendable": row.max_msat,
                    "metadata": addresses.metadata(row, url),
                    "commentAllowed": row.comment,
                }
            )

    def invoice(self, request: Request, name: str) -> Response:
        """An invoice over what a payer said, with where its payment can be verified."""
        amount, comment = request.args.get("amount", ""), request.args.get("comment", "")
        with self._desk.acting(ASK_S) as ws:
            row = store_addresses.by_name(ws.store, name.lower())
            if row is None:
                return self._unknown()
            if not _AMOUNT.fullmatch(amount):
                return error("The amount is a whole number of millisatoshis.")
            if not self._of_one.takes(row.name) or not self._in_all.takes("all"):
                self._counts.add("refused")
                return error("Too many at once; try again in a minute.")
            try:
                made = addresses.invoice(ws, row, self._desk.base_url, int(amount), comment)
            except errors.Usage as refused:
                return error(refused.message)
            except errors.AmaniError as failed:
                note("warning", "a Lightning address could not make an invoice", failed, address=row.name)
                return error("No invoice can be made at the moment; try again in a few minutes.")
            self._counts.add("invoices")
            verify = f"{self._desk.base_url}/a/{row.name}/verify/{made.payment_hash}"
            return answer({"pr": made.bolt11, "routes": [], "verify": verify})

    def verified(self, _: Request, name: str, payment_hash: str) -> Response:
        """Whether an invoice was paid, as its server says now (LUD-21)."""
        with self._desk.acting(ASK_S) as ws:
            row = store_addresses.by_name(ws.store, name.lower())
            if row is None or not _HASH.fullmatch(payment_hash):
                return self._unknown()
            if not self._in_all.takes("all"):
                return error("Too many at once; try again in a minute.")
            try:
                found = addresses.settled(ws, row, payment_hash)
            except errors.AmaniError as failed:
                note("warning", "a Lightning invoice could not be verified", failed, address=row.name)
                return error("Nobody can tell at the moment; try again in a few minutes.")
            if found is None:
                return self._unknown()
            settled, preimage, bolt11 = found
            return answer({"status": "OK", "settled": settled, "preimage": preimage, "pr": bolt11})

    def _unknown(self) -> Response:
        self._counts.add("not_found")
        return error("Not found", status=404)
