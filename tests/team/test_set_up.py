"""A ledger set up as docs/team-store.md prints it: by its SQL, over TLS that is checked, with roles and passwords."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import AddWallet, Held, write_key
from tests.kit.driver import CLONE, Amani, Environment
from tests.kit.postgres_server import FOLDERS, USER, PostgresServer, running
from tests.kit.tls import Authority
from tests.test_docs import blocks

pytestmark = [pytest.mark.lnbits, pytest.mark.store]

PAGE = CLONE / "docs" / "team-store.md"
ROLES = ("amani_owner", "amani_spend", "amani_support")
PASSWORD = "correct horse battery staple"


@dataclass
class Guarded:
    """A server whose certificate an authority of ours has signed, set up by the page's first block."""

    server: PostgresServer
    authority: Authority

    def address(self, role: str, host: str = "localhost", more: str = "") -> str:
        """Where a role finds the ledger."""
        return f"postgresql://{role}@{host}:{self.server.port}/amani?sslmode=verify-full{more}"


@dataclass
class Machine:
    """A home with what the page has one put there, in which blocks are run as a shell would."""

    folder: Path
    env: Environment

    def sh(self, script: str) -> str:
        """Run a block of the page; returns what it printed."""
        script = re.sub(r"^pip install.*\n", "", script, flags=re.MULTILINE)
        merged = {name: value for name, value in {**os.environ, **self.env}.items() if value is not None}
        done = subprocess.run(
            ["sh", "-e", "-c", script.replace("ledger.example.com", "localhost")],
            capture_output=True,
            text=True,
            env=merged,
            cwd=self.folder,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout


def printed(beginning: str) -> str:
    """The page's one block in which a line begins so."""
    (found,) = [each.text for each in blocks(PAGE) if re.search(f"^{re.escape(beginning)}", each.text, re.MULTILINE)]
    return found


AsSuperuser = Callable[[str], object]


@pytest.fixture
def as_superuser(guarded: Guarded) -> Iterator[AsSuperuser]:
    """Runs lines of the page as PostgreSQL's superuser would, on a database that nobody used before."""
    guarded.server.run("DROP DATABASE amani WITH (FORCE)")
    _by_superuser(guarded.server, re.sub("^CREATE ROLE.*\n", "", printed("psql <<"), flags=re.MULTILINE))
    yield lambda script: _by_superuser(guarded.server, script)
    guarded.server.run("DROP DATABASE IF EXISTS amani_before")


def _by_superuser(server: PostgresServer, script: str) -> None:
    host = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": USER, "PGDATABASE": "postgres"}
    path = f"{FOLDERS[-1]}:{os.environ['PATH']}"
    # The superuser comes by a socket on a real server, and by TLS that nobody checks here.
    env = {**os.environ, **host, "PATH": path, "PGSSLMODE": "require"}
    subprocess.run(["sh", "-e", "-c", script], check=True, env=env, timeout=60)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    authority = Authority("our own")
    rules = printed("hostssl") + "hostnossl amani all all reject\n"
    with running(authority.signs("localhost"), rules) as server:
        _by_superuser(server, printed("psql <<"))
        for role in ROLES:
            server.run(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")
        yield Guarded(server, authority)


def machine(folder: Path, guarded: Guarded, role: str) -> Machine:
    """A machine as the page has it: the password and the certificate in place."""
    (folder / ".postgresql").mkdir(parents=True)
    (folder / ".postgresql" / "root.crt").write_bytes(guarded.authority.certificate)
    write_key(folder / ".pgpass", f"localhost:*:amani:{role}:{PASSWORD}")
    (folder / "bin").mkdir()
    (folder / "bin" / "amani").write_text(f'#!/bin/sh\nexec {sys.executable} -m amani_cli "$@"\n')
    (folder / "bin" / "amani").chmod(0o755)
    env: Environment = {
        "HOME": str(folder),
        "AMANI_HOME": str(folder / "amani"),
        "AMANI_STORE": None,
        "PGPORT": str(guarded.server.port),
        "PATH": f"{folder / 'bin'}:{FOLDERS[-1]}:{os.environ['PATH']}",
    }
    return Machine(folder, env)


@pytest.fixture
def shop(add_wallet: AddWallet) -> Held:
    """A wallet on the LNbits server; this test's own ledger knows it, and the team's does not yet."""
    return add_wallet("shop", 1000)


def test_as_the_page_prints_it(
    amani: Amani, shop: Held, add_wallet: AddWallet, guarded: Guarded, tmp_path: Path
) -> None:
    payee = add_wallet("payee")
    owner = machine(tmp_path / "owner", guarded, "amani_owner")
    owner.sh(printed("AMANI_STORE="))
    tills = [machine(tmp_path / f"till {number}", guarded, "amani_spend") for number in (1, 2)]
    joining = printed("amani store show").replace(
        "--url https://lnbits.example.com", f"--url {shop.server.url} --key-file '{shop.key_file}'"
    )
    assert "shop" in tills[0].sh(joining.replace("amani doctor\n", "amani doctor || true\n"))
    assert "none on this machine" in tills[1].sh(joining.replace("amani doctor\n", "amani doctor || true\n"))

    invoice = payee.invoice(21)
    assert amani("pay", invoice, "--yes", "--json", env=tills[0].env).data["replayed"] is False
    assert amani("pay", invoice, "--yes", "--json", env=tills[1].env).data["replayed"] is True
    assert shop.sat == 1000 - 21
    assert amani("audit", "verify", env=tills[1].env).code == 0
    assert amani("history", "list", "--search", "test", "-q", env=tills[1].env).stdout

    found = {item["check"]: item for item in amani("doctor", "--json", env=tills[1].env).json["data"]["items"]}
    assert found["ledger role"]["detail"] == "amani_spend writes, and can't change what the audit log says"
    assert [found[check]["status"] for check in ("ledger role", "ledger clock", "machines")] == ["ok"] * 3
    for sql in ("UPDATE audit SET who='x'", "DELETE FROM audit", "UPDATE ledger_schema SET version=1"):
        command = ["psql", guarded.address("amani_spend"), "-c", sql]
        tried = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **_set(tills[0])}, check=False
        )
        assert "permission denied" in tried.stderr, tried
    refused = amani("store", "upgrade", "--json", env=tills[0].env)
    assert refused.code == 0, "there is nothing to upgrade, and a role that may not do it need not"

    looking = machine(tmp_path / "support", guarded, "amani_support")
    looking.env["AMANI_STORE"] = guarded.address("amani_support")  # type: ignore[index]
    for words in (
        "history list",
        "wallet list",
        "store show",
        "audit verify",
        "store claims",
        "history show " + invoice,
    ):
        assert amani(*words.split(), "--json", env=looking.env).code == 0, words
    for words in (f"pay {payee.invoice(5)} --wallet shop --yes", "contact add ada ada@example.com"):
        refused = amani(*words.split(), "--json", env=looking.env)
        assert refused.code == 3, refused
    checks = amani("doctor", "--json", env=looking.env).json["data"]["items"]
    assert "amani_support only looks: nothing is spent with it" in [item["detail"] for item in checks]
    assert shop.sat == 1000 - 21


def test_moved_there_put_back_and_moved_home(
    amani: Amani, shop: Held, add_wallet: AddWallet, guarded: Guarded, tmp_path: Path, as_superuser: AsSuperuser
) -> None:
    """The page's own lines: a till's file goes to the server; a dump of it is put back; and it comes home again."""
    payee = add_wallet("payee")
    owner = machine(tmp_path / "owner", guarded, "amani_owner")
    owner.sh(printed("AMANI_STORE="))
    till = machine(tmp_path / "till", guarded, "amani_spend")
    given = ("wallet", "add", "shop", "--url", shop.server.url, "--key-file", shop.key_file)
    assert amani(*given, env=till.env).code == 0
    assert amani("pay", payee.invoice(21), "--yes", env=till.env).code == 0
    till.sh(printed("amani store copy --to 'postgresql"))
    assert amani("store", "show", "--json", env=till.env).data["engine"] == "postgresql"
    till.sh(printed("pg_dump"))
    since = payee.invoice(5)
    assert amani("pay", since, "--yes", env=till.env).code == 0

    as_superuser(printed("psql --command").replace("ledger.dump", f"'{till.folder / 'ledger.dump'}'"))
    checks = {each["check"]: each for each in amani("doctor", "--json", env=till.env).json["data"]["items"]}
    assert checks["ledger role"]["detail"] == "amani_spend writes, and can't change what the audit log says"
    held = amani("pay", payee.invoice(6), "--yes", "--json", env=till.env)
    assert (held.code, held.error["code"]) == (9, "RECONCILE_FIRST")
    assert amani("reconcile", env=till.env).code == 0
    assert amani("pay", since, "--yes", "--json", env=till.env).data["replayed"] is True

    (till.folder / "amani" / "amani.db").rename(till.folder / "amani.db.before")
    till.sh(printed("amani store copy --to sqlite"))
    assert amani("store", "show", "--json", env=till.env).data["engine"] == "sqlite"
    assert amani("pay", since, "--yes", "--json", env=till.env).data["replayed"] is True
    assert amani("pay", payee.invoice(7), "--yes", env=till.env).code == 0
    assert shop.sat == 1000 - 21 - 5 - 7


def _set(machine: Machine) -> dict[str, str]:
    return {name: value for name, value in machine.env.items() if value is not None}


def test_the_owner_is_told_to_be_somebody_else(amani: Amani, guarded: Guarded, tmp_path: Path) -> None:
    owner = machine(tmp_path / "owner", guarded, "amani_owner")
    owner.sh(printed("AMANI_STORE="))
    env = {**owner.env, "AMANI_STORE": guarded.address("amani_owner")}
    found = {item["check"]: item for item in amani("doctor", "--json", env=env).json["data"]["items"]}
    assert found["ledger role"]["status"] == "warn"
    assert "can change what the audit log says" in found["ledger role"]["detail"]


class TestTrust:
    @pytest.fixture
    def till(self, guarded: Guarded, tmp_path: Path) -> Machine:
        machine(tmp_path / "owner", guarded, "amani_owner").sh(printed("AMANI_STORE="))
        return machine(tmp_path / "till", guarded, "amani_spend")

    def show(self, amani: Amani, till: Machine, address: str, **more: str) -> tuple[int, str]:
        run = amani("store", "show", "--json", env={**till.env, "AMANI_STORE": address, **more})
        if run.code:
            assert run.error["money_moved"] == "no"
        return run.code, run.error["code"] if run.code else run.data["engine"]

    def test_whoever_signed_it(self, amani: Amani, guarded: Guarded, till: Machine, tmp_path: Path) -> None:
        right, own = guarded.address("amani_spend"), till.folder / ".postgresql" / "root.crt"
        assert self.show(amani, till, right) == (0, "postgresql")
        own.write_bytes(Authority("our own").certificate)  # of the same name, with another key
        assert self.show(amani, till, right) == (10, "LEDGER_UNTRUSTED")
        own.unlink()
        assert self.show(amani, till, right) == (10, "LEDGER_UNTRUSTED")
        given = tmp_path / "given.crt"
        given.write_bytes(guarded.authority.certificate)
        assert self.show(amani, till, f"{right}&sslrootcert={given}") == (0, "postgresql")
        system = f"{right}&sslrootcert=system"
        assert self.show(amani, till, system) == (10, "LEDGER_UNTRUSTED")
        assert self.show(amani, till, system, SSL_CERT_FILE=str(given)) == (0, "postgresql")

    def test_for_the_name_in_the_address(self, amani: Amani, guarded: Guarded, till: Machine) -> None:
        other = guarded.address("amani_spend", "127.0.0.1")
        assert self.show(amani, till, other) == (10, "LEDGER_UNTRUSTED")

    def test_a_server_without_tls(self, amani: Amani, postgres_server: PostgresServer, till: Machine) -> None:
        plain = f"postgresql://{USER}@localhost:{postgres_server.port}/postgres?sslmode=verify-full"
        assert self.show(amani, till, plain) == (10, "LEDGER_UNTRUSTED")

    def test_no_line_without_tls(self, amani: Amani, guarded: Guarded, till: Machine) -> None:
        address = guarded.address("amani_spend").replace("verify-full", "disable")
        assert self.show(amani, till, address) == (3, "LEDGER_REFUSED")

    def test_the_password(self, amani: Amani, guarded: Guarded, till: Machine, tmp_path: Path) -> None:
        right, command = guarded.address("amani_spend"), "AMANI_STORE_PASSWORD_COMMAND"
        amani.secrets.add(PASSWORD)
        (till.folder / ".pgpass").unlink()
        assert self.show(amani, till, right) == (3, "LEDGER_REFUSED")
        secret = write_key(tmp_path / "secret", PASSWORD)
        assert self.show(amani, till, right, **{command: f"cat '{secret}'"}) == (0, "postgresql")
        assert self.show(amani, till, right, **{command: "echo wrong"}) == (3, "LEDGER_REFUSED")
        assert self.show(amani, till, guarded.address("nobody")) == (3, "LEDGER_REFUSED")
        assert self.show(amani, till, right.replace("/amani?", "/another?")) in (
            (3, "LEDGER_REFUSED"),
            (2, "BAD_DATABASE"),
        )
