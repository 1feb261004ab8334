"""A wallet as amani keeps it: where it is, where its keys are, who may spend from it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from amani_cli import errors, keys
from amani_cli.files import named
from amani_cli.models.wallets import Access, Provider, Wallet
from amani_cli.servers import server_of
from amani_cli.store import wallets as store_wallets
from amani_cli.store.entries import Whose
from amani_cli.store.ledger import made_at
from amani_cli.store.rows import WalletRow
from amani_cli.wallets.clients import lnbits_client
from amani_cli.wallets.variables import ENVIRONMENT, not_configured
from amani_cli.workspace import Workspace

if TYPE_CHECKING:  # a provider's client would cost httpx at every start
    from amani_cli.providers.base import Client
    from amani_cli.providers.fincra import Fincra
    from amani_cli.providers.lnbits import Lnbits


KeyKind = Literal["read", "admin"]


@dataclass
class KnownWallet:
    """A wallet as amani keeps it. `id` is local (0 and less for one in the environment), `remote_id` the server's.

    `public_key` is what a Fincra business shows to those who pay it; it is no secret.
    """

    ws: Workspace
    id: int
    name: str
    provider: Provider
    url: str
    remote_id: str | None
    access: Access
    key_source: keys.KeySource
    has_read_key: bool
    sandbox: bool
    live: bool
    default: bool
    server_version: str | None
    login: str | None
    insecure_http: bool
    created_at: str | None
    public_key: str | None = None
    is_checked: bool = False

    @property
    def in_environment(self) -> bool:
        """Whether the wallet stands in the environment and nowhere else."""
        return self.id <= 0

    @property
    def is_play(self) -> bool:
        """Whether its money is play money: the sandbox's, or that of Fincra's test mode."""
        return self.sandbox or not self.live

    @property
    def identity(self) -> str:
        """What PIN, limits, budgets and claims go by: the wallet's id at its server, whatever its name or address here.

        A wallet of which only the invoice key is known has none until its first invoice or record tells it.
        """
        return store_wallets.identity(self.id, self.url, self.remote_id)

    @property
    def journaled(self) -> Whose:
        """By what the journal knows whose entry it is, and whether its money is play money."""
        return Whose(self.id, self.name, self.remote_id, self.provider, int(self.is_play))

    @property
    def has_other_key(self) -> bool:
        """Whether AMANI_KEY_FILE or AMANI_KEY_COMMAND stands in for the stored key.

        They are one key, and so for one wallet: the first that this run was asked to use. No other server sees it.
        """
        said = self.ws.environ.get("AMANI_KEY_FILE") or self.ws.environ.get("AMANI_KEY_COMMAND")
        return bool(said) and not self.in_environment and self.ws.wallet_in_use == self.id

    @property
    def may_have_changed(self) -> bool:
        """Whether the key may be another wallet's by now: it comes from where others than amani put it."""
        return self.has_other_key or self.key_source.place in ("file", "command", "credential")

    @property
    def has_key_here(self) -> bool:
        """Whether this machine has a key for it: of a ledger that several share, each has those that it was given."""
        return self.key_source.place != store_wallets.ELSEWHERE

    def key(self, kind: KeyKind) -> keys.Key:
        """The key for reading or for spending; a read never loads the paying key where the other is at hand.

        Raises `errors.NotAuthorised` when there is none, or when the wallet is read-only and `kind` is admin.
        """
        if kind == "admin" and self.access == "read":
            raise self._read_only()
        environ = self.ws.environ
        if self.has_other_key and environ.get("AMANI_KEY_FILE"):
            return keys.from_file(named(environ["AMANI_KEY_FILE"]))
        if self.has_other_key:
            return keys.from_command(environ["AMANI_KEY_COMMAND"], environ)
        place, where = self.key_source.place, self.key_source.where
        if place == "keyring":
            return self._from_keyring(where, kind)
        if place == "file" and self.key_source.is_gone:
            raise errors.NotAuthorised(
                f"can't read the key file {where}: No such file or directory",
                code="KEY_FILE",
                hint=f"If it is elsewhere now: amani wallet add '{self.name}' --url {self.url} --key-file PATH",
            )
        if place == "file":
            return keys.from_file(Path(where))
        if place == "command":
            return keys.from_command(where, environ)
        if place == "credential":
            return keys.from_credential(where, environ)
        if place == "sandbox":
            from amani_cli.sandbox import key_file

            found = key_file.of_wallet(self.ws.paths.sandbox / "keys.json", where)
            return keys.Key(found["adminkey" if kind == "admin" else "inkey"], "the sandbox's own file")
        if place == "kept":
            name, _, kept_at = where.partition("@")
            value = keys.kept(kept_at, name)
            if value is None:
                cheque = name.removeprefix("cheque:")
                way_out = f"; if nobody has it: amani reconcile --resolve {cheque}" if cheque != name else ""
                raise errors.NotAuthorised(f"the code's key is not kept here any more{way_out}", code="NO_KEY")
            if name.startswith("cheque:"):  # one of our own: both keys of its wallet
                value = value.split(":")[kind == "read"]
                keys.SEEN.add(value)
            return keys.Key(value, "kept while its payment is open")
        if place == store_wallets.ELSEWHERE:
            raise errors.NotAuthorised(
                f"this machine has no key for wallet '{self.name}', which others of this ledger pay from",
                code="NO_KEY_HERE",
                hint=f"{keys.OTHER_WAYS.removesuffix('.')}: amani wallet add '{self.name}' --url {self.url}",
            )
        variable = ENVIRONMENT[self.provider].key
        found_variable = self.ws.config.variable(variable)
        if found_variable is None:
            raise not_configured()
        return keys.Key(keys.clean(found_variable[0], variable), found_variable[1])

    def key_stored_at(self) -> float | None:
        """When its key was put where it lives, in unix seconds; None for a key whose place does not tell."""
        place, where = self.key_source.place, self.key_source.where
        if place == "keyring":
            return made_at(where)
        with contextlib.suppress(OSError):
            return Path(where).stat().st_mtime if place == "file" else None
        return None

    def _read_only(self) -> errors.NotAuthorised:
        if self.provider == "fincra":
            return errors.NotAuthorised(
                f"wallet '{self.name}' is read-only here: it was added with --read-only",
                code="READ_ONLY_WALLET",
                hint="To pay from it, remove it and add it again without --read-only.",
            )
        return errors.NotAuthorised(
            f"wallet '{self.name}' is read-only: amani holds its invoice key, which can't pay",
            code="READ_ONLY_WALLET",
            hint="To pay from it, remove it and add it again with its Admin key; its history and rules stay:"
            f" amani wallet remove '{self.name}', then: amani wallet add '{self.name}' --url {self.url}",
        )

    def _from_keyring(self, slot: str, kind: KeyKind) -> keys.Key:
        name = f"{slot}:{'read' if kind == 'read' and self.has_read_key else 'key'}"
        value = keys.keyring_get(name)
        if value is None:
            raise errors.NotAuthorised(
                f"the keyring holds no key for wallet '{self.name}'",
                code="NO_KEY",
                hint=f"Remove and add it again, or for one run set AMANI_KEY_FILE. {keys.OTHER_WAYS}",
            )
        return keys.Key(value, "keyring")

    def lnbits(self, kind: KeyKind) -> Lnbits:
        """A client of this wallet's LNbits with the key for reading or spending. Close it."""
        self.must_be("lnbits")
        client = lnbits_client(self.ws, self.url, self.key(kind).value)
        client.line.wallet = self.name
        client.must_match = self.must_match  # what another's key tells is not this wallet's balance
        return client

    def fincra(self, kind: KeyKind) -> Fincra:
        """A client of this wallet's Fincra business. Close it."""
        self.must_be("fincra")
        return self._business(self.key(kind).value)

    def _business(self, key: str) -> Fincra:
        from amani_cli.providers.fincra import Fincra
        from amani_cli.providers.fincra_line import check_environment
        from amani_cli.providers.http import Line

        check_environment(key, self.url)
        line = Line(self.url, deadline=self.ws.deadline, timeout=self.ws.timeout, name="FinCra")
        line.wallet = self.name
        return Fincra(line, key, business=self.remote_id, public_key=self.public_key)

    def owner_of(self, key: str) -> str | None:
        """The id, at this wallet's own server, of the wallet that a key can pay from; None if it can't."""
        if self.provider == "lnbits":
            with lnbits_client(self.ws, self.url, key) as client:
                return client.wallet().id
        with self._business(key) as business:
            return business.business().id

    def client(self, kind: KeyKind) -> Client:
        """A client of whatever provider the wallet has, for what both can do. Close it."""
        return self.fincra(kind) if self.provider == "fincra" else self.lnbits(kind)

    def must_be(self, provider: Provider) -> None:
        """Refuse, before anything is sent, what only the other provider can do. Raises `errors.Usage`."""
        if self.provider == provider:
            return
        if provider == "lnbits":
            raise errors.Usage(
                f"wallet '{self.name}' is a Fincra wallet, which holds fiat; this needs Lightning",
                code="WRONG_PROVIDER",
                hint="Name an LNbits wallet with --wallet; 'amani wallet list' shows which is which.",
            )
        raise errors.Usage(
            f"wallet '{self.name}' is an LNbits wallet, which holds bitcoin; this needs a Fincra wallet",
            code="WRONG_PROVIDER",
            hint="Name a Fincra wallet with --wallet, or add one: amani wallet add NAME --provider fincra.",
        )

    def spending_id(self, client: Lnbits) -> str:
        """The wallet's id at its server, which says which records are its own.

        It is asked for when it is not known yet, and where the key may have become another wallet's: its payments
        would be looked for under the wrong id. Raises `errors.NotAuthorised` for such a key.
        """
        if self.remote_id is None or (self.may_have_changed and not self.is_checked):
            remote = client.wallet()
            if remote.id is None:
                raise errors.NotAuthorised(
                    f"this is the invoice key of wallet '{remote.name}'; paying needs the Admin key",
                    code="INVOICE_KEY",
                    hint="In LNbits open the wallet, then 'API keys', and take the Admin key, not the Invoice key.",
                )
            self.must_match(remote.id)
            if self.remote_id is None:
                _meet(self, client, remote.id)
            self.remote_id = remote.id
            self.is_checked = True
        return self.remote_id

    def must_match(self, told: str | None) -> None:
        """Refuse a key that turns out to be another wallet's. Raises `errors.NotAuthorised`."""
        if told is not None and self.remote_id is not None and told != self.remote_id:
            raise errors.NotAuthorised(
                f"the key at hand is not that of wallet '{self.name}', but another wallet's",
                code="WRONG_KEY",
                hint="Look at where it comes from: 'amani wallet show', AMANI_KEY_FILE, AMANI_KEY_COMMAND.",
            )

    def view(self) -> Wallet:
        """The wallet as it is shown: never a key."""
        return Wallet(
            name=self.name,
            provider=self.provider,
            url=self.url,
            access=self.access,
            default=self.default,
            id=self.remote_id,
            key_source=key_place(self.key_source),
            sandbox=self.sandbox,
            live=self.live,
            login=not self.in_environment and store_wallets.login_for(self.ws.store, self.url) is not None,
            server_version=self.server_version,
            created_at=self.created_at,
        )


def identify(wallet: KnownWallet) -> None:
    """Have a wallet know its id at its server, which PIN, limits and claims go by.

    A Fincra key in the environment need not say whose it is: Fincra does. An invoice key learns it from the wallet's
    records: one that has none yet stays unknown until its first invoice.
    """
    if wallet.remote_id is not None:
        return
    if wallet.provider == "fincra":
        with wallet.fincra("read") as business:
            wallet.remote_id = business.identity()
        return
    if wallet.access == "spend":
        with wallet.lnbits("admin") as client:
            wallet.spending_id(client)
        return
    with wallet.lnbits("read") as client:
        told = client.wallet_id()
        if told is not None:
            _meet(wallet, client, told)
    if told is not None:
        learn(wallet, told)


def identify_there(wallet: KnownWallet) -> None:
    """Have the wallet in the environment know its id, for it may be another one with every run.

    One of which there is the invoice key alone stays unknown: that tells no id before the first record.
    """
    if wallet.in_environment:
        with contextlib.suppress(errors.NotAuthorised):
            identify(wallet)


def learn(wallet: KnownWallet, remote_id: str) -> None:
    """Have a wallet know its id at its server, and write it down where it is registered."""
    wallet.remote_id = remote_id
    if not wallet.in_environment and store_wallets.by_remote(wallet.ws.store, remote_id) is None:
        with wallet.ws.store.write() as db:
            store_wallets.update(db, wallet.id, remote_id=remote_id)


def _meet(wallet: KnownWallet, client: Lnbits, remote_id: str) -> None:
    """Refuse an id that is another server's, before anything goes by it."""
    from amani_cli.wallets import identities

    if wallet.ws.has_store:
        identities.meet(wallet.ws.store, client, remote_id)


def known(ws: Workspace, row: WalletRow) -> KnownWallet:
    """The wallet that a row of the database describes, with the key that this machine has for it."""
    access, source, has_read_key = row.access, row.key_source, bool(row.has_read_key)
    own = store_wallets.own_keys(ws.store)
    if own is not None:
        here = own.of(row.id) or {}
        access, has_read_key = here.get("access", access), bool(here.get("has_read_key"))
        source = here.get("key_source", store_wallets.ELSEWHERE)
        if here and here.get("server") != server_of(row.url):  # a key is shown to no other server than it was given for
            source = store_wallets.ELSEWHERE
    return KnownWallet(
        ws=ws,
        id=row.id,
        name=row.name,
        provider=row.provider,
        url=row.url,
        remote_id=row.remote_id,
        access=access,
        key_source=keys.KeySource(source),
        has_read_key=has_read_key,
        sandbox=bool(row.sandbox),
        live=bool(row.live),
        default=bool(row.is_default),
        server_version=row.server_version,
        login=row.login,
        insecure_http=bool(row.insecure_http),
        created_at=row.created_at,
        public_key=row.public_key,
    )


def key_place(source: keys.KeySource) -> str:
    """Where a key lives, in words: never the key."""
    words = {
        store_wallets.ELSEWHERE: "none on this machine",
        "keyring": "keyring",
        "sandbox": "the sandbox's own file",
        "env": "environment",
    }
    return words.get(source.place, f"{source.place} {source.where}")
