"""A line to LNbits: its key, its answers as records, and what its refusals mean; the endpoints are in `lnbits`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from amani_cli import errors
from amani_cli.providers import lnbits_wire as wire
from amani_cli.providers.base import NewWallet, Record
from amani_cli.providers.http import Answer, Line


class LnbitsLine:
    """An open line with one key (or none). Use it as a context manager.

    `must_match` is given the id that the key's wallet tells, and raises for one that is not the wallet that was meant.
    """

    must_match: Callable[[str | None], object] | None = None

    def __init__(self, line: Line, key: str | None = None) -> None:
        self.line = line
        self.url = line.url
        self._headers = {"X-Api-Key": key} if key else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def _read(self, path: str, *, params: Any = None, headers: Any = None, accept: tuple[int, ...] = ()) -> Answer:
        answer = self.line.read(path, headers=headers or self._headers, params=params)
        return answer if answer.status in accept else self._checked(answer)

    def _post(self, path: str, body: Any, *, headers: Any = None) -> Answer:
        return self._send("POST", path, body=body, headers=headers)

    def _send(self, method: str, path: str, *, body: Any = None, headers: Any = None) -> Answer:
        return self._checked(self.line.send(method, path, headers=headers or self._headers, body=body))

    def _checked(self, answer: Answer) -> Answer:
        if answer.status in (200, 201):
            return answer
        raise self._refusal(answer)

    def _object(self, answer: Answer) -> dict[str, Any]:
        if not answer.is_json:
            raise errors.Unreachable(
                f"{self.url} answered with something that is not JSON",
                code="NOT_LNBITS",
                hint="Is this the address of an LNbits, without anything behind the host (or its sub-path)?",
            )
        if not isinstance(answer.body, dict):
            raise self._odd("a list where an object was due")
        return answer.body

    def _odd(self, what: str) -> errors.AmaniError:
        return errors.Unreachable(
            f"{self.line.host} sent {what}",
            code="ODD_ANSWER",
            hint="'amani doctor' says which version runs there.",
        )

    def _refusal(self, answer: Answer) -> errors.AmaniError:
        """The error that an answer stands for; nothing of a payment's POST comes through here."""
        status, reason, host = answer.status, wire.detail(answer), self.line.host
        if status in (301, 302, 303, 307, 308):
            if "first_install" in (answer.location or ""):
                return errors.Unreachable(
                    f"the LNbits at {self.url} waits for its first set-up",
                    code="FIRST_INSTALL",
                    hint=f"Open {self.url}/first_install in a browser and make its admin user.",
                )
            return errors.Unreachable(
                f"{self.url} redirects elsewhere; amani does not follow, so that your key goes nowhere else",
                code="REDIRECT",
                hint="Use the address it redirects to, if it is yours.",
            )
        if status == 429:
            return errors.Unreachable(
                f"{host} takes no more requests for now (429)",
                code="RATE_LIMITED",
                hint="Wait a minute: a stock LNbits allows 200 requests a minute from one address.",
            )
        if not answer.is_json:
            return errors.Unreachable(
                f"{self.url} answered {status} with something that is not JSON",
                code="NOT_LNBITS" if status < 500 else "SERVER_ERROR",
                hint="Is this the address of an LNbits, without anything behind the host (or its sub-path)?"
                if status < 500
                else "The server or the proxy before it is in trouble; try again later.",
            )
        if status in (401, 403):
            return self._unauthorised(status, reason)
        if status == 404 and reason == "Wallet not found.":
            return errors.NotAuthorised(
                f"{host} knows no wallet with this key",
                code="KEY_REFUSED",
                hint="Check the key and the address: it may have been rotated, or belong to another LNbits.",
            )
        if status == 404 and reason == "Not Found":
            return errors.Unreachable(
                f"{self.url} has no LNbits API at this path",
                code="NOT_LNBITS",
                hint="Give the server's address alone, without a path (or with its sub-path only).",
            )
        if status == 404:
            return errors.NotFound(f"{host}: {reason or 'not found'}")
        if status >= 500 and status != 520:
            return errors.Unreachable(
                f"{host} failed to answer ({status}{': ' + reason if reason else ''})",
                code="SERVER_ERROR",
                hint="The server is in trouble; try again later.",
            )
        code = wire.payment_code(reason)
        failure = errors.InsufficientFunds if code == "INSUFFICIENT_FUNDS" else errors.Rejected
        return failure(f"{host} refused: {reason or status}", code=code)

    def _unauthorised(self, status: int, reason: str) -> errors.AmaniError:
        host = self.line.host
        if reason in ("Invoice (or Admin) key required.", "Invalid adminkey."):
            return errors.NotAuthorised(
                f"this is the invoice key of a wallet on {host}; paying and changing it need the admin key",
                code="INVOICE_KEY",
                hint="In LNbits open the wallet, then 'API keys', and take the Admin key, not the Invoice key.",
            )
        if reason in ("Missing user ID or access token.", "Invalid access token.", "Invalid session.") or (
            status == 401 and "token" in reason.lower()
        ):
            return errors.NotAuthorised(
                f"Invalid or expired token for {host}",
                code="TOKEN_EXPIRED",
                hint=f"Log in again: amani login {self.url}",
            )
        return errors.NotAuthorised(
            f"{host} refused the key ({reason or status})",
            code="KEY_REFUSED",
            hint="Check the key and the address; 'amani doctor' looks at each wallet's key.",
        )

    def _new_wallet(self, body: dict[str, Any]) -> NewWallet:
        values = [body.get(name) for name in ("id", "name", "adminkey", "inkey")]
        if not all(isinstance(value, str) and value for value in values):
            raise self._odd("a new wallet without its keys")
        return NewWallet(*[str(value) for value in values])

    def _record(self, body: dict[str, Any], *, paid: object = None) -> Record:
        """Read a payment object of any version. Raises `errors.Unreachable` if it has no amount or hash."""
        payment_hash, amount, fee = body.get("payment_hash"), body.get("amount"), body.get("fee", 0)
        if not isinstance(payment_hash, str) or not wire.is_int(amount) or not wire.is_int(fee):
            raise self._odd("a payment without a hash or an amount")
        wallet_id = body.get("wallet_id")
        created = wire.when(body.get("created_at")) or wire.when(body.get("time"))
        status = wire.status(body, paid)
        return Record(
            payment_hash=payment_hash,
            wallet_id=wallet_id if isinstance(wallet_id, str) else None,
            amount_msat=int(amount),
            fee_msat=abs(int(fee)),
            status=status,
            preimage=wire.hex_or_none(body.get("preimage")),
            memo=wire.text(body.get("memo")),
            bolt11=str(body.get("bolt11") or body.get("payment_request") or "").lower(),
            created_at=created,
            expires_at=wire.when(body.get("expiry")),
            settled_at=(wire.when(body.get("updated_at")) or created) if status == "settled" else None,
            named=wire.named(body.get("extra")),
            listed_at=wire.seconds(body.get("time")),
        )
