"""Two machines on one ledger, each person with a key of their own: asked on one, approved on the other, sent once."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.conftest import AddWallet, Held
from tests.faults.tally import DEEP, Tally
from tests.kit import ledgers
from tests.kit.agent_client import AgentClient, with_agents
from tests.kit.crowd import at_once, codes
from tests.kit.driver import Amani, Environment, Result
from tests.kit.persons import Person, filed

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

EACH = 12 if DEEP else 3
"""Processes on each of the two machines."""


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    """The wallet with a line, with 10,000 sat; its key is on the first machine."""
    return add_wallet("main", 10_000)


@pytest.fixture
def other(main: Held, add_wallet: AddWallet) -> Held:
    return add_wallet("other")


def somebody(amani: Amani, folder: Path, name: str) -> Person:
    """A person with a machine and a key of their own, on the same ledger."""
    (folder / name).mkdir(mode=0o700)
    made = Person(amani, name, folder / name / "home")
    made.init()
    return made


@pytest.fixture
def ana(amani: Amani, main: Held, tmp_path: Path) -> Person:
    """Who must agree to what is above 1,000 sat."""
    made = somebody(amani, tmp_path, "ana")
    assert amani("approver", "add", "ana", made.public).code == 0
    assert amani("wallet", "limit", "main", "--approve-above", "1000sat").code == 0
    return made


def has_key(amani: Amani, held: Held, env: Environment) -> None:
    """Have another machine pay from a wallet too."""
    words = ("wallet", "add", held.name, "--url", held.server.url, "--key-file", held.key_file)
    added = amani(*words, env=env)
    assert added.code == 0, added


def refused(run: Result) -> tuple[int, str, str]:
    return run.code, str(run.error["code"]), str(run.error["money_moved"])


def test_asked_on_one_and_approved_on_the_other(amani: Amani, main: Held, other: Held, ana: Person) -> None:
    """No file goes between them; whoever has the key carries it out, and whoever has not says where it is."""
    asked = filed(amani("pay", other.invoice(2000, "rent"), "--wallet", "main", "--request", "--json"))
    (seen,) = ana("request", "list", "--json").data["items"]
    assert (seen["id"], seen["digest"], seen["status"]) == (asked["id"], asked["digest"], "open")
    words = ("request", "run", asked["id"], "--yes", "--json")
    assert refused(amani(*words)) == (9, "NEEDS_APPROVAL", "no")
    thought = ana("request", "approve", asked["id"], stdin="n\n", tty=True)
    assert (thought.code, "2,000 sat" in thought.stderr) == (5, True)
    assert ana("request", "approve", asked["id"], "--yes", "--json").data["status"] == "approved"
    assert refused(ana(*words)) == (3, "NO_KEY_HERE", "no")
    assert amani("request", "show", asked["id"], "--json").data["status"] == "approved"
    paid = amani(*words).data
    assert (paid["status"], main.sat) == ("settled", 8000)
    again = ana(*words).data  # the receipt needs no key
    assert (again["id"], again["replayed"], main.sat) == (paid["id"], True, 8000)
    entries = amani("audit", "list", "--what", "request", "--json").data["items"]
    assert [each["outcome"].partition(" ")[0] for each in reversed(entries)] == [
        *("filed:", "approved", "carried", "stopped:", "carried", "settled")
    ]
    assert amani("audit", "verify").code == 0


def test_carried_out_by_who_approved(amani: Amani, main: Held, other: Held, ana: Person) -> None:
    has_key(amani, main, {"AMANI_HOME": str(ana.home)})
    asked = filed(amani("pay", other.invoice(2000), "--wallet", "main", "--request", "--json"))
    assert ana("request", "approve", asked["id"], "--yes").code == 0
    assert ana("request", "run", asked["id"], "--yes", "--json").data["status"] == "settled"
    assert amani("request", "run", asked["id"], "--yes", "--json").data["replayed"] is True
    assert main.sat == 8000


def test_by_the_requester(amani: Amani, main: Held, other: Held, ana: Person) -> None:
    """On whichever machine, whatever --actor says: the OS user and host are who asked."""
    has_key(amani, main, {"AMANI_HOME": str(ana.home)})
    asked = filed(ana("pay", other.invoice(2000), "--wallet", "main", "--actor", "ben", "--request", "--json"))
    for home in (ana.home, ana.home.with_name("another")):
        if home != ana.home:
            home.mkdir(mode=0o700)
            (home / "approver.json").write_bytes((ana.home / "approver.json").read_bytes())
            (home / "approver.json").chmod(0o600)
        run = ana("request", "approve", asked["id"], "--actor", "carl", "--yes", "--json", home=home)
        assert refused(run) == (9, "OWN_REQUEST", "no"), home
    assert refused(amani("request", "run", asked["id"], "--yes", "--json")) == (9, "NEEDS_APPROVAL", "no")
    assert main.sat == 10_000


def test_by_an_approver_who_was_removed(amani: Amani, main: Held, other: Held, ana: Person, tmp_path: Path) -> None:
    ben = somebody(amani, tmp_path, "ben")
    change = filed(amani("approver", "add", "ben", ben.public, "--request", "--json"))
    assert refused(ben("request", "approve", change["id"], "--yes", "--json")) == (9, "NOT_AN_APPROVER", "no")
    assert ana("request", "approve", change["id"], "--yes").code == 0
    assert ana("request", "run", change["id"], "--yes").code == 0  # a change needs no wallet's key
    first, second = (
        filed(amani("pay", other.invoice(2000), "--wallet", "main", "--request", "--json")) for _ in range(2)
    )
    assert ben("request", "approve", first["id"], "--yes").code == 0
    gone = filed(amani("approver", "remove", "ben", "--request", "--json"))
    assert ana("request", "approve", gone["id"], "--yes").code == 0
    assert amani("request", "run", gone["id"], "--yes").code == 0
    run = amani("request", "run", first["id"], "--yes", "--json")
    assert refused(run) == (9, "NEEDS_APPROVAL", "no")
    assert "ben is no approver any more" in run.error["message"]
    assert refused(ben("request", "approve", second["id"], "--yes", "--json")) == (9, "NOT_AN_APPROVER", "no")
    assert main.sat == 10_000


def test_twice_at_once_from_both_machines(
    amani: Amani, main: Held, other: Held, ana: Person, home: Path, tally: Tally
) -> None:
    here: Environment = {"AMANI_HOME": str(home)}
    there: Environment = {"AMANI_HOME": str(home.with_name("second"))}
    has_key(amani, main, there)
    asked = filed(amani("pay", other.invoice(2000), "--wallet", "main", "--request", "--json"))
    assert ana("request", "approve", asked["id"], "--yes").code == 0
    words = ["request", "run", asked["id"], "--yes", "--json"]
    results = at_once(amani, [(words, env) for _ in range(EACH) for env in (here, there)])
    tally("processes", len(results))
    assert set(codes(results)) <= {0, 8, 12}, codes(results)
    for each in results:
        if each.code == 12:
            assert " on " in each.error["message"], each  # the owner's machine
    assert len({each.data["id"] for each in results if each.code == 0}) == 1
    assert main.sat == 8000
    assert ledgers.ask(home, "SELECT count(*) FROM payment WHERE request_id=?", asked["id"]) == [(1,)]
    assert amani(*words, env=there).data["replayed"] is True


def test_approved_refused_and_carried_out_at_once(
    amani: Amani, main: Held, other: Held, ana: Person, home: Path, tmp_path: Path, tally: Tally
) -> None:
    """Whichever word is first written down is the one that counts: paid once, or never."""
    there: Environment = {"AMANI_HOME": str(home.with_name("second"))}
    has_key(amani, main, there)
    assert amani("approver", "init", "--key-file", tmp_path / "own.approver").code == 0
    public = amani("approver", "show", "-q").stdout.strip()
    change = filed(amani("approver", "add", "me", public, "--request", "--json"))
    assert ana("request", "approve", change["id"], "--yes").code == 0
    assert amani("request", "run", change["id"], "--yes").code == 0
    has_key(amani, main, {"AMANI_HOME": str(ana.home)})
    paid = 0
    for _ in range(EACH):
        asked = filed(ana("pay", other.invoice(1100), "--wallet", "main", "--request", "--json"))
        runs: list[tuple[list[object], Environment]] = [
            (["request", "approve", asked["id"], "--yes", "--json"], {"AMANI_HOME": str(home)}),
            (["request", "refuse", asked["id"], "--yes", "--json"], {"AMANI_HOME": str(home)}),
            (["request", "run", asked["id"], "--yes", "--json"], there),
            (["request", "run", asked["id"], "--yes", "--json"], {"AMANI_HOME": str(home)}),
        ]
        results = at_once(amani, runs)
        tally("processes", len(results))
        assert set(codes(results)) <= {0, 8, 9, 12}, results
        shown = amani("request", "show", asked["id"], "--json").data
        assert shown["status"] in ("refused", "approved", "settled"), shown
        if shown["status"] == "approved":
            assert amani("request", "run", asked["id"], "--yes").code == 0
        elif shown["status"] == "refused":
            late = amani("request", "run", asked["id"], "--yes", "--json")
            assert refused(late) == (9, "REQUEST_CLOSED", "no")
        paid += shown["status"] != "refused"
        assert main.sat == 10_000 - 1100 * paid
    assert amani("audit", "verify").code == 0


def test_an_agent_s_day_is_one_on_both_machines(
    amani: Amani, main: Held, other: Held, home: Path, tally: Tally
) -> None:
    """Two doors, a machine each, that spend greedily at once: together they move the budget, exactly."""
    there = {"AMANI_HOME": str(home.with_name("second"))}
    has_key(amani, main, there)
    words = ("wallet", "limit", "main", "--agent", "ada", "--per-payment", "60sat", "--per-day", "100sat")
    assert amani(*words).code == 0
    assert amani("config", "set", "limit.invoice", "off").code == 0
    number = 40 if DEEP else 13
    invoices = [amani("invoice", "create", 10, "--wallet", "other", "-q").stdout.strip() for _ in range(number)]

    async def work(*doors: AgentClient) -> list[str]:
        plans = [
            (doors[(nth + turn) % 2], (await doors[nth % 2].data("plan", dest=each, max_fee="0"))["plan_id"])
            for nth, each in enumerate(invoices)
            for turn in range(2)  # the plan of one machine is paid on the other as well
        ]
        ended: list[str] = []

        async def pay(door: AgentClient, plan: str) -> None:
            document = await door("pay", plan_id=plan)
            ended.append("paid" if document["ok"] else document["error"]["code"])

        async with anyio.create_task_group() as group:
            for door, plan in plans:
                group.start_soon(pay, door, plan)
        for nth, (_, plan) in enumerate(plans):  # what is left of it, one after the other
            await pay(doors[nth % 2], plan)
        return ended

    arguments = ("--wallet", "main", "--actor", "ada")
    ended = with_agents(work, arguments, arguments, envs=[{"AMANI_HOME": str(home)}, there])
    tally("processes", 2)
    assert set(ended) <= {"paid", "AGENT_LIMIT", "OUTCOME_UNKNOWN", "LOCKED"}, set(ended)
    assert main.sat == 10_000 - 100
    spent = "SELECT sum(amount_msat+coalesce(fee_msat, 0)) FROM payment WHERE actor='ada' AND status='settled'"
    assert ledgers.ask(home, spent + " AND direction='out'")[0][0] == 100_000
    assert amani("reconcile").code == 0
