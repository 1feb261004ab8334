"""Fincra's JSON, read tolerantly: four shapes of errors, two sets of field names, numbers that may be text.

Source: the shapes in https://docs.fincra.com and https://github.com/FincraNG/docs, which differ from each other and
over the years. What is missing or odd becomes None or `errors.Unreachable`, never a guess about money.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from amani_cli import keys
from amani_cli.providers.base import FiatRecord, RecordStatus
from amani_cli.providers.fiat import Checkout, Movement
from amani_cli.providers.http import Answer
from amani_cli.text import mask

# What a refused or accepted request may say when the outcome of a payout is anybody's guess.
_NO_ANSWER = frozenset({"DISBURSEMENT_CHANNEL_ERROR", "SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"})
_RATE_LIMITS = frozenset({"TOO_MANY_REQUESTS", "RATE_LIMIT_EXCEEDED"})
# What may come in a 200 and still be a plain refusal; elsewhere in 2xx and 5xx only the record is believed.
_REFUSALS = frozenset(
    {
        "NO_ENOUGH_MONEY_IN_WALLET",
        "VALIDATION_FAILED",
        "UNPROCESSABLE_ENTITY",
        "INVALID_QUOTE",
        "QUOTE_NOT_GENERATED",
        "QUOTE_EXPIRED",
        "RESOURCE_NOT_FOUND",
        "ACCESS_DENIED",
        "OPERATION_FORBIDDEN",
        "TRANSACTION_NOT_INITIATED",
        "WALLET_NOT_FOUND",
    }
)
_STATUSES: dict[str, RecordStatus] = {"successful": "settled", "success": "settled", "failed": "failed"}
_CHECKOUT: dict[str, Literal["success", "failed", "expired"]] = {
    "success": "success",
    "successful": "success",
    "failed": "failed",
    "expired": "expired",
}


class Refusal(NamedTuple):
    """What an error says, whichever shape it came in. `code` is Fincra's errorType, or empty."""

    status: int
    code: str
    text: str


def refusal(answer: Answer) -> Refusal | None:
    """The error in an answer, or None for one that says it succeeded. A 200 may hold either."""
    body = answer.body
    if not isinstance(body, dict):
        return Refusal(answer.status, "", "")
    if answer.status in (200, 201) and body.get("success") is not False and body.get("status") is not False:
        return None
    code = body.get("errorType")
    # NestJS puts the status' own words into `error` and the reason into `message`, the services the other way round.
    said = ("message", "errors", "error") if "statusCode" in body else ("error", "message", "errors")
    text = next((words for words in map(_words, map(body.get, said)) if words), "")
    return Refusal(answer.status, _said(code if isinstance(code, str) else ""), _said(text))


def _said(text: str) -> str:
    """Words of the server's as they may be shown and journaled: it may have repeated the key."""
    return mask(text, keys.SEEN)[:500]


def heard(found: Refusal) -> Literal["pending", "refused", "limited", "silence"]:
    """What a refusal of a payout's POST proves: not tried, turned away, known already, or nothing at all."""
    if found.code == "DUPLICATE_CUSTOMER_REFERENCE":
        return "pending"  # it is there: the record says what became of it
    if found.status == 429 or found.code in _RATE_LIMITS:
        return "limited" if found.text else "silence"
    if found.code in _NO_ANSWER or not (found.code or found.text):
        return "silence"
    if 400 <= found.status < 500 and found.status != 408:
        return "refused"
    return "refused" if found.code in _REFUSALS else "silence"


def _words(value: object) -> str:
    """Text out of a string, a list of strings or objects, or an object."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return "; ".join(words for words in map(_words, value) if words)
    if isinstance(value, dict):
        return "; ".join(words for words in map(_words, value.values()) if words)
    return ""


def text(value: object) -> str | None:
    """An id, code or name that may come as text or as a number; None when it is neither or empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def decimal(value: object) -> Decimal | None:
    """An amount that may come as a number or as text; None when it is neither. Never a float on the way."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    # The exponent first: 1e-999999999 is short to write and takes a gigabyte to print.
    exponent = number.as_tuple().exponent
    sane = isinstance(exponent, int) and -40 < exponent < 20 and number.adjusted() < 18
    return number if sane else None


def first(body: dict[str, Any], *names: str) -> Any:
    """The first of several names that holds something: the two documentations call the same field differently."""
    return next((body[name] for name in names if body.get(name) not in (None, "")), None)


def moment(value: object) -> str | None:
    """An ISO 8601 time as RFC 3339 in UTC, without fractions."""
    stamp = seconds(value)
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(value: object) -> float | None:
    """An ISO 8601 time (UTC where it names no zone) in unix seconds."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def movement_record(body: dict[str, Any]) -> FiatRecord:
    """A payout or a conversion as read back, in either set of field names."""
    status = _STATUSES.get(str(body.get("status")), "pending")
    recipient = body.get("recipient")
    payee = first(recipient, "accountHolderName", "name") if isinstance(recipient, dict) else None
    return FiatRecord(
        our_reference=text(body.get("customerReference")),
        provider_reference=text(body.get("reference")),
        status=status,
        amount=decimal(first(body, "amountSent", "amountCharged")),
        currency=text(body.get("sourceCurrency")),
        received=decimal(body.get("amountReceived")),
        received_currency=text(body.get("destinationCurrency")),
        fee=decimal(first(body, "fee", "sourceFee")),
        payee=text(payee or body.get("beneficiaryName")) or "",
        reason=_said(text(first(body, "message", "reason")) or ""),
        settled_at=moment(first(body, "valuedAt", "settledAt", "updatedAt")) if status == "settled" else None,
    )


def checkout(body: dict[str, Any]) -> Checkout | None:
    """A checkout as read back. Here `reference` is Fincra's and `merchantReference` ours; None without its amounts."""
    ours, currency = text(body.get("merchantReference")), text(body.get("currency"))
    expected = decimal(first(body, "amountExpected", "amount"))
    if ours is None or currency is None or expected is None:
        return None
    return Checkout(
        our_reference=ours,
        provider_reference=text(body.get("reference")),
        status=_CHECKOUT.get(str(body.get("status")), "pending"),
        currency=currency,
        expected=expected,
        received=decimal(body.get("amountReceived")) or Decimal(0),
        paid_at=moment(body.get("updatedAt")),
    )


def movement(body: dict[str, Any]) -> Movement | None:
    """A line of the wallet's log; None for one that lacks what it is about."""
    line, amount, currency = text(body.get("id")), decimal(body.get("amount")), text(body.get("currency"))
    action = body.get("action")
    if line is None or amount is None or currency is None or action not in ("credit", "debit"):
        return None
    return Movement(
        id=line,
        our_reference=text(body.get("merchantReference")),
        provider_reference=text(body.get("reference")),
        credit=action == "credit",
        amount=abs(amount),
        currency=currency,
        what=text(body.get("reason")) or "",
        memo=text(first(body, "merchantDescription", "description")) or "",
        created_at=moment(body.get("createdAt")),
    )
