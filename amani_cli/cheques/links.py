"""A cheque's link: the address of its page, whose last part is the money; of that the database keeps a hash.

Whoever has the link can have the money, once, by any Lightning wallet (LUD-03). It is served where the cheque's keys
are, by `amani serve`.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
from base64 import b32encode
from typing import NamedTuple

from amani_cli import clocks, errors, keys
from amani_cli.cheques import drawing, standing
from amani_cli.cheques.naming import hash_of
from amani_cli.encodings import bech32
from amani_cli.lightning import fees
from amani_cli.models.cheques import Cheque
from amani_cli.store import cheques, links, marks
from amani_cli.store.rows import ChequeRow, LinkRow, Transaction
from amani_cli.times import from_rfc3339
from amani_cli.workspace import Workspace

_TOKEN = re.compile(r"[A-Z2-7]{26}")
GONE_AFTER_S = 30 * 86400
"""So long after a cheque has ended its link is answered like one that never was."""


def at_hand(ws: Workspace) -> str | None:
    """The setting `base_url`, or what was agreed to; None where nobody said it."""
    found = ws.mandate.base_url or ws.config.get("base_url")
    return None if found == "off" else found


def configured(ws: Workspace) -> str:
    """The setting `base_url`, or what was agreed to. Raises `errors.Usage` without one."""
    found = at_hand(ws)
    if found is None:
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


class Issued(NamedTuple):
    """A link that a cheque was given, with the LNURL-withdraw of the same money; and what it is in the place of."""

    link: str
    lnurl: str
    earlier: LinkRow | None
    token_before: str | None

    def on(self, written: Cheque) -> Cheque:
        """A cheque as it is shown once, with this link."""
        return written._replace(link=self.link, lnurl=self.lnurl)


def issue(ws: Workspace, row: ChequeRow, url: str) -> Issued:
    """Give a cheque a link, in place of an earlier one, which is worthless from then on; the token is kept beside the
    cheque's keys.

    Raises `errors.OutcomeUnknown` while a claim by the earlier one is on its way, `errors.Rejected` once it has ended;
    that one stands if this raises.
    """
    token = b32encode(os.urandom(16)).decode().rstrip("=")
    before = keys.kept(row.place, _secret(row))
    lnurl = lnurl_of(url, token)
    keys.SEEN.add(lnurl)
    issued = Issued(page_of(url, token), lnurl, links.of_cheque(ws.store, row.id), before)
    try:
        if before is None:
            keys.keep(row.place, _secret(row), token)
        with ws.store.write() as db:
            standing.refuse_claimed(db, row)
            links.issue(db, hash_of(token), row.id, url, machine())
        if before is not None:  # stopped before this neither of the two is good for anything
            keys.keep(row.place, _secret(row), token)
    except errors.AmaniError:
        put_back(ws, row, issued)
        raise
    return issued


def put_back(ws: Workspace, row: ChequeRow, issued: Issued) -> None:
    """Have the earlier link of a cheque stand again, or none where it had none: what was to make it worthless did
    provably not happen."""
    if issued.token_before is None:
        keys.unkeep(row.place, _secret(row))
    else:
        keys.keep(row.place, _secret(row), issued.token_before)
    earlier = issued.earlier
    with ws.store.write() as db:
        if earlier is None:
            links.delete(db, row.id)
        else:
            links.issue(db, earlier.token_hash, row.id, earlier.base_url, earlier.machine)


def _secret(row: ChequeRow) -> str:
    """The name under which a cheque's token is kept."""
    return f"link:{row.id}"


def know_kept(ws: Workspace) -> None:
    """Have the ledger know each cheque's link by the token that is kept beside its keys, which is the last one it was
    given: a copy that was restored may know an earlier one, or none."""
    for row in cheques.with_status(ws.store, "open", *cheques.UNFINISHED):
        with contextlib.suppress(errors.NotAuthorised):  # there is no such keyring here: no link is served either
            _know(ws, row, keys.kept(row.place, _secret(row)))


def _know(ws: Workspace, row: ChequeRow, token: str | None) -> None:
    known = links.of_cheque(ws.store, row.id)
    if token is None or (known is not None and known.token_hash == hash_of(token)):
        return
    keys.SEEN.add(token)
    # On a shared ledger another machine may have given it a later one, and keeps that.
    if ws.is_shared and (known is None or known.machine != machine()):
        return
    url = ws.config.get("base_url") if known is None else known.base_url
    with ws.store.write() as db:
        links.issue(db, hash_of(token), row.id, url, machine())


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


def find(ws: Workspace, token: str) -> ChequeRow | None:
    """The cheque that a link's token stands for; None for one that was never issued, and for what ended long ago."""
    if not _TOKEN.fullmatch(token):
        token = ""
    row = links.cheque_of(ws.store, hash_of(token))
    if row is None:
        return None
    ended = row.expires_at if row.claimed_at is None else row.claimed_at
    return row if clocks.wall() - from_rfc3339(ended).timestamp() <= GONE_AFTER_S or row.status == "open" else None


def refuse_replaced(ws: Workspace, row: ChequeRow, token: str) -> None:
    """Refuse a link in whose place the cheque was given another, though a copy of the ledger from before says that it
    stands: the token that is kept beside the keys is the last one. Raises `errors.Rejected`."""
    kept = keys.kept(row.place, _secret(row))
    if kept not in (None, token):
        _know(ws, row, kept)
        raise drawing.voided()


def still_stands(db: Transaction, token: str, cheque_id: str) -> bool:
    """Whether a token still is a cheque's: it may have been given another since."""
    return links.stands_for(db, hash_of(token), cheque_id)
