"""The variables that stand for a wallet without registration, and the words for when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from amani_cli import errors
from amani_cli.models.wallets import Provider

if TYPE_CHECKING:  # a provider's client would cost httpx at every start
    pass


class Environment(NamedTuple):
    """The wallet that a provider's variables stand for: its name, its local id, and the variables."""

    name: str
    id: int
    key: str
    url: str


ENVIRONMENT: dict[Provider, Environment] = {
    "lnbits": Environment("env", 0, "LNBITS_API_KEY", "LNBITS_BASE_URL"),
    "fincra": Environment("fincra-env", -2, "FINCRA_API_KEY", "FINCRA_BASE_URL"),
}


GET_A_KEY = (
    "Four steps: (1) choose an LNbits, (2) make a wallet there, (3) open its 'API keys' and copy the Admin key"
    " (not the Invoice key), (4) run: amani wallet add NAME --url URL. Or set LNBITS_API_KEY and LNBITS_BASE_URL."
    " To try amani without one: amani sandbox start."
)


def not_configured() -> errors.AmaniError:
    return errors.NotAuthorised("LNbits API key not configured", code="NO_KEY", hint=GET_A_KEY)
