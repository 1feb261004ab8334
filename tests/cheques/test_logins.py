"""Taking cheques back when the login there is not the one they were written under: the key at hand is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from amani_cli import errors, keys
from amani_cli.encodings import cheque_code
from tests.cheques.test_cheques import wallet_of, write
from tests.cheques.test_voids import LONG_AGO, the_one
from tests.conftest import Held, change_database
from tests.kit.books import compared
from tests.kit.cheque_world import User, log_in
from tests.kit.driver import Amani

pytestmark = pytest.mark.lnbits


@pytest.fixture(params=["another user's", "expired", "not in the keyring", "logged out"])
def written(request: pytest.FixtureRequest, amani: Amani, giver: Held, user: User) -> str:
    """The code of a cheque that was written under a login which is of no use any more."""
    code = write(amani)
    url = giver.server.url
    if request.param == "another user's":
        log_in(amani, giver.server, url)
    elif request.param == "expired":
        keys.keyring_set(f"login:{url}", "an-old-token-that-was-good-once")
    elif request.param == "not in the keyring":
        keys.keyring_delete(f"login:{url}")
    else:
        assert amani("logout", url).code == 0
    return code


def test_voiding_says_so_and_brings_it_home(amani: Amani, giver: Held, written: str) -> None:
    done = amani("cheque", "void", written, "--yes", "--json")
    assert done.data["status"] == "void"
    (warning,) = done.json["warnings"][-1:]
    assert "a race with whoever has the code" in warning
    assert giver.sat == 5000
    compared(amani, giver)


def test_one_that_was_claimed_before_is_seen(amani: Amani, giver: Held, taker: Held, home: Path, written: str) -> None:
    assert amani("cheque", "claim", "-", "--to", "taker", stdin=written).code == 0
    change_database(home, "UPDATE cheque SET status='open'")
    late = amani("cheque", "void", the_one(amani)["id"], "--yes", "--json")
    assert (late.code, late.error["code"]) == (6, "CHEQUE_CLAIMED")
    assert (giver.sat, taker.sat) == (4900, 100)


def test_one_stuck_half_way_is_finished_by_reconcile(amani: Amani, giver: Held, home: Path, written: str) -> None:
    change_database(home, "UPDATE cheque SET status='voiding'")
    done = amani("reconcile", "--json")
    assert done.code == 0
    assert "a race" in done.json["warnings"][0]
    assert (the_one(amani)["status"], giver.sat) == ("void", 5000)


def test_the_sweep_goes_through_all_of_them(amani: Amani, giver: Held, home: Path, written: str) -> None:
    change_database(home, LONG_AGO)
    swept = amani("cheque", "sweep", "--json")
    assert [item["status"] for item in swept.data["items"]] == ["expired"]
    assert giver.sat == 5000


def test_a_new_code_is_refused_with_the_reason(amani: Amani, giver: Held, taker: Held, written: str) -> None:
    refused = amani("cheque", "reissue", the_one(amani)["id"], "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (9, "LOGIN_NEEDED")
    assert "as the user who wrote it" in refused.error["hint"]
    assert amani("cheque", "claim", "-", "--to", "taker", stdin=written).code == 0


def test_a_key_that_is_dead_too_names_the_way_out(amani: Amani, giver: Held, home: Path, user: User) -> None:
    """A rotation whose answer was lost made another: that one only its user can ask for."""
    code = write(amani)
    user.server.call("PUT", f"/api/v1/wallet/reset/{wallet_of(code)}", token=user.token)
    log_in(amani, giver.server, giver.server.url)
    stuck = amani("cheque", "void", the_one(amani)["id"], "--yes", "--json")
    assert (stuck.code, stuck.error["code"], stuck.error["money_moved"]) == (3, "LOGIN_NEEDED", "no")
    assert f"amani login {giver.server.url}" in stuck.error["hint"]
    open_ = amani("reconcile", "--json")
    assert open_.code == 8
    assert f"amani login {giver.server.url}" in " ".join(open_.json["warnings"])
    keys.keyring_set(f"login:{giver.server.url}", user.token)
    assert amani("reconcile").code == 0
    assert (the_one(amani)["status"], giver.sat) == ("void", 5000)


def test_one_that_can_t_be_taken_back_stops_no_other(amani: Amani, giver: Held, home: Path, user: User) -> None:
    stuck = cheque_code.decode(write(amani, 100))
    user.server.call("PUT", f"/api/v1/wallet/reset/{stuck.wallet_id}", token=user.token)
    log_in(amani, giver.server, giver.server.url)
    write(amani, 200)
    write(amani, 300)
    change_database(home, LONG_AGO)
    swept = amani("cheque", "sweep", "--json")
    assert swept.code == 3
    assert sorted(item["amount_msat"] for item in swept.json["data"]["items"]) == [200_000, 300_000]
    assert giver.sat == 4900


@pytest.mark.parametrize("then", ["reissue", "void"])
def test_new_keys_that_could_not_be_kept_are_made_anew(
    amani: Amani, giver: Held, taker: Held, user: User, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """The server has them alone, and the old code is dead: whoever has the login goes on."""
    code = write(amani)
    cheque = the_one(amani)["id"]

    def is_locked(*_: str) -> None:
        raise errors.NotAuthorised("the keyring is locked", code="KEYRING_LOCKED")

    with monkeypatch.context() as patch:
        patch.setattr(keys, "keep", is_locked)
        for command in ("reissue", "void"):
            lost = amani("cheque", command, cheque, "--yes", "--json")
            assert (lost.code, lost.error["code"]) == (3, "KEYRING_LOCKED")
            assert "the old code is worthless now" in lost.error["message"]
            assert "run the same command again" in lost.error["hint"]
            if command == then:
                break
    assert amani("cheque", "claim", "-", "--to", "taker", stdin=code).code == 6
    done = amani("cheque", then, cheque, "--yes", "--json").data
    if then == "void":
        assert (done["status"], giver.sat) == ("void", 5000)
    else:
        assert amani("cheque", "claim", "-", "--to", "taker", stdin=done["code"]).code == 0
        assert taker.sat == 100
    compared(amani, giver)
