"""LNbits' HTTP API, one method an endpoint, from 0.12 to 1.6: answers become records, refusals become errors.

Source: https://github.com/lnbits/lnbits (lnbits/core/views), checked against running servers of each version.
Amounts: wallet balances, payment amounts and fees are msat; invoice amounts are sat. Nothing here retries a POST.
"""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from amani_cli import errors
from amani_cli.providers import lnbits_wire as wire
from amani_cli.providers.base import Made, Named, NewWallet, PayAnswer, RemoteWallet
from amani_cli.providers.http import Answer, Lost, NotSent
from amani_cli.providers.lnbits_records import LnbitsRecords
from amani_cli.times import from_rfc3339


class Lnbits(LnbitsRecords):
    """One LNbits, spoken to with one key (or none). Use it as a context manager."""

    # -- what any key may ask ------------------------------------------------------------------------------------

    def wallet(self) -> RemoteWallet:
        """The key's wallet. Only an admin key's answer carries an id: that is how the two are told apart."""
        body = self._object(self._read("/api/v1/wallet"))
        balance = body.get("balance")
        if not wire.is_int(balance):
            raise self._odd("a wallet without a balance")
        remote_id = body.get("id")
        known = isinstance(remote_id, str) and remote_id != ""
        if known and self.must_match is not None:
            self.must_match(remote_id)
        return RemoteWallet(str(body.get("name", "")), int(balance), remote_id if known else None, known)

    def held(self) -> int:
        """What the key's wallet holds, in msat."""
        return self.wallet().balance_msat

    def identity(self) -> str | None:
        """The wallet's id; None for a key that only reads."""
        return self.wallet().id

    def create_invoice(
        self,
        amount_sat: int,
        memo: str,
        expiry_s: int,
        *,
        webhook: str | None = None,
        described: bytes | None = None,
    ) -> Made:
        """Ask for an invoice. The read key is enough.

        It carries the hash of what is `described`, in place of the memo: that itself is sent, as some nodes want it.
        The request bears a word of its own, which its answer tells again: no other invoice passes for this one.
        """
        mark = {wire.EXTRA: {"asked": os.urandom(8).hex()}}
        body: dict[str, Any] = {
            "out": False,
            "unit": "sat",
            "amount": amount_sat,
            "memo": memo,
            "expiry": expiry_s,
            "extra": mark,
        }
        if webhook:
            body["webhook"] = webhook
        if described is not None:
            body["unhashed_description"] = described.hex()
        made = self._object(self._post("/api/v1/payments", body))
        payment_hash, bolt11 = made.get("payment_hash"), made.get("bolt11") or made.get("payment_request")
        if not isinstance(payment_hash, str) or not isinstance(bolt11, str):
            raise self._odd("an invoice without a payment hash or a bolt11")
        wallet_id, extra = made.get("wallet_id"), made.get("extra")
        answers_this = not isinstance(extra, dict) or extra.get(wire.EXTRA) == mark[wire.EXTRA]
        return Made(payment_hash, bolt11.lower(), wallet_id if isinstance(wallet_id, str) else None, answers_this)

    def fee_reserve_msat(self, bolt11: str) -> int:
        """The most that routing may cost by the server's settings; it says so for internal payments too."""
        body = self._object(self._read("/api/v1/payments/fee-reserve", params={"invoice": bolt11}))
        reserve = body.get("fee_reserve")
        if not wire.is_int(reserve) or reserve < 0:
            raise self._odd("a fee reserve that is none")
        return int(reserve)

    def rate(self, currency: str) -> tuple[Decimal | None, Decimal | None]:
        """How many sat one unit of a currency is, and the price of one bitcoin in it; None or 0 while not known."""
        answer = self._read(f"/api/v1/rate/{quote(currency, safe='')}", accept=(400,))
        if answer.status == 400 and "not allowed" not in wire.detail(answer):
            return None, None  # offline, up to 1.4; since then both are 0
        body = self._object(self._checked(answer))
        return wire.decimal(body.get("rate")), wire.decimal(body.get("price"))

    def version(self) -> str | None:
        """The server's version, which no wallet key may ask for: read from its API description."""
        answer = self._read("/openapi.json", accept=(404, 401, 403))
        info = answer.body.get("info") if isinstance(answer.body, dict) else None
        version = info.get("version") if isinstance(info, dict) else None
        return version if isinstance(version, str) and len(version) < 40 else None

    def health(self) -> datetime | None:
        """The server's clock, if it tells."""
        body = self._read("/api/v1/health").body
        told = wire.when(body.get("server_time")) if isinstance(body, dict) else None  # before 1.0 it says null
        return from_rfc3339(told) if told is not None else None

    # -- what moves money ------------------------------------------------------------------------------------------

    def pay(self, bolt11: str, payment_hash: str, wallet_id: str, *, named: Named | None = None) -> PayAnswer:
        """Pay a bolt11: one POST, sent once. Raises `NotSent` when it provably never left.

        `named` is kept with the server's record, and shown to nobody but this wallet.

        Everything else is an answer: 201 is not "paid" and 520 is not "unpaid" here, so only a record of this
        wallet, of this hash, with money going out, counts as the provider's word.
        """
        body: dict[str, Any] = {"out": True, "bolt11": bolt11}
        if named is not None:
            body["extra"] = {wire.EXTRA: {name: told for name, told in named._asdict().items() if told}}
        try:
            answer = self.line.send("POST", "/api/v1/payments", headers=self._headers, body=body)
        except NotSent:
            raise
        except Lost as error:
            return PayAnswer("silence", None, error.message)
        reason = wire.detail(answer)
        if answer.status in (200, 201) and isinstance(answer.body, dict):
            return self._paid(answer.body, payment_hash, wallet_id)
        if answer.status == 520 and isinstance(answer.body, dict):
            said = answer.body.get("status")
            if said == "success":
                return PayAnswer("failed", None, reason, code="PAID_BY_ANOTHER")
            if said == "failed":
                return PayAnswer("failed", None, reason, code=wire.payment_code(reason))
            return PayAnswer("pending", None, reason)
        if answer.status in (400, 401, 403, 404) and reason and wire.is_lnbits(answer):
            refusal = self._refusal(answer)
            code = "REJECTED" if isinstance(refusal, errors.NotFound) else refusal.code
            return PayAnswer("refused", None, reason, code=code)
        if answer.status == 429 and isinstance(answer.body, dict) and "Rate limit" in reason:
            return PayAnswer("limited", None, reason)
        return PayAnswer("silence", None, f"{self.line.host} answered {answer.status} without a meaning")

    def _paid(self, body: dict[str, Any], payment_hash: str, wallet_id: str) -> PayAnswer:
        try:
            record = self._record(body)
        except errors.AmaniError:
            # 0.12 answers with a hash alone: the record has to be asked for.
            return PayAnswer("pending", None, "accepted", accepted=body.get("payment_hash") == payment_hash)
        # The record of another payment, of the payee's side or of another wallet does not say that this request was
        # taken on: LNbits shows who paid the invoice before, and the line may mix up answers. A wallet that shares
        # itself with ours answers by its own id too, and there no record of ours is ever told to be missing.
        accepted = record.payment_hash == payment_hash and record.amount_msat < 0 and record.wallet_id == wallet_id
        if not accepted or "status" not in body:
            return PayAnswer("pending", None, "the answer was not this wallet's own record", accepted=accepted)
        return PayAnswer(record.status, record, "" if record.status == "settled" else record.status, accepted=True)

    # -- accounts, users and keys ------------------------------------------------------------------------------------

    def create_account(self, name: str) -> NewWallet:
        """Make a wallet of a new, nameless user. Nobody can list, rotate or delete it later."""
        return self._made(self._object(self._post("/api/v1/account", {"name": name})), name)

    def create_wallet(self, token: str, name: str) -> NewWallet:
        """Make a wallet of the user whose token this is.

        Up to 1.3.1 a token is not enough for that: there the admin key of any wallet says who the user is.
        """
        body = {"name": name}
        answer = self.line.send("POST", "/api/v1/wallet", headers=wire.bearer(token), body=body)
        if answer.status == 401 and wire.detail(answer) == "No Api Key provided.":
            own = self.wallets(token)
            if not own:
                raise errors.Rejected(
                    f"{self.line.host} makes a further wallet only for a user that still has one",
                    code="TOO_OLD",
                    hint=f"Make one at {self.url} in a browser, or have the LNbits upgraded to 1.4 or newer.",
                )
            key = {"X-Api-Key": own[0].admin_key}
            answer = self.line.send("POST", "/api/v1/wallet", headers=key, body=body)
        return self._made(self._object(self._checked(answer)), name)

    def _made(self, body: dict[str, Any], name: str) -> NewWallet:
        """The wallet that was asked for: another's keys, which an old answer brings, are no wallet of ours."""
        made = self._new_wallet(body)
        if made.name != name:
            raise errors.Unreachable(
                f"{self.line.host} sent a wallet that it had made before",
                code="ODD_ANSWER",
                hint="Something between here and there repeats old answers; run the same command again.",
            )
        return made

    def wallets(self, token: str) -> list[NewWallet]:
        """Every wallet of the user whose token this is, with keys."""
        answer = self._read("/api/v1/wallets", headers=wire.bearer(token))
        if not isinstance(answer.body, list):
            raise self._odd("a list of wallets that is none")
        return [self._new_wallet(each) for each in answer.body if isinstance(each, dict)]

    def rotate_keys(self, token: str, wallet_id: str) -> NewWallet:
        """Give a wallet two new keys; the old ones are dead at once. An answer that was lost may have done it.

        By the keys of another wallet, which an answer that is not to this request brings, that one's money would move.
        """
        answer = self._as_user(
            token, "PUT", f"/api/v1/wallet/reset/{quote(wallet_id, safe='')}", "rotate a wallet's keys"
        )
        fresh = self._new_wallet(self._object(answer))
        if fresh.id != wallet_id:
            raise self._odd("the keys of another wallet")
        return fresh

    def delete_wallet(self, token: str, wallet_id: str) -> None:
        """Delete a wallet. The server does not look at its balance: the caller has proved it zero."""
        self._as_user(
            token, "DELETE", f"/api/v1/wallet/{quote(wallet_id, safe='')}", "delete a wallet by its user's login"
        )

    def _as_user(self, token: str, method: str, path: str, doing: str) -> Answer:
        """What a user may do with any of their wallets, from 1.0 on."""
        answer = self.line.send(method, path, headers=wire.bearer(token))
        if answer.status == 405 or (answer.status == 404 and wire.detail(answer) == "Not Found"):
            raise errors.Rejected(
                f"the LNbits on {self.line.host} is older than 1.0 and can't {doing}",
                code="TOO_OLD",
                hint=f"Have it upgraded, or do it at {self.url} in a browser.",
            )
        if answer.status == 404 and wire.detail(answer).startswith("Wallet not found"):
            raise errors.NotAuthorised(
                f"the login for {self.url} has no such wallet: it is another user's, or is deleted",
                code="OTHER_LOGIN",
                hint=f"Log in as the user who made it: amani login {self.url}",
            )
        return self._checked(answer)

    def keys_by_admin_key(self, name: str) -> NewWallet | None:
        """Both keys of the admin key's wallet, learned by giving it the name it has; None where that fails."""
        try:
            answer = self._send("PATCH", "/api/v1/wallet", body={"name": name})
            both = self._new_wallet(self._object(answer))
            return both if both.admin_key == self._headers.get("X-Api-Key") else None
        except (errors.NotFound, errors.Rejected, errors.NotAuthorised, errors.Unreachable):
            return None

    def listening_key(self) -> str | None:
        """The invoice key of the key's wallet, for the address of its websocket; None where it can't be learned.

        The other one, which pays, has no place in an address: servers and proxies log those.
        """
        remote = self.wallet()
        if not remote.can_spend:
            return self._headers.get("X-Api-Key")
        both = self.keys_by_admin_key(remote.name)
        return both.read_key if both else None

    def log_in(self, username: str, password: str) -> str:
        """A token for a user, valid for up to a year. Raises `errors.NotAuthorised` for a wrong password."""
        answer = self.line.send("POST", "/api/v1/auth", body={"username": username, "password": password})
        if answer.status == 401:
            raise errors.NotAuthorised(
                f"wrong user name or password for {self.line.host}",
                code="WRONG_PASSWORD",
                hint="After five wrong ones LNbits locks the login for a minute or more.",
            )
        if answer.status == 429:
            raise errors.NotAuthorised(
                f"{self.line.host} has locked this login after too many wrong passwords",
                code="LOGIN_LOCKED",
                hint="Wait for a minute or more; until then the right password is refused too.",
            )
        token = self._object(self._checked(answer)).get("access_token")
        if not isinstance(token, str) or not token:
            raise self._odd("a login without a token")
        return token

    # -- the withdraw extension (https://github.com/lnbits/withdraw), where it is installed ------------------------

    def has_withdraw_links(self) -> bool:
        """Whether the server has the withdraw extension, and the key's user has it enabled."""
        return self._read("/withdraw/api/v1/links", accept=(401, 403, 404)).status == 200

    def withdraw_link(self, wallet_id: str, title: str, amount_sat: int) -> str:
        """An LNURL-withdraw (LUD-03) over the key's wallet, once, for exactly this amount. It sets nothing aside.

        The extension calls its ready-made `lnurl` deprecated; `lnurl_url` is the address that it is made of.
        """
        body = {
            "title": title,
            "min_withdrawable": amount_sat,
            "max_withdrawable": amount_sat,
            "uses": 1,
            "wait_time": 1,
            "is_unique": False,
        }
        made = self._object(self._post("/withdraw/api/v1/links", body))
        if made.get("wallet") not in (None, wallet_id):
            raise self._odd("a withdraw link over another wallet")
        for said in (made.get("lnurl_url"), made.get("lnurl")):
            lnurl = wire.lnurl(said)
            if lnurl is not None:
                return lnurl
        raise self._odd("a withdraw link without an LNURL")
