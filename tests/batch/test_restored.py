"""After a restore: what was paid under a reference since the backup was made is known again, and paid once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Held
from tests.kit.driver import Amani
from tests.kit.going_back import Copied
from tests.kit.lnurl_server import METADATA, LnurlServer

pytestmark = [pytest.mark.lnbits, pytest.mark.usefixtures("cheap_seal")]


def test_the_same_commands_replay_what_the_backup_does_not_hold(
    amani: Amani,
    payer: Held,
    payee: Held,
    planned: Callable[..., Path],
    lnurl_server: LnurlServer,
    shared_keyring: Path,
    copied: Copied,
) -> None:
    """An address gives a new invoice every time, so that nothing but the reference tells the payment again."""
    ada = lnurl_server.pay_to(
        "ada", lambda msat, _: payee.invoice(msat // 1000, unhashed_description=METADATA.encode().hex())
    )
    rows = [{"to": ada, "amount": "100", "reference": "wage-11"}, {"to": ada, "amount": "50"}]
    plan = planned(rows)
    commands = {
        "address": ("pay", ada, "700", "--reference", "tip", "--yes", "--json"),
        "invoice": ("pay", payee.invoice(30), "--reference", "bill", "--yes", "--json"),
        "transfer": ("transfer", "payee", "200", "--reference", "float", "--yes", "--json"),
    }
    cheque = ("cheque", "create", "40", "--reference", "gift", "--yes", "--json")
    restore = copied()
    assert amani("batch", "run", plan, "--yes").code == 0
    first = {name: amani(*words).data for name, words in commands.items()}
    amani.secrets.add(amani(*cheque).data["code"])
    left = payer.sat

    restore()
    assert amani("batch", "run", plan, "--yes").code == 9  # held until it has caught up
    assert amani("reconcile").code == 0

    done = amani("batch", "run", plan, "--yes", "--json")
    assert done.code == 0, done
    for name, words in commands.items():
        again = amani(*words).data
        assert (again["replayed"], again["reference"]) == (True, first[name]["reference"]), name
        assert again["payment_hash"] == first[name]["payment_hash"], name
    lost = amani(*cheque)
    assert (lost.code, lost.error["code"]) == (9, "REFERENCE_TAKEN")
    assert "funded after this copy" in lost.error["message"]
    # A reference is still one thing: for another it is refused.
    other = amani("pay", ada, "701", "--reference", "tip", "--yes", "--json")
    assert (other.code, other.error["code"]) == (9, "REFERENCE_TAKEN")
    assert payer.sat == left
