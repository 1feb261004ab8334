"""What is agreed to is what is paid: a price, a host or a name that changes after the yes stops the row."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from amani_cli import errors
from amani_cli.batch.table import Row
from amani_cli.batch.terms import Allowance, Share, Terms
from amani_cli.wallets import rates
from tests.batch.conftest import WriteTable, lines
from tests.conftest import Held
from tests.destinations.test_fiat import Prices, ada, prices
from tests.kit.driver import Amani
from tests.kit.lnurl_server import LnurlServer

__all__ = ["ada", "prices"]

Planned = Callable[..., Path]


def failures(stdout: str) -> dict[int, str]:
    return {each["data"]["row"]: each["data"].get("failure", "") for each in lines(stdout)[:-1]}


@pytest.mark.lnbits
class TestPrices:
    @pytest.fixture
    def rows(self, payee: Held, prices: Prices, ada: str) -> list[dict[str, str]]:
        return [{"to": ada, "amount": "2.40USD"}, {"to": payee.invoice(10)}, {"to": ada, "amount": "0.80USD"}]

    def test_one_that_jumps_while_somebody_thinks_stops_the_fiat_rows_alone(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        prices: Prices,
        lnurl_server: LnurlServer,
        rows: list[dict[str, str]],
        planned: Planned,
    ) -> None:
        plan = planned(rows)
        with amani.terminal("batch", "run", plan) as terminal:
            terminal.expect("Pay them? [y/N]")
            assert "4,010 sat" in terminal.seen
            assert "3.20 USD, at 80,000" in terminal.seen
            prices.say(2_000)
            terminal.type("y")
            assert terminal.finish() == 11
            assert "more than the 1 % allowed" in terminal.seen
        assert payee.sat == 10
        assert not [path for path, _ in lnurl_server.seen if path.startswith("/cb/")]
        assert len(amani("history", "list", "-w", "payer", "--json").data["items"]) == 1
        # What is asked about anew is paid at the price that is shown then.
        prices.say(160_000)
        with amani.terminal("batch", "run", plan) as terminal:
            terminal.expect("Pay them? [y/N]")
            terminal.type("y")
            assert terminal.finish() == 0
        assert payee.sat == 10 + 2000

    @pytest.mark.parametrize(("price", "more", "code"), [(2_000, (), 11), (79_300, (), 0), (75_000, ("5%",), 11)])
    def test_a_yes_beforehand_is_for_what_the_plan_came_to(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        prices: Prices,
        rows: list[dict[str, str]],
        planned: Planned,
        price: int,
        more: tuple[str, ...],
        code: int,
    ) -> None:
        plan = planned(rows)
        prices.say(price)
        run = amani("batch", "run", plan, "--yes", "--json", *(("--max-slippage", *more) if more else ()))
        assert run.code == code, run
        assert payee.sat == (4010 if code == 0 else 10)
        if code:
            assert "80,000 USD" in failures(run.stdout)[2]
            again = amani("batch", "run", plan, "--yes", "--json", "--max-slippage", "100%")
            assert (again.code, payee.sat) == (0, 4010)

    def test_one_that_jumps_between_two_rows_changes_no_row(
        self,
        amani: Amani,
        payer: Held,
        payee: Held,
        prices: Prices,
        rows: list[dict[str, str]],
        planned: Planned,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        plan = planned(rows)
        monkeypatch.setattr(rates, "FRESH_S", -1)
        before = prices.proxy.answer

        def jumping(method: str, path: str) -> object:
            if path.startswith("/api/v1/rate/"):
                prices.say(2_000)  # from the next one on
            return before(method, path)

        prices.proxy.answer = jumping  # type: ignore[assignment]
        run = amani("batch", "run", plan, "--yes", "--jobs", "1", "--json")
        assert run.code == 11
        told = failures(run.stdout)
        assert (told[2], told[3]) == ("", "")
        assert "apart, more than the 1 % allowed" in told[4]
        assert payee.sat == 3010

    def test_many_rows_ask_for_a_price_once(
        self, amani: Amani, payer: Held, prices: Prices, ada: str, planned: Planned
    ) -> None:
        plan = planned({"to": ada, "amount": "0.80USD"} for _ in range(5))
        prices.proxy.seen.clear()
        assert amani("batch", "run", plan, "--yes", "--jobs", "1").code == 0
        assert len([path for _, path in prices.proxy.seen if path.startswith("/api/v1/rate/")]) == 1

    def test_without_a_price_there_is_no_plan(
        self, amani: Amani, payer: Held, prices: Prices, ada: str, table: WriteTable, tmp_path: Path
    ) -> None:
        prices.say(0)
        rows = [{"to": ada, "amount": "5"}, {"to": ada, "amount": "1USD"}, {"to": ada, "amount": "2USD"}]
        refused = amani("batch", "plan", table(rows), "-o", tmp_path / "plan", "--json")
        assert [(each["row"], each["column"]) for each in refused.error["rows"]] == [(3, "amount"), (4, "amount")]
        assert not (tmp_path / "plan").exists()


def row(number: int, amount_msat: int) -> Row:
    return Row(number, "lnurl", "a@b.cd", "a@b.cd", "", amount_msat, "", None, None, "")


class TestAllowance:
    def test_a_row_that_comes_to_more_is_not_paid(self) -> None:
        allowance = Allowance(Terms({2: Share(5000, 2000), 3: Share(90_000, 2000)}), Decimal(1))
        with pytest.raises(errors.RefusedByPolicy) as refused:
            allowance.take(row(2, 5000), 6000)
        assert refused.value.code == "BEYOND_AGREED"
        assert allowance.take(row(2, 5000), 5000) == 7000

    def test_fees_that_nobody_could_know_come_out_of_the_whole(self) -> None:
        allowance = Allowance(Terms({each: Share(5000, 2000) for each in (2, 3, 4)}), Decimal(1))
        allowance.spent(allowance.take(row(2, 5000), 5000), 5000 + 9000)
        allowance.spent(allowance.take(row(3, 5000), 5000), 0)  # it failed
        allowance.spent(allowance.take(row(4, 5000), 5000), 5000)
        with pytest.raises(errors.RefusedByPolicy) as refused:
            allowance.take(row(3, 5000), 5000)
        assert refused.value.code == "BEYOND_AGREED"
