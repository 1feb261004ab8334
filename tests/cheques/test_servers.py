"""`amani cheque claim` of a stranger's code: the server that it names must not lead where a link could not."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from amani_cli.encodings import cheque_code
from amani_cli.payments import engine
from tests.cheques.test_cheques import write
from tests.cheques.test_claims import CLAIM
from tests.conftest import Held, change_database
from tests.kit.cheque_world import Machines, through
from tests.kit.driver import Amani
from tests.kit.fault_proxy import FaultProxy, answer, cut, redirect
from tests.kit.make_invoice import make_invoice

pytestmark = pytest.mark.lnbits


class TestWhereACodeLeads:
    """The server that a code names is a stranger's: it must not lead into the claimer's own network."""

    WAYS = (
        ("https://10.0.0.1", "PRIVATE_ADDRESS"),
        ("https://192.168.1.1:8443/lnbits", "PRIVATE_ADDRESS"),
        ("https://169.254.169.254", "PRIVATE_ADDRESS"),
        ("https://[::1]", "PRIVATE_ADDRESS"),
        ("https://[::ffff:10.0.0.1]", "PRIVATE_ADDRESS"),
        ("https://localhost", "PRIVATE_ADDRESS"),
        ("http://localhost", "PRIVATE_ADDRESS"),
        ("http://wallet.localhost", "PRIVATE_ADDRESS"),
        ("https://inside.example.com", "PRIVATE_ADDRESS"),  # by its name alone one of the internet
        ("http://10.0.0.1", "INSECURE_HTTP"),
        ("http://lnbits.example.com", "INSECURE_HTTP"),
        (f"http://{'a' * 56}.onion", "NEEDS_TOR"),
        (f"https://{'a' * 56}.onion", "NEEDS_TOR"),
    )

    def test_nowhere_that_a_link_could_not(
        self, amani: Amani, giver: Held, taker: Held, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: found[host == "localhost" :])
        monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("connected"))
        for url, code in self.WAYS:
            text = _code(amani, url)
            for to in ("taker", make_invoice(amount_msat=100_000)):
                refused = amani(*CLAIM, "-", "--to", to, "--json", stdin=text)
                assert (url, refused.error["code"], refused.error["money_moved"]) == (url, code, "no")

    def test_not_to_another_server_of_this_machine(self, amani: Amani, giver: Held, taker: Held) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            text = _code(amani, f"http://127.0.0.1:{listener.getsockname()[1]}")
            refused = amani(*CLAIM, "-", "--to", "taker", "--json", stdin=text)
            assert (refused.code, refused.error["code"]) == (9, "PRIVATE_ADDRESS")
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()

    def test_a_server_where_a_wallet_of_ours_is_too(
        self, amani: Amani, giver: Held, machines: Machines, proxy: FaultProxy
    ) -> None:
        """It is known already, wherever it is: here on loopback, in no sandbox."""
        code = write(amani)
        (machine,) = machines(1)
        assert amani(*CLAIM, "-", env=machine.env, stdin=code).code == 0
        away = _code(amani, proxy.url)
        assert amani(*CLAIM, "-", "--json", env=machine.env, stdin=away).error["code"] == "PRIVATE_ADDRESS"
        assert proxy.seen == []

    def test_a_claim_that_never_got_there_goes_on_at_a_stranger_s_server(
        self,
        amani: Amani,
        giver: Held,
        machines: Machines,
        home: Path,
        proxy: FaultProxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """It tells its version, as any other does, in the longest of its answers."""
        monkeypatch.setattr(engine, "LAST_LOOK_S", 0.3)
        through(proxy, home)
        code = write(amani, 100, "--outside")
        (machine,) = machines(1)
        change_database(Path(str(machine.env["AMANI_HOME"])), "UPDATE wallet SET sandbox=1")
        proxy.on(cut(after=False), "POST", "/api/v1/payments")
        words = (*CLAIM, "-", "--timeout", "2s", "--json")
        lost = amani(*words, env=machine.env, stdin=code)
        assert (lost.code, lost.error["money_moved"]) == (8, "maybe")
        assert amani(*words, env=machine.env, stdin=code).data["id"] == lost.error["id"]
        assert machine.held.sat == 100

    @pytest.mark.parametrize("size", [256, 16 << 20])
    def test_an_answer_of_a_stranger_s_server_has_an_end(
        self, amani: Amani, giver: Held, taker: Held, home: Path, proxy: FaultProxy, size: int
    ) -> None:
        text = _code(amani, proxy.url)
        change_database(home, "UPDATE wallet SET sandbox=1")
        proxy.on(answer(200, {"name": "x" * size}), "GET", "/api/v1/wallet")
        refused = amani(*CLAIM, "-", "--to", "taker", "--json", stdin=text)
        assert (refused.code, refused.error["code"], refused.error["money_moved"]) == (10, "ODD_ANSWER", "no")
        assert ("over 4,096 KiB" in refused.error["message"]) is (size > 4 << 20)

    def test_a_redirect_is_not_followed(self, amani: Amani, giver: Held, taker: Held, proxy: FaultProxy) -> None:
        text = _code(amani, proxy.url)
        change_database(Path(os.environ["AMANI_HOME"]), "UPDATE wallet SET sandbox=1")
        with socket.create_server(("127.0.0.1", 0)) as elsewhere:
            proxy.on(redirect(f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"), times=None)
            assert amani(*CLAIM, "-", "--to", "taker", "--json", stdin=text).code != 0
            elsewhere.setblocking(False)
            with pytest.raises(BlockingIOError):
                elsewhere.accept()


def _code(amani: Amani, url: str) -> str:
    """A code of somebody's, over 100 sat at that server."""
    ends = int(time.time()) + 3600
    code = cheque_code.encode(cheque_code.ChequeCode("ab" * 16, "cd" * 16, b"elsewher", 100_000, ends, "bitcoin", url))
    amani.secrets |= {code, "ab" * 16}
    return code
