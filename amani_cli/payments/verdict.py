"""The one place that judges what became of a payment: settled, failed or unknown.

Unknown is never called failed. The authority is the provider's own record of our wallet; what the answer to the POST
said only matters where there is no record, because LNbits' 201 does not mean paid and its 520 does not mean unpaid.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from amani_cli import errors
from amani_cli.models.wallets import Provider
from amani_cli.providers.base import FiatRecord, PayAnswer, Record
from amani_cli.store.entries import EntryStatus

ABSENT: Literal["absent"] = "absent"
NOT_ASKED: Literal["not asked"] = "not asked"
Found = Record | FiatRecord | Literal["absent", "not asked"]


class Verdict(NamedTuple):
    """What became of a payment, by which record, and why."""

    status: EntryStatus
    record: Record | FiatRecord | None
    reason: str
    code: str = ""


def judge(answer: PayAnswer | None, found: Found, *, never_arrived: bool = False) -> Verdict:
    """Settled, failed or unknown, from the answer to the POST and what the provider's record says now.

    `answer` is None when it is asked about later, by `reconcile`. `found` is our own record, `ABSENT` when the
    provider has none, `NOT_ASKED` when it could not be asked. `never_arrived` says that enough time has passed for
    an absent record to prove that the request never got there.
    """
    if isinstance(found, (Record, FiatRecord)):
        # What has come back had settled before: the entry says when.
        if found.status in ("settled", "reversed"):
            return Verdict("settled", found, "")
        if found.status == "failed":
            said = answer.reason if answer and answer.heard in ("failed", "refused") else ""
            reason = (found.reason if isinstance(found, FiatRecord) else "") or said or "the provider says it failed"
            code = answer.code if answer and answer.heard == "failed" else ""
            return Verdict("failed", found, reason, code or "REJECTED")
        if isinstance(found, FiatRecord) and found.documents:
            return Verdict("unknown", found, waiting_for("; ".join(found.documents)))
        return Verdict("unknown", found, "still in flight")
    heard = answer.heard if answer else "silence"
    reason = answer.reason if answer else ""
    if found == ABSENT:
        if heard in ("failed", "refused"):
            return Verdict("failed", None, reason, (answer.code if answer else "") or "REJECTED")
        if heard == "limited":
            return Verdict("failed", None, reason, "RATE_LIMITED")
        if never_arrived:
            return Verdict(
                "failed",
                None,
                "the request never reached the provider",
                "NOT_SENT",
            )
        return Verdict("unknown", None, reason or "the provider has no record of it yet")
    if heard == "refused" and answer is not None and answer.code in ("KEY_REFUSED", "INVOICE_KEY"):
        # The record can't be asked for with a key that is refused, and nothing can be paid with one either.
        return Verdict("failed", None, reason, answer.code)
    return Verdict("unknown", None, reason or "the provider could not be asked")


def waiting_for(documents: str) -> str:
    """What is said of a payout that its provider holds until it has been shown papers."""
    return f"Fincra holds it until it has been given: {documents}. Upload them in its dashboard, under the payout"


_HINTS: dict[Provider, dict[str, str]] = {
    "lnbits": {
        "funds": "See 'amani wallet balance'; a payment that leaves the server needs max(2 sat, 1 %) on top for fees.",
        "key": "Paying needs the wallet's Admin key; 'amani doctor' looks at each wallet's key.",
        "failed": "No money moved. Ask the payee for a new invoice before trying again.",
    },
    "fincra": {
        "funds": "See 'amani wallet balance'; Fincra's fee comes on top of the amount.",
        "key": "Check the key, the environment (live or sandbox) and the business' IP allow-list in the dashboard.",
        "failed": "No money moved. Mend what it says, then pay again.",
    },
}


def failure(verdict: Verdict, payment_id: str, host: str, provider: Provider) -> errors.AmaniError:
    """The error that a failed verdict is reported as; no money moved."""
    reason, hints = verdict.reason, _HINTS[provider]
    if verdict.code == "INSUFFICIENT_FUNDS":
        return errors.InsufficientFunds(
            f"not enough money in the wallet: {host} says '{reason}'",
            id=payment_id,
            hint=hints["funds"],
        )
    if verdict.code == "PAID_BY_ANOTHER":
        return errors.Rejected(
            "this invoice is paid already, and not by this wallet",
            code="PAID_BY_ANOTHER",
            retry="never",
            id=payment_id,
            hint="Nothing left this wallet. Ask the payee for a new invoice if one is still due.",
        )
    if verdict.code in ("KEY_REFUSED", "INVOICE_KEY", "TOKEN_EXPIRED"):
        return errors.NotAuthorised(
            f"{host} refused the key: {reason}",
            code=verdict.code,
            id=payment_id,
            hint=hints["key"],
        )
    if verdict.code == "RATE_LIMITED":
        return errors.Unreachable(
            f"{host} takes no more requests for now (429); nothing was sent",
            code="RATE_LIMITED",
            id=payment_id,
            hint="Wait a minute and run the same command again.",
        )
    if verdict.code == "NOT_LNBITS":
        return errors.Unreachable(
            f"{host} has no LNbits API where the payment was to go; nothing was paid",
            code="NOT_LNBITS",
            id=payment_id,
            hint="Something before the server answered in its place, or it is being changed: see 'amani doctor'.",
        )
    return errors.Rejected(
        f"the payment failed: {reason}",
        code=verdict.code or "REJECTED",
        id=payment_id,
        hint=hints["failed"],
    )
