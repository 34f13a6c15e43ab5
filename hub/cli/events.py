"""``hub events``: what waits of the hub's own event stream, its description, and telling all of it once more."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hub.cli.shell import Json, actor, emit, in_store, plural, shell_of, span
from hub.store.glance import EventStream

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
    from hub.message import system_clock

    shell = shell_of(context)
    found = in_store(shell.home(), lambda store: store.unpublished())
    if found is None:
        shell.answer({"events": None}, "no event stream is written: say `events` in config.yaml and start the hub")
        return
    shown = EventStream.of(found, system_clock())
    shell.answer({"events": asdict(shown)}, waiting_of(shown))


def waiting_of(stream: EventStream) -> str:
    """What waits, in words."""
    more = "; what there was when the stream began is still being told" if stream.copying else ""
    if stream.oldest_waiting_seconds is None:
        return f"all events are published{more}"
    oldest = span(stream.oldest_waiting_seconds)
    return f"about {plural(stream.waiting, 'event')} not published yet, the oldest for {oldest}{more}"


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
    from hub.message import system_clock

    shell = shell_of(context)
    in_store(shell.home(), lambda store: store.tell_again(actor=actor(), why=why, now=system_clock()))
    shell.answer({"again": True}, "names and ledger of every dossier will be told once more")
