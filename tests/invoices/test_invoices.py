"""`amani invoice` on a real server: create, show, check, wait, list; and decode, offline."""

from __future__ import annotations

import stat
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from amani_cli.encodings import bolt11
from tests.conftest import AddWallet, Held, change_database, take_server_away, write_key
from tests.kit import fault_proxy, ledgers
from tests.kit.driver import PATIENCE_S, Amani
from tests.kit.fault_proxy import FaultProxy
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.machine import Machine
from tests.kit.make_invoice import SPEC_KEY, make_invoice, node_id

pytestmark = pytest.mark.lnbits


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


class TestCreate:
    def test_what_was_asked_for_is_what_is_made(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        words = ("invoice", "create", "21k", "--memo", "Tea for two", "--expiry", "15m", "--json")
        made = amani(*words).data
        decoded = bolt11.decode_invoice(made["bolt11"])
        assert (decoded.payment_hash, decoded.amount_msat) == (made["payment_hash"], 21_000_000)
        assert (made["amount_msat"], made["status"], made["memo"]) == (21_000_000, "pending", "Tea for two")
        assert decoded.description == "Tea for two"
        assert seconds_between(made["created_at"], made["expires_at"]) == 900
        assert (made["paid_at"], made["preimage"]) == (None, None)

    def test_the_read_key_is_enough(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet(key="read")
        assert amani("invoice", "create", "5").code == 0

    def test_quiet_prints_the_bolt11_alone(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        made = amani("invoice", "create", "5", "-q")
        assert bolt11.decode_invoice(made.stdout.rstrip("\n")).amount_msat == 5000
        assert made.stderr == ""

    @pytest.mark.parametrize("memo", ["x" * 639, "é" * 319, "日本語" * 71, "🍵 Tee\nzwei", "", "‮evil"])
    def test_memos_that_fit(self, amani: Amani, add_wallet: AddWallet, memo: str) -> None:
        held = add_wallet()
        made = amani("invoice", "create", "5", "--memo", memo, "--json").data
        assert made["memo"] == memo
        if memo:  # LNbits puts its own name where there is none
            assert bolt11.decode_invoice(made["bolt11"]).description == memo
        assert held.records()[0]["payment_hash"] == made["payment_hash"]

    @pytest.mark.parametrize("memo", ["x" * 640, "é" * 320, "日本語" * 71 + "x", "a\x00b"])
    def test_memos_that_dont(self, amani: Amani, add_wallet: AddWallet, memo: str) -> None:
        held = add_wallet()
        refused = amani("invoice", "create", "5", "--memo", memo, "--json")
        assert (refused.code, refused.error["code"]) == (2, "BAD_MEMO")
        assert held.records() == []

    def test_a_memo_can_t_act_on_the_terminal(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        shown = amani("invoice", "create", "5", "--memo", "a\x1b[31mb‮c").stdout
        assert "\x1b" not in shown
        assert "‮" not in shown
        assert r"a\x1b[31mb\u202ec" in shown

    @pytest.mark.parametrize("amount", ["1500msat", "0.5sat", "1.5", "0", "-5", "1e3", "1,000", "max", "١٠٠"])
    def test_amounts_that_are_refused_before_anything_is_sent(
        self, amani: Amani, add_wallet: AddWallet, amount: str
    ) -> None:
        held = add_wallet()
        refused = amani("invoice", "create", amount, "--json")
        assert (refused.code, refused.error["code"]) == (2, "BAD_AMOUNT")
        assert held.records() == []

    def test_more_than_the_server_allows(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        assert amani("invoice", "create", "10_000_000").code == 0
        refused = amani("invoice", "create", "10_000_001", "--json")
        assert refused.code == 6
        assert "Max allowed: 10000000 sats" in refused.error["message"]

    @pytest.mark.parametrize("expiry", ["0s", "366d", "1", "-5s", "soon"])
    def test_expiries_that_are_refused(self, amani: Amani, add_wallet: AddWallet, expiry: str) -> None:
        held = add_wallet()
        refused = amani("invoice", "create", "5", "--expiry", expiry, "--json")
        assert (refused.code, refused.error["code"]) == (2, "BAD_DURATION")
        assert held.records() == []

    def test_the_expiry_setting(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        assert amani("config", "set", "expiry", "2h").code == 0
        made = amani("invoice", "create", "5", "--json").data
        assert seconds_between(made["created_at"], made["expires_at"]) == 7200

    def test_a_webhook_is_called(self, amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer) -> None:
        held, payer = add_wallet(), add_wallet("payer", 100)
        called = threading.Event()

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                called.set()
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        allow = {"lnbits_callback_url_rules": [], "lnbits_callback_allow_private_ips": True}
        lnbits_server.call("PATCH", "/admin/api/v1/settings", token=lnbits_server.admin_token, json=allow)
        with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as hook:
            threading.Thread(target=hook.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{hook.server_port}/paid"
            made = amani("invoice", "create", "5", "--webhook", url, "--json").data
            payer.pay(made["bolt11"])
            assert called.wait(PATIENCE_S)
            hook.shutdown()
        assert held.records()[0]["webhook"] == url

    @pytest.mark.since("1.6.0", "takes any address for a webhook")
    def test_a_webhook_that_the_server_refuses(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet()
        refused = amani("invoice", "create", "5", "--webhook", "https://example.com:99999/", "--json")
        assert refused.code == 6
        assert "Callback URL" in refused.error["message"]
        assert amani("invoice", "create", "5", "--webhook", "example.com/hook").code == 2
        assert held.records() == []

    def test_a_reference_makes_one_invoice(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet()
        words = ("invoice", "create", "5", "--memo", "m", "--reference", "order-7", "--json")
        first, second = amani(*words).data, amani(*words).data
        assert (first["replayed"], second["replayed"]) == (False, True)
        assert first["payment_hash"] == second["payment_hash"]
        assert len(held.records()) == 1
        other = amani("invoice", "create", "6", "--reference", "order-7", "--json")
        assert (other.code, other.error["code"]) == (9, "REFERENCE_TAKEN")
        assert amani("invoice", "show", "order-7", "--json").data["payment_hash"] == first["payment_hash"]
        assert len(held.records()) == 1

    def test_a_reference_of_another_wallet_in_the_environment_is_taken(
        self, amani: Amani, lnbits_server: LnbitsServer
    ) -> None:
        """Its invoice brings money to that one."""
        first, second = (
            {"LNBITS_API_KEY": lnbits_server.new_wallet()[1], "LNBITS_BASE_URL": lnbits_server.url} for _ in range(2)
        )
        words = ("invoice", "create", "7", "--reference", "order-1", "--json")
        made = amani(*words, env=first).data
        refused = amani(*words, env=second)
        assert (refused.code, refused.error["code"]) == (9, "REFERENCE_TAKEN")
        assert amani(*words, env=first).data["payment_hash"] == made["payment_hash"]

    def test_it_makes_no_payment_of_it_in_the_history(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        amani("invoice", "create", "5")
        assert amani("history", "list", "--json").data == {
            "items": [],
            "next": None,
            "read": [{"wallet": "main", "as_of": None}],
        }


class TestQr:
    def test_in_the_terminal_it_goes_to_stderr(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        made = amani("invoice", "create", "5", "--qr", "--json")
        assert made.json["ok"]
        assert "█" in made.stderr
        assert "\x1b" not in made.stderr

    @pytest.mark.parametrize(("name", "begins"), [("code.png", b"\x89PNG"), ("code.svg", b"<?xml")])
    def test_in_a_private_file(self, amani: Amani, add_wallet: AddWallet, name: str, begins: bytes) -> None:
        add_wallet()
        made = amani("invoice", "create", "5", "--qr-file", name, "--json")
        assert made.json["ok"]
        assert f"QR code written to {name}" in made.stderr
        assert Path(name).read_bytes().startswith(begins)
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600

    def test_of_another_kind_is_refused_before_an_invoice_is_made(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet()
        assert amani("invoice", "create", "5", "--qr-file", "code.gif").code == 2
        assert held.records() == []

    def test_of_an_invoice_from_before(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        text = amani("invoice", "create", "5", "-q").stdout.strip()
        assert amani("invoice", "show", text, "--qr-file", "code.svg").code == 0
        assert Path("code.svg").exists()


class TestCheck:
    @pytest.mark.parametrize("command", ["check", "show"])
    def test_pending_then_paid(self, amani: Amani, add_wallet: AddWallet, command: str) -> None:
        held, payer = add_wallet(), add_wallet("payer", 100)
        made = amani("invoice", "create", "5", "--memo", "tea", "--reference", "r", "--json").data
        for text in (made["payment_hash"], made["bolt11"], made["payment_hash"][:9], made["bolt11"].upper(), "r"):
            assert amani("invoice", command, text, "--json").data["status"] == "pending"
        payer.pay(made["bolt11"])
        paid = amani("invoice", command, made["payment_hash"], "--json").data
        assert (paid["status"], paid["memo"], paid["amount_msat"]) == ("paid", "tea", 5000)
        assert paid["paid_at"].endswith("Z")
        assert len(paid["preimage"]) == 64
        assert amani("invoice", command, made["payment_hash"], "-q").stdout == "paid\n"
        assert held.sat == 5

    def test_a_paid_one_enters_the_history_once(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        payer = add_wallet("payer", 100)
        made = amani("invoice", "create", "5", "--memo", "tea", "--reference", "r", "--json").data
        payer.pay(made["bolt11"])
        for _ in range(2):
            amani("invoice", "check", made["payment_hash"])
        assert amani("history", "sync", "-w", "main", "--json").data["new"] == 0
        (item,) = amani("history", "list", "-w", "main", "--json").data["items"]
        expected = {"direction": "in", "status": "settled", "amount_msat": 5000, "memo": "tea", "reference": "r"}
        assert item.items() >= expected.items()
        assert item["payment_hash"] == made["payment_hash"]

    def test_an_invoice_made_by_another_client(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet()
        text = held.invoice(7, "from the web")
        found = amani("invoice", "check", bolt11.decode_invoice(text).payment_hash, "--json").data
        assert (found["status"], found["amount_msat"], found["memo"]) == ("pending", 7000, "from the web")
        assert found["bolt11"] == text
        assert found["expires_at"] > found["created_at"]

    def test_of_another_wallet(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        other = add_wallet("other")
        text = other.invoice()
        missing = amani("invoice", "check", text, "--json")
        assert (missing.code, missing.error["code"]) == (4, "NO_SUCH_INVOICE")
        assert "--wallet" in missing.error["hint"]
        assert amani("invoice", "check", text, "-w", "other", "--json").data["status"] == "pending"

    @pytest.mark.parametrize("is_paid", [True, False])
    def test_by_another_wallet_s_key(self, amani: Amani, add_wallet: AddWallet, is_paid: bool) -> None:
        """What came to that wallet did not come to this one; and what is not there proves nothing about this one."""
        main, other = add_wallet(), add_wallet("other", 100)
        theirs, payer = bolt11.decode_invoice(other.invoice(7)), add_wallet("payer", 100)
        own = amani("invoice", "create", "5", "--expiry", "1s", "-w", "main", "--json").data
        if is_paid:
            payer.pay(own["bolt11"])
            payer.pay(theirs.bolt11)
        time.sleep(1.1)
        write_key(main.key_file, other.admin_key)
        for asked in (theirs.payment_hash, own["payment_hash"]):
            refused = amani("invoice", "check", asked, "-w", "main", "--json")
            assert (refused.code, refused.error["code"]) == (3, "WRONG_KEY")
        assert amani("history", "list", "-w", "main", "--json").data["items"] == []
        write_key(main.key_file, main.admin_key)
        right = amani("invoice", "check", own["payment_hash"], "-w", "main", "--json").data["status"]
        assert right == ("paid" if is_paid else "expired")

    def test_an_expired_one(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        made = amani("invoice", "create", "5", "--expiry", "1s", "--json").data
        time.sleep(1.1)
        assert amani("invoice", "check", made["payment_hash"], "--json").data["status"] == "expired"

    def test_the_answer_to_another_question_ends_none(self, amani: Amani, add_wallet: AddWallet, home: Path) -> None:
        payer, payee = add_wallet("payer", 100), add_wallet("payee")
        made = amani("invoice", "create", "5", "-w", "payee", "--json").data
        payer.pay(made["bolt11"])
        change_database(home, "UPDATE invoice SET expires_at='2026-08-01T11:00:00Z'")
        with FaultProxy(payee.server.url) as proxy:
            change_database(home, "UPDATE wallet SET url=? WHERE name='payee'", proxy.url)
            proxy.on(
                fault_proxy.answer(404, {"detail": "Payment does not exist."}), "GET", "/api/v1/payments/[0-9a-f]+"
            )
            assert amani("invoice", "check", made["payment_hash"], "--json").data["status"] == "paid"

    @pytest.mark.parametrize("command", ["check", "wait"])
    def test_a_clock_that_is_ahead_here_ends_none(
        self, amani: Amani, add_wallet: AddWallet, machine: Machine, command: str
    ) -> None:
        """It was dated by its server's clock, and can be paid until that says otherwise."""
        payer, payee = add_wallet("payer", 100), add_wallet("payee")
        made = amani("invoice", "create", "5", "-w", "payee", "--json").data
        machine.set(3 * 86400)
        asked = amani("invoice", command, made["payment_hash"], "--timeout", "1s", "--json")
        if command == "check":
            assert asked.data["status"] == "pending"
        else:
            assert (asked.code, asked.error["code"]) == (8, "STILL_PENDING")
        payer.pay(made["bolt11"])
        assert amani("invoice", command, made["payment_hash"], "--json").data["status"] == "paid"
        assert payee.sat == 5

    def test_of_a_wallet_that_was_removed_and_added_again(self, amani: Amani, add_wallet: AddWallet) -> None:
        """And that nothing but the invoice tells of: no payment says whose it is."""
        payer, shop = add_wallet("payer", 100), add_wallet("shop")
        first, second = (
            amani("invoice", "create", "5", "-w", "shop", "--reference", name, "--category", "Income:Shop", "--json")
            for name in ("first", "second")
        )
        assert amani("wallet", "remove", "shop", "--yes").code == 0
        refused = amani("invoice", "check", first.data["payment_hash"], "--json")
        assert (refused.code, refused.error["code"]) == (4, "NO_SUCH_WALLET")
        assert amani("wallet", "add", "again", "--url", shop.server.url, "--key-file", shop.key_file).code == 0
        assert "--wallet NAME" in amani("invoice", "check", "first", "--json").error["hint"]
        elsewhere = amani("invoice", "check", "first", "--wallet", "payer", "--json")
        assert (elsewhere.code, elsewhere.error["code"]) == (4, "NO_SUCH_INVOICE")
        assert amani("invoice", "check", "first", "--wallet", "again", "--json").data["wallet"] == "again"
        for made in (first, second):
            payer.pay(made.data["bolt11"])
        assert amani("history", "sync", "-w", "again", "--json").data["new"] == 2
        for name in ("first", "second"):
            found = amani("invoice", "check", name, "--json").data
            assert (found["status"], found["wallet"]) == ("paid", "again")
        came = amani("history", "list", "-w", "again", "--json").data["items"]
        assert {(item["reference"], item["category"]) for item in came} == {
            ("first", "Income:Shop"),
            ("second", "Income:Shop"),
        }

    def test_of_the_wallet_in_the_environment_beside_others(
        self, amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer
    ) -> None:
        payer = add_wallet("payer", 100)
        _, key, _ = lnbits_server.new_wallet()
        env = {"LNBITS_API_KEY": key, "LNBITS_BASE_URL": lnbits_server.url}
        made = amani("invoice", "create", "5", "-w", "env", "--json", env=env).data
        payer.pay(made["bolt11"])
        assert amani("invoice", "check", made["payment_hash"], "--json", env=env).data["status"] == "paid"
        refused = amani("invoice", "check", made["payment_hash"], "--json")
        assert (refused.code, refused.error["code"]) == (4, "NO_SUCH_WALLET")

    def test_of_a_wallet_that_was_in_the_environment_and_is_added(
        self, amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer
    ) -> None:
        payer = add_wallet("payer", 100)
        _, key, _ = lnbits_server.new_wallet()
        env = {"LNBITS_API_KEY": key, "LNBITS_BASE_URL": lnbits_server.url}
        made = amani("invoice", "create", "5", "-w", "env", "--reference", "first", "--json", env=env).data
        file = write_key(Path("key"), key)
        assert amani("wallet", "add", "shop", "--url", lnbits_server.url, "--key-file", file).code == 0
        payer.pay(made["bolt11"])
        assert amani("history", "sync", "-w", "shop", "--json").data["new"] == 1
        assert amani("invoice", "check", "first", "--json").data["status"] == "paid"
        (came,) = amani("history", "list", "-w", "shop", "--json").data["items"]
        assert came["reference"] == "first"

    @pytest.mark.parametrize("command", ["check", "wait"])
    def test_the_key_of_another_wallet_in_the_environment_ends_none(
        self, amani: Amani, add_wallet: AddWallet, lnbits_server: LnbitsServer, home: Path, command: str
    ) -> None:
        payer = lnbits_server.new_wallet(100)
        first, second = (
            {"LNBITS_API_KEY": lnbits_server.new_wallet()[1], "LNBITS_BASE_URL": lnbits_server.url} for _ in range(2)
        )
        made, _ = (amani("invoice", "create", "5", "--json", env=env).data for env in (first, second))
        lnbits_server.call("POST", "/api/v1/payments", key=payer[1], json={"out": True, "bolt11": made["bolt11"]})
        change_database(home, "UPDATE invoice SET expires_at='2026-08-01T11:00:00Z'")
        asked = amani("invoice", command, made["payment_hash"], "--json", env=second)
        assert (asked.code, asked.error["code"]) == (4, "NO_SUCH_INVOICE")
        assert amani("invoice", command, made["payment_hash"], "--json", env=first).data["status"] == "paid"

    def test_a_payment_of_ours_is_no_invoice_of_ours(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet("main", 100)
        other = add_wallet("other")
        paid = amani("pay", other.invoice(5), "--yes", "--json").data
        answer = amani("invoice", "check", paid["payment_hash"], "-w", "main", "--json")
        assert (answer.code, answer.error["code"]) == (4, "NO_SUCH_INVOICE")

    def test_what_is_ambiguous_or_unknown(self, amani: Amani, add_wallet: AddWallet, home: Path) -> None:
        add_wallet()
        amani("invoice", "create", "5")
        amani("invoice", "create", "6")
        change_database(home, "UPDATE invoice SET payment_hash='abcd' || substr(payment_hash, 5)")
        ambiguous = amani("invoice", "show", "abcd", "--json")
        assert (ambiguous.code, ambiguous.error["code"]) == (2, "AMBIGUOUS")
        assert amani("invoice", "show", "ffff").code == 4
        assert amani("invoice", "show", "f" * 64).code == 4

    def test_the_answer_is_never_from_a_cache(self, amani: Amani, add_wallet: AddWallet, home: Path) -> None:
        """Ruling 11: with the server gone, an invoice's status is not known."""
        add_wallet()
        made = amani("invoice", "create", "5", "-q").stdout.strip()
        take_server_away(home)
        assert amani("invoice", "check", made).code == 10
        assert amani("invoice", "show", made).code == 10


class TestWait:
    def wait(self, amani: Amani, made: str, payer: Held) -> dict[str, object]:
        timer = threading.Timer(0.3, payer.pay, [made])
        timer.start()
        try:
            answer = amani("invoice", "wait", made, "--json").data
        finally:
            timer.join()
        assert isinstance(answer, dict)
        return answer

    def test_until_it_is_paid(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        payer = add_wallet("payer", 100)
        made = amani("invoice", "create", "5", "-q").stdout.strip()
        assert self.wait(amani, made, payer)["status"] == "paid"
        assert amani("invoice", "wait", made, "-q").stdout == "paid\n"  # at once

    def test_until_it_has_expired(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        made = amani("invoice", "create", "5", "--expiry", "1s", "-q").stdout.strip()
        ended = amani("invoice", "wait", made, "--json")
        assert (ended.code, ended.error["code"]) == (6, "INVOICE_EXPIRED")

    def test_until_the_time_is_up(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        made = amani("invoice", "create", "5", "--json").data
        begun = time.monotonic()
        ended = amani("invoice", "wait", made["payment_hash"], "--timeout", "1s", "--json")
        assert time.monotonic() - begun < PATIENCE_S  # the invoice would be waited for an hour
        assert (ended.code, ended.error["money_moved"], ended.error["retry"]) == (8, "no", "safe")
        assert f"amani invoice wait {made['payment_hash']}" in ended.error["hint"]

    def test_create_and_wait_prints_the_invoice_first_and_one_document_with_json(
        self, amani: Amani, add_wallet: AddWallet
    ) -> None:
        add_wallet()
        payer = add_wallet("payer", 100)
        with amani.started("invoice", "create", "5", "--wait", "-q", "--wallet", "main") as run:
            made = amani.line(run).strip()
            payer.pay(made)
            ended = amani.ended(run)
            assert (ended.code, ended.stdout) == (0, "paid\n")
        pending = amani("invoice", "create", "5", "--wait", "--timeout", "1s", "--json")
        assert (pending.code, pending.error["code"]) == (8, "STILL_PENDING")

    def test_at_a_terminal_it_shows_progress_can_be_interrupted_and_taken_up_again(
        self, amani: Amani, add_wallet: AddWallet
    ) -> None:
        add_wallet()
        payer = add_wallet("payer", 100)
        made = amani("invoice", "create", "5", "-q").stdout.strip()
        with amani.terminal("invoice", "wait", made) as terminal:
            terminal.expect("waiting for payment")
            terminal.press(b"\x03")
            assert terminal.finish() == 130
        payer.pay(made)
        assert amani("invoice", "wait", made, "-q").stdout == "paid\n"


class TestList:
    def test_newest_first_with_filters_and_pages(self, amani: Amani, add_wallet: AddWallet) -> None:
        add_wallet()
        payer = add_wallet("payer", 100)
        made = [amani("invoice", "create", str(sat), "--json").data["payment_hash"] for sat in (1, 2, 3)]
        paid = amani("invoice", "show", made[1], "--json").data["bolt11"]
        payer.pay(paid)
        listed = amani("invoice", "list", "--json").data["items"]
        assert {item["payment_hash"]: item["status"] for item in listed} == {
            made[0]: "pending",
            made[1]: "paid",  # asked live, without a check before
            made[2]: "pending",
        }
        assert [item["created_at"] for item in listed] == sorted((item["created_at"] for item in listed), reverse=True)
        assert amani("invoice", "list", "--status", "paid", "-q").stdout == made[1] + "\n"
        first = amani("invoice", "list", "--limit", "2", "--json").data
        rest = amani("invoice", "list", "--limit", "2", "--after", first["next"], "--json").data
        assert [item["payment_hash"] for item in first["items"] + rest["items"]] == [
            item["payment_hash"] for item in listed
        ]
        assert rest["next"] is None
        assert amani("invoice", "list", "-w", "payer", "--json").data["items"] == []
        assert amani("invoice", "list", "--status", "open").code == 2
        assert amani("invoice", "list", "--after", "nothing").code == 4

    def test_what_nobody_has_asked_about_since_it_ended_long_ago(
        self, amani: Amani, add_wallet: AddWallet, home: Path
    ) -> None:
        """As on a Monday: what was paid on Saturday is paid, and what was not has expired."""
        held = add_wallet()
        payer = add_wallet("payer", 100)
        made = [amani("invoice", "create", str(sat), "--json").data for sat in (1, 2)]
        payer.pay(made[1]["bolt11"])
        ledgers.move_back(home, "invoice", "created_at", 3 * 86400)
        ledgers.move_back(home, "invoice", "expires_at", 3 * 86400)
        listed = amani("invoice", "list", "--json").data["items"]
        assert {item["amount_msat"]: item["status"] for item in listed} == {1000: "expired", 2000: "paid"}
        assert amani("history", "list", "-w", held.name, "--json").data["items"][0]["amount_msat"] == 2000

    def test_with_the_server_gone_it_says_that_the_status_is_as_last_seen(
        self, amani: Amani, add_wallet: AddWallet, home: Path
    ) -> None:
        add_wallet()
        amani("invoice", "create", "5")
        take_server_away(home)
        listed = amani("invoice", "list", "--json")
        assert listed.data["items"][0]["status"] == "pending"
        assert "as last seen" in listed.json["warnings"][0]

    def test_none(self, amani: Amani) -> None:
        empty = amani("invoice", "list")
        assert (empty.code, empty.stdout, empty.stderr) == (0, "", "No invoices.\n")
        assert amani("invoice", "list", "--json").data == {"items": [], "next": None}


class TestDecode:
    """Offline: there is neither a wallet nor a server here."""

    def test_what_an_invoice_asks_for(self, amani: Amani, home: Path) -> None:
        text = make_invoice(
            amount_msat=1500, description="tea", created_at=1_700_000_000, expiry_s=60, key=SPEC_KEY, network="regtest"
        )
        data = amani("invoice", "decode", text, "--json").data
        assert data == {
            "bolt11": text,
            "payment_hash": bolt11.decode_invoice(text).payment_hash,
            "amount_msat": 1500,
            "description": "tea",
            "description_hash": None,
            "payee": node_id(SPEC_KEY),
            "network": "regtest",
            "created_at": "2023-11-14T22:13:20Z",
            "expires_at": "2023-11-14T22:14:20Z",
            "expired": True,
        }
        assert not home.exists()

    def test_no_amount_is_null(self, amani: Amani) -> None:
        text = make_invoice(amount_msat=None)
        assert amani("invoice", "decode", text, "--json").data["amount_msat"] is None
        assert "left open" in amani("invoice", "decode", text).stdout

    def test_from_stdin(self, amani: Amani) -> None:
        text = make_invoice()
        assert amani("invoice", "decode", "-", "-q", stdin=f"lightning:{text}\n").stdout == (
            bolt11.decode_invoice(text).payment_hash + "\n"
        )

    @pytest.mark.parametrize("text", ["", "hello", "lnbc1", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"])
    def test_what_is_no_invoice(self, amani: Amani, text: str) -> None:
        refused = amani("invoice", "decode", text, "--json")
        assert refused.code == 2
        assert refused.error["code"] in ("BAD_INVOICE", "BAD_DESTINATION")
