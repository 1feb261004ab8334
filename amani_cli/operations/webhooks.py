"""A receiver for the webhooks of LNbits and Fincra: what they say is confirmed by asking, and taken into the journal.

LNbits' are unsigned, a JSON string that contains JSON, and sent twice for payments inside a server: the body is taken
for a hint that something happened, and no more. Fincra's carry an HMAC-SHA512 of the body. Either way it is the
provider's own record, read with our key, that counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any

from amani_cli import clocks, errors, log
from amani_cli.books import history
from amani_cli.fiat import reversals
from amani_cli.invoices import lightning, pages
from amani_cli.models.operations import Event
from amani_cli.operations.watching import lately
from amani_cli.payments import earlier, receipts
from amani_cli.store import journal
from amani_cli.store.entries import Entry
from amani_cli.times import now
from amani_cli.wallets import finding
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BODY_LIMIT = 64 * 1024
# Whoever reaches the receiver can have us ask LNbits: so often in a minute, and no more.
MOST_A_MINUTE = 120
_HASH = re.compile(r"[0-9a-fA-F]{64}")


class Refused(Exception):
    """What a request is answered with when it is not taken."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class Receiver:
    """A WSGI application: POST /lnbits, POST /fincra, GET /health.

    `workspace` makes one for each request, as a database belongs to one thread; `told` is given each new payment.
    """

    workspace: Callable[[], Workspace]
    told: Callable[[Event], None]
    fincra_secret: str | None = None
    _lock: Lock = field(default_factory=Lock)
    _asked: deque[float] = field(default_factory=deque)
    _since: dict[int, str] = field(default_factory=dict)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; 503 asks the sender to try again."""
        try:
            text, status = self._answer(environ), 200
        except Refused as refused:
            text, status = str(refused), refused.status
        except errors.AmaniError as error:
            log.event("warning", f"a webhook could not be confirmed: {error.message}")
            text, status = "could not be confirmed", 503
        except Exception as error:  # what somebody sent must not end in a page of our code
            log.event("warning", f"a webhook was not understood: {type(error).__name__}")
            text, status = "not understood", 500
        # An answer to HEAD has no body, or the next request on the line would be answered by it.
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else (text + "\n").encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        if status == 405:
            headers.append(("Allow", "POST"))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> str:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path == "/health":
            return "listening"
        takes = {"/lnbits": self._from_lnbits, "/fincra": self._from_fincra}.get(path)
        if takes is None:
            raise Refused(404, "there is /lnbits and /fincra")
        if method != "POST":
            raise Refused(405, "POST it")
        body = environ["wsgi.input"].read(BODY_LIMIT)
        signature = environ.get("HTTP_SIGNATURE", "")
        # One after the other, so that what is sent twice is told once.
        with self._lock:
            ws = self.workspace()
            try:
                return takes(ws, body, signature)
            finally:
                if ws.opened_store is not None:
                    ws.store.close()

    def _from_lnbits(self, ws: Workspace, body: bytes, _signature: str) -> str:
        said = _json(body)
        payment_hash = said.get("payment_hash")
        # It becomes part of an address that is asked with our key.
        if not isinstance(payment_hash, str) or not _HASH.fullmatch(payment_hash):
            raise Refused(400, "no payment hash in it")
        payment_hash = payment_hash.lower()
        if any(row.direction == "in" and row.status == "settled" for row in journal.find(ws.store, payment_hash)):
            return "known"
        known = [wallet for wallet in finding.everything(ws) if wallet.provider == "lnbits"]
        mine = [wallet for wallet in known if wallet.remote_id and wallet.remote_id == said.get("wallet_id")]
        # A wallet that was added by its invoice key does not know its own id.
        failed = None
        for wallet in mine or [wallet for wallet in known if wallet.remote_id is None]:
            self._limit()
            try:
                with wallet.lnbits("read") as client:
                    lightning.ask(ws, wallet, client, payment_hash)
            except errors.NotFound:
                continue
            except errors.AmaniError as error:  # it may be another one's, which can be asked
                failed = failed or error
                continue
            row = journal.last_attempt(ws.store, wallet.id, payment_hash, "in")
            self._tell([row] if row is not None else [])
            return "new" if row is not None else "not paid"
        if failed is not None:
            raise failed
        return "about no wallet of ours"

    def _from_fincra(self, ws: Workspace, body: bytes, signature: str) -> str:
        if self.fincra_secret is None:
            raise Refused(404, "no secret was given for Fincra")
        if not is_signed(body, signature, self.fincra_secret):
            raise Refused(401, "the signature is not right")
        said = _json(body)
        about = said.get("data")
        # A payout's is `customerReference`, a page's `merchantReference` or, in some events, `reference`.
        names = ("customerReference", "merchantReference", "reference")
        said_names = [about.get(name) for name in names] if isinstance(about, dict) else []
        named = {name for name in said_names if isinstance(name, str) and name and name.isprintable()}
        known = [wallet for wallet in finding.everything(ws) if wallet.provider == "fincra"]
        theirs = [wallet for wallet in known if wallet.remote_id == said.get("business")]
        known = theirs or [wallet for wallet in known if wallet.has_key_here]
        for row in journal.open_payments(ws.store):
            if row.our_reference in named:
                self._tell([earlier.ask_again(ws, row)])
                return "asked about"
        if str(said.get("event")).startswith(("refund.", "payout.", "settlement.")):
            back = self._came_back(ws, known)
            if back:
                return f"{back} came back"
        for wallet in known:
            for reference in named:
                if self._is_paid_page(ws, wallet, reference):
                    return "asked about"
        return self._news(ws, known)

    def _is_paid_page(self, ws: Workspace, wallet: KnownWallet, reference: str) -> bool:
        """Whether a payment page of ours turns out to be paid just now; that is told."""
        if not pages.is_open(ws, wallet, reference):
            return False
        self._limit()
        with wallet.fincra("read") as client:
            new = pages.settle(ws, wallet, client, reference)
        row = journal.by_our_reference(ws.store, reference, "in")
        self._tell([row] if new and row is not None else [])
        return new

    def _came_back(self, ws: Workspace, chosen: list[KnownWallet]) -> int:
        """Look for payouts that settled and came back; those that this is news of are told."""
        new: list[Entry] = []
        for wallet in chosen:
            if not journal.has_settled(ws.store, wallet.remote_id):
                continue
            self._limit()
            before = journal.reversed_ids(ws.store, wallet.remote_id)
            history.sync(ws, wallet)
            with wallet.fincra("read") as client:
                reversals.look(ws, wallet, client)
            ids = sorted(journal.reversed_ids(ws.store, wallet.remote_id) - before)
            new += [row for each in ids if (row := journal.by_id(ws.store, each)) is not None]
        self._tell(new)
        return len(new)

    def _news(self, ws: Workspace, chosen: list[KnownWallet]) -> str:
        """Read the newest records of these wallets into the journal, and tell what is new."""
        new = 0
        for wallet in chosen:
            self._limit()
            if clocks.told(wallet.url) is None:
                with wallet.client("read") as client:
                    client.held()
            # What a call that failed was about is told by the next that can be answered, however late.
            since = self._since.setdefault(wallet.id, lately(wallet))
            before = {row.id for row in journal.settled_since(ws.store, wallet.id, since)}
            history.sync(ws, wallet)
            rows = [row for row in journal.settled_since(ws.store, wallet.id, since) if row.id not in before]
            self._since[wallet.id] = max(since, lately(wallet))
            self._tell(rows)
            new += len(rows)
        return f"{new} new"

    def _tell(self, rows: list[Entry]) -> None:
        for row in rows:
            if row.status != "unknown":  # what failed, or came back, is news too
                self.told(Event(now(), "payment", row.wallet, None, receipts.receipt(row)))

    def _limit(self) -> None:
        moment = time.monotonic()
        while self._asked and self._asked[0] < moment - 60:
            self._asked.popleft()
        if len(self._asked) >= MOST_A_MINUTE:
            # Not 429: for Fincra every 4xx is final, and what was missed is never sent again.
            raise Refused(503, "too many: 'amani history sync' finds what was missed")
        self._asked.append(moment)


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether a signature is Fincra's HMAC-SHA512 of a body, in constant time.

    https://docs.fincra.com/docs/validating-webhooks and webhooks/verify.mdx: older senders sign the JSON written anew
    without white space, some of it only `event` and `data`, newer ones the bytes as they are.
    """
    forms = [body]
    with contextlib.suppress(ValueError, RecursionError):
        said = json.loads(body)
        forms.append(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode())
        if isinstance(said, dict):
            inner = {name: value for name, value in said.items() if name in ("event", "data")}
            forms.append(json.dumps(inner, separators=(",", ":"), ensure_ascii=False).encode())
    right = [hmac.new(secret.encode(), form, hashlib.sha512).hexdigest() for form in forms]
    given = signature.strip().lower().encode()
    return max(hmac.compare_digest(each.encode(), given) for each in right)  # every one is compared


def _json(body: bytes) -> dict[str, Any]:
    """The object in a body, however many times it was encoded (LNbits does it twice)."""
    content: Any = body
    with contextlib.suppress(ValueError, RecursionError):
        for _ in range(3):
            content = json.loads(content)
            if isinstance(content, dict):
                return content
            if not isinstance(content, str):
                break
    raise Refused(400, "that is no JSON object")


def serve(receiver: Receiver, host: str, port: int, *, ready: Callable[[str], None]) -> None:
    """Listen until interrupted. Raises `errors.Unreachable` when the port is taken."""
    from amani_cli.operations import lines

    try:
        server = lines.server(receiver, host, port, body_limit=BODY_LIMIT)
    except OSError as error:
        raise errors.Unreachable(
            f"can't listen on {host}:{port}: {error.strerror}", code="PORT_TAKEN", hint="Choose another with --port."
        ) from None
    shown = f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{server.effective_port}")
    try:
        server.run()
    finally:
        server.close()
