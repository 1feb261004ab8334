"""What Fincra signs and sends, in every form that a document has it, and what it is answered."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from pathlib import Path

import pytest

from amani_cli.operations import webhooks
from amani_cli.operations.webhooks import Receiver, Refused, is_signed

SECRET = "whsec_1"
INNER = {"event": "payout.successful", "data": {"customerReference": "r-1", "amount": 10.5, "name": "Adé"}}


def sign(body: str) -> str:
    return hmac.new(SECRET.encode(), body.encode(), hashlib.sha512).hexdigest()


def compact(content: object) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    ("sent", "over"),
    [
        (compact(INNER), compact(INNER)),
        (json.dumps(INNER, indent=2, ensure_ascii=False), json.dumps(INNER, indent=2, ensure_ascii=False)),  # raw
        (json.dumps(INNER, indent=2, ensure_ascii=False), compact(INNER)),
        (compact({**INNER, "type": "disbursement", "business": "b"}), compact(INNER)),
    ],
)
def test_every_documented_form_of_a_signature_is_taken(sent: str, over: str) -> None:
    assert is_signed(sent.encode(), sign(over), SECRET)
    assert is_signed(sent.encode(), f" {sign(over).upper()} ", SECRET)


@pytest.mark.parametrize(
    "over",
    [
        compact(INNER["data"]),
        compact({**INNER, "data": {**INNER["data"], "amount": 11}}),  # type: ignore[dict-item]
        "",
        "{}",
    ],
)
def test_another_is_not(over: str) -> None:
    assert not is_signed(compact(INNER).encode(), sign(over), SECRET)
    assert not is_signed(compact(INNER).encode(), sign(compact(INNER))[:-1], SECRET)
    assert not is_signed(compact(INNER).encode(), sign(compact(INNER)), SECRET + "x")


def test_too_many_at_once_are_asked_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For Fincra a 4xx is final: what it was busy for is never sent again."""
    monkeypatch.setattr(webhooks, "MOST_A_MINUTE", 2)
    receiver = Receiver(lambda: None, lambda event: None, SECRET)  # type: ignore[arg-type, return-value]
    receiver._asked = deque()
    receiver._limit()
    receiver._limit()
    with pytest.raises(Refused) as caught:
        receiver._limit()
    assert caught.value.status == 503
