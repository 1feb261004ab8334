"""`amani serve` for tests: as a process of its own, or as a WSGI application in this one; and phones that use it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.test import Client, TestResponse

from amani_cli.serve.desk import Desk
from amani_cli.serve.keeping import Keeper
from amani_cli.serve.pages import proof_of
from amani_cli.serve.site import Site
from amani_cli.serve.visitors import Rate
from amani_cli.workspace import Workspace
from tests.kit import fork_server
from tests.kit.driver import PATIENCE_S, Amani, Environment, environment
from tests.kit.lnbits_server import free_port

BROWSER = {"Accept": "text/html"}


@dataclass(frozen=True)
class Link:
    """A cheque that was written as a link."""

    id: str
    url: str
    lnurl: str
    code: str
    amount_msat: int

    @property
    def token(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def path(self) -> str:
        return f"/c/{self.token}"


def write_link(amani: Amani, sat: int = 1000, *options: object) -> Link:
    """Write a cheque as a link."""
    made = amani("cheque", "create", sat, "--link", "--yes", "--json", *options).data
    link = Link(made["id"], made["link"], made["lnurl"], made["code"], made["amount_msat"])
    amani.secrets |= {link.token, link.code, link.lnurl}
    return link


@dataclass
class InProcess:
    """The site without its sockets: `get` and `post` are a browser's, `take` a wallet's."""

    base_url: str
    site: Site
    desk: Desk
    _clients: threading.local = field(default_factory=threading.local)

    def get(self, path: str, **headers: str) -> TestResponse:
        """A browser's GET."""
        return self.client.get(path, base_url=self.base_url, headers={**BROWSER, **headers})

    def post(self, link: Link, to: str, *, proof: str | None = None, **headers: str) -> TestResponse:
        """Send a page's form."""
        data = {"to": to, "proof": proof if proof is not None else proof_of(link.token)}
        return self.client.post(link.path, base_url=self.base_url, data=data, headers=headers)

    def json(self, path: str, **query: str) -> Any:
        """What a wallet is told."""
        return self.client.get(path, base_url=self.base_url, query_string=query).json

    def take(self, link: Link, invoice: str, **query: str) -> Any:
        """Take the money as a wallet does: both steps of LUD-03."""
        offer = self.json(f"{link.path}/lnurl")
        if offer.get("status") == "ERROR":
            return offer
        return self.json(f"{link.path}/callback", **{"k1": offer["k1"], "pr": invoice, **query})

    def state(self, link: Link) -> str:
        """How the page says that a cheque stands."""
        found = re.search(r'class="state (\w+)"', self.get(link.path).text)
        return found[1] if found else ""

    def keep(self) -> None:
        """What the thread beside the pages does as time goes on."""
        keeper = Keeper(self.desk, self.site.counts, self.site.claims, "off")
        for moment in (10.0**9, 2 * 10.0**9):
            keeper.look_around(moment)

    @property
    def client(self) -> Client:
        if not hasattr(self._clients, "client"):
            self._clients.client = Client(self.site)
        found: Client = self._clients.client
        return found


@pytest.fixture
def base_url(amani: Amani) -> str:
    """Where links lead."""
    url = f"http://127.0.0.1:{free_port()}"
    assert amani("config", "set", "base_url", url).code == 0
    return url


@pytest.fixture
def site(base_url: str) -> InProcess:
    """The site in this process."""
    return in_process(base_url)


def in_process(base_url: str, visitor: tuple[int, int] | None = None) -> InProcess:
    """Another site over the same ledger, as another process would be."""
    desk = Desk(lambda seconds: Workspace(dict(os.environ), timeout_s=seconds), base_url)
    return InProcess(base_url, Site(desk, Rate(visitor), Rate(None)), desk)


@contextmanager
def serving(
    base_url: str, *options: object, env: Environment | None = None, python: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """`amani serve` as a process; ended in order, if it has not ended."""
    words = ["serve", "--listen", base_url.removeprefix("http://"), "--as-root", *map(str, options)]
    command = [sys.executable, *python, "-m", "amani_cli", *words]
    quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
    with fork_server.start(command, environment(env), stdin=quiet, stdout=pipe, stderr=pipe) as run:
        try:
            assert run.stderr is not None
            line = run.stderr.readline()
            while line and not line.startswith("serving "):
                line = run.stderr.readline()
            assert line, "it did not begin"
            yield run
        finally:
            if run.poll() is None:
                run.terminate()
                try:
                    run.communicate(timeout=PATIENCE_S)
                except subprocess.TimeoutExpired:
                    run.kill()
                    raise


@dataclass(frozen=True)
class Phone:
    """A wallet on a phone: it knows a link, and has an invoice of its own."""

    invoice: Callable[[int], str]

    def take(self, link: Link) -> dict[str, Any]:
        """Both steps of LUD-03, over real sockets."""
        with httpx.Client(timeout=60, trust_env=False) as http:
            offer = http.get(f"{link.url}/lnurl").json()
            if "callback" not in offer:
                return dict(offer)
            query = {"k1": offer["k1"], "pr": self.invoice(offer["maxWithdrawable"] // 1000)}
            return dict(http.get(offer["callback"], params=query).json())


def log_of(home: Path) -> str:
    """What a log file holds that `--log-file` of a test wrote."""
    return "".join(path.read_text() for path in home.glob("*.log*"))
