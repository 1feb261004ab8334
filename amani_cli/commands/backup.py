"""`amani backup`: create, verify, restore."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from amani_cli import errors, options
from amani_cli.files import named
from amani_cli.options import Command, Options

if TYPE_CHECKING:
    from amani_cli.models.operations import Backup, Restored

T = TypeVar("T")

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
    path = named(file)

    def made(passphrase: str) -> Backup:
        if keys_only:
            from amani_cli.operations import keys_only as chest

            return chest.create(said.ws, path, passphrase)
        return backup.create(said.ws, path, passphrase, with_keys=with_keys)

    said.emit(_with(said, passphrase_file, passphrase_command, made, new=True))


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
    path = named(file)
    said.emit(_with(said, passphrase_file, passphrase_command, lambda words: backup.verify(said.ws, path, words)))


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
    path, folder = named(file), named(key_folder) if key_folder else None

    def confirm(*told: str) -> None:
        if said.yes:
            for line in told:
                said.out.say(line)
        said.ask.confirm("Restore it?", *told)

    def restored(passphrase: str) -> Restored:
        if keys_only:
            from amani_cli.operations import keys_only as chest

            return chest.restore(said.ws, path, passphrase, key_folder=folder, confirm=confirm)
        return backup.restore(said.ws, path, passphrase, key_folder=folder, confirm=confirm)

    said.emit(_with(said, passphrase_file, passphrase_command, restored))


def _with(said: Options, file: str | None, command: str | None, use: Callable[[str], T], *, new: bool = False) -> T:
    """Do something with the passphrase: from a file, a command or a prompt (twice for a new one, again if wrong)."""
    from amani_cli import keys

    def cleaned(text: str) -> T:
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            raise errors.Usage("the passphrase is empty", code="WEAK_PASSPHRASE")
        keys.SEEN.add(text)
        return use(text)

    if file and command:
        raise errors.Usage("give the passphrase in one way only")
    if file:
        return cleaned(keys.private_text(named(file)))
    if command:
        return cleaned(keys.command_output(command, said.ws.environ)[0])
    return said.ask.until_right(
        "Passphrase of the backup",
        "Use --passphrase-file PATH or --passphrase-command LINE.",
        cleaned,
        wrong=("WRONG_PASSPHRASE", "WEAK_PASSPHRASE"),
        twice="The same again" if new else "",
    )
