"""Which of Fincra's environments a key is for, and what else a business needs."""

from __future__ import annotations

from amani_cli import errors, keys
from amani_cli.workspace import Workspace


def environment(text: str | None, *, live: bool | None) -> tuple[str, bool]:
    """The address of Fincra that is meant, and whether money is real there; the sandbox unless something says live.

    `text` is an address that was given, `live` what was said about it (None: nothing). An address that is neither of
    Fincra's own counts as live, but for loopback. Raises `errors.Usage` when the two don't go together.
    """
    from amani_cli.providers.addresses import clean_url, is_loopback
    from amani_cli.providers.fincra_line import LIVE_URL, SANDBOX_URL

    if not text:
        return (LIVE_URL, True) if live else (SANDBOX_URL, False)
    url = clean_url(text)
    for official in (LIVE_URL, SANDBOX_URL):
        url = official if url.startswith(official + "/") else url
    if live and url == SANDBOX_URL:
        raise errors.Usage(
            f"--live was said, and {url} is Fincra's sandbox",
            code="WRONG_ENVIRONMENT",
            hint=f"Leave --live out, or give --url {LIVE_URL}.",
        )
    if live is False and url == LIVE_URL:
        raise errors.Usage(
            f"{url} moves real money: say --live if that is meant",
            code="WRONG_ENVIRONMENT",
            hint=f"Without --url (and FINCRA_BASE_URL) the sandbox is used: {SANDBOX_URL}.",
        )
    return url, bool(live) if is_loopback(url) else url != SANDBOX_URL


def variables(ws: Workspace) -> tuple[str | None, str | None]:
    """Business id and public key from the environment, neither of them a secret."""
    if ws.config.variable("FINCRA_API_SECRET"):
        ws.talk.warn("FINCRA_API_SECRET is not used: Fincra knows no such secret, its API key alone is enough")
    business, public_key = (ws.config.variable(name) for name in ("FINCRA_BUSINESS_ID", "FINCRA_PUBLIC_KEY"))
    return business[0].strip() if business else None, check_public_key(public_key[0]) if public_key else None


def check_public_key(text: str) -> str:
    """A public key, which may be shown and stored. Raises `errors.Usage` for what may be a secret instead."""
    text = text.strip()
    if not text.startswith("pk_") or not text.isascii() or not text.isprintable() or " " in text or len(text) > 200:
        keys.SEEN.add(text)
        raise errors.Usage(
            "that is not a public key: Fincra's begin with pk_",
            code="BAD_KEY",
            hint="Copy the one called 'Public key' from Fincra's dashboard; the secret key never goes there.",
        )
    return text
