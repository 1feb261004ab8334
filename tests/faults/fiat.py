"""A Fincra business behind a line that can break: the commands that use it, and what the double says became of them."""

from __future__ import annotations

import contextlib
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from amani_cli.times import to_rfc3339
from tests.conftest import change_database, write_key
from tests.kit import ledgers
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import FaultProxy
from tests.kit.fincra_double import FAILING_ACCOUNT, Double, Merchant

BANKS, RESOLVE, WALLETS = "GET /core/banks", "POST /core/accounts/resolve", "GET /wallets"
ME, LOGS, OWNER = "GET /profile/business/me", "GET /wallets/logs", "GET /wallets/{number}/get-by-wallet-number"
PAYOUT, RECORD = "POST /disbursements/payouts", "GET /disbursements/payouts/customer-reference/{ref}"
TO_WALLET, QUOTE = "POST /disbursements/payouts/wallets", "POST /quotes/generate"
CONVERT, CONVERSION = "POST /conversions/initiate", "GET /conversions/customer-reference/{ref}"
REFUNDS = "GET /disbursements/refunds"
CHECKOUT, PAGE = "POST /checkout/payments", "GET /checkout/payments/merchant-reference/{ref}"
SENDS_MONEY = {PAYOUT, TO_WALLET, CONVERT}

BANK = "bank:058/2345678901"
AGE_S = 2 * 86400
COLUMNS = (
    *("direction", "destination", "our_reference", "provider_reference", "status", "kind"),
    *("amount", "fee", "currency", "received", "received_currency"),
)


@dataclass(frozen=True)
class Command:
    """A command, what a clean run of it asks of Fincra, and how many movements of money it stands for.

    `after` names what has to be there before: see `World.prepare`. `fails` says that Fincra will refuse the payee.
    """

    words: str
    asks: tuple[str, ...]
    moves: int = 0
    after: str = ""
    fails: bool = False

    @property
    def makes_page(self) -> bool:
        """Whether it asks for money."""
        return CHECKOUT in self.asks


_PAY = "pay {to} {amount} --reference r --yes"
COMMANDS = {
    "wallet add": Command("wallet add new --provider fincra --url {url} --key-file {key} --public-key {public}", (ME,)),
    "wallet balance": Command("wallet balance", (WALLETS,)),
    "contact banks": Command("contact banks GHS", (BANKS, BANKS)),
    "invoice create": Command("invoice create 5000NGN --name Ada·Obi --email a@example.com --reference r", (CHECKOUT,)),
    "invoice check": Command("invoice check {page}", (PAGE,), after="a paid page"),
    "invoice wait": Command("invoice wait {page}", (PAGE,), after="a paid page"),
    "pay bank": Command(_PAY.format(to=BANK, amount="5000NGN"), (BANKS, RESOLVE, WALLETS, PAYOUT, RECORD), moves=1),
    "pay phone": Command(
        _PAY.format(to="momo:AIRTEL/233541234567", amount="120GHS"), (BANKS, RESOLVE, WALLETS, PAYOUT, RECORD), moves=1
    ),
    "pay unchecked": Command(
        _PAY.format(to="momo:MTN/256701234567", amount="5000UGX") + " --to-name Ada·Obi --name-unverified",
        (BANKS, WALLETS, PAYOUT, RECORD),
        moves=1,
    ),
    "pay at a quote": Command(
        _PAY.format(to=BANK, amount="15000NGN") + " --from-currency USD",
        (BANKS, RESOLVE, WALLETS, QUOTE, PAYOUT, RECORD),
        moves=1,
    ),
    "pay in vain": Command(
        _PAY.format(to=f"bank:058/{FAILING_ACCOUNT}", amount="5000NGN"),
        (BANKS, RESOLVE, WALLETS, PAYOUT, RECORD),
        moves=1,
        fails=True,
    ),
    "pay again": Command(_PAY.format(to=BANK, amount="5000NGN"), (RECORD,), moves=1, after="an open payout"),
    "transfer": Command(
        "transfer branch 5000NGN --from shop --reference r --yes", (WALLETS, OWNER, WALLETS, TO_WALLET, RECORD), moves=1
    ),
    "wallet convert": Command(
        "wallet convert 100USD --to NGN --reference r --yes", (WALLETS, QUOTE, CONVERT, CONVERSION), moves=1
    ),
    "batch run": Command(
        "batch run {plan} --jobs 1 --yes",
        (WALLETS, RESOLVE, WALLETS, PAYOUT, RECORD, RESOLVE, WALLETS, PAYOUT, RECORD),  # the plan knows the banks
        moves=2,
        after="a plan",
    ),
    "history sync": Command("history sync -w shop", (LOGS,), after="a stranger's payout"),
    "reconcile": Command("reconcile", (RECORD, LOGS, REFUNDS), moves=1, after="an open payout"),
    "trace": Command("trace r", (RECORD,), moves=1, after="an open payout"),
}


@dataclass
class World:
    """One business, `shop`, and another, `branch`, as amani knows them through `proxy`."""

    amani: Amani
    double: Double
    proxy: FaultProxy
    home: Path
    folder: Path
    shop: Merchant
    branch: Merchant
    blanks: dict[str, str] = field(default_factory=dict)
    began: dict[str, Decimal] = field(default_factory=dict)

    def prepare(self, what: str) -> None:
        """Bring about what a command needs."""
        if what == "a paid page":
            made = self.amani(*self.words(COMMANDS["invoice create"]), "--json").data
            self.double.receive(made["our_reference"], None)
            self.blanks["page"] = made["our_reference"]
        elif what == "an open payout":
            self.double.settle_on_read = 1000
            assert self.amani(*self.words(COMMANDS["pay bank"]), "--no-wait").code == 8
            self.double.settle_on_read = 1
        elif what == "a stranger's payout":
            self.double.settle(self.stranger(self.shop))
        elif what == "a plan":
            table = self.folder / "people.csv"
            with table.open("w", newline="") as file:
                csv.writer(file).writerows([["to", "amount"], [BANK, "100NGN"], ["momo:AIRTEL/233541234567", "50GHS"]])
            plan = self.folder / "plan.json"
            made = self.amani("batch", "plan", table, "-o", plan, "--fiat-wallet", "shop")
            assert made.code == 0, made
            self.blanks["plan"] = str(plan)

    def stranger(self, owner: Merchant) -> dict[str, Any]:
        """A payout that somebody else made with the same key."""
        account = self.double.account(owner, "NGN")
        account.available -= 17
        account.locked += 17
        self.double.payouts.append(
            {
                "id": 7,
                "key": owner.key,
                "reference": "of-another",
                "customerReference": "another",
                "status": "processing",
                "sourceCurrency": "NGN",
                "destinationCurrency": "NGN",
                "amount": Decimal(17),
                "total": Decimal(17),
                "received": Decimal(17),
                "recipient": {},
                "text": "",
                "settled": None,
                "reads": 0,
                "hidden": 0,
                "documents": [],
                "lacks": None,
            }
        )
        return self.double.payouts[-1]

    def words(self, command: Command) -> list[str]:
        """A command's words, with the blanks filled in; a middle dot stands for a space."""
        return [word.format(**self.blanks).replace("·", " ") for word in command.words.split()]

    def run(self, command: Command) -> Result:
        """Run it for a moment's patience."""
        return self.amani(*self.words(command), "--json", "--timeout", "1s")

    # -- what became of it ---------------------------------------------------------------------------------

    @property
    def stored(self) -> dict[str, str]:
        """Every movement that Fincra has of ours, by our reference, and how it stands."""
        rows = [row for row in self.double.payouts if row["customerReference"] != "another"]
        return {row["customerReference"]: row["status"] for row in [*rows, *self.double.conversions]}

    @property
    def moving(self) -> dict[str, str]:
        """Those that moved money or still may."""
        return {reference: status for reference, status in self.stored.items() if status != "failed"}

    @property
    def pages(self) -> list[str]:
        """The checkouts that Fincra has of ours, by our reference."""
        return [row["merchantReference"] for row in self.double.checkouts]

    def journal(self) -> list[dict[str, Any]]:
        """Every entry of amani's."""
        rows = ledgers.ask(self.home, f"SELECT {', '.join(COLUMNS)} FROM payment ORDER BY id")
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def sent(self) -> dict[str, str]:
        """The entries of what amani sent, by our reference, and how they stand."""
        rows = [row for row in self.journal() if row["direction"] == "out" and row["destination"] is not None]
        return {row["our_reference"]: row["status"] for row in rows}

    def holds_journal_to_the_record(self) -> None:
        """What Fincra has was journaled before; what the journal is sure of is what Fincra says."""
        sent = self.sent()
        assert set(self.stored) <= set(sent), "money left that was never journaled"
        for reference, status in sent.items():
            told = self.stored.get(reference, "none")
            if status == "settled":
                assert told == "successful", (status, told)
            elif status == "failed":
                assert told in ("none", "failed"), (status, told)

    def never_sent_twice(self) -> None:
        """Assert that no order was posted twice under one reference."""
        orders = [each.json["customerReference"] for each in self.proxy.those("POST") if _is_order(each.path)]
        assert len(orders) == len(set(orders)), "an order was sent anew"

    def let_time_pass(self) -> None:
        """Two days later: what Fincra has not heard of by now never reached it."""
        then = to_rfc3339(int(time.time()) - AGE_S)
        change_database(self.home, "UPDATE payment SET created_at=? WHERE status='unknown'", then)

    def repeats_until_certain(self, command: Command) -> None:
        """The same command again, two days later at the most, until it has moved what it stands for: once."""
        unheard = 0
        while True:
            again = self.run(command)
            self.holds_journal_to_the_record()
            assert len(self.moving) <= command.moves
            settled = self.amani("reconcile", "--json")
            if settled.code == 0:
                break
            unheard += 1
            assert (settled.code, unheard) == (8, 1), settled
            assert set(self.sent()) - set(self.stored), "Fincra knows all, and yet something is open"
            self.let_time_pass()
        if unheard:
            again = self.run(command)
        assert again.code == (6 if command.fails else 0), again
        assert len(self.moving) == (0 if command.fails else command.moves)
        self.holds_journal_to_the_record()
        self.never_sent_twice()
        self.books()

    def books(self) -> Decimal:
        """Assert that the journal adds up to what Fincra's ledgers did, to the last decimal; returns what was moved."""
        moved: dict[str, Decimal] = {}
        halves = {
            row["provider_reference"] for row in self.journal() if (row["kind"], row["direction"]) == ("convert", "in")
        }
        for row in self.journal():
            if row["status"] != "settled":
                continue
            amount, fee = Decimal(row["amount"]), Decimal(row["fee"] or 0)
            if row["direction"] == "in":
                moved[row["currency"]] = moved.get(row["currency"], Decimal(0)) + amount
                continue
            moved[row["currency"]] = moved.get(row["currency"], Decimal(0)) - amount - fee
            if row["kind"] == "convert" and row["provider_reference"] not in halves:  # a sync brings in the other half
                came = moved.get(row["received_currency"], Decimal(0))
                moved[row["received_currency"]] = came + Decimal(row["received"])
        now = balances(self.shop, self.branch)
        theirs = {currency: now[currency] - began for currency, began in self.began.items()}
        assert {each: value for each, value in theirs.items() if value} == {
            each: value for each, value in moved.items() if value
        }, "the books differ from Fincra's ledgers"
        return sum(map(abs, theirs.values()), Decimal(0))


def _is_order(path: str) -> bool:
    return f"POST {path}" in SENDS_MONEY


def balances(*merchants: Merchant) -> dict[str, Decimal]:
    """What they hold together, by currency."""
    total: dict[str, Decimal] = {}
    for merchant in merchants:
        for currency, account in merchant.accounts.items():
            total[currency] = total.get(currency, Decimal(0)) + account.ledger
    return total


@contextlib.contextmanager
def world(amani: Amani, home: Path, folder: Path) -> Iterator[World]:
    """A double, a proxy before it, and two businesses registered by way of the proxy, whose payouts need no PIN."""
    with Double().running() as double, FaultProxy(double.url) as proxy:
        shop = double.merchant("Ada Stores Ltd", NGN="100000", GHS="5000", UGX="1000000", USD="500")
        branch = double.merchant("Ada Branch Ltd", NGN="0")
        new = double.merchant("New Ltd", NGN="0")
        amani.secrets |= {shop.key, branch.key, new.key}
        for name, merchant in {"shop": shop, "branch": branch}.items():
            key = write_key(folder / f"{name}.key", merchant.key)
            words = ("wallet", "add", name, "--provider", "fincra", "--url", proxy.url, "--key-file", key)
            assert amani(*words, "--public-key", merchant.public_key).code == 0
        for currency in ("NGN", "GHS", "UGX", "USD"):
            change_database(home, "INSERT INTO pin_threshold VALUES (?,?,?)", shop.business, currency, "1000000")
        made = World(amani, double, proxy, home, folder, shop, branch)
        made.began = balances(shop, branch)
        made.blanks = {"url": proxy.url, "key": str(write_key(folder / "new.key", new.key)), "public": new.public_key}
        yield made
