"""A restored copy does not know what a held wallet has paid since: no way out takes a reference that may be that's."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held
from tests.destinations.conftest import mark_as_sandbox
from tests.kit.driver import Amani
from tests.kit.going_back import Copied
from tests.kit.lnurl_server import METADATA, LnurlServer

pytestmark = [pytest.mark.lnbits, pytest.mark.usefixtures("cheap_seal")]

Restored = Callable[[], tuple[str, Held, Held]]


@pytest.fixture
def restored(amani: Amani, add_wallet: AddWallet, lnurl_server: LnurlServer, copied: Copied) -> Restored:
    """Restore a copy made before three references were used; the wallet that used them can't be asked."""

    def restore() -> tuple[str, Held, Held]:
        payer, payee, other = add_wallet("payer", 2000), add_wallet("payee"), add_wallet("other", 2000)
        described = METADATA.encode().hex()
        ada = lnurl_server.pay_to("ada", lambda msat, _: payee.invoice(msat // 1000, unhashed_description=described))
        mark_as_sandbox(Path(os.environ["AMANI_HOME"]))
        put_back = copied()
        assert amani("pay", ada, "100", "--reference", "wage", "--yes", "-w", "payer").code == 0
        written = amani("cheque", "create", "40", "--reference", "gift", "--yes", "--json", "-w", "payer")
        amani.secrets.add(written.data["code"])
        mark_as_sandbox(put_back())
        Path(payer.key_file).rename(f"{payer.key_file}.away")
        assert amani("reconcile").code != 0
        return ada, payee, other

    return restore


def plan_of(amani: Amani, tmp_path: Path, *row: str) -> Path:
    table, plan = tmp_path / "rows.csv", tmp_path / "rows.plan"
    with table.open("w") as out:
        csv.writer(out).writerows([("to", "amount", "reference"), row])
    planned = amani("batch", "plan", table, "-o", plan, "-w", "other")
    assert planned.code == 0, planned
    return plan


def words_of(amani: Amani, tmp_path: Path, ada: str, way: str, *, wage: str, gift: str) -> tuple[object, ...]:
    """The command that goes one way out of the other wallet, by a reference that the held one used."""
    if way == "pay":
        words: tuple[object, ...] = ("pay", ada, wage, "--reference", "wage")
    elif way == "cheque":
        words = ("cheque", "create", gift, "--reference", "gift")
    elif way == "row to an address":
        words = ("batch", "run", plan_of(amani, tmp_path, ada, wage, "wage"))
    else:
        words = ("batch", "run", plan_of(amani, tmp_path, "cheque", gift, "gift"))
    return (*words, "-w", "other", "--yes", "--json")


@pytest.mark.parametrize("way", ["pay", "cheque", "row to an address", "row for a cheque"])
def test_no_way_out_takes_it(amani: Amani, restored: Restored, tmp_path: Path, way: str) -> None:
    ada, payee, other = restored()
    had = payee.sat
    refused = amani(*words_of(amani, tmp_path, ada, way, wage="100", gift="40"))
    assert (refused.code, refused.error["code"]) == (9, "RECONCILE_FIRST"), refused
    assert (payee.sat, other.sat) == (had, 2000)


@pytest.mark.parametrize("way", ["pay", "cheque", "row to an address", "row for a cheque"])
def test_what_was_refused_has_claimed_nothing(amani: Amani, restored: Restored, tmp_path: Path, way: str) -> None:
    """Once the held wallet has been read back, each reference is that of what it paid: nothing else is paid by it."""
    ada, payee, other = restored()
    had = payee.sat
    command = words_of(amani, tmp_path, ada, way, wage="101", gift="41")
    assert amani(*command).error["code"] == "RECONCILE_FIRST"
    for away in tmp_path.rglob("*.away"):
        away.rename(away.with_suffix(""))
    assert amani("reconcile").code == 0
    again = amani(*command)
    assert again.code == (11 if "row" in way else 9), again
    assert "already stands for something else" in again.stdout
    assert (payee.sat, other.sat) == (had, 2000)


def test_what_has_no_reference_goes_on(amani: Amani, restored: Restored) -> None:
    _, _, other = restored()
    written = amani("cheque", "create", "40", "--yes", "--json", "-w", "other")
    amani.secrets.add(written.data["code"])
    assert (written.code, other.sat) == (0, 1960)


def test_what_one_looks_at_tells_of_it(amani: Amani, restored: Restored) -> None:
    restored()
    for command, part in (("doctor", "items"), ("status", "findings")):
        found = {each["check"]: each for each in amani(command, "--json").json["data"][part]}
        assert "'payer'" in found["held"]["detail"], command
