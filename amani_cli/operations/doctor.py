"""What may be wrong with this amani, its files, its wallets and their servers; looks, and changes nothing."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import getproxies

from amani_cli import errors, keys
from amani_cli.models.operations import Diagnosis, Finding
from amani_cli.operations import at_hand, served, shared
from amani_cli.times import parse_duration
from amani_cli.wallets import finding, servers
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace

CLOCK_TOLERANCE_S = 30
SLOW_S = 1.0


def diagnose(ws: Workspace) -> Diagnosis:
    """Everything that can be looked at without changing it; each finding with the way to mend it."""
    items = [*at_hand.files(ws, thorough=True), *_dotenv(), _keyring(), *_proxies()]
    try:
        items += at_hand.settings(ws)
        known = finding.everything(ws)
    except errors.AmaniError as error:
        found = Finding("database", "fail", error.message, error.hint)
        told = error.code == "NOT_PRIVATE" or found in items  # among the files
        return Diagnosis(items if told else [*items, found])
    if not known:
        items.append(Finding("wallets", "warn", "no wallet yet", "amani wallet add NAME --url URL"))
    for wallet in known:
        items.extend(_wallet(wallet))
    items.extend(shared.ledger(ws))
    items.extend(at_hand.moved(ws))
    items.extend(at_hand.own_clock(ws))
    items.extend(at_hand.cheques_out(ws))
    items.extend(at_hand.kept(ws))
    items.extend(served.look(ws))
    items.extend(served.invoice_keys_work(ws))
    items.extend(at_hand.held(ws))
    items.extend(at_hand.outcomes(ws))
    return Diagnosis(items)


def _dotenv() -> list[Finding]:
    try:
        path = Path.cwd() / ".env"
        about = path.stat()
    except OSError:  # there is none, or the folder itself is gone
        return []
    if about.st_mode & 0o077:
        return [Finding(".env", "fail", "others may read it", "chmod 600 .env")]
    try:
        tracked = subprocess.run(
            ["git", "ls-files", "--error-unmatch", ".env"],
            cwd=path.parent,
            capture_output=True,
            timeout=5,
            check=False,
        )
        if tracked.returncode == 0:
            return [Finding(".env", "fail", "it is tracked by git", "git rm --cached .env, and change the keys in it")]
    except (OSError, subprocess.TimeoutExpired):
        pass
    return [Finding(".env", "ok", "private")]


def _keyring() -> Finding:
    try:
        return Finding("keyring", "ok", keys.keyring_name())
    except errors.AmaniError as error:
        return Finding("keyring", "warn", error.message, error.hint)


def _proxies() -> list[Finding]:
    proxies = {scheme: url for scheme, url in getproxies().items() if scheme in ("http", "https", "all")}
    if not proxies:
        return []
    # A proxy's address may hold a password.
    names = ", ".join(f"{scheme} via {url.rsplit('@', 1)[-1]}" for scheme, url in sorted(proxies.items()))
    return [Finding("proxy", "ok", f"from the environment: {names}")]


def _wallet(wallet: KnownWallet) -> list[Finding]:
    check = f"wallet {wallet.name}"
    from amani_cli.providers.addresses import is_loopback

    try:
        key = wallet.key("read")
    except errors.AmaniError as error:
        # Not each machine of a team has each key, and what it hasn't it says itself to whoever would spend there.
        return [Finding(check, "warn" if error.code == "NO_KEY_HERE" else "fail", error.message, error.hint)]
    # Each wallet gets its own time, so that one slow server does not hide the others.
    wallet.ws.deadline = time.monotonic() + min(wallet.ws.timeout, 10)
    try:
        if wallet.provider == "fincra":
            return [*_business(check, wallet, key), *_key_age(check, wallet)]
        with wallet.lnbits("read") as client:
            begun = time.monotonic()
            remote = client.wallet()
            took = time.monotonic() - begun
            found = [_reached(check, wallet, key, took, can_spend=remote.can_spend)]
            found += _clock(check, client.health())
            found += _version(check, client.version())
            found += _key_age(check, wallet)
    except errors.AmaniError as error:
        return [Finding(check, "fail", error.message, error.hint)]
    if not wallet.sandbox and not is_loopback(wallet.url):
        found.append(Finding(check, "ok", f"whoever runs {wallet.url} holds its money"))
    return found


def _business(check: str, wallet: KnownWallet, key: keys.Key) -> list[Finding]:
    with wallet.fincra("read") as client:
        business = client.business()
    kind = "live" if wallet.live else "sandbox"
    found = [Finding(check, "ok", f"key from {key.source} accepted by {wallet.url} ({kind}): {business.name}")]
    if wallet.remote_id not in (None, business.id):
        found.append(Finding(check, "fail", "the key is another business' than it was", "remove it and add it again"))
    if wallet.public_key is None:
        fix = "set FINCRA_PUBLIC_KEY, or add it again with --public-key"
        found.append(Finding(check, "warn", "no public key, so it can't ask for money", fix))
    return found


def _key_age(check: str, wallet: KnownWallet) -> list[Finding]:
    longest, stored_at = wallet.ws.config.get("key_max_age"), wallet.key_stored_at()
    if longest == "off" or stored_at is None or time.time() - stored_at <= parse_duration(longest):
        return []
    fix = f"amani wallet rotate-keys '{wallet.name}'"
    if wallet.provider == "fincra":
        fix = "make a new key in Fincra's dashboard, remove the wallet and add it again"
    words = f"its key has been stored for {(time.time() - stored_at) / 86400:.0f} days"
    return [Finding(check, "warn", words, f"{fix} (amani config set key_max_age 730d, or off, for another limit)")]


def _reached(check: str, wallet: KnownWallet, key: keys.Key, took: float, *, can_spend: bool) -> Finding:
    words = f"key from {key.source} accepted by {wallet.url} in {took * 1000:.0f} ms"
    if wallet.access == "read" and can_spend:
        words += "; read-only here, though the key could pay"
    if took > SLOW_S:
        return Finding(check, "warn", words, "the server is slow: allow more time with --timeout")
    return Finding(check, "ok", words)


def _clock(check: str, server_time: datetime | None) -> list[Finding]:
    if server_time is None:
        return []
    apart = abs((datetime.now(UTC) - server_time).total_seconds())
    if apart <= CLOCK_TOLERANCE_S:
        return []
    return [
        Finding(
            check,
            "warn",
            f"its clock and ours are {apart:.0f} s apart",
            "set this machine's clock (timedatectl)",
        )
    ]


def _version(check: str, version: str | None) -> list[Finding]:
    if version is None:
        return [Finding(check, "warn", "the server does not tell its version")]
    if version == servers.DOUBLE_SPENDING_VERSION:
        return [Finding(check, "fail", "LNbits 1.0.0 can spend a balance twice", "have the server upgraded")]
    if version.startswith("0."):
        return [Finding(check, "warn", f"LNbits {version} is old", "1.5.4 or newer is best")]
    return [Finding(check, "ok", f"LNbits {version}")]
