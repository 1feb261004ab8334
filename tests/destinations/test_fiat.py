"""Amounts in fiat on Lightning: the wallet's own LNbits names the price, and without a good one nothing is paid."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amani_cli import errors
from amani_cli.models.money import Quoted
from amani_cli.wallets import rates
from tests.conftest import Held, change_database
from tests.kit.driver import Amani
from tests.kit.lnbits_server import LnbitsServer
from tests.kit.lnurl_proxy import Answer, Proxy
from tests.kit.lnurl_server import METADATA, LnurlServer

NOW = "2026-08-01T09:00:00Z"


class Prices:
    """What the server says about USD from now on."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.say(80_000)

    def say(self, price: float, rate: float | None = None) -> None:
        rate = (100_000_000 / price if price else 0.0) if rate is None else rate

        def answer(_: str, path: str) -> Answer:
            return (200, {"rate": rate, "price": price}) if path.startswith("/api/v1/rate/") else None

        self.proxy.answer = answer


@pytest.fixture
def prices(payer: Held, lnbits_server: LnbitsServer, home: Path) -> Iterator[Prices]:
    proxy = Proxy(lnbits_server.port)
    change_database(home, "UPDATE wallet SET url=?", proxy.url)
    yield Prices(proxy)
    proxy.stop()


@pytest.fixture
def ada(payee: Held, lnurl_server: LnurlServer) -> str:
    return lnurl_server.pay_to(
        "ada", lambda msat, _: payee.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())
    )


@pytest.mark.lnbits
class TestPaying:
    def test_the_amount_in_sat_is_rounded_up_and_the_price_kept(
        self, amani: Amani, payer: Held, payee: Held, prices: Prices, ada: str
    ) -> None:
        paid = amani("pay", ada, "2.50USD", "--yes", "--json")
        assert paid.data["amount_msat"] == 3_125_000
        quoted = paid.data["quoted"]
        assert (quoted["value"], quoted["currency"]) == ("2.50", "USD")
        assert Decimal(quoted["price"]) == 80_000
        assert quoted["source"] == prices.proxy.url.removeprefix("http://")
        assert amani("history", "show", paid.data["id"], "--json").data["quoted"] == quoted
        assert amani("pay", ada, "0.01USD", "--yes", "--json").data["amount_msat"] == 13_000  # 12.5 sat
        assert payee.sat == 3138

    def test_a_retry_of_an_open_payment_is_seen_whatever_a_bitcoin_is_worth_by_now(
        self, amani: Amani, payer: Held, payee: Held, prices: Prices, ada: str, home: Path
    ) -> None:
        for amount, price in (("2.50USD", 80_000), ("21", 80_000)):
            prices.say(price)
            words = ("pay", ada, amount, "--yes", "--json")
            first = amani(*words).data
            change_database(home, "UPDATE payment SET status='unknown', settled_at=NULL WHERE id=?", first["id"])
            prices.say(price + 10_000)
            again = amani(*words).error
            assert (again["exit"], again["id"]) == (8, first["id"])
            assert amani(*words, "--reference", f"another {amount}").code == 0
        assert payee.sat == 3125 + 2778 + 2 * 21
        assert amani("pay", payee.invoice(21), "--yes").code == 0  # an invoice is paid once whatever is open
        assert amani("reconcile", "--json").data["settled"] == 2
        assert amani("pay", ada, "21", "--yes").code == 0

    def test_the_question_shows_price_source_and_age(self, amani: Amani, payer: Held, prices: Prices, ada: str) -> None:
        with amani.terminal("pay", ada, "2.50USD") as terminal:
            terminal.expect("Pay? [y/N]")
            assert "2.50 USD, at 80,000" in terminal.seen
            assert prices.proxy.url.removeprefix("http://") in terminal.seen
            assert "just now" in terminal.seen
            terminal.type("n")
            assert terminal.finish() == 5

    @pytest.mark.parametrize(("price", "rate"), [(0, 0.0), (-1, -1.0), (80_000, 99.99), (80_000, 0.0)])
    def test_without_a_price_that_can_be_right_nothing_is_paid(
        self, amani: Amani, payer: Held, prices: Prices, ada: str, price: float, rate: float
    ) -> None:
        prices.say(price, rate)
        for command in (
            ("pay", ada, "20USD", "--yes"),
            ("invoice", "create", "20USD"),
            ("wallet", "balance", "--in", "USD"),
        ):
            refused = amani(*command, "--json")
            assert (refused.code, refused.error["code"]) == (10, "NO_RATE")
        assert payer.sat == 100_000

    def test_offline_lnbits_knows_no_price(self, amani: Amani, payer: Held, ada: str) -> None:
        refused = amani("pay", ada, "20USD", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (10, "NO_RATE")

    def test_a_retry_pays_the_same_invoice_unless_the_price_has_moved_too_far(
        self, amani: Amani, payer: Held, payee: Held, prices: Prices, ada: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("amani_cli.lightning.paying._begin", crash)
            assert amani("pay", ada, "2.50USD", "--reference", "r", "--yes").code == 130
        prices.say(82_000)
        refused = amani("pay", ada, "2.50USD", "--reference", "r", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "SLIPPAGE")
        paid = amani("pay", ada, "2.50USD", "--reference", "r", "--yes", "--max-slippage", "3%", "--json")
        assert paid.data["amount_msat"] == 3_125_000
        assert payee.sat == 3125

    @pytest.mark.parametrize("at", ["Pay? [y/N]", "PIN of"])
    def test_a_price_that_moves_while_a_person_thinks_stops_it(
        self, amani: Amani, payer: Held, prices: Prices, ada: str, at: str
    ) -> None:
        assert amani("pin", "set", "--always", "--wallet", "payer", "--pin-stdin", stdin="8317").code == 0
        words = ("pay", ada, "2.50USD", *(("--yes",) if at == "PIN of" else ()))
        with amani.terminal(*words) as terminal:
            terminal.expect(at)
            prices.say(2_000)
            if at != "PIN of":
                terminal.type("y")
                terminal.expect("PIN of")
            terminal.type("8317")
            assert terminal.finish() == 9
            assert "80,000 USD when the amount was worked out and is 2,000 now" in terminal.seen
        assert payer.sat == 100_000

    def test_an_invoice_has_its_own_amount(self, amani: Amani, payer: Held, payee: Held) -> None:
        refused = amani("pay", payee.invoice(5), "20USD", "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (2, "AMOUNT_DIFFERS")
        assert amani("pay", payee.invoice(5), "--max-slippage", "2%", "--yes").code == 2


@pytest.mark.lnbits
def test_an_invoice_over_fiat(amani: Amani, payer: Held, prices: Prices) -> None:
    made = amani("invoice", "create", "20USD", "--reference", "r", "--json")
    assert made.data["amount_msat"] == 25_000_000
    assert made.data["quoted"]["value"] == "20.00"
    prices.say(90_000)
    again = amani("invoice", "create", "20USD", "--reference", "r", "--json")
    assert (again.data["replayed"], again.data["bolt11"]) == (True, made.data["bolt11"])


@pytest.mark.lnbits
def test_the_books_value_it_at_the_price_that_was_quoted(
    amani: Amani, payer: Held, payee: Held, prices: Prices, ada: str
) -> None:
    assert amani("pay", ada, "2.50USD", "--yes").code == 0
    invoice = amani("invoice", "create", "20USD", "--json").data
    assert amani("pay", payee.invoice(5), "--yes").code == 0
    payee.server.fund(payee.id, 50_000)
    payee.pay(invoice["bolt11"])
    assert amani("invoice", "check", invoice["payment_hash"], "-q").stdout == "paid\n"
    exported = amani("history", "export", "--format", "csv", "-w", "payer").stdout
    rows = {row["amount"]: row for row in csv.DictReader(io.StringIO(exported))}
    paid = rows["-3125"]
    assert (paid["value"], paid["currency"]) == ("-2.50", "USD")
    assert Decimal(paid["rate"]) == 80_000
    assert paid["rate_source"] == prices.proxy.url.removeprefix("http://")
    assert (rows["25000"]["value"], rows["25000"]["rate_at"]) == ("20.00", invoice["quoted"]["at"])
    assert rows["-5"]["value"] == ""


@pytest.mark.lnbits
def test_a_balance_in_fiat_is_about(amani: Amani, payer: Held, prices: Prices) -> None:
    held = amani("wallet", "balance", "--in", "usd", "--json").data
    assert held["balance_msat"] == 100_000_000
    assert (held["about"]["value"], held["about"]["currency"]) == ("80.00", "USD")
    assert "about 80.00 USD" in amani("wallet", "balance", "--in", "USD").stdout
    assert "about" not in amani("wallet", "balance", "--json").data
    assert len(amani("wallet", "balance", "--all", "--in", "USD", "--json").data["items"]) == 2
    assert amani("wallet", "balance", "--in", "dollars").code == 2


@given(
    value=st.decimals("0.01", "100000", places=2),
    price=st.decimals("0.0001", "1000000000", places=4),
)
def test_sat_are_rounded_up_to_the_next_whole_one(value: Decimal, price: Decimal) -> None:
    quoted = Quoted(value, "USD", price, "x", NOW)
    try:
        msat = rates.to_msat(quoted)
    except errors.Usage:
        assert value / price > 20_999_999
        return
    sat, rest = divmod(msat, 1000)
    assert rest == 0
    assert (sat - 1) * price < value * 100_000_000 <= sat * price


@pytest.mark.parametrize("text", ["", "x", "-1", "101", "1e1", "1%%", "٣"])
def test_percentages_that_are_none(text: str) -> None:
    with pytest.raises(errors.Usage):
        rates.parse_percent(text)
