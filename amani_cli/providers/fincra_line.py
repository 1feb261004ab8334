"""A line to Fincra: its key, its pages, and what its refusals mean; the endpoints are in `fincra`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from amani_cli import errors
from amani_cli.providers import fincra_wire as wire
from amani_cli.providers.base import FiatRecord
from amani_cli.providers.http import Answer, Line

SANDBOX_URL = "https://sandboxapi.fincra.com"
LIVE_URL = "https://api.fincra.com"
PAGE = 100  # the most that a page of a list holds
ID_LENGTH = 24  # of a business' id
_HINT = (
    "Three things can be wrong: the key, the environment (a live key works on {live} only, with --live; a test key"
    " on {sandbox}), or the address of this machine, which a live business must have on its IP allow-list."
)


class NotThere(errors.NotFound):
    """A 404 of Fincra's; `code_there` says of what."""

    def __init__(self, message: str, said: wire.Refusal) -> None:
        super().__init__(message, code=said.told)
        self.code_there = said.code


class FincraLine:
    """An open line with a business' secret key. Use it as a context manager."""

    def __init__(self, line: Line, key: str, *, business: str | None = None, public_key: str | None = None) -> None:
        self.line = line
        self.url = line.url
        self._headers = {"api-key": key}
        self._business = business
        self._public_key = public_key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def identity(self) -> str:
        """The business' id, which most calls want."""
        raise NotImplementedError

    def _get(self, path: str, **query: object) -> Any:
        return self._data(self.line.read(path, headers=self._headers, params=query or None))

    def _post(self, path: str, body: Any) -> Any:
        return self._data(self.line.send("POST", path, headers=self._headers, body=body))

    def _pages(
        self, path: str, what: str, more: Mapping[str, str | None] | None = None, *, first: int = 1
    ) -> Iterator[list[dict[str, Any]]]:
        """Every page of a list from the page `first`, newest first; `more` goes into the query,
        beside the business unless that is None.
        """
        page, seen, before = first, (first - 1) * PAGE, None
        named = {"business": self.identity(), **(more or {})}
        query = {name: value for name, value in named.items() if value is not None}
        while True:
            body = self._object(self._get(path, **query, page=page, perPage=PAGE))
            # `results` by what was seen; by the API description a list has the name of what is in it.
            lists = [each for each in body.values() if isinstance(each, list)]
            results = body.get("results", lists[0] if len(lists) == 1 else None)
            if not isinstance(results, list):
                raise self._odd(f"a list of {what} that is none")
            seen += len(results)
            yield [each for each in results if isinstance(each, dict)]
            total = None if body.get("totalIsApproximate") else body.get("total")
            if not results or (isinstance(total, int) and seen >= total):
                return
            if results == before:
                raise self._odd(f"the same page of {what} again")
            page, before = page + 1, results

    def _found(self, path: str, our_reference: str) -> FiatRecord | None:
        try:
            body = self._object(self._get(path))
        except errors.NotFound:
            return None
        return self._record(body, our_reference)

    def _record(self, body: dict[str, Any], our_reference: str) -> FiatRecord:
        """What an answer about our reference tells. One about something else has no status, or another reference."""
        self._is_about(body, "customerReference", our_reference, "movement")
        if wire.text(body.get("status")) is None:
            raise self._odd("a movement without a status")
        return wire.movement_record(body)

    def _data(self, answer: Answer) -> Any:
        """What an answer's envelope holds. Raises the error that it stands for."""
        said = wire.refusal(answer)
        if said is None:
            return answer.body.get("data")
        raise self._error(answer, said)

    def _object(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise self._odd("an answer without data")
        return data

    def _list(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list):
            raise self._odd("an answer without a list")
        return [each for each in data if isinstance(each, dict)]

    def _is_about(self, body: dict[str, Any], name: str, asked: str, noun: str) -> None:
        """Refuse an answer that says itself that it is about something else: proxies and caches mix answers up."""
        if wire.text(body.get(name)) not in (None, asked):
            raise self._odd(f"another {noun} than the one asked for")

    def _odd(self, what: str) -> errors.AmaniError:
        return errors.Unreachable(f"{self.line.host} sent {what}", code="ODD_ANSWER", hint="Try again later.")

    def _error(self, answer: Answer, said: wire.Refusal) -> errors.AmaniError:
        host, status, text = self.line.host, said.status, said.text or said.code
        if status in (301, 302, 303, 307, 308):
            return errors.Unreachable(
                f"{self.url} redirects elsewhere; amani does not follow, so that your key goes nowhere else",
                code="REDIRECT",
            )
        if status == 429:
            return errors.Unreachable(
                f"{host} takes no more requests for now (429)",
                code="RATE_LIMITED",
                hint="Wait a moment: Fincra allows 50 requests a second to one account.",
            )
        if not isinstance(answer.body, dict):
            return errors.Unreachable(
                f"{self.url} answered {status} with something that is not Fincra's JSON",
                code="SERVER_ERROR" if status >= 500 else "NOT_FINCRA",
                hint="Fincra or the proxy before it is in trouble; try again later.",
            )
        if said.code == "OPERATION_FORBIDDEN":
            return errors.Rejected(f"{host} does not allow this business to do that: {text}", code=said.code)
        if status in (401, 403) and _is_nest(answer):  # of a page for payment, which has no other key
            return errors.NotAuthorised(
                f"{host} refused the business' public key ({text or 'no reason given'})",
                code="KEY_REFUSED",
                hint="Copy it again (pk_…, of the same environment) to FINCRA_PUBLIC_KEY; a wallet that was added takes"
                " it by --public-key: remove it and add it again.",
            )
        if status in (401, 403):
            return self._unauthorised(text)
        if status == 404 and not said.code and not _is_nest(answer):
            return errors.Unreachable(f"{self.url} has no Fincra API at this path ({text})", code="NOT_FINCRA")
        if status == 404 or said.code == "RESOURCE_NOT_FOUND":
            return NotThere(f"{host}: {text or 'not found'}", said)
        if status >= 500 or said.code in ("SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"):
            return errors.Unreachable(
                f"{host} failed to answer ({status}{': ' + text if text else ''})",
                code="SERVER_ERROR",
                hint="Fincra is in trouble; try again later.",
            )
        if said.code == "NO_ENOUGH_MONEY_IN_WALLET":
            return errors.InsufficientFunds(f"{host} says: {text}", hint="See: amani wallet balance")
        return errors.Rejected(f"{host} refused: {text or status}", code=said.told)

    def _unauthorised(self, text: str) -> errors.AmaniError:
        host = self.line.host
        if "ip address" in text.lower():
            return errors.NotAuthorised(
                f"{host} does not serve this machine's IP address: it is not on the business' allow-list",
                code="IP_NOT_ALLOWED",
                hint="Add it in Fincra's dashboard under Settings, API keys & webhooks (three addresses at most).",
            )
        return errors.NotAuthorised(
            f"{host} refused the key ({text or 'no reason given'})",
            code="KEY_REFUSED",
            hint=_HINT.format(live=LIVE_URL, sandbox=SANDBOX_URL),
        )


def _is_nest(answer: Answer) -> bool:
    return isinstance(answer.body, dict) and "statusCode" in answer.body


def as_path(text: str) -> str:
    """Text as one segment of a path."""
    from urllib.parse import quote

    return quote(text, safe="")


def check_environment(key: str, url: str) -> None:
    """Refuse, before it is sent anywhere, a key that says itself that it belongs to the other environment."""
    words = key.lower().split("_")
    if url == LIVE_URL and "test" in words[:2]:
        raise errors.NotAuthorised(
            "this is a test key, and the wallet is live",
            code="WRONG_ENVIRONMENT",
            hint="Leave --live out, or copy the key from the dashboard's live mode.",
        )
    if url == SANDBOX_URL and "live" in words[:2]:
        raise errors.NotAuthorised(
            "this is a live key, and Fincra's sandbox knows test keys only",
            code="WRONG_ENVIRONMENT",
            hint="Add the wallet with --live if real money is meant, or copy the key from the dashboard's test mode.",
        )
