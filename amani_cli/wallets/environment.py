"""The wallets whose keys stand in the environment or in a trusted `.env`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amani_cli import errors, keys
from amani_cli.models.wallets import Provider
from amani_cli.wallets.known import KnownWallet
from amani_cli.wallets.variables import ENVIRONMENT
from amani_cli.workspace import Workspace

if TYPE_CHECKING:  # a provider's client would cost httpx at every start
    pass


def from_environment(ws: Workspace, provider: Provider) -> KnownWallet | None:
    """The wallet `env` or `fincra-env`: a provider's key, and the address that stands in the same place.

    An address from a `.env` is never used for a key from elsewhere: a hostile folder must not redirect it. Nor is the
    key sent to a public server instead, which its owner never named: raises `errors.Usage`.
    """
    about = ENVIRONMENT[provider]
    found = ws.config.variable(about.key)
    if found is None:
        return None
    if found[1] == "environment":
        url = ws.environ.get(about.url)
        if ws.config.dotenv().get(about.url) and not url:
            raise errors.Usage(
                f"{about.key} stands in the environment and {about.url} in .env alone: which server is it for?",
                code="NO_ADDRESS",
                hint=f"Export {about.url} too, or put both into .env. A file never says where another's key goes.",
            )
    else:
        url = ws.config.dotenv().get(about.url) or ws.environ.get(about.url)
    remote_id = public_key = None
    live = True
    if provider == "fincra":
        from amani_cli.wallets import fincra_environment

        url, live = fincra_environment.environment(url, live=None)
        remote_id, public_key = fincra_environment.variables(ws)
    else:
        from amani_cli.providers.addresses import clean_url

        if not url:
            told = f"{about.url} is not set, so the key is for {ws.config.get('default_url')}"
            if told not in ws.talk.notes:
                ws.talk.note(told)
        url = clean_url(url or ws.config.get("default_url"))
    return KnownWallet(
        ws=ws,
        id=about.id,
        name=about.name,
        provider=provider,
        url=url,
        remote_id=remote_id,
        access="spend",
        key_source=keys.KeySource("env"),
        has_read_key=False,
        sandbox=False,
        live=live,
        default=False,
        server_version=None,
        login=None,
        insecure_http=False,
        created_at=None,
        public_key=public_key,
    )


def in_environment(ws: Workspace) -> list[KnownWallet]:
    """The wallets whose keys stand in the environment or a trusted `.env`, without one whose server is not clear."""
    found = []
    for provider in ENVIRONMENT:
        try:
            found.append(from_environment(ws, provider))
        except errors.Usage as error:
            if error.code != "NO_ADDRESS":
                raise
            ws.talk.warn(error.message)
    return [wallet for wallet in found if wallet is not None]
