"""Where a key may go and how often a request is sent: TLS verified, proxies that are meant, reads alone repeated."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import write_key
from tests.faults.provider import KEY, started
from tests.faults.tally import Tally
from tests.faults.tape import Restore, Tape
from tests.faults.world import COMMANDS, World, words_of, world
from tests.kit.driver import Amani
from tests.kit.fault_proxy import Answer, FaultProxy, answer, cut
from tests.kit.tls import self_signed

__all__ = ["world"]

pytestmark = pytest.mark.faults

PASSWORD = "proxy-canary-8842"


class Listener(ThreadingHTTPServer):
    """Answers as an LNbits' wallet, or as a proxy that connects to nobody; `seen` is all that was asked of it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        super().__init__(("127.0.0.1", 0), _Answers)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust it hangs up."""


class _Answers(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        body = b'{"id": "1dea1dea1dea1dea1dea1dea1dea1dea", "name": "w", "balance": 1000, "data": []}'
        self.send_response(403 if self.command == "CONNECT" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_CONNECT = do_GET  # noqa: N815 (named by http.server)

    def log_message(self, format: str, *args: object) -> None: ...


@contextlib.contextmanager
def tunnelling(certificate: Path, to: int) -> Iterator[tuple[int, list[str]]]:
    """A proxy that is spoken to in TLS and connects everybody to one port; gives its own port, and what was asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[str] = []

    def serve(bare: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(bare, server_side=True) as line:
            asked.append(line.recv(65536).decode().splitlines()[0])
            line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", to)) as beyond:
                both = [line, beyond]
                while True:
                    ready = [line] if line.pending() else select.select(both, [], [], 30)[0]
                    for each in ready:
                        data = each.recv(65536)
                        if not data:
                            return
                        both[each is line].sendall(data)

    def listen(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, args=(server,), daemon=True).start()
        yield server.getsockname()[1], asked
        server.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def listening(certificate: Path | None = None) -> Iterator[Listener]:
    """One that listens, behind TLS if there is a certificate (with its key in the same file)."""
    with Listener() as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def key_file(amani: Amani, tmp_path: Path) -> Path:
    amani.secrets.add(KEY)
    return write_key(tmp_path / "key", KEY)


def test_a_certificate_that_nobody_vouches_for(
    amani: Amani, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused before a byte of the request leaves, whatever turns verifying off elsewhere; SSL_CERT_FILE vouches."""
    certificate = self_signed(tmp_path / "own.pem", "localhost")
    another = self_signed(tmp_path / "another.pem", "lnbits.example")
    for variable in ("PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED", "GIT_SSL_NO_VERIFY"):
        monkeypatch.setenv(variable, "0")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with listening(certificate) as server:
        words = ("wallet", "add", "x", "--url", f"https://localhost:{server.server_port}", "--key-file", key_file)
        for env in ({}, {"SSL_CERT_FILE": str(another)}):
            refused = amani(*words, "--json", "--timeout", "5s", env=env)
            assert (refused.code, refused.error["code"]) == (10, "TLS")
            assert "SSL_CERT_FILE" in refused.error["hint"]
        assert server.seen == []
        assert amani(*words, env={"SSL_CERT_FILE": str(certificate)}).code != 10
        assert KEY in server.seen[0][2].values()


def test_a_certificate_of_another_name(amani: Amani, key_file: Path, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path / "own.pem", "lnbits.example")
    with listening(certificate) as server:
        words = ("wallet", "add", "x", "--url", f"https://localhost:{server.server_port}", "--key-file", key_file)
        refused = amani(*words, "--json", "--timeout", "5s", env={"SSL_CERT_FILE": str(certificate)})
        assert (refused.code, refused.error["code"]) == (10, "TLS")
        assert server.seen == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_can_t_be_read(amani: Amani, key_file: Path, tmp_path: Path, variable: str) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nno\n")
    words = ("wallet", "add", "x", "--url", "https://localhost:9", "--key-file", key_file)
    for value in (broken, tmp_path / "nowhere"):
        refused = amani(*words, "--json", "--timeout", "1s", env={variable: str(value)})
        # A folder is looked into when a certificate is wanted: there is none in it, and nobody listens either.
        assert (refused.code, refused.error["code"]) in ((2, "BAD_CERTIFICATES"), (10, "CONNECTION_REFUSED")), refused
        assert variable == "SSL_CERT_DIR" or refused.code == 2


def test_a_proxy_that_is_spoken_to_in_tls(amani: Amani, key_file: Path, tmp_path: Path) -> None:
    """TLS within TLS: the proxy sees a name and no key, and the key arrives."""
    certificate = self_signed(tmp_path / "own.pem", "localhost")
    with listening(certificate) as server, tunnelling(certificate, server.server_port) as (port, asked):
        env = {"SSL_CERT_FILE": str(certificate), "HTTPS_PROXY": f"https://localhost:{port}"}
        words = ("wallet", "add", "x", "--url", "https://lnbits.example", "--key-file", key_file, "--json")
        # The certificate is for another name, and it is the name that counts.
        refused = amani(*words, "--timeout", "5s", env=env)
        assert (refused.code, refused.error["code"]) == (10, "TLS")
        assert server.seen == []
        own = self_signed(tmp_path / "named.pem", "lnbits.example")
        both = tmp_path / "both.pem"
        both.write_bytes(certificate.read_bytes() + own.read_bytes())
        with listening(own) as named, tunnelling(certificate, named.server_port) as (port, asked):
            env = {"SSL_CERT_FILE": str(both), "HTTPS_PROXY": f"https://localhost:{port}"}
            added = amani(*words, "--timeout", "5s", env=env)
            assert added.code != 10, added
            assert asked[0] == "CONNECT lnbits.example:443 HTTP/1.1"
            assert named.seen[0][2]["X-Api-Key"] == KEY


def test_a_proxy_of_the_environment(amani: Amani, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked to connect, sees no key, and is left out where NO_PROXY says so, and on this very machine."""

    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    words = ("wallet", "add", "x", "--url", "https://lnbits.example", "--key-file", key_file, "--json", "-vvv")
    with listening() as proxy, started() as provider:
        env = {"HTTPS_PROXY": f"http://user:{PASSWORD}@127.0.0.1:{proxy.server_port}"}
        env["HTTP_PROXY"] = env["HTTPS_PROXY"]
        turned_away = amani(*words, "--timeout", "5s", env=env)
        assert (turned_away.code, turned_away.error["money_moved"]) == (10, "no")
        assert "proxy" in turned_away.error["message"]
        ((method, path, headers),) = proxy.seen
        assert (method, path) == ("CONNECT", "lnbits.example:443")
        assert KEY not in str(headers)
        shown = amani("doctor", env=env)
        assert f"127.0.0.1:{proxy.server_port}" in shown.stdout
        proxy.seen.clear()
        here = amani("wallet", "add", "y", "--url", provider.url, "--key-file", key_file, env=env)
        assert here.code == 0, here
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", no_such_name)
            unknown = amani(*words, "--timeout", "5s", env={**env, "NO_PROXY": "lnbits.example"})
        assert (unknown.code, unknown.error["code"]) == (10, "DNS")
        assert proxy.seen == []
        assert PASSWORD not in turned_away.stderr + turned_away.stdout + shown.stdout + shown.stderr + here.stderr


@pytest.mark.parametrize("address", ["gopher://u:{}@h", "http://u:{}@[h", "http://u:{}@h:99999", "u:{}@h:x"])
def test_a_proxy_that_is_none(amani: Amani, key_file: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    words = ("wallet", "add", "x", "--url", "https://lnbits.example", "--key-file", key_file, "--json")
    amani.crashes = True  # --debug shows the traceback of a refusal too
    refused = amani(*words, "--timeout", "1s", "--debug", env={"HTTPS_PROXY": address.format(PASSWORD)})
    assert refused.code in (2, 10), refused
    assert PASSWORD not in refused.stdout + refused.stderr


# -- how often --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["429", "503", "cut"])
def test_a_read_is_tried_again_later_and_later_within_its_time(
    amani: Amani, key_file: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("amani_cli.providers.http.time.sleep", pauses.append)
    answers = {"429": answer(429, {"detail": "slow down"}), "503": answer(503, b"", "text/html")}
    wrong = answers.get(fault, cut(after=False))
    with started() as provider, FaultProxy(provider.url) as proxy:
        assert amani("wallet", "add", "main", "--url", proxy.url, "--key-file", key_file).code == 0
        proxy.seen.clear()
        proxy.on(wrong, "GET", "/api/v1/wallet", times=3)
        assert amani("wallet", "balance", "--timeout", "30s").code == 0
        assert proxy.count("GET", "/api/v1/wallet") == 4
        # Doubled each time and spread from half to one and a half, so that many clients don't come back together.
        assert [0.2 * 2**at * 0.5 <= pause <= 0.2 * 2**at * 1.5 for at, pause in enumerate(pauses)] == [True] * 3
        proxy.on(wrong, "GET", "/api/v1/wallet", times=None)
        begun = time.monotonic()
        assert amani("wallet", "balance", "--timeout", "1s").code == 10
        assert time.monotonic() - begun < 10  # one second of it is its own; the machine may be slow


@pytest.mark.parametrize("line", COMMANDS)
def test_what_changes_something_is_sent_once(
    line: str, world: World, tmp_path_factory: pytest.TempPathFactory, tally: Tally
) -> None:
    """Each request that is no read, turned away by a server in trouble: no command sends it a second time."""
    words, stdin = words_of(line, world)
    restore = Restore((world.home, world.folder), beside=tmp_path_factory.mktemp("kept"))
    tape = Tape(world.proxy)
    world.amani(*words, "--timeout", "short", stdin=stdin)
    often = Counter((method, path) for method, path, _ in tape.taken)
    for at, (method, path, _) in enumerate(tape.taken):
        if method == "GET":
            continue
        for wrong in (Answer(503, b"{}"), Answer(429, b'{"detail":"Rate limit"}'), Answer(502, b"", "text/html")):
            if wrong.status == 429 and words[0] == "batch":
                continue  # turned away before anything was done: a batch waits and goes on
            restore()
            tape.rewind((at, wrong))
            world.amani(*words, "--timeout", "short", stdin=stdin)
            sent = Counter((each.method, each.path.partition("?")[0]) for each in world.proxy.seen)
            assert sent[method, path] <= often[method, path], (words, wrong)
            assert tape.paid() <= sum(
                known == ("POST", "/api/v1/payments") for known in ((a, b) for a, b, _ in tape.taken)
            )
            tally("faults")
