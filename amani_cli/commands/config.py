"""`amani config`: show, set, path, explain."""

from __future__ import annotations

import typer

from amani_cli import models, options
from amani_cli.options import Command

app = options.group("Settings, and where each value comes from.")


@app.command(cls=Command)
def show(ctx: typer.Context) -> None:
    """List every setting with its value and where that came from."""
    said = options.of(ctx)
    said.out.emit(said.ws.config.view(), said.ws.warnings)


@app.command("set", cls=Command)
def set_(
    ctx: typer.Context,
    name: str = typer.Argument(help="The setting."),
    value: str = typer.Argument(help="Its new value; '' goes back to the default."),
) -> None:
    """Change a setting; a value that can't be right is refused."""
    said = options.of(ctx)
    said.ws.config.set(name, value)
    _emit_one(said, name)


@app.command(cls=Command)
def explain(ctx: typer.Context, name: str = typer.Argument(help="The setting.")) -> None:
    """Say what a setting means, what it is, and where that came from."""
    _emit_one(options.of(ctx), name)


def _emit_one(said: options.Options, name: str) -> None:
    said.ws.config.explain(name)
    view = said.ws.config.view()
    items = [item for item in view.items if item.name == name]
    said.out.emit(models.Settings(items, view.paths), said.ws.warnings)


@app.command(cls=Command)
def path(ctx: typer.Context) -> None:
    """Print the folder and files that amani keeps."""
    said = options.of(ctx)
    said.out.emit(models.Settings([], said.ws.config.view().paths), said.ws.warnings)
