"""Lightning addresses: by LUD-06, 12, 16 and 21, with the invoice key alone."""

from __future__ import annotations

import json
import time
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from amani_cli import keys
from amani_cli.encodings.bolt11 import decode_invoice
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit import ledgers
from tests.kit.books import compared
from tests.kit.cheque_world import User, through
from tests.kit.driver import Amani
from tests.kit.fault_proxy import FaultProxy, answer, cut
from tests.kit.serve_world import InProcess, serving

pytestmark = pytest.mark.lnbits

OFFER = "/.well-known/lnurlp/ada"


@pytest.fixture
def shop(add_wallet: AddWallet) -> Held:
    """A wallet that is to be paid."""
    return add_wallet("shop")


@pytest.fixture
def ada(amani: Amani, shop: Held, base_url: str) -> Held:
    """An address that pays it: 10 to 5,000 sat, with a comment of up to 20 characters."""
    words = ("address", "add", "ada", "--wallet", "shop", "--min", "10", "--max", "5000", "--comment", "20", "--json")
    made = amani(*words).data
    assert made.items() >= {"name": "ada", "wallet": "shop", "min_msat": 10_000, "max_msat": 5_000_000}.items()
    assert made["address"] == f"ada@{urlsplit(base_url).netloc}"
    return shop


def path_of(url: str) -> str:
    return urlsplit(url).path


def test_asked_for_and_paid(amani: Amani, ada: Held, add_wallet: AddWallet, site: InProcess) -> None:
    payer = add_wallet("payer", 1000)
    offer = site.json(OFFER)
    assert (offer["tag"], offer["minSendable"], offer["maxSendable"]) == ("payRequest", 10_000, 5_000_000)
    assert offer["commentAllowed"] == 20
    assert json.loads(offer["metadata"])[0][0] == "text/plain"
    made = site.json(path_of(offer["callback"]), amount="21000", comment="für <b>Kaffee</b>")
    invoice = decode_invoice(made["pr"])
    assert (invoice.amount_msat, invoice.description_hash) == (21_000, sha256(offer["metadata"].encode()).hexdigest())
    verify = path_of(made["verify"])
    assert site.json(verify) == {"status": "OK", "settled": False, "preimage": None, "pr": made["pr"]}
    assert amani("invoice", "list", "--json").data["items"] == []
    payer.pay(made["pr"])
    told = site.json(verify)
    assert (told["settled"], sha256(bytes.fromhex(told["preimage"])).hexdigest()) == (True, invoice.payment_hash)
    listed = amani("invoice", "list", "--json").data["items"]
    assert [(each["status"], each["memo"]) for each in listed] == [("paid", f"{address(amani)}: für <b>Kaffee</b>")]
    compared(amani, ada)


def address(amani: Amani) -> str:
    return str(amani("address", "show", "ada", "--json").data["address"])


def test_by_another_amani(amani: Amani, ada: Held, add_wallet: AddWallet, home: Path, base_url: str) -> None:
    add_wallet("payer", 1000)
    change_database(home, "UPDATE wallet SET sandbox=1 WHERE name='payer'")
    with serving(base_url):
        paid = amani("pay", address(amani), "21", "--comment", "hello", "--wallet", "payer", "--yes", "--json")
        assert paid.data["status"] == "settled", paid
    assert ada.sat == 21
    assert amani("history", "sync").code == 0
    listed = amani("invoice", "list", "--wallet", "shop", "--json").data["items"]
    assert [each["memo"] for each in listed] == [f"{address(amani)}: hello"]


def test_what_it_does_not_take(ada: Held, site: InProcess) -> None:
    refused: list[tuple[dict[str, str], str]] = [
        ({"amount": "9000"}, "takes 10 sat to 5,000 sat"),
        ({"amount": "5001000"}, "takes 10 sat to 5,000 sat"),
        ({"amount": "10500"}, "whole"),
        ({"amount": "21000", "comment": "x" * 21}, "up to 20 characters"),
        ({"amount": "-21000"}, "whole number"),
        ({"amount": "2e4"}, "whole number"),
        ({"amount": "9" * 60}, "whole number"),
        ({}, "whole number"),
    ]
    for query, said in refused:
        told = site.json("/a/ada/callback", **query)
        assert told["status"] == "ERROR", query
        assert said in told["reason"]
    assert ada.records() == []


def test_an_invoice_without_the_hash_is_given_to_nobody(
    amani: Amani, ada: Held, home: Path, proxy: FaultProxy, site: InProcess
) -> None:
    through(proxy, home)
    plain = ada.invoice(21)
    body = {"payment_hash": decode_invoice(plain).payment_hash, "bolt11": plain}
    proxy.on(answer(201, body), "POST", "/api/v1/payments")
    assert site.json("/a/ada/callback", amount="21000")["status"] == "ERROR"
    assert amani("invoice", "list", "--json").data["items"] == []


def test_only_its_own_invoices_are_verified(amani: Amani, ada: Held, site: InProcess) -> None:
    other = amani("invoice", "create", "21", "--json").data["payment_hash"]
    for text in (other, "0" * 64, "zz", "../ada"):
        answered = site.get(f"/a/ada/verify/{text}")
        assert answered.status_code == 404, text
        assert "preimage" not in answered.text


def test_names_that_are_none(amani: Amani, shop: Held, base_url: str, site: InProcess) -> None:
    assert site.get("/.well-known/lnurlp/bob").status_code == 404
    for name in ("Ada Obi", "a@b@c d", "", "ä", "x" * 65):
        assert amani("address", "add", name, "--wallet", "shop").code == 2, name
    assert amani("address", "show", "bob", "--json").error["code"] == "NO_SUCH_ADDRESS"


def test_one_name_one_address(amani: Amani, ada: Held) -> None:
    assert amani("address", "add", "ADA", "--wallet", "shop", "--json").error["code"] == "NAME_TAKEN"
    assert amani("wallet", "remove", "shop", "--yes", "--json").error["code"] == "HAS_ADDRESS"
    assert amani("address", "list", "-q").stdout == f"{address(amani)}\n"
    assert amani("address", "remove", "ada").code == 0
    assert amani("wallet", "remove", "shop", "--yes").code == 0


def test_without_a_base_url_they_are_listed_by_name(amani: Amani, ada: Held) -> None:
    """What there is can be seen, and taken away, before anybody says where it is served, or once that was unset."""
    assert amani("config", "set", "base_url", "").code == 0
    listed = amani("address", "list", "--json").data["items"]
    assert [(each["name"], each["address"]) for each in listed] == [("ada", None)]
    assert amani("address", "list", "--quiet").stdout == "ada\n"
    assert amani("address", "show", "ada", "--json").data["address"] is None
    assert amani("address", "add", "ben", "--wallet", "shop", "--json").error["code"] == "NO_BASE_URL"
    assert amani("address", "remove", "ada", "--quiet").stdout == "ada\n"
    none = amani("address", "list")
    assert none.code == 0
    assert "No addresses. Add one: amani address add NAME" in none.stderr + none.stdout


def test_no_admin_key_is_opened(amani: Amani, ada: Held, site: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read = keys.from_file

    def watched(path: Path) -> keys.Key:
        found = read(path)
        opened.append(found.value)
        return found

    monkeypatch.setattr(keys, "from_file", watched)
    ada.key_file.unlink()  # it is not even there
    made = site.json("/a/ada/callback", amount="21000")
    assert site.json(path_of(made["verify"]))["settled"] is False
    assert set(opened) == {ada.read_key}


def test_keys_that_were_made_anew_in_lnbits_itself(
    amani: Amani, user: User, base_url: str, site: InProcess, tmp_path: Path
) -> None:
    """The address has an invoice key of its own, which is dead then: payers are turned away, and `doctor` says why."""
    key_file = tmp_path / "till.key"

    def put(made: dict[str, str]) -> None:
        amani.secrets |= {made["adminkey"], made["inkey"]}
        key_file.unlink(missing_ok=True)
        write_key(key_file, made["adminkey"])

    def told() -> list[tuple[str, str]]:
        items = amani("doctor", "--json").json["data"]["items"]
        return [(each["status"], each["fix"]) for each in items if "nobody can pay" in each["detail"]]

    till = user.server.call("POST", "/api/v1/wallet", token=user.token, json={"name": "till"})
    put(till)
    assert amani("wallet", "add", "till", "--url", user.server.url, "--key-file", key_file).code == 0
    add = ("address", "add", "ada", "--wallet", "till", "--min", "1", "--max", "100")
    assert amani(*add).code == 0
    assert told() == []
    put(user.server.call("PUT", f"/api/v1/wallet/reset/{till['id']}", token=user.token))
    assert amani("wallet", "balance", "till").code == 0
    assert site.json("/a/ada/callback", amount="21000")["status"] == "ERROR"
    ((status, fix),) = told()
    assert (status, "amani address remove ada" in fix) == ("fail", True)
    assert amani("address", "remove", "ada").code == 0
    assert amani(*add).code == 0
    assert site.json("/a/ada/callback", amount="21000")["pr"]
    assert told() == []


def test_a_page_of_addresses_alone_needs_no_cheque(amani: Amani, ada: Held, base_url: str) -> None:
    with serving(base_url):
        offer = httpx.get(base_url + OFFER, trust_env=False).json()
        assert httpx.get(offer["callback"], params={"amount": "21000"}, trust_env=False).json()["pr"]
        head = httpx.head(offer["callback"], params={"amount": "21000"}, trust_env=False)
        assert head.status_code == 405
    assert len(ada.records()) == 1


class TestForgetting:
    """Anybody can have any number of invoices made: those that nobody has paid do not stay for ever."""

    @pytest.fixture
    def made(self, ada: Held, site: InProcess) -> list[str]:
        """Three invoices that a payer asked for."""
        return [site.json("/a/ada/callback", amount="21000", comment=str(nth))["pr"] for nth in range(3)]

    def left(self, home: Path) -> int:
        return int(ledgers.ask(home, "SELECT count(*) FROM invoice WHERE purpose='address'")[0][0])

    def age(self, home: Path, seconds: int) -> None:
        """Have all of them be so much older."""
        ledgers.move_back(home, "invoice", "expires_at", seconds)

    def test_a_day_after_they_ended(
        self,
        amani: Amani,
        ada: Held,
        made: list[str],
        add_wallet: AddWallet,
        site: InProcess,
        home: Path,
    ) -> None:
        add_wallet("payer", 1000).pay(made[0])  # and nobody has asked whether it was
        site.keep()
        assert self.left(home) == 3
        self.age(home, 24 * 3600)
        site.keep()
        assert self.left(home) == 3  # ten minutes more
        self.age(home, 601)
        site.keep()
        assert self.left(home) == 1
        listed = amani("invoice", "list", "--json").data["items"]
        assert [(each["status"], each["memo"]) for each in listed] == [("paid", f"{address(amani)}: 0")]
        assert site.get(f"/a/ada/verify/{decode_invoice(made[1]).payment_hash}").status_code == 404
        compared(amani, ada)

    def test_not_by_this_machine_s_clock_alone(
        self, ada: Held, made: list[str], site: InProcess, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is for the server that made them to say that they have ended."""
        self.age(home, 3 * 86400)
        for told in (None, time.time() - 10 * 86400):
            with monkeypatch.context() as patch:
                patch.setattr("amani_cli.clocks.told", lambda url=None, told=told: told)
                site.keep()
            assert (len(made), self.left(home)) == (3, 3)
        site.keep()
        assert self.left(home) == 0

    def test_not_while_its_server_can_t_be_asked(
        self, ada: Held, made: list[str], site: InProcess, home: Path, proxy: FaultProxy
    ) -> None:
        self.age(home, 3 * 86400)
        through(proxy, home)
        proxy.on(cut(after=False), times=None)
        site.keep()
        assert (len(made), self.left(home)) == (3, 3)
        proxy.heal()
        site.keep()
        assert self.left(home) == 0

    def test_one_that_a_payment_of_ours_is_on_its_way_for(
        self,
        amani: Amani,
        ada: Held,
        made: list[str],
        add_wallet: AddWallet,
        site: InProcess,
        home: Path,
    ) -> None:
        add_wallet("payer", 1000)
        assert amani("pay", made[0], "--wallet", "payer", "--yes").code == 0
        change_database(home, "UPDATE payment SET status='unknown'")
        self.age(home, 3 * 86400)
        site.keep()
        assert self.left(home) == 1

    def test_when_the_address_is_gone(
        self, amani: Amani, ada: Held, made: list[str], site: InProcess, home: Path
    ) -> None:
        assert amani("address", "remove", "ada").code == 0
        ada.key_file.unlink()
        self.age(home, 3 * 86400)
        site.keep()
        assert (len(made), self.left(home)) == (3, 0)
