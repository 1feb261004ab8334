"""Every way out of a wallet is bound by its line: refused without a request, sent once with one, on both providers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Held, change_database
from tests.destinations.conftest import mark_as_sandbox
from tests.kit.crowd import at_once, codes
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import Exchange, FaultProxy, answer, cut
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness, without_pin
from tests.kit.lnurl_server import METADATA, LnurlServer, Query
from tests.kit.persons import Person, exported, filed

pytestmark = pytest.mark.lnbits


@dataclass
class World:
    """A wallet with 10,000 sat and a line at 1,000, where it may pay to, and Ana, who may approve."""

    amani: Amani
    main: Held
    other: Held
    ana: Person
    folder: Path
    lnurl: LnurlServer

    def address(self) -> str:
        def invoice(msat: int, _: Query) -> str:
            return self.other.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())

        return self.lnurl.pay_to("ada", invoice)

    def approved(self, id: str) -> Path:
        """Ana's signature of a request."""
        return self.ana.signs(exported(self.amani, id, self.folder / f"{id}.json"))

    def plan(self) -> Path:
        """A batch of which no row is above the line, and the whole is."""
        table, plan = self.folder / "table.csv", self.folder / "plan"
        if not plan.exists():
            rows = [self.other.invoice(600) for _ in range(3)]
            table.write_text("to\n" + "\n".join(rows) + "\n")
            assert self.amani("batch", "plan", table, "-o", plan, "--wallet", "main").code == 0
        return plan


@pytest.fixture
def world(
    amani: Amani, line: Held, other: Held, ana: Person, tmp_path: Path, lnurl_server: LnurlServer, home: Path
) -> World:
    mark_as_sandbox(home)
    return World(amani, line, other, ana, tmp_path, lnurl_server)


Words = Callable[[World], tuple[object, ...]]

WAYS: dict[str, tuple[Words, int]] = {
    "an invoice": (lambda world: ("pay", world.other.invoice(2000)), 2000),
    "an address": (lambda world: ("pay", world.address(), "2000"), 2000),
    "all there is": (lambda world: ("pay", world.address(), "max", "--keep", "7000"), 2970),
    "a transfer": (lambda world: ("transfer", "other", "2000"), 2000),
    "a cheque": (lambda world: ("cheque", "create", "2000"), 2000),
    "cheques that are above it together": (lambda world: ("cheque", "create", "600", "--count", "2"), 1200),
    "a batch that is above it as a whole": (lambda world: ("batch", "run", world.plan()), 1800),
}


@pytest.mark.parametrize("way", WAYS)
def test_by_lightning(world: World, way: str) -> None:
    amani, (words_of, sat) = world.amani, WAYS[way]
    words = words_of(world)
    refused = amani(*words, "--yes", "--json")
    assert refused.code == 9, refused
    assert refused.json["error"]["code"] == "NEEDS_APPROVAL"
    assert "--request" in refused.json["error"]["hint"]
    request = filed(amani(*words, "--request", "--json"))
    assert (request["status"], request["needed"], request["amount_msat"]) == ("open", 1, sat * 1000)
    early = amani("request", "run", request["id"], "--yes")
    assert early.code == 9
    assert world.main.sat == 10_000
    run = amani("request", "run", request["id"], "--approval", world.approved(request["id"]), "--yes")
    assert run.code == 0, run
    assert run.stdout.count("amani1") == {"a cheque": 1, "cheques that are above it together": 2}.get(way, 0)
    left = world.main.sat
    assert 10_000 - sat - 30 <= left <= 10_000 - sat
    again = amani("request", "run", request["id"], "--yes")
    assert again.code == 0, again
    assert world.main.sat == left
    assert amani("request", "show", request["id"], "--json").data["status"] == "settled"


def test_the_faucet_gives_nothing_above_it(world: World) -> None:
    words = ("faucet", "configure", "--wallet", "main", "--amount")
    assert world.amani(*words, "1500", "--json").error["code"] == "NEEDS_APPROVAL"
    assert world.amani(*words, "900").code == 0
    assert world.amani("wallet", "limit", "main", "--approve-above", "800").code == 0
    refused = world.amani("faucet", "claim", "--wallet", "other", "--json")
    assert (refused.code, refused.error["code"]) == (9, "NEEDS_APPROVAL")
    assert world.main.sat == 10_000


def test_a_claim_of_a_cheque_pays_what_was_set_aside(world: World) -> None:
    """Approved when it is written: whoever has the code needs nobody's approval."""
    request = filed(world.amani("cheque", "create", "2000", "--request", "--json"))
    signed = world.approved(request["id"])
    run = world.amani("cheque", "list", "--json")
    assert run.data["items"] == []
    words = ("request", "run", request["id"], "--approval", signed, "--yes", "-q")
    done = world.amani.process(*words)
    assert done.code == 0
    code = done.stdout.strip()
    claimed = world.amani("cheque", "claim", "-", "--to", "other", "--json", stdin=code)
    assert claimed.data["status"] == "settled"
    assert world.other.sat == 2000


def test_a_link_that_was_asked_for_is_a_link_when_it_is_written(world: World) -> None:
    """And leads where it was to lead: another place is another request."""
    amani = world.amani
    assert amani("config", "set", "base_url", "https://pay.example.com").code == 0
    request = filed(amani("cheque", "create", "2000", "--link", "--request", "--json"))
    assert amani("config", "set", "base_url", "https://elsewhere.example.com").code == 0
    words = ("request", "run", request["id"], "--approval", world.approved(request["id"]), "--yes")
    refused = amani(*words, "--json")
    assert (refused.code, refused.error["code"]) == (9, "NOT_AS_REQUESTED")
    assert world.main.sat == 10_000
    assert amani("config", "set", "base_url", "https://pay.example.com").code == 0
    done = amani.process("request", "run", request["id"], "--yes", "--json")
    assert done.data["link"].startswith("https://pay.example.com/c/")


class TestBatchesOfLinks:
    """What a link's reserve sets aside leaves the wallet too: the line and the request count it."""

    def plan(self, world: World, amounts: list[int]) -> Path:
        table, plan = world.folder / "links.csv", world.folder / "links.plan"
        assert world.amani("config", "set", "base_url", "https://pay.example.com").code == 0
        table.write_text("to,amount\n" + "".join(f"link,{sat}sat\n" for sat in amounts))
        assert world.amani("batch", "plan", table, "-o", plan, "--wallet", "main").code == 0
        return plan

    def test_above_the_line_with_their_reserves_alone(self, world: World) -> None:
        refused = world.amani("batch", "run", self.plan(world, [500, 500]), "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "NEEDS_APPROVAL")
        assert world.main.sat == 10_000

    def test_by_a_request(self, world: World) -> None:
        plan = self.plan(world, [900, 900])
        request = filed(world.amani("batch", "run", plan, "--request", "--json"))
        assert (request["amount_msat"], request["max_fee_msat"]) == (1_818_000, 0)
        signed = world.approved(request["id"])
        done = world.amani("request", "run", request["id"], "--approval", signed, "--yes")
        assert (done.code, world.main.sat) == (0, 10_000 - 1818), done
        assert world.amani("request", "show", request["id"], "--json").data["status"] == "settled"

    def test_links_lead_where_was_agreed(self, world: World) -> None:
        request = filed(world.amani("batch", "run", self.plan(world, [900, 900]), "--request", "--json"))
        assert "links to https://pay.example.com" in request["details"]
        signed = world.approved(request["id"])
        assert world.amani("config", "set", "base_url", "https://elsewhere.example.com").code == 0
        words = ("request", "run", request["id"], "--approval", signed, "--yes")
        refused = world.amani(*words, "--json")
        assert (refused.error["code"], world.main.sat) == ("NOT_AS_REQUESTED", 10_000)
        assert world.amani("config", "set", "base_url", "https://pay.example.com").code == 0
        assert world.amani("request", "run", request["id"], "--yes").code == 0
        codes = (world.folder / "links.plan.codes.csv").read_text()
        assert codes.count("https://pay.example.com/c/") == 2


class TestGoingOn:
    """`reconcile --resume`, and the same command again, of what never arrived."""

    def never_arrives(self, world: World, home: Path, *words: object) -> str:
        with FaultProxy(world.main.server.url) as proxy:
            lost = cut(after=False)

            def fall(exchange: Exchange) -> None:
                lost(exchange) if (exchange.json or {}).get("out") else exchange.reply(exchange.forward())

            proxy.on(fall, "POST", "/api/v1/payments", times=None)
            change_database(home, "UPDATE wallet SET url=?", proxy.url)
            ended = world.amani(*words, "--json", "--timeout", "1s")
            change_database(home, "UPDATE wallet SET url=?", world.main.server.url)
        assert ended.code == 8, ended
        return str(ended.error["id"])

    def test_above_a_line_that_was_lowered_since(self, world: World, home: Path) -> None:
        entry = self.never_arrives(world, home, "pay", world.other.invoice(900), "--yes")
        assert world.amani("wallet", "limit", "main", "--approve-above", "100sat").code == 0
        refused = world.amani("reconcile", "--resume", entry, "--yes", "--json")
        assert refused.error["code"] == "NEEDS_APPROVAL"
        assert refused.error["money_moved"] == "maybe"
        assert world.main.sat == 10_000

    def test_what_was_approved_goes_on(self, world: World, home: Path) -> None:
        request = filed(world.amani("pay", world.other.invoice(2000), "--request", "--json"))
        signed = world.approved(request["id"])
        self.never_arrives(world, home, "request", "run", request["id"], "--approval", signed, "--yes")
        assert world.amani("request", "show", request["id"], "--json").data["status"] == "unknown"
        done = world.amani("request", "run", request["id"], "--yes", "--json")
        assert done.data["status"] == "settled", done
        assert world.main.sat == 8000

    def test_not_once_its_approver_is_gone(self, world: World, home: Path) -> None:
        request = filed(world.amani("pay", world.other.invoice(2000), "--request", "--json"))
        signed = world.approved(request["id"])
        entry = self.never_arrives(world, home, "request", "run", request["id"], "--approval", signed, "--yes")
        change_database(home, "DELETE FROM approver")
        for words in (("reconcile", "--resume", entry), ("request", "run", request["id"])):
            refused = world.amani(*words, "--yes", "--json")
            assert refused.error["code"] == "NEEDS_APPROVAL", refused
            assert "no approver any more" in refused.error["message"]
        assert world.amani("request", "show", request["id"], "--json").data["status"] == "unknown"
        assert world.main.sat == 10_000

    def test_what_was_taken_for_failed_and_settled(self, world: World, home: Path) -> None:
        """The journal's word counts: it is corrected when a record says otherwise, and its request with it."""
        request = filed(world.amani("pay", world.other.invoice(2000), "--request", "--json"))
        signed = world.approved(request["id"])
        assert world.amani("request", "run", request["id"], "--approval", signed, "--yes").code == 0
        change_database(home, "UPDATE request SET status='failed'")
        assert world.amani("request", "show", request["id"], "--json").data["status"] == "settled"


class TestBounds:
    def test_an_address_that_became_somebody_else_s(self, world: World) -> None:
        request = filed(world.amani("pay", world.address(), "2000", "--request", "--json"))
        signed = world.approved(request["id"])
        world.lnurl.pay_to(
            "ada",
            lambda msat, _: world.other.invoice(msat // 1000, unhashed_description=METADATA.encode().hex()),
            callback=f"http://localhost:{world.lnurl.host.rpartition(':')[2]}/cb/ada",
        )
        refused = world.amani("request", "run", request["id"], "--approval", signed, "--yes", "--json")
        assert refused.error["code"] == "PAYEE_CHANGED", refused
        assert world.main.sat == 10_000
        assert world.amani("request", "show", request["id"], "--json").data["status"] == "approved"

    def test_a_fee_that_rose(self, world: World, home: Path) -> None:
        request = filed(world.amani("pay", world.other.invoice(2000), "--request", "--json"))
        assert request["max_fee_msat"] == 20_000
        signed = world.approved(request["id"])
        with FaultProxy(world.main.server.url) as proxy:
            proxy.on(answer(200, {"fee_reserve": 20_001}), "GET", "/api/v1/payments/fee-reserve", times=None)
            change_database(home, "UPDATE wallet SET url=?", proxy.url)
            words = ("request", "run", request["id"], "--approval", signed, "--yes", "--json")
            assert world.amani(*words).error["code"] == "MAX_FEE"
            change_database(home, "UPDATE wallet SET url=?", world.main.server.url)
        assert world.main.sat == 10_000

    def test_a_plan_that_was_replaced(self, world: World) -> None:
        request = filed(world.amani("batch", "run", world.plan(), "--request", "--json"))
        signed = world.approved(request["id"])
        plan = world.plan()
        plan.unlink()
        world.plan()
        refused = world.amani("request", "run", request["id"], "--approval", signed, "--yes", "--json")
        assert refused.error["code"] == "NOT_AS_REQUESTED"
        assert world.main.sat == 10_000

    def test_the_pin_stays_due(self, world: World) -> None:
        assert world.amani("pin", "set", "--pin-stdin", "--always", "--wallet", "main", stdin="4825\n").code == 0
        request = filed(world.amani("pay", world.other.invoice(2000), "--request", "--json"))
        words = ("request", "run", request["id"], "--approval", world.approved(request["id"]), "--yes", "--json")
        assert world.amani(*words).error["code"] == "PIN_NEEDED"
        assert world.amani(*words[:3], "--yes", "--json", "--pin-stdin", stdin="4825\n").data["status"] == "settled"

    def test_budgets_hold_when_it_runs(self, world: World) -> None:
        request = filed(world.amani("pay", world.other.invoice(2000), "--request", "--json"))
        signed = world.approved(request["id"])
        assert world.amani("wallet", "limit", "main", "--per-day", "1500sat").code == 0
        shown = world.amani("wallet", "limit", "main", "--json").data["items"]
        assert {each["name"]: each["left"] for each in shown}["requests waiting"] == "2,000 sat"
        refused = world.amani("request", "run", request["id"], "--approval", signed, "--yes", "--json")
        assert refused.error["code"] == "BUDGET"
        assert world.amani("request", "show", request["id"], "--json").data["status"] == "approved"
        assert world.amani("wallet", "limit", "main", "--per-day", "off").code == 0
        assert world.amani("request", "run", request["id"], "--yes").code == 0

    def test_with_no_wait_between_ten_at_once_it_is_sent_once(self, world: World) -> None:
        request = filed(world.amani("pay", world.address(), "2000", "--request", "--json"))
        stopped = world.amani("request", "run", request["id"], "--approval", world.approved(request["id"]))
        assert stopped.code == 5
        ran = at_once(world.amani, [(("request", "run", request["id"], "--yes", "--json"), None)] * 8, crowded=True)
        assert set(codes(ran)) <= {0, 12}, ran
        assert codes(ran)[0] >= 1
        assert world.main.sat >= 10_000 - 2000 - 30
        assert world.other.sat == 2000


# -- fiat ---------------------------------------------------------------------------------------------------------


@dataclass
class Shop:
    """A business with a line at 1,000 naira, another one, and Ana."""

    amani: Amani
    double: Double
    merchant: Merchant
    ana: Person
    folder: Path

    def approved(self, id: str) -> Path:
        return self.ana.signs(exported(self.amani, id, self.folder / f"{id}.json"))


@pytest.fixture
def shop(amani: Amani, add_business: AddBusiness, double: Double, home: Path, ana: Person, tmp_path: Path) -> Shop:
    merchant = add_business()
    branch = double.merchant("Ada Branch Ltd", NGN="0")
    add_business("branch", merchant=branch)
    without_pin(home, merchant, branch)
    assert amani("wallet", "limit", "shop", "--approve-above", "1000NGN").code == 0
    return Shop(amani, double, merchant, ana, tmp_path)


FIAT: dict[str, tuple[str, ...]] = {
    "a payout": ("pay", "bank:058/2345678901", "5000NGN", "--wallet", "shop"),
    "a transfer": ("transfer", "branch", "5000NGN", "--from", "shop"),
    "an exchange": ("wallet", "convert", "5000NGN", "--to", "USD", "--wallet", "shop"),
    "an exchange out of a currency without a line": ("wallet", "convert", "5USD", "--to", "NGN", "--wallet", "shop"),
}


@pytest.mark.parametrize("way", FIAT)
def test_by_fincra(shop: Shop, way: str) -> None:
    amani, words = shop.amani, FIAT[way]
    refused = amani(*words, "--yes", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (9, "NEEDS_APPROVAL"), refused
    before = {name: each.available for name, each in shop.merchant.accounts.items()}
    request = filed(amani(*words, "--request", "--json"))
    assert request["needed"] == 1
    assert amani("request", "run", request["id"], "--yes").code == 9
    assert {name: each.available for name, each in shop.merchant.accounts.items()} == before
    words = ("request", "run", request["id"], "--approval", str(shop.approved(request["id"])), "--yes", "--json")
    done = amani(*words)
    assert done.data["status"] == "settled", done
    after = {name: each.available for name, each in shop.merchant.accounts.items()}
    assert after != before
    assert amani("request", "run", request["id"], "--yes", "--json").data["replayed"] is True
    assert {name: each.available for name, each in shop.merchant.accounts.items()} == after


def test_below_the_line_a_payout_needs_nobody(shop: Shop) -> None:
    assert shop.amani("pay", "bank:058/2345678901", "900NGN", "--wallet", "shop", "--yes").code == 0


def test_a_batch_of_payouts_is_above_it_as_a_whole(shop: Shop) -> None:
    table, plan = shop.folder / "t.csv", shop.folder / "plan"
    table.write_text("to,amount\nbank:058/2345678901,600NGN\nbank:058/2345678901,700NGN\n")
    assert shop.amani("batch", "plan", table, "-o", plan, "--wallet", "shop").code == 0
    refused: Result = shop.amani("batch", "run", plan, "--yes", "--json")
    assert json.loads(refused.stdout)["error"]["code"] == "NEEDS_APPROVAL"
    request = filed(shop.amani("batch", "run", plan, "--request", "--json"))
    assert request["amount"] == {"value": "1300.00", "currency": "NGN"}
    words = ("request", "run", request["id"], "--approval", shop.approved(request["id"]), "--yes")
    assert shop.amani(*words).code == 0
    assert shop.amani("request", "show", request["id"], "--json").data["status"] == "settled"
