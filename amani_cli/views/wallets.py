"""How wallets read."""

from __future__ import annotations

from typing import Any

from amani_cli.models.wallets import Login, Removed, Wallet, Wallets
from amani_cli.views.parts import View, given, mark_of, when


def _wallet_name(model: Wallet) -> str:
    return model.name + mark_of(model.provider, sandbox=model.sandbox, live=model.live)


def _wallet(model: Wallet) -> View:
    can = "pay and look" if model.access == "spend" else "look and ask for money, not pay"
    return View(
        fields=given(
            ("wallet", _wallet_name(model) + (" (default)" if model.default else "")),
            ("provider", model.provider),
            ("url", model.url),
            ("id", model.id),
            ("can", can),
            ("key from", model.key_source),
            ("login", ("yes" if model.login else "no") if model.provider == "lnbits" else None),
            ("server", model.server_version),
            ("known since", when(model.created_at) if model.created_at else None),
        )
    )


def _wallets(model: Wallets) -> View:
    rows = [
        [
            "*" if item.default else "",
            _wallet_name(item),
            item.provider,
            item.url,
            item.access,
            item.key_source,
        ]
        for item in model.items
    ]
    columns = [
        ("", False),
        ("wallet", False),
        ("provider", False),
        ("url", False),
        ("access", False),
        ("key", False),
    ]
    return View(columns, rows, empty="No wallet yet: amani wallet add NAME --url URL, or amani sandbox start")


def _removed(model: Removed) -> View:
    parts = [f"removed wallet '{model.wallet}'"]
    if model.keys_deleted:
        parts.append("and its keys")
    if model.remote_deleted:
        parts.append("and deleted it at its server")
    return View(lines=[" ".join(parts)])


def _login(model: Login) -> View:
    state = "logged in to" if model.logged_in else "logged out of"
    return View(lines=[f"{state} {model.url} as {model.username}"])


VIEWS: dict[type, Any] = {
    Wallet: _wallet,
    Wallets: _wallets,
    Removed: _removed,
    Login: _login,
}

QUIET: dict[type, Any] = {
    Wallet: lambda model: [model.name],
    Wallets: lambda model: [item.name for item in model.items],
    Removed: lambda model: [model.wallet],
    Login: lambda model: [model.url],
}
