"""``hub schema compat``: can whoever reads with one version of a schema read what was written with another?"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.text import Text

from hub.cli.names import schema_ids
from hub.cli.shell import REFUSED, Json, Shell, plural, printable, shell_of
from hub.errors import BadConfig, NotFound, Problem
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.translation import Schema
    from hub.translation.compat import Break

Known = dict[SchemaRef, "Schema"]
Pair = tuple[str, str, dict[str, Any], dict[str, Any]]
_LONGEST = 300


def compat(
    context: typer.Context,
    old: Annotated[
        str | None,
        typer.Argument(metavar="[OLD]", help="ID@V or a JSON file; without NEW: ID or ID@MAJOR.", autocompletion=schema_ids),
    ] = None,
    new: Annotated[str | None, typer.Argument(metavar="[NEW]", help="ID@V or a JSON file.", autocompletion=schema_ids)] = None,
    mode: Annotated[
        Literal["backward", "forward", "full"], typer.Option("--mode", help="Who must be able to read whom.")
    ] = "backward",
    everything: Annotated[bool, typer.Option("--all", help="Every schema of the home.")] = False,
    as_json: Json = False,
) -> None:
    """Say whether two versions of a schema are compatible, and name each place where they are not.

    backward: who reads with NEW can read all that is valid under OLD. forward: who reads with OLD can read all that is valid
    under NEW. full: both. Without NEW, each version of the schema is compared with each older one of its major version. Each
    place comes with an instance that the one takes and the other refuses; where neither proof nor instance is found in time
    it is `undecided`, which counts as breaking. docs/compatibility.md has the table. Exit code 1 when something breaks.

    \b
    Example:  hub schema compat npsp-dossier@1.0.0 npsp-dossier@1.1.0 --mode full
    """
    from hub.translation.compat import find_breaks

    shell = shell_of(context)
    if everything == (old is not None):
        raise typer.BadParameter("name a schema, or write --all", param_hint="[OLD]")
    pairs = _pairs(shell, old, new)
    found = [(*pair[:2], find_breaks(*pair[2:], mode)) for pair in pairs]
    document = [
        {"old": before, "new": after, "compatible": not breaks, "breaks": [one.as_dict() for one in breaks]}
        for before, after, breaks in found
    ]
    compatible = not any(breaks for *_, breaks in found)
    shell.answer(
        {"compatible": compatible, "mode": mode, "pairs": document},
        *(line for before, after, breaks in found for line in _lines(before, after, mode, breaks)),
        *([] if found else ["there are no two versions to compare"]),
    )
    if not compatible:
        raise typer.Exit(REFUSED)


def _pairs(shell: Shell, old: str | None, new: str | None) -> list[Pair]:
    """(name, name, schema, schema) of each older and newer version to compare. Raises NotFound, BadConfig."""
    from hub.translation.versions import allows, order, same_major

    if old is not None and new is not None:
        known = {} if _is_file(old) and _is_file(new) else _schemas(shell)
        (before, written), (after, read) = (_document(known, one) for one in (old, new))
        return [(before, after, written, read)]
    known = _schemas(shell)
    wanted = [one for one in known if old in (None, one.id) or ("@" in str(old) and allows(_reference(str(old)), one))]
    if not wanted:
        raise NotFound("no schema of the home has that name; see `hub schema list`")
    wanted.sort(key=lambda one: (one.id, order(one)))
    pairs = [(a, b) for a, b in itertools.combinations(wanted, 2) if same_major(a, b)]
    return [(str(a), str(b), known[a].document, known[b].document) for a, b in pairs]


def _schemas(shell: Shell) -> Known:
    """The home's schemas alone; what is wrong with others is for `hub check` to say."""
    from hub.translation.files import read_schemas

    return read_schemas(shell.home().layers, [])


def _is_file(named: str) -> bool:
    return named.endswith(".json") or "/" in named


def _reference(named: str) -> SchemaRef:
    try:
        return SchemaRef.parse(named)
    except ValueError:
        raise NotFound("a schema is named id@version, such as dossier@1, or as a file that ends in .json") from None


def _document(known: Known, named: str) -> tuple[str, dict[str, Any]]:
    if not _is_file(named):
        from hub.translation.versions import newest

        found = newest(_reference(named), known)
        if found is None:
            raise NotFound("no schema of the home has that name; see `hub schema list`")
        return str(found), known[found].document
    import jsonschema_rs

    def wrong(code: str, message: str) -> BadConfig:
        return BadConfig([Problem("", code, message, source=printable(named))])

    try:
        document = json.loads(Path(named).read_bytes(), object_pairs_hook=_each_once)
    except OSError as error:
        raise NotFound(f"{printable(named)} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise wrong("not_json", f"the file is not JSON: {printable(error)}") from None
    if not isinstance(document, dict):
        raise wrong("not_a_schema", "the hub's schemas are JSON objects")
    try:
        jsonschema_rs.Draft202012Validator(document, validate_formats=True, retriever=_nothing_else)
    except (ValueError, jsonschema_rs.ReferencingError):
        raise wrong("not_a_schema", "not a valid JSON Schema 2020-12, or a $ref that leads out of the file") from None
    return printable(named), document


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(whole := dict(pairs)) != len(pairs):
        raise ValueError("a key is written twice")
    return whole


def _nothing_else(uri: str) -> NoReturn:
    raise ValueError(uri)


def _lines(old: str, new: str, mode: str, breaks: list[Break]) -> list[str | Text]:
    if not breaks:
        return [Text(f"{old} → {new}: compatible ({mode})", "bold green")]
    lines: list[str | Text] = [Text(f"{old} → {new}: {plural(len(breaks), 'place')} not compatible ({mode})", "bold red")]
    for one in breaks:
        lines.append(printable(f"  {one.at or '(whole)'}: {one.keyword}: {one.change} [{one.verdict} {one.direction}]"))
        if one.proof:
            writer, reader = (old, new) if one.direction == "backward" else (new, old)
            text = json.dumps(one.proof[0], ensure_ascii=False)
            lines.append(printable(f"    {writer} takes, {reader} refuses: {text[:_LONGEST]}"))
    return lines
