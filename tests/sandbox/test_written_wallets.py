"""What a test writes into LNbits' database is as LNbits made it: a wallet or a user, in every answer and every deed."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import Any

import httpx
import pytest

from amani_cli.encodings import bolt11
from tests.kit.lnbits_server import ANOTHER_VERSION, LnbitsServer

pytestmark = [
    pytest.mark.lnbits,
    pytest.mark.skipif(ANOTHER_VERSION, reason="LNbits of another version makes each wallet itself"),
]

SAT = 1234
PASSWORD = "correct horse battery"
# What is each wallet's own; all else must be the same.
OWN = {
    *(
        "id",
        "user",
        "adminkey",
        "inkey",
        "lightning_address",
        "wallet_id",
        "user_id",
        "created_at",
        "updated_at",
        "time",
    ),
    *("username", "password_hash"),
    *("checking_id", "payment_hash", "preimage", "bolt11", "payment_request", "expiry", "last_payment"),
}
Made = tuple[str, str, str]


@pytest.fixture
def asked(lnbits_server: LnbitsServer) -> Made:
    return lnbits_server.asked_for_wallet(SAT, "twin")


@pytest.fixture
def written(lnbits_server: LnbitsServer) -> Made:
    return lnbits_server.new_wallet(SAT, "twin")


def seen(answer: Any) -> Any:
    """An answer in which what is a wallet's own stands by its kind alone."""
    if isinstance(answer, list):
        return [seen(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    return {name: _kind(value) if name in OWN else seen(value) for name, value in answer.items()}


def _kind(value: Any) -> str:
    digits = isinstance(value, str) and all(each in "0123456789abcdef" for each in value)
    return f"{type(value).__name__} of {len(value)} hex digits" if digits else type(value).__name__


def rows(server: LnbitsServer, wallet_id: str) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(server.root / "data" / "database.sqlite3", timeout=30)) as db:
        db.row_factory = sqlite3.Row
        wallet = dict(db.execute("SELECT * FROM wallets WHERE id=?", (wallet_id,)).fetchone())
        account = dict(db.execute("SELECT * FROM accounts WHERE id=?", (wallet["user"],)).fetchone())
        paid = db.execute("SELECT * FROM apipayments WHERE wallet_id=?", (wallet_id,)).fetchall()
        return [account, wallet, *map(dict, paid)]


def test_it_has_the_same_rows(lnbits_server: LnbitsServer, asked: Made, written: Made) -> None:
    asked_rows, written_rows = (rows(lnbits_server, each[0]) for each in (asked, written))
    assert len(written_rows) == 3
    assert seen(written_rows) == seen(asked_rows)
    for row in written_rows:
        assert all(abs(row[name] - time.time()) < 60 for name in ("created_at", "updated_at"))


@pytest.mark.parametrize("key", [1, 2], ids=["admin key", "invoice key"])
@pytest.mark.parametrize(
    "path",
    ["/api/v1/wallet", "/api/v1/payments", "/api/v1/payments/paginated", "/api/v1/payments/{hash}"],
)
def test_it_is_the_same_in_every_answer(
    lnbits_server: LnbitsServer, asked: Made, written: Made, path: str, key: int
) -> None:
    answers = []
    for made in (asked, written):
        credit = lnbits_server.call("GET", "/api/v1/payments", key=made[2])[0]
        answers.append(lnbits_server.call("GET", path.format(hash=credit["payment_hash"]), key=made[key]))
    assert seen(answers[1]) == seen(answers[0])


def test_the_admin_sees_the_same_user(lnbits_server: LnbitsServer, asked: Made, written: Made) -> None:
    users = [rows(lnbits_server, each[0])[0]["id"] for each in (asked, written)]
    assert users[0] != users[1]
    for path in ("/users/api/v1/user/{user}", "/users/api/v1/user/{user}/wallet"):
        answers = [lnbits_server.call("GET", path.format(user=user), token=lnbits_server.admin_token) for user in users]
        assert seen(answers[1]) == seen(answers[0])


def test_its_credit_has_an_invoice_of_its_own(lnbits_server: LnbitsServer, asked: Made, written: Made) -> None:
    invoices = []
    for made in (asked, written):
        credit = lnbits_server.call("GET", "/api/v1/payments", key=made[2])[0]
        invoice = bolt11.decode_invoice(credit["bolt11"])
        assert invoice.payment_hash == credit["payment_hash"]
        invoices.append(invoice)
    first, second = invoices
    assert first.payment_hash != second.payment_hash
    for name in ("amount_msat", "description", "expiry_s", "network"):
        assert getattr(second, name) == getattr(first, name)


def test_it_pays_and_is_paid(lnbits_server: LnbitsServer, asked: Made, written: Made) -> None:
    server = lnbits_server
    for payer, payee, sat in ((written, asked, 1000), (asked, written, 2000), (written, server.new_wallet(), 2234)):
        made = server.call("POST", "/api/v1/payments", key=payee[2], json={"out": False, "amount": sat, "memo": "m"})
        server.call("POST", "/api/v1/payments", key=payer[1], json={"out": True, "bolt11": made["bolt11"]})
    assert [server.balance_msat(each[2]) for each in (asked, written)] == [SAT * 1000 - 1_000_000, 0]

    server.fund(written[0], 5)
    server.fund(written[0], -2)
    assert server.balance_msat(written[2]) == 3000


def test_it_is_there_when_the_server_starts_again(lnbits_server: LnbitsServer, written: Made) -> None:
    lnbits_server.restart()
    assert lnbits_server.balance_msat(written[2]) == SAT * 1000
    assert lnbits_server.balance_msat(lnbits_server.new_wallet(7)[2]) == 7000


def test_a_user_is_the_same_in_every_answer(lnbits_server: LnbitsServer) -> None:
    made = [make(PASSWORD) for make in (lnbits_server.asked_for_user, lnbits_server.new_user)]
    for path in ("/api/v1/auth", "/api/v1/wallets", "/api/v1/wallet/paginated"):
        asked, written = (lnbits_server.call("GET", path, token=token) for _, token in made)
        assert seen(written) == seen(asked)
    asked_rows, written_rows = (
        rows(lnbits_server, lnbits_server.call("GET", "/api/v1/wallets", token=token)[0]["id"]) for _, token in made
    )
    assert seen(written_rows) == seen(asked_rows)


def test_a_user_logs_in_with_this_password_alone(lnbits_server: LnbitsServer) -> None:
    name, token = lnbits_server.new_user(PASSWORD)
    again = lnbits_server.call("POST", "/api/v1/auth", json={"username": name, "password": PASSWORD})["access_token"]
    for each in (token, again):
        assert lnbits_server.call("GET", "/api/v1/auth", token=each)["username"] == name
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        lnbits_server.call("POST", "/api/v1/auth", json={"username": name, "password": "not the password"})
    lnbits_server.call("POST", "/api/v1/wallet", token=token, json={"name": "second"})
    assert len(lnbits_server.call("GET", "/api/v1/wallets", token=token)) == 2
