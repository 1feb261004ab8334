"""What a request works with: a workspace of its own, with little time; and how the cheque stands that it is about."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from amani_cli import errors, keys, log
from amani_cli.cheques import links, standing
from amani_cli.models.money import Quoted
from amani_cli.store import cheques, holds
from amani_cli.store.rows import ChequeRow
from amani_cli.store.sqlite import Lasting
from amani_cli.wallets import rates
from amani_cli.workspace import Workspace

State = Literal["open", "claiming", "claimed", "expired", "void", "held"]
"""How a cheque's page says that it stands; `held` is one that can't be claimed now, and may be later."""

LOOK_S = 2.0
"""How long a page waits for the cheque's server to say whether it was drawn by its code; then it is as last seen."""
LOOK_AGAIN_S = 10.0
CLAIM_S = 10.0
"""How long a claim waits for its outcome before it is said to be on its way; LNbits itself waits for 5 s."""
_REMEMBERED = 5000


class Desk:
    """Gives each request its workspace, and remembers which cheques were asked about just now.

    `make` builds a workspace whose commands may take so many seconds.
    """

    def __init__(self, make: Callable[[float], Workspace], base_url: str) -> None:
        self._make = make
        self.base_url = base_url
        self._prices: dict[str, Quoted] = {}
        self._looked: OrderedDict[str, tuple[float, State | None]] = OrderedDict()  # when, and what is not to be had
        self._silent_until = 0.0
        self._lock = threading.Lock()
        self._lasting = Lasting()
        self._shared, self._shared_until = False, 0.0

    @contextmanager
    def reading(self, seconds: float = LOOK_S) -> Iterator[Workspace]:
        """A workspace to look with; a ledger in a file is kept open by the thread."""
        ws = self._make(seconds)
        if self._is_shared(ws):
            with self._closing(ws):
                yield ws
            return
        ws.__dict__["store"] = self._lasting.opened(ws.paths.database)
        yield ws

    def _is_shared(self, ws: Workspace) -> bool:
        """Whether the ledger is on a server; the settings are looked at once a second, not for every page."""
        moment = time.monotonic()
        if moment >= self._shared_until:
            self._shared, self._shared_until = ws.is_shared, moment + 1.0
        return self._shared

    @contextmanager
    def acting(self, seconds: float) -> Iterator[Workspace]:
        """A workspace of its own to act with."""
        ws = self._make(seconds)
        with self._closing(ws):
            yield ws

    @contextmanager
    def _closing(self, ws: Workspace) -> Iterator[None]:
        try:
            yield
        finally:
            if ws.opened_store is not None:
                ws.store.close()

    def keep_price(self, url: str, quoted: Quoted) -> None:
        """Remember the price of bitcoin that a server told."""
        self._prices[url] = quoted

    def worth(self, row: ChequeRow) -> Quoted | None:
        """About what a cheque is worth by the last price that its server told; nobody is asked for it now."""
        quoted = self._prices.get(row.url)
        return None if quoted is None else rates.at_price(quoted, row.amount_msat)

    def cheque(self, ws: Workspace, token: str) -> ChequeRow | None:
        """The cheque of a link's token; None for what is answered as if it had never been."""
        row = links.find(ws, token)
        if row is None or row.status == "funding":
            return None
        keys.SEEN.add(token)
        return row

    def state(self, ws: Workspace, row: ChequeRow) -> tuple[State, ChequeRow]:
        """How a cheque stands, and its row as that says; its server is asked whether its code was used, now and then.

        No money moves by this, whoever looks.
        """
        claim = cheques.claim_of(ws.store, row)
        is_free = row.status == "open" and (claim is None or claim.status == "failed")
        # A copy of the ledger may know less than its server would tell: nothing is learned before it was read back.
        is_held = is_free and holds.stops(ws.store, row.identity)
        if is_free and not is_held and self._may_look(row.id):
            row = self._look(ws, row)
        seen = self._looked.get(row.id, (0.0, None))[1] if is_free else None
        if row.status == "claimed" or (claim is not None and claim.status == "settled"):
            return "claimed", row
        if (claim is not None and claim.status == "unknown") or seen == "claiming" or row.status == "unknown":
            return "claiming", row
        over = standing.is_over(row)
        if row.status == "void" or (row.status == "voiding" and not over):
            return "void", row
        if over:
            return "expired", row
        return ("held" if is_held or seen == "held" else "open"), row

    def _look(self, ws: Workspace, row: ChequeRow) -> ChequeRow:
        """Ask a cheque's server about it; where nobody can tell it is as last seen.

        Somebody may draw it by its code. A key that is refused, or gone, could claim nothing: it was made new where
        this ledger does not know of it.
        """
        begun = time.monotonic()
        found: State | None = None
        try:
            row, on_its_way = standing.drawn_from(ws, row)
            found = "claiming" if on_its_way else None
        except errors.NotAuthorised:
            found = "held"
        except errors.AmaniError as error:
            note("info", "a Lightning cheque is shown as last seen", error, cheque=row.id)
            found = self._looked.get(row.id, (begun, None))[1]
        with self._lock:
            self._looked[row.id] = begun, found
            if time.monotonic() - begun > LOOK_S / 2:  # its server is slow: others' pages need not wait for it too
                self._silent_until = time.monotonic() + LOOK_AGAIN_S
        return row

    def look_again(self, cheque_id: str) -> None:
        """Have the next page ask a cheque's server, for something has happened to it."""
        with self._lock:
            self._looked.pop(cheque_id, None)

    def _may_look(self, cheque_id: str) -> bool:
        moment = time.monotonic()
        with self._lock:
            at, found = self._looked.get(cheque_id, (-LOOK_AGAIN_S, None))
            if moment < self._silent_until or moment - at < LOOK_AGAIN_S:
                return False
            self._looked.pop(cheque_id, None)
            self._looked[cheque_id] = moment, found
            if len(self._looked) > _REMEMBERED:
                self._looked.popitem(last=False)
            return True


def note(level: str, message: str, error: BaseException | None = None, **fields: object) -> None:
    """A line of the log, without anything that a visitor sent."""
    if isinstance(error, errors.AmaniError):
        fields = {**fields, "code": error.code, "why": error.message}
    elif error is not None:
        fields = {**fields, "why": type(error).__name__}
    log.event(level, message, event="serve", **fields)
