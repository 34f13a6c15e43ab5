"""``hub status``: the exchange on one screen, once or live, from the store, with or without a running hub."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Set
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hub.cli.events import waiting_of
from hub.cli.shell import Json, emit, in_store, local, plural, printable, shell_of, span, table

if TYPE_CHECKING:
    from hub.store.glance import EndpointNow, Overview
    from hub.store.port import Store

EVERY_SECONDS = 1.0


def status(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew each second, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """Show traffic, lag, backlog, endpoints, dead letters by cause with what to do, and the last errors, on one screen.

    It reads the store, so it works beside a running hub and without one, and says first which it is. What only a running
    hub knows (open breakers, messages refused at the door) is on its page /console and in /metrics. With --watch --json:
    one JSON document a line.

    \b
    Examples:  hub status
               hub status --watch
    """
    shell = shell_of(context)
    home = shell.home()
    names = tuple(home.config.endpoints)
    asked = {name for name, one in home.config.endpoints.items() if one.lookup} - {
        one.to for one in home.config.routes.values()
    }

    async def look(store: Store) -> _Seen:
        return _Seen(await store.overview(names), await store.running())

    if not watch:
        seen = in_store(home, look)
        shell.answer(seen.as_dict(), *_shown(seen, asked))
        return

    async def work(store: Store) -> None:
        screen = Console(highlight=False, markup=False, emoji=False)
        on_screen = screen.is_terminal and not shell.as_json
        with Live(console=screen, auto_refresh=False, screen=True) if on_screen else nullcontext() as place:
            while True:
                seen = await look(store)
                if place is not None:
                    place.update(Group(*_shown(seen, asked)), refresh=True)
                elif shell.as_json:
                    emit(seen.as_dict(), line=True)
                else:
                    shell.say(*_shown(seen, asked), "")
                await asyncio.sleep(EVERY_SECONDS)

    in_store(home, work)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the screen shows."""

    overview: Overview
    runs: bool

    def as_dict(self) -> dict[str, Any]:
        return {"running": self.runs, **asdict(self.overview)}


def _shown(what: _Seen, asked: Set[str]) -> Iterator[Any]:
    """``asked`` are the endpoints that are sent nothing, only asked."""
    seen = what.overview
    yield Text("a hub runs on this store", "green") if what.runs else Text("no hub runs on this store: hub run", "bold red")
    arrived = ", ".join(f"{count} {state}" for state, count in sorted(seen.traffic.arrivals.items())) or "nothing arrived"
    rate = sum(seen.traffic.arrivals.values()) * 60 / max(1, seen.traffic.seconds)
    yield Text.assemble(
        (f"{local(seen.at)[:19]}  ", "bold"), f"in {span(seen.traffic.seconds)}: {arrived} ({rate:.1f} a minute)"
    )
    if seen.events is not None:
        yield f"event stream: {waiting_of(seen.events)}"
    yield ""
    yield Text("Endpoints", "bold")
    columns = ("endpoint", "state", "waiting", "oldest", "in doubt", "dead", "delivered", "lag p50 / p95", "last failure")
    yield (
        table(columns, (_endpoint(one, one.endpoint in asked) for one in seen.endpoints))
        if seen.endpoints
        else "  none in config.yaml"
    )
    yield ""
    yield Text("Backlog by route", "bold")
    routes = [(one.route, one.endpoint, one.state, one.count, local(one.oldest_at)[:19]) for one in seen.backlog]
    yield table(("route", "endpoint", "state", "count", "since"), routes) if routes else "  nothing waits"
    yield ""
    yield Text("Dead letters by cause", "bold")
    yield from _causes(seen)
    yield ""
    yield Text("Last errors", "bold")
    errors = [
        (local(one.at)[:19], one.kind, one.at_whom, one.dossier, f"{one.code}: {one.reason}" if one.reason else one.code)
        for one in seen.errors
    ]
    yield table(("at", "what", "whom", "dossier", "why"), errors) if errors else "  none is open"


def _endpoint(one: EndpointNow, asked: bool) -> tuple[object, ...]:
    state = "configured" if one.configured else "not in config.yaml"
    if asked:
        state = "failing; the newest question got no answer" if one.last_failure else "answers questions"
    elif one.last_failure and (one.last_delivered_at or "") < one.last_failure.at:
        since = f"nothing delivered since {local(one.last_delivered_at)[11:19]}" if one.last_delivered_at else ""
        state = f"failing; {since or 'nothing delivered lately'}"
    if one.paused:
        state = f"paused by {one.paused.by}: {one.paused.why}"
    lag = "" if one.recent.lag_p50_seconds is None else f"{one.recent.lag_p50_seconds:.1f} / {one.recent.lag_p95_seconds:.1f} s"
    oldest = "" if one.oldest_waiting_seconds is None else span(one.oldest_waiting_seconds)
    failure = f"{local(one.last_failure.at)[11:19]} {one.last_failure.code}" if one.last_failure else ""
    return one.endpoint, state, one.waiting, oldest, one.in_doubt, one.dead, one.recent.delivered, lag, failure


def _causes(seen: Overview) -> Iterator[Any]:
    from hub.console.remedies import for_cause

    if not seen.causes:
        yield "  none"
    for one in seen.causes:
        what = (
            f"{plural(one.count, 'delivery', 'deliveries')} to {one.endpoint}" if one.endpoint else plural(one.count, "arrival")
        )
        yield Text.assemble(
            ("  " + printable(one.code), "bold red"), f"  {what}, since {local(one.oldest_at)[:19]}, e.g. {one.example}"
        )
        yield Text(f"    → {printable(for_cause(one, 'en')).replace('`', '')}", "green")
