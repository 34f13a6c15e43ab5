"""``hub events``: what waits of the hub's own event stream, its description, and telling all of it once more."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer

from hub.cli.shell import Json, actor, emit, in_store, plural, shell_of, span

app = typer.Typer(no_args_is_help=True, help="The hub's own event stream.")


@app.callback()
def about() -> None:
    """The hub's own event stream: what it did, told to whoever listens. See docs/howto/follow-the-hub.md."""


@app.command("waiting")
def waiting(context: typer.Context, as_json: Json = False) -> None:
    """Show how many events are not published yet, and since when.

    \b
    Example:  hub events waiting
    """
    shell = shell_of(context)
    found = in_store(shell.home(), lambda store: store.unpublished())
    if found is None:
        shell.answer({"events": None}, "no event stream is written: say `events` in config.yaml and start the hub")
        return
    age = None if found.oldest_at is None else max(0.0, time.time() - found.oldest_at / 1_000_000)
    shell.answer({"events": asdict(found)}, waiting_of(found.count, age, found.copying))


def waiting_of(count: int, oldest_seconds: float | None, copying: bool) -> str:
    """What waits, in words."""
    more = "; what there was when the stream began is still being told" if copying else ""
    if oldest_seconds is None:
        return f"all events are published{more}"
    return f"about {plural(count, 'event')} not published yet, the oldest for {span(oldest_seconds)}{more}"


@app.command("describe")
def describe(context: typer.Context, as_json: Json = False) -> None:
    """Print the AsyncAPI 3 document of the stream: every type of event, and what each tells.

    For who listens: code and pages are made of it. It is JSON, with --json or without. Topic and prefix of the types are the
    defaults of the shipped connector; what settings.events of the endpoint says takes their place.

    \b
    Example:  hub events describe > asyncapi.json
    """
    from hub.api.asyncapi import document

    emit(document())


@app.command("again")
def again(
    context: typer.Context,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for the audit trail.")],
    as_json: Json = False,
) -> None:
    """Tell names and ledger of every dossier once more, for a listener that lost what it heard or is new.

    A running hub begins at once, beside what happens meanwhile; what waits to be published is published too. Events that were
    published before are not told again, only what is so now.

    \b
    Example:  hub events again --why "the topic was made anew"
    """
    shell = shell_of(context)
    now = time.time_ns() // 1000
    in_store(shell.home(), lambda store: store.tell_again(actor=actor(), why=why, now=now))
    shell.answer({"again": True}, "names and ledger of every dossier will be told once more")
