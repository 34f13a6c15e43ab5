"""``hub plan``: what a reload would change in the running hub, before it is done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from hub.cli.shell import REFUSED, Json, in_store, local_micros, plural, printable, shell_of

if TYPE_CHECKING:
    from hub.assembly import Assembly
    from hub.changes import Change
    from hub.errors import Problem
    from hub.store.sql import SqlStore

_STYLES = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def plan(context: typer.Context, as_json: Json = False) -> None:
    """Show what a reload would change: routes, sources, owners, clients, and the mappings, tables and schemas they use.

    Compares the files with what the running hub has in effect (or, when none runs, with what the last one had). Settings that
    only a restart takes are named apart. Nothing is changed. Exit code 1 when the home has an error, 0 with or without changes.

    \b
    Example:  hub plan && hub reload
    """
    from hub.assembly import examine
    from hub.changes import NOTHING, differences, needs_restart
    from hub.in_effect import changed, describe

    shell = shell_of(context)
    parts, problems, _ = examine(shell.folder)
    if parts is None:
        shell.notes_of(problems, "error")
        shell.answer({"errors": [one.as_dict() for one in problems]}, "no plan: the home has errors; `hub check` shows them")
        raise typer.Exit(REFUSED)

    async def looked_up(store: SqlStore) -> tuple[Any, bool, dict[str, Any], set[str]]:
        now = describe(parts, parts.home.config, store.digest)
        return await store.in_effect(), await store.running(), now, {key.name for key in await store.keys()}

    effect, runs, now, keys = in_store(parts.home, looked_up)
    before = NOTHING if effect is None else effect["state"]
    found = differences(before, now)
    restart = [] if effect is None else changed(before.get("settings", {}), now["settings"])
    open_ones = {name.partition(".")[2] for name in before.get("settings", {}) if name.startswith("endpoints.")}
    refused = [*needs_restart(parts.router.routes, open_ones, before.get("lookups", {}))] if runs and effect else []
    unheard = list(_unheard(parts, keys))
    document = {
        "running": runs, "since": None if effect is None else local_micros(effect["at"]), "in_effect": before.get("digest"),
        "changes": [one.as_dict() for one in found], "restart": restart,
        "refused": [one.as_dict() for one in refused],
        "backfill": [one.name for one in found if one.what == "route" and one.how == "added"] if effect else [],
        "unheard": unheard,
    }  # fmt: skip
    shell.answer(document, *_lines(found, restart, effect, runs, refused), *map(_unheard_line, unheard))


def _unheard(parts: Assembly, keys: Collection[str]) -> Iterator[dict[str, str]]:
    """Whom a route takes messages of though nobody sends under that name: no key, no endpoint, no ``sender`` of one."""
    senders = {*keys, *parts.endpoints}
    for endpoint in parts.endpoints.values():
        senders.update(_senders(endpoint.settings.model_dump(mode="json")))
    for route in parts.router.routes:
        yield from ({"route": route.name, "sender": name} for name in route.senders if name not in senders)


def _senders(settings: Any) -> Iterator[str]:
    """Every ``sender`` in an endpoint's settings, at whatever depth."""
    if isinstance(settings, list):
        for one in settings:
            yield from _senders(one)
    elif isinstance(settings, dict):
        for name, value in settings.items():
            if name == "sender" and isinstance(value, str):
                yield value
            else:
                yield from _senders(value)


def _unheard_line(one: dict[str, str]) -> Text:
    told = f"! route {one['route']} takes what {one['sender']} says, but nobody sends under that name: hub key list"
    return Text(told, "yellow")


def _lines(
    found: Sequence[Change], restart: Sequence[str], effect: Any, runs: bool, refused: Sequence[Problem]
) -> Iterator[str | Text]:
    if effect is None:
        yield "no hub has run on this home yet: everything is new"
    elif not runs:
        yield f"no hub runs now; compared with what the last one had since {local_micros(effect['at'])}"
    for one in found:
        sign, style = _STYLES[one.how]
        yield Text(f"{sign} {one.what} {printable(one.name)}", style)
        for detail in one.details:
            words = [printable(text) for text in (detail.before, detail.now) if text is not None]
            if detail.before is None or detail.now is None:
                words.insert(0, "new:" if detail.before is None else "gone:")
            text = " ".join(words) if len(words) == 2 and words[0].endswith(":") else " → ".join(words)
            yield f"    {f'{detail.property}: ' if detail.property else ''}{text}"
        if one.do and effect is not None:
            yield Text(f"    → {one.do}", "green")
    if restart:
        yield Text(f"! only a restart takes: {', '.join(map(printable, restart))}", "yellow")
    if not found and not restart:
        yield "nothing differs"
    elif refused:
        why = dict.fromkeys(one.message for one in refused)
        yield Text(f"{plural(len(found), 'change')}; a reload would be refused: {'; '.join(why)}. Restart the hub", "yellow")
    elif found and effect is not None and runs:
        yield f"{plural(len(found), 'change')}; take them with: hub reload"
