"""`amani backup`: create, verify, restore."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.files import named
from amani_cli.options import Command, Options

app = options.group("Back up, verify and restore: one file that only a passphrase opens.")

FILE = typer.Argument(help="The backup.", metavar="FILE")
PASSPHRASE_FILE = typer.Option(None, "--passphrase-file", help="File that holds it; yours, 0600.", metavar="PATH")
PASSPHRASE_COMMAND = typer.Option(None, "--passphrase-command", help="Command that prints it.", metavar="LINE")


@app.command(cls=Command)
def create(
    ctx: typer.Context,
    file: str = FILE,
    with_keys: bool = typer.Option(False, "--with-keys", help="Put keys, PIN peppers and logins in as well."),
    keys_only: bool = typer.Option(
        False, "--keys-only", help="Only what is on this machine, keys and settings: for a ledger on a server."
    ),
    passphrase_file: str | None = PASSPHRASE_FILE,
    passphrase_command: str | None = PASSPHRASE_COMMAND,
) -> None:
    """Write database and settings (and keys, if asked for) into a new encrypted file; amani may be in use meanwhile.

    Says what it can't hold. 'age -d FILE | tar xz' opens it where there is no amani.
    """
    from amani_cli.operations import backup

    said = options.of(ctx)
    passphrase = _passphrase(said, passphrase_file, passphrase_command, new=True)
    if keys_only:
        from amani_cli.operations import keys_only as chest

        said.emit(chest.create(said.ws, named(file), passphrase))
        return
    said.emit(backup.create(said.ws, named(file), passphrase, with_keys=with_keys))


@app.command(cls=Command)
def verify(
    ctx: typer.Context,
    file: str = FILE,
    passphrase_file: str | None = PASSPHRASE_FILE,
    passphrase_command: str | None = PASSPHRASE_COMMAND,
) -> None:
    """Open a backup and check all of it: sums, database, audit log. Changes nothing; exit 13 if they are wrong."""
    from amani_cli.operations import backup

    said = options.of(ctx)
    passphrase = _passphrase(said, passphrase_file, passphrase_command)
    said.emit(backup.verify(said.ws, named(file), passphrase))


@app.command(cls=Command)
def restore(
    ctx: typer.Context,
    file: str = FILE,
    key_folder: str = typer.Option(None, "--key-folder", help="Restore all keys as files here.", metavar="PATH"),
    keys_only: bool = typer.Option(
        False, "--keys-only", help="Bring the keys of another machine of the same ledger to this one."
    ),
    passphrase_file: str | None = PASSPHRASE_FILE,
    passphrase_command: str | None = PASSPHRASE_COMMAND,
) -> None:
    """Put a backup in place. Newer data is never overwritten, and what is replaced is copied aside.

    Spending is refused until 'amani reconcile' has brought in what was paid since the backup was made.
    """
    from amani_cli.operations import backup

    said = options.of(ctx)
    passphrase = _passphrase(said, passphrase_file, passphrase_command)

    def confirm(*told: str) -> None:
        if said.yes:
            for line in told:
                said.out.say(line)
        said.ask.confirm("Restore it?", *told)

    folder = named(key_folder) if key_folder else None
    if keys_only:
        from amani_cli.operations import keys_only as chest

        said.emit(chest.restore(said.ws, named(file), passphrase, key_folder=folder, confirm=confirm))
        return
    done = backup.restore(said.ws, named(file), passphrase, key_folder=folder, confirm=confirm)
    said.emit(done)


def _passphrase(said: Options, file: str | None, command: str | None, *, new: bool = False) -> str:
    """The passphrase from a file, a command or a prompt (twice for a new one), less a line break at its end."""
    from amani_cli import keys

    if file and command:
        raise errors.Usage("give the passphrase in one way only")
    if file:
        text = keys.private_text(named(file))
    elif command:
        text = keys.command_output(command, said.ws.environ)[0]
    else:
        otherwise = "Use --passphrase-file PATH or --passphrase-command LINE."
        text = said.ask.secret("Passphrase of the backup", otherwise)
        if new and said.ask.secret("The same again", otherwise) != text:
            raise errors.Usage("the two passphrases differ", hint="Nothing was written.")
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise errors.Usage("the passphrase is empty", code="WEAK_PASSPHRASE")
    keys.SEEN.add(text)
    return text
