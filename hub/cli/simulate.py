"""``hub simulate``: a partner's simulator as a process, so that an integrator can try without the partner."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from hub.cli.names import simulator_names
from hub.cli.shell import Json, emit, shell_of, unknown_name
from hub.errors import BadConfig


def simulate(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of an installed simulator.", autocompletion=simulator_names)
    ],
    host: Annotated[str, typer.Option("--host", help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 0,
    state: Annotated[Path | None, typer.Option("--state", help="File that keeps the partner's memory over restarts.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the simulator; the value is JSON, or else text."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a partner's simulator until SIGTERM or Ctrl-C.

    Prints `listening on URL` when it answers. Below URL/_control/ it can be told to fail and shows what it holds.

    \b
    Example:  hub simulate national-portal --port 9090 --state portal.db --set session_seconds=60
    """
    from pydantic import ValidationError

    from hub.config import validation_problems
    from hub.testing import load_simulator, until_signal

    shell = shell_of(context)
    if name not in (known := simulator_names("")):
        raise unknown_name("simulator", known)
    kind = load_simulator(name)
    try:
        config = kind.Config.model_validate(_values(settings or []))
    except ValidationError as error:
        raise BadConfig(validation_problems(error, lambda *_: "--set")) from None

    def announce(url: str) -> None:
        if shell.as_json:
            emit({"listening": url}, line=True)
        else:
            typer.echo(f"listening on {url}")

    asyncio.run(until_signal(kind(config, state), host, port, announce))


def _values(settings: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for one in settings:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise typer.BadParameter("write --set KEY=VALUE, such as --set session_seconds=60")
        try:
            values[name] = orjson.loads(text)
        except orjson.JSONDecodeError:
            values[name] = text
    return values
