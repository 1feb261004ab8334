"""A PostgreSQL server of the tests' own, from Debian's binaries: no system service, no root, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.kit.lnbits_server import free_port

FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
USER = "amani"
_SETTINGS = {
    # A test's ledger dies with the test: what is proven about the disk is proven by PostgreSQL's own tests.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "listen_addresses": "'127.0.0.1'",
}


@dataclass
class PostgresServer:
    """A running server; `database` makes one that holds an empty ledger."""

    root: Path
    port: int
    made: int = 0
    admin: Any = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Where it listens, and for whom it does."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}"

    def by_socket(self, address: str) -> str:
        """The address of a database by the server's socket."""
        return f"postgresql://{USER}@/{address.rpartition('/')[2]}?host={self.root}&port={self.port}"

    def run(self, sql: str, address: str = "") -> None:
        """Run a statement as the server's owner, in the database at an address if one is given."""
        import psycopg

        if address:
            with psycopg.connect(address, autocommit=True) as line:
                line.execute(sql)
            return
        if self.admin is None or self.admin.closed:
            self.admin = psycopg.connect(f"{self.host}/postgres", autocommit=True)
        self.admin.execute(sql)

    def empty(self, template: str = "template0") -> str:
        """Make a database; returns its address."""
        self.made += 1
        name = f"ledger_{os.getpid()}_{self.made}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' LOCALE 'C' STRATEGY file_copy")
        return f"{self.host}/{name}"

    def database(self) -> str:
        """Make a database with an empty ledger in it; returns its address."""
        return self.empty("ledger_template")

    def drop(self, address: str) -> None:
        """Take a database away, whoever is still on it."""
        self.run(f"DROP DATABASE IF EXISTS {address.rpartition('/')[2]} WITH (FORCE)")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server, as a crash would."""
        self.admin = None
        _as_nobody(["pg_ctl", "-D", str(self.root / "data"), "-m", mode, "-w", "stop"])

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        _as_nobody(["pg_ctl", "-D", str(self.root / "data"), "-l", str(self.root / "log"), "-w", "-t", "60", "start"])


@contextlib.contextmanager
def running(certificate: bytes | None = None, rules: str = "") -> Iterator[PostgresServer]:
    """A server with a template of an empty ledger, in a folder of its own.

    With a `certificate`, and its key, it speaks TLS too; `rules` stand before those of its pg_hba.conf.
    """
    assert FOLDERS, "no PostgreSQL: apt-get install postgresql"
    root = Path(tempfile.mkdtemp(prefix="amani-pg-"))
    data = root / "data"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (root, data):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    server = PostgresServer(root, free_port())
    try:
        _as_nobody(["initdb", "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        settings = {**_SETTINGS, "port": str(server.port), "unix_socket_directories": f"'{root}'"}
        if certificate is not None:
            settings |= {"ssl": "on", "ssl_cert_file": "'server.pem'", "ssl_key_file": "'server.pem'"}
            (data / "server.pem").write_bytes(certificate)
            (data / "server.pem").chmod(0o600)
            shutil.chown(data / "server.pem", data.owner(), data.group())
        (data / "pg_hba.conf").write_text(rules + (data / "pg_hba.conf").read_text())
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        server.start()
        server.run("CREATE DATABASE ledger_template TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        _upgrade(f"{server.host}/ledger_template", root)
        yield server
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop()
        shutil.rmtree(root, ignore_errors=True)


def _upgrade(address: str, folder: Path) -> None:
    from amani_cli.store import opening

    opening.upgrade(address, {}, folder)


def _as_nobody(command: list[str]) -> None:
    words = [str(FOLDERS[-1] / command[0]), *command[1:]]
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        words = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *words]
    quiet = subprocess.DEVNULL
    subprocess.run(words, check=True, stdin=quiet, stdout=quiet, stderr=quiet, timeout=120, cwd="/")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of a worker."""
    with running() as server:
        yield server
