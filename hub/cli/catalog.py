"""``hub catalog``: which schemas, mappings and code tables there are, and fetching code tables from their partners."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.names import CATALOG, catalog_ids, endpoint_names
from hub.cli.schema import Out, catalog_of, hand_out
from hub.cli.shell import REFUSED, ZONE, Json, plural, printable, shell_of, table, unknown_name
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.assembly import Endpoint
    from hub.config import Home
    from hub.translation import CodeTable

Rows = Mapping[str, Mapping[str, str]]
SHOWN_CODES = 10
app = typer.Typer(no_args_is_help=True, help="Schemas, mappings and code tables.")


@app.command("list")
def list_catalog(context: typer.Context, as_json: Json = False) -> None:
    """List schemas, mappings and code tables with their versions. Exit code 1 when some cannot be read (`hub check`).

    \b
    Example:  hub catalog list
    """
    shell = shell_of(context)
    catalog, problems = catalog_of(shell)
    schemas = [{"schema": str(ref), "role": catalog.schema(ref).role} for ref in catalog.schemas()]
    mappings = [
        {"mapping": str(one.ref), "status": one.status, "from": str(one.from_ref), "to": str(one.to_ref)}
        for one in catalog.mappings()
    ]
    tables = [
        {"table": str(one.ref), "rows": None if one.rows is None else len(one.rows), "fetched": one.fetched}
        for one in catalog.tables()
    ]
    rows = [("schema", one["schema"], one["role"]) for one in schemas]
    rows += [("mapping", one["mapping"], f"{one['from']} → {one['to']} ({one['status']})") for one in mappings]
    for entry in tables:
        known = "not fetched yet: hub catalog refresh" if entry["rows"] is None else f"{entry['rows']} rows"
        rows.append(("table", str(entry["table"]), f"{known}{', fetched' if entry['fetched'] else ''}"))
    document = {"schemas": schemas, "mappings": mappings, "tables": tables, "problems": len(problems)}
    shell.answer(document, table(("what", "version", "about"), rows))
    if problems:
        shell.note(f"{plural(len(problems), 'problem')} in these files: `hub check` shows them")
        raise typer.Exit(REFUSED)


@app.command("export")
def export(
    context: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="ID@V", help="Schema, mapping or code table.", autocompletion=catalog_ids)],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Print the file of a mapping, code table or schema as it is, to make a version of your own from it.

    A file in the home is taken before one of the same name that came with the hub. With --out the folders of FILE are made;
    where FILE is named by another version, as below, its `version:` is raised to it. Exit code 3 when there is none.

    \b
    Example:  hub catalog export opencps-states@1 --out mappings/tables/opencps-states/1.1.0.yaml
    """
    hand_out(shell_of(context), CATALOG, ref, out)


@app.command("refresh")
def refresh(
    context: typer.Context,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="NAME", help="Only this endpoint's tables.", autocompletion=endpoint_names),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch code tables from the partners that offer them, each into a new dated version beside the older ones.

    Nothing is made up: a row that lacks a column is left out and said; an empty answer changes nothing. A table equal to
    the one there is writes nothing. A running hub takes the new version with `hub reload` or at its next start. Exit code 1
    when a table could not be written, 4 when a partner does not answer.

    \b
    Example:  hub catalog refresh --endpoint portal
    """
    from hub.assembly import open_endpoints

    shell = shell_of(context)
    home = shell.home(partners=True)
    endpoints = open_endpoints(home)
    if endpoint is not None and endpoint not in endpoints:
        raise unknown_name("endpoint", endpoints)
    chosen = [one for name, one in endpoints.items() if endpoint in (None, name) and one.connector.tables]
    with shell.progress("fetching code tables", sum(len(one.connector.tables) for one in chosen)) as advance:
        fetched = asyncio.run(_fetch(chosen, advance))
    results = [
        _written(home, endpoints, name, wanted, columns, rows, datetime.now(ZONE)) for name, wanted, columns, rows in fetched
    ]
    told = [line for one in results for line in _lines(one)] or ["no endpoint offers a code table"]
    if any(one["file"] for one in results):
        told.append("a running hub takes it with `hub reload`, or at its next start")
    shell.answer({"tables": results}, *told)
    if any(one["outcome"] == "refused" for one in results):
        raise typer.Exit(REFUSED)


async def _fetch(
    endpoints: Sequence[Endpoint], advance: Callable[[int], object]
) -> list[tuple[str, str, tuple[str, ...], Rows]]:
    """(endpoint, table, columns, rows) of every table offered. Raises DeliveryError."""
    from hub.connector import ConnectorContext, TableSource
    from hub.message import system_clock

    found: list[tuple[str, str, tuple[str, ...], Rows]] = []
    for one in endpoints:
        connector = one.connector(one.settings, ConnectorContext(one.name, system_clock))
        assert isinstance(connector, TableSource)
        await connector.open()
        try:
            for wanted, columns in connector.tables.items():
                found.append((one.name, wanted, tuple(columns), await connector.fetch_table(wanted)))
                advance(1)
        finally:
            await connector.close()
    return found


def _written(
    home: Home, endpoints: Mapping[str, Endpoint], source: str, wanted: str, columns: tuple[str, ...], rows: Rows, at: datetime
) -> dict[str, Any]:
    """Write the table unless it is empty or nothing changed; says what became of it."""
    from hub.translation import write_fetched_table

    missing = Counter(column for values in rows.values() for column in columns if not values.get(column))
    whole = {code: values for code, values in rows.items() if all(values.get(column) for column in columns)}
    left_out = sorted(set(rows) - set(whole))
    before = _newest(home, endpoints, wanted)
    old = {key[0]: cells for key, cells in before.rows.items()} if before is not None and before.rows is not None else None
    new = {code: tuple(values[column] for column in columns) for code, values in whole.items()}
    result: dict[str, Any] = {
        "endpoint": source, "table": wanted, "rows": len(whole), "columns_missing": dict(missing),
        "rows_left_out": left_out, "file": None, "outcome": "unchanged",
        "added": sorted(set(new) - set(old or {})), "removed": sorted(set(old or {}) - set(new)),
        "changed": sorted(code for code, cells in new.items() if old is not None and code in old and old[code] != cells),
        "first": old is None,
    }  # fmt: skip
    if not new:
        result |= {"outcome": "refused", "removed": []}
    elif old != new or (before is not None and before.columns != columns):
        path: Path = write_fetched_table(home.folder, wanted, columns, whole, source, at)
        result |= {"outcome": "written", "file": str(path)}
    return result


def _newest(home: Home, endpoints: Mapping[str, Endpoint], wanted: str) -> CodeTable | None:
    """The newest version that is there, even if other files of the catalog are broken."""
    from hub.assembly import fetched_tables
    from hub.translation import Catalog

    ref = SchemaRef.parse(wanted)
    catalog, _ = Catalog.read(home.layers, fetched_tables(one.connector for one in endpoints.values()))
    fitting = [
        one
        for one in catalog.tables()
        if one.ref.id == ref.id and f"{one.ref.version}.".startswith(f"{ref.version}.") and one.rows is not None
    ]
    return fitting[-1] if fitting else None


def _lines(one: Mapping[str, Any]) -> list[str]:
    name = f"{one['table']} from {one['endpoint']}"
    lines: list[str] = []
    if one["outcome"] == "refused":
        lines.append(f"{name}: the partner gave no complete row; the table stays as it was")
    elif one["outcome"] == "unchanged":
        lines.append(f"{name}: {plural(one['rows'], 'row')}, as before; nothing written")
    else:
        lines.append(f"{name}: {plural(one['rows'], 'row')} written to {one['file']}")
        if not one["first"]:
            lines += [f"  {kind}: {_codes(one[kind])}" for kind in ("added", "removed", "changed") if one[kind]]
    if one["rows_left_out"]:
        lacking = ", ".join(f"{column} ({count})" for column, count in one["columns_missing"].items())
        lines.append(f"  left out, as a column is missing: {_codes(one['rows_left_out'])}; columns missing: {lacking}")
    return lines


def _codes(codes: Sequence[str]) -> str:
    more = f" and {len(codes) - SHOWN_CODES} more" if len(codes) > SHOWN_CODES else ""
    return printable(", ".join(codes[:SHOWN_CODES]) + more)
