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
from amani_cli.providers.corridors import CORRIDORS, PAYSHAP
from amani_cli.providers.fiat import Checkout, Collection, Movement, Payee, Refund, VirtualAccount
from amani_cli.providers.http import Answer
from amani_cli.text import mask

_RATE_LIMITS = frozenset({"TOO_MANY_REQUESTS", "RATE_LIMIT_EXCEEDED"})
# What proves that nothing was taken. Whatever is not on these lists, a new word too, is asked about: some errors, with
# 4xx statuses among them, come after the debit.
# Payouts: `fincra-disbursements.yaml` for types and statuses; "genuine failure" in Fincra's page on payout errors.
PAYOUT_REFUSALS = frozenset(
    {
        "VALIDATION_FAILED",
        "UNPROCESSABLE_ENTITY",
        "NO_ENOUGH_MONEY_IN_WALLET",
        "INVALID_QUOTE",
        "QUOTE_NOT_GENERATED",
        "QUOTE_EXPIRED",
        "INVALID_QUOTE_REFERENCE",
        "RESOURCE_NOT_FOUND",  # only with the words below
        "ACCESS_DENIED",
        "OPERATION_FORBIDDEN",
    }
)
# Conversions: `fincra-fx-conversions.yaml`.
CONVERSION_REFUSALS = frozenset(
    {
        "VALIDATION_FAILED",
        "QUOTE_EXPIRED",
        "QUOTE_NOT_FOUND",
        "WALLET_NOT_FOUND",
        "CURRENCY_NOT_FOUND",
        "NO_ENOUGH_MONEY_IN_WALLET",
        "POST_FUNDING_LIMIT_EXCEEDED",
        "ACCESS_DENIED",
        "OPERATION_FORBIDDEN",
    }
)
# Fincra's words that stand in an error of ours as its code: `explain` has these and no others.
TOLD = (PAYOUT_REFUSALS | CONVERSION_REFUSALS | {"INVALID_CURRENCY_PAIR"}) - {"NO_ENOUGH_MONEY_IN_WALLET"}
_MISSING = ("quote", "wallet")  # a 404 about one of these comes before the payout is made
_PAYLOAD = ("error occurred during payload validation", "no payload")
_STATUSES: dict[str, RecordStatus] = {"successful": "settled", "success": "settled", "failed": "failed"}
_STATUSES |= {"reversed": "reversed", "refunded": "reversed"}
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

    @property
    def told(self) -> str | None:
        """The code of an error of ours that tells of it; None where Fincra's is none that users are promised."""
        return self.code if self.code in TOLD else None


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


def heard(found: Refusal, proofs: frozenset[str]) -> Literal["pending", "refused", "limited", "silence"]:
    """What a refusal of a POST that moves money proves: turned away, known already, or nothing at all.

    `proofs` are the types that prove, for this call, that nothing was taken.
    """
    if found.code == "DUPLICATE_CUSTOMER_REFERENCE":
        return "pending"  # it is there: the record says what became of it
    if found.status == 429 or found.code in _RATE_LIMITS:
        return "limited" if found.text else "silence"
    if found.status == 401 and not found.code and found.text:
        return "refused"  # the gateway knows no such key, and passes nothing on
    if found.code == "RESOURCE_NOT_FOUND" and not any(word in found.text.lower() for word in _MISSING):
        return "silence"
    return "refused" if found.code in proofs and found.status < 500 else "silence"


def is_malformed(found: Refusal) -> bool:
    """Whether a refusal is about the request itself, and so says nothing of what was asked for."""
    return found.code == "VALIDATION_FAILED" or (
        found.code == "UNPROCESSABLE_ENTITY" and found.text.lower().startswith(_PAYLOAD)
    )


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
    """A payout or a conversion as read back, in either set of field names.

    The older has `amountSent`, the newer `amountCharged` with fee and duty in it. Across currencies the sources differ
    on which one `fee` is in, so there it is not read at all.
    """
    status = _STATUSES.get(str(body.get("status")), "pending")
    recipient = body.get("recipient")
    payee = first(recipient, "accountHolderName", "name") if isinstance(recipient, dict) else None
    source, destination = text(body.get("sourceCurrency")), text(body.get("destinationCurrency"))
    one = source == destination or destination is None
    return FiatRecord(
        our_reference=text(body.get("customerReference")),
        provider_reference=text(body.get("reference")),
        status=status,
        amount=decimal(body.get("amountSent")),
        currency=source,
        received=decimal(body.get("amountReceived")),
        received_currency=destination,
        fee=decimal(first(body, "fee", "sourceFee")) if one else None,
        payee=text(payee or body.get("beneficiaryName")) or "",
        reason=_said(text(first(body, "message", "reason")) or ""),
        settled_at=moment(first(body, "valuedAt", "settledAt", "updatedAt")) if status == "settled" else None,
        charged=decimal(body.get("amountCharged")),
        duty=decimal(body.get("stampDutySourceAmount")) or Decimal(0),
        documents=_documents(body),
        session=text(body.get("sessionId")),
        reversed_at=moment(body.get("updatedAt")) if status == "reversed" else None,
    )


def _documents(body: dict[str, Any]) -> tuple[str, ...]:
    """What a payout waits for, by name; `document` where it only says that it wants one."""
    named = body.get("documentsRequired")
    names = tuple(word for word in map(_words, named) if word) if isinstance(named, list) else ()
    if body.get("isDocumentUploaded") in (1, True):
        return ()
    return names or (("document",) if body.get("isDocumentRequired") in (1, True) else ())


def refund(body: dict[str, Any]) -> Refund | None:
    """A payout that came back, out of the list of refunds; None for one that names no payout or failed.

    What its fields are is told by no source: the references of the payout are looked for where they could be.
    """
    named = body.get("payout")
    about: dict[str, Any] = named if isinstance(named, dict) else {}
    ours = first({**body, **about}, "customerReference", "payoutCustomerReference", "merchantReference")
    theirs = first(about, "reference") or first(body, "payoutReference", "transactionReference", "reference")
    if str(body.get("status")) not in ("successful", "success", "refunded", "reversed"):
        return None
    if text(ours) is None and text(theirs) is None:
        return None
    return Refund(
        text(body.get("reference")),
        text(ours),
        text(theirs),
        decimal(first(body, "amount", "amountRefunded", "amountReceived")),
        moment(first(body, "settledAt", "updatedAt", "createdAt")),
    )


def virtual_account(body: dict[str, Any]) -> VirtualAccount | None:
    """A virtual account; None for one that lacks a number, or can't be paid to."""
    about = body.get("accountInformation")
    about = about if isinstance(about, dict) else {}
    number = text(first(body, "accountNumber")) or text(about.get("accountNumber"))
    which, currency = text(first(body, "_id", "id")), text(body.get("currency"))
    if number is None or which is None or currency is None:
        return None
    if body.get("isActive") is False or str(body.get("status")) not in ("approved", "issued"):
        return None
    return VirtualAccount(
        which, currency, number, text(about.get("bankName")) or "", text(about.get("accountName")) or ""
    )


def collection(body: dict[str, Any]) -> Collection | None:
    """Money that came, as `GET /collections` has it; None for what lacks its amount, or has not come.

    `amountReceived` is less the fee; what the payer sent is `sourceAmount`.
    """
    reference, currency = text(body.get("reference")), text(first(body, "destinationCurrency", "sourceCurrency"))
    sent = decimal(first(body, "sourceAmount", "destinationAmount", "amount"))
    if reference is None or currency is None or sent is None:
        return None
    if str(body.get("status")) not in ("successful", "success") or body.get("isReversed") in (1, True):
        return None
    payer = body.get("payer")
    payer = payer if isinstance(payer, dict) else {}
    account = body.get("virtualAccount")
    return Collection(
        reference=reference,
        account=text(account.get("_id") if isinstance(account, dict) else account),
        amount=sent,
        currency=currency,
        payer=text(first(payer, "name") or first(body, "senderAccountName", "customerName", "payeeName")) or "",
        narration=text(first(body, "description", "narration", "message")) or "",
        session=text(body.get("sessionId")),
        at=moment(first(body, "settledAt", "createdAt", "initiatedAt")),
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


def rail_of(payee: Payee) -> str:
    """Fincra's word for the way that money takes to a payee."""
    return "mobile_money_wallet" if payee.mobile else "bank_account"


def beneficiary(payee: Payee, currency: str) -> dict[str, str]:
    """A payee as a payout names it: banks by the code that their currency wants, phones without a plus sign."""
    given, _, family = payee.name.partition(" ")
    names = {"accountHolderName": payee.name}
    if not payee.company:
        names |= {"firstName": given, "lastName": family or given}
    where: str = "mobileMoneyCode" if payee.mobile else CORRIDORS[currency].code
    if payee.bank == PAYSHAP:
        where = "bankCode"
    return {
        "type": "corporate" if payee.company else "individual",
        **names,
        "accountNumber": payee.account,
        where: payee.bank,
        "country": payee.country,
    }
