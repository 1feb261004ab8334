"""What is handed on: receipts and advices with the banks' references, words for exchanges, Fincra's own statement."""

from __future__ import annotations

import re
import stat
from decimal import Decimal
from pathlib import Path

import pytest

from amani_cli.providers.fiat import Statement
from tests.conftest import change_database
from tests.fiat.test_operating import LAST, paid, shop
from tests.kit.driver import Amani
from tests.kit.fincra_double import Double, Merchant

__all__ = ["shop"]


class TestReceipts:
    def test_name_fincras_reference_and_the_session(self, amani: Amani, shop: Merchant, double: Double) -> None:
        data = paid(amani, "10NGN", "--memo", "rent")
        assert data["provider_reference"] == double.payouts[0]["reference"]
        assert data["session_id"] == f"09{double.payouts[0]['reference']}"
        shown = amani("history", "show", data["id"]).stdout
        assert data["provider_reference"] in shown
        assert data["session_id"] in shown

    def test_trace_speaks_of_banks(self, amani: Amani, shop: Merchant) -> None:
        data = paid(amani, "10NGN")
        tell = amani("trace", data["id"], "--json").data["tell"]
        assert f"session id {data['session_id']}" in tell
        assert "preimage" not in tell
        unknown = amani("trace", "nobody-knows-it", "--json").json["data"]
        assert "session id that their bank shows" in unknown["next"][-1]
        assert "preimage" not in str(unknown)

    def test_an_exchange_has_words(self, amani: Amani, shop: Merchant) -> None:
        words = ("wallet", "convert", "100USD", "--to", "NGN")
        plan = amani(*words, "--dry-run").stdout
        assert re.search(r"quote holds: +[12][0-9] s, until \d\d:\d\d:\d\d", plan)
        data = amani(*words, "--yes", "--json").data
        assert data["memo"] == "Exchange of 100.00 USD into NGN"
        assert "an exchange between two currencies" in amani("trace", data["id"], "--json").data["tell"]


class TestAdvices:
    @pytest.mark.parametrize("form", ["html", "pdf"])
    def test_are_written_for_the_payee(self, amani: Amani, shop: Merchant, tmp_path: Path, form: str) -> None:
        data = paid(amani, "1234.50NGN", "--memo", "rent <August>", "--category", "secret plans")
        path = tmp_path / f"advice.{form}"
        assert amani("history", "show", data["id"], "--print", str(path)).code == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if form == "pdf":
            assert path.read_bytes().startswith(b"%PDF")
            return
        text = path.read_text()
        for words in (
            "1,234.50 NGN",
            "Chinwe Eze",
            "rent &lt;August&gt;",
            data["session_id"],
            data["provider_reference"],
        ):
            assert words in text
        assert "Test money" in text
        for words in ("10.75", "secret plans"):  # the payer's own business
            assert words not in text

    def test_of_what_did_not_settle_there_is_none(
        self, amani: Amani, shop: Merchant, double: Double, tmp_path: Path
    ) -> None:
        path = tmp_path / "advice.html"
        double.settle_on_read = 1000
        open_ = amani("pay", "bank:058/2345678901", "10NGN", "--yes", "--no-wait", "--json").error["id"]
        refused = amani("history", "show", open_, "--print", str(path), "--json")
        assert (refused.code, refused.error["code"]) == (2, "NO_ADVICE")
        wrong = amani("history", "show", open_, "--print", str(tmp_path / "advice.txt"), "--json")
        assert wrong.error["code"] == "BAD_PRINT"
        assert not list(tmp_path.glob("advice*"))


class TestTheStatement:
    def closed(self, amani: Amani) -> dict[str, object]:
        items = amani("close", "--json").json["data"]["items"]
        found: dict[str, object] = next(each for each in items if each["unit"] == "NGN")
        return found

    @pytest.fixture
    def month(self, amani: Amani, shop: Merchant, double: Double, home: Path) -> Merchant:
        """A month that money came and left in, here as at Fincra."""
        assert amani("history", "sync").code == 0
        paid(amani)
        assert amani("history", "sync").code == 0
        change_database(home, f"UPDATE payment SET settled_at='{LAST}-15T12:00:00Z', created_at='{LAST}-15T12:00:00Z'")
        for line in shop.log:
            line["createdAt"] = f"{LAST}-15T12:00:00.000Z"
        return shop

    def test_is_the_figure_where_it_agrees(self, amani: Amani, month: Merchant, double: Double) -> None:
        item = self.closed(amani)
        assert (item["closing"], item["provider_closing"], item["notes"]) == ("44989.25", "44989.25", [])
        asked = [where for _, where, _ in double.requests if where == "/wallets/logs/statement"]
        assert asked

    def test_what_is_amiss_since_then_is_another_months(
        self, amani: Amani, month: Merchant, double: Double, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        double.account(month, "NGN").available -= 3
        right = Statement(Decimal(0), Decimal("44989.25"))
        monkeypatch.setattr("amani_cli.providers.fincra.Fincra.statement", lambda *_: right)
        item = self.closed(amani)
        assert (item["differences"], item["provider_closing"]) == ([], "44989.25")
        assert "today's balance counted back is 44986.25 NGN" in str(item["notes"])

    def test_without_one_the_balance_is_counted_back(self, amani: Amani, month: Merchant, double: Double) -> None:
        double.fail("404 RESOURCE_NOT_FOUND", "GET", "/wallets/logs/statement", times=9)
        item = self.closed(amani)
        assert (item["provider_closing"], item["differences"]) == ("44989.25", [])

    def test_one_that_says_otherwise_is_told(self, amani: Amani, month: Merchant, double: Double) -> None:
        for line in month.log:
            line["createdAt"] = "2020-01-01T12:00:00.000Z"
        item = self.closed(amani)
        assert item["differences"] == []
        assert "by Fincra's statement the balance went from" in str(item["notes"])
