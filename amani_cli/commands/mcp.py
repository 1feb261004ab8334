"""`amani mcp`: the door for AI agents."""

from __future__ import annotations

import typer

from amani_cli import errors, options
from amani_cli.options import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

DEFAULT_NAME = "agent"


@app.command(cls=Command, context_settings={"help_option_names": ["--help", "-h"]})
def mcp(
    ctx: typer.Context,
    wallets: list[str] | None = typer.Option(
        None, "--wallet", "-w", help="A wallet that the agent may use; may be said again.", metavar="NAME"
    ),
) -> None:
    """Serve an AI agent over stdio (Model Context Protocol), for the wallets that are named and no others.

    The agent is the actor that --actor names ('agent'). It may look and ask for money at once, and spend nothing until:
    amani wallet limit W --agent NAME --per-payment 1000sat --per-day 5000sat. No tool shows or takes a key, PIN, limit
    or setting. Needs the packages of amani-cli[mcp].
    """
    from amani_cli.agents import door
    from amani_cli.agents.tools import Agent
    from amani_cli.wallets import finding

    said = options.of(ctx)
    if said.json or said.quiet:
        raise errors.Usage("mcp speaks its own protocol on stdout", hint="Leave --json and --quiet out.")
    found = [finding.resolve(said.ws, name).name for name in wallets or (said.wallet,)]
    if said.ws.opened_store is not None:
        said.ws.opened_store.close()
    agent = Agent(said.actor or said.environ.get("AMANI_ACTOR") or DEFAULT_NAME, tuple(dict.fromkeys(found)))
    door.serve(said.environ, agent, said.ws.timeout_s)
