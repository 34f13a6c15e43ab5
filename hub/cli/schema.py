"""``hub schema``: the schemas of the home's catalog: which there are, what each field means, and the file itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hub.cli.names import SCHEMAS, files, schema_ids
from hub.cli.shell import Json, Shell, plural, printable, shell_of, table
from hub.errors import NotFound, Problem, UnknownSchema
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.translation import Catalog, Schema

_IMPORTING = (".wsdl", ".xsd")
app = typer.Typer(no_args_is_help=True, help="Schemas: what messages look like.")
Ref = Annotated[
    str, typer.Argument(metavar="ID@V", help="Schema, such as dossier@1 (the newest 1.x).", autocompletion=schema_ids)
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to this file; to stdout when left out.")]


@app.command("list")
def list_schemas(context: typer.Context, as_json: Json = False) -> None:
    """List the schemas: role (source, canonical, partner), whether a message is a full state, and the file.

    \b
    Example:  hub schema list
    """
    shell = shell_of(context)
    catalog, _ = catalog_of(shell)
    found = [_about(catalog.schema(ref)) for ref in catalog.schemas()]
    rows = [(one["schema"], one["role"], "yes" if one["full_state"] else "", one["file"]) for one in found]
    shown = table(("schema", "role", "full state", "file"), rows)
    shell.answer({"schemas": found}, shown if found else "no schemas in this home")


@app.command("show")
def show(context: typer.Context, ref: Ref, as_json: Json = False) -> None:
    """Show a schema: role, how a message names its dossier, and every field with type and meaning. Exit code 3 for none.

    \b
    Example:  hub schema show opencps-dossier@1
    """
    shell = shell_of(context)
    schema = find_schema(catalog_of(shell)[0], ref)
    about, fields = _about(schema), fields_of(schema.document)
    subject = "   ".join(f"{one['system']}: {one['pointer']}" for one in about["subject"]) or "none"
    state = "each message is the full state of its dossier" if schema.full_state else "not a full state"
    cells = [(one["path"], one["type"], "yes" if one["required"] else "", one["description"]) for one in fields]
    shell.answer(
        {**about, "fields": fields},
        Text(f"{schema.ref}: {schema.role}, {state}", "bold"),
        f"  names of the dossier  {printable(subject)}",
        *(f"  {name:<20}  {printable(' or '.join(pointers))}" for name, pointers in schema.pointers.items()),
        "",
        table(("field", "type", "required", "meaning"), cells),
    )


@app.command("export")
def export(context: typer.Context, ref: Ref, out: Out = None, as_json: Json = False) -> None:
    """Print a schema's file as it is, for another program's validator. Exit code 3 for none.

    With --json the document says which file it is, beside its content. The files that an XSD or a WSDL imports are written
    with it by --out, into the folder that it names.

    \b
    Example:  hub schema export opencps-dossier@1 --out opencps-dossier.json
    """
    hand_out(shell_of(context), SCHEMAS, ref, out)


def catalog_of(shell: Shell, keys: Mapping[str, str] | None = None) -> tuple[Catalog, list[Problem]]:
    """What can be read of the home's catalog, and what is wrong with the rest. The partners' secrets are not needed. Raises
    BadConfig for the configuration. ``keys``: those that mappings hash with."""
    from hub.assembly import fetched_tables
    from hub.connector import installed_connectors, load_connector
    from hub.translation import Catalog

    home = shell.home()
    return Catalog.read(home.layers, fetched_tables(map(load_connector, installed_connectors())), keys)


def find_schema(catalog: Catalog, ref: str) -> Schema:
    """The newest schema that the reference allows. Raises NotFound."""
    try:
        return catalog.schema(ref)
    except UnknownSchema as error:
        raise NotFound(f"{error.problems[0].message}; {error.problems[0].hint}") from None


def hand_out(shell: Shell, patterns: Sequence[str], ref: str, out: Path | None) -> None:
    """A file of the catalog as it is: to ``out``, which must not be there yet, or to stdout. Raises NotFound.

    What it imports goes with it to ``out``. Where ``out`` is named by another version, as ``…/1.1.0.yaml``, that version is
    written into it.
    """
    from hub.translation.versions import is_full, newest

    known = {SchemaRef.parse(name): file for name, file in files(shell.home(), patterns).items()}
    try:
        found = newest(SchemaRef.parse(ref), known)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ID@V") from None
    if found is None:
        raise NotFound(f"the catalog has nothing of that name; there are: {', '.join(sorted(map(str, known)))}")
    name, file = str(found), known[found]
    text = file.read_text(encoding="utf-8")
    imported = sorted(one for one in file.with_suffix("").rglob("*") if one.is_file()) if file.suffix in _IMPORTING else []
    if out is None:
        shell.answer({"name": name, "file": str(file), "content": text, "imports": [str(one) for one in imported]})
        if not shell.as_json:
            typer.echo(text, nl=False)
        if imported:
            shell.note(f"it imports {plural(len(imported), 'file')}: --out FILE writes them too")
        return
    if out.suffix == ".yaml" and is_full(out.stem):
        text = re.sub(r"(?m)^version:.*$", f"version: {out.stem}", text, count=1)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("x", encoding="utf-8") as opened:
            opened.write(text)
        for one in imported:
            copy = out.parent / one.relative_to(file.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            with copy.open("xb") as opened_copy:
                opened_copy.write(one.read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"{printable(out)}: {error.strerror}", param_hint="--out") from None
    beside = f", with {plural(len(imported), 'file')} that it imports" if imported else ""
    told = f"{name} written to {printable(out)}{beside}"
    shell.answer({"name": name, "file": str(file), "out": str(out), "imports": [str(one) for one in imported]}, told)


def _about(schema: Schema) -> dict[str, Any]:
    subject = [{"system": system, "pointer": pointer} for system, pointer in schema.subject]
    return {
        "schema": str(schema.ref), "role": schema.role, "full_state": schema.full_state, "subject": subject,
        "title": schema.document.get("title", ""), "file": schema.source,
    }  # fmt: skip


def fields_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every field of a JSON Schema: ``path`` dotted (``documents[].title``), ``type``, ``required``, ``description``."""
    found: list[dict[str, Any]] = []

    def resolve(node: Any) -> dict[str, Any]:
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            target: Any = document
            for part in node["$ref"].split("/")[1:]:
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node if isinstance(node, dict) else {}

    def walk(node: Any, under: str, depth: int) -> None:
        node = resolve(node)
        for name, child in node.get("properties", {}).items():
            field = resolve(child)
            kinds = [field, *map(resolve, field.get("anyOf", ()))]
            required = name in node.get("required", ())
            words = " | ".join(dict.fromkeys(word for one in kinds for word in _words(one)))
            about = field.get("description") or field.get("title") or ""
            found.append({"path": under + name, "type": words, "required": required, "description": about})
            for one in kinds if depth < 8 else ():
                walk(one, f"{under}{name}.", depth + 1)
                if "items" in one:
                    walk(one["items"], f"{under}{name}[].", depth + 1)

    walk(document, "", 0)
    return found


def _words(node: dict[str, Any]) -> list[str]:
    if "enum" in node:
        return [str(one) for one in node["enum"]]
    if "const" in node:
        return [str(node["const"])]
    kinds = node.get("type", [])
    shown = [kinds] if isinstance(kinds, str) else list(kinds)
    return [f"{one} ({node['format']})" if one == "string" and "format" in node else one for one in shown]
