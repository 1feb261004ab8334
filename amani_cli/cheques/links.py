"""A cheque's link: the address of its page, whose last part is the money; of that the database keeps a hash.

Whoever has the link can have the money, once, by any Lightning wallet (LUD-03). It is served where the cheque's keys
are, by `amani serve`.
"""

from __future__ import annotations

import os
import re
import socket
from base64 import b32encode
from hashlib import sha256

from amani_cli import clocks, errors, keys
from amani_cli.cheques import drawing
from amani_cli.encodings import bech32
from amani_cli.lightning import fees
from amani_cli.models.cheques import Cheque
from amani_cli.store import links, marks
from amani_cli.store.rows import ChequeRow, Transaction
from amani_cli.times import from_rfc3339
from amani_cli.workspace import Workspace

_TOKEN = re.compile(r"[A-Z2-7]{26}")
GONE_AFTER_S = 30 * 86400
"""So long after a cheque has ended its link is answered like one that never was."""


def configured(ws: Workspace) -> str:
    """The setting `base_url`. Raises `errors.Usage` without one."""
    found = ws.config.get("base_url")
    if found == "off":
        raise errors.Usage(
            "there is no address that a link could lead to",
            code="NO_BASE_URL",
            hint="Say where 'amani serve' is reached from outside: amani config set base_url https://pay.example.com",
        )
    return found


def base_url(ws: Workspace) -> str:
    """Where links lead. Raises `errors.Usage` without an address, and `errors.RefusedByPolicy` where another machine is
    the one that serves it."""
    found = configured(ws)
    served = marks.read(ws.store, mark_of(found)) if ws.has_store else None
    if served is not None and served.value != machine():
        raise errors.RefusedByPolicy(
            f"{found} is served by {served.value}, and this is {machine()}",
            code="SERVED_ELSEWHERE",
            hint=f"Write the cheque on {served.value}: a link is served where the cheque's keys are.",
        )
    return found


def mark_of(url: str) -> str:
    """The name of the mark that says which machine serves a base URL."""
    return f"serve {url}"


def machine() -> str:
    """This machine's name."""
    return socket.gethostname()


def issue(ws: Workspace, row: ChequeRow, url: str) -> tuple[str, str]:
    """Give a cheque a link, in place of an earlier one; returns it, and the LNURL-withdraw of the same money.

    The token is kept beside the cheque's keys before the link is relied on.
    """
    token = b32encode(os.urandom(16)).decode().rstrip("=")
    keys.keep(row.place, f"link:{row.id}", token)
    with ws.store.write() as db:
        links.issue(db, hash_of(token), row.id, url, machine())
    lnurl = lnurl_of(url, token)
    keys.SEEN.add(lnurl)
    return page_of(url, token), lnurl


def with_link(ws: Workspace, row: ChequeRow, written: Cheque, url: str) -> Cheque:
    """A cheque as it is shown once, with the link that it is given now."""
    link, lnurl = issue(ws, row, url)
    return written._replace(link=link, lnurl=lnurl)


def refuse_without_reserve(row: ChequeRow) -> None:
    """Refuse a link for a cheque that could not leave its server: its amount is exact. Raises `errors.Rejected`."""
    if row.reserve_msat < fees.worst_fee_msat(row.amount_msat):
        raise errors.Rejected(
            f"nothing was set aside for cheque {row.id} to leave its server, as a link may have to",
            code="NO_RESERVE",
            hint=f"Void it, and write another: amani cheque create {row.amount_msat // 1000} --link",
        )


def page_of(url: str, token: str) -> str:
    """The address of a cheque's page."""
    return f"{url}/c/{token}"


def lnurl_of(url: str, token: str) -> str:
    """The LNURL-withdraw (LUD-01, 03) of a cheque's link, in capitals, which a QR code packs more tightly."""
    return bech32.encode("lnurl", f"{page_of(url, token)}/lnurl".encode()).upper()


def hash_of(token: str) -> str:
    """What the database keeps of a token: 128 random bits need no salt."""
    return sha256(token.encode()).hexdigest()


def find(ws: Workspace, token: str) -> ChequeRow | None:
    """The cheque that a link's token stands for; None for one that was never issued, and for what ended long ago."""
    if not _TOKEN.fullmatch(token):
        token = ""
    row = links.cheque_of(ws.store, hash_of(token))
    if row is None:
        return None
    ended = row.expires_at if row.claimed_at is None else row.claimed_at
    return row if clocks.wall() - from_rfc3339(ended).timestamp() <= GONE_AFTER_S or row.status == "open" else None


def refuse_replaced(row: ChequeRow, token: str) -> None:
    """Refuse a link in whose place the cheque was given another, though a copy of the ledger from before says that it
    stands: the token that is kept beside the keys is the last one. Raises `errors.Rejected`."""
    if keys.kept(row.place, f"link:{row.id}") not in (None, token):
        raise drawing.voided()


def still_stands(db: Transaction, token: str, cheque_id: str) -> bool:
    """Whether a token still is a cheque's: it may have been given another since."""
    return links.stands_for(db, hash_of(token), cheque_id)
