"""What the sandbox holds: its admin, the user of its wallets, the wallets, and fake money."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from amani_cli import errors
from amani_cli.sandbox.folder import read_json, write_json

if TYPE_CHECKING:
    import httpx

USERNAME = "amani"
# Name and fake sats at the start.
WALLETS: Mapping[str, int] = {"operator": 1_000_000, "alice": 100_000, "bob": 100_000, "faucet": 1_000_000}
LARGEST_TOP_UP_SAT = 10_000_000  # LNbits' default limit for one incoming payment


@dataclass(frozen=True, slots=True)
class SandboxWallet:
    """A wallet of the sandbox; its keys are bearer secrets, of fake money only."""

    name: str
    id: str
    user: str
    adminkey: str = field(repr=False)
    inkey: str = field(repr=False)


def _call(
    client: httpx.Client, method: str, path: str, *, json: Any = None, token: str = "", key: str = ""
) -> tuple[int, Any]:
    """One request; the status and the decoded body. Raises Unreachable when it does not get through."""
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if key:
        headers["X-Api-Key"] = key
    try:
        answer = client.request(method, path, json=json, headers=headers)
    except httpx.HTTPError as error:
        raise errors.Unreachable(
            f"the sandbox at {client.base_url} does not answer ({type(error).__name__})",
            hint="amani sandbox status says how it stands; amani sandbox start starts it",
        ) from error
    client.cookies.clear()  # LNbits sets a login cookie, which would outrank the next call's token
    try:
        body = answer.json()
    except ValueError:
        body = {"detail": answer.text[:200]}
    return answer.status_code, body


def _refused(doing: str, status: int, body: Any) -> errors.AmaniError:
    detail = body.get("detail", body) if isinstance(body, dict) else body
    error = errors.NotFound if status == 404 else errors.NotAuthorised if status in (401, 403) else errors.Unreachable
    return error(
        f"the sandbox refused {doing}: {status} {str(detail)[:200]}",
        hint="amani sandbox reset makes a new one (its fake money is lost)",
    )


def wallets_of(keys: Mapping[str, Any]) -> dict[str, SandboxWallet]:
    """The wallets in the sandbox's keys, by name."""
    return {
        name: SandboxWallet(name, entry["id"], entry["user"], entry["adminkey"], entry["inkey"])
        for name, entry in keys.get("wallets", {}).items()
    }


def make_account(client: httpx.Client, name: str) -> dict[str, str]:
    """A wallet of a new user that nobody can log in as: its id, user and keys."""
    status, body = _call(client, "POST", "/api/v1/account", json={"name": name})
    if status != 200:
        raise _refused(f"the wallet {name}", status, body)
    return {field: str(body[field]) for field in ("id", "user", "adminkey", "inkey")}


def make_accounts(
    root: Path, client: httpx.Client, *, fresh: bool, wanted: Mapping[str, int] = WALLETS
) -> dict[str, Any]:
    """Admin, user, the `wanted` wallets and their sats, each only where it is missing and written down before use.

    Keys are read anew from the server, so that ones rotated there are right here.
    """
    keys_path = root / "keys.json"
    keys = read_json(keys_path)
    if not fresh and "admin" not in keys:
        raise errors.NotAuthorised(
            f"the sandbox has data but {keys_path} is gone, and with it every key to it",
            hint="put the file back, or begin anew: amani sandbox reset",
        )
    if "admin" not in keys or "user" not in keys:
        keys["admin"] = keys.get("admin") or {"username": "admin", "password": secrets.token_urlsafe(24)}
        keys["user"] = {"username": USERNAME, "password": secrets.token_urlsafe(24)}
        write_json(keys_path, keys)
    if fresh:
        admin = keys["admin"]
        login = {
            "username": admin["username"],
            "password": admin["password"],
            "password_repeat": admin["password"],
        }
        status, body = _call(client, "PUT", "/api/v1/auth/first_install", json=login)
        if status != 200:
            raise _refused("its first installation", status, body)
        keys = {"admin": {**admin, "token": body["access_token"]}, "user": keys["user"], "wallets": {}}
        keys["user"].pop("token", None)
        write_json(keys_path, keys)

    token = token_of(root, client, keys, "user")
    known = keys.setdefault("wallets", {})
    on_server = _list_wallets(client, token)
    for name, sats in wanted.items():
        before = known.get(name, {})
        wallet = next((w for w in on_server if w["id"] == before.get("id")), None)
        wallet = wallet or next((w for w in on_server if w["name"] == name), None)
        if wallet is None:
            wallet = _make_wallet(client, token, name, on_server, wanted)
        entry = {field: wallet[field] for field in ("id", "user", "adminkey", "inkey")}
        entry["funded"] = bool(before.get("funded")) and before.get("id") == wallet["id"]
        if entry != before:
            known[name] = entry
            write_json(keys_path, keys)
        if not entry["funded"]:
            # In no currency: for a wallet in dollars, LNbits' default, each payment asks for their price.
            _call(client, "PATCH", "/api/v1/wallet", json={"currency": ""}, key=entry["adminkey"])
            if not _has_payments(client, entry["inkey"]):
                top_up(root, client, keys, entry["id"], sats)
            entry["funded"] = True
            write_json(keys_path, keys)
    return keys


def _make_wallet(
    client: httpx.Client, token: str, name: str, on_server: list[dict[str, Any]], wanted: Mapping[str, int]
) -> dict[str, Any]:
    """A wallet of that name; the nameless one that LNbits gives every new user becomes the first."""
    if len(on_server) == 1 and on_server[0]["name"] not in wanted:
        wallet = on_server[0]
        status, body = _call(client, "PATCH", "/api/v1/wallet", json={"name": name}, key=wallet["adminkey"])
    else:
        status, body = _call(client, "POST", "/api/v1/wallet", json={"name": name}, token=token)
        if status == 200:
            on_server.append(body)
    if status != 200:
        raise _refused(f"the wallet {name}", status, body)
    made: dict[str, Any] = body
    if len(on_server) == 1:
        on_server[0] = made
    return made


def _list_wallets(client: httpx.Client, token: str) -> list[dict[str, Any]]:
    status, body = _call(client, "GET", "/api/v1/wallets", token=token)
    if status != 200 or not isinstance(body, list):
        raise _refused("the list of wallets", status, body)
    return [wallet for wallet in body if not wallet.get("deleted")]


def _has_payments(client: httpx.Client, inkey: str) -> bool:
    status, body = _call(client, "GET", "/api/v1/payments?limit=1", key=inkey)
    if status != 200:
        raise _refused("the list of payments", status, body)
    return bool(body)


def token_of(root: Path, client: httpx.Client, keys: dict[str, Any], who: Literal["admin", "user"]) -> str:
    """A bearer token that the server accepts, of the admin or of the user (registered where missing)."""
    account = keys.get(who)
    if not account:
        raise errors.NotAuthorised(
            f"{root / 'keys.json'} has no login for the sandbox's {who}", hint="amani sandbox start makes one"
        )
    if account.get("token") and _call(client, "GET", "/api/v1/auth", token=account["token"])[0] == 200:
        return str(account["token"])
    login = {"username": account["username"], "password": account["password"]}
    status, body = _call(client, "POST", "/api/v1/auth", json=login)
    if status != 200 and who == "user":
        login["password_repeat"] = login["password"]
        status, body = _call(client, "POST", "/api/v1/auth/register", json=login)
    if status != 200:
        raise _refused(f"the login of its {who}", status, body)
    account["token"] = body["access_token"]
    write_json(root / "keys.json", keys)
    return str(account["token"])


def top_up(root: Path, client: httpx.Client, keys: dict[str, Any], wallet_id: str, amount_sat: int) -> None:
    """Put fake sats into a wallet, or take some out, in parts that LNbits takes."""
    token = token_of(root, client, keys, "admin")
    left = amount_sat
    while left:
        part = max(-LARGEST_TOP_UP_SAT, min(LARGEST_TOP_UP_SAT, left))
        json = {"id": wallet_id, "amount": part}
        status, body = _call(client, "PUT", "/users/api/v1/balance", json=json, token=token)
        if status != 200:
            raise _refused(f"{part} sat for the wallet {wallet_id}", status, body)
        left -= part
