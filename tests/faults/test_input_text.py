"""Text from outside, at a terminal, in JSON and in spreadsheets: it is shown, and it does nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.conftest import change_database
from tests.destinations.conftest import mark_as_sandbox
from tests.faults.tally import Tally
from tests.faults.tape import Restore, Tape
from tests.faults.world import COMMANDS, World, words_of, world
from tests.fiat.test_payouts import shop
from tests.kit import fincra_double as doubles
from tests.kit.driver import Amani, Result
from tests.kit.fault_proxy import Answer
from tests.kit.fincra_double import Merchant
from tests.kit.lnurl_server import LnurlServer
from tests.kit.make_invoice import make_invoice

__all__ = ["shop", "world"]

pytestmark = pytest.mark.faults

# Clears the screen, sets the title, colours, goes back over what is written, turns the direction, hides, and pretends
# to be a line of amani's own.
HOSTILE = (
    "=1+1\x1b[2J\x1b[44m\x1b]0;title\x07\x1bP+q\x1b\\\x9b31m\x9d0;t\x9c\b\b\b\r\nsettled: 1,000,000 sat\n\rerror: none"
    "\v\f\x7f\u202egnp\u2066\u200b\u200e\ufeff\u2028\U000e0041\x85"
)
FAKE = ("settled: 1,000,000", "error: none")
# What amani writes itself at a terminal: bold headings, and the line of progress with what wipes it away.
_OWN = re.compile(r"\x1b\[[0-9;]*m|\r\x1b\[K")
_ACTS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def harmless(result: Result) -> None:
    """Nothing on either stream acts on the terminal or passes for a line of amani's."""
    assert "\x1b[44m" not in result.stdout + result.stderr, result
    for text in (result.stdout, result.stderr):
        found = _ACTS.search(_OWN.sub("", text))
        assert found is None, (found, result)
        assert not [line for line in _OWN.sub("", text).splitlines() if line.startswith(FAKE)], result


@pytest.mark.parametrize("line", COMMANDS)
def test_what_a_servers_error_says(
    line: str, world: World, tmp_path_factory: pytest.TempPathFactory, tally: Tally
) -> None:
    words, stdin = words_of(line, world)
    restore = Restore((world.home, world.folder), beside=tmp_path_factory.mktemp("kept"))
    tape = Tape(world.proxy)
    world.amani(*words, "--timeout", "short", stdin=stdin)
    for at in range(len(tape.taken)):
        for status, body in ((400, {"detail": HOSTILE}), (520, {"detail": HOSTILE, "status": "failed"})):
            restore()
            tape.rewind((at, Answer(status, json.dumps(body).encode())))
            harmless(world.amani(*words, "--timeout", "short", "-v", stdin=stdin, tty=True))
            tally("inputs")


# Every column that may hold what somebody else wrote; a name, a reference or a reason is checked when it is typed, and
# comes into a database from a backup or another amani all the same.
COLUMNS = {
    "payment": ("destination", "memo", "failure", "reference", "actor", "category", "rate_source"),
    "invoice": ("memo", "reference", "category", "link"),
    "cheque": ("memo", "claimed_by", "reference"),
    "audit": ("who", "actor", "subject", "outcome", "reason", "wallet"),
    "contact": ("name", "destination"),
    "wallet": ("server_version", "login"),
    "login": ("username",),
    "closed_month": ("zone", "wallet"),
}
VIEWS = (
    "wallet list",
    "wallet show main",
    "wallet limit main",
    "invoice list",
    "invoice show {hash}",
    "history list",
    "history show {hash}",
    "history show {id}",
    "history export --format csv",
    "history export --format jsonl",
    "history export --format ledger",
    "history export --format beancount",
    "history chart",
    "cheque list",
    "cheque show {cheque}",
    "contact list",
    "audit list",
    "audit verify",
    "trace {hash}",
    "batch status {plan}",
    "batch results {plan}",
    "reconcile",
    "pin status",
    "faucet status",
    "config show",
    "doctor",
    "metrics",
    "pay {own}",
)


def test_what_the_journal_holds(world: World, tally: Tally) -> None:
    for prepare in (World.was_paid, World.paid, World.cheque, World.faucet, World.batch):
        prepare(world)
    world.do("contact", "add", "ada", "ada@example.com")
    world.do("batch", "run", world.words["plan"], "--yes")
    world.words["id"] = world.do("history", "list", "--direction", "out").data["items"][0]["id"]
    for table, columns in COLUMNS.items():
        for column in columns:
            # Different in each row, as some of them must be.
            change_database(
                world.home, f"UPDATE {table} SET {column}=? || random() WHERE {column} IS NOT NULL", HOSTILE
            )
    change_database(world.home, "UPDATE contact SET seen=?", json.dumps({"domain": HOSTILE, "name": HOSTILE}))
    for view in VIEWS:
        words = [word.format(**world.words) for word in view.split()]
        shown = world.amani(*words, "--timeout", "short", tty=True)
        harmless(shown)
        if "csv" in words or "results" in words:
            spreadsheet(shown.stdout)
        assert shown.code in (0, 4, 5, 6, 8, 10, 13), (view, shown)
        assert world.amani(*words, "--json", "--timeout", "short").stdout.isascii()
        tally("inputs")


def spreadsheet(text: str) -> None:
    """No cell is a formula, and nothing acts on a terminal that the file is shown at."""
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) > 1
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "+", "@", "\t", "\r")), cell
        assert not cell.startswith("-") or re.fullmatch(r"-[0-9.]+", cell), cell


@pytest.mark.parametrize(
    ("formula", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1+2", "'-1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r=1", r"\x0d=1"),
    ],
)
def test_what_a_spreadsheet_would_run(world: World, formula: str, cell: str) -> None:
    world.paid()
    change_database(world.home, "UPDATE payment SET memo=?, destination=?, category=?", formula, formula, formula)
    exported = world.amani("history", "export", "--format", "csv")
    assert exported.code == 0
    spreadsheet(exported.stdout)
    assert [row["memo"] for row in csv.DictReader(io.StringIO(exported.stdout))] == [cell]


@pytest.mark.parametrize("where", ["metadata", "reason", "message", "description", "domain"])
def test_what_an_lnurl_server_says(world: World, lnurl_server: LnurlServer, where: str) -> None:
    mark_as_sandbox(world.home)
    metadata = json.dumps([["text/plain", HOSTILE if where == "metadata" else "tea"], ["text/long-desc", HOSTILE]])
    action = {"tag": "message", "message": HOSTILE[:144]} if where == "message" else None
    if where == "description":
        action = {"tag": "url", "description": HOSTILE, "url": lnurl_server.url + "/" + HOSTILE}
    address = lnurl_server.pay_to(
        "ada", lambda msat, _: world.other.invoice(msat // 1000), metadata=metadata, along={"successAction": action}
    )
    if where == "reason":
        lnurl_server.paths["/.well-known/lnurlp/ada"] = lambda _: {"status": "ERROR", "reason": HOSTILE}
    if where == "domain":
        lnurl_server.paths["/.well-known/lnurlp/ada"] = lambda _: (302, {"Location": "https://\x9b31m[/"}, b"")
    for words in (("pay", address, "21", "--dry-run"), ("pay", address, "21", "--yes"), ("history", "list")):
        harmless(world.amani(*words, tty=True))


def test_what_fincra_says(amani: Amani, shop: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doubles.BANKS, "NGN", [{"id": 1, "code": "058", "name": HOSTILE}])
    monkeypatch.setitem(doubles.ACCOUNTS, ("2345678901", "058"), HOSTILE)
    harmless(amani("contact", "banks", "NGN", tty=True))
    assert json.loads(amani("contact", "banks", "NGN", "--json").stdout)["ok"]
    for more in ("--dry-run", "--yes"):
        paid = amani("pay", "bank:058/2345678901", "5NGN", more, tty=True)
        assert paid.code == 0, paid
        harmless(paid)
    harmless(amani("history", "list", tty=True))


@pytest.mark.parametrize("words", [("invoice", "decode"), ("pay",)])
def test_what_an_invoice_says(amani: Amani, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LNBITS_API_KEY", "0123456789abcdef" * 2)
    monkeypatch.setenv("LNBITS_BASE_URL", "http://127.0.0.1:9")
    text = make_invoice(amount_msat=21_000, description=HOSTILE.encode("utf-8", "surrogatepass")[:639])
    harmless(amani(*words, text, tty=True))
    assert amani(*words, text, "--json", "--yes").stdout.isascii()


@pytest.mark.parametrize(
    "words",
    [
        (HOSTILE,),
        ("wallet", "show", HOSTILE),
        ("wallet", "add", HOSTILE, "--url", "http://127.0.0.1:9"),
        ("wallet", "add", "x", "--url", HOSTILE),
        ("pay", HOSTILE),
        ("pay", "x@example.com", HOSTILE),
        ("contact", "show", HOSTILE),
        ("contact", "add", HOSTILE, "ada@example.com"),
        ("history", "list", "--status", HOSTILE),
        ("history", "list", "--since", HOSTILE),
        ("config", "set", HOSTILE, "x"),
        ("config", "set", "timeout", HOSTILE),
        ("explain", HOSTILE),
        ("schema", HOSTILE),
        ("batch", "plan", HOSTILE),
        ("backup", "verify", HOSTILE, "--passphrase-file", HOSTILE),
        ("--" + HOSTILE,),
        ("completion", "show", HOSTILE),
    ],
)
def test_what_was_typed_or_pasted(amani: Amani, words: tuple[str, ...], tmp_path: Path) -> None:
    result = amani(*(word.replace("\x00", "") for word in words), tty=True)
    assert result.code in (2, 3, 4), result
    harmless(result)
