"""`amani contact`, and what is pinned of one: a later change stops the payment."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amani_cli.destinations import contacts
from amani_cli.payments import engine
from tests.conftest import Held, change_database, full_disk
from tests.kit.cheque_world import through
from tests.kit.driver import Amani
from tests.kit.fault_proxy import FaultProxy, cut
from tests.kit.lnurl_server import METADATA, LnurlServer, Query
from tests.kit.make_invoice import bech32, make_invoice, words


class Ada:
    """Somebody with a Lightning address, honest unless told otherwise."""

    def __init__(self, payee: Held, server: LnurlServer) -> None:
        self.payee, self.server = payee, server
        self.address = server.pay_to("ada", self._invoice)

    def _invoice(self, msat: int, _: Query) -> str:
        return self.payee.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())

    def move_to(self, callback: str) -> None:
        self.server.pay_to("ada", self._invoice, callback=callback)


@pytest.fixture
def ada(payee: Held, lnurl_server: LnurlServer) -> Ada:
    return Ada(payee, lnurl_server)


class TestNaming:
    def test_add_list_show_remove(self, amani: Amani) -> None:
        added = amani("contact", "add", "Ada Lovelace", "ada@example.com", "--json").data
        names = {"name": "Ada Lovelace", "destination": "ada@example.com"}
        assert added == {**names, "pinned": {}, "pinned_at": None, "holder": None, "checked_at": None}
        amani("contact", "add", "Bo", bech32("lnurl", words(b"https://example.org/pay")))
        assert [item["name"] for item in amani("contact", "list", "--json").data["items"]] == ["Ada Lovelace", "Bo"]
        assert amani("contact", "show", "ADA  lovelace", "-q").stdout == "ada@example.com\n"
        assert amani("contact", "remove", "ada lovelace").code == 0
        assert amani("contact", "show", "Ada Lovelace").code == 4
        assert amani("contact", "add", "Bo", "bo@example.com", "--json").error["code"] == "NAME_TAKEN"

    @pytest.mark.parametrize(
        ("dest", "code"),
        [
            (make_invoice(), "USED_UP"),
            (f"lightning:{make_invoice()}", "USED_UP"),
            ("lnurlw://example.com/w", "NOT_PAY"),
            ("keyauth://example.com/login", "NOT_PAY"),
            ("nobody", "BAD_DESTINATION"),
        ],
    )
    def test_what_can_be_none(self, amani: Amani, dest: str, code: str) -> None:
        refused = amani("contact", "add", "Ada", dest, "--json")
        assert (refused.code, refused.error["code"]) == (2, code)

    @pytest.mark.parametrize("name", ["", "x" * 81, "a\x1bb", "ada@example.com", "bank:x", "lnbc1x", "LNURL1X"])
    def test_names_that_none_can_have(self, amani: Amani, name: str) -> None:
        assert amani("contact", "add", name, "ada@example.com", "--json").error["code"] == "BAD_NAME"

    @pytest.mark.parametrize(
        ("name", "other"),
        [
            ("Adа", "Ada"),  # with a Cyrillic a
            ("Bill", "Bi11"),
            ("Ádà", "Ada"),
            ("Barnaby", "Bamaby"),
            ("Grace Hopper", "Grace-Hopper"),
            ("Grace", "Gracee"),
            ("Grace", "Gracc"),
            ("Grace", "Garce"),
        ],
    )
    def test_names_that_look_alike_are_pointed_out(self, amani: Amani, name: str, other: str) -> None:
        assert amani("contact", "add", other, "one@example.com", "--json").json["warnings"] == []
        warned = amani("contact", "add", name, "somebody@elsewhere.org", "--json")
        assert warned.json["warnings"] == [f"'{name}' looks like your contact '{other}'"]

    def test_addresses_that_look_alike_too(self, amani: Amani) -> None:
        amani("contact", "add", "Ada", "ada@example.com")
        warned = amani("contact", "add", "The other", "ada@examp1e.com", "--json")
        assert "looks like ada@example.com of your contact 'Ada'" in warned.json["warnings"][0]

    @pytest.mark.parametrize(("one", "other"), [("Ada", "Bob"), ("Ann", "Anna"), ("alice", "operator"), ("Al", "Bo")])
    def test_others_do_not(self, one: str, other: str) -> None:
        assert not contacts.looks_like(one, other)

    @given(st.text(max_size=20), st.text(max_size=20))
    def test_looking_alike_goes_both_ways(self, one: str, other: str) -> None:
        assert contacts.looks_like(one, other) == contacts.looks_like(other, one)
        assert contacts.looks_like(one, one)


@pytest.mark.lnbits
class TestPinning:
    def test_the_first_payment_pins_and_the_next_is_as_it_was(
        self, amani: Amani, payer: Held, payee: Held, ada: Ada, lnurl_server: LnurlServer
    ) -> None:
        amani("contact", "add", "Ada", ada.address)
        paid = amani("pay", "ada", 5, "--yes", "--json")
        assert paid.data["destination"] == ada.address
        pinned = amani("contact", "show", "Ada", "--json").data["pinned"]
        assert pinned["domain"] == pinned["callback"] == lnurl_server.host
        assert len(pinned["node"]) == 66
        assert amani("pay", "Ada", 5, "--yes").code == 0
        assert payee.sat == 10

    def test_a_change_stops_it_until_it_is_accepted(
        self, amani: Amani, payer: Held, payee: Held, ada: Ada, lnurl_server: LnurlServer
    ) -> None:
        amani("contact", "add", "Ada", ada.address)
        amani("pay", "Ada", 5, "--yes")
        ada.move_to(lnurl_server.url.replace("127.0.0.1", "localhost") + "/cb/ada")
        refused = amani("pay", "Ada", 5, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "PAYEE_CHANGED")
        assert "server behind it was 127.0.0.1" in refused.error["message"]
        assert "is localhost" in refused.error["message"]
        assert payee.sat == 5
        assert amani("pay", "Ada", 5, "--yes", "--accept-change").code == 0
        assert amani("pay", "Ada", 5, "--yes").code == 0  # what was accepted is pinned from then on
        assert payee.sat == 15

    def test_another_node_stops_it(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer, home: Path
    ) -> None:
        ada = lnurl_server.pay_to("ada", lambda msat, _: make_invoice(amount_msat=msat))
        amani("contact", "add", "Ada", ada)
        seen = f'{{"domain": "{lnurl_server.host}", "callback": "{lnurl_server.host}", "node": "{"02" * 33}"}}'
        change_database(home, "UPDATE contact SET seen=?", seen)
        refused = amani("pay", "Ada", 5, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "PAYEE_CHANGED")
        assert "node that is paid" in refused.error["message"]
        assert payer.sat == 100_000

    def test_a_first_payment_that_is_in_doubt_pins(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        ada: Ada,
        lnurl_server: LnurlServer,
        home: Path,
        proxy: FaultProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It arrives all the same, and whoever stands there at the second one is no first."""
        monkeypatch.setattr(engine, "LAST_LOOK_S", 0.3)
        through(proxy, home)
        assert amani("contact", "add", "Ada", ada.address).code == 0
        proxy.on(cut(after=False), "POST", "/api/v1/payments")
        first = amani("pay", "Ada", 5, "--yes", "--json", "--timeout", "1s").error
        assert amani("reconcile", "--resume", first["id"], "--yes").code == 0
        ada.move_to(lnurl_server.url.replace("127.0.0.1", "localhost") + "/cb/ada")
        refused = amani("pay", "Ada", 6, "--yes", "--json")
        assert (refused.code, refused.error["code"], payee.sat) == (9, "PAYEE_CHANGED", 5)

    def test_a_payment_that_fails_pins_nothing(
        self, amani: Amani, payer: Held, payee: Held, lnurl_server: LnurlServer
    ) -> None:
        ada = lnurl_server.pay_to("ada", lambda msat, _: make_invoice(amount_msat=msat))
        amani("contact", "add", "Ada", ada)
        assert amani("pay", "Ada", 5, "--yes").code == 6  # FakeWallet can't pay outside
        assert amani("contact", "show", "Ada", "--json").data["pinned"] == {}

    def test_no_room_to_pin_it(self, amani: Amani, payer: Held, ada: Ada, home: Path) -> None:
        """It is paid: the receipt says so, and the next payment pins."""
        amani("contact", "add", "Ada", ada.address)
        with full_disk(home, "UPDATE ON contact"):
            done = amani("pay", "Ada", 5, "--yes", "--json")
        assert done.data["status"] == "settled"
        assert "paid, but what was seen of 'Ada' is not kept yet" in done.stderr
        assert ada.payee.sat == 5
        assert amani("pay", "Ada", 5, "--yes").code == 0
        assert amani("contact", "show", "Ada", "--json").data["pinned"]

    def test_an_address_like_a_contacts_is_pointed_out_before_it_is_paid(
        self, amani: Amani, payer: Held, payee: Held, ada: Ada, lnurl_server: LnurlServer
    ) -> None:
        amani("contact", "add", "Ada", ada.address)
        false = lnurl_server.pay_to("adaa", ada._invoice)
        paid = amani("pay", false, 5, "--yes", "--json")
        assert "of your contact 'Ada', and is another" in paid.json["warnings"][0]
        with amani.terminal("pay", false, "5") as terminal:
            terminal.expect("Pay? [y/N]")
            assert "of your contact 'Ada'" in terminal.seen
            terminal.type("n")
            terminal.finish()
