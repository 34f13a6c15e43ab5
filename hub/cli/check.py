"""``hub check``: everything that is wrong with a hub home, at once, each with what to write instead."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from hub.cli.shell import REFUSED, Json, plural, problem_text, shell_of

if TYPE_CHECKING:
    from hub.assembly import Assembly


def check(
    context: typer.Context,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors.")] = False,
    as_json: Json = False,
) -> None:
    """Check config, connectors, schemas, mappings with their tests, code tables and routes together.

    Warns of what runs but should not stay: nothing configured, a secret in the file, a partner whose way is not said, plain
    HTTP to other machines.
    Shows every problem as `file:line: error: place: what is wrong` and, below it, what to write instead. Nothing is sent
    and nothing is stored. Then each source's and route's way, and how many fields are lost on it or given (`hub map path`
    names them). `hub run` refuses to start on the same errors. Exit code 1 when there is an error.

    \b
    Example:  hub check --strict
    """
    from hub.assembly import examine
    from hub.cli.cautions import cautions
    from hub.cli.map_path import path_line, paths_of

    shell = shell_of(context)
    parts, errors, warnings = examine(shell.folder)
    warnings += cautions(parts, shell.folder) if parts is not None else ()
    failed = bool(errors) or (strict and bool(warnings))
    paths = paths_of(parts) if parts is not None and not errors else []
    document = {
        "ok": not failed, "errors": [one.as_dict() for one in errors], "warnings": [one.as_dict() for one in warnings],
        "paths": paths,
    }  # fmt: skip
    shell.answer(
        document,
        *(problem_text(one, "error") for one in errors),
        *(problem_text(one, "warning") for one in warnings),
        *map(path_line, paths),
        _verdict(parts, len(errors), len(warnings), failed),
    )
    if failed:
        raise typer.Exit(REFUSED)


def _verdict(parts: Assembly | None, errors: int, warnings: int, failed: bool) -> Text:
    counted = f"{plural(errors, 'error')}, {plural(warnings, 'warning')}"
    if failed or parts is None:
        return Text(counted, "bold red")
    catalog = parts.catalog
    sizes: dict[str, Sized] = {"schema": catalog.schemas(), "mapping": catalog.mappings(), "code table": catalog.tables()}
    sizes |= {"endpoint": parts.endpoints, "route": parts.router.routes}
    read = ", ".join(plural(len(things), name) for name, things in sizes.items())
    return Text(f"ok: {read}; {counted}", "bold green")
