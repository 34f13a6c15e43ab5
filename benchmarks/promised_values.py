"""Says where a message surely has a value, so that no example could tell a rule that is optional there from one that is not."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from hub.translation.schema import Schema


def promised(source: Schema, empty_is_missing: bool, path: str, known: frozenset[str]) -> bool:
    """Has every message a value there that comes so far? The schema requires it, or a condition has seen it."""
    if path in known:
        return True
    node, at = source.document, ""
    for part in path.split(".") if path else ():
        inner, at = _inside(source.document, node), joined(at, part)
        if part.isdecimal() and at in known:
            continue
        if part not in inner.get("properties", {}) or not (part in inner.get("required", ()) or at in known):
            return False
        node = inner["properties"][part]
    missing = (None, "") if empty_is_missing else (None,)
    alone = {"$defs": source.document.get("$defs", {}), **node}
    return not any(jsonschema_rs.is_valid(alone, value) for value in missing)


def seen(conditions: Any, at: str) -> frozenset[str]:
    """The paths at which conditions, where they hold, have seen a value, and what is above them."""
    found: set[str] = set()
    for item in conditions if isinstance(conditions, list) else [conditions]:
        for kind in ("present", "equals", "matches", "in_table"):
            for path in [item[kind]] if isinstance(item.get(kind), str) else item.get(kind, ()):
                parts = joined(at, path).split(".")
                found |= {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return frozenset(found)


def joined(at: str, path: str) -> str:
    """A path from the root, of one that is read at ``at``."""
    if path.startswith("$"):
        return path[2:]
    return at if path == "." else f"{at}.{path}".removeprefix(".")


def _inside(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The object, or the object that each item of a list is, behind a reference."""
    while "$ref" in node or "items" in node:
        node = document["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node["items"]
    return node
