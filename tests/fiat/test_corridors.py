"""Currency by currency: what Fincra is asked about a holder, what a payout says, what nobody pays, how phones read."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli import errors
from amani_cli.payees import banks
from amani_cli.providers.corridors import CORRIDORS, name_check
from tests.kit import fincra_double as doubles
from tests.kit.driver import Amani, Result
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin

PAYOUTS = "/disbursements/payouts"
RESOLVE = "/core/accounts/resolve"
CURRENCIES = ("NGN", "GHS", "KES", "UGX", "TZS", "ZMW", "ZAR", "EGP", "RWF", "XAF", "XOF", "USD")
TRUSTED = ("--to-name", "David Owor", "--name-unverified")


@pytest.fixture
def shop(add_business: AddBusiness, double: Double, home: Path) -> Merchant:
    """A business with money in every currency, which pays without a PIN."""
    merchant = add_business(merchant=double.merchant("All Africa Ltd", **dict.fromkeys(CURRENCIES, "100000")))
    without_pin(home, merchant, **dict.fromkeys(CURRENCIES, 50_000))
    return merchant


def pay(amani: Amani, *words: str) -> Result:
    return amani("pay", *words, "--yes", "--json", "--timeout", "5s")


class TestTheNameCheck:
    @pytest.mark.parametrize(
        ("dest", "amount", "body", "holder"),
        [
            (
                "bank:058/2345678901",
                "100NGN",
                {"currency": "NGN", "type": "nuban", "accountNumber": "2345678901", "bankCode": "058"},
                "Chinwe Eze",
            ),
            (
                "momo:AIRTEL/233541234567",
                "100GHS",
                {
                    "currency": "GHS",
                    "type": "mobile_money",
                    "accountNumber": "233541234567",
                    "mobileMoneyCode": "AIRTEL",
                },
                "Ama Boateng",
            ),
            (
                "bank:GH130100/4005006007",
                "100GHS",
                {
                    "currency": "GHS",
                    "type": "bank_account",
                    "accountNumber": "4005006007",
                    "bankSwiftCode": "ECOCGHAC",
                },
                "Ecobank Ghana Test",
            ),
            (
                "momo:MPESA/254722345678",
                "100KES",
                {
                    "currency": "KES",
                    "type": "mobile_money",
                    "accountNumber": "254722345678",
                    "mobileMoneyCode": "MPESA",
                },
                "James Kariuki",
            ),
            (
                "bank:01/1000012345",
                "100KES",
                {"currency": "KES", "type": "bank_account", "accountNumber": "1000012345", "bankCode": "01"},
                "KCB Test Account",
            ),
            (
                "bank:PAYSHAP_ID/0713058274@nedbank",
                "100ZAR",
                {
                    "currency": "ZAR",
                    "type": "bank_account",
                    "accountNumber": "0713058274@nedbank",
                    "bankCode": "PAYSHAP_ID",
                },
                "Khanya Fresh Produce",
            ),
        ],
    )
    def test_names_its_currency_and_the_holder_is_paid(
        self,
        amani: Amani,
        shop: Merchant,
        double: Double,
        dest: str,
        amount: str,
        body: dict[str, str],
        holder: str,
    ) -> None:
        data = pay(amani, dest, amount).data
        assert double.posts(RESOLVE) == [body]
        assert data["destination"] == f"{dest} {holder}"
        assert data["status"] == "settled"

    @pytest.mark.parametrize("words", [True, False])
    @pytest.mark.parametrize("currency", ["KES", "ZAR"])
    def test_one_that_fincra_does_not_know_is_no_missing_account(
        self, amani: Amani, shop: Merchant, double: Double, currency: str, words: bool
    ) -> None:
        double.resolvable, double.payload_words = {"NGN", "GHS"}, words
        dest = "momo:MPESA/254722345678" if currency == "KES" else "bank:PAYSHAP_ID/0713058274@nedbank"
        refused = pay(amani, dest, f"100{currency}")
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (9, "NAME_UNVERIFIED", "no")
        assert "currency must be one of" in refused.error["message"]  # Fincra's own words
        assert not double.posts(PAYOUTS)
        assert pay(amani, dest, f"100{currency}", "--name-unverified").code == 9
        assert pay(amani, dest, f"100{currency}", *TRUSTED).data["status"] == "settled"

    def test_one_that_the_business_may_not_use_is_told_and_can_be_done_without(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        double.fail("403 OPERATION_FORBIDDEN", "POST", RESOLVE, times=2)
        refused = pay(amani, "bank:058/2345678901", "100NGN")
        assert (refused.code, refused.error["code"]) == (9, "NAME_UNVERIFIED")
        assert pay(amani, "bank:058/2345678901", "100NGN", *TRUSTED).data["status"] == "settled"

    @pytest.mark.parametrize("kind", ["ACCOUNT_RESOLVE_FAILED", "UNPROCESSABLE_ENTITY", "null"])
    @pytest.mark.parametrize(
        ("dest", "amount"),
        [
            ("bank:044/0690000031", "10NGN"),
            ("momo:MTN/233241234567", "10GHS"),
            ("bank:GH190100/5006007009", "10GHS"),
            ("momo:MPESA/254712345679", "10KES"),
            ("bank:03/2000012346", "10KES"),
            ("bank:PAYSHAP_ID/0800000000@fnb", "10ZAR"),
        ],
    )
    def test_an_account_that_is_not_found_stays_refused_whatever_is_said(
        self, amani: Amani, shop: Merchant, double: Double, kind: str, dest: str, amount: str
    ) -> None:
        double.unresolved_type, double.unknown_is_null = kind, kind == "null"
        refused = pay(amani, dest, amount, *TRUSTED)
        assert (refused.code, refused.error["code"]) == (6, "NAME_UNRESOLVED")
        assert not double.posts(PAYOUTS)

    @pytest.mark.parametrize(
        ("currency", "account", "code", "mobile"),
        [
            ("GHS", "233541234567", "AIRTEL_TIGO", True),  # letters alone
            ("GHS", "4005006007", "OMNI1HAC", False),  # a BIC with a digit
            ("ZAR", "62001234567", "FIRNZAJJ", False),
            ("UGX", "256701234567", "MTN", True),
            ("UGX", "1002003004", "UG04000", False),
            ("TZS", "255751234567", "MPESA", True),
            ("ZMW", "3004005006", "ZNCOZMLU", False),
            ("XOF", "221771234567", "WAVE", True),
            ("EGP", "201012345678", "VODAFONE", True),
        ],
    )
    def test_what_no_source_checks_is_not_asked_about(
        self, currency: str, account: str, code: str, mobile: bool
    ) -> None:
        assert name_check(currency, account, code, mobile=mobile) is None


class TestThePayout:
    @pytest.mark.parametrize(
        ("dest", "amount", "where", "more"),
        [
            ("bank:058/2345678901", "10NGN", {"bankCode": "058", "country": "NG"}, {}),
            ("bank:GH130100/4005006007", "10GHS", {"bankSwiftCode": "ECOCGHAC", "country": "GH"}, {}),
            ("bank:ECOCGHAC/4005006007", "10GHS", {"bankSwiftCode": "ECOCGHAC", "country": "GH"}, {}),
            ("bank:01/1000012345", "10KES", {"bankCode": "01", "country": "KE"}, {}),
            ("momo:MPESA/254722345678", "10KES", {"mobileMoneyCode": "MPESA", "country": "KE"}, {}),
            (
                "bank:UG04000/1002003004",
                "10UGX",
                {"bankCode": "UG04000", "country": "UG"},
                {"customerName": "David Owor"},
            ),
            ("momo:AIRTEL/256701234567", "10UGX", {"mobileMoneyCode": "AIRTEL", "country": "UG"}, {}),
            ("bank:21009678/7008009001", "10TZS", {"bankCode": "21009678", "country": "TZ"}, {}),
            ("momo:MTN/260951234567", "10ZMW", {"mobileMoneyCode": "MTN", "country": "ZM"}, {}),
            ("bank:FNB/62001234567", "10ZAR", {"bankSwiftCode": "FIRNZAJJ", "country": "ZA"}, {}),
            ("bank:PAYSHAP_ID/0713058274@nedbank", "10ZAR", {"bankCode": "PAYSHAP_ID", "country": "ZA"}, {}),
            ("momo:VODAFONE/201012345678", "10EGP", {"mobileMoneyCode": "VODAFONE", "country": "EG"}, {}),
            ("bank:CIB/100010001000", "10EGP", {"bankCode": "CIB", "country": "EG"}, {}),
            ("momo:MTN/250731234567", "10RWF", {"mobileMoneyCode": "MTN", "country": "RW"}, {}),
            ("momo:ORANGE/237651234567", "10XAF", {"mobileMoneyCode": "ORANGE", "country": "CM"}, {}),
            ("momo:WAVE/221771234567", "10XOF", {"mobileMoneyCode": "WAVE", "country": "SN"}, {}),
            ("momo:MTN/2250509876543", "10XOF", {"mobileMoneyCode": "MTN", "country": "CI"}, {}),
        ],
    )
    def test_names_the_payee_as_its_currency_wants(
        self,
        amani: Amani,
        shop: Merchant,
        double: Double,
        dest: str,
        amount: str,
        where: dict[str, str],
        more: dict[str, str],
    ) -> None:
        code, account = _asked(dest)
        checked = name_check(amount[2:], account, code, mobile=dest.startswith("momo"))
        data = pay(amani, dest, amount, *(() if checked is not None else TRUSTED)).data
        assert data["status"] == "settled"
        sent = double.posts(PAYOUTS)[0]
        assert sent["beneficiary"].items() >= where.items()
        named = {"bankCode", "bankSwiftCode", "mobileMoneyCode"} & set(sent["beneficiary"])
        assert named == set(where) - {"country"}
        assert {name: sent[name] for name in ("customerName",) if name in sent} == more

    @pytest.mark.parametrize(
        ("dest", "amount", "words"),
        [
            ("momo:MTN/2348031234567", "10NGN", "pays no phones in NGN"),
            ("momo:MTN/27821234567", "10ZAR", "pays no phones in ZAR"),
            ("bank:001/123456789", "10XAF", "pays no banks in XAF"),
            ("bank:001/123456789", "10XOF", "pays no banks in XOF"),
            ("bank:001/123456789", "10ETB", "pays no banks in ETB"),
            ("momo:TELEBIRR/251911234567", "10ETB", "pays no phones in ETB"),
            ("bank:001/123456789", "10USD", "papers"),
            ("bank:001/GB29NWBK60161331926819", "10GBP", "papers"),
            ("bank:001/DE89370400440532013000", "10EUR", "papers"),
        ],
    )
    def test_what_no_source_pays_is_refused_offline(
        self, amani: Amani, shop: Merchant, double: Double, dest: str, amount: str, words: str
    ) -> None:
        asked = len(double.requests)
        refused = pay(amani, dest, amount, *TRUSTED)
        assert (refused.code, refused.error["code"]) == (2, "BAD_DESTINATION")
        assert words in refused.error["message"]
        assert len(double.requests) == asked

    def test_a_bank_without_the_code_it_is_paid_by_is_refused(
        self, amani: Amani, shop: Merchant, double: Double
    ) -> None:
        refused = pay(amani, "bank:GH999999/4005006007", "10GHS", *TRUSTED)
        assert (refused.code, refused.error["code"]) == (2, "NO_SWIFT_CODE")
        assert not double.posts(PAYOUTS)

    @pytest.mark.parametrize("dest", ["bank:FNB/0713058274@nedbank", "bank:PAYSHAP_ID/62001234567"])
    def test_a_payshap_id_goes_with_payshap_alone(
        self, amani: Amani, shop: Merchant, double: Double, dest: str
    ) -> None:
        assert pay(amani, dest, "10ZAR", *TRUSTED).error["code"] == "BAD_ACCOUNT"
        assert not double.posts(PAYOUTS)

    @pytest.mark.parametrize(
        ("dest", "amount"),
        [
            ("momo:MTN/256772123456", "10UGX"),
            ("momo:AIRTEL/260971234567", "10ZMW"),
            ("momo:TIGO/255671234567", "10TZS"),
            ("momo:MTN/237671234567", "10XAF"),
            ("momo:ORANGE/2250701234567", "10XOF"),
            ("bank:STAN/1002003014", "10UGX"),
        ],
    )
    def test_the_sandboxs_failing_accounts_fail_and_give_the_money_back(
        self, amani: Amani, shop: Merchant, double: Double, dest: str, amount: str
    ) -> None:
        failed = pay(amani, dest, amount, *TRUSTED)
        assert (failed.code, failed.error["money_moved"]) == (6, "no")
        assert shop.accounts[amount[2:]].ledger == 100000

    def test_an_empty_list_is_said_to_be_empty(self, amani: Amani, shop: Merchant, double: Double) -> None:
        every = doubles.BANKS.pop("ZAR")
        try:
            told = amani("contact", "banks", "ZAR")
            refused = pay(amani, "bank:FNB/62001234567", "10ZAR", *TRUSTED)
        finally:
            doubles.BANKS["ZAR"] = every
        assert "list of banks and operators for ZAR is empty" in told.stderr + told.stdout
        assert (refused.code, refused.error["code"]) == (4, "NO_SUCH_BANK")
        assert "empty" in refused.error["message"]


def _asked(dest: str) -> tuple[str, str]:
    code, _, account = dest.partition(":")[2].partition("/")
    return {"GH130100": "ECOCGHAC"}.get(code, code), account


class TestPhones:
    @pytest.mark.parametrize(
        ("text", "currency", "number"),
        [
            ("0722 345 678", "KES", "254722345678"),
            ("0722-345-678", "KES", "254722345678"),
            ("(0722) 345678", "KES", "254722345678"),
            ("+254 722 345678", "KES", "254722345678"),
            ("00254722345678", "KES", "254722345678"),
            ("254722345678", "KES", "254722345678"),
            ("0241234567", "GHS", "233241234567"),
            ("0701234567", "UGX", "256701234567"),
            ("0712345678", "TZS", "255712345678"),
            ("0971234567", "ZMW", "260971234567"),
            ("01012345678", "EGP", "201012345678"),
            ("0781234567", "RWF", "250781234567"),
            ("670 12 34 56", "XAF", "237670123456"),
            ("77 123 45 67", "XOF", "221771234567"),
            ("0701234567", "XOF", "2250701234567"),
            ("+221 77 123 45 67", "XOF", "221771234567"),
        ],
    )
    def test_are_understood_as_they_are_dialled(self, text: str, currency: str, number: str) -> None:
        assert banks.phone(text, currency)[0] == number

    @pytest.mark.parametrize(
        ("text", "currency", "hint"),
        [
            ("722345678", "KES", "254722345678"),  # what is missing before it could be either
            ("0722 345 67", "KES", "254"),
            ("25472234567", "KES", "254"),
            ("+233541234567", "KES", "254"),
            ("+0722345678", "KES", "254"),
            ("0123456789", "XOF", ""),  # Côte d'Ivoire's or Benin's
            ("70123456", "XOF", ""),  # Burkina Faso's, Mali's or Niger's
            ("phone", "KES", "254"),
            ("٠٧٢٢٣٤٥٦٧٨", "KES", "254"),
            ("", "KES", "254"),
        ],
    )
    def test_are_refused_where_they_could_be_two_things_or_none(self, text: str, currency: str, hint: str) -> None:
        with pytest.raises(errors.Usage) as caught:
            banks.phone(text, currency)
        assert caught.value.code == "BAD_PHONE"
        assert hint in caught.value.hint

    @pytest.mark.parametrize("currency", [each for each, way in CORRIDORS.items() if way.phones])
    def test_the_example_of_a_hint_is_understood(self, currency: str) -> None:
        with pytest.raises(errors.Usage) as caught:
            banks.phone("x", currency)
        example = caught.value.hint.rsplit(" ", 1)[-1].rstrip(".")
        assert banks.phone(example, currency)[0] == example

    def test_are_shown_in_full_before_they_are_paid(self, amani: Amani, shop: Merchant, double: Double) -> None:
        plan = amani("pay", "momo:MPESA/0722 345 678", "KSh100", "--dry-run", "--json").data
        assert plan["destination"] == "momo:MPESA/254722345678"
        assert (plan["payee"], plan["amount"]) == ("James Kariuki", {"value": "100.00", "currency": "KES"})
        with amani.terminal("pay", "momo:MPESA/0722 345 678", "100KES") as terminal:
            terminal.expect("[y/N]")
            assert "momo:MPESA/254722345678" in terminal.seen
            terminal.type("n")
            assert terminal.finish() == 5
        assert not double.posts(PAYOUTS)


class TestAmounts:
    @pytest.mark.parametrize(
        "text", ["₦5000", "₦ 5000", "NGN5000", "NGN 5000", "ngn 5000", "5000 NGN", "5000₦", "5_000NGN"]
    )
    def test_the_currency_may_stand_first(self, amani: Amani, shop: Merchant, text: str) -> None:
        plan = amani("pay", "bank:058/2345678901", text, "--dry-run", "--json").data
        assert plan["amount"] == {"value": "5000.00", "currency": "NGN"}

    @pytest.mark.parametrize(
        "words",
        [
            ("invoice", "create", "NGN 500", "--virtual-account"),
            ("wallet", "convert", "NGN 500", "--to", "USD", "--dry-run"),
            ("wallet", "limit", "shop", "--per-day", "NGN 500"),
            ("pin", "set", "--pin-stdin", "--threshold", "NGN 500"),
            ("sandbox", "fund", "shop", "NGN 500"),
            ("transfer", "branch", "NGN 500", "--yes"),
        ],
    )
    def test_so_it_may_wherever_fiat_is_typed(
        self, amani: Amani, shop: Merchant, add_business: AddBusiness, double: Double, words: tuple[str, ...]
    ) -> None:
        double.virtual_account(shop, "8540012345")
        add_business("branch", merchant=double.merchant("Branch Ltd", NGN="0"))
        done = amani(*words, "-w", "shop", stdin="8317")
        assert done.code == 0, done
        for sign in ("₦500", "500NGN"):
            if words[0] != "pin":
                assert amani(*(sign if word == "NGN 500" else word for word in words), "-w", "shop").code == 0

    @pytest.mark.parametrize(
        ("text", "right"),
        [
            ("5,000NGN", "5000NGN"),
            ("₦5,000", "5000NGN"),
            ("NGN 5,000", "5000NGN"),
            ("5,000", "5000NGN"),
            ("$5000", "5000USD"),
            ("FCFA 5000", "5000XAF"),
            ("5000", "5000NGN"),
        ],
    )
    def test_what_is_refused_names_a_form_that_is_taken(
        self, amani: Amani, shop: Merchant, double: Double, text: str, right: str
    ) -> None:
        refused = pay(amani, "bank:058/2345678901", text)
        assert (refused.code, refused.error["code"]) == (2, "BAD_AMOUNT")
        assert right in refused.error["message"] + refused.error["hint"]
        assert not double.posts(PAYOUTS)
