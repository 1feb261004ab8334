"""`amani serve`: cheques as links, and Lightning addresses."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.models.operations import Event
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def serve(
    ctx: typer.Context,
    base_url: str | None = typer.Option(
        None, "--base-url", help="Where it is reached from outside; else the setting.", metavar="URL"
    ),
    listen: str = typer.Option("127.0.0.1:8190", "--listen", help="Where it listens.", metavar="HOST:PORT"),
    behind_proxy: bool = typer.Option(
        False, "--behind-proxy", help="A proxy with TLS stands before it, and tells who asks (X-Forwarded-For)."
    ),
    as_root: bool = typer.Option(False, "--as-root", help="Run as root all the same."),
) -> None:
    """Serve the pages of cheques that were written with --link, and Lightning addresses.

    Whoever opens a link sees what it is worth and until when, and takes it with any Lightning wallet. It ends in order
    on SIGTERM. docs/serve.md shows what stands before it.
    """
    try:
        from amani_cli.serve import running
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("werkzeug", "jinja2", "markupsafe"):
            raise
        raise errors.Usage(
            "serve needs two libraries more", code="NO_SERVE", hint="Install them with: pipx install 'amani-cli[serve]'"
        ) from None
    from amani_cli.cheques import links
    from amani_cli.workspace import Said, Workspace

    said = options.of(ctx)
    place = running.read_place(listen, behind_proxy=behind_proxy)
    running.refuse_root(as_root)
    url = said.ws.config.checked("base_url", base_url) if base_url else links.configured(said.ws)

    def workspace(seconds: float) -> Workspace:
        return Workspace(said.environ, timeout_s=seconds, said=Said(actor=said.ws.said.actor))

    def told(event: Event) -> None:
        said.out.stream(event)

    def ready(where: str) -> None:
        for warning in said.ws.talk.warnings:
            said.out.say(f"warning: {warning}")
        said.out.say(f"serving {url} on {where}")

    running.serve(said.ws, url, place, workspace, told=told, ready=ready)
