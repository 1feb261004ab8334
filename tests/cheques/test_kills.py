"""kill -9 between each two steps of what moves money, then `reconcile` or the same command again.

Nothing is lost and nothing done twice: at the end the thing has been done once, and the books are the server's.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest

from tests.cheques.test_cheques import write
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.kit import ledgers
from tests.kit.books import compared, held_by, tell
from tests.kit.cheque_world import User, grow_older
from tests.kit.driver import Amani, Result

pytestmark = [pytest.mark.lnbits, pytest.mark.faults]

By = Literal["reconcile", "again"]
both_ways = pytest.mark.parametrize("by", ["reconcile", "again"])


def stopped(amani: Amani, words: Callable[[str], tuple[object, ...]]) -> Iterator[tuple[str, Result]]:
    """Run a command again and again, each time killed one step later, until it survives; yields each end.

    `words` makes the command of a reference that is new each time.
    """
    for step in itertools.count(1):
        reference = secrets.token_hex(4)
        run_words = words(reference)
        run = amani.process(*run_words, python=("-m", "tests.kit.stop_at", str(step)))
        yield reference, run
        if run.code != -9:
            assert run.code == 0, run
            tell(f"{step - 1} kills between the steps of: {' '.join(map(str, run_words[:2]))}")
            return


def settle(amani: Amani, home: Path, by: By, held: Sequence[Held], *again: object) -> Result:
    """Get over a kill: ask first or not, then the same command, which an hour later at the latest is done."""
    if by == "reconcile":
        asked = amani("reconcile")
        assert asked.code in (0, 8)
        if asked.code == 0:
            compared(amani, *held)
    done = amani(*again)
    if done.code == 8:
        assert amani(*again).code == 8  # still open: nothing is sent anew
        grow_older(home)
        assert amani("reconcile").code == 0
        done = amani(*again)
    assert done.code == 0, done
    asked = amani("reconcile", "--json").data
    assert (asked["unknown"], asked["checked"]) == (0, 0)
    return done


@both_ways
def test_transfer(amani: Amani, giver: Held, taker: Held, home: Path, by: By) -> None:
    amani("config", "set", "limit.transfer", "off")
    sent = 0
    for reference, _ in stopped(amani, lambda ref: ("transfer", "taker", "7", "--yes", "--reference", ref)):
        settle(amani, home, by, (giver, taker), "transfer", "taker", "7", "--yes", "--reference", reference)
        sent += 7
        assert (giver.sat, taker.sat) == (5000 - sent, sent)
        compared(amani, giver, taker)
    tell(f"{compared(amani, giver, taker)} msat compared")


@both_ways
def test_faucet(amani: Amani, giver: Held, taker: Held, home: Path, by: By) -> None:
    assert amani("faucet", "configure", "--wallet", "giver", "--amount", "7").code == 0
    given = 0
    words = ("faucet", "claim", "--wallet", "taker", "--reference")
    for reference, _ in stopped(amani, lambda ref: (*words, ref)):
        settle(amani, home, by, (giver, taker), *words, reference)
        given += 7
        assert (giver.sat, taker.sat) == (5000 - given, given)
        assert amani("faucet", "claim", "--wallet", "taker").code == 9
        change_database(home, "UPDATE event SET at=at-90000 WHERE kind='faucet'")
    tell(f"{compared(amani, giver, taker)} msat compared")


@pytest.mark.parametrize(("by", "login"), [("reconcile", True), ("again", False)], ids=["login", "no login"])
def test_cheque_create(
    amani: Amani, giver: Held, home: Path, by: By, login: bool, request: pytest.FixtureRequest
) -> None:
    user: User | None = request.getfixturevalue("user") if login else None
    amani("config", "set", "limit.cheque", "off")
    words = ("cheque", "create", "7", "--yes", "--reference")
    for reference, run in stopped(amani, lambda ref: (*words, ref)):
        assert run.stdout.count("amani1") <= 1
        settle(amani, home, by, (giver,), *words, reference)
        shown = amani("cheque", "show", reference, "--json").data
        assert (shown["status"], shown["outstanding_msat"]) == ("open", 7000)
        assert (giver.sat, set_aside(giver, home)) == (4993, 7000)
        # The code may have died with the process, the money has not.
        assert amani("cheque", "void", shown["id"], "--yes").code == 0
        assert giver.sat == 5000
    if user is not None:
        assert held_by(giver.server, [wallet["id"] for wallet in user.wallets()]) == 0
    tell(f"{compared(amani, giver)} msat compared")


def set_aside(giver: Held, home: Path) -> int:
    """What the server keeps in the wallets of all cheques that amani knows, in msat."""
    rows = ledgers.ask(home, "SELECT remote_id FROM cheque WHERE remote_id IS NOT NULL")
    return held_by(giver.server, [row[0] for row in rows])


def test_a_cheque_that_was_given_up_needs_the_pin_again(
    amani: Amani, add_wallet: AddWallet, user: User, home: Path, tmp_path: Path
) -> None:
    """Killed before its money was sent, and found so later: to write it anew is to send money anew."""
    rich = add_wallet("rich", 50_000)
    pin = write_key(tmp_path / "pin", "271828")
    assert amani("pin", "set", "--pin-file", pin).code == 0
    for step in itertools.count(1):
        words = ("cheque", "create", "11k", "--yes", "--reference", f"r{step}")
        run = amani.process(*words, "--pin-file", pin, python=("-m", "tests.kit.stop_at", str(step)))
        assert run.code == -9
        if "/api/v1/wallet" in run.stderr and "POST" in run.stderr:  # its wallet is made, and nothing paid
            break
    grow_older(home)
    refused = amani(*words, "--json")
    assert (refused.code, refused.error["code"], rich.sat) == (9, "PIN_NEEDED", 50_000)
    assert amani(*words, "--pin-file", pin).code == 0
    assert rich.sat == 39_000


@both_ways
def test_cheque_claim(amani: Amani, giver: Held, taker: Held, home: Path, by: By) -> None:
    amani("config", "set", "limit.cheque", "off")
    claimed = 0
    code = ""

    def words(_: str) -> tuple[object, ...]:
        nonlocal code
        code = write(amani, 7)
        return ("cheque", "claim", code, "--to", "taker", "-q")

    for _, run in stopped(amani, words):
        settle(amani, home, by, (giver, taker), "cheque", "claim", code, "--to", "taker", "-q")
        claimed += 7
        assert taker.sat == claimed
        assert amani("cheque", "show", code, "--json").data["status"] == "claimed"
        assert run.stdout.count("\n") <= 1
    tell(f"{compared(amani, giver, taker)} msat compared")


@both_ways
def test_cheque_void(amani: Amani, giver: Held, user: User, home: Path, by: By) -> None:
    amani("config", "set", "limit.cheque", "off")
    cheque_id = ""

    def words(_: str) -> tuple[object, ...]:
        nonlocal cheque_id
        cheque_id = amani("cheque", "show", write(amani, 7), "--json").data["id"]
        return ("cheque", "void", cheque_id, "--yes")

    for _ in stopped(amani, words):
        settle(amani, home, by, (giver,), "cheque", "void", cheque_id, "--yes")
        assert amani("cheque", "show", cheque_id, "--json").data["status"] == "void"
        assert giver.sat == 5000
    assert held_by(giver.server, [wallet["id"] for wallet in user.wallets()]) == 0
    tell(f"{compared(amani, giver)} msat compared")
