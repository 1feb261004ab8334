"""LNURL-withdraw as a cheque's link speaks it (LUD-03): the first step says what there is, the callback takes it.

https://github.com/lnurl/luds/blob/luds/03.md. An error is told with status 200, as wallets expect it.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from werkzeug.wrappers import Request, Response

from amani_cli.cheques import links
from amani_cli.models.document import as_json
from amani_cli.serve.desk import State
from amani_cli.serve.speech import Speech
from amani_cli.store.rows import ChequeRow
from amani_cli.text import json_line, one_line

_SAID: dict[State, str] = {
    "claiming": "e_claiming",
    "claimed": "e_claimed",
    "expired": "e_over",
    "void": "e_over",
    "held": "held",
}


def k1_of(token: str) -> str:
    """A link's `k1`: it comes with the first step, and is worth no more than the link itself."""
    return sha256(f"amani k1 {token}".encode()).hexdigest()


def is_k1(token: str, said: str) -> bool:
    """Whether a `k1` is this link's."""
    return hmac.compare_digest(k1_of(token).encode(), said.lower().encode("utf-8", "replace"))


def is_asked_for(request: Request) -> bool:
    """Whether a page was asked for by a wallet: it takes JSON, and no page. A browser says that it takes one."""
    accepts = request.headers.get("Accept", "").lower()
    return "application/json" in accepts and "text/html" not in accepts


def first_step(base_url: str, token: str, state: State, row: ChequeRow, say: Speech) -> Response:
    """What can be taken: all of it, or nothing any more."""
    if state != "open":
        return error(say(_SAID[state]))
    memo = one_line(row.memo, 200)
    return answer(
        {
            "tag": "withdrawRequest",
            "callback": f"{links.page_of(base_url, token)}/callback",
            "k1": k1_of(token),
            "minWithdrawable": row.amount_msat,
            "maxWithdrawable": row.amount_msat,
            "defaultDescription": memo or say("title", amount=say.amount(row.amount_msat)),
        }
    )


def ok() -> Response:
    """The payment is written down: it has been made, or is on its way."""
    return answer({"status": "OK"})


def error(reason: str, *, status: int = 200) -> Response:
    """Nothing was sent, or it failed for certain."""
    return answer({"status": "ERROR", "reason": reason}, status)


def answer(body: dict[str, object], status: int = 200) -> Response:
    # A wallet may be a web page too; without the link it learns nothing here.
    headers = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(json_line(as_json(body)), status=status, mimetype="application/json", headers=headers)
