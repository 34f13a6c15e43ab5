"""The API's description, open to all: ``/openapi.json`` for programs, ``/docs`` for people, made of one document."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from hub.api.openapi import document
from hub.intake.planning import Source
from hub.lookup.registry import Registry
from hub.translation import Catalog
from hub.wire.forwarded import Network, asked

_pages = Environment(
    loader=PackageLoader("hub.api"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_markdown = MarkdownIt("commonmark", {"html": False})
_pages.filters["markdown"] = lambda text: Markup(_markdown.render(text))
_pages.filters["inline"] = lambda text: Markup(_markdown.renderInline(text))
_STYLE = _pages.get_template("docs.css").render()
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_NOT_KEPT = {"Cache-Control": "no-store"}
"""What is answered depends on the address the reader came by, and changes with the catalog."""
_HEADERS = {
    **_NOT_KEPT,
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Description:
    """``catalog`` gives the schemas and sources in use now; see ``build_app`` for the rest."""

    def __init__(
        self,
        prefix: str,
        trusted: Sequence[Network],
        catalog: Callable[[], tuple[Catalog, Sequence[Source]]] | None,
        registries: Sequence[Registry] = (),
        *,
        with_files: bool = False,
    ) -> None:
        self._prefix = prefix
        self._trusted = trusted
        self._catalog = catalog
        self._registries = registries
        self._with_files = with_files
        self._made: tuple[Catalog | None, dict[str, Any], str] | None = None

    def routes(self) -> Iterable[web.RouteDef]:
        """Both paths."""
        return [web.get("/openapi.json", self._openapi), web.get("/docs", self._docs)]

    async def _openapi(self, request: web.Request) -> web.Response:
        found, _ = self._current()
        if origin := asked(request, self._trusted).origin:
            found = {**found, "servers": [{"url": origin + self._prefix}]}
        return web.Response(body=orjson.dumps(found), headers=_NOT_KEPT, content_type="application/json")

    async def _docs(self, request: web.Request) -> web.Response:
        return web.Response(text=self._current()[1], headers=_HEADERS, content_type="text/html")

    def _current(self) -> tuple[dict[str, Any], str]:
        """The document and its page, made anew when the catalog was loaded anew."""
        catalog, sources = (None, ()) if self._catalog is None else self._catalog()
        if self._made is None or self._made[0] is not catalog:
            found = document(self._prefix or "/", catalog, sources, self._registries, with_files=self._with_files)
            page = _pages.get_template("docs.html").render(doc=found, style=Markup(_STYLE), kind=_kind)
            self._made = (catalog, found, page)
        return self._made[1:]


def _kind(schema: Any) -> list[tuple[str, str]]:
    """What a value may be, as pieces of text, each with the name of the schema it leads to (or none)."""
    if not isinstance(schema, dict):
        return [("anything" if schema else "nothing", "")]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(name, name)]
    for joined in ("anyOf", "oneOf", "allOf"):
        if joined in schema:
            pieces = [piece for one in schema[joined] for piece in [(" or ", ""), *_kind(one)]]
            return pieces[1:] if joined != "allOf" else _kind(schema[joined][0])
    if "const" in schema:
        return [(str(schema["const"]), "")]
    if "enum" in schema:
        return [("one of " + ", ".join(str(one) or "(empty)" for one in schema["enum"]), "")]
    if schema.get("type") == "array":
        return [("list of ", ""), *_kind(schema.get("items", True))]
    types = schema.get("type", "any value")
    text = " or ".join(types) if isinstance(types, list) else types
    limits = {
        "minimum": "from {}",
        "maximum": "to {}",
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
    }
    said = [form.format(schema[name]) for name, form in limits.items() if name in schema]
    return [(", ".join([f"{text} ({schema['format']})" if "format" in schema else text, *said]), "")]
