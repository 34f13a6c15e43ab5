"""``hub run``: the hub in this process, from the check of its home to the drained end."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from typing import TYPE_CHECKING

import typer

from hub.cli.shell import REFUSED, Json, Shell, emit, shell_of, url_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.app import Hub
    from hub.assembly import Assembly


def run(context: typer.Context, as_json: Json = False) -> None:
    """Start the hub and run it until SIGTERM or Ctrl-C.

    Refuses to start on anything that `hub check` calls an error, and says all of it. Prints `listening on URL` when
    messages can be sent. On SIGTERM or Ctrl-C it takes no new message and lets what is under way end (drain_seconds);
    a second Ctrl-C ends at once. On SIGHUP it takes changed mappings, tables and routes without a stop.

    \b
    Example:  hub --home /srv/hub run
    """
    asked_early: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _: asked_early.append(number))  # it is no reason to die: see below

    import uvloop

    from hub.assembly import examine
    from hub.observe.logging import configure

    shell = shell_of(context)
    parts, problems, warnings = examine(shell.folder)
    shell.notes_of(warnings, "warning")
    if parts is None:
        shell.notes_of(problems, "error")
        if shell.as_json:
            emit({"listening": None, "errors": [one.as_dict() for one in problems]})
        shell.note(f"the hub does not start: {len(problems)} to mend; `hub check` shows them again")
        raise typer.Exit(REFUSED)
    logging = parts.home.config.log
    target = parts.home.folder / logging.file if logging.file else None
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
    configure(target or getattr(sys, logging.to), logging.level)
    uvloop.run(_until_signal(parts, lambda hub: _announce(shell, parts, hub), asked_early))


async def _until_signal(parts: Assembly, announce: Callable[[Hub], None], asked_early: list[int]) -> None:
    from hub.app import Hub

    hub = Hub(parts)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        ended.set()
        loop.remove_signal_handler(signal.SIGINT)  # a second Ctrl-C does not wait for the drain

    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_signal_handler(signal.SIGINT, end)
    try:
        # the home was read before: it is read again once started
        loop.add_signal_handler(signal.SIGHUP, asked_early.append, signal.SIGHUP)
        await hub.start()
        _spare_the_collector()
        loop.add_signal_handler(signal.SIGHUP, hub.reload_beside)
        if asked_early:
            hub.reload_beside()
        announce(hub)
        await ended.wait()
    finally:
        await hub.stop()


def _spare_the_collector() -> None:
    """What was loaded stays: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()


def _announce(shell: Shell, parts: Assembly, hub: Hub) -> None:
    server = parts.home.config.server
    url = url_of(server, server.host, hub.port)
    if shell.as_json:
        emit({"listening": url, "warnings": [one.as_dict() for one in parts.warnings]}, line=True)
    else:
        typer.echo(f"listening on {url}")
