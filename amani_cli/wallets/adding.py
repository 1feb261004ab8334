"""How a wallet becomes known: one that is there by its key, or a new one made at its server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from amani_cli import errors, keys
from amani_cli.models.wallets import Access, Wallet
from amani_cli.store import audit as audit_log
from amani_cli.store import references
from amani_cli.store import wallets as store_wallets
from amani_cli.wallets import identities, keeping, logins
from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.finding import resolve
from amani_cli.wallets.keeping import free_name, refuse_known, register
from amani_cli.wallets.known import known
from amani_cli.wallets.rotating import store_key
from amani_cli.wallets.servers import DOUBLE_SPENDING_VERSION, shared_wallet, told_version, unsafe_version
from amani_cli.workspace import Workspace

if TYPE_CHECKING:
    from amani_cli.providers.base import NewWallet, RemoteWallet
    from amani_cli.providers.lnbits import Lnbits
    from amani_cli.wallets.known import KnownWallet

KEYRING = keys.KeySource("keyring")


def add(
    ws: Workspace,
    name: str,
    url: str,
    key: keys.Key,
    *,
    key_source: keys.KeySource,
    read_only: bool = False,
    insecure_http: bool = False,
) -> Wallet:
    """Register a wallet by its key; the server is asked which kind of key it is.

    `key_source` is where the key lives from now on (`keyring` stores it there). Raises `errors.Usage` for a name or
    wallet that is known already, `errors.NotAuthorised` for a key that the server refuses.
    """
    from amani_cli.providers.addresses import clean_url

    url = clean_url(url, insecure_http=insecure_http)
    elsewhere = store_wallets.by_name(ws.store, name) if ws.has_store else None
    lacks_key = elsewhere is not None and keeping.lacks_key(ws, elsewhere)
    if not lacks_key and (elsewhere is None or elsewhere.provider != "lnbits" or elsewhere.url == url):
        name, elsewhere = free_name(ws, name), None  # which needs nobody to be asked
    with lnbits_client(ws, url, key.value) as client:
        remote = client.wallet()
        remote_id = remote.id or client.wallet_id()  # of an invoice key by its records: each bears it
        known_here = keeping.without_key_here(ws, remote_id, url, elsewhere if lacks_key else None)
        if known_here is not None:
            stored = _stored(key_source, key, _both(client, remote, key_source), read_only=read_only)
            return keeping.add_key(ws, known_here, stored, _access(remote, read_only=read_only), name)
        if elsewhere is not None and remote_id is not None and remote_id == elsewhere.remote_id:
            _move(ws, known(ws, elsewhere), url, client)
            return resolve(ws, name).view()
        name = free_name(ws, name)
        if remote_id is not None:
            refuse_known(ws, remote_id, url)
            if ws.has_store:
                identities.meet(ws.store, client, remote_id, told_of=False)
        shared = client.is_shared(remote) if remote.can_spend else None
        if shared:
            raise shared_wallet(name)
        both = _both(client, remote, key_source)
        version = told_version(client)
    _warn_of(ws, version, name)
    stored = _stored(key_source, key, both, read_only=read_only)
    added = register(
        ws,
        name=name,
        url=url,
        remote_id=remote_id,
        access=_access(remote, read_only=read_only),
        key_source=stored[0],
        has_read_key=int(stored[1]),
        insecure_http=int(insecure_http),
        server_version=version,
        own=shared is False,
    )
    if not remote.can_spend:
        ws.talk.note("This is an invoice key: the wallet can look and ask for money, but not pay.")
    _note_whose(ws, url)
    return added


def _warn_of(ws: Workspace, version: str | None, name: str) -> None:
    if version == DOUBLE_SPENDING_VERSION:
        ws.talk.warn(unsafe_version(name))


def _access(remote: RemoteWallet, *, read_only: bool) -> Access:
    return "spend" if remote.can_spend and not read_only else "read"


def _both(client: Lnbits, remote: RemoteWallet, key_source: keys.KeySource) -> str | None:
    """The key that only reads, where it shall be kept beside the one that pays."""
    if not remote.can_spend or key_source != "keyring":
        return None
    both = client.keys_by_admin_key(remote.name)
    return both.read_key if both is not None else None


def _stored(
    key_source: keys.KeySource, key: keys.Key, reads: str | None, *, read_only: bool
) -> tuple[keys.KeySource, bool]:
    """Where the key lies, and whether the one that only reads does beside it; the keyring takes them now."""
    if key_source != "keyring":
        return key_source, False
    return store_key(key_source, reads, None) if read_only and reads else store_key(key_source, key.value, reads)


def _note_whose(ws: Workspace, url: str) -> None:
    from amani_cli.providers.addresses import is_loopback

    if not is_loopback(url):
        ws.talk.note(f"Whoever runs {url} holds this wallet's money: keep on it only what you would lose.")
    ws.talk.note(f"Limits, PIN and journal are kept in {keeping.kept_in(ws)}, not in the wallet on the server.")


def create(
    ws: Workspace, name: str, url: str | None, *, key_source: keys.KeySource = KEYRING, reference: str | None = None
) -> Wallet:
    """Make a wallet on an LNbits and register it: as the logged-in user where there is a login, else nameless.

    Raises `errors.NotAuthorised` with "log in again" when the stored token is refused.
    """
    from amani_cli.providers.addresses import clean_url

    url = clean_url(url or ws.config.get("default_url"))
    if reference is not None:
        with ws.store.write() as db:
            target = references.claim(db, reference, f"wallet create {store_wallets.name_key(name)} {url}")
        if target is not None:
            row = store_wallets.by_id(ws.store, int(target))
            if row is not None:
                return known(ws, row).view()
    name = free_name(ws, name)
    login = store_wallets.login_for(ws.store, url)
    fake = login is not None and bool(login.sandbox)
    key_source = keys.KeySource("sandbox") if fake else _that_keeps(key_source)
    token = logins.token(ws, url)
    with ws.store.write() as db:  # what can't be written down must not be made either
        audit_log.append(db, "wallet create", wallet=name, subject=url, outcome="sending", actor=ws.said.actor)
    with lnbits_client(ws, url) as client:
        version = told_version(client)
        made = client.create_wallet(token, name) if token else client.create_account(name)
    _warn_of(ws, version, name)
    keys.SEEN.update((made.admin_key, made.read_key))
    identities.refuse_known(ws.store, url, made.id)
    source, has_read_key = _kept(ws, key_source, name, made)
    view = register(
        ws,
        name=name,
        url=url,
        remote_id=made.id,
        access="spend",
        key_source=source,
        has_read_key=int(has_read_key),
        login=url if token else None,
        server_version=version,
        sandbox=int(fake),
        live=int(not fake),
        what="wallet create",
        reference=reference,
        own=True,
    )
    if fake:
        ws.talk.note("Made on the sandbox: its sats are fake. Fund it with: amani sandbox fund NAME AMOUNT")
    elif token:
        ws.talk.note(f"Made with your login on {url}: its keys can be rotated, and it can be deleted there.")
    else:
        ws.talk.note(
            f"Made without a login on {url}: nobody can ever list it there, rotate its keys or delete it,"
            " and whoever loses the keys loses the money. For more, run 'amani login' first."
        )
    return view


def _that_keeps(key_source: keys.KeySource) -> keys.KeySource:
    """Refuse a place where the keys of a wallet could not be kept: then it must not be made."""
    if key_source == "keyring":
        with keys.otherwise("Say --key-file PATH, a new file."):
            keys.keyring_keeps()
    elif Path(key_source.where).exists():
        raise errors.Usage(f"{key_source.where} exists already", code="FILE_EXISTS", hint="Name a new file.")
    return key_source


def _kept(ws: Workspace, key_source: keys.KeySource, name: str, made: NewWallet) -> tuple[keys.KeySource, bool]:
    """Keep the keys of a wallet that was just made; where they lie, and whether the one that only reads does too."""
    if key_source != "sandbox":
        return store_key(key_source, made.admin_key, made.read_key)
    from amani_cli.sandbox import key_file

    key_file.add(ws.paths.sandbox / "keys.json", name, made.id, made.admin_key, made.read_key)
    return keys.KeySource(f"sandbox:{made.id}"), True


def _move(ws: Workspace, wallet: KnownWallet, url: str, client: Lnbits) -> None:
    """Have a wallet be at its server's new address, which has shown that it has the wallet's records.

    Keys, rules, history and cheques stay. Raises `errors.RefusedByPolicy` for a server that can't show any.
    """
    assert wallet.remote_id is not None
    if not identities.shows_records(ws.store, client, wallet.remote_id, at_least=1):
        raise errors.RefusedByPolicy(
            f"{url} tells the id of wallet '{wallet.name}' at {wallet.url}, and does not show that this is the same",
            code="ID_OF_ANOTHER",
            retry="never",
            hint="If that wallet has moved without ever having paid or been paid, remove it and add it anew.",
        )
    with ws.store.write() as db:
        store_wallets.move(db, wallet.id, url)
        audit_log.append(db, "wallet move", wallet=wallet.name, subject=url, outcome="done", actor=ws.said.actor)
    ws.talk.note(
        f"'{wallet.name}' was at {wallet.url} and is at {url} now; its limits, history and cheques are as before."
    )
