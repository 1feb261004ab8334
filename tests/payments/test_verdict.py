"""The verdict on a payment, for every answer beside every record."""

from __future__ import annotations

from itertools import product

import pytest

from amani_cli import errors
from amani_cli.models.payments import PaymentStatus
from amani_cli.payments import verdict
from amani_cli.payments.verdict import ABSENT, NOT_ASKED, Found, Verdict, judge
from amani_cli.providers.base import Heard, PayAnswer, Record, RecordStatus

EVERY_HEARD: tuple[Heard | None, ...] = ("settled", "pending", "failed", "refused", "limited", "silence", None)


def answer(heard: Heard | None, code: str = "CODE") -> PayAnswer | None:
    return None if heard is None else PayAnswer(heard, None, "the reason", code)


def record(status: RecordStatus) -> Record:
    return Record("ab" * 32, "w", -1000, 5, status, None, "", "lnbc1", None, None, None)


@pytest.mark.parametrize("heard", EVERY_HEARD)
@pytest.mark.parametrize("never_arrived", [False, True])
@pytest.mark.parametrize(("status", "expected"), [("settled", "settled"), ("failed", "failed"), ("pending", "unknown")])
def test_our_own_record_decides_whatever_was_heard(
    heard: Heard | None, never_arrived: bool, status: RecordStatus, expected: PaymentStatus
) -> None:
    found = record(status)
    judged = judge(answer(heard), found, never_arrived=never_arrived)
    assert (judged.status, judged.record) == (expected, found)


# Without a record: failed only where the server said that it did not even try, or time has proved it.
_ABSENT: dict[Heard | None, PaymentStatus] = {
    "settled": "unknown",
    "pending": "unknown",
    "failed": "failed",
    "refused": "failed",
    "limited": "failed",
    "silence": "unknown",
    None: "unknown",
}


@pytest.mark.parametrize("heard", EVERY_HEARD)
def test_no_record(heard: Heard | None) -> None:
    assert judge(answer(heard), ABSENT).status == _ABSENT[heard]
    assert judge(answer(heard), ABSENT, never_arrived=True).status == "failed"


@pytest.mark.parametrize("heard", EVERY_HEARD)
@pytest.mark.parametrize("never_arrived", [False, True])
def test_a_record_that_could_not_be_asked_for(heard: Heard | None, never_arrived: bool) -> None:
    assert judge(answer(heard), NOT_ASKED, never_arrived=never_arrived).status == "unknown"


@pytest.mark.parametrize("code", ["KEY_REFUSED", "INVOICE_KEY"])
def test_but_for_a_key_that_can_t_pay_nor_ask(code: str) -> None:
    assert judge(answer("refused", code), NOT_ASKED).status == "failed"
    assert judge(answer("silence", code), NOT_ASKED).status == "unknown"


def test_never_settled_without_a_settled_record() -> None:
    founds: list[Found] = [record("pending"), record("failed"), ABSENT, NOT_ASKED]
    for heard, found, late in product(EVERY_HEARD, founds, (False, True)):
        assert judge(answer(heard), found, never_arrived=late).status != "settled"


@pytest.mark.parametrize(
    ("code", "kind", "exit_code", "words"),
    [
        ("INSUFFICIENT_FUNDS", errors.InsufficientFunds, 7, "1 %"),
        ("PAID_BY_ANOTHER", errors.Rejected, 6, "not by this wallet"),
        ("KEY_REFUSED", errors.NotAuthorised, 3, "Admin key"),
        ("INVOICE_KEY", errors.NotAuthorised, 3, "Admin key"),
        ("RATE_LIMITED", errors.Unreachable, 10, "Wait a minute"),
        ("REJECTED", errors.Rejected, 6, "No money moved"),
        ("", errors.Rejected, 6, "No money moved"),
    ],
)
def test_what_a_failure_is_reported_as(code: str, kind: type[errors.AmaniError], exit_code: int, words: str) -> None:
    error = verdict.failure(Verdict("failed", None, "the reason", code), "pay_1", "lnbits.example", "lnbits")
    assert type(error) is kind
    assert (error.exit_code, error.money_moved, error.id) == (exit_code, "no", "pay_1")
    assert words in error.message + error.hint
