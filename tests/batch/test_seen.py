"""What a plan sees, a run doesn't fail of; and what stood behind a payee then must stand there when it is paid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.batch.conftest import WriteTable, lines
from tests.batch.test_agreed import failures
from tests.batch.test_mixed import PAYOUTS, shop
from tests.conftest import Held, change_database
from tests.kit import fincra_double as doubles
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant
from tests.kit.lnurl_server import METADATA, LnurlServer

__all__ = ["shop"]

pytestmark = pytest.mark.lnbits

Planned = Callable[..., Path]
BANK = "bank:058/2345678901"


@pytest.fixture
def ada(payee: Held, lnurl_server: LnurlServer) -> str:
    return lnurl_server.pay_to("ada", invoice_of(payee))


def invoice_of(payee: Held) -> Callable[..., str]:
    return lambda msat, _: payee.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())


def problems(result: Any) -> list[tuple[int, str]]:
    assert (result.code, result.error["code"]) == (2, "BAD_ROWS"), result
    return [(each["row"], each["column"]) for each in result.error["rows"]]


ACCOUNTS = [  # what an account or phone is refused for, and the column; the last where it needs no asking
    (BANK.replace("2345678901", "234567890"), "5NGN", {}, "to", True),
    ("momo:MPESA/2.54722E+11", "5KES", {}, "to", True),
    ("momo:MPESA/254722", "5KES", {}, "to", True),
    (BANK, "5USD", {}, "to", True),
    ("bank:58/2345678901", "5NGN", {}, "to", False),
    ("bank:bank/2345678901", "5NGN", {}, "to", False),
    ("bank:044/0123456789", "5NGN", {}, "to", False),
    (BANK, "5NGN", {"to_name": "Ada Obi"}, "to_name", False),
    ("momo:MTN/256701234567", "500UGX", {}, "name_unverified", False),
    ("momo:AIRTEL/233541234567", "5.50GHS", {}, "amount", False),
]


class TestPlans:
    def test_every_account_that_can_not_be_right_is_told_at_once(
        self, amani: Amani, payer: Held, shop: Merchant, double: Double, table: WriteTable, tmp_path: Path
    ) -> None:
        rows = [{"to": to, "amount": amount, **more} for to, amount, more, _, _ in ACCOUNTS]
        found = problems(amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--json"))
        # Another holder than was expected stops that row alone, below.
        told = [(row, column) for row, (_, _, _, column, _) in enumerate(ACCOUNTS, 2) if column != "to_name"]
        assert found == told
        assert not (tmp_path / "plan").exists()
        assert not double.posts(PAYOUTS)
        offline = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--offline", "--json")
        assert problems(offline) == [(row, "to") for row, each in enumerate(ACCOUNTS, 2) if each[4]]

    @pytest.mark.parametrize(("to", "amount", "more", "column", "bare"), ACCOUNTS)
    def test_as_fully_as_pay_itself(
        self,
        amani: Amani,
        payer: Held,
        shop: Merchant,
        to: str,
        amount: str,
        more: dict[str, str],
        column: str,
        bare: bool,
    ) -> None:
        options = ("--to-name", more["to_name"]) if "to_name" in more else ()
        assert amani("pay", to, amount, *options, "--wallet", "shop", "--dry-run").code != 0

    def test_another_holder_stops_that_row_until_it_is_signed_off(
        self, amani: Amani, payer: Held, shop: Merchant, double: Double, table: WriteTable, tmp_path: Path
    ) -> None:
        rows = [
            {"to": BANK, "amount": "5NGN", "to_name": "Ada Obi"},
            {"to": BANK, "amount": "7NGN", "to_name": "Eze Chinwe", "reference": "b"},
        ]
        made = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--json")
        assert [(each["row"], each["expected"], each["found"], each["differs"]) for each in made.data["names"]] == [
            (2, "Ada Obi", "Chinwe Eze", True),
            (3, "Eze Chinwe", "Chinwe Eze", False),
        ]
        assert [each["total"] for each in made.data["fiat"]] == ["7.00"]
        assert "another name than was expected: row 2." in made.json["warnings"][0]
        run = amani("batch", "run", tmp_path / "plan", "--yes", "--json")
        assert (run.code, len(double.posts(PAYOUTS))) == (11, 1)
        assert "belongs to 'Chinwe Eze', not to 'Ada Obi'" in lines(run.stdout)[0]["data"]["failure"]
        shown = amani("batch", "plan", table(rows), "-o", tmp_path / "again", tty=True).stdout
        assert "DIFFERS: not paid" in shown
        # Another name than the bank's signs nothing off.
        for name, code in (("Ada", 11), ("Chinwe Eze", 0)):
            rows[0]["signed_off"] = name
            plan = tmp_path / f"signed by {name}"
            assert amani("batch", "plan", table(rows[:1]), "-o", plan).code == 0
            assert amani("batch", "run", plan, "--yes").code == code
        assert len(double.posts(PAYOUTS)) == 2

    def test_names_that_lead_nowhere_are_told_in_one_list(
        self, amani: Amani, payer: Held, payee: Held, shop: Merchant, ada: str, table: WriteTable, tmp_path: Path
    ) -> None:
        nobody = f"nobody@{ada.rpartition('@')[2]}"
        rows = [
            {"to": "Grace", "amount": "5"},
            {"to": nobody, "amount": "5"},
            {"to": "bank:044/0123456789", "amount": "5NGN"},
            {"to": "ada@127.0.0.1:9", "amount": "5"},
            {"to": ada, "amount": "5"},
        ]
        refused = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--json")
        assert problems(refused) == [(2, "to"), (3, "to"), (4, "to"), (5, "to")]
        for row in (2, 3, 4, 5):
            assert f"row {row}, column to: " in refused.stderr

    def test_our_own_rules(
        self, amani: Amani, payer: Held, payee: Held, shop: Merchant, ada: str, table: WriteTable, tmp_path: Path
    ) -> None:
        assert amani("wallet", "limit", "payer", "--per-payment", "100sat").code == 0
        assert amani("wallet", "limit", "shop", "--per-payment", "1000NGN").code == 0
        assert amani("config", "set", "cheque_count", "2").code == 0
        rows = [
            {"to": payee.invoice(99)},
            {"to": ada, "amount": "101"},
            {"to": BANK, "amount": "1000.01NGN"},
            {"to": "cheque", "amount": "1500msat"},
            {"to": "cheque", "amount": "10"},
            {"to": "cheque", "amount": "10"},
            {"to": payee.invoice(98)},
        ]
        refused = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--json")
        found = [(2, "amount"), (3, "amount"), (4, "amount"), (5, "amount"), (7, "to")]
        assert problems(refused) == found
        assert amani("batch", "plan", table([rows[-1]]), "-o", tmp_path / "plan").code == 0

    def test_a_contact_that_is_not_what_it_was(
        self, amani: Amani, payer: Held, shop: Merchant, ada: str, home: Path, table: WriteTable, tmp_path: Path
    ) -> None:
        amani("contact", "add", "Ada", ada)
        amani("contact", "add", "Chinwe", BANK)
        rows = [{"to": "Ada", "amount": "5"}, {"to": "Chinwe", "amount": "5NGN"}]
        plan = tmp_path / "plan"
        assert amani("batch", "plan", table(rows), "-o", plan).code == 0
        assert amani("batch", "run", plan, "--yes").code == 0
        change_database(home, "UPDATE contact SET seen=replace(seen, '127.0.0.1', '127.0.0.2')")
        change_database(home, "UPDATE contact SET seen=replace(seen, 'Chinwe Eze', 'Ada Obi')")
        refused = amani("batch", "plan", table(rows), "-o", tmp_path / "plan2", "--json")
        assert problems(refused) == [(2, "to"), (3, "to")]
        # The same name in other letters is the same name.
        change_database(home, "UPDATE contact SET seen=replace(seen, 'Ada Obi', 'CHINWÉ EZE')")
        assert amani("batch", "plan", table(rows[1:]), "-o", tmp_path / "plan2").code == 0


class TestBetweenPlanAndRun:
    def test_another_server_behind_an_address_stops_the_row(
        self, amani: Amani, payer: Held, payee: Held, ada: str, lnurl_server: LnurlServer, planned: Planned
    ) -> None:
        plan = planned([{"to": ada, "amount": "5"}, {"to": payee.invoice(10)}])
        moved = lnurl_server.url.replace("127.0.0.1", "localhost") + "/cb/ada"
        lnurl_server.pay_to("ada", invoice_of(payee), callback=moved)
        run = amani("batch", "run", plan, "--yes", "--json")
        assert run.code == 11
        assert "server behind it was 127.0.0.1" in failures(run.stdout)[2]
        assert payee.sat == 10
        lnurl_server.pay_to("ada", invoice_of(payee))
        assert amani("batch", "run", plan, "--yes").code == 0
        assert payee.sat == 15

    def test_limits_that_an_address_has_by_now_stop_the_row(
        self, amani: Amani, payer: Held, payee: Held, ada: str, lnurl_server: LnurlServer, planned: Planned
    ) -> None:
        plan = planned([{"to": ada, "amount": "5"}])
        for least, most, asks in ((6000, 10_000, 5), (1000, 4000, 5), (1000, 10_000, 50)):

            def invoice(*_: object, sat: int = asks) -> str:
                return payee.invoice(sat)

            lnurl_server.pay_to("ada", invoice, least=least, most=most)
            run = amani("batch", "run", plan, "--yes", "--json")
            assert (run.code, lines(run.stdout)[-1]["data"]["settled"]) == (11, 0)
        assert payee.sat == 0

    def test_another_holder_of_an_account_stops_the_row(
        self,
        amani: Amani,
        payer: Held,
        shop: Merchant,
        double: Double,
        planned: Planned,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        plan = planned([{"to": BANK, "amount": "5000NGN"}])
        monkeypatch.setitem(doubles.ACCOUNTS, ("2345678901", "058"), "Ada Obi")
        run = amani("batch", "run", plan, "--yes", "--json")
        assert run.code == 11
        assert "name at the bank was Chinwe Eze and is Ada Obi" in failures(run.stdout)[2]
        assert not double.posts(PAYOUTS)
