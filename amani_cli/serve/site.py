"""The site: which request is for what, what is refused before anything is read, and what every answer carries.

Werkzeug routes and parses, Jinja2 writes the pages. Of all requests two may move money: LUD-03's callback with its `k1`
and `pr`, and the form of a page, with the proof that the page carries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from amani_cli import errors
from amani_cli.models.operations import Event
from amani_cli.operations import served
from amani_cli.serve import claims, pages, pay, withdraw
from amani_cli.serve.desk import CLAIM_S, Desk, note
from amani_cli.serve.speech import Speech
from amani_cli.serve.visitors import Counts, Rate, neighbourhood
from amani_cli.store import holds
from amani_cli.store.rows import ChequeRow
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BODY_LIMIT = 4096

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STYLE = "public, max-age=86400"


@dataclass
class Site:
    """A WSGI application. `behind_proxy` says that a proxy tells who asks; without one this machine is nobody's guest.

    `visitor` and `in_all` are the limits of the settings `limit.visitor` and `limit.serve`.
    """

    desk: Desk
    visitor: Rate
    in_all: Rate
    behind_proxy: bool = False
    counts: Counts = field(default_factory=Counts)
    told: Callable[[Event], None] = lambda _: None

    def __post_init__(self) -> None:
        parts = urlsplit(self.desk.base_url)
        self._host = parts.netloc.lower()
        default = {"https": 443, "http": 80}[parts.scheme]
        self._hosts = {self._host} if parts.port else {self._host, f"{self._host}:{default}"}
        self._style = resources.files("amani_cli.serve").joinpath("templates/page.css").read_bytes()
        self.claims = claims.Claims(self.in_all, self.counts, self.told)
        payable = pay.Payable(self.desk, self.in_all, self.counts)
        self._routes = Map(
            [
                Rule("/c/<token>", methods=["GET"], endpoint=self._page),
                Rule("/c/<token>", methods=["POST"], endpoint=self._form),
                Rule("/c/<token>/lnurl", methods=["GET"], endpoint=self._first_step),
                Rule("/c/<token>/callback", methods=["GET"], endpoint=self._callback),
                Rule("/.well-known/lnurlp/<name>", methods=["GET"], endpoint=payable.offer),
                Rule("/a/<name>/callback", methods=["GET"], endpoint=payable.invoice),
                Rule("/a/<name>/verify/<payment_hash>", methods=["GET"], endpoint=payable.verified),
                Rule("/page.css", methods=["GET"], endpoint=self._sheet),
                Rule("/health", methods=["GET"], endpoint=self._health),
            ],
            strict_slashes=False,
            merge_slashes=False,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        response = self._answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        say = pages.speech(request)
        try:
            if request.environ.get("HTTP_HOST", "").lower() not in self._hosts:
                return pages.notice(say, "gone", 421)
            who = neighbourhood(request.remote_addr or "")
            if not (who in ("127.0.0.1", "::/64") and not self.behind_proxy) and not self.visitor.takes(who):
                self.counts.add("refused")
                return _said(request, say, "many", 429, retry_after_s=60)
            endpoint, values = self._routes.bind(self._host).match(request.path, request.method)
            # Whoever wants to know what would be answered must not have it done: a HEAD of a callback does nothing.
            if request.method == "HEAD" and request.path.endswith("/callback"):
                return Response(status=405, headers={"Allow": "GET"})
            response: Response = endpoint(request, **values)
            return response
        except HTTPException as error:
            status = error.code or 400
            if status == 404:
                self.counts.add("not_found")
            return pages.notice(say, "gone" if status in (404, 405) else "bad_request", status)
        except errors.AmaniError as error:
            note("warning", "a request could not be answered", error)
            return _said(request, say, "closed", 503, retry_after_s=60)
        except Exception as error:  # what somebody sent must not end in a page of our code
            note("warning", "a request was not understood", error)
            return _said(request, say, "closed", 500)

    def _page(self, request: Request, token: str) -> Response:
        say = pages.speech(request)
        with self.desk.reading() as ws:
            row = self.desk.cheque(ws, token)
            if row is None:
                return self._gone(ws, request)
            state, row = self.desk.state(ws, row)
            self.counts.add("pages")
            if withdraw.is_asked_for(request):
                return withdraw.first_step(self.desk.base_url, token, state, row, say)
            return pages.cheque(self.desk, say, token, state, row)

    def _first_step(self, request: Request, token: str) -> Response:
        with self.desk.reading() as ws:
            row = self.desk.cheque(ws, token)
            if row is None:
                return self._gone(ws, request)
            state, row = self.desk.state(ws, row)
            self.counts.add("first_steps")
            return withdraw.first_step(self.desk.base_url, token, state, row, pages.speech(request))

    def _callback(self, request: Request, token: str) -> Response:
        say = pages.speech(request)
        with self.desk.acting(seconds=CLAIM_S) as ws:
            row = self.desk.cheque(ws, token)
            if row is None:
                return self._gone(ws, request)
            k1, invoice = request.args.get("k1", ""), request.args.get("pr", "")
            if not withdraw.is_k1(token, k1):
                return withdraw.error(say("bad_request"))
            failed = self.claims.by_invoice(ws, row, token, invoice, say)
            if failed is None:
                return withdraw.ok()
            self._note_failed(row, failed)
            return withdraw.error(failed.text)

    def _form(self, request: Request, token: str) -> Response:
        say = pages.speech(request)
        with self.desk.acting(seconds=CLAIM_S) as ws:
            row = self.desk.cheque(ws, token)
            if row is None:
                return self._gone(ws, request)
            typed = request.form.get("to", "")
            if not pages.is_proof(token, request.form.get("proof", "")) or not pages.is_same_site(request):
                failed: pages.Refusal | None = pages.Refusal(say("bad_request"), 400)
            else:
                failed = self.claims.by_text(ws, row, token, typed, say)
        if failed is None:
            return Response(status=303, headers={"Location": f"/c/{token}"})
        self._note_failed(row, failed)
        with self.desk.reading() as ws:
            state, row = self.desk.state(ws, self.desk.cheque(ws, token) or row)
            return pages.cheque(self.desk, say, token, state, row, problem=failed, typed=typed)

    def _note_failed(self, row: ChequeRow, failed: pages.Refusal) -> None:
        """After a claim that its server refused, its page is to say how it stands now."""
        if failed.status in (410, 502):
            self.desk.look_again(row.id)

    def _gone(self, ws: Workspace, request: Request) -> Response:
        """The same answer for what never was, and for what ended long ago.

        A copy of the ledger that was not read back yet can't tell either from what was written since.
        """
        self.counts.add("not_found")
        say = pages.speech(request)
        if holds.is_unread(ws.store):
            return _said(request, say, "closed", 503, retry_after_s=60)
        return _said(request, say, "gone", 404)

    def _sheet(self, _: Request) -> Response:
        return Response(self._style, mimetype="text/css", headers={"Cache-Control": _STYLE})

    def _health(self, _: Request) -> Response:
        return withdraw.answer(dict(served.ANSWER))


def _is_wallet(request: Request) -> bool:
    """Whether it is a wallet that asks, by an address that only wallets know, or by what it takes for an answer."""
    is_lnurl = request.path.endswith(("/lnurl", "/callback")) or request.path.startswith(("/.well-known/", "/a/"))
    return is_lnurl or withdraw.is_asked_for(request)


def _said(request: Request, say: Speech, what: str, status: int, *, retry_after_s: int | None = None) -> Response:
    """One sentence: on a page, or to a wallet as it reads it."""
    if not _is_wallet(request):
        return pages.notice(say, what, status, retry_after_s=retry_after_s)
    return withdraw.error(say(what), status=status)
