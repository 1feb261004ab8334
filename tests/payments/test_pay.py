"""`amani pay` on a real server: what is refused offline, the question, the verdict, the receipt, the replay."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import time
from pathlib import Path
from typing import Any, Literal

import pytest

from amani_cli.encodings import bolt11
from amani_cli.providers.http import Line
from amani_cli.providers.lnbits import Lnbits
from tests.conftest import AddWallet, Held, change_database, mark_on_server, take_server_away
from tests.destinations.conftest import mark_as_sandbox
from tests.kit.driver import Amani, _Stream
from tests.kit.lnurl_server import METADATA, LnurlServer
from tests.kit.machine import Machine
from tests.kit.make_invoice import make_invoice

pytestmark = [pytest.mark.lnbits, pytest.mark.store]


@pytest.fixture
def payer(add_wallet: AddWallet) -> Held:
    """The default wallet, with 1,000 sat."""
    return add_wallet("payer", 1000)


@pytest.fixture
def payee(payer: Held, add_wallet: AddWallet) -> Held:
    """Another wallet on the same server."""
    return add_wallet("payee")


def journal(amani: Amani) -> list[tuple[str, int]]:
    """Status and amount of every payment that left, as amani wrote it down; newest first."""
    items = amani("history", "list", "--direction", "out", "--json").data["items"]
    return [(item["status"], item["amount_msat"]) for item in items]


class TestItPays:
    def test_once_with_a_receipt(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(21, "tea")
        invoice = bolt11.decode_invoice(text)
        paid = amani("pay", text, "--yes", "--json").data
        expected = {
            "wallet": "payer",
            "direction": "out",
            "kind": "pay",
            "status": "settled",
            "amount_msat": 21_000,
            "fee_msat": 0,
            "payment_hash": invoice.payment_hash,
            "destination": invoice.payee,
            "memo": "tea",
            "reference": None,
            "replayed": False,
        }
        assert paid.items() >= expected.items()
        assert len(paid["preimage"]) == 64
        assert paid["id"].startswith("pay_")
        assert paid["settled_at"].endswith("Z")
        assert (payer.sat, payee.sat) == (979, 21)
        assert amani("history", "show", paid["id"], "--json").data == paid

    def test_what_a_person_and_a_script_read(self, amani: Amani, payer: Held, payee: Held) -> None:
        shown = amani("pay", payee.invoice(21, "tea"), "--yes").stdout
        assert "paid:     21 sat" in shown
        assert "status:   settled" in shown
        text = payee.invoice(1)
        assert amani("pay", text, "--yes", "-q").stdout == bolt11.decode_invoice(text).payment_hash + "\n"

    @pytest.mark.parametrize("form", ["lightning:{}", "LIGHTNING:{}", "{}\n", "  {} ", "{upper}", "lightning:{upper}"])
    def test_in_every_form_that_people_paste(self, amani: Amani, payer: Held, payee: Held, form: str) -> None:
        text = payee.invoice(2)
        assert amani("pay", form.format(text, upper=text.upper()), "--yes").code == 0
        assert payee.sat == 2

    def test_broken_over_lines_or_from_stdin(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(2)
        assert amani("pay", "-", "--yes", stdin=f"{text[:40]}\r\n{text[40:]}\n").code == 0
        assert payee.sat == 2

    def test_a_full_balance_inside_one_server(self, amani: Amani, payer: Held, payee: Held) -> None:
        assert amani("pay", payee.invoice(1000), "--yes").code == 0
        assert (payer.sat, payee.sat) == (0, 1000)

    def test_the_amount_said_as_well_must_be_the_invoice_s(self, amani: Amani, payer: Held, payee: Held) -> None:
        differs = amani("pay", payee.invoice(21), "22", "--yes", "--json")
        assert (differs.code, differs.error["code"]) == (2, "AMOUNT_DIFFERS")
        assert amani("pay", payee.invoice(21), "21sat", "--yes").code == 0

    def test_an_invoice_of_the_very_wallet(self, amani: Amani, payer: Held) -> None:
        text = amani("invoice", "create", "5", "-q").stdout.strip()
        assert amani("pay", text, "--yes").code == 0
        assert payer.sat == 1000
        assert amani("invoice", "check", text, "--json").data["status"] == "paid"
        directions = {item["direction"] for item in amani("history", "list", "--json").data["items"]}
        assert directions == {"in", "out"}

    def test_a_note_of_one_s_own(self, amani: Amani, payer: Held, payee: Held) -> None:
        paid = amani("pay", payee.invoice(1, "theirs"), "--memo", "mine", "--actor", "bot:7", "--yes", "--json").data
        assert (paid["memo"], paid["actor"]) == ("mine", "bot:7")


class TestDryRun:
    def test_it_says_what_would_be_and_sends_nothing(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(300)
        plan = amani("pay", text, "--dry-run", "--json").data
        expected = {"amount_msat": 300_000, "max_fee_msat": 3000, "balance_msat": 1_000_000, "left_msat": 697_000}
        assert plan.items() >= expected.items()
        assert (plan["sufficient"], plan["internal"]) == (True, None)
        assert (payer.sat, payee.sat, len(payer.records())) == (1000, 0, 1)
        assert journal(amani) == []
        shown = amani("pay", text, "-n").stdout
        assert "fee at most: 3 sat" in shown
        assert shown.endswith("Nothing was sent.\n")

    def test_no_fee_between_two_of_our_own(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = amani("invoice", "create", "300", "-w", "payee", "-q").stdout.strip()
        plan = amani("pay", text, "--dry-run", "--json").data
        assert (plan["internal"], plan["max_fee_msat"], plan["left_msat"]) == (True, 0, 700_000)

    def test_too_much_is_still_a_valid_dry_run(self, amani: Amani, payer: Held, payee: Held) -> None:
        plan = amani("pay", payee.invoice(999), "--dry-run", "--json").data
        assert (plan["sufficient"], plan["left_msat"]) == (False, 1_000_000 - 999_000 - 9990)
        assert "NOT ENOUGH" in amani("pay", payee.invoice(999), "--dry-run").stdout

    def test_it_needs_no_admin_key(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet(sat=10, key="read")
        assert amani("pay", held.invoice(5), "--dry-run").code == 0


class TestTheQuestion:
    def test_yes(self, amani: Amani, payer: Held, payee: Held) -> None:
        with amani.terminal("pay", payee.invoice(300, "tea"), "--wallet", "payer") as terminal:
            terminal.expect("Pay? [y/N]")
            for words in ("300 sat (0.00000300 BTC)", "fee at most: 3 sat", "payer", "at least 697 sat", "tea"):
                assert words in terminal.seen
            assert max(map(len, terminal.seen.splitlines())) <= 80  # the key of a node fits
            assert payee.sat == 0
            terminal.type("y")
            assert terminal.finish() == 0
        assert payee.sat == 300

    @pytest.mark.parametrize("answer", ["n", "", "nein", "yy"])
    def test_anything_else_is_no(self, amani: Amani, payer: Held, payee: Held, answer: str) -> None:
        with amani.terminal("pay", payee.invoice(300)) as terminal:
            terminal.expect("[y/N]")
            terminal.type(answer)
            assert terminal.finish() == 5
            assert "nothing was sent" in terminal.seen
        assert (payer.sat, payee.sat) == (1000, 0)
        assert journal(amani) == []

    def test_ctrl_c_at_the_question(self, amani: Amani, payer: Held, payee: Held) -> None:
        with amani.terminal("pay", payee.invoice(300)) as terminal:
            terminal.expect("[y/N]")
            terminal.interrupt()
            assert terminal.finish() == 130
            assert "no payment was under way" in terminal.seen
        assert journal(amani) == []

    def test_without_a_terminal_it_is_refused_before_anything_is_asked_of_the_server(
        self, amani: Amani, payer: Held, payee: Held, home: Path
    ) -> None:
        text = payee.invoice(300)
        take_server_away(home)
        refused = amani("pay", text, "--json", stdin="y\n")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (5, "NOT_CONFIRMED", "no")
        assert "--yes" in refused.error["hint"]
        assert amani("pay", text, "--no-input", tty=True).code == 5
        assert (payer.sat, journal(amani)) == (1000, [])

    def test_an_invoice_that_expires_while_a_person_thinks(self, amani: Amani, payer: Held, payee: Held) -> None:
        with amani.terminal("pay", payee.invoice(300, expiry=2)) as terminal:
            terminal.expect("[y/N]")
            time.sleep(2)
            terminal.type("y")
            assert terminal.finish() == 6
        assert (payer.sat, journal(amani)) == (1000, [])

    def test_the_time_a_person_takes_is_not_of_the_timeout(
        self, amani: Amani, payer: Held, payee: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, thought, moments = time.monotonic, [0.0], list[float]()
        readline, send = io.TextIOWrapper.readline, Line.send

        def think(self: io.TextIOWrapper) -> str:
            thought[0] += 3600
            return readline(self)

        def noted(self: Line, *words: Any, **more: Any) -> Any:
            moments.append(self.deadline)
            return send(self, *words, **more)

        monkeypatch.setattr(time, "monotonic", lambda: real() + thought[0])
        monkeypatch.setattr(_Stream, "readline", think, raising=False)
        monkeypatch.setattr(Line, "send", noted)
        assert amani("pay", payee.invoice(300), "--timeout", "20s", stdin="y\n", tty=True).code == 0
        assert max(moments) - min(moments) > 3500

    def test_with_a_yes_given_the_whole_is_over_by_the_timeout(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        lnurl_server: LnurlServer,
        home: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        mark_as_sandbox(home)
        described = METADATA.encode().hex()
        ada = lnurl_server.pay_to("ada", lambda msat, _: payee.invoice(msat // 1000, unhashed_description=described))
        moments, send = list[float](), Line.send

        def noted(self: Line, *words: Any, **more: Any) -> Any:
            moments.append(self.deadline)
            return send(self, *words, **more)

        monkeypatch.setattr(Line, "send", noted)
        assert amani("pay", ada, "300", "--timeout", "20s", "--yes").code == 0
        assert len(moments) > 2
        assert len(set(moments)) == 1

    def test_too_little_is_said_before_the_question(self, amani: Amani, payer: Held, payee: Held) -> None:
        with amani.terminal("pay", payee.invoice(1001)) as terminal:
            assert terminal.finish() == 7
            assert "[y/N]" not in terminal.seen


class TestReplay:
    def test_the_same_invoice_again_is_the_receipt_again(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(21)
        first = amani("pay", text, "--yes", "--json").data
        for words in ((), ("--wallet", "payee"), ("--reference", "r")):
            again = amani("pay", text, *words, "--yes", "--json").data
            assert again == {**first, "replayed": True}
        assert "nothing was sent" in amani("pay", text, "--yes").stdout
        assert (payer.sat, len(payer.records())) == (979, 2)  # the top-up and this
        assert journal(amani) == [("settled", 21_000)]

    def test_it_needs_no_server(self, amani: Amani, payer: Held, payee: Held, home: Path) -> None:
        text = payee.invoice(21)
        assert amani("pay", text, "--yes").code == 0
        take_server_away(home)
        assert amani("pay", text, "--yes", "--json").data["replayed"] is True

    def test_by_reference(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(21)
        first = amani("pay", text, "--reference", "rent-8", "--yes", "--json").data
        assert first["reference"] == "rent-8"
        again = amani("pay", text, "--reference", "rent-8", "--yes", "--json").data
        assert again == {**first, "replayed": True}
        assert amani("history", "show", "rent-8", "--json").data["id"] == first["id"]
        assert payer.sat == 979

    def test_a_reference_that_stands_for_something_else(self, amani: Amani, payer: Held, payee: Held) -> None:
        first = amani("pay", payee.invoice(21), "--reference", "rent-8", "--yes", "--json").data
        other = amani("pay", payee.invoice(22), "--reference", "rent-8", "--yes", "--json")
        assert (other.code, other.error["code"], other.error["retry"]) == (9, "REFERENCE_TAKEN", "never")
        assert other.error["id"] == first["id"]
        assert payer.sat == 979
        asked = amani("invoice", "create", "5", "--reference", "rent-8", "--json")
        assert asked.code == 9

    def test_a_reference_given_later_is_bound_to_it(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(21)
        first = amani("pay", text, "--yes", "--json").data
        assert amani("pay", text, "--reference", "r", "--yes", "--json").data["id"] == first["id"]
        assert amani("pay", payee.invoice(22), "--reference", "r", "--yes").code == 9

    def test_a_refused_payment_leaves_the_reference_free(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(21)
        assert amani("pay", text, "--reference", "r").code == 5
        assert amani("pay", payee.invoice(22), "--reference", "r", "--yes").code == 0

    def test_after_a_failure_the_same_reference_tries_again(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(1001)
        assert amani("pay", text, "--reference", "r", "--yes").code == 7
        payer.server.fund(payer.id, 1)
        paid = amani("pay", text, "--reference", "r", "--yes", "--json").data
        assert (paid["status"], paid["replayed"]) == ("settled", False)
        assert payer.sat == 0
        assert journal(amani) == [("settled", 1_001_000), ("failed", 1_001_000)]

    def test_many_at_once_pay_once(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(21)
        with contextlib.ExitStack() as stack:
            runs = [stack.enter_context(amani.started("pay", text, "--yes", "--json")) for _ in range(4)]
            results = [amani.ended(run) for run in runs]
        assert {result.code for result in results} <= {0, 8}
        assert sum(result.json["ok"] and not result.json["data"]["replayed"] for result in results) == 1
        assert (payer.sat, journal(amani)) == (979, [("settled", 21_000)])


def test_a_clock_that_is_ahead_here_ends_no_invoice(amani: Amani, payer: Held, payee: Held, machine: Machine) -> None:
    """The wallet's server is asked what time it is before one is said to have expired."""
    machine.set(3 * 86400)
    assert amani("pay", payee.invoice(21), "--dry-run").code == 0
    assert amani("pay", payee.invoice(21), "--yes").code == 0
    assert (payer.sat, payee.sat) == (979, 21)


class TestRefusedOffline:
    """No server is asked: it has been taken away."""

    @pytest.fixture(autouse=True)
    def _offline(self, payer: Held, home: Path) -> None:
        take_server_away(home)

    def refused(self, amani: Amani, text: str, *words: str) -> tuple[int, str]:
        answer = amani("pay", text, *words, "--yes", "--json")
        assert answer.error["money_moved"] == "no"
        assert journal(amani) == []
        return answer.code, answer.error["code"]

    def test_expired(self, amani: Amani) -> None:
        text = make_invoice(created_at=int(time.time()) - 3600, expiry_s=3600)
        assert self.refused(amani, text) == (6, "INVOICE_EXPIRED")

    def test_no_amount(self, amani: Amani) -> None:
        assert self.refused(amani, make_invoice(amount_msat=None)) == (2, "AMOUNTLESS")
        assert self.refused(amani, make_invoice(amount_msat=None), "21") == (2, "AMOUNTLESS")

    @pytest.mark.parametrize("network", ["testnet", "signet", "regtest", "simnet"])
    def test_another_network(self, amani: Amani, network: str) -> None:
        assert self.refused(amani, make_invoice(network=network)) == (2, "WRONG_NETWORK")

    def test_a_changed_character(self, amani: Amani) -> None:
        text = make_invoice()
        changed = text[:50] + ("q" if text[50] != "q" else "p") + text[51:]
        assert self.refused(amani, changed) == (2, "BAD_INVOICE")

    @pytest.mark.parametrize("text", ["", "alice", "1000", "lnbc1"])
    def test_what_is_no_destination(self, amani: Amani, text: str) -> None:
        assert self.refused(amani, text)[0] == 2

    def test_a_network_by_setting(self, amani: Amani) -> None:
        assert amani("config", "set", "network", "regtest").code == 0
        assert self.refused(amani, make_invoice()) == (2, "WRONG_NETWORK")
        answer = amani("pay", make_invoice(network="regtest"), "--yes")
        assert answer.code == 10  # it is asked of the server now


class TestItFails:
    def test_no_way_to_the_payee(self, amani: Amani, payer: Held) -> None:
        """FakeWallet pays nobody outside."""
        failed = amani("pay", make_invoice(amount_msat=21_000), "--yes", "--json")
        assert (failed.code, failed.error["code"], failed.error["money_moved"]) == (6, "REJECTED", "no")
        assert "Only internal invoices" in failed.error["message"]
        assert payer.sat == 1000
        assert journal(amani) == [("failed", 21_000)]
        shown = amani("history", "show", failed.error["id"], "--json").data
        assert "Only internal invoices" in shown["failure"]

    def test_a_second_attempt_is_a_new_one(self, amani: Amani, payer: Held) -> None:
        text = make_invoice(amount_msat=21_000)
        assert amani("pay", text, "--yes").code == 6
        assert amani("pay", text, "--yes").code == 6
        assert payer.sat == 1000
        assert journal(amani) == [("failed", 21_000)] * 2

    def test_too_little_money(self, amani: Amani, payer: Held, payee: Held) -> None:
        failed = amani("pay", payee.invoice(1001), "--yes", "--json")
        assert (failed.code, failed.error["code"]) == (7, "INSUFFICIENT_FUNDS")
        assert journal(amani) == [("failed", 1_001_000)]

    def test_too_little_for_the_fee_reserve(self, amani: Amani, payer: Held) -> None:
        failed = amani("pay", make_invoice(amount_msat=1_000_000), "--yes", "--json")
        assert (failed.code, failed.error["code"]) == (7, "INSUFFICIENT_FUNDS")
        assert "1 %" in failed.error["hint"]

    def test_paid_by_somebody_else(self, amani: Amani, payer: Held, payee: Held, add_wallet: AddWallet) -> None:
        third = add_wallet("third", 50)
        text = payee.invoice(21)
        third.pay(text)
        failed = amani("pay", text, "--yes", "--json")
        assert (failed.code, failed.error["code"], failed.error["retry"]) == (6, "PAID_BY_ANOTHER", "never")
        assert payer.sat == 1000
        assert journal(amani) == [("failed", 21_000)]

    def test_paid_by_another_client_of_the_same_wallet(self, amani: Amani, payer: Held, payee: Held) -> None:
        """The server says "already paid" and calls it failed; the wallet's own record says that it was us."""
        text = payee.invoice(21)
        payer.pay(text)
        paid = amani("pay", text, "--yes", "--json").data
        assert (paid["status"], paid["amount_msat"]) == ("settled", 21_000)
        assert payer.sat == 979

    def test_a_payee_whose_wallet_was_deleted_takes_the_money_all_the_same(
        self, amani: Amani, payer: Held, payee: Held
    ) -> None:
        """The server answers 520 "failed", and the payer's record says settled: the record is believed."""
        text = payee.invoice(21)
        database = payee.server.root / "data" / "database.sqlite3"
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as db, db:
            db.execute("UPDATE wallets SET deleted=1 WHERE id=?", (payee.id,))
        assert amani("pay", text, "--yes", "--json").data["status"] == "settled"
        assert (payer.sat, journal(amani)) == (979, [("settled", 21_000)])

    def test_a_rotated_key(self, amani: Amani, payer: Held, payee: Held) -> None:
        payer.key_file.write_text("0123456789abcdef" * 2)
        failed = amani("pay", payee.invoice(21), "--yes", "--json")
        assert (failed.code, failed.error["code"], failed.error["money_moved"]) == (3, "KEY_REFUSED", "no")
        assert journal(amani) == []  # nothing is journaled that can't be sent

    def test_an_invoice_key_in_place_of_the_admin_key(self, amani: Amani, payer: Held, payee: Held) -> None:
        payer.key_file.write_text(payer.read_key)
        failed = amani("pay", payee.invoice(21), "--yes", "--json")
        assert (failed.code, failed.error["code"]) == (3, "INVOICE_KEY")
        assert "Admin key" in failed.error["hint"]
        assert payer.sat == 1000

    def test_nothing_answers(self, amani: Amani, payer: Held, payee: Held, home: Path) -> None:
        text = payee.invoice(21)
        take_server_away(home)
        failed = amani("pay", text, "--yes", "--json")
        assert (failed.code, failed.error["code"], failed.error["money_moved"]) == (10, "CONNECTION_REFUSED", "no")
        assert journal(amani) == []
        change_database(home, "UPDATE wallet SET url=?", payer.server.url)
        assert amani("pay", text, "--yes").code == 0


class TestMaxFee:
    def test_it_refuses_what_may_cost_more(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(300)
        for words in (("--yes",), ("--dry-run",)):
            refused = amani("pay", text, "--max-fee", "2999msat", *words, "--json")
            assert (refused.code, refused.error["code"]) == (9, "MAX_FEE")
        assert (payer.sat, journal(amani)) == (1000, [])
        assert amani("pay", text, "--max-fee", "3", "--yes").code == 0

    def test_between_our_own_wallets_no_fee_is_due(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = amani("invoice", "create", "300", "-w", "payee", "-q").stdout.strip()
        assert amani("pay", text, "--max-fee", "0", "--yes").code == 0


class TestPending:
    @pytest.fixture
    def stuck(self, amani: Amani, payer: Held) -> str:
        """An invoice whose payment hangs at the server, and that amani has tried to pay."""
        text = make_invoice(amount_msat=21_000)
        with contextlib.suppress(Exception):
            payer.pay(text)
        mark_on_server(payer, bolt11.decode_invoice(text).payment_hash, "pending")
        answer = amani("pay", text, "--yes", "--no-wait", "--json")
        assert (answer.code, answer.error["code"]) == (8, "OUTCOME_UNKNOWN")
        assert (answer.error["money_moved"], answer.error["retry"]) == ("maybe", "after_reconcile")
        assert f"amani reconcile {answer.error['id']}" in answer.error["hint"]
        assert journal(amani) == [("unknown", 21_000)]
        return text

    def test_it_stays_open_and_is_never_sent_anew(self, amani: Amani, payer: Held, stuck: str) -> None:
        again = amani("pay", stuck, "--yes", "--json")
        assert again.code == 8
        assert len(payer.records()) == 2  # the top-up and this
        asked = amani("reconcile", "--json")
        assert asked.code == 8
        assert asked.json["data"]["unknown"] == 1

    def test_every_command_that_looks_at_the_books_says_so(self, amani: Amani, stuck: str) -> None:
        for words in (("wallet", "list"), ("history", "list"), ("wallet", "balance"), ("invoice", "list", "--json")):
            line = amani(*words).stderr.splitlines()[-1]
            assert line.startswith("1 outcome is open since ")
            assert line.endswith("settle with: amani reconcile")
        assert amani("wallet", "list", "-q").stderr == ""

    @pytest.mark.parametrize(("word", "status"), [("success", "settled"), ("failed", "failed")])
    def test_reconcile_settles_it(
        self, amani: Amani, payer: Held, stuck: str, word: Literal["success", "failed"], status: str
    ) -> None:
        mark_on_server(payer, bolt11.decode_invoice(stuck).payment_hash, word)
        answer = amani("reconcile", "--json")
        assert answer.data[status] == answer.data["checked"] == 1
        assert answer.data["items"][0]["status"] == status
        assert journal(amani) == [(status, 21_000)]
        assert amani("reconcile", "--json").data["checked"] == 0
        assert "open" not in amani("wallet", "list").stderr

    def test_paying_again_settles_it_too(self, amani: Amani, payer: Held, stuck: str) -> None:
        mark_on_server(payer, bolt11.decode_invoice(stuck).payment_hash, "success")
        assert amani("pay", stuck, "--yes", "--json").data["replayed"] is True

    def test_with_wait_it_is_asked_about_until_the_time_is_up(self, amani: Amani, payer: Held) -> None:
        text = make_invoice(amount_msat=21_000)
        with contextlib.suppress(Exception):
            payer.pay(text)
        mark_on_server(payer, bolt11.decode_invoice(text).payment_hash, "pending")
        with amani.started("pay", text, "--yes", "--json", "--timeout", "20s") as run:
            time.sleep(1)
            assert run.poll() is None
            mark_on_server(payer, bolt11.decode_invoice(text).payment_hash, "success")
            assert amani.ended(run).data["status"] == "settled"


@pytest.mark.parametrize("seen", ["1.0.0", None])
def test_a_server_that_double_spends_is_warned_about(
    amani: Amani, payer: Held, payee: Held, home: Path, monkeypatch: pytest.MonkeyPatch, seen: str | None
) -> None:
    monkeypatch.setattr(Lnbits, "version", lambda self: "1.0.0")
    change_database(home, "UPDATE wallet SET server_version=? WHERE name='payer'", seen)
    paid = amani("pay", payee.invoice(1), "--yes", "--json")
    assert "version 1.0.0" in paid.json["warnings"][0]
    assert "version 1.0.0" in paid.stderr


@pytest.mark.parametrize("seen", ["1.0.0", "0.12.12", None])
def test_an_upgrade_of_the_server_is_noticed(
    amani: Amani, payer: Held, payee: Held, home: Path, seen: str | None
) -> None:
    change_database(home, "UPDATE wallet SET server_version=? WHERE name='payer'", seen)
    paid = amani("pay", payee.invoice(1), "--yes", "--json")
    assert (paid.code, paid.json["warnings"]) == (0, [])
    assert amani("wallet", "show", "payer", "--json").data["server_version"] == payer.server.version
