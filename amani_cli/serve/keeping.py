"""What `serve` does beside answering: it asks what became of open claims, asks for prices, keeps its counts, and
forgets invoices that nobody has paid."""

from __future__ import annotations

import threading
import time
from decimal import Decimal

from amani_cli import errors
from amani_cli.amounts import Fiat
from amani_cli.cheques import by_link
from amani_cli.invoices import addresses
from amani_cli.serve.claims import Claims
from amani_cli.serve.desk import Desk, note
from amani_cli.serve.visitors import Counts
from amani_cli.store import links
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets import known, rates
from amani_cli.workspace import Workspace

EVERY_S = 1.0
COUNTS_EVERY_S = 10.0
PRICES_EVERY_S = 300.0
FORGETTING_EVERY_S = 60.0
ASK_S = 8.0
SLOWEST_S = 60.0


class Keeper(threading.Thread):
    """A thread that ends soon after `stop`."""

    def __init__(self, desk: Desk, counts: Counts, claims: Claims, currency: str) -> None:
        super().__init__(name="amani keeps", daemon=True)
        self._desk = desk
        self._counts = counts
        self._claims = claims
        self._currency = currency
        self._stopped = threading.Event()
        # Of each open claim: when to ask next, and how long to wait after that.
        self._asked: dict[str, tuple[float, float]] = {}
        self._next_counts, self._next_prices = time.monotonic() + COUNTS_EVERY_S, 0.0
        self._next_forgetting = 0.0

    def stop(self) -> None:
        """End, when what is being asked now was answered; the counts are kept."""
        self._stopped.set()
        self.join(2 * ASK_S)

    def run(self) -> None:
        """Look around until stopped; nothing that goes wrong ends it."""
        while True:
            ended = self._stopped.wait(EVERY_S)
            try:
                self.look_around(time.monotonic(), last=ended)
            except errors.AmaniError as error:
                note("warning", "open claims could not be asked about", error)
            except Exception as error:
                note("warning", "something went wrong beside the pages", error)
            if ended:
                return

    def look_around(self, moment: float, *, last: bool = False) -> None:
        """Do what is due at a moment of the monotonic clock; the `last` time only what is not to be lost."""
        with self._desk.acting(ASK_S) as ws:
            if not last:
                self._ask(ws, moment)
            if last or moment >= self._next_counts:
                self._next_counts = moment + COUNTS_EVERY_S
                self._keep_counts(ws)
            if not last and moment >= self._next_forgetting:
                self._next_forgetting = moment + FORGETTING_EVERY_S
                addresses.forget_unpaid(ws)
            if not last and self._currency != "off" and moment >= self._next_prices:
                self._next_prices = moment + PRICES_EVERY_S
                self._ask_prices(ws)

    def _ask(self, ws: Workspace, moment: float) -> None:
        """Ask about each open claim, ever more slowly; send the same invoice again where it never arrived."""
        open_now = links.being_claimed(ws.store)
        self._asked = {row.id: self._asked.get(row.id, (moment + EVERY_S, EVERY_S)) for row in open_now}
        for row in open_now:
            due, pause = self._asked[row.id]
            if moment < due or self._stopped.is_set():
                continue
            self._asked[row.id] = (moment + pause, min(pause * 1.6, SLOWEST_S))
            ws.restart_clock()
            claim = by_link.go_on(ws, row)
            if claim is not None and claim.status != "unknown":
                note("info", "a Lightning claim by a link has ended", cheque=row.id, status=claim.status)
                self._counts.add(f"claims_{claim.status}")
                if claim.status == "settled":
                    self._claims.tell(claim)

    def _keep_counts(self, ws: Workspace) -> None:
        counted = self._counts.taken()
        if not counted:
            return
        try:
            with ws.store.write() as db:
                links.add_served(db, counted)
        except errors.AmaniError:
            self._counts.give_back(counted)
            raise

    def _ask_prices(self, ws: Workspace) -> None:
        """The price of bitcoin at each server that gave a cheque with a link, for "about"."""
        for giver in {row.wallet_id for row in links.open_cheques(ws.store)}:
            found = store_wallets.by_id(ws.store, giver)
            if found is None:
                continue
            try:
                ws.restart_clock()
                quoted = rates.quote(known.known(ws, found), Fiat(Decimal(1), self._currency))
            except errors.AmaniError as error:
                note("info", "Lightning pages have no price", error)
                continue
            self._desk.keep_price(found.url, quoted)
