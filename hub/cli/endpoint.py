"""``hub endpoint``: the partners as configured, whether they answer, and stopping and resuming what is sent to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.names import endpoint_names
from hub.cli.shell import UNAVAILABLE, Json, actor, in_store, local, printable, shell_of, span, table, unknown_name
from hub.errors import DeliveryError, HubError

if TYPE_CHECKING:
    from hub.assembly import Endpoint
    from hub.config import Home
    from hub.store.glance import EndpointNow
    from hub.store.port import Store

app = typer.Typer(no_args_is_help=True, help="Endpoints: the partners as configured.")
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the endpoint in config.yaml.", autocompletion=endpoint_names)
]


@app.command("list")
def list_endpoints(context: typer.Context, as_json: Json = False) -> None:
    """List the endpoints: connector, paused or not, how much waits and since when, how many are dead, how many were delivered
    in the last 5 minutes.

    \b
    Example:  hub endpoint list
    """
    shell = shell_of(context)
    home = shell.home()
    seen = in_store(home, lambda store: store.overview(tuple(home.config.endpoints)))
    found = [_shown(home, one) for one in seen.endpoints]
    shown = table(("endpoint", "connector", "waiting", "oldest", "dead", "delivered lately", "paused"), map(_cells, found))
    shell.answer({"endpoints": found}, shown if found else "no endpoints in config.yaml")


def _cells(one: Mapping[str, Any]) -> tuple[object, ...]:
    paused, oldest = one["paused"], one["oldest_waiting_seconds"]
    connector = one["connector"] or "not in config.yaml"
    since = "" if oldest is None else span(oldest)
    stopped = f"by {paused['by']} since {local(paused['since'])}: {paused['why']}" if paused else None
    return one["endpoint"], connector, one["waiting"], since, one["dead"], one["delivered_lately"], stopped


def _shown(home: Home, one: EndpointNow) -> dict[str, Any]:
    return {
        "endpoint": one.endpoint, "connector": home.config.endpoints[one.endpoint].connector if one.configured else None,
        "waiting": one.waiting, "in_doubt": one.in_doubt, "dead": one.dead, "delivered_lately": one.recent.delivered,
        "oldest_waiting_seconds": one.oldest_waiting_seconds, "paused": asdict(one.paused) if one.paused else None,
    }  # fmt: skip


@app.command("check")
def check(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of the endpoint.", autocompletion=endpoint_names)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Check every endpoint.")] = False,
    as_json: Json = False,
) -> None:
    """Ask a partner whether it answers, with the configured address and account. Changes nothing there.

    Exit code 4 when one does not.

    \b
    Examples:  hub endpoint check portal
               hub endpoint check --all --json
    """
    from hub.assembly import open_endpoints

    shell = shell_of(context)
    if everything == (name is not None):
        raise typer.BadParameter("name an endpoint, or say --all")
    home = shell.home(partners=True)
    if name is not None:
        _configured(home, name)
    endpoints = open_endpoints(home)
    chosen = list(endpoints.values()) if name is None else [endpoints[name]]
    results = asyncio.run(_check_all(chosen))
    lines = [f"{one['endpoint']}: {'answers' if one['ok'] else printable(one['error'])}" for one in results]
    shell.answer({"endpoints": results}, *lines)
    if not all(one["ok"] for one in results):
        raise typer.Exit(UNAVAILABLE)


async def _check_all(endpoints: list[Endpoint]) -> list[dict[str, Any]]:
    from hub.connector import ConnectorContext
    from hub.message import system_clock

    results: list[dict[str, Any]] = []
    for one in endpoints:
        connector = one.connector(one.settings, ConnectorContext(one.name, system_clock))
        result: dict[str, Any] = {"endpoint": one.name, "ok": True}
        try:
            await connector.open()
            try:
                await connector.check()
            finally:
                await connector.close()
        except DeliveryError as error:
            result |= {"ok": False, "kind": type(error).__name__, "code": error.code, "error": f"does not answer: {error}"}
        except HubError as error:
            result |= {"ok": False, "kind": type(error).__name__, "error": f"cannot be asked: {error}"}
        results.append(result)
    return results


@app.command("pause")
def pause(
    context: typer.Context,
    name: Name,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Reason, for the record and for colleagues.")],
    as_json: Json = False,
) -> None:
    """Begin nothing new at an endpoint until it is resumed, also after a restart. Messages are taken in and wait.

    \b
    Example:  hub endpoint pause portal --why "maintenance announced until 18:00"
    """
    from hub.message import system_clock

    shell = shell_of(context)
    home = shell.home()
    _configured(home, name)
    if not why.strip():
        raise typer.BadParameter("say why, for colleagues who find it paused")
    in_store(home, lambda store: store.pause(name, actor=actor(), why=why, now=system_clock()))
    shell.answer({"endpoint": name, "paused": True}, f"{name} is paused; `hub endpoint resume {name}` goes on")


@app.command("resume")
def resume(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Go on sending to a paused endpoint; a running hub notices within a second.

    After `hub restore` the partner is asked first, dossier by dossier, which state it holds: what it has is not sent again.
    What cannot be found out is sent again or held, as `in_doubt` of its route says. If the partner does not answer, the
    endpoint stays paused (exit code 4): do it again later.

    \b
    Example:  hub endpoint resume portal
    """
    from hub.cli.restored import find_out_at, told
    from hub.message import system_clock

    shell = shell_of(context)
    home = shell.home()

    async def work(store: Store) -> tuple[bool, dict[str, int] | None]:
        was_paused = name in await store.endpoint_states()
        restored = await store.restored()
        if restored is not None and name in restored["undecided"]:
            _configured(home, name)
            with shell.progress(f"asking {name} what it holds") as advance:
                found = await find_out_at(shell.folder, store, name, actor=actor(), tell=advance)
            return True, found.as_dict()
        if was_paused:
            await store.resume(name, actor=actor(), now=system_clock())
        return was_paused, None

    changed, found = in_store(home, work)
    if not changed:
        _configured(home, name)
    document = {"endpoint": name, "paused": False, "changed": changed, "after_restore": found}
    shell.answer(document, f"{name} goes on" if changed else f"{name} was not paused", *(told(found) if found else ()))


def _configured(home: Home, name: str) -> None:
    if name not in home.config.endpoints:
        raise unknown_name("endpoint", home.config.endpoints)
