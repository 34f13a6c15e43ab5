"""``hub table``: code tables, seen by whoever keeps them: check them, make one from a CSV file, compare two versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hub.cli.names import catalog_ids, files
from hub.cli.schema import catalog_of
from hub.cli.shell import REFUSED, ZONE, Json, Shell, plural, printable, problem_text, shell_of, table
from hub.errors import BadConfig, NotFound, Problem
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.translation import Catalog, CodeTable
    from hub.translation.table_differences import Change
    from hub.translation.table_rows import Key

FOLDER = "mappings/tables"
app = typer.Typer(no_args_is_help=True, help="Code tables: check, import, compare.")


@app.command("check")
def check(
    context: typer.Context,
    ref: Annotated[
        str | None, typer.Argument(metavar="[ID@V]", help="One table only, such as states@1.", autocompletion=catalog_ids)
    ] = None,
    as_json: Json = False,
) -> None:
    """Check code tables: rows, double keys, days on which they hold, what they extend, and which mappings use them.

    `hub check` finds the same problems among all others. Exit code 1 for a problem, 3 when there is no such table.

    \b
    Example:  hub table check opencps-states@1
    """
    shell = shell_of(context)
    catalog, problems = catalog_of(shell)
    wanted = _reference(ref) if ref is not None else None
    tables = [one for one in catalog.tables() if wanted is None or _allows(wanted, one.ref)]
    concerned = [wanted, *_lineage(shell, wanted)] if wanted is not None else [None]
    found = [one for one in problems if any(_concerns(one, ref) for ref in concerned)]
    if wanted is not None and not tables and not found:
        raise _unknown(shell)
    today = datetime.now(ZONE).date().isoformat()
    told = [_about(one, catalog, today) for one in tables]
    document = {"tables": told, "problems": [one.as_dict() for one in found]}
    rows = [(one["table"], _rows_words(one), ", ".join(one["used_by"]) or "no mapping") for one in told]
    ok = Text(f"ok: {plural(len(told), 'code table')}", "bold green")
    verdict = Text(plural(len(found), "problem"), "bold red") if found else ok
    shell.answer(document, table(("table", "rows", "used by"), rows), *(problem_text(one, "error") for one in found), verdict)
    if found:
        raise typer.Exit(REFUSED)


@app.command("import")
def import_csv(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Its first line names the columns.")],
    name: Annotated[str, typer.Option("--table", metavar="ID", help="Name of the table.")],
    version: Annotated[str, typer.Option("--version", metavar="V", help="The new version, such as 1.1.0.")],
    key: Annotated[str, typer.Option("--key", metavar="A[,B]", help="Column or columns by which it is looked up.")],
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="C[,D]", help="Columns to take; without it all the others.")
    ] = None,
    delimiter: Annotated[str, typer.Option("--delimiter", metavar="CHAR", help="Between the cells; tab for a tab.")] = ",",
    encoding: Annotated[str, typer.Option("--encoding", metavar="NAME", help="How the file is written.")] = "utf-8-sig",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here, not into the home.")] = None,
    as_json: Json = False,
) -> None:
    """Make a new version of a code table from a CSV file, as mappings/tables/ID/V.yaml of the home.

    No file is ever written over. Cells become text as they stand, without blanks around them. Columns named valid_from and
    valid_until are the first and the last day of a row, as 2025-07-01. Every problem names the line of the CSV; then nothing
    is written, with exit code 1.

    \b
    Example:  hub table import units.csv --table units --version 1.0.0 --key MaDonVi --delimiter ";"
    """
    from hub.translation.imported_table import import_table
    from hub.translation.versions import is_full

    shell = shell_of(context)
    ref = _reference(f"{name}@{version}", "--table, --version")
    cut = "\t" if delimiter == "tab" else delimiter
    if not is_full(version):
        raise typer.BadParameter("write it as 1.0.0", param_hint="--version")
    if len(cut) != 1 or cut in '"\r\n':
        raise typer.BadParameter("one character, or tab", param_hint="--delimiter")
    target = out or shell.folder / FOLDER / ref.id / f"{ref.version}.yaml"
    try:
        data, keys, taken = file.read_bytes(), _names(key), _names(columns or "")
        made = import_table(ref, data, keys, taken, source=file.name, delimiter=cut, encoding=encoding)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as opened:
            opened.write(made.text)
    except LookupError:
        raise typer.BadParameter("no encoding has that name", param_hint="--encoding") from None
    except FileExistsError:
        raise typer.BadParameter(
            f"{printable(target)} is there already; choose the next version", param_hint="--version"
        ) from None
    except OSError as error:
        raise typer.BadParameter(f"{printable(error.filename)}: {error.strerror}", param_hint="FILE.csv") from None
    rows = len(made.table.rows or ())
    told = [f"{ref}: {plural(rows, 'row')} written to {printable(target)}"]
    if made.trimmed:
        told.append(f"  {plural(made.trimmed, 'cell')} had blanks around the text; they were left out")
    told.append("next: `hub check`; a running hub takes it with `hub reload`")
    shell.answer({"table": str(ref), "rows": rows, "trimmed": made.trimmed, "file": str(target)}, *told)


Side = Annotated[str, typer.Argument(metavar="ID@V", help="A table of the catalog, or a file.", autocompletion=catalog_ids)]


@app.command("diff")
def diff(context: typer.Context, old: Side, new: Side, as_json: Json = False) -> None:
    """Show which rows of a code table NEW has, lacks or has changed against OLD. Exit code 0, also where they differ.

    Both with the rows that they take over from a table they extend. Exit code 3 when there is no such table.

    \b
    Example:  hub table diff opencps-states@1.0.0 opencps-states@1.1.0
    """
    from hub.translation.table_differences import table_differences

    shell = shell_of(context)
    before, after = (_find(shell, one) for one in (old, new))
    try:
        found = table_differences(before, after)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="NEW") from None
    changes = [{"key": [*one.key], "column": one.column, "old": one.old, "new": one.new} for one in found.changed]
    document = {
        "old": str(before.ref), "new": str(after.ref), "added": [*map(list, found.added)],
        "removed": [*map(list, found.removed)], "changed": changes,
    }  # fmt: skip
    told = [Text(f"- {_row(before, key)}", "red") for key in found.removed]
    told += [Text(f"+ {_row(after, key)}", "green") for key in found.added]
    told += [Text(printable(f"~ {_cells(one.key)}: {one.column}: {_change(one)}"), "yellow") for one in found.changed]
    counted = (
        (len(found.added), "added"),
        (len(found.removed), "removed"),
        (len({one.key for one in found.changed}), "changed"),
    )
    words = ", ".join(f"{plural(count, 'row')} {what}" for count, what in counted if count)
    shell.answer(document, *told, f"{before.ref} → {after.ref}: {words or 'the same rows'}")


def _about(one: CodeTable, catalog: Catalog, today: str) -> dict[str, Any]:
    from hub.translation.table_rows import holds, period_of
    from hub.translation.versions import newest

    known = [other.ref for other in catalog.tables()]
    used = {
        str(mapping.ref)
        for mapping in catalog.mappings()
        for entry in mapping.tables.values()
        if entry.use and newest(entry.use, known) == one.ref
    }
    rows = one.rows or {}
    now = sum(holds(period_of(one.columns, cells), today, today) for cells in rows.values()) if one.dated else None
    return {
        "table": str(one.ref), "key": [*one.key], "columns": [*one.columns], "rows": None if one.rows is None else len(rows),
        "rows_today": now, "extends": str(one.extends.ref) if one.extends else None, "used_by": sorted(used),
    }  # fmt: skip


def _rows_words(one: dict[str, Any]) -> str:
    if one["rows"] is None:
        return "not fetched yet: hub catalog refresh"
    dated = "" if one["rows_today"] is None else f", {one['rows_today']} hold today"
    return f"{one['rows']}{dated}{', with those of ' + one['extends'] if one['extends'] else ''}"


def _concerns(one: Problem, wanted: SchemaRef | None) -> bool:
    """Is it a problem of a table's file (of this table), or else of a mapping's use of some table?"""
    if wanted is not None:
        return f"{FOLDER}/{wanted.id}/{wanted.version}." in one.source
    return f"{FOLDER}/" in one.source or one.at.startswith("tables.")


def _lineage(shell: Shell, wanted: SchemaRef) -> set[SchemaRef]:
    """The tables that are meant and those that they extend: what is wrong there is wrong with them too."""
    from hub.translation.files import read_tables
    from hub.translation.inherited_rows import lineage

    tables = read_tables(shell.home().layers, [])
    return {one for ref in tables if _allows(wanted, ref) for one in lineage(ref, tables)}


def _find(shell: Shell, named: str) -> CodeTable:
    """A table of the catalog, or the one in a file, whole. Raises NotFound, or BadConfig for what is wrong with it."""
    from hub import strictyaml
    from hub.translation.files import read_tables
    from hub.translation.inherited_rows import inherit
    from hub.translation.tables import parse_table
    from hub.translation.versions import newest

    problems: list[Problem] = []
    tables = read_tables(shell.home().layers, problems)
    if named.endswith(".yaml"):
        document = strictyaml.load(Path(named))
        wanted = _reference(f"{document.text('table')}@{document.text('version')}")
        tables[wanted] = parse_table(wanted, document, "")
    else:
        wanted = _reference(named)
    found = newest(wanted, tables)
    inherit(tables, problems)
    if found is None:
        raise _unknown(shell)
    if found not in tables:
        raise BadConfig(problems)
    return tables[found]


def _unknown(shell: Shell) -> NotFound:
    known = ", ".join(sorted(files(shell.home(), [f"{FOLDER}/*/*.yaml"])))
    return NotFound(f"no code table has that name; there are: {known or 'none'}")


def _reference(text: str, hint: str = "ID@V") -> SchemaRef:
    try:
        return SchemaRef.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error).replace("a schema", "a table"), param_hint=hint) from None


def _allows(wanted: SchemaRef, exact: SchemaRef) -> bool:
    from hub.translation.versions import allows

    return allows(wanted, exact)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _cells(cells: Sequence[Any] | Key) -> str:
    return " / ".join(str(cell) if cell != "" else '""' for cell in cells)


def _change(one: Change) -> str:
    """Both cells; as JSON where they are of two kinds, so that 1 and "1" look different."""
    write = str if type(one.old) is type(one.new) else partial(json.dumps, ensure_ascii=False)
    return f"{write(one.old)} → {write(one.new)}"


def _row(one: CodeTable, key: Key) -> str:
    return printable(f"{_cells(key[: len(one.key)])}: {_cells((one.rows or {})[key])}")
