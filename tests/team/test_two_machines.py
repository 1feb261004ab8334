"""Two machines, each with a home of its own and a crowd of processes, on one ledger: everything happens once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held
from tests.faults.tally import DEEP, Tally
from tests.kit import ledgers
from tests.kit.crowd import at_once, codes
from tests.kit.driver import Amani, Environment, Result
from tests.kit.pgbouncer import pooled
from tests.kit.postgres_server import PostgresServer

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

EACH = 25 if DEEP else 4
"""Processes on each of the two machines."""
PIN = "739154"


class Team:
    """Two homes on one ledger, straight or through a pool, with one shared wallet of which both have the key."""

    def __init__(self, amani: Amani, home: Path, payer: Held, tally: Tally, store: str) -> None:
        self.amani, self.home, self.payer, self.tally = amani, home, payer, tally
        self.here: Environment = {"AMANI_STORE": store, "AMANI_HOME": str(home)}
        self.there: Environment = {"AMANI_STORE": store, "AMANI_HOME": str(home.with_name("second"))}
        self.share(payer)

    def share(self, held: Held) -> Held:
        """Have the second machine pay from a wallet too."""
        key = ["wallet", "add", held.name, "--url", held.server.url, "--key-file", held.key_file]
        added = self.amani(*key, env=self.there)
        assert added.code == 0, added
        return held

    def crowd(self, *commands: list[object]) -> list[Result]:
        """Run each command many times on both machines at once."""
        runs = [(words, env) for words in commands for env in (self.here, self.there) for _ in range(EACH)]
        results = at_once(self.amani, runs)
        self.tally("processes", len(results))
        return results


@pytest.fixture(params=["straight", "pooled"])
def team(
    request: pytest.FixtureRequest,
    amani: Amani,
    add_wallet: AddWallet,
    home: Path,
    ledger: str,
    postgres_server: PostgresServer,
    tally: Tally,
) -> Iterator[Team]:
    payer = add_wallet("payer", 50_000)
    if request.param == "straight":
        yield Team(amani, home, payer, tally, ledger)
        return
    with pooled(postgres_server) as port:
        yield Team(amani, home, payer, tally, ledger.replace(f":{postgres_server.port}/", f":{port}/"))


def outgoing(held: Held) -> list[int]:
    """What the server has paid out of a wallet, in sat."""
    return [-each["amount"] // 1000 for each in held.records() if each["amount"] < 0 and each["status"] == "success"]


def test_one_invoice(team: Team, add_wallet: AddWallet) -> None:
    invoice = add_wallet("payee").invoice(21)
    results = team.crowd(["pay", invoice, "--wallet", "payer", "--yes", "--json"])
    assert set(codes(results)) <= {0, 8}, codes(results)  # 8: another one's payment was on its way
    assert len({each.data["id"] for each in results if each.code == 0}) == 1
    assert outgoing(team.payer) == [21]
    assert team.amani("audit", "verify", env=team.there).code == 0


def test_one_reference(team: Team, add_wallet: AddWallet) -> None:
    team.share(add_wallet("payee"))
    words: list[object] = ["transfer", "payee", "21", "--from", "payer", "--reference", "rent", "--yes", "--json"]
    results = team.crowd(words)
    assert set(codes(results)) <= {0, 8}, codes(results)
    assert outgoing(team.payer) == [21]


def test_one_reference_for_two_things(team: Team, add_wallet: AddWallet) -> None:
    """Whichever comes first is what it stands for, on both machines."""
    payee = add_wallet("payee")
    words: list[list[object]] = [
        ["pay", payee.invoice(sat), "--wallet", "payer", "--reference", "rent", "--yes", "--json"] for sat in (21, 22)
    ]
    results = team.crowd(*words)
    assert set(codes(results)) <= {0, 8, 9}, codes(results)
    assert {each.error["code"] for each in results if each.code == 9} <= {"REFERENCE_TAKEN"}
    assert outgoing(team.payer) in ([21], [22])


def test_one_budget(team: Team, add_wallet: AddWallet) -> None:
    payee = add_wallet("payee")
    assert team.amani("wallet", "limit", "payer", "--per-day", "105sat", env=team.here).code == 0
    commands: list[list[object]] = [
        ["pay", payee.invoice(20, memo=str(nth)), "--wallet", "payer", "--yes", "--json"] for nth in range(2 * EACH)
    ]
    runs = [(words, (team.here, team.there)[nth % 2]) for nth, words in enumerate(commands)]
    results = at_once(team.amani, runs, crowded=True)
    team.tally("processes", len(results))
    assert set(codes(results)) <= {0, 9}, codes(results)
    # Each holds back its worst fee while it is on its way, so that fewer may get through at once, never more.
    assert 1 <= codes(results)[0] <= 5
    assert outgoing(team.payer) == [20] * codes(results)[0]


def test_one_pin(team: Team) -> None:
    """Five attempts in an hour, on however many machines."""
    assert team.amani("pin", "set", "--wallet", "payer", "--pin-stdin", stdin=PIN, env=team.here).code == 0
    team.home.with_name("second").mkdir(exist_ok=True)
    wrong = team.home / "wrong"
    wrong.write_text("000000")
    wrong.chmod(0o600)
    results = team.crowd(["pin", "verify", "--wallet", "payer", "--pin-file", wrong, "--json"])
    assert codes(results) == {3: 5, 9: 2 * EACH - 5}


def test_one_faucet(team: Team, add_wallet: AddWallet) -> None:
    team.share(add_wallet("claimer"))
    configured = team.amani("faucet", "configure", "--wallet", "payer", "--amount", "100", env=team.here)
    assert configured.code == 0, configured
    results = team.crowd(["faucet", "claim", "--wallet", "claimer", "--json"])
    assert set(codes(results)) <= {0, 8, 9}, codes(results)
    assert outgoing(team.payer) == [100]


def test_one_cheque(team: Team, add_wallet: AddWallet) -> None:
    """Claimed on both machines while the first takes it back: its money goes one way, and nobody is told otherwise."""
    claimer = team.share(add_wallet("claimer"))
    made = team.amani("cheque", "create", "100", "--wallet", "payer", "--yes", "--json", env=team.here).data
    team.amani.secrets.add(made["code"])
    claim: list[object] = ["cheque", "claim", made["code"], "--to", "claimer", "--yes", "--json"]
    runs: list[tuple[list[object], Environment | None]] = [
        (claim, env) for env in (team.here, team.there) for _ in range(EACH)
    ]
    runs.insert(1, (["cheque", "void", made["id"], "--yes", "--json"], team.here))
    results = at_once(team.amani, runs)
    team.tally("processes", len(results))
    assert set(codes(results)) <= {0, 6, 8, 12}, codes(results)
    assert team.amani("reconcile", env=team.here).code == 0
    claimed = claimer.sat
    assert (claimed, team.payer.sat) in ((100, 49_900), (0, 50_000))
    told = {each.data["status"] for nth, each in enumerate(results) if nth != 1 and each.code == 0}
    assert told <= ({"settled"} if claimed else set())


def test_one_batch(team: Team, add_wallet: AddWallet, tmp_path: Path) -> None:
    """A plan that two machines run at once is paid once; the second is told who has it."""
    payee = add_wallet("payee")
    (tmp_path / "rows.csv").write_text("to\n" + "".join(f"{payee.invoice(7, memo=str(nth))}\n" for nth in range(6)))
    plan = tmp_path / "plan.json"
    made = team.amani("batch", "plan", tmp_path / "rows.csv", "--output", plan, "--wallet", "payer", env=team.here)
    assert made.code == 0, made
    results = team.crowd(["batch", "run", plan, "--yes", "--wallet", "payer"])
    assert set(codes(results)) <= {0, 8, 11, 12}, codes(results)
    for each in results:
        if each.code == 12:
            assert " on " in each.stderr, each  # the owner's machine
    assert team.amani("batch", "run", plan, "--yes", "--wallet", "payer", env=team.there).code == 0
    assert sorted(outgoing(team.payer)) == [7] * 6


def test_audit_and_journal_are_one(team: Team, add_wallet: AddWallet) -> None:
    """Entries of many writers at once make one chain, and say who made them where."""
    payee = add_wallet("payee")
    commands: list[list[object]] = [
        ["pay", payee.invoice(3, memo=str(nth)), "--wallet", "payer", "--yes"] for nth in range(EACH)
    ]
    runs = [(words, env) for words in commands for env in (team.here, team.there)]
    assert set(codes(at_once(team.amani, runs))) <= {0, 8}
    verdict = team.amani("audit", "verify", "--json", env=team.here)
    assert verdict.data["intact"]
    rows = ledgers.ask(team.home, "SELECT DISTINCT host, os_user FROM payment WHERE direction='out'")
    assert rows == [(os.uname().nodename, "root" if os.geteuid() == 0 else os.environ.get("USER", rows[0][1]))]
