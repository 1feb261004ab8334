"""The one HTTP client: no redirects, no cookies, capped bodies, retries for reads alone, and faults told apart.

What matters to money is whether bytes may have left: `NotSent` proves they did not, `Lost` says they may have.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import types
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from amani_cli import __version__, calls, clocks, errors, log
from amani_cli.providers import proxies
from amani_cli.providers.addresses import Allow, is_loopback, is_onion
from amani_cli.providers.wire import NoProxy, Wire

# httpx/__init__ imports httpx._main, its own command line, which pulls in click, rich and pygments when they are
# installed: half of httpx's import time, for nothing that amani uses. The stub stands in its place.
# (https://github.com/encode/httpx/blob/0.28.1/httpx/__init__.py)
if "httpx" not in sys.modules and "httpx._main" not in sys.modules:
    _stub = types.ModuleType("httpx._main")
    _stub.main = lambda: None  # type: ignore[attr-defined]
    sys.modules["httpx._main"] = _stub

import httpx

# What a request that is begun when time is nearly up may take all the same: the next of many questions must not fail
# for what was slow before it.
LEAST_S = 1.0
# Before a read is tried again; doubled each time, and spread, so that many clients don't come back together.
FIRST_PAUSE_S = 0.2
BODY_LIMIT = 32 * 1024 * 1024
_PROXIES = "It comes from ALL_PROXY, HTTPS_PROXY or HTTP_PROXY; NO_PROXY names hosts to reach without it."


class NotSent(errors.Unreachable):
    """The connection was never made: not one byte of the request left."""


class Lost(errors.Unreachable):
    """The request left, or may have, and no complete answer came back."""


class Answer(NamedTuple):
    """A complete HTTP answer; `body` is None unless it is JSON and says so."""

    status: int
    body: Any
    is_json: bool
    location: str | None


class Line:
    """A line to one server. Close it, or use it as a context manager.

    `deadline`, on the monotonic clock, may be moved for a line that outlives one task. A `stranger` is a server that
    somebody named to us: its answers are read as JSON whatever their content type says (LUD-01), and never unpacked,
    for a small one may unpack into gigabytes; its paths may be secrets and are not logged. No answer may have more than
    `limit` bytes (None: BODY_LIMIT). With `allow` (see `wire.connect`) no proxy is used.
    """

    def __init__(
        self,
        url: str,
        *,
        deadline: float,
        timeout: float,
        name: str = "LNbits",
        stranger: bool = False,
        limit: int | None = None,
        allow: Allow | None = None,
    ) -> None:
        self.url = url
        self._name = name  # as log lines call the provider
        self.wallet: str | None = None  # whose line it is, for the log
        self._stranger = stranger
        self._limit = limit
        self.host = urlsplit(url).netloc
        self.deadline = deadline
        self._timeout = timeout
        headers = {"User-Agent": f"amani/{__version__}", "Accept": "application/json"}
        if stranger:
            headers["Accept-Encoding"] = "identity"
        proxy = None if allow is not None or is_loopback(url) else proxies.of(url)
        try:
            self._proxy = proxies.name_of(proxy) if proxy else None
            if is_onion(url):
                _check_tor(url, proxy, stranger=stranger)
            proxies.load_socks(proxy or "")
            # With the environment left out where it names no proxy for this server: what it says of others may be odd.
            self._client = httpx.Client(
                verify=tls(url), follow_redirects=False, headers=headers, trust_env=proxy is not None
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise errors.Usage(
                # Not in the library's words: it may repeat the address, and with it a password.
                f"the proxy in the environment can't be used ({type(error).__name__})",
                code="BAD_PROXY",
                hint="HTTPS_PROXY, HTTP_PROXY and ALL_PROXY take http://, https:// and socks5h:// addresses.",
            ) from None

        # httpx has no option for what connections are made of; all of them, a proxy's too, keep to one deadline.
        for transport in filter(None, (self._client._transport, *self._client._mounts.values())):
            pool = transport._pool  # type: ignore[attr-defined]
            pool._network_backend = Wire(allow, proxy=hasattr(pool, "_proxy_url"))
        # A client copies the jar that it is given into one that keeps, so this one is put in its place by hand.
        self._client._cookies = _NoCookies()
        # Requests are made from these: for the client to merge its headers, cookies and base address into each takes
        # a third of the time that sending it does. A batch goes to the same path a thousand times.
        self._headers = dict(self._client.headers)
        self._url_of = lru_cache(8)(lambda path: httpx.URL(url + path))

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, path: str, *, headers: Mapping[str, str] | None = None, params: Any = None) -> Answer:
        """GET, tried again with back-off on lost lines, 429, 502, 503 and 504 until the time is up.

        Raises `NotSent` or `Lost`; an answer of any status is returned.
        """
        pause = FIRST_PAUSE_S
        while True:
            failure: errors.Unreachable | None = None
            answer = None
            try:
                answer = self.send("GET", path, headers=headers, params=params)
                if answer.status not in (429, 502, 503, 504):
                    return answer
            except (NotSent, Lost) as error:
                failure = error
            wait = pause * (0.5 + os.urandom(1)[0] / 255)
            # A refused connection is said at once: a person sees it sooner, and a script has its own retries. An
            # answer that is too long will be so again.
            hopeless = isinstance(failure, NotSent) or (failure is not None and failure.code == "ODD_ANSWER")
            if hopeless or self.left() < wait + 0.5 or pause > 3:
                if failure is not None:
                    raise failure
                assert answer is not None
                return answer
            time.sleep(wait)
            pause *= 2

    def left(self) -> float:
        """Seconds until this command's time is up."""
        return self.deadline - time.monotonic()

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        params: Any = None,
    ) -> Answer:
        """One request, sent once. Raises `NotSent` or `Lost`; never retries, never follows a redirect."""
        begun = time.monotonic()
        outcome: object = "cut"
        try:
            answer = self._send(method, path, headers, body, params)
            outcome = answer.status
            return answer
        except errors.Unreachable as error:
            outcome = error.code
            raise
        finally:
            took = int((time.monotonic() - begun) * 1000)
            told = "" if self._stranger else f" {path}"
            failed = not isinstance(outcome, int) or outcome == 429 or outcome >= 500
            calls.note(self._name, method, told.strip(), took, failed=failed)
            fields = {"host": self.host, "status": outcome, "latency_ms": took}
            if self.wallet is not None:
                fields["wallet"] = self.wallet
            log.event("info", f"{self._name} {method}{told}", event="provider_call", endpoint=told.strip(), **fields)

    def _send(self, method: str, path: str, headers: Mapping[str, str] | None, body: Any, params: Any) -> Answer:
        wait = max(LEAST_S, min(self._timeout, self.left()))
        ends = time.monotonic() + wait  # of it all: looking up, connecting, sending, head and body
        content = None if body is None else _json(body).encode()
        whole = {**self._headers, **(headers or {})}
        if content is not None:
            whole["Content-Type"] = "application/json"
        try:
            request = httpx.Request(
                method,
                self._url_of(path),
                headers=whole,
                content=content,
                params=params,
                extensions={"timeout": {"connect": ends, "read": ends, "write": ends, "pool": wait}},  # see `wire`
            )
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            # The error's text may hold the header's value, which is a key.
            raise NotSent(f"a request to {self.host} could not be made ({type(error).__name__})") from None
        try:
            response = self._client.send(request, stream=True)
            try:
                if not self._stranger:
                    clocks.hear(self.url, response.headers.get("date"))
                return self._whole(response)
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise self._not_sent(error) from None
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise NotSent(f"a request to {self.host} could not be made ({type(error).__name__})") from None
        except proxies.socks_errors():
            raise NotSent(f"the proxy {self._proxy} does not speak SOCKS5", code="PROXY", hint=_PROXIES) from None
        except httpx.TimeoutException:
            through = f" through the proxy {self._proxy}" if self._proxy else ""
            raise Lost(
                f"Request timeout: {self.host} did not answer within {wait:.0f} s{through}",
                code="TIMEOUT",
                hint="The server may be busy; try again, or allow more time with --timeout 60s.",
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # the last: a redirect to what is no address
            raise Lost(
                f"the line to {self.host} was cut ({type(error).__name__})",
                code="LINE_CUT",
                hint="Try again.",
            ) from None

    def _whole(self, response: httpx.Response) -> Answer:
        parts, size, limit = [], 0, self._limit or BODY_LIMIT
        packed = not self._stranger and "content-encoding" in response.headers
        for part in response.iter_bytes() if packed else response.iter_raw():
            size += len(part)
            if size > limit:
                raise Lost(f"{self.host} sent an answer of over {limit >> 10:,} KiB", code="ODD_ANSWER")
            parts.append(part)
        location = response.headers.get("location")
        if not self._stranger and "json" not in response.headers.get("content-type", "").lower():
            return Answer(response.status_code, None, False, location)
        try:
            text = b"".join(parts)
            said = text.decode(json.detect_encoding(text), "surrogatepass")
            body = _DECODER.decode(said)
            if "\\ud" in said or "\\uD" in said or not said.isascii():  # a long page is not gone through for nothing
                body = _storable(body)
        except (ValueError, RecursionError):
            return Answer(response.status_code, None, False, location)
        return Answer(response.status_code, body, True, location)

    def _not_sent(self, error: httpx.TransportError) -> NotSent:
        text = str(error)
        if isinstance(error, httpx.ProxyError):
            if isinstance(error.__cause__, NoProxy):
                return NotSent(
                    f"the proxy {self._proxy} can't be reached: {_reason(text)}", code="PROXY", hint=_PROXIES
                )
            why = f"the proxy {self._proxy} would not connect to {self.host}: {_reason(text)[:100]}"
            return NotSent(why, code="PROXY", hint=_PROXIES)
        if isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)):
            return NotSent(
                f"Request timeout: no connection to {self.host}",
                code="TIMEOUT",
                hint="Check the address and your network; nothing was sent.",
            )
        if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
            return NotSent(
                f"no trusted TLS connection to {self.host}: {_reason(text)}",
                code="TLS",
                hint="Check the address and this machine's clock; for a private CA set SSL_CERT_FILE.",
            )
        if "refused" in text.lower() or "Errno 61" in text or "Errno 111" in text:
            return NotSent(
                f"Connection refused: nothing answers at {self.url}",
                code="CONNECTION_REFUSED",
                hint="Is the server running, and is the port right? For the sandbox: 'amani sandbox start'.",
            )
        if "Name or service" in text or "nodename" in text or "name resolution" in text or "Errno -" in text:
            return NotSent(
                f"no server called {urlsplit(self.url).hostname} can be found (DNS)",
                code="DNS",
                hint="Check the spelling of the address and your network.",
            )
        return NotSent(f"no connection to {self.host}: {_reason(text)}", hint="Check the address and your network.")


class _NoCookies(httpx.Cookies):
    """A jar that keeps nothing: LNbits' login cookie would authenticate later calls."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Look at no answer for them; that alone takes longer than sending the request."""


def _check_tor(url: str, proxy: str | None, *, stranger: bool) -> None:
    """Let no onion's name be asked for in the DNS, and no key pass by plain http through another machine's proxy."""
    hint = "Name Tor's proxy in ALL_PROXY, e.g. ALL_PROXY=socks5h://127.0.0.1:9050."
    if proxy is None:
        raise NotSent(f"{urlsplit(url).netloc} can be reached through Tor only", code="NEEDS_TOR", hint=hint)
    if not stranger and url.startswith("http://") and not is_loopback(proxy):
        name = proxies.name_of(proxy)
        why = f"the proxy {name} is another machine, and would see the key that goes to an onion by http"
        raise NotSent(why, code="NEEDS_TOR", hint=f"{hint} Or use the onion's https://, if it has one.")


def tls(url: str) -> ssl.SSLContext | Literal[False]:
    """The TLS settings for an address: the system's authorities where OpenSSL can look them up by hash.

    Loading a whole bundle costs 20 ms at every start; a hashed folder is read when a certificate needs it. No
    context is made for plain http, which is loopback unless a wallet says otherwise.
    """
    if url.startswith("http://"):
        return False
    own_file, own_folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if own_file or own_folder:
        try:
            context.load_verify_locations(cafile=own_file or None, capath=own_folder or None)
        except OSError as error:  # ssl.SSLError is one too
            raise errors.Usage(
                f"the certificates that the environment names can't be read: {error.strerror or _reason(str(error))}",
                code="BAD_CERTIFICATES",
                hint="SSL_CERT_FILE is a file in PEM, SSL_CERT_DIR a folder of them named by hash.",
            ) from None
        return context
    folder: str | None = ssl.get_default_verify_paths().capath
    if folder is None and os.path.isdir("/etc/ssl/certs"):
        folder = "/etc/ssl/certs"
    try:
        hashed = folder is not None and any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        hashed = False
    if hashed:
        context.load_verify_locations(capath=folder)
    else:
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def _number(text: str) -> Decimal:
    """A number of a JSON answer: Decimal, because a balance must not pass through a float on its way.

    Raises `ValueError` for NaN and infinities, which are no JSON, and for what no float could hold either: to write
    out 1e999999999 would take all memory.
    """
    if len(text) < 24 and text.isascii() and "e" not in text and "E" not in text and text[-1:].isdigit():
        return Decimal(text)  # nothing to look at
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite() or not -400 < number.adjusted() < 400 or len(text) > 800:
        raise ValueError("a number out of all bounds")
    return number


# Made once: `json.loads` and `json.dumps` make one for each call that asks for more than the default.
_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_number)
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def _storable(value: Any) -> Any:
    """JSON of others' as it can be stored: half a character, left where they cut a text in two, becomes a `?`."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {name: _storable(each) for name, each in value.items()}
    return [_storable(each) for each in value] if isinstance(value, list) else value


def _reason(text: str) -> str:
    """The part of an OpenSSL or OS error that a person can use."""
    return text.split("] ", 1)[-1].split(" (_ssl.c", 1)[0] or "no reason given"


def _json(value: Any) -> str:
    """JSON text in which a Decimal is the number it is, digit for digit: the standard encoder knows only floats."""
    try:
        return _ENCODER.encode(value)
    except TypeError:  # there is a Decimal somewhere in it
        pass
    if isinstance(value, Decimal):
        whole = value.to_integral_value()
        return format(whole if whole == value else value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_json(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value)
