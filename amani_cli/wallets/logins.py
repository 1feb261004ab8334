"""A user's token for one LNbits: with it wallets can be made, rotated and deleted there."""

from __future__ import annotations

from amani_cli import errors, keys
from amani_cli.models.wallets import Login
from amani_cli.store import audit as audit_log
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets.known import KnownWallet
from amani_cli.workspace import Workspace


def log_in(ws: Workspace, url: str, username: str, password: str) -> Login:
    """Fetch a token and keep it in the keyring; the password is used once and kept nowhere."""
    from amani_cli.providers.addresses import clean_url
    from amani_cli.wallets.clients import lnbits_client

    url = clean_url(url)
    keys.SEEN.add(password)
    with keys.otherwise(
        "A login is kept in a keyring alone. Without one make the wallet in LNbits itself, and add it by its key:"
        f" amani wallet add NAME --url {url} --key-file PATH"
    ):
        keys.keyring_name()  # a token that can't be kept is not worth asking for
    with lnbits_client(ws, url) as client:
        token = client.log_in(username, password)
    keys.SEEN.add(token)
    keys.keyring_set(f"login:{url}", token)
    with ws.store.write() as db:
        store_wallets.save_login(db, url, username)
        audit_log.append(db, "login", subject=url, outcome="done", actor=ws.said.actor)
    return Login(url, username, True)


def log_out(ws: Workspace, url: str | None) -> Login:
    """Forget the token. LNbits itself keeps it valid for up to a year: it can't be called back."""
    from amani_cli.providers.addresses import clean_url

    logins = [row for row in store_wallets.all_logins(ws.store) if not row.sandbox]
    if url is not None:
        url = clean_url(url)
        logins = [row for row in logins if row.url == url]
    if not logins:
        raise errors.NotFound(
            f"no login stored for {url}" if url else "no login stored",
            code="NO_LOGIN",
            hint="amani login URL makes one.",
        )
    if len(logins) > 1:
        urls = ", ".join(row.url for row in logins)
        raise errors.Usage("which login?", code="AMBIGUOUS", hint=f"Say its address: {urls}.")
    row = logins[0]
    keys.keyring_delete(f"login:{row.url}")
    with ws.store.write() as db:
        store_wallets.delete_login(db, row.url)
        audit_log.append(db, "logout", subject=row.url, outcome="done", actor=ws.said.actor)
    ws.talk.note(
        "The token is gone from here, but LNbits keeps it valid for up to a year: if it may have leaked,"
        " change the password there and rotate the wallets' keys."
    )
    return Login(row.url, row.username, False)


def token(ws: Workspace, url: str) -> str | None:
    """The token for a server, or None when nobody is logged in there."""
    row = store_wallets.login_for(ws.store, url) if ws.has_store else None
    if row is None:
        return None
    if row.sandbox:
        from amani_cli.sandbox import key_file

        return key_file.token(ws.paths.sandbox / "keys.json")
    found = keys.keyring_get(f"login:{url}")
    if found is None:
        raise errors.NotAuthorised(
            f"the token for {url} is not in the keyring any more",
            code="TOKEN_EXPIRED",
            hint=f"Log in again: amani login {url}",
        )
    return found


def token_of_user(ws: Workspace, wallet: KnownWallet, act: str) -> tuple[str, str]:
    """The token of a wallet's user, and the wallet's id there. Raises `errors.NotAuthorised` without a login."""
    found = token(ws, wallet.url)
    if found is None or wallet.remote_id is None:
        raise errors.NotAuthorised(
            f"only its user can {act} on {wallet.url}", code="LOGIN_NEEDED", hint=f"Run: amani login {wallet.url}"
        )
    return found, wallet.remote_id
