"""What amani does on an LNbits of any version, and what it says of one that is old or unsafe.

Left out of an ordinary run: `AMANI_TEST_LNBITS=0.12.12 pytest -m versions` runs it.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from amani_cli.encodings import bolt11
from amani_cli.times import from_rfc3339
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit.driver import Amani
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.lnbits

PASSWORD = "correct horse battery"


@pytest.fixture
def payer(add_wallet: AddWallet) -> Held:
    """The default wallet, with 1,000 sat."""
    return add_wallet("payer", 1000)


@pytest.fixture
def payee(payer: Held, add_wallet: AddWallet) -> Held:
    """Another wallet on the same server."""
    return add_wallet("payee")


@pytest.fixture
def logged_in(amani: Amani, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]) -> None:
    """A user of the server, whose token amani has."""
    name, token = lnbits_server.new_user(PASSWORD)
    amani.secrets |= {PASSWORD, token}
    words = ("login", lnbits_server.url, "--username", name, "--password-stdin")
    assert amani(*words, stdin=PASSWORD).code == 0


@pytest.mark.versions
class TestAnyVersion:
    def test_a_wallet_is_added_and_its_balance_read(self, amani: Amani, payer: Held) -> None:
        shown = amani("wallet", "show", "--json").data
        assert (shown["id"], shown["access"], shown["server_version"]) == (payer.id, "spend", payer.server.version)
        assert amani("wallet", "balance", "-q").stdout == "1000\n"

    def test_an_invoice_key_is_told_from_an_admin_key(self, amani: Amani, add_wallet: AddWallet) -> None:
        held = add_wallet("till", 7, key="read")
        assert amani("wallet", "show", "--json").data["access"] == "read"
        assert amani("wallet", "balance", "-q").stdout == "7\n"
        assert amani("invoice", "create", "5", "-q").stdout.startswith("lnbc50n1")
        refused = amani("pay", held.invoice(3), "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (3, "READ_ONLY_WALLET")

    def test_both_keys_are_kept_in_the_keyring(
        self, amani: Amani, lnbits_server: LnbitsServer, keyring: dict[tuple[str, str], str]
    ) -> None:
        _, admin_key, read_key = lnbits_server.new_wallet()
        assert amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-stdin", stdin=admin_key).code == 0
        assert set(keyring.values()) == {admin_key, read_key}

    def test_an_invoice_is_made_decoded_paid_and_checked(self, amani: Amani, payer: Held, payee: Held) -> None:
        made = amani("invoice", "create", "21", "--memo", "tea", "--expiry", "10m", "-w", "payee", "--json").data
        decoded = amani("invoice", "decode", made["bolt11"], "--json").data
        assert (decoded["payment_hash"], decoded["amount_msat"]) == (made["payment_hash"], 21_000)
        assert decoded["description"] == "tea"
        for text in (made["bolt11"], made["payment_hash"]):
            pending = amani("invoice", "check", text, "--json").data
            assert (pending["status"], pending["preimage"]) == ("pending", None)
        paid = amani("pay", made["bolt11"], "--yes", "--json").data
        assert (paid["status"], paid["amount_msat"], paid["fee_msat"]) == ("settled", 21_000, 0)
        checked = amani("invoice", "check", made["payment_hash"], "--json").data
        assert checked["status"] == "paid"
        # Before 1.0 a preimage of 64 zeros stands for none, and 1.0 does not tell it.
        for preimage in (paid["preimage"], checked["preimage"]):
            assert preimage is None or preimage.strip("0")
        assert abs(_seconds(checked["paid_at"]) - time.time()) < 60
        assert abs(_seconds(paid["settled_at"]) - time.time()) < 60
        assert (payer.sat, payee.sat) == (979, 21)

    def test_an_invoice_of_another_client_ends_when_its_bolt11_does(self, amani: Amani, payer: Held) -> None:
        text = payer.invoice(7, "from the web", expiry=600)
        found = amani("invoice", "check", bolt11.decode_invoice(text).payment_hash, "--json").data
        assert (found["status"], found["amount_msat"], found["memo"]) == ("pending", 7000, "from the web")
        assert 590 <= _seconds(found["expires_at"]) - _seconds(found["created_at"]) <= 610

    def test_the_same_again_pays_once(self, amani: Amani, payer: Held, payee: Held) -> None:
        text = payee.invoice(21)
        first = amani("pay", text, "--yes", "--json").data
        assert amani("pay", text, "--yes", "--json").data == {**first, "replayed": True}
        assert payer.sat == 979

    def test_what_can_t_be_paid_has_failed_and_moved_nothing(self, amani: Amani, payer: Held, payee: Held) -> None:
        poor = amani("pay", payee.invoice(1001), "--yes", "--json")
        assert (poor.code, poor.error["code"], poor.error["money_moved"]) == (7, "INSUFFICIENT_FUNDS", "no")
        nowhere = amani("pay", make_invoice(amount_msat=21_000), "--yes", "--json")
        assert (nowhere.code, nowhere.error["money_moved"]) == (6, "no")
        assert payer.sat == 1000

    def test_an_open_payment_is_settled_by_asking(self, amani: Amani, payer: Held, payee: Held, home: Path) -> None:
        paid = amani("pay", payee.invoice(21), "--yes", "--json").data
        change_database(home, "UPDATE payment SET status='unknown', settled_at=NULL WHERE id=?", paid["id"])
        settled = amani("reconcile", "--json").data
        assert (settled["settled"], settled["items"][0]["settled_at"]) == (1, paid["settled_at"])

    def test_an_invoice_key_that_took_the_admin_key_s_place_can_t_pay(
        self, amani: Amani, payer: Held, payee: Held
    ) -> None:
        """LNbits refuses it with 401 up to 1.0, with 403 since."""
        write_key(payer.key_file, payer.read_key)
        refused = amani("pay", payee.invoice(21), "--yes", "--json")
        assert (refused.code, refused.error["money_moved"]) == (3, "no")
        assert payer.sat == 1000

    def test_a_key_that_the_server_does_not_know(self, amani: Amani, payer: Held) -> None:
        amani.secrets.add(unknown := "0123456789abcdef" * 2)
        write_key(payer.key_file, unknown)
        refused = amani("wallet", "balance", "--json")
        assert (refused.code, refused.error["code"]) == (3, "KEY_REFUSED")
        refused = amani("invoice", "check", bolt11.decode_invoice(payer.invoice()).payment_hash, "--json")
        assert (refused.code, refused.error["code"]) == (3, "KEY_REFUSED")

    def test_sync_brings_in_what_others_did(self, amani: Amani, payer: Held, payee: Held) -> None:
        payer.pay(payee.invoice(40, "by the web page"))
        assert amani("history", "sync", "-w", "payer", "--json").data["new"] == 2  # the top-up too
        items = amani("history", "list", "-w", "payer", "--json").data["items"]
        assert {(item["direction"], item["status"], item["amount_msat"]) for item in items} == {
            ("in", "settled", 1_000_000),
            ("out", "settled", 40_000),
        }

    @pytest.mark.usefixtures("logged_in")
    def test_a_wallet_is_made_for_the_user_that_is_logged_in(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        made = amani("wallet", "create", "till", "--url", lnbits_server.url, "--json").data
        assert (made["login"], made["server_version"]) == (True, lnbits_server.version)
        assert amani("invoice", "create", "5", "-w", "till").code == 0


@pytest.mark.versions("0.12.12")
class TestBefore1:
    @pytest.mark.usefixtures("logged_in")
    def test_what_a_login_can_t_do_there_is_refused(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        assert amani("wallet", "create", "till", "--url", lnbits_server.url).code == 0
        for words in (("rotate-keys", "till"), ("remove", "till", "--delete-remote")):
            refused = amani("wallet", *words, "--yes", "--json")
            assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (6, "TOO_OLD", "no")
            assert "older than 1.0" in refused.error["message"]
        assert amani("wallet", "balance", "-q").stdout == "0\n"

    def test_doctor_calls_it_old(self, amani: Amani, payer: Held) -> None:
        answer = amani("doctor", "--json")
        items = [item for item in answer.json["data"]["items"] if item["check"] == "wallet payer"]
        assert [item["status"] for item in items] == ["ok", "warn"]
        assert items[1]["detail"] == "LNbits 0.12.12 is old"

    def test_no_cheques(self, amani: Amani, payer: Held) -> None:
        refused = amani("cheque", "create", "100", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "UNSAFE_SERVER")
        assert "can't rotate keys" in refused.error["message"]
        assert payer.sat == 1000

    def test_its_made_up_prices_are_not_used(self, amani: Amani, payer: Held) -> None:
        refused = amani("invoice", "create", "5USD", "--json")
        assert (refused.code, refused.error["code"]) == (10, "NO_RATE")


@pytest.mark.versions("1.0.0")
class TestTheVersionThatDoubleSpends:
    def test_adding_a_wallet_warns(self, amani: Amani, lnbits_server: LnbitsServer, tmp_path: Path) -> None:
        _, key, _ = lnbits_server.new_wallet()
        file = write_key(tmp_path / "key", key)
        added = amani("wallet", "add", "a", "--url", lnbits_server.url, "--key-file", file, "--json")
        assert added.data["server_version"] == "1.0.0"
        assert "can spend a balance twice" in added.json["warnings"][0]

    @pytest.mark.usefixtures("keyring")
    def test_making_one_warns(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        made = amani("wallet", "create", "a", "--url", lnbits_server.url, "--json")
        assert "can spend a balance twice" in made.json["warnings"][0]

    def test_doctor_fails(self, amani: Amani, payer: Held) -> None:
        answer = amani("doctor", "--json")
        failed = [item for item in answer.json["data"]["items"] if item["status"] == "fail"]
        assert (answer.code, len(failed)) == (13, 1)
        assert failed[0]["detail"] == "LNbits 1.0.0 can spend a balance twice"

    def test_paying_warns_and_pays(self, amani: Amani, payer: Held, payee: Held) -> None:
        paid = amani("pay", payee.invoice(21), "--yes", "--json")
        assert "can spend a balance twice" in paid.json["warnings"][0]
        assert (paid.data["status"], payer.sat) == ("settled", 979)

    def test_paying_from_the_environment_s_wallet_warns_too(self, amani: Amani, lnbits_server: LnbitsServer) -> None:
        _, key, read_key = lnbits_server.new_wallet(100)
        amani.secrets |= {key, read_key}
        wanted = {"out": False, "amount": 21, "memo": "test"}
        text = lnbits_server.call("POST", "/api/v1/payments", key=read_key, json=wanted)["bolt11"]
        env = {"LNBITS_API_KEY": key, "LNBITS_BASE_URL": lnbits_server.url}
        paid = amani("pay", text, "--yes", "--json", env=env)
        assert "can spend a balance twice" in paid.json["warnings"][0]

    def test_no_cheques(self, amani: Amani, payer: Held) -> None:
        refused = amani("cheque", "create", "100", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "UNSAFE_SERVER")
        assert "two claimers" in refused.error["message"]
        assert payer.sat == 1000


def _seconds(when: str) -> float:

    return from_rfc3339(when).timestamp()
