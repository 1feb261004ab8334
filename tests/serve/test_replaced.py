"""Links that were replaced, in a ledger that may not know it: the page says what can be had by it at every moment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from amani_cli import keys
from tests.conftest import Held, change_database, write_key
from tests.kit.books import compared
from tests.kit.cheque_world import User, through
from tests.kit.driver import Amani
from tests.kit.fault_proxy import FaultProxy, cut
from tests.kit.serve_world import InProcess, Link, in_process, write_link

pytestmark = [pytest.mark.lnbits, pytest.mark.sqlite]

OK = {"status": "OK"}
PASSPHRASE = "correct horse battery staple"
Restore = Callable[..., InProcess]


@pytest.fixture
def copied(amani: Amani, user: User, base_url: str, tmp_path: Path) -> Callable[..., Restore]:
    """Makes a backup now; what it returns restores that on another machine, and serves there."""
    amani.secrets.add(PASSPHRASE)
    opened = ("--passphrase-file", write_key(tmp_path / "passphrase", PASSPHRASE))

    def copy(*options: str) -> Restore:
        assert amani("backup", "create", tmp_path / "a.backup", *opened, *options).code == 0

        def restore(*more: object) -> InProcess:
            os.environ["AMANI_HOME"] = str(tmp_path / "elsewhere")
            assert amani("backup", "restore", tmp_path / "a.backup", *opened, "--yes", *more).code == 0
            return in_process(base_url)

        return restore

    return copy


def reissued(amani: Amani, old: Link, *options: object) -> Link:
    again = amani("cheque", "reissue", old.id, "--yes", "--json", *options).data
    new = Link(old.id, again["link"], again["lnurl"], again["code"], again["amount_msat"])
    amani.secrets |= {new.token, new.code, new.lnurl}
    return new


def is_held(site: InProcess, link: Link) -> bool:
    """Whether everything that is said of a link is that it can't be claimed now."""
    page = site.get(link.path)
    assert "<form" not in page.text or site.state(link) == "open"
    told = site.json(f"{link.path}/lnurl")
    said = "can’t be claimed just now"
    is_said = said in page.text and said in told.get("reason", "")
    return is_said and (page.status_code, site.state(link)) == (200, "held")


class TestInACopy:
    def test_replaced_since(
        self, amani: Amani, giver: Held, taker: Held, copied: Callable[..., Restore], base_url: str
    ) -> None:
        """The keys are where they were: so is the new link's secret, and it is the one that stands."""
        old = write_link(amani)
        restore = copied()
        new = reissued(amani, old)
        site = restore()
        assert site.get(old.path).status_code == 503  # nobody can tell before it was read back
        assert is_held(site, new)
        assert site.take(new, taker.invoice(1000))["status"] == "ERROR"
        assert amani("reconcile").code == 0
        assert site.get(old.path).status_code == 404
        assert site.state(new) == "open"
        assert site.take(old, taker.invoice(1000))["status"] == "ERROR"
        assert site.take(new, taker.invoice(1000)) == OK
        assert (taker.sat, site.state(new)) == (1000, "claimed")

    def test_given_a_link_since(
        self, amani: Amani, giver: Held, taker: Held, copied: Callable[..., Restore], base_url: str
    ) -> None:
        made = amani("cheque", "create", "1000", "--outside", "--yes", "--json").data
        amani.secrets.add(made["code"])
        restore = copied()
        new = reissued(amani, Link(made["id"], "", "", made["code"], 1_000_000), "--link")
        site = restore()
        assert is_held(site, new)
        assert amani("reconcile").code == 0
        assert site.take(new, taker.invoice(1000)) == OK

    def test_where_the_new_keys_are_not(
        self, amani: Amani, giver: Held, taker: Held, copied: Callable[..., Restore], tmp_path: Path
    ) -> None:
        """The backup's keys are dead, and nothing here can know the new link: none of them is said to be open."""
        old = write_link(amani)
        restore = copied("--with-keys")
        new = reissued(amani, old)
        site = restore("--key-folder", tmp_path / "brought")
        assert is_held(site, old)
        assert site.get(new.path).status_code == 503
        assert amani("reconcile").code == 0
        assert is_held(site, old)
        assert site.get(new.path).status_code == 404
        assert site.take(old, taker.invoice(1000))["status"] == "ERROR"
        assert amani("cheque", "void", old.id, "--yes").code == 0
        assert (giver.sat, taker.sat, site.state(old)) == (5000, 0, "void")

    def test_that_was_put_in_place_by_hand(
        self, amani: Amani, giver: Held, taker: Held, user: User, base_url: str, home: Path, site: InProcess
    ) -> None:
        """As one from before an upgrade is: nobody has looked for the kept secret yet."""
        old = write_link(amani)
        shutil.copy(home / "amani.db", home / "copy.db")
        new = reissued(amani, old)
        for beside in home.glob("amani.db-*"):
            beside.unlink()
        (home / "copy.db").rename(home / "amani.db")
        change_database(home, "INSERT INTO mark VALUES ('spending held', 'the copy from before an upgrade', '2026')")
        site = in_process(base_url)
        assert is_held(site, old)
        for path in (new.path, f"{new.path}/lnurl", f"/c/{'A' * 26}"):
            assert site.get(path).status_code == 503, path
        assert site.json(f"{new.path}/lnurl")["status"] == "ERROR"
        assert amani("reconcile").code == 0
        assert site.get(old.path).status_code == 404
        assert site.get(f"/c/{'A' * 26}").status_code == 404
        assert site.take(new, taker.invoice(1000)) == OK
        compared(amani, giver)

    def test_that_was_moved_away(self, amani: Amani, giver: Held, taker: Held, base_url: str, tmp_path: Path) -> None:
        link, site = write_link(amani), in_process(base_url)
        target = tmp_path / "other" / "amani.db"
        target.parent.mkdir(mode=0o700)
        assert amani("store", "copy", "--to", f"sqlite:{target}", "--yes").code == 0
        assert is_held(site, link)
        assert site.post(link, taker.invoice(1000)).status_code == 503
        assert taker.sat == 0


def test_the_ledger_decides_when_a_claim_is_written_down(
    amani: Amani, giver: Held, taker: Held, home: Path, base_url: str, site: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hold, or the move of the ledger, that comes between looking and journaling."""
    link = write_link(amani)
    monkeypatch.setattr("amani_cli.cheques.by_link.refuse_ended", lambda *_: None)
    from amani_cli.serve.withdraw import k1_of

    for mark in ("moved away", "spending held"):
        change_database(home, "INSERT INTO mark VALUES (?, 'elsewhere', '2026')", mark)
        told = site.json(f"{link.path}/callback", k1=k1_of(link.token), pr=taker.invoice(1000))
        assert (told["status"], taker.sat) == ("ERROR", 0), mark
        change_database(home, "DELETE FROM mark WHERE name=?", mark)
    assert amani("history", "list", "--json").data["items"][0]["kind"] == "cheque"  # the one that funded it
    assert site.take(link, taker.invoice(1000)) == OK


class TestReissuing:
    @pytest.mark.faults
    def test_killed_between_its_steps(
        self, amani: Amani, add_wallet: Callable[..., Held], user: User, base_url: str
    ) -> None:
        """The old link is good, and says so, as long as the old code is; never for a new code."""
        giver, taker = add_wallet("giver", 50_000), add_wallet("taker")
        for step in range(1, 12):
            old = write_link(amani)
            run = amani.process(*("cheque", "reissue", old.id, "--yes"), python=("-m", "tests.kit.stop_at", str(step)))
            site = in_process(base_url)
            is_open, before = site.state(old) == "open", taker.sat
            code_is_good = amani("cheque", "claim", "-", "--to", "taker", "--json", stdin=old.code).code == 0
            assert code_is_good or not is_open, run
            if run.code != -9:
                assert run.code == 0, run
                break
            if not code_is_good:
                new = reissued(amani, old)
                assert site.get(old.path).status_code == 404
                assert site.take(new, taker.invoice(1000)) == OK
            assert taker.sat == before + 1000
        else:
            pytest.fail("it never survived")
        assert amani("cheque", "list", "--status", "open", "--json").data["items"][0]["id"] == old.id
        compared(amani, giver)

    def test_what_was_refused_leaves_the_old_link(
        self, amani: Amani, giver: Held, taker: Held, user: User, base_url: str, site: InProcess
    ) -> None:
        link = write_link(amani)
        assert amani("logout", taker.server.url).code == 0
        refused = amani("cheque", "reissue", link.id, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (9, "LOGIN_NEEDED")
        assert site.take(link, taker.invoice(1000)) == OK

    def test_an_answer_that_was_lost(
        self, amani: Amani, giver: Held, taker: Held, user: User, base_url: str, site: InProcess, home: Path
    ) -> None:
        """The keys may be new: neither link nor code is good any more, and the same command ends it."""
        with FaultProxy(taker.server.url) as proxy:
            through(proxy, home)
            change_database(home, "UPDATE login SET url=?", proxy.url)
            keys.keyring_set(f"login:{proxy.url}", user.token)
            link = write_link(amani)
            proxy.on(cut(after=True), "PUT")
            lost = amani("cheque", "reissue", link.id, "--yes", "--json")
            assert lost.code == 10, lost
            assert "Run the same command again" in lost.error["hint"]
            assert site.get(link.path).status_code == 404
            new = reissued(amani, link)
            assert site.take(new, taker.invoice(1000)) == OK

    def test_not_while_a_claim_by_the_old_link_is_on_its_way(
        self, amani: Amani, giver: Held, taker: Held, user: User, base_url: str, site: InProcess, home: Path
    ) -> None:
        link = write_link(amani)
        assert site.take(link, taker.invoice(1000)) == OK
        # As one that began after it was looked at.
        change_database(home, "UPDATE cheque SET status='open', claimed_at=NULL")
        change_database(home, "UPDATE payment SET status='unknown' WHERE id=(SELECT claim FROM cheque)")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("amani_cli.cheques.standing.refresh", lambda ws, row: (row, False))
            refused = amani("cheque", "reissue", link.id, "--yes", "--json")
        assert refused.code == 8
        assert site.state(link) == "claiming"  # the link still is the one that is being claimed by
