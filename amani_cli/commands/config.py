"""`amani config`: show, set, path, explain."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.models.operations import Settings
from amani_cli.options import PIN_FILE, PIN_STDIN, REASON, Command
from amani_cli.settings import known

app = options.group("Settings, and where each value comes from.")


@app.command(cls=Command)
def show(ctx: typer.Context) -> None:
    """List every setting with its value and where that came from."""
    said = options.of(ctx)
    said.emit(_view(said))


@app.command("set", cls=Command)
def set_(
    ctx: typer.Context,
    name: str = typer.Argument(help="The setting."),
    value: str = typer.Argument(help="Its new value; '' goes back to the default."),
    pin_stdin: bool = PIN_STDIN,
    pin_file: str | None = PIN_FILE,
    reason: str | None = REASON,
) -> None:
    """Change a setting; a value that can't be right is refused, and a looser rule takes the PIN."""
    from amani_cli.rules import consent

    said = options.of(ctx)
    said.take_pins(pin_stdin, pin_file)
    said.ws.said.reason = reason
    consent.change_setting(said.ws, name, value)
    _emit_one(said, name)


@app.command(cls=Command)
def explain(ctx: typer.Context, name: str = typer.Argument(help="The setting.")) -> None:
    """Say what a setting means, what it is, and where that came from."""
    _emit_one(options.of(ctx), name)


def _view(said: options.Options, only: str | None = None) -> Settings:
    """Every setting as it counts, or one: a rule may stand looser in a file than was agreed to."""
    from amani_cli.rules import rulebook

    for fault in said.ws.config.set_aside():
        if only is None or fault.message.startswith((f"{only} in ", "can't read ")):
            said.ws.talk.warn(fault.message)
    view = said.ws.config.view()
    items, away = [], None
    for item in view.items:
        if only not in (None, item.name):
            continue
        if away is None and rulebook.is_rule(item.name):
            try:
                value, source = rulebook.standing(said.ws, item.name)
                item = item._replace(value=value, source=source)
            except errors.AmaniError as error:  # whoever looks here may look for why
                away = error
        items.append(item)
    if away is not None:
        said.ws.talk.warn(f"rules are shown as they are said here, not as they were agreed to: {away.message}")
    return view._replace(items=items)


def _emit_one(said: options.Options, name: str) -> None:
    known(name)
    said.emit(_view(said, name))


@app.command(cls=Command)
def path(ctx: typer.Context) -> None:
    """Print the folder and files that amani keeps."""
    said = options.of(ctx)
    said.ws.config.set_aside()
    said.emit(Settings([], said.ws.config.view().paths))
