"""What a start must not load: cron and scripts pay for every import, every time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from amani_cli.encodings.bolt11 import decode_invoice
from tests.conftest import write_key
from tests.faults.provider import KEY, Provider, started
from tests.kit.driver import Amani, environment
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.sqlite  # a ledger on a server loads its driver too

HEAVY = {
    *("pydantic", "rich", "sqlite_utils", "click", "pygments", "keyring", "asyncio", "importlib.metadata", "segno"),
    *("bcrypt", "cryptography", "secretstorage"),
}
NETWORK = {"httpx", "ssl", "http.client", "urllib.request"}
# Runs the program as its script does, and then says which modules are there.
_PROBE = """
import os, sys
sys.argv[0] = "amani"
os._exit = sys.exit
from amani_cli.__main__ import main
try:
    main()
finally:
    sys.stderr.write("\\n" + " ".join(sys.modules))
"""


def loaded(*words: str) -> tuple[int, set[str]]:
    """Run amani in a process of its own; the exit code, and the modules that were loaded at its end."""
    unmeasured = environment({name: None for name in os.environ if name.startswith("COV")})
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *words], capture_output=True, text=True, env=unmeasured, check=False
    )
    return done.returncode, set(done.stderr.splitlines()[-1].split(" "))


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with started() as provider:
        yield provider


@pytest.fixture
def wallet(amani: Amani, provider: Provider) -> None:
    amani.secrets.add(KEY)
    words = ("wallet", "add", "main", "--url", provider.url, "--key-file", write_key(Path("key"), KEY))
    assert amani(*words).code == 0


def test_the_version_builds_no_command_tree() -> None:
    code, modules = loaded("--version")
    assert code == 0
    assert sorted(modules & {"typer", "sqlite3", "json", "dataclasses", "inspect", *HEAVY, *NETWORK}) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--help",), 0),
        (("wallet", "--help"), 0),
        (("no-such-command",), 2),
        (("wallet", "list", "--no-such-option", "--json"), 2),
        (("history", "list", "--limit", "x"), 2),
        (("invoice", "decode", make_invoice()), 0),
        (("config", "path", "--json"), 0),
        (("wallet", "list", "--json"), 0),
    ],
)
def test_what_needs_no_books_opens_none(words: tuple[str, ...], code: int) -> None:
    ended, modules = loaded(*words)
    assert ended == code
    assert sorted(modules & {*HEAVY, *NETWORK}) == []


@pytest.mark.usefixtures("wallet")
@pytest.mark.parametrize("words", [("history", "list", "--json"), ("history", "list"), ("invoice", "list", "--json")])
def test_the_books_are_read_without_a_network(words: tuple[str, ...]) -> None:
    code, modules = loaded(*words)
    assert code == 0
    assert "sqlite3" in modules
    assert sorted(modules & {*HEAVY, *NETWORK}) == []


@pytest.mark.usefixtures("wallet")
@pytest.mark.parametrize("words", [("wallet", "balance", "--json"), ("wallet", "balance"), ("wallet", "balance", "-q")])
def test_a_balance_loads_httpx_and_nothing_heavy(words: tuple[str, ...]) -> None:
    code, modules = loaded(*words)
    assert code == 0
    assert "httpx" in modules
    assert sorted(modules & HEAVY) == []


@pytest.mark.usefixtures("wallet")
def test_a_cached_balance_loads_no_httpx() -> None:
    assert loaded("wallet", "balance", "--json")[0] == 0
    code, modules = loaded("wallet", "balance", "--max-age", "1h", "--json")
    assert code == 0
    assert "httpx" not in modules


def test_the_environment_s_key_loads_no_database(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("LNBITS_API_KEY", KEY)
    monkeypatch.setenv("LNBITS_BASE_URL", provider.url)
    code, modules = loaded("wallet", "balance", "--json")
    assert code == 0
    assert sorted(modules & HEAVY) == []
    assert not home.exists()


# Our own modules that a command has no use for, each dear or a way to something dear.
_UNUSED = {
    "wallet balance --json": "encodings.bolt11 payments.engine payments.rails rules.budgets rules.pins amounts"
    " views.wallets wallets.keeping providers.fiat",
    "history list --json": "views.payments lightning.paying providers.http providers.lnbits destinations.reading"
    " encodings.qr books.exports",
    "invoice create 21 --json": "views.invoices destinations.reading providers.lnurl encodings.qr books.reading"
    " providers.fiat",
    "invoice check HASH --json": "views.invoices destinations.reading providers.lnurl encodings.qr books.reading"
    " providers.fiat",
    "pay INVOICE --yes --json": "views.payments providers.lnurl encodings.qr cheques.drawing lightning.faucet"
    " books.reading providers.fiat",
}


def test_what_is_looked_for_exists() -> None:
    """A module that was given another name would never be found loaded."""
    for name in " ".join(_UNUSED.values()).split():
        assert find_spec(f"amani_cli.{name}") is not None, name


@pytest.mark.usefixtures("wallet")
@pytest.mark.parametrize("command", _UNUSED)
def test_a_command_loads_no_more_of_amani_than_it_uses(provider: Provider, command: str) -> None:
    text = make_invoice()
    invoice = decode_invoice(text)
    assert invoice.amount_msat is not None
    provider.knows(text, invoice.payment_hash, "success", invoice.amount_msat)
    words = [{"INVOICE": text, "HASH": invoice.payment_hash}.get(word, word) for word in command.split()]
    _, modules = loaded(*words)
    assert sorted(modules & {*HEAVY, "amani_cli.store.migrations"}) == []
    assert sorted(modules & {f"amani_cli.{name}" for name in _UNUSED[command].split()}) == []
