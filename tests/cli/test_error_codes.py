"""Error codes that no feature's own tests name: each by the command that ends with it, as `explain` has it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from amani_cli.explanations import ERROR_CODES
from tests.conftest import AddWallet, Held
from tests.kit.driver import Amani

pytestmark = pytest.mark.lnbits


@pytest.fixture
def main(add_wallet: AddWallet) -> Held:
    return add_wallet("main", 100)


WORDS = {
    "BAD_ADDRESS": "address add Ada·Obi -w main",
    "BAD_APPROVAL": "request run {request} --approval {junk} --yes",
    "BAD_CATEGORY": "pay {invoice} --yes --category " + "c" * 101,
    "BAD_PATH": "batch plan " + "q" * 300 + ".csv -o plan",
    "BAD_STORE": "config set store ftp://ledger.example/amani",
    "LNURL_CHANNEL": "pay lnurlc://pay.example/channel 5 --yes",
    "NO_SUCH_AGENT": "wallet limit main --agent ada --off",
    "NO_SUCH_APPROVER": "approver remove ada --yes",
    "PASSWORD_IN_ADDRESS": "config set store postgresql://amani:hunter2@ledger.example/amani",
}


@pytest.mark.parametrize("code", WORDS)
def test_what_is_typed_ends_with_its_code(amani: Amani, main: Held, tmp_path: Path, code: str) -> None:
    assert amani("config", "set", "base_url", "https://pay.example").code == 0
    (tmp_path / "junk").write_text("{}\n")
    texts = {"invoice": main.invoice(5), "junk": str(tmp_path / "junk")}
    if "{request}" in WORDS[code]:
        filed = amani("cheque", "create", "5", "--request", "--json")
        texts["request"] = filed.data["id"]
    refused = amani(*(word.format(**texts).replace("·", " ") for word in WORDS[code].split()), "--json")
    assert (refused.error["code"], refused.error["money_moved"]) == (code, "no"), refused
    assert refused.code in ERROR_CODES[code][0]
    assert main.sat == 100
    assert "hunter2" not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("code", "package", "words"),
    [
        ("NO_DRIVER", "psycopg", "wallet list"),
        ("NO_PILLOW", "PIL", "history chart -o chart.png"),
    ],
)
def test_a_package_that_is_not_installed_is_named(
    amani: Amani, main: Held, monkeypatch: pytest.MonkeyPatch, code: str, package: str, words: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    env = {"AMANI_STORE": "postgresql://ledger.example/amani"} if package == "psycopg" else {}
    refused = amani(*words.split(), "--json", env=env)
    assert (refused.code, refused.error["code"]) == (2, code), refused
    assert "nstall" in refused.error["hint"]
