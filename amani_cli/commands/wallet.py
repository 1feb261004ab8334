"""`amani wallet`: add, create, list, show, balance, use, rename, remove, rotate-keys."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.commands import limit
from amani_cli.commands.watch import watch
from amani_cli.models.money import Balance
from amani_cli.options import Command, Options

app = options.group("Wallets: add, create, list, balance and their keys.")
app.command(cls=Command)(limit.limit)
app.command(cls=Command)(watch)

URL = typer.Option(None, "--url", help="Address of the LNbits, e.g. https://lnbits.example.com.")
_WHICH_URL = "Say --url https://… : a key is shown to no server that you did not name."
KEY_FILE = typer.Option(None, "--key-file", help="File that holds the key; yours, mode 0600.", metavar="PATH")


@app.command(cls=Command)
def add(
    ctx: typer.Context,
    name: str = typer.Argument(help="What to call it here."),
    url: str = URL,
    key_stdin: bool = typer.Option(False, "--key-stdin", help="Read the key from stdin, for the keyring."),
    key_file: str = KEY_FILE,
    key_command: str = typer.Option(None, "--key-command", help="Command that prints the key.", metavar="LINE"),
    key_credential: str | None = typer.Option(None, "--key-credential", help="systemd credential.", metavar="NAME"),
    read_only: bool = typer.Option(False, "--read-only", help="Never load the paying key."),
    insecure_http: bool = typer.Option(False, "--insecure-http", help="Allow plain http to this server."),
    provider: str = typer.Option("lnbits", "--provider", help="lnbits or fincra."),
    live: bool = typer.Option(False, "--live", help="Fincra: real money; without it, the sandbox."),
    public_key: str | None = typer.Option(None, "--public-key", help="Fincra: pk_…, to ask for money.", metavar="PK"),
) -> None:
    """Register a wallet by its key. The key is asked for, or comes from where an option says."""
    from amani_cli import keys
    from amani_cli.models.wallets import Wallet
    from amani_cli.wallets import adding, typed_keys

    said = options.of(ctx)
    ws = said.ws
    typed_keys.check_name(name, "a wallet's name")
    if provider not in ("lnbits", "fincra"):
        raise errors.Usage(f"no provider '{provider[:40]}'", hint="There are lnbits and fincra.")
    if provider == "lnbits":
        from amani_cli.providers.addresses import clean_url

        if live or public_key:
            raise errors.Usage("--live and --public-key are for --provider fincra")
        url = clean_url(
            url or ws.environ.get("LNBITS_BASE_URL") or said.ask.text("Address of the LNbits (--url)", _WHICH_URL),
            insecure_http=insecure_http,
        )
    if sum(map(bool, (key_stdin, key_file, key_command, key_credential))) > 1:
        raise errors.Usage("give the key in one way only")
    if key_file:
        from amani_cli.files import named

        path = named(key_file).absolute()
        typed_keys.check_name(path.name, "a file's path")
        key, source = keys.from_file(path), f"file:{path}"
    elif key_command:
        key, source = typed_keys.new_command(key_command, ws.environ), f"command:{key_command}"
    elif key_credential:
        typed_keys.check_name(key_credential, "a credential's name")
        key, source = keys.from_credential(key_credential, ws.environ), f"credential:{key_credential}"
    else:
        key, source = None, "keyring"
        keys.keyring_name()
        if key_stdin:
            key = keys.Key(keys.clean(options.secret_from_stdin("key"), "what was entered"), "prompt")

    def added(key: keys.Key) -> Wallet:
        place = keys.KeySource(source)
        if provider != "fincra":
            return adding.add(ws, name, url, key, key_source=place, read_only=read_only, insecure_http=insecure_http)
        from amani_cli.wallets import businesses

        base = url or ws.environ.get("FINCRA_BASE_URL")
        return businesses.add(
            ws, name, base, key, key_source=place, live=live, read_only=read_only, public_key=public_key
        )

    if key is not None:
        said.emit(added(key))
        return

    def typed(text: str) -> Wallet:
        return added(keys.Key(keys.clean(text, "what was entered"), "prompt"))

    what = "Secret key" if provider == "fincra" else "Admin key (or invoice key, to look only)"
    otherwise = f"Use --key-stdin. {keys.OTHER_WAYS}"
    said.emit(said.ask.until_right(what, otherwise, typed, wrong=("BAD_KEY", "KEY_REFUSED")))


@app.command(cls=Command)
def create(
    ctx: typer.Context,
    name: str = typer.Argument(help="What to call it, here and on the server."),
    url: str = URL,
    key_file: str | None = typer.Option(None, "--key-file", help="Write the key to this new file.", metavar="PATH"),
    reference: str | None = typer.Option(None, "--reference", help="The same one again makes no second wallet."),
) -> None:
    """Make a wallet on an LNbits: as the logged-in user, or nameless where there is no login."""
    from amani_cli import keys
    from amani_cli.files import named
    from amani_cli.wallets import adding, typed_keys

    said = options.of(ctx)
    source = f"file:{named(key_file).absolute()}" if key_file else "keyring"
    typed_keys.check_name(source.rpartition("/")[2], "a file's path")
    if not url and said.ws.config.explain("default_url")[1] == "default":
        url = said.ask.text("Address of the LNbits (--url)", _WHICH_URL)
    wallet = adding.create(said.ws, name, url, key_source=keys.KeySource(source), reference=reference)
    said.emit(wallet)


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the wallets that amani knows."""
    from amani_cli.models.wallets import Wallets
    from amani_cli.wallets import finding

    said = options.of(ctx)
    items = [wallet.view() for wallet in finding.everything(said.ws)]
    said.emit(Wallets(items))


@app.command(cls=Command)
def show(ctx: typer.Context, name: str | None = typer.Argument(None, help="The wallet.")) -> None:
    """Show one wallet: where it is, what its key can do and where the key lives."""
    from amani_cli.wallets import finding

    said = options.of(ctx)
    said.emit(finding.named(said.ws, name, said.wallet).view())


@app.command(cls=Command)
def balance(
    ctx: typer.Context,
    names: list[str] | None = typer.Argument(None, help="One wallet or several.", metavar="[NAME]..."),
    every: bool = typer.Option(False, "--all", help="Every wallet, with a total."),
    max_age: str | None = typer.Option(None, "--max-age", help="Take a cached answer up to this old, e.g. 5s."),
    currency: str | None = typer.Option(None, "--currency", help="Of a fiat wallet, this one alone, e.g. NGN."),
    into: str = typer.Option(None, "--in", help="Also about what it is worth, e.g. USD.", metavar="CURRENCY"),
) -> None:
    """Say what a wallet holds, asked live."""
    from amani_cli.wallets import balances, finding

    said = options.of(ctx)
    ws = said.ws
    age = 0
    if max_age is not None:
        from amani_cli.times import parse_duration

        age = parse_duration(max_age, minimum=0)
    if every and (names or said.wallet):
        raise errors.Usage("--all is every wallet there is", hint="Leave it out, or name none beside it.")
    if not every and len(names or []) < 2:
        wallet = finding.named(ws, names[0] if names else None, said.wallet)
        held = balances.balance(ws, wallet, age, currency)
        said.emit(_valued(said, held, into))
        return
    if currency is not None:
        raise errors.Usage("--currency goes with one wallet")
    chosen = finding.everything(ws) if every else [finding.named(ws, name, said.wallet) for name in names or []]
    found, failed = balances.balances(ws, chosen, age)
    for error in failed:
        ws.talk.warn(error.message)
    if into is not None:
        items = [held if held.balance_msat is None else _valued(said, held, into) for held in found.items]
        found = found._replace(items=items)
    said.emit(found)
    if failed:
        raise typer.Exit(failed[0].exit_code)


def _valued(said: Options, held: Balance, currency: str | None) -> Balance:
    if currency is None:
        return held
    from amani_cli.wallets import rates

    return rates.valued(said.ws, held, currency)


@app.command(cls=Command)
def use(ctx: typer.Context, name: str = typer.Argument(help="The wallet.")) -> None:
    """Make a wallet the default."""
    from amani_cli.wallets import finding, keeping

    said = options.of(ctx)
    finding.refuse_two(said.ws, name, said.wallet)
    said.emit(keeping.use(said.ws, name))


@app.command(cls=Command)
def rename(
    ctx: typer.Context,
    name: str = typer.Argument(help="The wallet."),
    new: str = typer.Argument(help="Its new name here."),
) -> None:
    """Give a wallet another name here."""
    from amani_cli.wallets import finding, keeping

    said = options.of(ctx)
    finding.refuse_two(said.ws, name, said.wallet)
    said.emit(keeping.rename(said.ws, name, new))


@app.command(cls=Command)
def remove(
    ctx: typer.Context,
    name: str = typer.Argument(help="The wallet."),
    delete_remote: bool = typer.Option(False, "--delete-remote", help="Delete it at its server too, if empty."),
) -> None:
    """Forget a wallet and its keys; says what is lost and asks first."""
    from amani_cli.wallets import finding, removing

    said = options.of(ctx)
    finding.refuse_two(said.ws, name, said.wallet)

    def confirm(loss: str) -> None:
        said.ask.confirm("Remove it?", loss)

    said.emit(removing.remove(said.ws, name, delete_remote=delete_remote, confirm=confirm))


@app.command("rotate-keys", cls=Command)
def rotate_keys(ctx: typer.Context, name: str | None = typer.Argument(None, help="The wallet.")) -> None:
    """Have the server make new keys and store them; the old ones are dead at once. Needs a login."""
    from amani_cli.wallets import finding, rotating

    said = options.of(ctx)

    def confirm(loss: str) -> None:
        said.ask.confirm("Rotate them?", loss)

    said.emit(rotating.rotate_keys(said.ws, finding.named(said.ws, name, said.wallet).name, confirm))


@app.command(cls=Command)
def convert(
    ctx: typer.Context,
    amount: str = typer.Argument(help="How much of which currency, e.g. 100USD."),
    to: str = typer.Option(..., "--to", help="The currency to get, e.g. NGN.", metavar="CUR"),
    memo: str = options.MEMO,
    reference: str | None = typer.Option(None, "--reference", help="The same one again returns the receipt."),
    dry_run: bool = typer.Option(False, "--dry-run", "-n", help="Say at what rate; exchange nothing."),
    request: bool = options.REQUEST,
    pin_stdin: bool = options.PIN_STDIN,
    pin_file: str | None = options.PIN_FILE,
    reason: str | None = options.REASON,
) -> None:
    """Exchange one currency of a Fincra wallet for another, at a quote that holds for about 30 seconds."""
    from amani_cli.fiat import conversions
    from amani_cli.wallets import businesses, finding

    said = options.of(ctx)
    ws = said.ws
    ws.said.reason = reason
    said.take_pin(pin_stdin, pin_file)
    wallet = finding.resolve(ws, said.wallet)
    wallet.must_be("fincra")
    value = businesses.amount(wallet, amount)
    if dry_run:
        said.emit(conversions.plan(wallet, value, to))
        return
    if request:
        from amani_cli.commands.filed import filed
        from amani_cli.requests import drafts

        filed(said, wallet, drafts.convert(wallet, value, to, memo=memo, reference=reference).draft)
        return
    confirm = said.confirm_payment("Convert?")
    done = conversions.convert(ws, wallet, value, to, memo=memo, reference=reference, confirm=confirm)
    said.emit(done)
