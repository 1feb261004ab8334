"""Cheques in a restored copy: what became of them since the backup is learned, or given up by a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cheques.test_cheques import write
from tests.cheques.test_voids import LONG_AGO, the_one
from tests.conftest import Held, change_database
from tests.kit.books import compared
from tests.kit.cheque_world import User
from tests.kit.driver import Amani
from tests.kit.going_back import Copied

pytestmark = pytest.mark.lnbits


@pytest.mark.parametrize("options", [(), ("--with-keys",)])
@pytest.mark.parametrize("how", ["void", "sweep"])
def test_one_that_came_home_since(
    amani: Amani,
    giver: Held,
    user: User,
    home: Path,
    copied: Copied,
    how: str,
    options: tuple[str, ...],
) -> None:
    """Its wallet is deleted and its keys are gone or dead: the giver's own record tells that the money came."""
    code = write(amani)
    if how == "sweep":
        change_database(home, LONG_AGO)
    restore = copied(*options)
    words = ("cheque", "void", code, "--yes") if how == "void" else ("cheque", "sweep")
    assert amani(*words).code == 0
    assert giver.sat == 5000
    restore()
    assert amani("reconcile").code == 0
    done = amani(*words, "--json")
    assert done.code == 0, done
    assert the_one(amani)["status"] == ("void" if how == "void" else "expired")
    assert (amani("reconcile").code, giver.sat) == (0, 5000)
    compared(amani, giver)


def test_one_whose_wallet_is_left(amani: Amani, giver: Held, shared_keyring: Path, copied: Copied) -> None:
    """Without a login it can't be deleted: what left it was our own taking back, not somebody's claim."""
    code = write(amani)
    restore = copied()
    assert amani("cheque", "void", code, "--yes").code == 0
    restore()
    assert amani("reconcile").code == 0
    assert amani("cheque", "void", code, "--yes", "--json").data["status"] == "void"
    assert (the_one(amani)["claimed_at"], giver.sat) == (None, 5000)


@pytest.mark.parametrize("words", [("cheque", "list"), ("cheque", "void")], ids=["looked at", "taken back again"])
def test_one_that_came_home_is_never_said_to_be_claimed(
    amani: Amani,
    giver: Held,
    shared_keyring: Path,
    copied: Copied,
    words: tuple[str, ...],
) -> None:
    """Nor written down so before the giver's wallet was read back: what left it was our own taking back."""
    code = write(amani)
    cheque_id = amani("cheque", "list", "-q").stdout.strip()
    restore = copied()
    assert amani("cheque", "void", code, "--yes").code == 0
    restore()
    ended = amani(*words, *((cheque_id, "--yes") if words[1] == "void" else ()))
    assert ended.code == 0, ended
    assert the_one(amani)["status"] == ("void" if words[1] == "void" else "open")  # as last seen
    assert amani("reconcile").code == 0
    shown = the_one(amani)
    assert (shown["status"], shown["claimed_at"], giver.sat) == ("void", None, 5000)
    compared(amani, giver)


def test_one_that_was_being_written(amani: Amani, giver: Held, user: User, home: Path, copied: Copied) -> None:
    """Its payment was journaled right after the backup: it is not missing before its wallet was read back."""
    write(amani)
    change_database(home, "DELETE FROM payment WHERE kind='cheque'")
    change_database(home, "UPDATE cheque SET status='funding', created_at='2026-01-01T00:00:00Z'")
    copied("--with-keys")()
    assert the_one(amani)["status"] == "funding"
    assert amani("reconcile").code == 0
    assert the_one(amani)["status"] == "open"
    assert amani("cheque", "void", str(the_one(amani)["id"]), "--yes").code == 0
    assert giver.sat == 5000
    compared(amani, giver)
