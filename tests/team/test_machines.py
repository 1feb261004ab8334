"""A ledger that several machines share: what each has of its own, moving it, and what becomes of one that went back."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest

from amani_cli import clocks
from amani_cli.store import claims, machine, names, opening, postgres_search
from tests.conftest import AddWallet
from tests.kit import ledgers
from tests.kit.driver import Amani, Environment
from tests.kit.journals import add_payment, writing
from tests.kit.journals import add_wallet as add_wallet_row
from tests.kit.ledger_proxy import between
from tests.kit.postgres_server import PostgresServer
from tests.store.test_search import fill

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

PIN = "739154"
PASSPHRASE = "five random words are enough"


@pytest.fixture
def second(home: Path, ledger: str) -> Environment:
    """Another machine: a home of its own, the same ledger."""
    return {"AMANI_HOME": str(home.with_name("second")), "AMANI_STORE": ledger}


class TestKeys:
    def test_a_wallet_is_known_to_all_and_paid_from_where_its_key_is(
        self, amani: Amani, add_wallet: AddWallet, second: Environment
    ) -> None:
        payer, payee = add_wallet("payer", 1000), add_wallet("payee")
        amani("wallet", "use", "payer")
        listed = amani("wallet", "list", "--json", env=second)
        assert [(each["name"], each["key_source"]) for each in listed.data["items"]] == [
            ("payer", "none on this machine"),
            ("payee", "none on this machine"),
        ]
        invoice = payee.invoice(21)
        refused = amani("pay", invoice, "--yes", "--json", env=second)
        assert (refused.code, refused.error["code"]) == (3, "NO_KEY_HERE")
        assert "amani wallet add 'payer'" in refused.error["hint"]
        added = amani("wallet", "add", "payer", "--url", payer.server.url, "--key-file", payer.key_file, env=second)
        assert added.code == 0, added
        assert amani("pay", invoice, "--yes", "--json", env=second).code == 0
        assert amani("pay", invoice, "--yes", "--json").data["replayed"]
        assert payer.sat == 1000 - 21

    def test_what_has_no_key_here_keeps_nobody_from_the_rest(
        self, amani: Amani, add_wallet: AddWallet, second: Environment
    ) -> None:
        first, theirs = add_wallet("first", 10), add_wallet("theirs", 20)
        words = ("wallet", "add", "theirs", "--url", theirs.server.url, "--key-file", theirs.key_file)
        assert amani(*words, env=second).code == 0
        synced = amani("history", "sync", "--json", env=second)
        assert (synced.code, synced.data["wallets"], synced.data["new"]) == (0, ["theirs"], 1)
        assert "no key for them: 'first'" in synced.stderr
        listed = amani("history", "list", "--sync", "--json", env=second)
        assert (listed.code, [each["wallet"] for each in listed.data["items"]]) == (0, ["theirs"])
        watched = amani("watch", "--for", "1s", env=second)
        assert (watched.code, watched.stdout) == (0, "")
        assert "Watching theirs" in watched.stderr
        assert "no key for them: 'first'" in watched.stderr
        named = amani("history", "sync", "-w", "first", "--json", env=second)
        assert (named.code, named.error["code"]) == (3, "NO_KEY_HERE")
        assert first.sat == 10

    def test_a_cheque_is_not_even_begun_to_be_taken_back_elsewhere(
        self, amani: Amani, add_wallet: AddWallet, home: Path
    ) -> None:
        """Whoever holds it can claim it still, and the machine with its keys takes nothing back by itself."""
        giver = add_wallet("giver", 1000)
        made = amani("cheque", "create", "100", "--yes", "--json").data
        amani.secrets.add(made["code"])
        folder = giver.key_file.with_name(f"{giver.key_file.name}.amani")
        away = folder.rename(folder.with_name("on the till"))
        ledgers.change(home, "UPDATE cheque SET host='till'")
        for words in (("cheque", "void", made["id"], "--yes"), ("reconcile",)):
            amani(*words)
            assert amani("cheque", "list", "--json").data["items"][0]["status"] == "open"
        refused = amani("cheque", "void", made["id"], "--yes", "--json")
        assert (refused.code, refused.error["code"], refused.error["hint"]) == (3, "NO_KEY_HERE", "Run this on till.")
        away.rename(folder)
        assert amani("reconcile").code == 0
        assert giver.sat == 900
        assert amani("cheque", "void", made["id"], "--yes").code == 0
        assert giver.sat == 1000

    def test_a_key_is_shown_to_no_server_that_the_ledger_names_later(
        self, amani: Amani, add_wallet: AddWallet, home: Path
    ) -> None:
        """Whoever can write the ledger can't have this machine's key sent to a server of theirs."""
        add_wallet("payer", 1000)
        ledgers.change(home, "UPDATE wallet SET key_source='command:false', url='http://127.0.0.1:9'")
        refused = amani("wallet", "balance", "payer", "--json")
        assert (refused.code, refused.error["code"]) == (3, "NO_KEY_HERE")

    def test_the_key_of_another_wallet_is_refused(
        self, amani: Amani, add_wallet: AddWallet, second: Environment
    ) -> None:
        payer, other = add_wallet("payer"), add_wallet("other")
        wrong = amani(
            "wallet", "add", "payer", "--url", payer.server.url, "--key-file", other.key_file, "--json", env=second
        )
        assert (wrong.code, wrong.error["code"]) == (3, "WRONG_KEY")

    def test_a_pin_comes_with_the_chest(
        self, amani: Amani, add_wallet: AddWallet, second: Environment, tmp_path: Path
    ) -> None:
        payer = add_wallet("payer", 1000)
        assert amani("pin", "set", "--wallet", "payer", "--pin-stdin", stdin=PIN).code == 0
        words = ["pin", "verify", "--wallet", "payer", "--pin-stdin", "--json"]
        phrase = tmp_path / "phrase"
        phrase.write_text(PASSPHRASE)
        phrase.chmod(0o600)
        made = amani("backup", "create", tmp_path / "chest", "--keys-only", "--passphrase-file", phrase, "--json")
        assert made.code == 0, made
        assert "pg_dump" in made.data["not_held"][0]
        # What the file machine's pepper lies beside is there too: this is one disk.
        brought = amani(
            *("backup", "restore", tmp_path / "chest", "--keys-only", "--passphrase-file", phrase),
            *("--key-folder", tmp_path / "keys", "--yes", "--json"),
            env=second,
        )
        assert brought.code == 0, brought
        assert brought.data["without_key"] == []
        assert amani(*words, stdin=PIN, env=second).code == 0
        assert amani(*words, stdin="000000", env=second).code == 3
        assert payer.sat == 1000

    def test_the_whole_is_backed_up_at_the_server(self, amani: Amani, tmp_path: Path) -> None:
        phrase = tmp_path / "phrase"
        phrase.write_text(PASSPHRASE)
        phrase.chmod(0o600)
        for more in ([], ["--with-keys"]):
            refused = amani("backup", "create", tmp_path / "b", "--passphrase-file", phrase, "--json", *more)
            assert (refused.code, refused.error["code"]) == (2, "LEDGER_ELSEWHERE")
            assert "pg_dump" in refused.error["hint"]


class TestCopies:
    def test_there_and_back(
        self, amani: Amani, add_wallet: AddWallet, postgres_server: PostgresServer, tmp_path: Path, home: Path
    ) -> None:
        payer, payee = add_wallet("payer", 1000), add_wallet("payee")
        amani("wallet", "use", "payer")
        invoice = payee.invoice(21)
        assert amani("pay", invoice, "--yes").code == 0
        before = amani("store", "show", "--json").data
        file = tmp_path / "back" / "amani.db"
        file.parent.mkdir(mode=0o700)
        moved = amani("store", "copy", "--to", f"sqlite:{file}", "--yes", "--json")
        assert moved.code == 0, moved
        assert moved.data["payments"] == before["payments"]
        gone = amani("pay", payee.invoice(5), "--yes", "--json")
        assert (gone.code, gone.error["code"]) == (9, "LEDGER_MOVED")
        assert amani("store", "copy", "--undo", "--json").code == 0
        assert amani("pay", payee.invoice(5), "--yes", "--json").code == 0

        other = tmp_path / "third" / "amani.db"
        other.parent.mkdir(mode=0o700)
        assert amani("store", "copy", "--to", f"sqlite:{other}", "--yes").code == 0
        env: Environment = {"AMANI_STORE": None, "AMANI_HOME": str(other.parent)}
        there = amani("store", "show", "--json", env=env)
        assert there.data["engine"] == "sqlite"
        assert amani("audit", "verify", env=env).code == 0
        assert amani("pay", invoice, "--wallet", "payer", "--yes", "--json", env=env).data["replayed"]
        assert amani("pay", payee.invoice(6), "--wallet", "payer", "--yes", env=env).code == 0
        late = amani("store", "copy", "--undo", "--json")
        assert (late.code, late.error["code"]) == (9, "LEDGER_MOVED")
        # And from the file to a server.
        address = postgres_server.database()
        again = amani("store", "copy", "--to", address, "--yes", "--json", env=env)
        assert again.code == 0, again
        assert (
            amani("pay", payee.invoice(7), "--wallet", "payer", "--yes", env={**env, "AMANI_STORE": address}).code == 0
        )
        assert payer.sat == 1000 - 21 - 5 - 6 - 7
        postgres_server.drop(address)

    def test_into_what_is_not_empty(
        self, amani: Amani, add_wallet: AddWallet, tmp_path: Path, second: Environment, ledger: str
    ) -> None:
        add_wallet("payer")
        refused = amani("store", "copy", "--to", ledger, "--yes", "--json")
        assert (refused.code, refused.error["code"]) == (2, "STORE_NOT_EMPTY")

    @pytest.mark.parametrize("is_there", [True, False])
    def test_whose_end_nobody_can_tell(
        self,
        amani: Amani,
        add_wallet: AddWallet,
        postgres_server: PostgresServer,
        monkeypatch: pytest.MonkeyPatch,
        is_there: bool,
    ) -> None:
        """The line breaks as the copy is committed, and the new ledger stays away: it may be whole, so the old one
        does not go on beside it. Once it can be asked, --undo lets the old one go on, and the copy is never spent."""
        monkeypatch.setattr("amani_cli.store.postgres.SETTLE_S", 0.3)
        payee = add_wallet("payee")
        add_wallet("payer", 1000)
        amani("wallet", "use", "payer")
        target = postgres_server.empty()
        assert amani("store", "upgrade", env={"AMANI_STORE": target}).code == 0
        with between(postgres_server.port) as proxy:

            def at(number: int, text: str) -> Literal["before", "after"] | None:
                if not text.endswith("COMMIT"):
                    return None
                proxy.is_away = True
                return "after" if is_there else "before"

            proxy.at = at
            there = proxy.address(target)
            lost = amani("store", "copy", "--to", there, "--yes", "--json")
            assert (lost.code, lost.error["code"]) == (10, "LEDGER_AWAY")
            assert any("store copy --undo" in each for each in lost.json["warnings"]), lost
            held = amani("pay", payee.invoice(5), "--yes", "--json")
            assert (held.code, held.error["code"]) == (9, "LEDGER_MOVED")
            again = amani("store", "copy", "--to", there, "--yes", "--json")
            assert again.code != 0
            proxy.at, proxy.is_away = (lambda number, text: None), False
            assert amani("store", "copy", "--undo").code == 0
        assert amani("pay", payee.invoice(5), "--yes").code == 0
        env: Environment = {"AMANI_STORE": target}
        beside = amani("pay", payee.invoice(6), "--wallet", "payer", "--yes", "--json", env=env)
        assert beside.code != 0
        assert payee.sat == 5
        postgres_server.drop(target)


class TestClaims:
    def test_another_machine_s_claim_is_named_and_released_by_a_person_alone(
        self, amani: Amani, add_wallet: AddWallet, home: Path, tmp_path: Path
    ) -> None:
        payer, payee = add_wallet("payer", 1000), add_wallet("payee")
        (tmp_path / "rows.csv").write_text(f"to\n{payee.invoice(7)}\n")
        plan = tmp_path / "plan.json"
        assert amani("batch", "plan", tmp_path / "rows.csv", "--output", plan, "--wallet", "payer").code == 0
        name = "batch-" + amani("batch", "status", plan, "--json").data["hash"][:32]
        ledgers.change(
            home,
            "INSERT INTO claim VALUES (?,'clm_1','this plan','elsewhere','ada','boot',7,'1','2026-01-01T00:00:00Z')",
            name,
        )
        held = amani("batch", "run", plan, "--yes", "--wallet", "payer", "--json")
        assert held.code == 12, held
        assert "elsewhere" in held.stderr
        assert "clm_1" in held.stderr
        assert [each["state"] for each in amani("store", "claims", "--json").data["items"]] == ["elsewhere"]
        assert amani("store", "release", "clm_1", "--json").code == 5
        assert amani("store", "release", "clm_1", "--yes", "--json").data["items"] == []
        assert amani("batch", "run", plan, "--yes", "--wallet", "payer").code == 0
        assert "store release" in amani("audit", "list").stdout
        assert payer.sat == 1000 - 7

    def test_one_of_a_process_that_died_here_is_taken_over(
        self, amani: Amani, add_wallet: AddWallet, home: Path, tmp_path: Path
    ) -> None:
        payee = add_wallet("payee")
        add_wallet("payer", 1000)
        (tmp_path / "rows.csv").write_text(f"to\n{payee.invoice(7)}\n")
        plan = tmp_path / "plan.json"
        assert amani("batch", "plan", tmp_path / "rows.csv", "--output", plan, "--wallet", "payer").code == 0
        name = "batch-" + amani("batch", "status", plan, "--json").data["hash"][:32]
        dead = "from amani_cli.store import claims; print(claims.start())"
        boot = subprocess.run([sys.executable, "-c", dead], capture_output=True, text=True, check=True).stdout.strip()
        values = (name, machine.host(), boot)
        ledgers.change(
            home,
            "INSERT INTO claim VALUES (?,'clm_2','this plan',?,'ada',?,999999,'1','2026-01-01T00:00:00Z')",
            *values,
        )
        assert amani("batch", "run", plan, "--yes", "--wallet", "payer").code == 0


def test_a_ledger_that_went_back_is_held(
    amani: Amani, add_wallet: AddWallet, home: Path, postgres_server: PostgresServer, ledger: str
) -> None:
    """Restored to an earlier moment: it lacks an entry that this machine saw, and spending waits until it is read."""
    payer, payee = add_wallet("payer", 1000), add_wallet("payee")
    assert amani("history", "sync").code == 0
    earlier = ledgers.ask(home, "SELECT max(seq) FROM audit")[0][0]
    invoice = payee.invoice(21)
    assert amani("pay", invoice, "--wallet", "payer", "--yes").code == 0
    ledgers.change(home, "DELETE FROM audit WHERE seq>?", earlier)
    ledgers.change(home, "DELETE FROM payment WHERE direction='out'")
    assert "held" in amani("status").stdout  # who only looks is told as well
    held = amani("pay", payee.invoice(5), "--wallet", "payer", "--yes", "--json")
    assert (held.code, held.error["code"]) == (9, "RECONCILE_FIRST"), held
    again = amani("pay", payee.invoice(5), "--wallet", "payer", "--yes", "--json")
    assert (again.code, again.error["code"]) == (9, "RECONCILE_FIRST"), again
    assert payer.sat == 1000 - 21
    assert amani("reconcile").code == 0
    assert amani("pay", invoice, "--wallet", "payer", "--yes", "--json").data["replayed"]
    assert payer.sat == 1000 - 21


class TestAddresses:
    @pytest.mark.parametrize(
        ("address", "code"),
        [
            ("postgresql://me:secret@127.0.0.1/db", "BAD_SETTINGS"),
            ("postgresql://127.0.0.1/db?password=secret", "BAD_SETTINGS"),
            ("mysql://127.0.0.1/db", "BAD_SETTINGS"),
            ("postgresql://ledger.example.com/db", "INSECURE_STORE"),
        ],
    )
    def test_what_is_refused(self, amani: Amani, address: str, code: str) -> None:
        refused = amani("wallet", "list", "--json", env={"AMANI_STORE": address})
        assert (refused.code, refused.error["code"]) == (2, code)
        assert "secret" not in refused.stdout + refused.stderr

    def test_without_a_ledger_and_without_a_server(
        self, amani: Amani, postgres_server: PostgresServer, tmp_path: Path
    ) -> None:
        empty = postgres_server.empty()
        none = amani("wallet", "list", "--json", env={"AMANI_STORE": empty})
        assert (none.code, none.error["code"]) == (2, "NO_LEDGER")
        made = amani("store", "upgrade", "--json", env={"AMANI_STORE": empty})
        assert (made.code, made.data["engine"], made.data["payments"]) == (0, "postgresql", 0)
        assert amani("wallet", "list", env={"AMANI_STORE": empty}).code == 0
        postgres_server.drop(empty)
        away = amani("wallet", "list", "--json", env={"AMANI_STORE": "postgresql://127.0.0.1:1/db"})
        assert (away.code, away.error["code"]) == (10, "LEDGER_AWAY")
        assert away.error["message"].endswith("can't be reached: Connection refused")

    def test_another_schema(self, amani: Amani, home: Path) -> None:
        for version, code in ((99, "NEWER_DATABASE"), (1, "OLDER_DATABASE")):
            ledgers.change(home, "UPDATE ledger_schema SET version=?", version)
            refused = amani("wallet", "list", "--json")
            assert (refused.code, refused.error["code"]) == (2, code)

    def test_a_password_command(self, amani: Amani, ledger: str) -> None:
        assert amani("wallet", "list", env={"AMANI_STORE_PASSWORD_COMMAND": "echo secret"}).code == 0
        refused = amani("wallet", "list", "--json", env={"AMANI_STORE_PASSWORD_COMMAND": "false"})
        assert (refused.code, refused.error["code"]) == (3, "NO_STORE_PASSWORD")

    def test_a_setting_in_place_of_the_variable(self, amani: Amani, ledger: str) -> None:
        without: Environment = {"AMANI_STORE": None}
        assert amani("config", "set", "store", ledger, env=without).code == 0
        assert amani("store", "show", "--json", env=without).data["engine"] == "postgresql"


class TestRoles:
    def test_a_role_that_may_only_look(
        self, amani: Amani, add_wallet: AddWallet, postgres_server: PostgresServer, ledger: str, home: Path
    ) -> None:
        add_wallet("payer", 1000)
        postgres_server.run("DROP ROLE IF EXISTS support")
        postgres_server.run("CREATE ROLE support LOGIN")
        ledgers.change(home, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO support")
        looking: Environment = {"AMANI_STORE": ledger.replace("amani@", "support@")}
        assert amani("history", "list", env=looking).code == 0
        refused = amani("pin", "set", "--wallet", "payer", "--pin-stdin", "--json", stdin=PIN, env=looking)
        assert (refused.code, refused.error["code"]) == (3, "LEDGER_REFUSED"), refused


class TestLooking:
    def test_doctor(self, amani: Amani, add_wallet: AddWallet, home: Path) -> None:
        add_wallet("payer")
        ledgers.change(
            home,
            "INSERT INTO claim VALUES ('x','clm_1','a plan','elsewhere','ada','boot',7,'1','2026-01-01T00:00:00Z')",
        )
        found = [(each["check"], each["status"]) for each in amani("doctor", "--json").json["data"]["items"]]
        # The tests' server does not sync: a real one that doesn't loses payments.
        for expected in (
            ("ledger", "ok"),
            ("ledger", "fail"),
            ("ledger clock", "ok"),
            ("ledger role", "warn"),
            ("claim", "ok"),
            ("machines", "ok"),
        ):
            assert expected in found, found

    def test_doctor_knows_a_pepper_by_its_fingerprint(
        self, amani: Amani, add_wallet: AddWallet, second: Environment, home: Path
    ) -> None:
        """The ledger has the fingerprint; a pepper under the right name that is another one is as good as none."""
        payer = add_wallet("payer", 1000)
        assert amani("pin", "set", "--wallet", "payer", "--pin-stdin", stdin=PIN).code == 0
        fingerprint = ledgers.ask(home, "SELECT pepper FROM pin")[0][0].partition(":")[2]

        def pins(env: Environment | None = None) -> list[tuple[str, bool]]:
            items = amani("doctor", "--json", env=env).json["data"]["items"]
            return [(each["status"], fingerprint in each["detail"]) for each in items if each["check"] == "pin"]

        assert pins() == [("ok", True)]
        (kept,) = Path(f"{payer.key_file}.amani").iterdir()
        right = kept.read_text()
        assert fingerprint not in right
        kept.write_text("ab" * 32 + ":0")
        assert pins() == [("warn", True)]
        refused = amani("pin", "verify", "--wallet", "payer", "--pin-stdin", "--json", stdin=PIN)
        assert (refused.code, refused.error["code"]) == (3, "NO_PEPPER")
        assert amani("pin", "status", "--wallet", "payer", "--json").data["attempts_left"] == 5
        kept.write_text(right)
        assert pins() == [("ok", True)]
        kept.unlink()
        assert pins() == [("warn", True)]

    def test_doctor_tells_of_a_claim_that_nobody_holds_any_more(self, amani: Amani, home: Path) -> None:
        ledgers.change(
            home,
            "INSERT INTO claim VALUES ('x','clm_1','a plan',?,'ada',?,999999,'1','2026-01-01T00:00:00Z')",
            machine.host(),
            claims.start(),
        )
        items = amani("doctor", "--json").json["data"]["items"]
        assert [(each["status"], each["fix"]) for each in items if each["check"] == "claim"] == [
            ("warn", "amani reconcile")
        ]
        assert amani("reconcile").code == 0
        assert amani("store", "claims", "--json").data["items"] == []

    def test_who_did_it_where(self, amani: Amani, add_wallet: AddWallet) -> None:
        payee = add_wallet("payee")
        add_wallet("payer", 1000)
        paid = amani("pay", payee.invoice(21), "--wallet", "payer", "--yes", "--json").data
        shown = amani("history", "show", paid["id"], "--json")
        assert (shown.data["host"], shown.data["os_user"]) == (machine.host(), machine.os_user())
        assert f"Made by {machine.os_user()} on {machine.host()}" in shown.stderr
        assert f"{machine.os_user()}@{machine.host()}" in amani("trace", paid["id"]).stdout

    def test_a_clock_that_is_off_is_told_of_and_counts_for_nothing(
        self, amani: Amani, add_wallet: AddWallet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payee = add_wallet("payee")
        add_wallet("payer", 1000)
        assert amani("wallet", "limit", "payer", "--per-day", "30sat").code == 0
        assert amani("pay", payee.invoice(21), "--wallet", "payer", "--yes").code == 0
        right = clocks.wall
        monkeypatch.setattr(clocks, "wall", lambda: right() + 90_000)  # a day and an hour: the budget would be free
        over = amani("pay", payee.invoice(20, expiry=200_000), "--wallet", "payer", "--yes", "--json")
        assert (over.code, over.error["code"]) == (9, "BUDGET"), over
        assert "90000 s off the ledger's" in over.stderr


class TestNames:
    """A TAB is answered by the ledger, at once or not at all."""

    def test_those_of_the_ledger(self, amani: Amani, add_wallet: AddWallet, ledger: str, home: Path) -> None:
        add_wallet("payer")
        assert amani("contact", "add", "Ada", "ada@example.com").code == 0
        assert amani.process("completion", "values", "wallets").stdout == "payer\n"
        assert amani.process("completion", "values", "contacts").stdout == "Ada\n"
        without: Environment = {"AMANI_STORE": None}
        assert amani("config", "set", "store", ledger, env=without).code == 0
        assert amani.process("completion", "values", "wallets", env=without).stdout == "payer\n"

    def test_a_ledger_that_is_away_or_silent_holds_up_no_prompt(
        self, amani: Amani, add_wallet: AddWallet, ledger: str
    ) -> None:
        add_wallet("payer")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            for port in (1, silent.getsockname()[1]):
                env: Environment = {"AMANI_STORE": f"postgresql://amani@127.0.0.1:{port}/db"}
                begun = time.monotonic()
                told = amani.process("completion", "values", "wallets", env=env)
                assert (told.code, told.stdout, told.stderr) == (0, "", "")
                assert time.monotonic() - begun < 8  # one second of it is waiting; the machine may be slow

    def test_no_command_is_run_for_a_password(self, amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
        add_wallet("payer")
        env: Environment = {"AMANI_STORE_PASSWORD_COMMAND": f"touch '{tmp_path / 'asked'}'"}
        assert amani.process("completion", "values", "wallets", env=env).stdout == ""
        assert not (tmp_path / "asked").exists()

    def test_every_kind_of_name_is_a_query_that_the_ledger_knows(self, ledger: str) -> None:
        for query in names.KINDS.values():
            assert opening.names(ledger, {}, query) == []


class TestSearch:
    """With pg_trgm a rare word is looked up; with or without it, the same payments are found."""

    TEXTS = ("needle", "NEEDLE", "rent_8 50%", "'; --", "Order-17", "東京駅", "ada@example", "pay_1", "te")

    @pytest.fixture
    def many(self, home: Path, ledger: str) -> None:
        fill(home, 300)
        with writing(home) as (_, db):
            add_payment(db, add_wallet_row(db, "other"), 5, "2026-08-02T00:00:00Z", memo="a Needle in a haystack")

    def found(self, amani: Amani) -> list[list[str]]:
        return [
            amani("history", "list", "--search", text, "--limit", "1000", "-q").stdout.split() for text in self.TEXTS
        ]

    def test_the_index_changes_nothing_but_the_time(
        self, amani: Amani, many: None, postgres_server: PostgresServer, ledger: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = self.found(amani)
        assert [len(each) for each in read[:2]] == [1, 1]
        postgres_server.run("CREATE EXTENSION pg_trgm", ledger)
        assert amani("store", "upgrade").code == 0
        looked_up: list[int] = []
        candidates = postgres_search.candidates

        def noted(*words: Any) -> list[str] | None:
            few = candidates(*words)
            looked_up.append(-1 if few is None else len(few))
            return few

        monkeypatch.setattr(postgres_search, "candidates", noted)
        assert self.found(amani) == read
        assert looked_up[0] == 1
        assert -1 not in looked_up
        monkeypatch.setattr("amani_cli.store.search.FEW", 5)
        assert self.found(amani) == read
        assert -1 in looked_up

    def test_a_rare_word_is_not_looked_for_in_all_of_it(
        self, many: None, postgres_server: PostgresServer, ledger: str, amani: Amani
    ) -> None:
        postgres_server.run("CREATE EXTENSION pg_trgm", ledger)
        assert amani("store", "upgrade").code == 0
        with psycopg.connect(ledger) as line:
            line.execute("SET enable_seqscan=off")
            sql = f"EXPLAIN SELECT id FROM payment WHERE {postgres_search.TEXT} ILIKE '%needle%' LIMIT 2001"
            plan = "\n".join(row[0] for row in line.execute(sql.encode()).fetchall())
        assert "payment_words" in plan
