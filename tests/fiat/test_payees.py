"""Paying any Fincra wallet by its number, contacts that are looked up when they are added, and all there is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import change_database
from tests.kit.driver import Amani, Result
from tests.kit.fincra_double import ACCOUNTS, Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin

PAYOUTS = "/disbursements/payouts"
WALLET_PAYOUTS = "/disbursements/payouts/wallets"
BANK = "bank:058/2345678901"


@pytest.fixture
def shop(add_business: AddBusiness, double: Double, home: Path) -> Merchant:
    """A business with naira, and with nothing in cedis, that pays without a PIN."""
    merchant = add_business(merchant=double.merchant("Ada Stores Ltd", NGN="1000", GHS="0"))
    without_pin(home, merchant, NGN=50_000, GHS=50_000)
    return merchant


@pytest.fixture
def supplier(double: Double) -> Merchant:
    """A business that is no wallet of ours."""
    return double.merchant("Bola Foods Ltd", NGN="0", USD="0")


def pay(amani: Amani, *words: str) -> Result:
    return amani("pay", *words, "--yes", "--json", "--timeout", "5s")


class TestAFincraWallet:
    @pytest.mark.parametrize("status", ["successful", "processing"])
    def test_is_paid_by_its_number(
        self, amani: Amani, shop: Merchant, supplier: Merchant, double: Double, status: str
    ) -> None:
        double.wallet_payout_status = status
        number = supplier.accounts["NGN"].number
        data = pay(amani, f"fincra:{number}", "250NGN", "--to-name", "Bola Foods", "--description", "maize").data
        assert (data["status"], data["kind"]) == ("settled", "payout")
        assert data["destination"] == f"fincra:{number} Bola Foods Ltd"
        assert supplier.accounts["NGN"].available == 250
        assert shop.accounts["NGN"].available == 750
        sent = double.posts(WALLET_PAYOUTS)[0]
        assert (sent["beneficiaryWalletNumber"], sent["description"]) == (number, "maize")

    def test_its_owners_name_is_shown_first(
        self, amani: Amani, shop: Merchant, supplier: Merchant, double: Double
    ) -> None:
        with amani.terminal("pay", f"fincra:{supplier.accounts['NGN'].number}", "250NGN") as terminal:
            terminal.expect("[y/N]")
            assert "Bola Foods Ltd" in terminal.seen
            terminal.type("n")
            assert terminal.finish() == 5
        assert not double.posts(WALLET_PAYOUTS)

    @pytest.mark.parametrize(
        ("dest", "words", "code", "exit_code"),
        [
            ("fincra:{NGN}", ("250NGN", "--to-name", "Chinwe Eze"), "NAME_MISMATCH", 9),
            ("fincra:{USD}", ("250NGN",), "WRONG_CURRENCY", 6),
            ("fincra:{NGN}", ("250NGN", "--from-currency", "GHS"), "BAD_CURRENCY", 2),
            ("fincra:999999999999", ("250NGN",), "RESOURCE_NOT_FOUND", 4),
            ("fincra:", ("250NGN",), "BAD_DESTINATION", 2),
            ("fincra:12", ("250NGN",), "BAD_DESTINATION", 2),
            ("fincra:12x456", ("250NGN",), "BAD_DESTINATION", 2),
            ("fincra:{NGN}", ("1001NGN",), "INSUFFICIENT_FUNDS", 7),
        ],
    )
    def test_what_can_not_be_is_refused(
        self,
        amani: Amani,
        shop: Merchant,
        supplier: Merchant,
        double: Double,
        dest: str,
        words: tuple[str, ...],
        code: str,
        exit_code: int,
    ) -> None:
        numbers = {currency: account.number for currency, account in supplier.accounts.items()}
        refused = pay(amani, dest.format(**numbers), *words)
        assert (refused.error["code"], refused.code) == (code, exit_code)
        assert not double.posts(WALLET_PAYOUTS)

    def test_a_contacts_owner_is_pinned(self, amani: Amani, shop: Merchant, supplier: Merchant, double: Double) -> None:
        assert amani("contact", "add", "bola", f"fincra:{supplier.accounts['NGN'].number}").code == 0
        assert pay(amani, "bola", "100NGN").code == 0
        supplier.name = "Somebody Else Ltd"
        changed = pay(amani, "bola", "100NGN")
        assert (changed.code, changed.error["code"]) == (9, "PAYEE_CHANGED")
        assert len(double.posts(WALLET_PAYOUTS)) == 1

    def test_a_reference_replays_and_a_lost_answer_is_looked_up(
        self, amani: Amani, shop: Merchant, supplier: Merchant, double: Double
    ) -> None:
        dest = f"fincra:{supplier.accounts['NGN'].number}"
        double.fail("drop", "POST", WALLET_PAYOUTS)
        assert pay(amani, dest, "100NGN", "--reference", "maize-1").data["status"] == "settled"
        assert pay(amani, dest, "100NGN", "--reference", "maize-1").data["replayed"] is True
        assert supplier.accounts["NGN"].available == 100


class TestAContact:
    def test_is_looked_up_when_it_is_added(
        self, amani: Amani, shop: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = amani("contact", "add", "chinwe", BANK, "--currency", "ngn", "--json").data
        assert (data["holder"], data["destination"]) == ("Chinwe Eze", BANK)
        assert data["checked_at"]
        assert "Chinwe Eze" in amani("contact", "show", "chinwe").stdout
        monkeypatch.setitem(ACCOUNTS, ("2345678901", "058"), "Somebody Else")
        changed = pay(amani, "chinwe", "10NGN")
        assert (changed.code, changed.error["code"]) == (9, "PAYEE_CHANGED")
        tried = pay(amani, "chinwe", "10NGN", "--dry-run")
        assert (tried.code, tried.error["code"]) == (9, "PAYEE_CHANGED")
        assert pay(amani, "chinwe", "10NGN", "--dry-run", "--accept-change").data["payee"] == "Somebody Else"
        assert not double.posts(PAYOUTS)

    def test_that_changed_is_asked_for_as_what_it_is_now(
        self, amani: Amani, shop: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert amani("contact", "add", "chinwe", BANK, "--currency", "ngn").code == 0
        monkeypatch.setitem(ACCOUNTS, ("2345678901", "058"), "Somebody Else")
        assert pay(amani, "chinwe", "10NGN", "--request").error["code"] == "PAYEE_CHANGED"
        filed = pay(amani, "chinwe", "10NGN", "--request", "--accept-change").data["id"]
        assert amani("request", "run", filed, "--yes", "--json").data["status"] == "settled"
        assert amani("contact", "show", "chinwe", "--json").data["pinned"]["name"] == "Somebody Else"

    def test_that_was_not_looked_up_is_pinned_by_a_first_payout_that_is_on_its_way(
        self, amani: Amani, shop: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch, home: Path
    ) -> None:
        assert amani("contact", "add", "chinwe", BANK, "--currency", "ngn").code == 0
        change_database(home, "UPDATE contact SET seen=NULL")  # as where Fincra could not be asked
        double.fail("drop", "POST", PAYOUTS, stored=False)
        assert pay(amani, "chinwe", "10NGN", "--no-wait").code == 8
        assert amani("contact", "show", "chinwe", "--json").data["pinned"] == {"bank": BANK, "name": "Chinwe Eze"}
        monkeypatch.setitem(ACCOUNTS, ("2345678901", "058"), "Somebody Else")
        assert pay(amani, "chinwe", "11NGN").error["code"] == "PAYEE_CHANGED"

    def test_a_phone_names_its_currency_itself_and_is_kept_in_full(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        data = amani("contact", "add", "ama", "momo:AIRTEL/+233 54 123 4567", "--json").data
        assert (data["holder"], data["destination"]) == ("Ama Boateng", "momo:AIRTEL/233541234567")

    @pytest.mark.parametrize(
        ("dest", "code"),
        [
            ("bank:044/0123456789", "NAME_UNRESOLVED"),
            ("bank:999/2345678901", "NO_SUCH_BANK"),
            ("bank:058/12345", "BAD_ACCOUNT"),
            ("momo:MTN/233201234567", "NAME_UNRESOLVED"),
            ("fincra:999999999999", "RESOURCE_NOT_FOUND"),
        ],
    )
    def test_that_can_not_be_paid_is_not_added(self, amani: Amani, shop: Merchant, dest: str, code: str) -> None:
        words = ("--currency", "NGN") if dest.startswith("bank") else ()  # as the wallet has two with banks
        assert amani("contact", "add", "x", dest, *words, "--json").error["code"] == code
        assert amani("contact", "list", "--json").data["items"] == []

    def test_a_bank_of_one_of_the_wallets_currencies_names_it(self, amani: Amani, shop: Merchant) -> None:
        assert amani("contact", "add", "chinwe", BANK, "--json").data["holder"] == "Chinwe Eze"

    def test_whose_currency_is_not_clear_is_kept_and_said_so(self, amani: Amani, shop: Merchant) -> None:
        added = amani("contact", "add", "kcb", "bank:01/1000012345", "--json")
        assert added.data["holder"] is None
        assert "--currency" in added.stderr
        assert amani("contact", "add", "kcb2", "bank:01/1000012345", "--currency", "KES", "--json").data["holder"]

    def test_that_nobody_can_check_is_kept_and_said_so(self, amani: Amani, shop: Merchant) -> None:
        added = amani("contact", "add", "david", "momo:MTN/256701234567", "--json")
        assert added.data["holder"] is None
        assert added.data["pinned"] == {}
        assert "not checked" in added.stderr

    def test_without_a_fincra_wallet_it_is_kept_and_said_so(self, amani: Amani) -> None:
        added = amani("contact", "add", "chinwe", BANK, "--json")
        assert added.data["holder"] is None
        assert "not checked" in added.stderr


class TestAllThereIs:
    def test_is_what_the_last_fees_leave(self, amani: Amani, shop: Merchant, double: Double) -> None:
        unknown = pay(amani, BANK, "max")
        assert (unknown.code, unknown.error["code"]) == (2, "BAD_AMOUNT")
        assert pay(amani, BANK, "10NGN").code == 0
        data = pay(amani, BANK, "max", "--reference", "rest").data
        assert data["amount"]["value"] == "968.50"  # 1000 - 10 - 10.75, and a fee as the last one's
        assert shop.accounts["NGN"].available == 0
        assert pay(amani, BANK, "max", "--reference", "rest").data["replayed"] is True
        nothing = pay(amani, BANK, "max")
        assert (nothing.code, nothing.json["schema"]) == (0, "amani.nothing/1")

    def test_is_always_asked_about(self, amani: Amani, shop: Merchant, supplier: Merchant, double: Double) -> None:
        dest = f"fincra:{supplier.accounts['NGN'].number}"
        assert amani("pay", dest, "max", "--json").code == 5
        assert not double.posts(WALLET_PAYOUTS)
        assert pay(amani, dest, "max").data["amount"]["value"] == "1000.00"

    def test_of_several_currencies_one_is_named(self, amani: Amani, shop: Merchant, double: Double) -> None:
        shop.accounts["GHS"].available = Decimal(50)
        refused = pay(amani, BANK, "max")
        assert (refused.code, refused.error["code"]) == (2, "BAD_AMOUNT")
        assert "--from-currency" in refused.error["hint"]

    def test_of_a_currency_that_is_not_held_is_refused(self, amani: Amani, shop: Merchant) -> None:
        refused = pay(amani, BANK, "max", "--from-currency", "ngm")
        assert (refused.code, refused.error["code"]) == (4, "NO_SUCH_CURRENCY")
        assert pay(amani, BANK, "max", "--from-currency", "GHS").json["schema"] == "amani.nothing/1"
