"""How a cheque is named: by its id, its reference, its code or its link. The last two are money, and not repeated."""

from __future__ import annotations

import re
from hashlib import sha256

from amani_cli import keys
from amani_cli.encodings import cheque_code
from amani_cli.rules import rulebook
from amani_cli.store import cheques, links
from amani_cli.store.ledger import only
from amani_cli.store.rows import ChequeRow
from amani_cli.times import from_rfc3339
from amani_cli.workspace import Workspace

_IN_LINK = re.compile(r"/c/([A-Z2-7]{26})(?![A-Za-z0-9])")


def must(ws: Workspace, text: str) -> ChequeRow:
    """The cheque that an id, the beginning of one, a reference, a code or a link names. Raises `errors.NotFound`.

    Of a code or a link that was typed no output has anything from then on. Raises `errors.Usage` if several fit.
    """
    token = token_in(text)
    if token is not None:
        row = links.cheque_of(ws.store, hash_of(token)) if ws.has_store else None
        return only([] if row is None else [row], "with this link", "cheque")
    if cheque_code.looks_like_code(text):
        keys.SEEN.add("".join(text.split()))
        code = cheque_code.decode(text)
        rows = cheques.of_wallet(ws.store, code.url, code.wallet_id) if ws.has_store else []
        return only(rows, "with this code", "cheque")
    return only(cheques.find(ws.store, text.strip()) if ws.has_store else [], text, "cheque")


def code_of(ws: Workspace, row: ChequeRow, admin_key: str) -> str:
    """The code that an admin key makes of a cheque: the money itself."""
    assert row.remote_id is not None  # it has a wallet since it was begun
    code = cheque_code.encode(
        cheque_code.ChequeCode(
            admin_key,
            row.remote_id,
            cheque_code.origin_of(row.identity),
            row.amount_msat,
            int(from_rfc3339(row.expires_at).timestamp()),
            rulebook.value(ws, "network"),
            row.url,
        )
    )
    keys.SEEN.add(code)
    return code


def token_in(text: str) -> str | None:
    """The secret of a link that stands in a text; from then on no output has it."""
    found = _IN_LINK.search(text)
    if found is None:
        return None
    keys.SEEN.add(found[1])
    return found[1]


def hash_of(token: str) -> str:
    """What the database keeps of a link's token: 128 random bits need no salt."""
    return sha256(token.encode()).hexdigest()
