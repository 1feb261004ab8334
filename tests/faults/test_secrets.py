"""Canary secrets through every command of the tree, in every way it can end: found only where ruling says they live.

Each command runs well, with a key that is refused, against a server that is down or that repeats the key in whatever
it answers, and with a defect inside, at its most talkative. Then every stream, log, database and file is searched.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from amani_cli import keys
from tests.cli.test_tree import TREE
from tests.conftest import AddWallet, Held, change_database, write_key
from tests.faults.tally import DEEP, Tally
from tests.faults.tape import Restore
from tests.fiat.test_payouts import shop
from tests.kit import sealing
from tests.kit.cheque_world import PASSWORD, log_in
from tests.kit.driver import CLONE, PATIENCE_S, Amani, Result, environment
from tests.kit.fault_proxy import Exchange, Fault, FaultProxy
from tests.kit.fincra_double import Double, Merchant
from tests.kit.fincra_world import AddBusiness
from tests.kit.make_invoice import make_invoice

__all__ = ["shop"]

# What ends a thread is printed by Python itself, unmasked: none may end so.
pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")]

PIN = "481516"
PASSPHRASE = "canary passphrase of the backup"
HOOK_SECRET = "canary-webhook-secret-4f1c"
LEAVES = [path for path, (command, _) in TREE.items() if not hasattr(command, "list_commands")]
# These start and stop a server of their own, or never end: what they know of secrets is looked at by themselves.
LEFT_OUT = {"sandbox start", "sandbox stop", "sandbox reset", "webhook listen"}
# To seal a backup takes a second by design, and a watch as long as it is told; neither asks a server anything new.
SLOW = {"backup create", "backup verify", "backup restore", "watch", "wallet watch"}
WORDS: dict[str, str] = {
    "wallet watch": "main --for 1s",
    "wallet add": "new --url {url} --key-file {key_file}",
    "wallet create": "fresh --url {url}",
    "wallet show": "main",
    "wallet rename": "other another",
    "wallet remove": "other",
    "wallet rotate-keys": "made",
    "wallet limit": "main --per-day 1000sat",
    "wallet convert": "5USD --to NGN --wallet shop --pin-file {pin}",
    "invoice create": "21 --memo coffee",
    "invoice show": "{hash}",
    "invoice check": "{hash}",
    "invoice wait": "{hash}",
    "invoice decode": "{bolt11}",
    "invoice claim": "https://127.0.0.1:1/withdraw",
    "pay": "{bolt11} --pin-file {pin}",
    "cheque create": "21 --pin-file {pin}",
    "cheque claim": "- --wallet other",
    "cheque show": "{cheque}",
    "cheque void": "{cheque}",
    "cheque reissue": "{cheque}",
    "faucet configure": "--wallet main --pin-file {pin}",
    "faucet claim": "--wallet main",
    "transfer": "other 21 --pin-file {pin}",
    "pin set": "--wallet other --pin-file {pin}",
    "pin change": "--pin-file {pin} --new-pin-file {new_pin}",
    "pin remove": "--pin-file {pin}",
    "pin verify": "--pin-file {wrong_pin}",
    "pin reset": "--key-stdin",
    "batch plan": "{table} --output {folder}/other.json",
    "batch run": "{plan} --pin-file {pin}",
    "batch status": "{plan}",
    "batch results": "{plan}",
    "contact add": "ada ada@example.com",
    "contact show": "ada",
    "contact remove": "ada",
    "contact banks": "NGN --wallet shop",
    "history show": "{hash}",
    "history export": "--format jsonl",
    "backup create": "{folder}/two.age --with-keys --passphrase-file {passphrase}",
    "backup verify": "{folder}/one.age --passphrase-file {passphrase}",
    "backup restore": "{folder}/one.age --passphrase-file {passphrase}",
    "trace": "-",
    "watch": "main --for 1s",
    "close": "--month last",
    "login": "{url} --username {user} --password-stdin",
    "sandbox fund": "alice 5",
    "config set": "timeout 20s",
    "config explain": "timeout",
    "completion show": "bash",
    "explain": "BUG",
}
LOUD = ("-vvv", "--debug", "--log-json")
TERSE = ("-v", "--json")
VOICES = [LOUD, ("-v", "--debug", "--json"), (), ("--json",), ("--quiet",), ("-vv",)] if DEEP else [LOUD, TERSE]


@dataclass
class Vault:
    """Every kind of secret at once: wallets of both providers, a login, a PIN, a cheque, a backup."""

    amani: Amani
    proxy: FaultProxy
    home: Path
    folder: Path
    words: dict[str, str]
    secrets: set[str] = field(default_factory=set)

    def run(self, words: list[str]) -> Result:
        stdin = {"login": PASSWORD, "pin": self.words["key"], "trace": self.words.get("code", "")}
        result = self.amani(*words, stdin=stdin.get(words[0], self.words.get("code", "")))
        self.secrets |= {secret for secret in keys.SEEN if len(secret) >= 16}
        self.amani.secrets |= self.secrets
        return result


@pytest.fixture
def vault(
    amani: Amani,
    add_wallet: AddWallet,
    add_business: AddBusiness,
    double: Double,
    home: Path,
    tmp_path: Path,
    shared_keyring: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Vault]:
    for name in (
        "amani_cli.payments.engine.LAST_LOOK_S",
        "amani_cli.providers.http.FIRST_PAUSE_S",
        "amani_cli.operations.watching.EVERY_S",
    ):
        monkeypatch.setattr(name, 0.02)
    monkeypatch.setattr("amani_cli.options._seconds", lambda text: 0.3 if text else None)
    other, main = add_wallet("other", 500), add_wallet("main", 5000)
    business = add_business()
    log = tmp_path / "amani.log"
    monkeypatch.setenv("AMANI_LOG", str(log))
    _, new_key, _ = main.server.new_wallet(21)
    with FaultProxy(main.server.url) as proxy:
        change_database(home, "UPDATE wallet SET url=? WHERE provider='lnbits'", proxy.url)
        user = log_in(amani, main.server, proxy.url)
        words = {
            "url": proxy.url,
            "user": "nobody",
            "key": main.admin_key,
            "folder": str(tmp_path),
            "key_file": str(write_key(tmp_path / "new.key", new_key)),
            "pin": str(write_key(tmp_path / "pin", PIN)),
            "new_pin": str(write_key(tmp_path / "new-pin", "918273")),
            "wrong_pin": str(write_key(tmp_path / "wrong-pin", "555123")),
            "passphrase": str(write_key(tmp_path / "passphrase", PASSPHRASE)),
            "plan": str(tmp_path / "plan.json"),
            "table": str(tmp_path / "people.csv"),
            "bolt11": other.invoice(21),
        }
        (tmp_path / "people.csv").write_text(f"to,memo\n{other.invoice(5)},one\n{other.invoice(6)},two\n")
        made = Vault(amani, proxy, home, tmp_path, words)
        amani.secrets |= {new_key, user.token, business.key, PASSPHRASE, PASSWORD}
        for line in (
            ("wallet", "use", "main"),
            ("wallet", "create", "made", "--url", proxy.url),
            ("pin", "set", "--pin-file", words["pin"], "--always"),
            ("contact", "add", "ada", "ada@example.com"),
            ("batch", "plan", words["table"], "-o", words["plan"]),
            ("faucet", "configure", "--wallet", "other"),
        ):
            assert made.run([*line, "--yes"]).code == 0, line
        cheque = amani("cheque", "create", "34", "--yes", "--pin-file", words["pin"], "--json").data
        words |= {"code": cheque["code"], "cheque": cheque["id"]}
        words["hash"] = amani("invoice", "create", "55", "--json").data["payment_hash"]
        made.secrets |= amani.secrets | {cheque["code"]} | keys.SEEN
        amani.secrets |= made.secrets
        yield made


def echo(status: int, form: Callable[[str], tuple[bytes, str]]) -> Fault:
    """A server that repeats what it was sent: every header and the body."""

    def fault(exchange: Exchange) -> None:
        sent = " ".join(exchange.headers.values()) + exchange.body.decode("utf-8", "replace")
        body, content_type = form(sent)
        exchange.handler.send_response(status)
        exchange.handler.send_header("Location", "http://127.0.0.1:1/?" + re.sub(r"[^!-~]", "", sent))
        exchange.handler.send_header("X-Echo", re.sub(r"[^ -~]", "", sent))
        exchange.handler.send_header("Content-Type", content_type)
        exchange.handler.send_header("Content-Length", str(len(body)))
        exchange.handler.end_headers()
        exchange.handler.wfile.write(body)

    return fault


def as_json(sent: str) -> tuple[bytes, str]:
    """As LNbits says what is wrong, and in forms that hide it from a plain search."""
    hidden = base64.b64encode(sent.encode()).decode()
    detail = {"detail": f"{sent} {hidden} {sent.encode().hex()} {sent.upper()}", "status": "failed", "title": sent}
    return json.dumps(detail).encode(), "application/json"


def as_fincra(sent: str) -> tuple[bytes, str]:
    """As Fincra's services say what is wrong."""
    return json.dumps({"success": False, "error": sent, "errorType": "X"}).encode(), "application/json"


def boom(*_: object, **known: object) -> object:
    """A defect of amani's own, in the worst place: it has just been given the key."""
    raise RuntimeError(f"cannot send {known} {sorted(keys.SEEN)}")


SITUATIONS: dict[str, Callable[[Vault, pytest.MonkeyPatch], None]] = {
    "well": lambda vault, patch: None,
    "refused": lambda vault, patch: vault.proxy.on(echo(401, as_json), times=None),
    "repeated": lambda vault, patch: vault.proxy.on(echo(400, as_json), times=None),
    "repeated in an outcome": lambda vault, patch: vault.proxy.on(echo(520, as_json), times=None),
    "redirected": lambda vault, patch: vault.proxy.on(echo(302, as_json), times=None),
    "repeated in HTML": lambda vault, patch: vault.proxy.on(
        echo(500, lambda sent: (sent.encode(), "text/html")), times=None
    ),
    "down": lambda vault, patch: vault.proxy.down(),
    "broken inside": lambda vault, patch: patch.setattr("amani_cli.providers.http.Line.send", boom),
}


@pytest.mark.sqlite  # a ledger on a server is backed up there
@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_command_lets_a_secret_out(
    situation: str,
    vault: Vault,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
) -> None:
    vault.amani.crashes = True  # --debug shows a traceback of what is no defect too
    if situation == "well" or DEEP:
        sealed = ("backup", "create", f"{vault.folder}/one.age", "--with-keys")
        assert vault.run([*sealed, "--passphrase-file", vault.words["passphrase"]]).code == 0
    restore = Restore((vault.home, vault.folder), beside=tmp_path_factory.mktemp("kept"))
    SITUATIONS[situation](vault, monkeypatch)
    for voice in VOICES if DEEP or situation == "well" else [LOUD]:
        for path in LEAVES:
            line = " ".join(path)
            if line in LEFT_OUT or (line in SLOW and situation != "well" and not DEEP):
                continue
            restore()
            arguments = [param for param in TREE[path][0].params if param.param_type_name == "argument"]
            # A command that is not in the table yet is run all the same, on the wallet that there is.
            said = WORDS.get(line, " ".join("main" for param in arguments if param.required))
            words = [*path, *(word.format(**vault.words) for word in said.split()), "--yes", "--no-input"]
            if "watch" in path and "--json" in voice:
                continue  # a document for each payment, and there is none
            result = vault.run([*words, "--timeout", "short", *voice])
            assert (result.code == 1) <= (situation == "broken inside"), (words, result)
            assert not pins_in(result.stdout + result.stderr), (words, result)
            searched(vault, words)
            tally("secrets")


def pins_in(text: str) -> list[str]:
    """The PINs in a text, where they stand alone: six digits may be part of any hash."""
    return re.findall(rf"(?<![0-9A-Za-z.,_-])(?:{PIN}|918273|555123)(?![0-9A-Za-z.,_-])", text)


# Whose place it is to hold a secret: what the test itself wrote, the keyring, the folder beside a key file, a new key.
_MAY = re.compile(r"\.key(\.amani/.*)?$|/keyring/|/(pin|new-pin|wrong-pin|passphrase)$|\.age$")


def searched(vault: Vault, words: list[str]) -> None:
    """Every file that a run may have left: only its owner's, and no secret in it but where secrets live."""
    for folder in (vault.home, vault.folder, Path(os.environ["HOME"]), Path.cwd()):
        for path in folder.rglob("*"):
            if not path.is_file():
                continue
            content = path.read_bytes()
            if not _MAY.search(str(path)):
                for secret in vault.secrets:
                    assert secret.encode() not in content, (words, path.name, secret[:6])
                if path.suffix in (".log", ".toml"):
                    assert not pins_in(content.decode()), (words, path.name)
            if path.is_relative_to(vault.home) or path.suffix in (".age", ".log"):
                assert not path.stat().st_mode & 0o077, (words, path, stat.filemode(path.stat().st_mode))


def test_every_command_has_its_words() -> None:
    """A new command is run with `main` for each argument, which is only a guess at what makes it work."""
    known = {" ".join(path) for path in LEAVES}
    assert set(WORDS) <= known, set(WORDS) - known
    assert known >= LEFT_OUT


@pytest.mark.sqlite  # a ledger on a server is backed up there
def test_what_a_backup_holds_when_it_is_opened(vault: Vault) -> None:
    """With keys it holds them, as it says; without, nothing of them."""
    words = vault.words
    for more, holds in ((("--with-keys",), True), ((), False)):
        path = vault.folder / f"{holds}.age"
        assert vault.run(["backup", "create", str(path), "--passphrase-file", words["passphrase"], *more]).code == 0
        sealed = path.read_bytes()
        opened = gzip.decompress(sealing.opened(sealed, PASSPHRASE))
        for secret in vault.secrets:
            assert secret.encode() not in sealed
        assert (words["key"].encode() in opened) is holds
        assert PIN.encode() not in re.findall(rb"(?<![0-9a-zA-Z])481516(?![0-9a-zA-Z])", opened)


def test_what_a_child_process_is_given(vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a key command nor what `--exec` runs sees a key, in its environment or in anybody's arguments."""
    seen = tmp_path / "seen"
    script = tmp_path / "child.py"
    script.write_text(
        "import os, pathlib, sys\n"
        f"out = open({str(seen)!r}, 'ab')\n"
        "for pid in (os.getpid(), os.getppid()):\n"
        "    out.write(pathlib.Path(f'/proc/{pid}/cmdline').read_bytes())\n"
        "out.write(pathlib.Path('/proc/self/environ').read_bytes())\n"
        f"print(open({str(vault.words['key_file'])!r}).read())\n"
    )
    key = Path(vault.words["key_file"]).read_text().strip()
    for name in keys.SECRET_VARIABLES:
        monkeypatch.setenv(name, "f" * 32)
    command = f"{sys.executable} {script}"
    added = vault.amani.process("wallet", "add", "spoken", "--url", vault.words["url"], "--key-command", command)
    assert added.code == 0, added
    assert vault.amani.process("wallet", "balance", "spoken", "-vvv", "--debug").code == 0
    content = seen.read_bytes()
    assert content
    for secret in (key, "f" * 32):
        assert secret.encode() not in content


def test_a_process_leaves_no_core(vault: Vault) -> None:
    with vault.amani.started("watch", "main", "--json") as run:
        limits = Path(f"/proc/{run.pid}/limits")
        for _ in range(int(PATIENCE_S * 50)):
            if re.search(r"Max core file size +0 +0 ", limits.read_text()):
                break
            with pytest.raises(subprocess.TimeoutExpired):
                run.wait(0.02)
        else:
            pytest.fail("a core dump could be written")
        # Nor do its arguments or environment hold what it read from a file.
        for name in ("cmdline", "environ"):
            assert vault.words["key"].encode() not in Path(f"/proc/{run.pid}/{name}").read_bytes()


def test_completion_keeps_no_secret(vault: Vault) -> None:
    """What TAB offers is names; nothing is cached anywhere."""
    for kind in ("wallet", "contact", "cheque"):
        done = subprocess.run(
            [sys.executable, "-m", "amani_cli", "completion", "values", kind],
            capture_output=True,
            check=True,
            env=environment({"PYTHONPATH": str(CLONE)}),
        )
        for secret in vault.secrets:
            assert secret.encode() not in done.stdout + done.stderr
    searched(vault, ["completion"])


@pytest.mark.parametrize("situation", [401, 400, 422, 500])
def test_fincra_repeats_the_key(amani: Amani, double: Double, shop: Merchant, home: Path, situation: int) -> None:
    """What its error says is journaled as the reason of a failure: not with the key in it."""
    with FaultProxy(double.url) as proxy:
        change_database(home, "UPDATE wallet SET url=?", proxy.url)
        proxy.on(echo(situation, as_fincra), "POST", "/disbursements/payouts", times=None)
        proxy.on(echo(situation, as_fincra), "GET", ".*customer-reference.*", times=None)
        paid = amani("pay", "bank:058/2345678901", "5NGN", "--yes", "-vvv", "--json", "--timeout", "1s")
        assert paid.code in (3, 6, 8), paid
        assert shop.key not in paid.stdout + paid.stderr
        shown = amani("history", "list", "--json")
        assert shop.key not in shown.stdout
        for path in home.glob("amani.db*"):
            assert shop.key.encode() not in path.read_bytes()


def test_a_pin_from_a_file_changes_no_amount(vault: Vault, add_wallet: AddWallet) -> None:
    """A PIN of four digits stands in many a number, and none of them may be masked."""
    payee: Held = add_wallet("payee")
    pin = write_key(vault.folder / "short.pin", "5021")
    assert vault.run(["pin", "set", "--wallet", "payee", "--pin-file", str(pin), "--always"]).code == 0
    bolt11 = make_invoice(amount_msat=5_021_000)
    for more in ([], ["--json"], ["-vvv"], ["--log-json"]):
        poor = vault.amani("pay", bolt11, "--wallet", payee.name, "--pin-file", pin, "--yes", *more)
        assert poor.code in (6, 7, 8), poor
        assert "***" not in poor.stdout + poor.stderr
        assert "5021" not in keys.SEEN
