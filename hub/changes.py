"""What differs between two configurations (documents of ``hub.in_effect``), in words of meaning: for ``hub plan``."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from hub.assembly import Assembly
from hub.errors import BadConfig, Problem
from hub.in_effect import changed, describe
from hub.routing import Route
from hub.store.port import Store
from hub.store.values import JsonObject

NOTHING: Mapping[str, Any] = {
    "sources": {}, "routes": {}, "lookups": {}, "owners": {}, "clients": {}, "doors": {}, "keys": {}, "mappings": {},
    "tables": {}, "schemas": {}, "settings": {},
}  # fmt: skip
"""The configuration of a hub that never ran."""
_KINDS = {
    "sources": "source", "routes": "route", "lookups": "look-up", "owners": "owner", "clients": "client", "doors": "soap door",
    "keys": "key",
}  # fmt: skip
_FILES = {"mappings": "mapping", "tables": "table", "schemas": "schema"}
_SHOWN_KEYS = 5
_RESTART = "restart the hub to open a new endpoint"


@dataclass(frozen=True, slots=True)
class Detail:
    """One property of what changed; ``before`` or ``now`` None where it is absent."""

    property: str
    before: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is ``added``, ``removed`` or ``changed``, and what to ``do`` about it, "" for nothing."""

    what: str
    name: str
    how: str
    details: tuple[Detail, ...] = ()
    do: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def differences(before: JsonObject, now: JsonObject) -> list[Change]:
    """Everything that a reload would change, routes and what they use first; settings that need a restart are no part."""
    named = chain.from_iterable(_named(one, kind, before.get(one, {}), now.get(one, {})) for one, kind in _KINDS.items())
    files = chain.from_iterable(_files(one, kind, before.get(one, {}), now.get(one, {})) for one, kind in _FILES.items())
    return [*named, *files]


async def not_taken(store: Store, parts: Assembly) -> list[Change]:
    """What the hub that runs on the store has not taken of these files; nothing where none runs."""
    effect = await store.in_effect()
    if effect is None or not await store.running():
        return []
    return differences(effect["state"], describe(parts, parts.home.config, store.digest))


async def refuse_untaken(store: Store, parts: Assembly) -> None:
    """Raises BadConfig where a hub runs that has not taken these files: what they say is not what it would do."""
    if await not_taken(store, parts):
        text, hint = "the running hub has not taken these files yet", "take them first with: hub plan && hub reload"
        raise BadConfig([Problem("", "not_taken", text, hint)])


def needs_restart(
    routes: Iterable[Route], running: Container[str], registries: Container[str], ways: Container[str] | None = None
) -> Iterator[Problem]:
    """Why these routes cannot be taken by a hub that opened these endpoints, and these of them with a look-up, at its start;
    ``ways``: how it can name files to partners, where that is known."""
    for route in routes:
        if route.to not in running:
            yield Problem(f"routes.{route.name}.to", "needs_restart", f"endpoint {route.to} is new", _RESTART)
        for registry in (step.endpoint for step in route.verify if step.endpoint not in registries):
            what = "its lookup" if registry in running else "it"
            text = f"endpoint {registry} is not asked yet: {what} is new"
            yield Problem(f"routes.{route.name}.verify", "needs_restart", text, _RESTART)
        if route.files is not None and ways is not None and route.files.as_ not in ways:
            text, hint = "what it needs of the section `files:` is new", "restart the hub for a changed section `files:`"
            yield Problem(f"routes.{route.name}.files", "needs_restart", text, hint)


def _named(section: str, kind: str, before: JsonObject, now: JsonObject) -> Iterator[Change]:
    for name in changed(before, now):
        how = "added" if name not in before else "removed" if name not in now else "changed"
        details = tuple(_details(before[name], now[name])) if how == "changed" else ()
        yield Change(kind, name, how, details, _to_do(section, name, how, before.get(name, {}), now.get(name, {})))


def _to_do(section: str, name: str, how: str, before: JsonObject, now: JsonObject) -> str:
    if section != "routes":
        return ""
    if how == "added":
        return f"for messages accepted before: hub backfill {name} --dry-run, then hub backfill {name}"
    if how == "removed":
        return "what still waits on it will wait until it is put back, or is discarded: hub dead list, hub status"
    if {"when", "take"} & {*changed(before, now)} or _hears_more(before, now):
        return f"messages accepted before are not routed again; those it takes now: hub backfill {name}"
    return ""


def _hears_more(before: JsonObject, now: JsonObject) -> bool:
    """Whether a route takes what it did not by who says it; without ``from`` it hears everybody."""
    if now.get("observations", False) and not before.get("observations", False):
        return True
    return "from" in before and ("from" not in now or not {*now["from"]} <= {*before["from"]})


def _details(before: Any, now: Any) -> Iterator[Detail]:
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        yield Detail("", _text(before), _text(now))
        return
    for name in changed(before, now):
        if name == "ways":
            yield from _ways(before.get(name, {}), now.get(name, {}))
        else:
            yield Detail(name, _text(before.get(name)), _text(now.get(name)))


def _ways(before: JsonObject, now: JsonObject) -> Iterator[Detail]:
    """The mappings that a message goes through: others, or the same with other content in them or their tables."""
    for name in changed(before, now):
        old, new = before.get(name), now.get(name)
        told = [None if one is None else " + ".join(one["by"]) or "as it is" for one in (old, new)]
        if told[0] == told[1] and old and new:
            told = [f"{text} ({one['digest'][:12]})" for text, one in zip(told, (old, new), strict=True)]
        yield Detail(f"mappings of {name}", *told)


def _files(section: str, kind: str, before: JsonObject, now: JsonObject) -> Iterator[Change]:
    """What is in use, by its id: one version for another, or other content in the same version."""
    old, new = _by_id(before), _by_id(now)
    for name in changed(old, new):
        was, is_now = old.get(name, {}), new.get(name, {})
        how = "added" if not was else "removed" if not is_now else "changed"
        details = []
        if was.keys() != is_now.keys():
            details.append(Detail("version in use", *(", ".join(sorted(one)) or None for one in (was, is_now))))
        details += [Detail(f"content of {one}", _digest(was[one]), _digest(is_now[one])) for one in changed(was, is_now)
                    if one in was and one in is_now]  # fmt: skip
        if section == "tables" and how == "changed":
            details += _rows(
                *({key: row for one in side.values() for key, row in one["rows"].items()} for side in (was, is_now))
            )
        yield Change(kind, name, how, tuple(details))


def _rows(before: JsonObject, now: JsonObject) -> Iterator[Detail]:
    keys = changed(before, now)
    for what, found in (
        ("rows added", [key for key in keys if key not in before]),
        ("rows removed", [key for key in keys if key not in now]),
        ("rows changed", [key for key in keys if key in before and key in now]),
    ):
        if found:
            more = ", …" if len(found) > _SHOWN_KEYS else ""
            yield Detail(what, None, f"{len(found)} ({', '.join(found[:_SHOWN_KEYS])}{more})")


def _by_id(section: JsonObject) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for ref, one in section.items():
        name, _, version = ref.partition("@")
        found.setdefault(name, {})[version] = one
    return found


def _digest(one: Any) -> str:
    return str(one["digest"] if isinstance(one, Mapping) else one)


def _text(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_text(one)}" for name, one in value.items() if name != "ways")
    if isinstance(value, list):
        return ", ".join(str(_text(one)) for one in value)
    return None if value is None else str(value)
