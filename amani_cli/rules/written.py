"""A request as it is written down: one canonical JSON text, whose SHA-256 is what is signed.

Whatever is in it binds: wallet, destination, amounts, fees, memo, reference, who asked and until when it holds.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any, NamedTuple

from amani_cli import errors
from amani_cli.rules.signatures import Person
from amani_cli.store.rows import RequestRow

FORMAT = 1
LIFE_S = 24 * 3600

CHANGES = frozenset({"approver add", "approver remove", "wallet limit"})
"""What loosens the rules themselves, and is asked for like a payment."""


_NUMBERS = ("value", "least", "max_slippage", "amount_msat", "count", "expires_s")
_DIGITS = 40


class Body(NamedTuple):
    """A request's text, read: `said` is all of it."""

    said: dict[str, Any]
    digest: str

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.said["id"])

    @property
    def what(self) -> str:
        """The verb: `pay`, `transfer`, `cheque create`, `wallet convert`, `batch run`, or a change of the rules."""
        return str(self.said["what"])

    @property
    def identity(self) -> str:
        """The wallet, by its id at its server; "" for what concerns every one."""
        return str(self.said["wallet"]["identity"])

    @property
    def wallet(self) -> str:
        """What the wallet was called where it was filed."""
        return str(self.said["wallet"]["name"])

    @property
    def terms(self) -> dict[str, Any]:
        """All that the command needs to be carried out."""
        found: dict[str, Any] = self.said["terms"]
        return found

    @property
    def sums(self) -> dict[str, Decimal]:
        """The most that may leave, by unit (msat or a currency), without fees."""
        return {unit: Decimal(amount) for unit, amount in self.said["sums"].items()}

    @property
    def fees(self) -> dict[str, Decimal]:
        """The most that fees may come to, by unit, where there is such a limit."""
        return {unit: Decimal(amount) for unit, amount in self.said["max_fees"].items()}

    @property
    def reference(self) -> str | None:
        """The reference that it has taken."""
        found = self.said["reference"]
        return None if found is None else str(found)

    @property
    def asker(self) -> Person:
        """Who asked, by the system's word."""
        by = self.said["requested_by"]
        return Person(str(by["os_user"]), str(by["host"]))

    @property
    def actor(self) -> str | None:
        """Who was said to be behind the call."""
        found = self.said["requested_by"]["actor"]
        return None if found is None else str(found)


def canonical(said: dict[str, Any]) -> str:
    """The one text of what is said: keys in order, no white space, ASCII."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def written(said: dict[str, Any]) -> tuple[str, Body]:
    """The text of a new request, and how it reads."""
    text = canonical(said)
    return text, Body(json.loads(text), hashlib.sha256(text.encode()).hexdigest())


def read(row: RequestRow) -> Body:
    """A request of the ledger. Raises `errors.RefusedByPolicy` if it is not what was filed any more."""
    body = Body(json.loads(row.body), hashlib.sha256(row.body.encode()).hexdigest())
    if body.digest != row.digest or body.id != row.id or body.identity != row.identity or body.what != row.what:
        raise edited(row.id)
    return body


def read_file(said: Any, digest: Any) -> Body:
    """A request out of a file. Raises `errors.Usage` for what is none, `errors.RefusedByPolicy` if it was edited."""
    if not isinstance(said, dict) or said.get("amani_request") != FORMAT or not isinstance(digest, str):
        raise errors.Usage("this file is not a request", code="BAD_REQUEST", hint="Make one: amani request export ID")
    try:
        _, body = written(said)
        complete = (body.id, body.what, body.identity, body.terms, body.sums, body.fees, body.asker, body.reference)
        complete += tuple(said[name] for name in ("ledger", "memo", "created_at", "expires_at"))
        quoted = body.terms.get("quoted") or {}
        numbers = [*said["sums"].values(), *said["max_fees"].values(), *(body.terms.get(name) for name in _NUMBERS)]
        if not all(_can_be(number) for number in (*numbers, quoted.get("value"), quoted.get("price"))):
            raise ValueError
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError, AttributeError):
        raise errors.Usage("this file is not a request", code="BAD_REQUEST", hint="Export it once more.") from None
    assert complete
    if body.digest != digest:
        raise edited(body.id)
    return body


def _can_be(number: Any) -> bool:
    """Whether it is a number that could be money: writing out one with a huge exponent would take for ever."""
    if number is None:
        return True
    found = Decimal(number)
    return found.is_finite() and abs(found.adjusted()) <= _DIGITS and len(found.as_tuple().digits) <= _DIGITS


def edited(id: str) -> errors.RefusedByPolicy:
    """The error for what was changed since it was written down."""
    return errors.RefusedByPolicy(
        f"request {id} was changed since it was filed: it is another one, and nobody approved that",
        code="REQUEST_EDITED",
        retry="never",
        hint="Have it exported once more, or file it anew.",
    )
