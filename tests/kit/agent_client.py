"""An AI agent's side: the official client of the Model Context Protocol over real stdio, `amani mcp` behind it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import anyio
from mcp import Client, StdioServerParameters, stdio_client

from tests.kit.driver import environment

T = TypeVar("T")


class AgentClient:
    """A client that is connected: each tool is called by `await client(name, **arguments)`."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The document that a tool answered, an error's too."""
        result = await self.client.call_tool(tool, arguments)
        document = result.structured_content
        assert isinstance(document, dict), result
        assert bool(result.is_error) is (not document["ok"])
        return document

    async def data(self, tool: str, **arguments: Any) -> Any:
        """What a tool that went well answered."""
        document = await self(tool, **arguments)
        assert document["ok"], document
        return document["data"]

    async def error(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The error of a tool that was refused."""
        document = await self(tool, **arguments)
        assert not document["ok"], document
        found = document["error"]
        assert isinstance(found, dict)
        return found


def with_agents(
    work: Callable[..., Awaitable[T]],
    *words: tuple[str, ...],
    env: dict[str, str] | None = None,
    envs: Sequence[dict[str, str]] = (),
    log: Path | None = None,
) -> T:
    """Run something with one connected client for each list of words behind `amani mcp`; `envs` has each its own."""

    async def main() -> T:
        async with AsyncExitStack() as stack:
            clients = []
            errlog = stack.enter_context((log or Path("/dev/null")).open("a"))
            for nth, each in enumerate(words or ((),)):
                server = StdioServerParameters(
                    command=sys.executable,
                    args=["-m", "amani_cli", "mcp", *each],
                    env=environment(envs[nth] if envs else env),
                )
                clients.append(
                    AgentClient(await stack.enter_async_context(Client(stdio_client(server, errlog=errlog))))
                )
            return await work(*clients)

    return anyio.run(main)
