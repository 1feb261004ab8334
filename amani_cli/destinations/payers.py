"""What a payee's server is told of who pays (LUD-18): what it asks for, and the payer has agreed to, and nothing else.

https://github.com/lnurl/luds/blob/luds/18.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from amani_cli import errors
from amani_cli.settings import payer_text
from amani_cli.text import one_line
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.lnurl import PayRequest

KINDS = ("name", "email", "identifier")


def said(name: str | None, email: str | None, identifier: str | None) -> dict[str, str]:
    """What the payer says of themselves for one payment. Raises `errors.Usage` for what can't be right."""
    given = {"name": name, "email": email, "identifier": identifier}
    return {kind: payer_text(kind, text) for kind, text in given.items() if text is not None}


def told(ws: Workspace, request: PayRequest, said: Mapping[str, str]) -> str:
    """The JSON text that goes along when an invoice is asked for; empty where nothing has to be told.

    What the server insists on comes from `said`, else from the settings; what it would merely like, from `said` alone.

    Raises `errors.Usage` for what is missing, or was said to a server that does not ask for it, and `errors.Rejected`
    where it insists on what amani can't give.
    """
    answer = _answer(ws, request, said)
    if not answer:
        return ""
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    ws.talk.note(f"{request.link.domain} is told who pays: {one_line(text, 300)}")
    return text


def _answer(ws: Workspace, request: PayRequest, said: Mapping[str, str]) -> dict[str, str]:
    domain = request.link.domain
    for kind in said:
        if kind not in request.payer_data:
            raise errors.Usage(
                f"{domain} does not ask for the payer's {kind}",
                code="BAD_PAYER_DATA",
                hint=f"Leave --payer-{kind} out; nothing was told.",
            )
    answer = dict(said)
    for kind, mandatory in request.payer_data.items():
        if not mandatory or kind in said:
            continue
        if kind not in KINDS:
            raise errors.Rejected(
                f"{domain} wants the payer's '{one_line(kind, 40)}', which amani does not give",
                code="PAYER_DATA_UNKNOWN",
                retry="never",
                hint="Nothing was paid. Ask the payee for an invoice.",
            )
        kept = ws.config.get(f"payer.{kind}")
        if kept == "off":
            raise errors.Usage(
                f"{domain} takes no payment without the payer's {kind}",
                code="PAYER_DATA_NEEDED",
                hint=f"If they may know it: --payer-{kind}, or for every payment: amani config set payer.{kind}",
            )
        answer[kind] = kept
    return answer


def lacking(ws: Workspace, request: PayRequest) -> str | None:
    """Why a server would refuse a payment for which nothing but the settings says who pays; None if it would not."""
    try:
        _answer(ws, request, {})
    except errors.AmaniError as error:
        return error.message
    return None
