"""Going on with what never arrived: the same invoice, under the same entry, where the server pays a hash once."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from amani_cli import errors
from amani_cli.agents import door
from amani_cli.agents.tools import Agent
from amani_cli.batch import rows as batch_rows
from amani_cli.batch.plans import Plan
from amani_cli.models.batches import BatchRow
from amani_cli.store import requests
from amani_cli.store.ledger import Ledger
from amani_cli.store.rows import RequestRow
from amani_cli.times import to_rfc3339
from amani_cli.workspace import Workspace
from tests.conftest import AddWallet, Held, change_database, mark_on_server, write_key
from tests.kit.books import compared
from tests.kit.cheque_world import grow_older, log_in
from tests.kit.crowd import at_once
from tests.kit.driver import PATIENCE_S, Amani, Result, environment
from tests.kit.fault_proxy import Exchange, Fault, FaultProxy, answer, cut, kill
from tests.kit.going_back import Copied
from tests.kit.lnurl_server import METADATA, LnurlServer, Query
from tests.kit.persons import Person

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

PAYMENTS = "/api/v1/payments"
SAT = 21


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amani_cli.payments.engine.LAST_LOOK_S", 0.2)
    monkeypatch.setenv("AMANI_TIMEOUT", "20s")


@pytest.fixture
def proxy(lnbits_server: object, request: pytest.FixtureRequest) -> Iterator[FaultProxy]:
    with FaultProxy(request.getfixturevalue("lnbits_server").url) as made:
        yield made


@dataclass
class World:
    """`giver`, the default wallet with 5,000 sat, and `taker`, both by way of a proxy."""

    amani: Amani
    home: Path
    folder: Path
    giver: Held
    taker: Held
    proxy: FaultProxy

    def sent(self) -> list[str]:
        """The invoices that were told to be paid, in order."""
        return [each.json["bolt11"] for each in self.proxy.those("POST", PAYMENTS) if is_pay(each)]

    def never_arrives(self, *words: object, fault: Fault | None = None) -> str:
        """Run a command whose one payment is lost on the way there; returns the entry's id."""
        lost = fault or cut(after=False)

        def fall(exchange: Exchange) -> None:
            lost(exchange) if is_pay(exchange) else exchange.reply(exchange.forward())

        self.proxy.on(fall, "POST", PAYMENTS, times=None)
        ended = self.amani(*words, "--json", "--timeout", "1s")
        self.proxy.heal()
        assert ended.code in (8, 11), ended
        found = self.amani("history", "list", "--status", "unknown", "--json").data["items"]
        assert len(found) == 1, found
        return str(found[0]["id"])

    def claims_to_be(self, version: str | None) -> None:
        """Let the server say that it is this version, or nothing."""
        told = answer(404, {"detail": "Not Found"}) if version is None else answer(200, {"info": {"version": version}})
        self.proxy.on(told, "GET", "/openapi.json", times=None)


def is_pay(exchange: Exchange) -> bool:
    return exchange.method == "POST" and exchange.path == PAYMENTS and exchange.json.get("out") is True


@pytest.fixture
def world(
    amani: Amani, home: Path, tmp_path: Path, add_wallet: AddWallet, proxy: FaultProxy, shared_keyring: Path
) -> World:
    giver, taker = add_wallet("giver", 5000), add_wallet("taker")
    change_database(home, "UPDATE wallet SET url=?", proxy.url)
    return World(amani, home, tmp_path, giver, taker, proxy)


# -- each way out of a wallet -------------------------------------------------------------------------------------


def pay(world: World) -> tuple[object, ...]:
    return ("pay", world.taker.invoice(SAT), "--yes")


def pay_by_reference(world: World) -> tuple[object, ...]:
    return ("pay", world.taker.invoice(SAT), "--reference", "r1", "--yes")


def transfer(world: World) -> tuple[object, ...]:
    return ("transfer", "taker", SAT, "--reference", "r1", "--yes")


def faucet(world: World) -> tuple[object, ...]:
    assert world.amani("faucet", "configure", "--wallet", "giver", "--amount", SAT).code == 0
    return ("faucet", "claim", "--wallet", "taker", "--reference", "r1")


def batch(world: World) -> tuple[object, ...]:
    table, plan = world.folder / "people.csv", world.folder / "plan.json"
    table.write_text(f"to,memo\n{world.taker.invoice(SAT)},one\n")
    assert world.amani("batch", "plan", table, "-o", plan).code == 0
    return ("batch", "run", plan, "--yes")


def _cheque(world: World) -> str:
    log_in(world.amani, world.giver.server, world.proxy.url)
    code = str(world.amani("cheque", "create", SAT, "--yes", "-q").stdout.strip())
    world.amani.secrets.add(code)
    return code


def claim(world: World) -> tuple[object, ...]:
    return ("cheque", "claim", _cheque(world), "--wallet", "taker")


def claim_to(world: World) -> tuple[object, ...]:
    return ("cheque", "claim", _cheque(world), "--to", world.taker.invoice(SAT))


def void(world: World) -> tuple[object, ...]:
    _cheque(world)
    written = world.amani("cheque", "list", "--json").data["items"][0]["id"]
    return ("cheque", "void", written, "--yes")


Way = Callable[[World], tuple[object, ...]]
WAYS: tuple[Way, ...] = (pay, pay_by_reference, transfer, faucet, batch, claim, claim_to, void)
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@each_way
def test_the_same_command_again_goes_on(amani: Amani, world: World, way: Way) -> None:
    words = way(world)
    before = (world.giver.sat, len(world.sent()))
    entry = world.never_arrives(*words)
    if way is not void:  # what reconcile takes to its end, since that was asked for
        assert amani("reconcile").code == 8  # which sends nothing
        assert len(world.sent()) == before[1] + 1
    assert amani(*words).code == 0
    first, second = world.sent()[before[1] :]
    assert first == second
    shown = amani("history", "show", entry, "--json").data
    assert shown["status"] == "settled"
    given: dict[Way, tuple[int, int]] = {void: (5000, 0), claim: (before[0], SAT), claim_to: (before[0], SAT)}
    assert (world.giver.sat, world.taker.sat) == given.get(way, (5000 - SAT, SAT))
    assert amani("reconcile", "--json").data["unknown"] == 0
    amani(*words)
    assert len(world.sent()) == before[1] + 2
    compared(amani, world.giver)


@each_way
@pytest.mark.parametrize("version", ["0.12.12", "1.0.0", "1.6.3", None])
def test_not_where_nobody_showed_that_a_hash_is_paid_once(
    amani: Amani, world: World, way: Way, version: str | None
) -> None:
    if version != "1.0.0" and way is not pay:
        pytest.skip("one version is enough for the others")
    words = way(world)
    entry = world.never_arrives(*words)
    sent = len(world.sent())
    world.claims_to_be(version)
    again = amani(*words, "--json")
    assert again.code == 8
    assert len(world.sent()) == sent
    if way is not batch:
        assert (again.error["money_moved"], again.error["id"]) == ("maybe", entry)
        assert f"amani reconcile {entry}" in again.error["hint"]
        assert "until its invoice has ended" in again.error["hint"]
    world.proxy.heal()  # an upgrade later
    assert amani(*words).code == 0


# -- its references -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [("--reference", "r1"), ()], ids=["another reference before", "none before"])
def test_a_copy_learns_the_reference_that_it_was_sent_again_under(
    amani: Amani, world: World, copied: Copied, first: tuple[str, ...]
) -> None:
    """The record tells all of them: none is paid for anything else, on a copy from before that either."""
    go_back = copied()
    invoice = world.taker.invoice(SAT)
    world.never_arrives("pay", invoice, *first, "--yes")
    assert amani("pay", invoice, "--reference", "r2", "--yes").code == 0
    go_back()
    assert amani("reconcile").code == 0
    for reference in {*first[1:], "r2"}:
        _stands_for(amani, world, reference, invoice)
    assert world.taker.sat == SAT


@pytest.mark.parametrize("first", ["reconcile", "pay"])
def test_a_copy_in_which_it_is_open_learns_it_too(amani: Amani, world: World, copied: Copied, first: str) -> None:
    invoice = world.taker.invoice(SAT)
    world.never_arrives("pay", invoice, "--reference", "r1", "--yes")
    go_back = copied()
    assert amani("pay", invoice, "--reference", "r2", "--yes").code == 0
    go_back()
    if first == "pay":
        assert amani("pay", invoice, "--reference", "r1", "--yes", "--json").data["replayed"] is True
    assert amani("reconcile").code == 0
    _stands_for(amani, world, "r2", invoice)


def test_a_copy_in_which_it_failed_learns_what_it_was_paid_under(amani: Amani, world: World, copied: Copied) -> None:
    invoice = world.taker.invoice(5001)
    assert amani("pay", invoice, "--reference", "r1", "--yes").code == 7
    go_back = copied()
    world.giver.server.fund(world.giver.id, 1 + SAT)
    assert amani("pay", invoice, "--reference", "r2", "--yes").code == 0
    go_back()
    assert amani("reconcile").code == 0
    _stands_for(amani, world, "r2", invoice)


def test_a_copy_in_which_it_failed_learns_that_it_is_on_its_way(amani: Amani, world: World, copied: Copied) -> None:
    """Called failed, it would be paid once more by another invoice."""
    invoice = world.taker.invoice(5001)
    assert amani("pay", invoice, "--yes").code == 7
    go_back = copied()
    world.giver.server.fund(world.giver.id, 1 + SAT)
    paid = amani("pay", invoice, "--yes", "--json").data
    mark_on_server(world.giver, paid["payment_hash"], "pending")
    go_back()
    asked = amani("reconcile", "--json")
    assert (asked.code, asked.json["data"]["unknown"]) == (8, 1)
    assert "was written down as failed, and its provider says it is on its way" in asked.stderr
    again = amani("pay", invoice, "--yes", "--json")
    assert (again.code, again.error["code"]) == (8, "OUTCOME_UNKNOWN")
    mark_on_server(world.giver, paid["payment_hash"], "success")
    assert amani("reconcile").code == 0
    assert amani("pay", invoice, "--yes", "--json").data["replayed"] is True


def _stands_for(amani: Amani, world: World, reference: str, invoice: str) -> None:
    before = world.taker.sat
    other = amani("pay", world.taker.invoice(SAT), "--reference", reference, "--yes", "--json")
    assert (other.code, other.error["code"]) == (9, "REFERENCE_TAKEN")
    assert amani("pay", invoice, "--reference", reference, "--yes", "--json").data["replayed"] is True
    assert world.taker.sat == before


def test_a_reference_stands_for_what_another_process_was_first_with(amani: Amani, world: World) -> None:
    invoice = world.taker.invoice(SAT)

    def be_first(exchange: Exchange) -> None:
        assert amani.process("pay", invoice, "--reference", "r1", "--yes").code == 0
        exchange.reply(exchange.forward())

    world.proxy.on(be_first, "GET", "/api/v1/wallet")
    assert amani("pay", invoice, "--reference", "r2", "--yes", "--json").data["replayed"] is True
    _stands_for(amani, world, "r2", invoice)
    assert (world.taker.sat, len(world.sent())) == (SAT, 1)


# -- reconcile --resume -------------------------------------------------------------------------------------------


def resume(amani: Amani, entry: str, *more: object) -> Result:
    return amani("reconcile", "--resume", entry, "--json", *more)


def test_reconcile_goes_on_when_it_is_told_to(amani: Amani, world: World) -> None:
    entry = world.never_arrives("transfer", "taker", SAT, "--yes")
    refused = resume(amani, entry)
    assert (refused.code, refused.error["code"]) == (5, "NOT_CONFIRMED")
    assert len(world.sent()) == 1
    done = resume(amani, entry, "--yes", "--reason", "the line was down").data
    assert (done["settled"], done["items"][0]["id"], done["items"][0]["status"]) == (1, entry, "settled")
    assert world.sent()[0] == world.sent()[1]
    assert (world.giver.sat, world.taker.sat) == (5000 - SAT, SAT)
    items = amani("history", "list", "--json").data["items"]
    assert sorted(item["direction"] for item in items) == ["in", "out"]  # the arrival too
    entries = amani("audit", "list", "--what", "transfer", "--json").data["items"]
    assert [item["outcome"] for item in entries] == ["settled", "sending again", "sending"]
    assert entries[1]["reason"] == "the line was down"
    assert amani("audit", "verify").code == 0
    assert resume(amani, entry, "--yes").data["items"][0]["replayed"] is True
    assert len(world.sent()) == 2
    compared(amani, world.giver, world.taker)


def test_the_invoice_names_its_payment_too(amani: Amani, world: World) -> None:
    words = pay(world)
    world.never_arrives(*words)
    invoice = str(words[1])
    looked = amani("reconcile", f"lightning:{invoice.upper()}", "--json")
    assert (looked.code, looked.json["data"]["checked"]) == (8, 1)
    done = resume(amani, invoice, "--yes").data
    assert (done["settled"], world.taker.sat) == (1, SAT)
    bad = resume(amani, invoice[:-1] + ("q" if invoice[-1] != "q" else "p"), "--yes")
    assert (bad.code, bad.error["code"]) == (2, "BAD_INVOICE")
    compared(amani, world.giver)


def test_it_is_asked_about_at_a_terminal(amani: Amani, world: World) -> None:
    entry = world.never_arrives(*pay(world))
    with amani.terminal("reconcile", "--resume", entry) as run:
        run.expect("Send it again? [y/N]")
        run.type("")
        assert run.finish() == 5
    assert "left:        at least" in run.seen
    assert len(world.sent()) == 1
    with amani.terminal("reconcile", "--resume", entry) as run:
        run.expect("Send it again? [y/N]")
        run.type("y")
        assert run.finish() == 0
    assert world.taker.sat == SAT


def test_a_cheque_that_never_got_its_money(amani: Amani, world: World) -> None:
    log_in(amani, world.giver.server, world.proxy.url)
    entry = world.never_arrives("cheque", "create", SAT, "--reference", "r1", "--yes")
    assert resume(amani, entry, "--yes").code == 0
    items = amani("cheque", "list", "--json").data["items"]
    assert [item["status"] for item in items] == ["open"]
    assert world.giver.sat == 5000 - SAT


def test_what_it_does_not_go_with(amani: Amani, world: World) -> None:
    for words in (("--resume", "x", "y"), ("--resume", "x", "--older-than", "10m"), ("--reason", "why")):
        assert amani("reconcile", *words, "--yes").code == 2
    assert amani("reconcile", "--resume", "nothing", "--yes").code == 4
    draw = world.never_arrives(*claim(world))
    refused = resume(amani, draw, "--yes")
    assert (refused.code, "cheque claim" in refused.error["hint"]) == (8, True)


# -- rules --------------------------------------------------------------------------------------------------------


def again(amani: Amani, by: str, words: tuple[object, ...], entry: str, *more: object, stdin: str = "") -> Result:
    run = ("reconcile", "--resume", entry, "--yes") if by == "resume" else words
    return amani(*run, "--json", *more, stdin=stdin)


both = pytest.mark.parametrize("by", ["resume", "the same command"])


@both
def test_the_pin_is_asked_for_again(amani: Amani, world: World, by: str) -> None:
    amani.secrets.add("135724")
    assert amani("pin", "set", "--always", "--pin-stdin", stdin="135724\n").code == 0
    words = pay(world)
    lost = (*words, "--pin-file", write_key(world.folder / "pin", "135724"))
    entry = world.never_arrives(*lost)
    refused = again(amani, by, words, entry)
    assert (refused.code, refused.error["code"], refused.error["id"]) == (9, "PIN_NEEDED", entry)
    assert refused.error["money_moved"] == "maybe"
    assert again(amani, by, words, entry, "--pin-stdin", stdin="000000\n").code == 3
    assert len(world.sent()) == 1
    assert again(amani, by, words, entry, "--pin-stdin", stdin="135724\n").code == 0
    assert world.taker.sat == SAT


@both
def test_what_was_reserved_is_enough(amani: Amani, world: World, by: str) -> None:
    """The budget of the day is full of this very payment."""
    assert amani("wallet", "limit", "giver", "--per-day", SAT + 2).code == 0
    words = pay(world)
    entry = world.never_arrives(*words)
    assert amani("pay", world.taker.invoice(5), "--yes").code == 9
    assert again(amani, by, words, entry).code == 0
    assert world.taker.sat == SAT


@both
def test_a_line_that_was_drawn_since_and_what_goes_on_then(amani: Amani, world: World, by: str) -> None:
    """It can't be filed any more, and is not told to be."""
    words = pay(world)
    entry = world.never_arrives(*words)
    assert amani("approver", "add", "zawadi", Person(amani, "zawadi", world.folder / "zawadi").init()).code == 0
    assert amani("wallet", "limit", "giver", "--approve-above", "20sat").code == 0
    refused = again(amani, by, words, entry).error
    assert (refused["code"], refused["money_moved"], refused["id"]) == ("NEEDS_APPROVAL", "maybe", entry)
    assert "--request" not in refused["hint"]
    assert f"amani reconcile {entry}" in refused["hint"]
    assert len(world.sent()) == 1


@both
def test_a_restored_copy_sends_nothing(amani: Amani, world: World, by: str) -> None:
    words = pay(world)
    entry = world.never_arrives(*words)
    change_database(world.home, "INSERT INTO mark VALUES ('spending held', 'a copy', '2026-01-01T00:00:00Z')")
    refused = again(amani, by, words, entry)
    assert (refused.code, refused.error["money_moved"]) == (9, "maybe")
    assert len(world.sent()) == 1


@both
def test_the_key_of_another_wallet_sends_nothing(amani: Amani, world: World, by: str) -> None:
    words = pay(world)
    entry = world.never_arrives(*words)
    write_key(world.giver.key_file, world.taker.admin_key)
    assert again(amani, by, words, entry).code == 8
    assert len(world.sent()) == 1


# -- what is known by then ----------------------------------------------------------------------------------------


@both
def test_a_record_that_was_not_there_yet(amani: Amani, world: World, by: str) -> None:
    """It was paid, and the first look finds nothing: sent again, it is paid once all the same."""
    words = pay(world)
    missing = answer(404, {"detail": "Payment does not exist."})
    world.proxy.on(missing, "GET", f"{PAYMENTS}/.+", times=None)
    entry = world.never_arrives(*words, fault=cut(after=True))
    world.proxy.on(missing, "GET", f"{PAYMENTS}/.+", times=2)
    assert again(amani, by, words, entry).code == 0
    assert len(world.sent()) == 2
    assert (world.giver.sat, world.taker.sat) == (5000 - SAT, SAT)
    compared(amani, world.giver)


@both
def test_a_refusal_of_the_second_request_says_nothing_of_the_first(amani: Amani, world: World, by: str) -> None:
    """LNbits looks at the balance before it looks for an earlier payment."""
    words = pay(world)
    entry = world.never_arrives(*words)
    world.giver.server.fund(world.giver.id, -4990)
    refused = again(amani, by, words, entry)
    assert (refused.code, refused.error["money_moved"]) == (8, "maybe")
    assert "Insufficient balance" in refused.error["message"]
    assert amani("reconcile").code == 8
    world.giver.server.fund(world.giver.id, 4990)
    assert again(amani, by, words, entry).code == 0
    assert (world.giver.sat, world.taker.sat) == (5000 - SAT, SAT)


@both
def test_an_invoice_that_has_ended_is_not_sent(amani: Amani, world: World, by: str) -> None:
    words = pay(world)
    entry = world.never_arrives(*words)
    change_database(world.home, "UPDATE payment SET expires_at=?", to_rfc3339(int(time.time()) + 3))
    refused = again(amani, by, words, entry)
    assert refused.code == 8
    assert "its invoice has ended" in refused.error["message"]
    grow_older(world.home)
    assert amani("reconcile").code == 0
    assert amani("history", "show", entry, "--json").data["status"] == "failed"
    assert len(world.sent()) == 1


@both
def test_what_the_server_took_on_is_not_sent_again(amani: Amani, world: World, by: str) -> None:
    words = pay(world)
    entry = world.never_arrives(*words)
    change_database(world.home, "UPDATE payment SET answered=1")
    assert again(amani, by, words, entry).code == 8
    assert len(world.sent()) == 1


def test_a_dry_run_says_what_is_open(amani: Amani, world: World) -> None:
    words = pay(world)
    entry = world.never_arrives(*words)
    shown = amani("pay", words[1], "--dry-run", "--json")
    assert shown.code == 0
    assert entry in shown.json["warnings"][0]
    assert len(world.sent()) == 1


# -- more than one, and kills -------------------------------------------------------------------------------------


def test_ten_processes_go_on_with_it_at_once(amani: Amani, world: World) -> None:
    words = pay(world)
    entry = world.never_arrives(*words)
    runs = at_once(amani, [(("reconcile", "--resume", entry, "--yes", "--json"), None), (words, None)] * 5)
    assert {run.code for run in runs} <= {0, 8}
    assert amani(*words).code == 0
    assert (world.giver.sat, world.taker.sat) == (5000 - SAT, SAT)
    assert set(world.sent()) == {world.sent()[0]}
    compared(amani, world.giver)


@pytest.mark.parametrize("after", [False, True], ids=["before it is heard", "after it paid"])
def test_killed_while_it_goes_on(amani: Amani, world: World, after: bool) -> None:
    words = pay(world)
    entry = world.never_arrives(*words)
    die = kill(after=after)
    world.proxy.on(lambda each: die(each) if is_pay(each) else each.reply(each.forward()), "POST", PAYMENTS)
    with amani.started("reconcile", "--resume", entry, "--yes") as run:
        world.proxy.victim = run
        assert run.wait(PATIENCE_S) == -9
    world.proxy.heal()
    assert amani("reconcile").code == (0 if after else 8)
    assert amani(*words).code == 0
    assert (world.giver.sat, world.taker.sat) == (5000 - SAT, SAT)
    compared(amani, world.giver)


def test_the_first_request_s_refusal_does_not_close_what_was_sent_again(amani: Amani, world: World) -> None:
    """The first is refused, slowly; meanwhile another process has sent it again, and that one will be paid."""
    world.giver.server.fund(world.giver.id, -4990)

    def meanwhile(exchange: Exchange) -> None:
        heard = exchange.forward()
        change_database(world.home, "UPDATE payment SET resent=1")
        exchange.reply(heard)

    def fall(exchange: Exchange) -> None:
        meanwhile(exchange) if is_pay(exchange) else exchange.reply(exchange.forward())

    world.proxy.on(fall, "POST", PAYMENTS, times=None)
    ended = amani(*pay(world), "--json")
    assert (ended.code, ended.error["money_moved"]) == (8, "maybe")


# -- an address ---------------------------------------------------------------------------------------------------


def test_an_agent_goes_on_with_nothing_that_it_did_not_begin(amani: Amani, world: World) -> None:
    """What a person began was never counted against its budget, which is smaller here, nor asked for its payee."""
    invoice = world.taker.invoice(SAT)
    entry = world.never_arrives("pay", invoice, "--yes")
    allowed = ("wallet", "limit", "giver", "--agent", "bot", "--per-payment", "1sat", "--per-day", "1sat")
    assert amani(*allowed).code == 0

    def call(tool: str, **said: str) -> dict[str, Any]:
        return door.answer(environment(), Agent("bot", ("giver",)), 20, tool, said)

    plan = call("plan", dest=invoice)["data"]
    assert plan["may_pay"] is False
    refused = call("pay", plan_id=plan["plan_id"])["error"]
    assert (refused["code"], refused["money_moved"], refused["id"]) == ("AGENT_LIMIT", "maybe", entry)
    by_name = amani("pay", invoice, "--yes", "--json", "--actor", "bot")
    assert (by_name.code, by_name.error["code"]) == (9, "AGENT_LIMIT")
    assert (len(world.sent()), world.taker.sat) == (1, 0)
    assert amani("pay", invoice, "--yes").code == 0
    assert world.taker.sat == SAT


def test_an_agent_goes_on_to_no_payee_that_it_may_not_pay_any_more(amani: Amani, world: World) -> None:
    allowed = ("wallet", "limit", "giver", "--agent", "bot", "--per-payment", "100sat", "--per-day", "100sat")
    assert amani(*allowed).code == 0
    pay = ("pay", world.taker.invoice(SAT), "--yes", "--actor", "bot")
    entry = world.never_arrives(*pay)
    assert amani(*allowed, "--payees", "ada@example.com").code == 0
    refused = amani(*pay, "--json")
    assert (refused.code, refused.error["code"], refused.error["id"]) == (9, "AGENT_LIMIT", entry)
    assert (len(world.sent()), world.taker.sat) == (1, 0)
    assert amani(*allowed).code == 0
    assert amani(*pay).code == 0
    assert world.taker.sat == SAT


def test_a_ledger_that_goes_away_behind_it_is_no_word_that_nothing_moved(
    amani: Amani, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent again for a request, and then the request can't be read."""
    request = amani("pay", world.taker.invoice(SAT), "--request", "--json").data["id"]
    entry = world.never_arrives("request", "run", request, "--yes")
    by_id = requests.by_id

    def gone(db: Ledger, id: str) -> RequestRow | None:
        if world.taker.sat:
            raise errors.Unreachable("the ledger is away", code="LEDGER_AWAY")
        return by_id(db, id)

    with monkeypatch.context() as patch:
        patch.setattr(requests, "by_id", gone)
        run = amani("request", "run", request, "--yes", "--json")
    assert (run.code, run.error["money_moved"], run.error["id"]) == (8, "maybe", entry)
    assert world.taker.sat == SAT
    assert amani("request", "run", request, "--yes").code == 0
    assert world.taker.sat == SAT


def test_a_batch_s_row_that_somebody_else_s_payment_leaves_in_doubt_is_in_doubt(amani: Amani, world: World) -> None:
    invoice = world.taker.invoice(SAT)
    table, plan = world.folder / "people.csv", world.folder / "plan.json"
    table.write_text(f"to,memo\n{invoice},one\n")
    assert amani("batch", "plan", table, "-o", plan).code == 0
    entry = world.never_arrives("pay", invoice, "--yes")
    stands = amani("batch", "status", plan, "--json").data
    assert (stands["unknown"], stands["open"], stands["items"][0]["id"]) == (1, 0, entry)
    assert f",{entry}," in amani("batch", "results", plan).stdout
    world.claims_to_be(None)  # so that it is not sent again
    run = amani("batch", "run", plan, "--yes", "--json", "--timeout", "1s")
    row = json.loads(run.stdout.splitlines()[0])["data"]
    assert (run.code, row["status"], row["id"]) == (8, "unknown", entry)
    assert world.taker.sat == 0


def test_a_batch_that_is_interrupted_behind_an_open_row_says_what_is_in_doubt(
    amani: Amani, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, read, standing = batch(world), itertools.count(), batch_rows.standing

    def once(ws: Workspace, plan: Plan) -> Iterator[BatchRow]:
        if next(read):
            raise KeyboardInterrupt
        return standing(ws, plan)

    with monkeypatch.context() as patch:
        patch.setattr(batch_rows, "standing", once)
        entry = world.never_arrives(*words)
    assert amani("batch", "run", words[2], "--yes").code == 0
    assert amani("history", "show", entry, "--json").data["status"] == "settled"
    assert world.taker.sat == SAT


def test_an_address_is_paid_by_the_stored_invoice(amani: Amani, world: World) -> None:
    payees = LnurlServer()
    try:

        def invoice(msat: int, _: Query) -> str:
            return world.taker.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())

        change_database(world.home, "UPDATE wallet SET sandbox=1")  # which may use such a server
        words = ("pay", payees.pay_to("ada", invoice), SAT, "--reference", "r1", "--yes")
        world.never_arrives(*words)
        asked = len(payees.seen)
        assert amani(*words).code == 0
        assert len(payees.seen) == asked
        assert world.sent()[0] == world.sent()[1]
        # Without a reference nobody can tell a retry from another payment: it is pointed to, not sent.
        plain = (*words[:3], "--yes")
        entry = world.never_arrives(*plain)
        twin = amani(*plain, "--json")
        assert (twin.code, f"amani reconcile --resume {entry}" in twin.error["hint"]) == (8, True)
        assert resume(amani, entry, "--yes").code == 0
        assert world.taker.sat == 2 * SAT
    finally:
        payees.stop()
