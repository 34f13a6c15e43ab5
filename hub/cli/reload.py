"""``hub reload``: have the running hub take what is on disk, and hear from it whether it did."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from hub.cli.shell import REFUSED, UNAVAILABLE, Json, actor, in_store, plural, shell_of

if TYPE_CHECKING:
    from hub.assembly import Assembly
    from hub.store.sql import SqlStore
    from hub.store.values import JsonObject

WAIT_SECONDS = 10.0
"""How long the hub may take to answer: it reads and checks everything anew, beside its work."""
_POLL_SECONDS = 0.05


def reload(context: typer.Context, as_json: Json = False) -> None:
    """Have the running hub take changed mappings, tables, schemas, sources, routes, owners and limits of clients.

    Checks the home first, as `hub check` does; with an error nothing is sent to the hub. The hub checks again, then takes all
    of it at once or nothing: what is under way ends on what it began with. The outcome is on the record (`hub audit`). Exit
    code 1 when it was refused, 4 when no hub runs here.

    \b
    Example:  hub plan && hub reload
    """
    from hub.assembly import examine

    shell = shell_of(context)
    parts, problems, _ = examine(shell.folder)
    if parts is None:
        shell.notes_of(problems, "error")
        errors = [one.as_dict() for one in problems]
        shell.answer(
            {"reloaded": False, "errors": errors}, f"not reloaded: {plural(len(problems), 'error')}; the hub was not asked"
        )
        raise typer.Exit(REFUSED)
    told, why = in_store(parts.home, lambda store: _asked(store, parts))
    if told is None:
        shell.answer({"reloaded": False, "why": why})
        shell.note(Text.assemble(("error: ", "bold red"), why))
        raise typer.Exit(UNAVAILABLE)
    taken = why.startswith("ok")
    document = {"reloaded": taken, "why": why, "in_effect": told["target"]}
    shell.answer(document, Text(f"{'reloaded' if taken else 'not reloaded'}: {why}", "green" if taken else "bold red"))
    if not taken:
        raise typer.Exit(REFUSED)


async def _asked(store: SqlStore, parts: Assembly) -> tuple[JsonObject | None, str]:
    """The hub's own line about this reload and what it says; or None, and why there is none."""
    from hub.changes import not_taken
    from hub.in_effect import is_running
    from hub.message import system_clock
    from hub.store.effects import named

    if not await store.running():
        return None, "no hub runs on this home: `hub run` starts one with what is on disk"
    effect = await store.in_effect()
    if effect is None:
        return None, "the hub that runs has not said yet which process it is: try again"
    process: Any = effect["process"]
    if not is_running(process):
        where = f"process {process['pid']} on {process['host']}"
        return (
            None,
            f"the hub does not run where this shell does ({where}): send SIGHUP to it there (systemctl reload, kill -HUP)",
        )
    try:
        os.kill(process["pid"], 0)  # what cannot be signalled is not asked: the question would be answered to somebody else
        question = await store.ask_reload(effect["state"]["digest"], actor=actor(), now=system_clock())
        os.kill(process["pid"], signal.SIGHUP)
    except PermissionError:
        return None, "another user's process is the hub: run this as that user (or systemctl reload)"
    except ProcessLookupError:
        return None, "the hub ended just now: `hub run` starts one with what is on disk"
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if told := await store.reload_answer(question):
            why = told["why"].removesuffix(named(question))
            if why.startswith("ok") and await not_taken(store, parts):
                why = "the hub took other files than these: it runs on another home, or they changed meanwhile; see `hub plan`"
            return told, why
        await asyncio.sleep(_POLL_SECONDS)
    return None, f"the hub was asked and said nothing within {WAIT_SECONDS:g} s: `hub audit` tells when it does"
