"""LNURL: links and Lightning addresses that stand for a payment to make or to fetch, resolved by amani itself.

The texts: https://github.com/lnurl/luds, 01 and 17 (links), 16 (addresses), 06 (pay), 12 (comment), 18 (who pays), 09
and 10 (what is shown after paying), 03 (withdraw). No key is ever sent here, and nothing that a server says is
believed: amounts are msat, and an invoice counts only if it is over the amount and on the network that was asked for.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from amani_cli import errors, keys
from amani_cli.amounts import MAX_MSAT, format_sat
from amani_cli.encodings import bolt11
from amani_cli.models.payments import SuccessAction
from amani_cli.providers import strangers
from amani_cli.providers.http import Answer, Line
from amani_cli.providers.links import LONGEST, Link, is_of, link_to
from amani_cli.text import one_line

NAME = "Lightning LNURL"  # in log lines


@dataclass(frozen=True)
class PayRequest:
    """A server's offer to be paid, amounts in msat. `metadata` is the text whose hash the invoice should carry.

    `payer_data` is what it would know of the payer, and whether it insists on each (LUD-18).
    """

    link: Link
    callback: str
    min_msat: int
    max_msat: int
    metadata: str
    description: str
    long_description: str | None
    identifier: str | None
    comment_limit: int
    payer_data: dict[str, bool]


@dataclass(frozen=True)
class WithdrawRequest:
    """A server's offer to pay, amounts in msat. `k1` is a bearer secret: whoever shows it gets the money."""

    link: Link
    callback: str
    k1: str
    min_msat: int
    max_msat: int
    description: str


@dataclass(frozen=True)
class Login:
    """A link that logs a wallet in (LUD-04), which amani does not do."""

    link: Link


class Offer(NamedTuple):
    """An invoice that a server made for us. `described` says whether it carries the hash of what we were shown."""

    invoice: bolt11.Invoice
    described: bool
    success: SuccessAction | None


class Lnurl:
    """Talks to the servers that links lead to, keeping one line to each. Use it as a context manager.

    `private` is for the sandbox alone: see `strangers.line`.
    """

    def __init__(self, *, deadline: float, timeout: float, private: bool = False) -> None:
        self.deadline = deadline
        self._timeout = timeout
        self._private = private
        self._lines: dict[str, Line] = {}

    def __enter__(self) -> Lnurl:
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def ask(self, link: Link) -> PayRequest | WithdrawRequest | Login:
        """What the server behind a link offers.

        Raises `errors.Rejected` for what it refuses or gets wrong, `errors.Unreachable` when it can't be asked.
        """
        if link.purpose == "login":
            return Login(link)
        if link.purpose == "channel":
            raise errors.Usage("an LNURL for opening a channel is nothing that amani can use", code="LNURL_CHANNEL")
        body = self._get(link.url, link.domain)
        tag = body.get("tag")
        if tag == "login":
            return Login(link)
        if tag == "payRequest" and link.purpose in (None, "pay"):
            return self._pay_request(link, body)
        if tag == "withdrawRequest" and link.purpose in (None, "withdraw"):
            return self._withdraw_request(link, body)
        raise _broken(link.domain, "does not offer what the link promises")

    def invoice(self, request: PayRequest, amount_msat: int, comment: str, network: str, payer: str = "") -> Offer:
        """Have the server make an invoice over exactly `amount_msat`, and check it (LUD-06, 09, 12, 18).

        `payer` is JSON of what it is told of who pays, and becomes a part of what the invoice carries the hash of.
        Raises `errors.Usage` for an amount or comment that the server does not take, `errors.Rejected` for an invoice
        that is not the one asked for.
        """
        domain = request.link.domain
        if not request.min_msat <= amount_msat <= request.max_msat:
            raise errors.Usage(
                f"{domain} takes {format_sat(request.min_msat)} to {format_sat(request.max_msat)},"
                f" and this is {format_sat(amount_msat)}",
                code="AMOUNT_OUT_OF_RANGE",
                hint="Choose an amount between the two.",
            )
        if len(comment) > request.comment_limit:
            most = f"at most {request.comment_limit} characters of" if request.comment_limit else "no"
            raise errors.Usage(f"{domain} takes {most} comment", code="BAD_COMMENT", hint="Shorten it or leave it out.")
        asked = {"amount": str(amount_msat), "comment": comment, "payerdata": payer}
        asked = {name: text for name, text in asked.items() if text}
        body = self._get(joined(request.callback, asked), domain)
        text = body.get("pr")
        if not isinstance(text, str):
            raise _broken(domain, "sent no invoice")
        try:
            invoice = bolt11.decode_invoice(text)
        except errors.Usage as error:
            raise _wrong_invoice(domain, error.message[:1].lower() + error.message[1:].rstrip(".")) from None
        if invoice.amount_msat != amount_msat:
            said = "an open amount" if invoice.amount_msat is None else format_sat(invoice.amount_msat)
            raise _wrong_invoice(domain, f"it is over {said}, and {format_sat(amount_msat)} was asked for")
        if invoice.network != network:
            raise _wrong_invoice(domain, f"it is for {invoice.network}, and this amani pays on {network}")
        if invoice.is_expired(time.time()):
            raise _wrong_invoice(domain, "it has expired already")
        described = invoice.description_hash == sha256((request.metadata + payer).encode()).hexdigest()
        return Offer(invoice, described, _success_action(body.get("successAction"), request))

    def withdraw(self, request: WithdrawRequest, invoice: str) -> str | None:
        """Show the server an invoice of ours to pay (LUD-03). Sent once: a second `k1` may be refused.

        Returns None when it says that it will pay, or else what came instead, which proves nothing: LUD-03 has one
        "ERROR" for what was never begun and for what went wrong once it was, and LNbits' withdraw extension, which
        pays before it answers, sends it after either. Raises `Lost` when nobody knows whether the server heard, and
        anything else only while the invoice has been shown to nobody.
        """
        domain = request.link.domain
        answer = self._answer(*_split(joined(request.callback, {"k1": request.k1, "pr": invoice})), once=True)
        try:
            body = _object(answer, domain)
        except errors.AmaniError as error:
            return error.message
        return None if body.get("status") == "OK" else f"{domain} did not say that it will pay"

    # -- lines ------------------------------------------------------------------------------------

    def _get(self, url: str, domain: str) -> dict[str, Any]:
        return _object(self._answer(*_split(url), once=False), domain)

    def _answer(self, origin: str, path: str, *, once: bool) -> Answer:
        line = self._lines.get(origin)
        if line is None:
            line = self._lines[origin] = strangers.line(
                origin, deadline=self.deadline, timeout=self._timeout, name=NAME, private=self._private
            )
        line.deadline = self.deadline
        return line.send("GET", path) if once else line.read(path)

    # -- reading answers ------------------------------------------------------------------------------------

    def _pay_request(self, link: Link, body: dict[str, Any]) -> PayRequest:
        least, most = _msat(body.get("minSendable")), _msat(body.get("maxSendable"))
        if least is None or most is None or not 1 <= least <= most:
            raise _broken(link.domain, "names no range of amounts that can be right")
        metadata = body.get("metadata")
        told = _metadata(metadata, link.domain)
        comment = _msat(body.get("commentAllowed", 0)) or 0
        identifier = one_line(told.get("text/identifier") or told.get("text/email") or "", 320) or None
        _refuse_other(link, identifier)
        assert isinstance(metadata, str)
        return PayRequest(
            link=link,
            callback=self._callback(link, body),
            min_msat=least,
            max_msat=min(most, MAX_MSAT),
            metadata=metadata,
            description=one_line(told["text/plain"], 500),
            long_description=one_line(told["text/long-desc"], 2000) if told.get("text/long-desc") else None,
            identifier=identifier,
            comment_limit=max(0, min(comment, 1000)),
            payer_data=_payer_data(body.get("payerData"), link.domain),
        )

    def _withdraw_request(self, link: Link, body: dict[str, Any]) -> WithdrawRequest:
        least, most = _msat(body.get("minWithdrawable")), _msat(body.get("maxWithdrawable"))
        k1 = body.get("k1")
        if least is None or most is None or not 0 <= least <= most or not isinstance(k1, str):
            raise _broken(link.domain, "names no range of amounts that can be right")
        keys.SEEN.add(k1)  # a server may repeat it in an error
        description = body.get("defaultDescription")
        return WithdrawRequest(
            link=link,
            callback=self._callback(link, body),
            k1=k1,
            min_msat=least,
            max_msat=min(most, MAX_MSAT),
            description=one_line(description, 200) if isinstance(description, str) else "",
        )

    def _callback(self, link: Link, body: dict[str, Any]) -> str:
        """Where the next question goes. It may be another server (LUD-06), which is held to the same rules."""
        callback = body.get("callback")
        scheme, separator, rest = callback.partition("://") if isinstance(callback, str) else ("", "", "")
        if not separator or scheme.lower() not in ("https", "http"):
            raise _broken(link.domain, "names no address to go on with")
        try:
            return link_to(rest.partition("#")[0], None, scheme.lower()).url
        except errors.Usage as error:
            raise _broken(link.domain, "goes on to an address that can't be used: " + error.message) from None


def joined(url: str, query: dict[str, str]) -> str:
    """`url` with more in its query, behind `?` or `&` as the case may be (LUD-06)."""
    separator = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
    return url + separator + urlencode(query, quote_via=quote)


def _split(url: str) -> tuple[str, str]:
    """A checked URL's origin, and the rest of it as it is."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin, url[len(origin) :]


def host_of(url: str) -> str:
    """The host, and the port if it is an odd one, that a checked URL leads to."""
    return urlsplit(url).netloc


def _object(answer: Answer, domain: str) -> dict[str, Any]:
    """The JSON object of an answer, whatever its status (LUD-01), or the refusal it stands for."""
    if answer.status in (301, 302, 303, 307, 308):
        where = _netloc(answer.location or "").rpartition("@")[2]  # without a login that it may carry
        raise errors.Unreachable(
            f"{domain} redirects elsewhere{': to ' + one_line(where, 100) if where else ''}; amani does not follow",
            code="REDIRECT",
            retry="never",
            hint="Ask the payee for an address or link at the server itself.",
        )
    body = answer.body
    if not isinstance(body, dict):
        raise errors.Unreachable(
            f"{domain} answered {answer.status} with something that is not LNURL",
            code="NOT_LNURL",
            hint="Is the address or link right? Not every e-mail address is a Lightning address.",
        )
    if str(body.get("status", "")).upper() == "ERROR" or ("tag" not in body and answer.status >= 400):
        reason = body.get("reason") or body.get("detail") or body.get("message")
        told = one_line(reason, 300) if isinstance(reason, str) and reason else f"status {answer.status}"
        raise errors.Rejected(
            f"{domain} refuses: {told}", code="LNURL_REFUSED", hint="Nothing was paid. Check the address or the link."
        )
    return body


def _netloc(url: str) -> str:
    """The host in an address that a stranger named; empty for what is no address."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _broken(domain: str, what: str) -> errors.Rejected:
    return errors.Rejected(
        f"{domain} {what}", code="LNURL_BROKEN", hint="Nothing was paid. Tell whoever runs it, or ask for an invoice."
    )


def _wrong_invoice(domain: str, what: str) -> errors.Rejected:
    return errors.Rejected(
        f"{domain} sent a wrong invoice: {what}",
        code="WRONG_INVOICE",
        retry="never",
        hint="Nothing was paid. This server is broken or dishonest: ask the payee for an invoice.",
    )


def _msat(value: object) -> int | None:
    """A whole number, which some servers write as 1000.0; None for anything else. 2**63 - 1 says "no limit"."""
    from decimal import Decimal

    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**64 else None


def _metadata(text: object, domain: str) -> dict[str, str]:
    """The texts of a metadata array by their kind, the first of each. Raises `errors.Rejected` without a text/plain."""
    told: dict[str, str] = {}
    try:
        entries = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        entries = None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, list) and len(entry) > 1 and isinstance(entry[0], str) and isinstance(entry[1], str):
            told.setdefault(entry[0], entry[1])
    if "text/plain" not in told:
        raise _broken(domain, "does not say in words what is paid for")
    return told


def _refuse_other(link: Link, identifier: str | None) -> None:
    """Refuse an answer that says it is about another address than the one asked for (LUD-16): another payee's.

    Many servers leave it out, though LUD-16 has it there; then nothing tells whose the answer is but their word.
    """
    if link.address is None or identifier is None or is_of(link.address, identifier):
        return
    raise errors.Rejected(
        f"{link.domain} was asked for {link.address}, and answered for {identifier}",
        code="OTHER_PAYEE",
        hint="Nothing was paid. Try again; if it says so again, and that is whom you mean, pay that address.",
    )


def _payer_data(value: object, domain: str) -> dict[str, bool]:
    """What a server would know of the payer, and whether it insists (LUD-18): on anything but a clear no."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise _broken(domain, "asks who pays in a way that can't be read")
    return {kind: each.get("mandatory", False) is not False for kind, each in value.items()}


def _success_action(value: object, request: PayRequest) -> SuccessAction | None:
    """What the server wants shown after the payment. One of an unknown kind must stop it (LUD-09)."""
    if value is None:
        return None
    domain = request.link.domain
    said = value if isinstance(value, dict) else {}

    def text(name: str, limit: int) -> str:
        found = said.get(name)
        if not isinstance(found, str) or len(found) > limit:
            raise _broken(domain, f"wants something shown after the payment whose {name} can't be right")
        return found

    tag = said.get("tag")
    if tag == "message":
        return SuccessAction("message", text("message", 500))
    if tag == "url":
        url = text("url", LONGEST)
        ours = urlsplit(request.callback)
        if not url.startswith(f"{ours.scheme}://") or _netloc(url) != ours.netloc:
            raise _broken(domain, "wants a link shown after the payment that leads to another server")
        return SuccessAction("url", text("description", 500), url=url)
    if tag == "aes":
        return SuccessAction("aes", text("description", 500), ciphertext=text("ciphertext", 4096), iv=text("iv", 24))
    raise _broken(domain, "wants something shown after the payment that amani does not know how to show")
