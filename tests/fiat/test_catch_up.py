"""A sync of Fincra's log reads on until nothing is missing, and a copy's hold ends when that was done."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amani_cli.providers import fincra_line
from amani_cli.store import journal, read_back
from amani_cli.store.ledger import Ledger
from tests.conftest import change_database
from tests.kit import ledgers
from tests.kit.driver import Amani
from tests.kit.fincra_double import Call, Double, Merchant, Refused
from tests.kit.fincra_world import AddBusiness, without_pin

PAGE = 4
HELD = "INSERT INTO mark VALUES ('spending held', 'a copy restored from the backup of yesterday', '2026-11-01')"


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fincra_line, "PAGE", PAGE)
    monkeypatch.setattr(read_back, "DEPTH", 0)
    monkeypatch.setattr(read_back, "MARGIN_S", 0)


@pytest.fixture
def shop(amani: Amani, add_business: AddBusiness, home: Path) -> Merchant:
    """A registered business."""
    merchant = add_business()
    without_pin(home, merchant)
    return merchant


@pytest.fixture
def came(double: Double, shop: Merchant) -> Callable[..., None]:
    """Money comes, `number` times: each a minute after the last, or all at one moment."""
    moment = [0]

    def come(number: int, *, same: bool = False) -> None:
        for _ in range(number):
            moment[0] += not same
            double._log(shop, "credit", 1, "NGN", "collections", None, f"theirs-{len(shop.log)}")  # type: ignore[arg-type]
            shop.log[0]["createdAt"] = f"2026-11-01T10:{moment[0]:02}:00.000Z"

    return come


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[int, Callable[[], None]]:
    """What happens when a page of the log is asked for, before it is answered."""
    acts: dict[int, Callable[[], None]] = {}
    plain = Call.logs

    def logs(self: Call) -> tuple[int, Any]:
        acts.get(int(self.query.get("page", 1)), lambda: None)()
        return plain(self)

    monkeypatch.setattr(Call, "logs", logs)
    return acts


def fails() -> None:
    raise Refused(500, {"success": False, "error": "trouble", "errorType": "INTERNAL_SERVER_ERROR"})


def in_journal(amani: Amani) -> int:
    items = amani("history", "list", "--limit", "1000", "--json").data["items"]
    assert len({item["provider_reference"] for item in items}) == len(items)
    return len(items)


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("page", [2, 3])
def test_a_sync_that_is_cut_is_gone_on_with(
    amani: Amani, came: Callable[..., None], pages: dict[int, Callable[[], None]], double: Double, page: int, same: bool
) -> None:
    came(11, same=same)
    pages[page] = fails
    assert amani("history", "sync").code == 10
    came(5, same=same)
    pages[page] = lambda: None
    assert amani("history", "sync").code == 0
    assert in_journal(amani) == 16
    if not same:
        before = len(double.requests)
        assert amani("history", "sync", "--json").data["new"] == 0
        assert [path for _, path, _ in double.requests[before:]] == ["/wallets/logs"]


def test_lines_that_come_while_it_is_read(
    amani: Amani, came: Callable[..., None], pages: dict[int, Callable[[], None]]
) -> None:
    came(10)
    pages[2] = lambda: came(3)
    assert amani("history", "sync").code == 0
    pages[2] = lambda: None
    assert amani("history", "sync").code == 0
    assert in_journal(amani) == 13


def test_own_payouts_on_the_first_page_hide_nothing(amani: Amani, came: Callable[..., None], shop: Merchant) -> None:
    came(3)
    assert amani("history", "sync").code == 0
    came(6)
    for number in range(PAGE + 1):
        assert amani("pay", "bank:058/2345678901", f"{10 + number}NGN", "--yes").code == 0
    assert amani("history", "sync", "--json").data["new"] >= 6
    assert in_journal(amani) == 9 + PAGE + 1


def test_a_copy_is_held_until_its_log_was_read(
    amani: Amani,
    came: Callable[..., None],
    pages: dict[int, Callable[[], None]],
    shop: Merchant,
    home: Path,
    tmp_path: Path,
) -> None:
    pay = ("pay", "bank:058/2345678901", "10NGN", "--yes", "--json")
    came(3)
    assert amani("history", "sync").code == 0
    copy = ledgers.Kept(home)
    came(9)
    copy.put_back()
    change_database(home, HELD)
    pages[2] = fails
    for _ in range(2):
        cut = amani("reconcile")
        assert (cut.code, "possible again" in cut.stderr) == (10, False)
        assert amani(*pay).error["code"] == "RECONCILE_FIRST"
    key = (tmp_path / "shop.key").read_text()
    assert amani("wallet", "remove", "shop", "--yes").code == 0
    assert amani("reconcile").code == 10
    assert key
    shutil.copy(tmp_path / "shop.key", tmp_path / "again.key")
    (tmp_path / "again.key").chmod(0o600)
    words = ("--provider", "fincra", "--url", _url(home), "--key-file", tmp_path / "again.key")
    assert amani("wallet", "add", "again", *words).code == 0
    assert amani(*pay).error["code"] == "RECONCILE_FIRST"
    pages[2] = lambda: None
    done = amani("reconcile")
    assert (done.code, "Spending is possible again" in done.stderr) == (0, True), done
    assert amani(*pay).code == 0
    assert in_journal(amani) == 13


def test_a_log_that_does_not_go_back_to_the_copy_releases_nothing(
    amani: Amani, came: Callable[..., None], shop: Merchant, home: Path
) -> None:
    came(3)
    assert amani("history", "sync").code == 0
    change_database(home, HELD)
    shop.log.clear()
    came(2)
    result = amani("reconcile")
    assert (result.code, "possible again" in result.stderr) == (10, False)
    assert "does not go back to" in result.stderr
    change_database(home, "DELETE FROM hold")
    assert amani("history", "sync").code == 0  # what is gone is gone, and no reason to fail for ever


def _url(home: Path) -> str:
    return str(ledgers.ask(home, "SELECT subject FROM audit WHERE what='wallet add'")[0][0])


def test_two_syncs_at_once_bring_a_line_in_once(
    amani: Amani, came: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    came(3)
    plain, asked = journal.is_logged, list[str]()

    def meanwhile(db: Ledger, remote_id: str | None, log_id: str) -> bool:
        is_known = plain(db, remote_id, log_id)
        asked.append(log_id)
        if asked.count(log_id) == 2:  # first of the page, then of the line that is brought in
            monkeypatch.setattr(journal, "is_logged", plain)
            assert amani.process("history", "sync").code == 0
        return is_known

    monkeypatch.setattr(journal, "is_logged", meanwhile)
    assert amani("history", "sync").code == 0
    assert len(amani("history", "list", "--json").data["items"]) == 3
    assert amani("history", "sync", "--json").data["new"] == 0
