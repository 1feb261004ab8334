"""The settings that there are: the name, default and meaning of each, and what tells whether a value can be right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amani_cli import errors
from amani_cli.text import did_you_mean

DEFAULT_LNBITS_URL = "https://legend.lnbits.com"


@dataclass(frozen=True)
class Setting:
    """A setting: its name, default, meaning, and what checks a value (returning it normalised)."""

    name: str
    default: str
    meaning: str
    check: Callable[[str], str]


def _duration(text: str) -> str:
    from amani_cli.times import parse_duration

    parse_duration(text)
    return text.strip()


def _duration_or_off(text: str) -> str:
    return text.strip() if text.strip() == "off" else _duration(text)


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text.strip() not in words:
            raise errors.Usage(f"'{text}' is none of: {', '.join(words)}")
        return text.strip()

    return check


def _rate(text: str) -> str:
    text = text.strip()
    if text != "off":
        parse_rate(text)
    return text


def parse_rate(text: str) -> tuple[int, int] | None:
    """Read `10/1m` as (10, 60), `off` as None. Raises `errors.Usage`."""
    if text.strip() == "off":
        return None
    from amani_cli.times import parse_duration

    number, slash, window = text.strip().partition("/")
    if not slash or not number.isascii() or not number.isdigit() or int(number) < 1:
        raise errors.Usage(f"'{text[:40]}' is not a limit", hint="Write it as 10/1m, or off.")
    return int(number), parse_duration(window)


def _currency(text: str) -> str:
    from amani_cli.amounts import CURRENCIES

    text = text.strip()
    if text != "off" and text.upper() not in CURRENCIES:
        raise errors.Usage(f"'{text[:40]}' is not a currency of ISO 4217", hint="Write it as USD, or off.")
    return text if text == "off" else text.upper()


def _count(text: str) -> str:
    if not (text.strip().isascii() and text.strip().isdigit() and int(text) > 0):
        raise errors.Usage(f"'{text[:40]}' is not a whole number above zero")
    return text.strip()


def payer_text(kind: str, text: str) -> str:
    """What a payer says of themselves (`name`, `email`, `identifier`), trimmed. Raises `errors.Usage`."""
    text = text.strip()
    is_address = kind == "name" or (0 < text.find("@") < len(text) - 1 and " " not in text)
    if not text or len(text) > 200 or not text.isprintable() or not is_address:
        what = "a name is one line of up to 200 characters" if kind == "name" else f"'{text[:40]}' is no {kind}"
        raise errors.Usage(
            what, code="BAD_PAYER_DATA", hint="E.g. --payer-name 'Ada Obi', --payer-email a@example.com."
        )
    return text


def _payer(kind: str) -> Callable[[str], str]:
    return lambda text: text.strip() if text.strip() == "off" else payer_text(kind, text)


def _store(text: str) -> str:
    from amani_cli.store.address import checked

    return checked(text)


def _command(text: str) -> str:
    import shlex

    try:
        if shlex.split(text):
            return text.strip()
    except ValueError:
        pass
    raise errors.Usage(f"'{text[:40]}' is no command line", hint="Write it as 'pass show ledger', or off.")


def _url(text: str) -> str:
    from amani_cli.providers.addresses import clean_url

    return clean_url(text)


def _base_url(text: str) -> str:
    """An address that 'amani serve' is reached at: https, or plain http to an onion service or this very machine."""
    if text.strip() == "off":
        return "off"
    from urllib.parse import urlsplit

    from amani_cli.providers.addresses import clean_url, is_loopback

    url = clean_url(text, insecure_http=True)
    parts = urlsplit(url)
    if parts.path:
        raise errors.Usage(
            "the address of 'amani serve' has a name alone, and no path",
            code="BAD_URL",
            hint=f"Give serve a name of its own: {parts.scheme}://pay.{(parts.hostname or '').removeprefix('pay.')}",
        )
    if parts.scheme == "http" and not is_loopback(url) and not (parts.hostname or "").endswith(".onion"):
        raise errors.Usage(
            "a link over plain http would show the money to the line",
            code="INSECURE_HTTP",
            hint="Use https:// (docs/serve.md shows Caddy and nginx), or an onion service.",
        )
    return url


REGISTRY: tuple[Setting, ...] = (
    Setting(
        "default_url",
        DEFAULT_LNBITS_URL,
        "the LNbits of the env wallet without LNBITS_BASE_URL, and of 'wallet create' if set",
        _url,
    ),
    Setting("timeout", "30s", "how long a command may wait for a provider (--timeout)", _duration),
    Setting("expiry", "1h", "how long a new invoice can be paid (--expiry)", _duration),
    Setting(
        "network",
        "bitcoin",
        "the network whose invoices may be paid",
        _one_of("bitcoin", "testnet", "signet", "regtest"),
    ),
    Setting("limit.invoice", "10/1m", "invoices a wallet may make in that time (off: any number)", _rate),
    Setting("limit.check", "60/1m", "questions about an invoice's status", _rate),
    Setting("limit.cheque", "10/1h", "cheques, or sets of them, a wallet may write", _rate),
    Setting("limit.transfer", "20/1h", "transfers out of a wallet", _rate),
    Setting("limit.visitor", "600/1m", "what one internet address may ask of 'amani serve'", _rate),
    Setting("limit.serve", "600/1m", "claims and invoices that 'amani serve' begins in all", _rate),
    Setting("cheque_count", "100", "cheques that one --count may write", _count),
    Setting(
        "key_max_age", "365d", "how old a stored key may get before 'doctor' warns of it, or off", _duration_or_off
    ),
    Setting("pin_reset_delay", "24h", "how long after 'pin reset' a forgotten PIN falls away", _duration),
    Setting(
        "books_currency", "off", "the currency whose rate is kept beside each settled payment, e.g. USD", _currency
    ),
    Setting("payer.name", "off", "your name, for payees whose server insists on it (LUD-18)", _payer("name")),
    Setting("payer.email", "off", "your email address, for payees whose server insists on it", _payer("email")),
    Setting("payer.identifier", "off", "your Lightning address, as above", _payer("identifier")),
    Setting("base_url", "off", "where 'amani serve' is reached: the address that links begin with", _base_url),
    Setting("store", "sqlite", "where the ledger is: sqlite, or postgresql://… for several machines", _store),
    Setting(
        "store_password_command",
        "off",
        "what prints the password of the ledger's role, where no ~/.pgpass or service file has it",
        _command,
    ),
    Setting("color", "auto", "colour on a terminal (--color)", _one_of("auto", "always", "never")),
)


def known(name: str) -> Setting:
    """The setting of that name. Raises `errors.Usage` for a name that is none."""
    for setting in REGISTRY:
        if setting.name == name:
            return setting
    names = ", ".join(setting.name for setting in REGISTRY)
    meant = did_you_mean(name, [setting.name for setting in REGISTRY])
    raise errors.Usage(f"no setting '{name}'", code="NO_SUCH_SETTING", hint=f"{meant}There are: {names}.")
