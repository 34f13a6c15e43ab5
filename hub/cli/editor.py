"""``hub schema editor``: JSON Schemas with which an editor completes and checks config.yaml, mappings and code tables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.shell import Json, printable, shell_of

if TYPE_CHECKING:
    from hub.connector import Connector

FOLDER = "editor"
"""Where a new home has them."""
_FILES = {
    "config": "config.yaml",
    "mapping": "mappings/NAME/VERSION.yaml",
    "table": "mappings/tables/NAME/VERSION.yaml",
}
_REFERENCE = "reference"
_NO_TEXT = ("integer", "number", "boolean")
_NOT_EVERY = {"enum", "const", "pattern", "minLength", "maxLength"}
Node = dict[str, Any]


def editor(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Folder to write to; editor/ of the home when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write JSON Schemas with which an editor completes and checks config.yaml, mapping files and code tables.

    They tell of this hub and of the connectors that are installed: write them again after either changes. What is there of
    these names is replaced. The answer is the line to put on top of each kind of file, for editors with yaml-language-server.

    \b
    Example:  hub schema editor
    """
    shell = shell_of(context)
    folder = out if out is not None else shell.folder / FOLDER
    try:
        names = write_editor_files(folder)
    except OSError as error:
        raise typer.BadParameter(f"{printable(folder)}: {error.strerror}", param_hint="--out") from None
    lines = {kind: _line(shell.folder, name, folder / f"{kind}.schema.json") for kind, name in _FILES.items()}
    told = f"{', '.join(names)} written to {printable(folder)}; put on top of"
    tops = (f"  {_FILES[kind]}:  {line}" for kind, line in lines.items())
    shell.answer({"folder": str(folder), "files": names, "first_lines": lines}, told, *tops)


def _line(home: Path, name: str, schema: Path) -> str:
    """The first line of the home's file of this name: the way to the schema begins at the file."""
    way = os.path.relpath(schema.resolve(), (home / name).resolve().parent)
    return f"# yaml-language-server: $schema={Path(way).as_posix()}"


def write_editor_files(folder: Path) -> list[str]:
    """Write the three schemas; their names."""
    from hub.connector import installed_connectors, load_connector
    from hub.translation.editor import mapping_schema, table_schema

    connectors = {name: load_connector(name) for name in installed_connectors()}
    folder.mkdir(parents=True, exist_ok=True)
    made = {"config": config_schema(connectors), "mapping": mapping_schema(), "table": table_schema()}
    for kind, schema in made.items():
        text = json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        (folder / f"{kind}.schema.json").write_text(text, encoding="utf-8")
    return [f"{kind}.schema.json" for kind in made]


def config_schema(connectors: Mapping[str, type[Connector[Any]]]) -> Node:
    """The JSON Schema of config.yaml as it is written, with the settings of these connectors."""
    from hub.cli.connectors import description
    from hub.config import REFERENCE, HubConfig
    from hub.translation.editor import DRAFT

    whole = _as_written(HubConfig.model_json_schema())
    defs: dict[str, Node] = whole["$defs"]
    endpoint, route = defs["EndpointConfig"], defs["RouteConfig"]["properties"]
    for one in (route["when"], route["verify"]):  # one of them need not stand in a list
        single = one["items"]
        several = {name: one.pop(name) for name in ("type", "items", "maxItems") if name in one}
        one |= {"anyOf": [single, several]}
    endpoint["properties"]["connector"]["anyOf"] = known = []
    endpoint["allOf"] = chosen = []
    for name, kind in connectors.items():
        settings = kind.Config.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        defs |= {f"{name}.{one}": _as_written(node) for one, node in settings.pop("$defs", {}).items()}
        defs[name] = _as_written(settings)
        then = {"properties": {"settings": {"$ref": f"#/$defs/{name}"}}, "required": ["settings"] * ("required" in settings)}
        chosen.append({"if": {"properties": {"connector": {"const": name}}}, "then": then})
        known.append({"const": name, "description": description(kind).partition("\n")[0]})
    about = "a value that stands elsewhere: ${env:NAME} or ${file:path}"
    defs[_REFERENCE] = {"type": "string", "pattern": REFERENCE.pattern, "description": about}
    return {"$schema": DRAFT, "title": "config.yaml of a hub home", **whole}


def _as_written(node: Node) -> Node:
    """A schema of values as one of what is written: where not every text will do, a reference may stand too."""
    node = {key: _below(key, value) for key, value in node.items() if key != "title"}
    if "patternProperties" in node:
        node["additionalProperties"] = False
    if node.get("type") not in _NO_TEXT and not node.keys() & _NOT_EVERY:
        return node
    about: Node = {key: node.pop(key) for key in ("description", "default") if key in node}
    return {**about, "anyOf": [node, {"$ref": f"#/$defs/{_REFERENCE}"}]}


def _below(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties", "$defs"):
        return {name: _as_written(one) for name, one in value.items()}
    if key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [_as_written(one) for one in value]
    return _as_written(value) if key in ("items", "additionalProperties") and isinstance(value, dict) else value
