"""The failures amani can end with: one class each, with its exit code, its advice and the money's whereabouts.

    AmaniError
    ├── Bug                     1   a defect in amani
    ├── Usage                   2   amount, invoice, file or option that can't be right
    ├── NotAuthorised           3   no key, key refused, wrong PIN
    ├── NotFound                4
    ├── NotConfirmed            5   a yes was needed
    ├── Rejected                6   definitely failed: expired, no route, refused by the provider
    ├── InsufficientFunds       7   fee reserve counted in
    ├── OutcomeUnknown          8   reconcile, never retry blindly
    ├── RefusedByPolicy         9   PIN, limit, budget, safety rule
    ├── Unreachable            10   nothing was sent, or a read failed
    ├── PartlyDone             11   a batch
    ├── Locked                 12   another amani holds the lock
    ├── BooksDiffer            13
    ├── Interrupted           130   Ctrl-C, before a payment's bytes left (then it is 8)
    └── Terminated            143   SIGTERM, likewise

The table of exit codes is part of the contract; scripts rely on it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

MoneyMoved = Literal["no", "yes", "maybe"]
Retry = Literal["safe", "after_reconcile", "never"]


class AmaniError(Exception):
    """A failure that a user can act on.

    `message` is one line saying what happened, `hint` one line naming the way out. `code` is the stable
    word that scripts match on. `id` is the journal entry it is about, if there is one.
    """

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "BUG"
    default_retry: ClassVar[Retry] = "safe"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        money_moved: MoneyMoved = "no",
        retry: Retry | None = None,
        id: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code
        self.money_moved: MoneyMoved = money_moved
        self.retry: Retry = retry or self.default_retry
        self.id = id
        self.details = details or {}


class Bug(AmaniError):
    """Something that can't happen did; never the user's fault."""

    exit_code = 1
    default_code = "BUG"
    default_retry: ClassVar[Retry] = "after_reconcile"


class Duplicate(Bug):
    """A row that may be there once is there already; whoever can be second catches it, and says what it means."""


class Usage(AmaniError):
    """An argument, option or file that can't be right; nothing was sent."""

    exit_code = 2
    default_code = "USAGE"
    default_retry: ClassVar[Retry] = "never"


class NotAuthorised(AmaniError):
    """No key, a key that the provider refuses, a locked keyring or a wrong PIN."""

    exit_code = 3
    default_code = "NOT_AUTHORISED"


class NotFound(AmaniError):
    """The wallet, payment, invoice or cheque asked about is not there."""

    exit_code = 4
    default_code = "NOT_FOUND"


class NotConfirmed(AmaniError):
    """A yes was needed and could not be asked for, or was not given."""

    exit_code = 5
    default_code = "NOT_CONFIRMED"


class Rejected(AmaniError):
    """Definitely failed: the provider's own record, or the rules of the protocol, say so."""

    exit_code = 6
    default_code = "REJECTED"


class InsufficientFunds(AmaniError):
    """The balance does not cover the amount and the fee reserve."""

    exit_code = 7
    default_code = "INSUFFICIENT_FUNDS"


class OutcomeUnknown(AmaniError):
    """Bytes left and no certain answer came back, or the payment is still in flight."""

    exit_code = 8
    default_code = "OUTCOME_UNKNOWN"
    default_retry: ClassVar[Retry] = "after_reconcile"

    def __init__(self, message: str, **kwargs: Any) -> None:
        kwargs.setdefault("money_moved", "maybe")
        super().__init__(message, **kwargs)


class RefusedByPolicy(AmaniError):
    """A rule of amani's own stands in the way: PIN, limit, budget, a server known to be unsafe."""

    exit_code = 9
    default_code = "REFUSED_BY_POLICY"


class Unreachable(AmaniError):
    """The provider could not be reached before anything was sent, or failed to answer a read."""

    exit_code = 10
    default_code = "UNREACHABLE"


class PartlyDone(AmaniError):
    """Some rows of a batch are done and some are not."""

    exit_code = 11
    default_code = "PARTLY_DONE"


class Locked(AmaniError):
    """Another amani holds the lock."""

    exit_code = 12
    default_code = "LOCKED"


class BooksDiffer(AmaniError):
    """What amani has written down and what the provider says do not match."""

    exit_code = 13
    default_code = "BOOKS_DIFFER"
    default_retry: ClassVar[Retry] = "never"


class Interrupted(AmaniError):
    """Ctrl-C while nothing of a payment was under way."""

    exit_code = 130
    default_code = "INTERRUPTED"

    def __init__(self) -> None:
        super().__init__("interrupted; no payment was under way")


class Terminated(AmaniError):
    """SIGTERM while nothing of a payment was under way."""

    exit_code = 143
    default_code = "TERMINATED"

    def __init__(self) -> None:
        super().__init__("told to stop; no payment was under way")


def left_in_doubt(failure: AmaniError, entries: tuple[str, ...]) -> OutcomeUnknown:
    """What a failure amounts to that came once `entries` were begun, of which the user was told nothing yet."""
    named = ", ".join(entries[:5]) + (f" and {len(entries) - 5} more" if len(entries) > 5 else "")
    return OutcomeUnknown(
        f"{failure.message.removesuffix('; no payment was under way')}, after this was begun: {named}",
        id=entries[0] if len(entries) == 1 else None,
        hint=f"Do not pay it again by other means. Run 'amani reconcile', then: amani trace {entries[0]}",
        details={"ids": list(entries)},
    )
