"""`amani pay` by Lightning address and LNURL: a real LNbits pays what a small server on loopback asks for."""

from __future__ import annotations

import json
import sqlite3
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from amani_cli.providers import strangers
from amani_cli.providers.http import Line, NotSent
from amani_cli.providers.lnbits import Lnbits
from amani_cli.store import sqlite
from amani_cli.store.rows import Row
from tests.conftest import AddWallet, Held, change_database
from tests.destinations.conftest import mark_as_sandbox
from tests.kit import ledgers
from tests.kit.driver import Amani
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.lnurl_server import METADATA, LnurlServer, Query
from tests.kit.make_invoice import bech32, make_invoice, words

pytestmark = pytest.mark.lnbits


@pytest.fixture
def ada(payee: Held, lnurl_server: LnurlServer) -> str:
    """An honest Lightning address."""
    return lnurl_server.pay_to("ada", honest(payee), more={"commentAllowed": 20})


def honest(payee: Held) -> Callable[[int, Query], str]:
    def invoice(msat: int, _: Query) -> str:
        return payee.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())

    return invoice


class TestPaying:
    def test_an_address(self, amani: Amani, payer: Held, payee: Held, ada: str, lnurl_server: LnurlServer) -> None:
        paid = amani("pay", ada, 21, "--comment", "for the coffee", "--memo", "mine", "--yes", "--json")
        assert paid.data["status"] == "settled"
        assert paid.data["amount_msat"] == 21_000
        assert paid.data["destination"] == ada
        assert paid.data["memo"] == "mine"
        assert paid.json["warnings"] == []
        assert (payer.sat, payee.sat) == (99_979, 21)
        assert lnurl_server.seen == [
            ("/.well-known/lnurlp/ada", {}),
            ("/cb/ada", {"amount": "21000", "comment": "for the coffee"}),
        ]
        assert not any("x-api-key" in headers for headers in lnurl_server.headers)

    def test_every_form_of_a_link(
        self, amani: Amani, payer: Held, payee: Held, ada: str, lnurl_server: LnurlServer
    ) -> None:
        url = f"{lnurl_server.url}/.well-known/lnurlp/ada"
        lnurl = bech32("lnurl", words(url.encode()))
        forms = [lnurl, lnurl.upper(), f"lightning:{lnurl}", url.replace("http", "lnurlp", 1)]
        forms.append(f"bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?amount=0.00000005&lightning={lnurl.upper()}")
        for form in forms:
            assert amani("pay", form, 5, "--yes").code == 0
        assert payee.sat == 5 * len(forms)

    def test_the_question_shows_the_domain_and_the_payees_words(
        self, amani: Amani, payer: Held, ada: str, lnurl_server: LnurlServer
    ) -> None:
        with amani.terminal("pay", ada, "21") as terminal:
            terminal.expect("Pay? [y/N]")
            for text in (ada, lnurl_server.host, "Coffee for Ada", "21 sat", "0.00000021 BTC", "2 sat", "payer"):
                assert text in terminal.seen
            terminal.type("")
            assert terminal.finish() == 5
        assert payer.sat == 100_000

    def test_the_address_that_every_lnbits_wallet_has(
        self, amani: Amani, payer: Held, payee: Held, lnbits_server: LnbitsServer
    ) -> None:
        named = lnbits_server.call("PATCH", "/api/v1/wallet", key=payee.admin_key, json={"name": "payee"})
        address = f"{named['lightning_address']}@127.0.0.1:{lnbits_server.port}"
        paid = amani("pay", address, 7, "--yes", "--json")
        assert paid.data["status"] == "settled"
        assert payee.sat == 7
        assert paid.json["warnings"] == []

    def test_decode_shows_it_and_pays_nothing(
        self, amani: Amani, payer: Held, ada: str, lnurl_server: LnurlServer
    ) -> None:
        named = json.dumps([["text/plain", "Coffee for Ada"], ["text/identifier", ada]])
        lnurl_server.pay_to("ada", lambda msat, _: payer.invoice(msat // 1000), metadata=named)
        shown = amani("invoice", "decode", ada, "--json").data
        assert shown["kind"] == "pay"
        assert (shown["min_msat"], shown["max_msat"]) == (1000, 10_000_000)
        assert (shown["description"], shown["identifier"]) == ("Coffee for Ada", ada)
        assert len(lnurl_server.seen) == 1

    def test_what_is_open_is_not_tried_from_another_wallet(
        self, amani: Amani, payer: Held, payee: Held, ada: str, home: Path, add_wallet: AddWallet
    ) -> None:
        """An address gives a new invoice every time: the retry would pay twice, whichever wallet it is tried from."""
        add_wallet("second", 1000)
        mark_as_sandbox(home)
        first = amani("pay", ada, "21", "--yes", "--json").data
        change_database(home, "UPDATE payment SET status='unknown', settled_at=NULL WHERE direction='out'")
        twin = amani("pay", ada, "21", "--wallet", "second", "--yes", "--json").error
        assert (twin["exit"], twin["id"], payee.sat) == (8, first["id"], 21)
        assert "--reference" in twin["message"]
        assert amani("pay", ada, "21", "--wallet", "second", "--reference", "another", "--yes").code == 0
        assert payee.sat == 42

    @pytest.mark.parametrize("kind", ["text/identifier", "text/email"])
    def test_an_answer_that_is_about_another_address_is_not_paid(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, kind: str
    ) -> None:
        """Two answers of one server were mixed up: what came is Ben's, whose invoice is sound."""
        named = json.dumps([["text/plain", "Tea"], [kind, f"ben@{lnurl_server.host}"]])
        ada = lnurl_server.pay_to("ada", lambda msat, _: payee.invoice(msat // 1000), metadata=named)
        refused = amani("pay", ada, 21, "--yes", "--json")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (6, "OTHER_PAYEE", "no")
        assert f"answered for ben@{lnurl_server.host}" in refused.error["message"]
        assert [path for path, _ in lnurl_server.seen] == ["/.well-known/lnurlp/ada"]
        assert payer.sat == 100_000

    @pytest.mark.parametrize("said", ["ADA@{host}", " ada@{host} ", "ada+tip@{host}"])
    def test_what_names_the_same_address_otherwise_is_paid(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, said: str
    ) -> None:
        named = json.dumps([["text/plain", "Tea"], ["text/identifier", said.format(host=lnurl_server.host)]])
        ada = lnurl_server.pay_to("ada+tip", lambda msat, _: payee.invoice(msat // 1000), metadata=named)
        assert amani("pay", ada, 21, "--yes").code == 0
        assert payee.sat == 21

    def test_a_dry_run_pays_nothing(self, amani: Amani, payer: Held, ada: str) -> None:
        plan = amani("pay", ada, 21, "--dry-run", "--json").data
        assert (plan["domain"], plan["description"]) == (ada.partition("@")[2], "Coffee for Ada")
        assert (plan["amount_msat"], plan["max_fee_msat"]) == (21_000, 2000)
        assert payer.sat == 100_000

    def test_without_a_yes_nobody_is_asked_anything(
        self, amani: Amani, payer: Held, ada: str, lnurl_server: LnurlServer
    ) -> None:
        assert amani("pay", ada, 21).code == 5
        assert lnurl_server.seen == []


class TestAmounts:
    def test_one_is_needed(self, amani: Amani, payer: Held, ada: str) -> None:
        refused = amani("pay", ada, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (2, "NO_AMOUNT")

    @pytest.mark.parametrize("amount", ["10001", "1sat", "999msat"])
    def test_what_the_server_does_not_take(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, amount: str
    ) -> None:
        ada = lnurl_server.pay_to("ada", honest(payee), least=2000)
        refused = amani("pay", ada, amount, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (2, "AMOUNT_OUT_OF_RANGE")

    def test_a_comment_that_is_too_long(self, amani: Amani, payer: Held, ada: str) -> None:
        refused = amani("pay", ada, 5, "--comment", "x" * 21, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (2, "BAD_COMMENT")
        assert "20 characters" in refused.error["message"]

    def test_max_sends_all_but_the_fee_reserve(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer
    ) -> None:
        ada = lnurl_server.pay_to("ada", honest(payee), most=10**12)
        assert amani("pay", ada, "max", "--yes").code == 9  # above the threshold a PIN is needed
        paid = amani("pay", ada, "max", "--keep", "95k", "--yes", "--json")
        assert paid.data["amount_msat"] == 4_950_000  # 5000 sat less 1 %
        assert payer.sat == 95_050
        nothing = amani("pay", ada, "max", "--keep", "95_049", "--yes", "--json")
        assert nothing.code == 0
        assert nothing.json["schema"] == "amani.nothing/1"
        assert "nothing to do" in nothing.data["reason"]
        assert payee.sat == 4950

    def test_keep_goes_with_max_only(self, amani: Amani, payer: Held, ada: str) -> None:
        assert amani("pay", ada, 5, "--keep", 10, "--yes").code == 2


class TestReferences:
    def test_the_same_one_again_asks_nobody(
        self, amani: Amani, payer: Held, payee: Held, ada: str, lnurl_server: LnurlServer
    ) -> None:
        first = amani("pay", ada, 21, "--reference", "r1", "--yes", "--json")
        asked = len(lnurl_server.seen)
        again = amani("pay", ada, 21, "--reference", "r1", "--yes", "--json")
        assert again.data["replayed"] is True
        assert again.data["payment_hash"] == first.data["payment_hash"]
        assert len(lnurl_server.seen) == asked
        assert payee.sat == 21

    @pytest.mark.parametrize("turned", [False, True])
    def test_an_address_and_its_link_are_one_payee(
        self, amani: Amani, payer: Held, payee: Held, ada: str, lnurl_server: LnurlServer, home: Path, turned: bool
    ) -> None:
        link = f"lnurlp://{lnurl_server.host}/.well-known/lnurlp/ada"
        stated = f"bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?amount=0.00000021&lightning={ada}"
        one, other = (link, ada) if turned else (ada, link)
        words = ("--reference", "r", "--yes", "--json")
        first = amani("pay", one, "21", *words).data
        for again in ((other, "21sat"), (one, "0.021ksat"), (stated,)):
            assert amani("pay", *again, *words).data["replayed"] is True
        assert amani("pay", other, "22", *words).error["code"] == "REFERENCE_TAKEN"
        # As an older amani wrote it down.
        change_database(home, "UPDATE reference SET what=?", f"pay 21000 {one}")
        assert amani("pay", one, "21", *words).data["replayed"] is True
        assert amani("pay", other, "21", *words).data["replayed"] is True
        # What is open is seen under the other spelling, without a reference.
        change_database(home, "UPDATE payment SET status='unknown', settled_at=NULL WHERE direction='out'")
        twin = amani("pay", other, "21", "--yes", "--json").error
        assert (twin["exit"], twin["id"]) == (8, first["id"])
        assert payee.sat == 21

    def test_for_something_else_it_is_refused(self, amani: Amani, payer: Held, payee: Held, ada: str) -> None:
        assert amani("pay", ada, 21, "--reference", "r1", "--yes").code == 0
        refused = amani("pay", ada, 22, "--reference", "r1", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "REFERENCE_TAKEN")
        assert payee.sat == 21

    def test_a_crash_between_fetching_and_paying_leads_to_the_same_invoice(
        self, amani: Amani, payer: Held, payee: Held, ada: str, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("amani_cli.lightning.paying._begin", crash)
            assert amani("pay", ada, 21, "--reference", "r1", "--yes").code == 130
        fetched = _resolved(home)
        paid = amani("pay", ada, 21, "--reference", "r1", "--yes", "--json")
        assert paid.data["status"] == "settled"
        assert _resolved(home) == fetched
        assert _journaled(home) == [fetched]
        assert payee.sat == 21

    def test_a_new_invoice_is_fetched_when_the_old_one_failed_or_expired(
        self, amani: Amani, payer: Held, payee: Held, ada: str, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def nothing_answers(*_: object, **__: object) -> None:
            raise NotSent("Connection refused")

        with monkeypatch.context() as patch:
            patch.setattr(Lnbits, "pay", nothing_answers)
            assert amani("pay", ada, 21, "--reference", "r1", "--yes").code == 10
        failed = _resolved(home)
        assert amani("pay", ada, 21, "--reference", "r1", "--yes").code == 0
        assert _resolved(home) != failed
        assert payee.sat == 21


def _resolved(home: Path) -> str:
    return str(ledgers.ask(home, "SELECT bolt11 FROM resolution")[0][0])


def _journaled(home: Path) -> list[str]:
    return [row[0] for row in ledgers.ask(home, "SELECT bolt11 FROM payment WHERE direction='out'")]


class TestSuccessAction:
    @pytest.mark.parametrize(
        ("action", "shown"),
        [
            ({"tag": "message", "message": "Unlocked\x1b[2J now"}, "Unlocked\\x1b[2J now"),
            ({"tag": "url", "description": "Your order", "url": "HERE/order/1"}, "/order/1"),
        ],
    )
    def test_it_is_shown_and_kept(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        lnurl_server: LnurlServer,
        action: dict[str, str],
        shown: str,
    ) -> None:
        action = {name: value.replace("HERE", lnurl_server.url) for name, value in action.items()}
        ada = lnurl_server.pay_to("ada", honest(payee), along={"successAction": action})
        paid = amani("pay", ada, 21, "--yes")
        assert paid.code == 0
        assert shown in paid.stdout
        kept = amani("history", "show", amani("history", "list", "-q", "--direction", "out").stdout.strip(), "--json")
        assert kept.data["success"]["tag"] == action["tag"]

    def test_an_encrypted_one_is_opened_with_the_preimage(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer
    ) -> None:
        made = payee.server.call(
            "POST",
            "/api/v1/payments",
            key=payee.read_key,
            json={"out": False, "amount": 21, "memo": "", "unhashed_description": METADATA.encode().hex()},
        )
        cipher = Cipher(algorithms.AES256(bytes.fromhex(made["preimage"])), modes.CBC(bytes(16))).encryptor()
        ciphertext = cipher.update(b"the code is 42" + bytes([2, 2])) + cipher.finalize()
        action = {
            "tag": "aes",
            "description": "Your code",
            "ciphertext": b64encode(ciphertext).decode(),
            "iv": b64encode(bytes(16)).decode(),
        }
        ada = lnurl_server.pay_to("ada", lambda *_: str(made["bolt11"]), along={"successAction": action})
        assert amani("pay", ada, 21, "--yes", "--json").data["success"]["secret"] == "the code is 42"

    @pytest.mark.parametrize(
        "action",
        [
            {"tag": "run", "command": "rm"},
            {"tag": "message", "message": "x" * 5000},
            {"tag": "url", "description": "order", "url": "https://evil.example/"},
            ["message"],
        ],
    )
    def test_what_can_not_be_shown_is_not_paid_for(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, action: object
    ) -> None:
        ada = lnurl_server.pay_to("ada", honest(payee), along={"successAction": action})
        refused = amani("pay", ada, 21, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (6, "LNURL_BROKEN")
        assert payer.sat == 100_000


class TestHostileServers:
    @pytest.mark.parametrize("sat", [22, 20, 10_000])
    def test_an_invoice_over_another_amount(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, sat: int
    ) -> None:
        ada = lnurl_server.pay_to("ada", lambda *_: payee.invoice(sat))
        refused = amani("pay", ada, 21, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (6, "WRONG_INVOICE")
        assert (refused.error["money_moved"], refused.error["retry"]) == ("no", "never")
        assert payer.sat == 100_000

    @pytest.mark.parametrize(
        "pr",
        [
            make_invoice(amount_msat=None),
            make_invoice(amount_msat=21_000, network="testnet"),
            make_invoice(amount_msat=21_000, network="regtest"),
            make_invoice(amount_msat=21_000, created_at=int(time.time()) - 7200),
            make_invoice(amount_msat=21_000)[:-1],
            "lnurl1xyz",
            "",
            "x" * 9000,
            17,
            None,
        ],
    )
    def test_an_invoice_that_can_not_be_right(
        self, amani: Amani, payer: Held, lnurl_server: LnurlServer, pr: Any
    ) -> None:
        ada = lnurl_server.pay_to("ada", lambda *_: pr)
        refused = amani("pay", ada, 21, "--yes", "--json")
        assert refused.code == 6
        assert payer.records() == payer.records()[:1]  # the money that the test put there

    def test_another_description_is_told_and_does_not_stop_it(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer
    ) -> None:
        ada = lnurl_server.pay_to("ada", lambda msat, _: payee.invoice(msat // 1000, memo="something else"))
        paid = amani("pay", ada, 21, "--yes", "--json")
        assert paid.data["status"] == "settled"
        assert "does not carry the hash" in paid.json["warnings"][0]

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            ((302, {"Location": "https://elsewhere.example/"}, b""), "REDIRECT"),
            ((301, {"Location": "/other"}, b""), "REDIRECT"),
            ((200, {"Content-Type": "text/html"}, b"<html>hello</html>"), "NOT_LNURL"),
            ((404, {}, b""), "NOT_LNURL"),
            (b"[1, 2]", "NOT_LNURL"),
            (b"{" * 100_000, "NOT_LNURL"),
            (b'{"x": "' + b"y" * 300_000 + b'"}', "ODD_ANSWER"),
            ((200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08junk"), "NOT_LNURL"),
            ({"status": "ERROR", "reason": "no such\x07 user"}, "LNURL_REFUSED"),
            ((404, {}, b'{"detail": "Not Found"}'), "LNURL_REFUSED"),
            ({"tag": "somethingElse"}, "LNURL_BROKEN"),
            ({"tag": "withdrawRequest", "callback": "https://x.org", "k1": ""}, "LNURL_BROKEN"),
        ],
    )
    def test_answers_that_are_no_offer(
        self, amani: Amani, payer: Held, lnurl_server: LnurlServer, answer: Any, code: str
    ) -> None:
        lnurl_server.paths["/.well-known/lnurlp/ada"] = lambda _: answer
        refused = amani("pay", f"ada@{lnurl_server.host}", 21, "--yes", "--json")
        assert refused.error["code"] == code
        assert refused.error["money_moved"] == "no"
        assert "\x07" not in refused.stderr
        assert len(lnurl_server.seen) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"minSendable": 0},
            {"minSendable": -1},
            {"minSendable": 2000, "maxSendable": 1000},
            {"minSendable": "1000"},
            {"maxSendable": None},
            {"maxSendable": True},
            {"metadata": None},
            {"metadata": "[]"},
            {"metadata": "{"},
            {"metadata": '[["text/plain", 7]]'},
            {"callback": "ftp://x.org/"},
            {"callback": "http://example.com/"},
            {"callback": "https://user:pass@example.com/"},
            {"callback": 5},
        ],
    )
    def test_offers_that_can_not_be_right(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, change: dict[str, Any]
    ) -> None:
        ada = lnurl_server.pay_to("ada", honest(payee), more=change)
        refused = amani("pay", ada, 21, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (6, "LNURL_BROKEN")
        assert len(lnurl_server.seen) == 1

    def test_numbers_as_some_servers_write_them(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer
    ) -> None:
        ada = lnurl_server.pay_to("ada", honest(payee), more={"minSendable": 1000.0, "maxSendable": 10**30})
        assert amani("pay", ada, 21, "--yes", "--json").error["code"] == "LNURL_BROKEN"
        ada = lnurl_server.pay_to("ada", honest(payee), more={"minSendable": 1000.0, "maxSendable": 10**17})
        assert amani("pay", ada, 21, "--yes").code == 0

    def test_the_payees_text_can_not_act_on_the_terminal(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer
    ) -> None:
        metadata = json.dumps([["text/plain", "\x1b]0;owned\x07 \u202egnp"], ["text/long-desc", "a\nb"]])
        ada = lnurl_server.pay_to("ada", honest(payee), metadata=metadata)
        shown = amani("invoice", "decode", ada)
        assert shown.code == 0
        assert not {"\x1b", "\x07", "\u202e"} & set(shown.stdout)


class TestPrivateAddresses:
    def test_only_the_sandboxs_wallets_may_use_them(
        self, amani: Amani, add_wallet: AddWallet, lnurl_server: LnurlServer, home: Path
    ) -> None:
        payee = add_wallet("real", 1000)
        ada = lnurl_server.pay_to("ada", honest(payee))
        for command in (("pay", ada, 21, "--yes"), ("invoice", "decode", ada)):
            refused = amani(*command, "--json")
            assert (refused.code, refused.error["code"]) == (9, "PRIVATE_ADDRESS")
        assert lnurl_server.seen == []
        mark_as_sandbox(home)
        assert amani("invoice", "decode", ada).code == 0

    @pytest.mark.parametrize(
        "host", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[fe80::1]", "0.0.0.0"]
    )
    def test_by_number(self, amani: Amani, add_wallet: AddWallet, host: str) -> None:
        add_wallet("real", 1000)
        refused = amani("pay", f"lnurlp://{host}/x", 21, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "PRIVATE_ADDRESS")

    def test_a_public_name_that_leads_inside(
        self, amani: Amani, add_wallet: AddWallet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_wallet("real", 1000)
        inside = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: inside)
        refused = amani("pay", "ada@example.com", 21, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "PRIVATE_ADDRESS")

    def test_a_callback_that_leads_inside(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = lnurl_server.pay_to("ada", honest(payee), callback="https://10.0.0.1/cb")
        line = strangers.line

        def as_if_the_first_were_public(origin: str, **more: Any) -> Line:
            return line(origin, **{**more, "private": origin == lnurl_server.url})

        monkeypatch.setattr(strangers, "line", as_if_the_first_were_public)
        refused = amani("pay", ada, 21, "--yes", "--json")
        assert refused.error["code"] == "PRIVATE_ADDRESS"

    def test_an_onion_service_needs_tor_and_its_name_is_never_looked_up(
        self, amani: Amani, add_wallet: AddWallet
    ) -> None:
        add_wallet("real", 1000)
        refused = amani("pay", "ada@" + "a" * 56 + ".onion", 21, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (10, "NEEDS_TOR")


def test_the_schema_of_an_older_database_is_upgraded(tmp_path: Path) -> None:
    from amani_cli.store import migrations

    path = tmp_path / "amani.db"
    path.touch(mode=0o600)
    old = sqlite3.connect(path, isolation_level=None)
    migrations.upgrade(old, path, 2)
    old.close()
    assert sqlite.open_store(path).one(Row, "SELECT count(*) FROM resolution") is not None
