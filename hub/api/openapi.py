"""The API's description as an OpenAPI 3.1 document: operations, what each may answer, and the schemas that senders use.

Answers come from ``hub.api.models``, error kinds from the tree under ``hub.errors.Refused``, bodies from the catalog. Paths
that connectors and the operator's page mount are not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from hub.api import models
from hub.api.file_operations import file_components, file_paths
from hub.api.lookup_operations import Asked, lookup_components
from hub.api.operations import Taken, paths
from hub.api.responses import HEADERS, Json
from hub.errors import SchemaInvalid
from hub.intake.planning import Source
from hub.lookup.registry import Registry
from hub.strictjson import MAX_INT, MIN_INT
from hub.translation import Catalog, Schema

_ABOUT = """\
Send a message once with `POST /v1/messages`; 202 means that it is on disk. Then ask what became of it.

* **Keys.** `Authorization: Bearer <key>` or `X-API-Key: <key>`. A key sends the schemas it was made for and reads what its
  own sender sent. What belongs to others answers 404.
* **Sending again is safe.** The same `Idempotency-Key` (or the message's own id, where its schema has one) and the same body
  get the first receipt again. After 408, 429, 500, 503 or a broken connection, send it again unchanged.
* **Errors** are problem documents (RFC 9457) that name each bad field. They never repeat a value of the request.
* **Tracing.** `traceparent` (W3C) is taken up and handed on to partners; its trace id is the correlation id. Every answer tells
  it as `Hub-Correlation-Id`. An invalid `traceparent` is as if there were none; `tracestate` is not handed on.
* **JSON** is UTF-8 without NUL and without half characters (lone surrogates). Whole numbers fit 64 bits;
  send larger ones as text.
* Too many open connections: 503 of the kind `too-many-connections`, before anything is read and so without correlation id.
* `HEAD` answers as `GET` without the body, `OPTIONS` answers 204 with `Allow`.
* Paths of a partner's own protocol, such as call-backs, and the operator's pages are not described here. A SOAP door is
  described by its WSDL, at its path with `?wsdl`.
"""


def document(
    server: str,
    catalog: Catalog | None,
    sources: Sequence[Source],
    registries: Sequence[Registry] = (),
    *,
    with_files: bool = False,
) -> Json:
    """The whole document. ``server`` is the address that all paths are under, ``sources`` what is taken from senders,
    ``registries`` what may be asked; ``with_files``: the hub keeps files."""
    known = [] if catalog is None else [catalog.schema(source.schema) for source in sources]
    schemas = [one for one in known if one.xml is None]
    in_xml = [name for one in known if one.xml is not None for name in _names(one)]
    taken = [Taken(_component(one), _names(one), _example(one, catalog)) for one in schemas if catalog is not None]
    asked = [_asked(one, catalog) for one in registries if catalog is not None]
    return {
        "openapi": "3.1.0",
        "info": {"title": "dossier-hub", "version": version("dossier-hub"), "description": _ABOUT},
        "servers": [{"url": server}],
        "tags": [{"name": name} for name in ("messages", "files", "reading", "look-ups", "operation", "description")],
        "paths": {**paths(taken, asked, in_xml), **(file_paths() if with_files else {})},
        "components": {
            "schemas": {
                **models.components(),
                **{_component(one): _embedded(one, _component(one)) for one in schemas},
                **lookup_components(asked),
                **(file_components() if with_files else {}),
            },
            "headers": HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "a key made with `hub key new`"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "the same key"},
            },
        },
    }


def _component(schema: Schema) -> str:
    return f"{schema.ref.id}-{schema.ref.version}"


def _names(schema: Schema) -> tuple[str, ...]:
    """``id@1``, ``id@1.0`` and ``id@1.0.0`` of version 1.0.0."""
    parts = schema.ref.version.split(".")
    return tuple(f"{schema.ref.id}@{'.'.join(parts[:count])}" for count in range(1, len(parts) + 1))


def _asked(registry: Registry, catalog: Catalog) -> Asked:
    name, take, give = registry.name, catalog.schema(registry.policy.take), catalog.schema(registry.policy.give)
    question, answer = _embedded(take, f"lookup-{name}-query"), _embedded(give, f"lookup-{name}-answer")
    return Asked(name, question, answer, _example(take, catalog), registry.confirms)


def _embedded(schema: Schema, component: str) -> Json:
    """The schema as a component: without what names it as a file, its references to itself mended, integers with the bounds
    that the hub sets to all (``hub.strictjson``)."""
    here = f"#/components/schemas/{component}"

    def mended(node: Any) -> Any:
        if isinstance(node, list):
            return [mended(one) for one in node]
        if not isinstance(node, dict):
            return node
        bounds = {"minimum": MIN_INT, "maximum": MAX_INT} if node.get("type") == "integer" else {}
        return bounds | {
            name: here + value[1:] if name == "$ref" and isinstance(value, str) else mended(value)
            for name, value in node.items()
        }

    own = {name: value for name, value in schema.document.items() if name not in ("$schema", "$id", "x-hub")}
    return dict(mended(own))


def _example(schema: Schema, catalog: Catalog) -> Any:
    """The schema's own first example; else the required fields and names of the first record that a mapping is tested with."""
    given = [
        test.given
        for mapping in catalog.mappings()
        if catalog.schema(mapping.from_ref) is schema
        for test in mapping.tests
        if isinstance(test.given, dict) and not test.errors
    ]
    wanted = {*schema.document.get("required", []), *(pointer[1:] for _, pointer in schema.subject)}
    short = [{name: value for name, value in one.items() if name in wanted} for one in given]
    for one in [*schema.document.get("examples", []), *short]:
        try:
            schema.validate(one)
        except SchemaInvalid:
            continue
        return one
    return None
