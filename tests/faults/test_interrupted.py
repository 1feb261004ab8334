"""A payment cut short: by a signal, by kill -9, by a line that breaks or a server that says nothing.

Before the first byte it is interrupted (130, 143); after that its outcome is unknown (8), the journal says so, and
`amani reconcile` settles it. Nothing is ever sent twice.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from amani_cli.encodings import bolt11
from tests.conftest import change_database, full_disk, write_key
from tests.faults.provider import KEY, Provider, started
from tests.kit import ledgers
from tests.kit.driver import PATIENCE_S, Amani, environment, tell_to_stop
from tests.kit.journals import writing
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.faults

POST = "POST /api/v1/payments"
AMOUNT_MSAT = 21_000


@pytest.fixture
def provider(amani: Amani) -> Iterator[Provider]:
    amani.secrets.add(KEY)
    with started() as provider:
        file = write_key(Path("key"), KEY)
        assert amani("wallet", "add", "main", "--url", provider.url, "--key-file", file).code == 0
        yield provider


@pytest.fixture
def text() -> str:
    return make_invoice(amount_msat=AMOUNT_MSAT)


@pytest.fixture
def payment_hash(text: str) -> str:
    return bolt11.decode_invoice(text).payment_hash


def journal(home: Path) -> list[str]:
    """The status of every payment, as it stands on the disk."""
    return [status for (status,) in ledgers.ask(home, "SELECT status FROM payment ORDER BY id")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_payment_was_sent(
    amani: Amani, provider: Provider, home: Path, text: str, payment_hash: str, number: signal.Signals
) -> None:
    provider.moods[POST] = "stall"
    with amani.started("pay", text, "--yes", "--json") as run:
        assert provider.arrived.wait(PATIENCE_S)
        assert journal(home) == ["unknown"]  # written down before the first byte left
        tell_to_stop(run, number)
        ended = amani.ended(run)
    assert (ended.code, ended.error["code"], ended.error["money_moved"]) == (8, "OUTCOME_UNKNOWN", "maybe")
    assert "amani reconcile" in ended.error["hint"]
    assert journal(home) == ["unknown"]
    provider.knows(text, payment_hash, "success", AMOUNT_MSAT)
    settled = amani("reconcile", "--json").data
    assert (settled["settled"], settled["items"][0]["fee_msat"]) == (1, 1000)
    assert provider.count(POST) == 1


def test_kill_9_after_the_payment_was_sent(
    amani: Amani, provider: Provider, home: Path, text: str, payment_hash: str
) -> None:
    amani("wallet", "balance")
    provider.moods[POST] = "stall"
    with amani.started("pay", text, "--reference", "r", "--yes") as run:
        assert provider.arrived.wait(PATIENCE_S)
        run.kill()
        run.wait(PATIENCE_S)
    assert journal(home) == ["unknown"]
    assert amani("wallet", "balance", "--max-age", "1h", "--json").data["cached"] is False
    again = amani("pay", text, "--reference", "r", "--yes", "--json")
    assert (again.code, again.error["code"]) == (8, "OUTCOME_UNKNOWN")
    other = amani("pay", make_invoice(amount_msat=AMOUNT_MSAT), "--reference", "r", "--yes")
    assert other.code == 9
    provider.knows(text, payment_hash, "success", AMOUNT_MSAT)
    replayed = amani("pay", text, "--reference", "r", "--yes", "--json").data
    assert (replayed["status"], replayed["replayed"]) == ("settled", True)
    assert provider.count(POST) == 1


def test_ctrl_c_twice_while_a_batch_is_on_its_way(
    amani: Amani, provider: Provider, home: Path, text: str, payment_hash: str, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_text(f"to\n{text}\n")
    assert amani("batch", "plan", tmp_path / "table.csv", "--output", tmp_path / "plan").code == 0
    provider.moods[POST] = "stall"
    with amani.terminal("batch", "run", tmp_path / "plan", "--yes") as terminal:
        assert provider.arrived.wait(PATIENCE_S)
        terminal.press(b"\x03")
        terminal.expect("once more to leave it in doubt")
        terminal.press(b"\x03")
        assert terminal.finish() == 8
    assert "after this was begun: pay_" in terminal.seen
    assert journal(home) == ["unknown"]
    provider.knows(text, payment_hash, "success", AMOUNT_MSAT)
    assert amani("reconcile", "--json").data["settled"] == 1
    assert provider.count(POST) == 1


def test_a_crash_after_the_payment_settled(
    amani: Amani, provider: Provider, text: str, payment_hash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was not told what became of it must not think that nothing was sent."""

    def crash(*_: object, **__: object) -> None:
        raise ValueError("no receipt; none at all")

    provider.knows(text, payment_hash, "success", AMOUNT_MSAT)
    with monkeypatch.context() as patch:
        patch.setattr("amani_cli.payments.engine.receipt", crash)
        ended = amani("pay", text, "--yes", "--json")
    assert (ended.code, ended.error["money_moved"], ended.error["retry"]) == (8, "maybe", "after_reconcile")
    assert ended.error["ids"] == [ended.error["id"]]
    assert "none at all" in ended.error["message"]
    assert amani("history", "show", ended.error["id"], "--json").data["status"] == "settled"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("GET /api/v1/payments/fee-reserve", ("pay", "{text}", "--max-fee", "5", "--yes")),
        ("GET /api/v1/wallet", ("wallet", "balance")),
    ],
)
def test_a_signal_before_anything_was_sent(
    amani: Amani,
    provider: Provider,
    home: Path,
    text: str,
    number: signal.Signals,
    code: int,
    request_: str,
    words: tuple[str, ...],
) -> None:
    provider.moods[request_] = "stall"
    with amani.started(*[word.format(text=text) for word in words], "--json") as run:
        assert provider.arrived.wait(PATIENCE_S)
        tell_to_stop(run, number)
        ended = amani.ended(run)
    said = {130: "INTERRUPTED", 143: "TERMINATED"}[code]
    assert (ended.code, ended.error["code"], ended.error["money_moved"]) == (code, said, "no")
    assert journal(home) == []
    assert provider.count(POST) == 0


def test_a_server_that_takes_too_long(
    amani: Amani, provider: Provider, home: Path, text: str, payment_hash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
    provider.moods[POST] = "stall"
    late = amani("pay", text, "--yes", "--timeout", "1s", "--json")
    assert (late.code, late.error["money_moved"]) == (8, "maybe")
    assert "Request timeout" in late.error["message"]  # ruling 20
    provider.moods.clear()
    provider.knows(text, payment_hash, "success", AMOUNT_MSAT)
    assert amani("pay", text, "--yes", "--json").data["replayed"] is True
    assert provider.count(POST) == 1


@pytest.mark.parametrize("status", ["success", "failed", None])
def test_a_line_that_breaks_after_the_payment_was_sent(
    amani: Amani,
    provider: Provider,
    home: Path,
    text: str,
    payment_hash: str,
    status: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The record decides; where there is none a moment later, that proves nothing."""
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
    provider.moods[POST] = "hang up"
    if status is not None:
        provider.knows(text, payment_hash, status, AMOUNT_MSAT)
    ended = amani("pay", text, "--yes", "--timeout", "1s", "--json")
    expected = {"success": (0, ["settled"]), "failed": (6, ["failed"]), None: (8, ["unknown"])}
    assert (ended.code, journal(home)) == expected[status]
    assert provider.count(POST) == 1


@pytest.mark.parametrize("unbuffered", [None, "1"])
def test_an_outcome_that_is_open_wins_over_a_reader_that_went_away(
    amani: Amani, provider: Provider, home: Path, text: str, unbuffered: str | None
) -> None:
    provider.moods[POST] = "hang up"
    with amani.started("pay", text, "--yes", "--json", "--no-wait", env={"PYTHONUNBUFFERED": unbuffered}) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.wait(PATIENCE_S) == 8
    assert journal(home) == ["unknown"]


@pytest.mark.parametrize("sink", ["a pipe", "/dev/full"])
def test_a_receipt_that_nobody_reads(amani: Amani, provider: Provider, text: str, payment_hash: str, sink: str) -> None:
    """Bytes of a payment left, so that 8 wins over 141, though it settled."""
    provider.knows(text, payment_hash, "success", AMOUNT_MSAT)
    if sink == "a pipe":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(sink, os.O_WRONLY)
    words = (sys.executable, "-m", "amani_cli", "pay", text, "--yes", "--json")
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment(), check=False)
    os.close(writer)
    assert done.returncode == 8
    assert "the answer could not be written" in done.stderr
    assert "amani reconcile" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_invoice_that_ends_while_the_pin_is_typed(
    amani: Amani, provider: Provider, home: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def type_slowly(*_: object) -> None:
        monkeypatch.setattr("amani_cli.encodings.bolt11.Invoice.is_expired", lambda *_: True)

    monkeypatch.setattr("amani_cli.rules.approval.authorise", type_slowly)
    ended = amani("pay", text, "--yes", "--json")
    assert (ended.code, ended.error["code"]) == (6, "INVOICE_EXPIRED")
    assert journal(home) == []
    assert provider.count(POST) == 0


def test_no_room_to_write_it_down_and_nothing_is_sent(amani: Amani, provider: Provider, home: Path, text: str) -> None:
    with full_disk(home, "INSERT ON payment"):
        ended = amani("pay", text, "--yes", "--json")
    assert ended.code != 0
    assert ended.error["money_moved"] == "no"
    assert provider.count(POST) == 0


def test_a_database_that_stays_locked(
    amani: Amani, provider: Provider, home: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amani_cli.store.sqlite.BUSY_TIMEOUT_S", 0.2)
    monkeypatch.setattr("amani_cli.store.postgres.BUSY_TIMEOUT_S", 0.2)
    with writing(home):
        ended = amani("pay", text, "--yes", "--json")
    assert (ended.code, ended.error["code"]) == (12, "LOCKED")
    assert provider.count(POST) == 0


def test_a_database_that_locks_after_the_payment_was_sent(
    amani: Amani, provider: Provider, home: Path, text: str, payment_hash: str
) -> None:
    """The verdict can't be written down: the payment is reported as open, and settled later."""
    provider.knows(text, payment_hash, "success", AMOUNT_MSAT)
    with ledgers.refusing(home, "UPDATE ON payment", "locked"):
        ended = amani("pay", text, "--yes", "--json")
    assert (ended.code, ended.error["money_moved"]) == (8, "maybe")
    assert journal(home) == ["unknown"]
    assert amani("reconcile", "--json").data["settled"] == 1
    assert provider.count(POST) == 1


def test_an_answer_was_heard_so_that_it_did_arrive(
    amani: Amani, provider: Provider, home: Path, text: str, payment_hash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that is missing long after proves that nothing arrived only where nothing was heard of it."""
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
    provider.knows(text, payment_hash, "pending", AMOUNT_MSAT)
    assert amani("pay", text, "--yes", "--timeout", "1s").code == 8
    provider.record = None
    change_database(home, "UPDATE payment SET created_at='2026-01-01T00:00:00Z', expires_at='2026-01-01T00:10:00Z'")
    assert amani("reconcile", "--json").code == 8
    assert journal(home)[0] == "unknown"
    change_database(home, "UPDATE payment SET answered=0")
    assert amani("reconcile", "--json").data["failed"] == 1


def test_what_another_wallet_had_paid_is_no_answer(
    amani: Amani, provider: Provider, home: Path, text: str, payment_hash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LNbits shows who paid an invoice before, and a line may mix up answers: ours would stay open for ever."""
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.5)
    provider.knows(text, payment_hash, "success", AMOUNT_MSAT)
    assert provider.record is not None
    provider.record["wallet_id"] = "another's"
    assert amani("pay", text, "--yes", "--timeout", "1s").code == 8
    provider.record = None
    change_database(home, "UPDATE payment SET created_at='2026-01-01T00:00:00Z', expires_at='2026-01-01T00:10:00Z'")
    assert amani("reconcile", "--json").data["failed"] == 1
