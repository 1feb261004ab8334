"""`amani webhook listen`: LNbits' own webhooks on a real server, forged ones, and Fincra's signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
import pytest

from amani_cli.operations import webhooks
from tests.conftest import AddWallet, write_key
from tests.kit.driver import PATIENCE_S, Amani, environment
from tests.kit.lnbits_server import free_port

pytestmark = pytest.mark.lnbits

SECRET = "whsec-0123456789abcdef"


class Listener:
    """A running receiver: where it is, and the documents it has printed."""

    def __init__(self, url: str, run: subprocess.Popen[str]) -> None:
        self.url = url
        self._said: Queue[str] = Queue()
        self._lines: Queue[str] = Queue()
        for stream, lines in ((run.stdout, self._lines), (run.stderr, self._said)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    @staticmethod
    def _read(stream: Iterable[str], lines: Queue[str]) -> None:
        for line in stream:
            lines.put(line)

    def says(self) -> str:
        """The next line on stderr."""
        return self._said.get(timeout=PATIENCE_S)

    def next(self) -> dict[str, Any]:
        data = json.loads(self._lines.get(timeout=PATIENCE_S))["data"]
        assert isinstance(data, dict)
        return data

    def silent(self, for_s: float = 1.0) -> bool:
        try:
            self._lines.get(timeout=for_s)
        except Empty:
            return True
        return False

    def post(self, path: str, content: bytes | str, **headers: str) -> httpx.Response:
        return httpx.post(self.url + path, content=content, headers=headers, timeout=30, trust_env=False)


@contextmanager
def listening(*options: object) -> Iterator[Listener]:
    words = [sys.executable, "-m", "amani_cli", "webhook", "listen", "--port", "0", "--json", *map(str, options)]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as run:
        try:
            assert run.stderr is not None
            line = run.stderr.readline()
            found = re.search(r"http://\S+", line)
            assert found, line
            yield Listener(found[0], run)
        finally:
            run.terminate()
            assert run.wait(PATIENCE_S) in (0, 143)


def test_what_lnbits_sends_is_told_once_and_recorded(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main"), add_wallet("other", 100)
    with listening("-w", "main") as listener:
        made = amani("invoice", "create", "21", "--webhook", f"{listener.url}/lnbits", "-w", "main", "--json").data
        other.pay(made["bolt11"])
        seen = listener.next()
        assert (seen["what"], seen["wallet"]) == ("payment", "main")
        assert seen["payment"]["payment_hash"] == made["payment_hash"]
        assert seen["payment"]["amount_msat"] == 21_000
        assert listener.silent(2)  # though LNbits sends it twice
    listed = amani("history", "list", "--direction", "in", "-w", "main", "--json").data["items"]
    assert [item["payment_hash"] for item in listed] == [made["payment_hash"]]
    assert main.sat == 21


def test_a_forged_one_is_not_believed(amani: Amani, add_wallet: AddWallet) -> None:
    main = add_wallet("main")
    made = amani("invoice", "create", "21", "--json").data
    with listening() as listener:
        forged = {"payment_hash": made["payment_hash"], "wallet_id": main.id, "amount": 21000, "status": "success"}
        twice = json.dumps(json.dumps(forged))
        assert listener.post("/lnbits", twice).text == "not paid\n"
        assert listener.post("/lnbits", json.dumps({**forged, "payment_hash": "ab" * 32})).text.startswith("about no")
        assert listener.silent()
    assert amani("invoice", "check", made["payment_hash"], "--json").data["status"] == "pending"
    assert amani("history", "list", "-q").stdout == ""


def test_what_makes_no_sense_is_refused(amani: Amani, add_wallet: AddWallet) -> None:
    add_wallet("main")
    with listening() as listener:
        for body in ("", "{}", "[]", '"', '"\\"x\\""', "1" * 50, "[" * 20000):
            assert listener.post("/lnbits", body).status_code == 400, body[:20]
        assert listener.post("/lnbits", "x" * 100_000).status_code == 413
        assert listener.post("/elsewhere", "{}").status_code == 404
        assert listener.post("/fincra", "{}").status_code == 404  # no secret was given
        assert httpx.get(f"{listener.url}/lnbits", trust_env=False).status_code == 405
        answer = httpx.get(f"{listener.url}/health", trust_env=False)
        assert (answer.status_code, answer.text) == (200, "listening\n")
        assert "server" not in answer.headers


def test_a_provider_that_cannot_be_asked_has_the_sender_try_again(amani: Amani, add_wallet: AddWallet) -> None:
    main = add_wallet("main")
    invoice = amani("invoice", "create", "21", "--json").data
    body = json.dumps({"payment_hash": invoice["payment_hash"], "wallet_id": main.id})
    with listening("--timeout", "2s") as listener:
        main.server.stop()
        try:
            assert listener.post("/lnbits", body).status_code == 503
        finally:
            main.server.start()
        assert listener.post("/lnbits", body).text in ("not paid\n", "about no wallet of ours\n")


def test_a_wallet_whose_key_is_gone_keeps_no_other_s_payment_back(amani: Amani, add_wallet: AddWallet) -> None:
    """Neither knows its id yet, having been added by an invoice key: each may be the one that is meant."""
    lost, fresh, giver = add_wallet("lost", key="read"), add_wallet("fresh", key="read"), add_wallet("giver", 100)
    made = amani("invoice", "create", "21", "-w", "fresh", "--json").data
    lost.key_file.rename(lost.key_file.with_suffix(".away"))
    with listening() as listener:
        giver.pay(made["bolt11"])
        body = json.dumps({"payment_hash": made["payment_hash"], "wallet_id": fresh.id})
        assert listener.post("/lnbits", body).text == "new\n"
        assert listener.next()["payment"]["payment_hash"] == made["payment_hash"]
        other = json.dumps({"payment_hash": "ab" * 32, "wallet_id": lost.id})
        assert listener.post("/lnbits", other).status_code == 503  # it may be the one that can't be asked


def test_fincras_signature(amani: Amani, add_wallet: AddWallet, tmp_path: Path) -> None:
    add_wallet("main")
    amani.secrets.add(SECRET)
    body = b'{"event": "payout.successful", "data": {"customerReference": "x", "amount": 12.50}}'
    right = hmac.new(SECRET.encode(), body, hashlib.sha512).hexdigest()
    with listening("--fincra-secret-file", write_key(tmp_path / "secret", SECRET)) as listener:
        assert listener.post("/fincra", body, signature=right).status_code == 200
        for wrong in ("", "0" * 128, right[:-1], hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(), "x"):
            assert listener.post("/fincra", body, signature=wrong).status_code == 401
        assert listener.post("/fincra", body.replace(b"12.50", b"12.51"), signature=right).status_code == 401


@pytest.mark.parametrize("body", [b'{"a": 1, "b": "\xc3\xa9"}', b'{"a":1,"b":"\xc3\xa9"}'])
def test_both_ways_to_sign_are_known(body: bytes) -> None:
    compact = b'{"a":1,"b":"\xc3\xa9"}'
    for signed in (body, compact):
        signature = hmac.new(SECRET.encode(), signed, hashlib.sha512).hexdigest()
        assert webhooks.is_signed(body, signature.upper(), SECRET)
        assert not webhooks.is_signed(body + b" x", signature, SECRET)
        assert not webhooks.is_signed(body, signature, "another")


def test_an_exec_that_fails_is_warned_of(amani: Amani, add_wallet: AddWallet) -> None:
    main, other = add_wallet("main"), add_wallet("other", 100)
    made = amani("invoice", "create", "21", "-w", "main", "--json").data
    with listening("-w", "main", "--exec", "false") as listener:
        other.pay(made["bolt11"])
        listener.post("/lnbits", json.dumps({"payment_hash": made["payment_hash"], "wallet_id": main.id}))
        listener.next()
        assert "--exec ended with exit code 1" in listener.says()


def test_an_address_that_can_t_be_listened_on(amani: Amani) -> None:
    refused = amani("webhook", "listen", "--host", "999.1.1.1", "--json")
    assert (refused.code, refused.error["code"]) == (2, "USAGE")


def test_a_port_that_is_taken(amani: Amani) -> None:
    import socket

    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        result = amani("webhook", "listen", "--port", port, "--json")
    assert (result.code, result.error["code"]) == (10, "PORT_TAKEN")


@pytest.mark.parametrize("host", ["no host", "127.0.0.1:8787", "300.0.0.1", "ä" * 300])
def test_a_host_that_is_none(amani: Amani, host: str) -> None:
    result = amani("webhook", "listen", "--host", host, "--port", 0, "--json")
    assert (result.code, result.error["code"]) == (2, "USAGE")
    assert "--host" in result.error["hint"]
