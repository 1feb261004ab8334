"""The examples in the help run as they stand, with words in capitals and the example hosts filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from amani_cli import examples
from tests.cli.test_tree import GROUPS, LEAVES
from tests.conftest import AddWallet, write_key
from tests.destinations.conftest import mark_as_sandbox
from tests.kit import ledgers
from tests.kit.driver import Amani, Result
from tests.kit.fincra_double import Double
from tests.kit.lnurl_server import METADATA, LnurlServer

# What can't run in this world, and why. It is held to the command tree all the same.
NOT_RUN = {
    "amani sandbox": "it would start, stop or delete the server that the other tests use; README's own test runs it",
    "amani status --watch": "it goes on until Ctrl-C; tests/operations/test_status.py presses it",
    "amani watch --below": "it waits for ten minutes",
    "amani wallet watch --below": "it waits for ten minutes",
    "amani watch": "it goes on until Ctrl-C",
    "amani serve": "it goes on until it is told to stop; tests/serve drives it",
    "amani webhook listen": "it goes on until Ctrl-C; tests/operations/test_webhooks.py drives it",
    "amani wallet rotate-keys": "it needs a login; tests/wallets/test_accounts.py drives it",
    "amani cheque reissue": "it needs a login; tests/cheques drive it",
    "amani invoice claim": "it needs a link with money in it; tests/destinations/test_links.py drives it",
    "amani login": "it needs an account; tests/wallets/test_accounts.py drives it",
    "amani logout": "it needs a login; tests/wallets/test_accounts.py drives it",
    "amani invoice wait order-42": "it waits for ten minutes",
    "amani backup restore": "nothing newer is ever overwritten; tests/operations/test_backup.py drives it",
    "amani wallet limit main --approve-above": "it takes an approver; tests/requests drive it",
    "amani request approve": "it takes another person; tests/requests drive it",
    "amani request refuse": "it takes another person; tests/requests drive it",
    "amani request run r.json": "it takes another person; tests/requests drive it",
    "amani approver add": "it takes another person's key; tests/requests drive it",
    "amani approver remove": "it takes an approver; tests/requests drive it",
    "amani store upgrade": "it makes a ledger on PostgreSQL; tests/team drive it",
    "amani store copy": "nothing is spent here after it; tests/team drive it",
    "amani store release": "it takes a claim of another machine; tests/team drive it",
    "amani mcp": "it goes on until its client leaves; tests/agents drive it",
    "amani pin reset": "the keyring holds no Admin key that is a file here; tests/rules drive it",
}
ENDS = {"amani close": (0, 13), "amani close --month 2026-08": (0, 13), "amani trace INVOICE --redacted": (4,)}
if ledgers.on_postgres():  # a server of the tests does not sync, and doctor says so
    ENDS |= dict.fromkeys(examples.EXAMPLES["doctor"], (0, 13))
FIRST = sorted({path.split()[0] for path in examples.EXAMPLES if path} - {"backup"})


def words_of(line: str) -> tuple[list[str], str]:
    """The words of an example, and the file that it reads on stdin."""
    words = shlex.split(line)
    stdin = [word[1:] for word in words if word.startswith("<")]
    return [word for word in words[1:] if not word.startswith("<")], "".join(stdin)


@pytest.mark.parametrize("path", [*LEAVES, *GROUPS])
def test_every_command_has_examples_of_itself(amani: Amani, path: str) -> None:
    shown = examples.of(path)
    assert shown
    told = amani(*path.split(), "--help").stdout
    for line in shown:
        assert f"  {line}\n" in told
        assert len(line) <= 78, line
        assert line.startswith(f"amani {path}".rstrip())


def test_no_example_is_of_a_command_that_is_gone() -> None:
    assert set(examples.EXAMPLES) <= {*LEAVES, ""}


@pytest.mark.parametrize("line", sorted({line for each in examples.EXAMPLES.values() for line in each}))
def test_an_example_takes_what_the_command_takes(line: str) -> None:
    from amani_cli import cli
    from amani_cli.options import Options

    words, _ = words_of(line)
    with cli.root().make_context("amani", list(words), obj=Options()) as ctx:
        command, rest = ctx.command, [*ctx._protected_args, *ctx.args]
        while hasattr(command, "resolve_command"):
            name, command, rest = command.resolve_command(ctx, rest)
            ctx = command.make_context(name, rest, parent=ctx)
            rest = [*ctx._protected_args, *ctx.args]


class World:
    """Two Lightning wallets with sats, a Fincra wallet, a payee at a server of its own, and what files there are."""

    def __init__(self, amani: Amani, add_wallet: AddWallet, double: Double, lnurl: LnurlServer) -> None:
        self.amani = amani
        self.main, self.shop, payee = add_wallet("main", 400_000), add_wallet("shop", 50_000), add_wallet("payee")
        merchant = double.merchant("Ada Stores Ltd", NGN="100000", GHS="5000", USD="500")
        amani.secrets.add(merchant.key)
        fincra_key = write_key(Path("fincra.key"), merchant.key)
        assert amani("wallet", "add", "naira", "--provider", "fincra", "--key-file", fincra_key).code == 0
        assert amani("wallet", "use", "main").code == 0
        assert amani("wallet", "remove", "payee", "--yes").code == 0
        write_key(Path("shop.key"), self.shop.admin_key)
        write_key(Path("main.key"), self.main.admin_key)
        for name, text in {"pin.txt": "4711", "new-pin.txt": "8215", "passphrase.txt": "correct horse staple"}.items():
            write_key(Path(name), text)
        assert amani("contact", "add", "ada", "ada@example.com").code == 0
        assert amani("config", "set", "base_url", "https://pay.example.com").code == 0
        self.payee = payee
        hashed = {"unhashed_description": METADATA.encode().hex()}
        self.address = lnurl.pay_to(
            "ada", lambda msat, _: payee.invoice(msat // 1000, **hashed), more={"commentAllowed": 100}
        )
        Path("wages.csv").write_text(f"to,amount,reference\n{payee.invoice(21)},,a\n{payee.invoice(22)},,b\n")

    def run(self, line: str) -> Result:
        """Run an example."""
        words, stdin = words_of(self.filled(line))
        yes = (
            []
            if "--yes" in words or not re.match(r"amani (pay|transfer|batch run|cheque|faucet|pin)", line)
            else ["--yes"]
        )
        return self.amani(*words, *yes, stdin=Path(stdin).read_text() if stdin else "")

    def filled(self, line: str) -> str:
        """The line with what its words in capitals stand for."""
        line = line.replace("ada@example.com", self.address).replace("https://lnbits.example.com", self.main.server.url)
        line = line.replace("INVOICE", self.payee.invoice(77, "order 42")) if re.search(r"\bINVOICE\b", line) else line
        if re.search(r"\bHASH\b", line):
            made = self.amani("invoice", "create", "5", "--memo", "order 42", "--wallet", "shop", "--json").data
            if "wait" in line:
                self.main.pay(made["bolt11"])
            line = line.replace("HASH", made["payment_hash"])
        if re.search(r"\bCODE\b|code\.txt", line):
            code = self.amani("cheque", "create", "300", "--yes", "--quiet").stdout.strip()
            self.amani.secrets.add(code)
            write_key(Path("code.txt"), code)
            line = re.sub(r"\bCODE\b", code, line)
        if re.search(r"\bID\b", line):
            if line.startswith("amani request"):
                id = self.amani("pay", self.payee.invoice(9), "--request", "--json").data["id"]
            elif "cheque" in line:
                id = self.amani("cheque", "create", "300", "--yes", "--json").data["id"]
            else:
                id = self.amani("pay", self.payee.invoice(9), "--yes", "--json").data["id"]
            line = re.sub(r"\bID\b", id, line)
        return line


@pytest.fixture
def world(
    amani: Amani, add_wallet: AddWallet, home: Path, monkeypatch: pytest.MonkeyPatch, keyring: object
) -> Iterator[World]:
    lnurl = LnurlServer()
    with Double().running() as double:
        monkeypatch.setenv("FINCRA_BASE_URL", double.url)
        made = World(amani, add_wallet, double, lnurl)
        mark_as_sandbox(home)
        yield made
    lnurl.stop()


@pytest.mark.lnbits
@pytest.mark.parametrize("first", [*FIRST, pytest.param("backup", marks=pytest.mark.sqlite)])
def test_the_examples_run(world: World, first: str) -> None:
    if first == "wallet":
        world.amani("wallet", "remove", "naira", "--yes")
        world.amani("wallet", "remove", "shop", "--yes")
    for path, lines in examples.EXAMPLES.items():
        for line in lines if path.split()[:1] == [first] else ():
            if any(line == name or line.startswith(f"{name} ") for name in NOT_RUN):
                continue
            done = world.run(line)
            assert done.code in ENDS.get(line, (0,)), f"$ {line}\n{done.stdout}{done.stderr}exit code {done.code}"
