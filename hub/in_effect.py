"""What a hub has in effect, as one small document without secrets: by it a reload is recorded, and ``hub plan`` compares.

Routes, sources, owners and clients stand in it as they are; mappings, tables and schemas by their digests; a setting that is
read at the start only by a fingerprint of 16 bits, which shows that it changed and is too short to guess a secret by.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import orjson

from hub.assembly import Assembly
from hub.config import HubConfig
from hub.errors import WithProblems
from hub.message import SchemaRef
from hub.routing import Route
from hub.store.values import JsonObject
from hub.translation.chain import Chain
from hub.translation.tables import CodeTable

ABSENT = "absent"
_RELOADED: dict[str, Any] = {
    "catalog": True, "sources": True, "owners": True, "routes": True, "clients": True, "keys": True,
    "soap": {"__all__": {"schema_", "operations"}},
}  # fmt: skip


def describe(parts: Assembly, started_with: HubConfig, digest: Callable[[bytes], str]) -> dict[str, Any]:
    """The document of these parts in a hub that was started with this configuration; ``digest`` is the store's, salted."""

    def fingerprint(value: Any) -> str:
        return digest(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))[:4]

    config = parts.home.config
    plain = config.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, include={"routes", "sources", "clients", "owners"}
    )
    sources = {source["schema"]: {**source, "ways": {}} for source in plain.get("sources", ())}
    chains: list[Chain] = []
    for one in parts.sources:
        for target in one.becomes:
            chains.append(parts.catalog.chain(one.schema, target))
            sources[one.schema]["ways"][target] = _way(chains[-1])
    made = {chain.target.ref for chain in chains}
    routes: dict[str, Any] = {}
    for route in parts.router.routes:
        for step in plain["routes"][route.name].get("verify", ()):
            step["officer"] = fingerprint(step["officer"])  # it may name a person
        taken = {parts.catalog.schema(route.take).ref, *(ref for ref in made if route.takes(ref))}
        ways = {str(ref): chain for ref in sorted(taken, key=str) for chain in _chain(parts, ref, route.as_, route.via)}
        ways |= _questions(parts, route, taken)
        routes[route.name] = {**plain["routes"][route.name], "ways": {ref: _way(chain) for ref, chain in ways.items()}}
        chains += ways.values()
    lookups = {name: _lookup(parts, name) for name, one in config.endpoints.items() if one.lookup is not None}
    chains += [chain for ways in lookups.values() for chain in ways.values()]
    document = {
        "sources": sources, "routes": routes,
        "lookups": {name: {"ways": {ref: _way(chain) for ref, chain in ways.items()}} for name, ways in lookups.items()},
        "owners": plain.get("owners", {}), "clients": plain.get("clients", {}),
        "doors": {name: fingerprint(one.model_dump(mode="json", exclude={"path"})) for name, one in config.soap.items()},
        "keys": {name: fingerprint(key.get_secret_value()) for name, key in config.keys.items()},
        "mappings": {str(step.mapping.ref): step.mapping.sha256[:16] for chain in chains for step in chain.steps},
        "tables": {str(one.ref): _table(one) for chain in chains for step in chain.steps for one in step.tables},
        "schemas": {str(ref): sha256[:16] for chain in chains for ref, sha256 in _schemas(chain)},
        "settings": {name: fingerprint(value) for name, value in settings_of(started_with).items()},
    }  # fmt: skip
    whole = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return {**document, "digest": hashlib.sha256(whole).hexdigest()}


def settings_of(config: HubConfig) -> dict[str, Any]:
    """Settings that are read at the start only, by name: ``server.port``, ``endpoints.portal``."""
    found: dict[str, Any] = {}
    for section, value in config.model_dump(mode="json", exclude=_RELOADED).items():
        inner = {f"{section}.{name}": one for name, one in value.items()} if isinstance(value, dict) else {section: value}
        found |= inner
    return found


def changed(before: JsonObject, now: JsonObject) -> list[str]:
    """The names under which two such documents differ."""
    return [name for name in {**now, **before} if before.get(name, ABSENT) != now.get(name, ABSENT)]


def this_process() -> dict[str, Any]:
    """Which process has it in effect, so that no other one is ever signalled in its place."""
    return {"pid": os.getpid(), "begun": _begun(os.getpid()), "host": socket.gethostname()}


def is_running(process: JsonObject) -> bool:
    """Whether the process is here and still the same."""
    return bool(process["host"] == socket.gethostname() and _begun(process["pid"]) == process["begun"] != "")


def _begun(pid: int) -> str:
    """When the kernel says that a process began; "" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _chain(parts: Assembly, start: SchemaRef | str, end: str, via: tuple[SchemaRef, ...] = ()) -> Iterator[Chain]:
    try:
        yield parts.catalog.chain(start, end, via)
    except WithProblems:  # said by `hub check`
        return


def _questions(parts: Assembly, route: Route, taken: set[SchemaRef]) -> dict[str, Chain]:
    """The ways on which a message becomes the questions of its route's verify steps, and those the registries' own."""
    ways: dict[str, Chain] = {}
    for step in route.verify:
        if step.endpoint in parts.endpoints:
            known: Any = parts.endpoints[step.endpoint].connector
            ways |= {f"{ref} as {step.query}": chain for ref in sorted(taken) for chain in _chain(parts, ref, step.query)}
            ways |= {f"{step.query} to {step.endpoint}": chain for chain in _chain(parts, step.query, known.queries)}
    return ways


def _lookup(parts: Assembly, endpoint: str) -> dict[str, Chain]:
    """The ways of questions to a registry and of its answers."""
    lookup, known = parts.home.config.endpoints[endpoint].lookup, cast(Any, parts.endpoints[endpoint].connector)
    assert lookup is not None
    ways = {lookup.take: (lookup.take, known.queries), known.answers: (known.answers, lookup.give)}
    return {ref: chain for ref, (start, end) in ways.items() for chain in _chain(parts, start, end)}


def _way(chain: Chain) -> dict[str, Any]:
    return {
        "from": str(chain.source.ref),
        "to": str(chain.target.ref),
        "by": [*map(str, chain.mappings)],
        "digest": chain.digest,
    }


def _schemas(chain: Chain) -> Iterable[tuple[SchemaRef, str]]:
    return [(one.ref, one.sha256) for one in (chain.source, *(step.target for step in chain.steps))]


def _table(table: CodeTable) -> dict[str, Any]:
    """Each row by a digest of what it holds, so that rows can be compared without being kept."""
    rows = {} if table.rows is None else {" / ".join(map(str, key)): _short(row) for key, row in table.rows.items()}
    return {"digest": table.sha256[:16] or ABSENT, "rows": rows}


def _short(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]
