"""The pages: a cheque as it stands, and a few notices; in the visitor's language, without a script."""

from __future__ import annotations

import hmac
from functools import cache, lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from werkzeug.wrappers import Request, Response

from amani_cli import clocks
from amani_cli.cheques import links
from amani_cli.serve.desk import Desk, State
from amani_cli.serve.speech import Speech
from amani_cli.serve.words import LANGUAGES
from amani_cli.store.rows import ChequeRow
from amani_cli.text import plain

if TYPE_CHECKING:
    from jinja2 import Environment

REFRESH_S = 5


class Refusal(NamedTuple):
    """Why something was not done, in the visitor's words, and the status that says so."""

    text: str
    status: int


def speech(request: Request) -> Speech:
    """The language that a visitor's browser asks for, of those there are."""
    return Speech(request.accept_languages.best_match(LANGUAGES, "en") or "en")


def proof_of(token: str) -> str:
    """What a page's form carries: only whoever has seen the page can send it."""
    return sha256(f"amani form {token}".encode()).hexdigest()


def is_proof(token: str, said: str) -> bool:
    """Whether a form came from this page."""
    return hmac.compare_digest(proof_of(token).encode(), said.encode("utf-8", "replace"))


def is_same_site(request: Request) -> bool:
    """Whether a form was not sent from another site's page, as far as the browser says."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


def cheque(
    desk: Desk,
    say: Speech,
    token: str,
    state: State,
    row: ChequeRow,
    *,
    problem: Refusal | None = None,
    typed: str = "",
) -> Response:
    """A cheque's page. Its code, its id and its wallet are nowhere on it."""
    amount, lnurl = say.amount(row.amount_msat), links.lnurl_of(desk.base_url, token)
    quoted = desk.worth(row)
    ended = row.claimed_at if state == "claimed" and row.claimed_at else row.expires_at
    filled = {
        "title": say("title", amount=amount),
        "amount": amount,
        "worth": say.worth(quoted) if quoted is not None else None,
        "memo": plain(row.memo),
        "state": state,
        "sentence": say(state, when=say.moment(ended)),
        "until": say.moment(row.expires_at),
        "left": say.left(row.expires_at, clocks.best(row.url)),
        "token": token,
        "lnurl": lnurl,
        "qr": _drawn(lnurl) if state == "open" else "",
        "proof": proof_of(token),
        "problem": problem.text if problem else None,
        "typed": typed[:3000],
    }
    response = _written("cheque.html", say, filled, problem.status if problem else 200)
    if state == "claiming":
        # As a header, not in the page: it is what keeps a phone without scripts up to date.
        response.headers["Refresh"] = str(REFRESH_S)
    return response


def notice(say: Speech, what: str, status: int, *, retry_after_s: int | None = None) -> Response:
    """A page that says one thing."""
    response = _answer(_notice(say, what), say, status)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def _written(template: str, say: Speech, filled: dict[str, object], status: int) -> Response:
    return _answer(_rendered(template, say, filled), say, status)


def _rendered(template: str, say: Speech, filled: dict[str, object]) -> str:
    return _templates().get_template(template).render(say=say, **filled)


@cache
def _notice(say: Speech, what: str) -> str:
    """A notice says the same each time: whoever tries wrong links by the thousand has nothing worked out anew."""
    title = say(f"{what}_title") if what != "bad_request" else say("gone_title")
    return _rendered("notice.html", say, {"title": title, "sentence": say(what)})


def _answer(text: str, say: Speech, status: int) -> Response:
    headers = {"Content-Language": say.language, "Vary": "Accept-Language, Accept"}
    return Response(text, status=status, mimetype="text/html", headers=headers)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("amani_cli.serve"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@lru_cache(maxsize=256)
def _drawn(lnurl: str) -> object:
    """A QR code as SVG, to stand in a page."""
    import segno
    from markupsafe import Markup

    drawing = segno.make_qr(lnurl, error="m").svg_inline(omitsize=True, border=3, svgclass=None, lineclass=None)
    return Markup(drawing)  # noqa: S704  # segno wrote it
