"""``hub map path``: the way a message takes from one schema to another, what each field comes to, and the ways not taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from hub.cli.names import schema_ids
from hub.cli.schema import catalog_of, find_schema
from hub.cli.shell import REFUSED, Json, plural, printable, problem_text, shell_of, table
from hub.errors import BadConfig, Problem
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.assembly import Assembly
    from hub.translation.catalog import Catalog
    from hub.translation.chain import Chain
    from hub.translation.way_report import WayReport
    from hub.translation.ways import Way


def path(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="Schema of the message, such as opencps-dossier@1.", autocompletion=schema_ids)
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="Schema to become, id@major.", autocompletion=schema_ids)],
    via: Annotated[
        list[str] | None,
        typer.Option("--via", metavar="MAPPING@V", help="Exactly these mappings, in order, as via: of a route; repeatable."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the mappings that lead from one schema to another, and what becomes of each field on the way.

    Each field of FROM comes to fields of TO, or is lost: at which mapping, and why. Then the fields of TO that a default or a
    constant fills, those that nothing fills, and the ways that are not taken, with the reason. Fields that an open schema does
    not name are not counted. Exit code 1 when no way leads there or several do, 3 when a schema is not there.

    \b
    Example:  hub map path opencps-dossier@1 npsp-dossier@1
    """
    shell = shell_of(context)
    try:
        pins, wanted = tuple(map(SchemaRef.parse, via or ())), SchemaRef.parse(target)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    catalog, problems = catalog_of(shell)
    start = find_schema(catalog, source).ref
    find_schema(catalog, target)
    if problems:
        shell.note(f"{plural(len(problems), 'problem')} in the catalog's files: `hub check` shows them")
    try:
        document = _document(catalog, catalog.chain(start, wanted, pins), wanted)
    except BadConfig as error:
        (problem,) = error.problems
        if problem.code != "ambiguous":
            raise
        document = _ambiguous(catalog, start, wanted, problem)
        shell.answer(document, problem_text(problem, "error"), *_other_lines(document))
        raise typer.Exit(REFUSED) from None
    shell.answer(document, *_lines(document))


def paths_of(parts: Assembly) -> list[dict[str, Any]]:
    """For ``hub check``: each way that sources and routes take, and how many fields are lost and given on it."""
    catalog, made = parts.catalog, set()
    found = []
    for one in parts.sources:
        for target in one.becomes:
            chain = catalog.chain(one.schema, target)
            made.add(chain.target.ref)
            found.append({"route": None, **_short(chain)})
    for route in parts.router.routes:
        taken = [ref for ref in sorted(made) if route.takes(ref)] or [catalog.schema(route.take).ref]
        found += [{"route": route.name, **_short(catalog.chain(ref, route.as_, route.via))} for ref in taken]
    return found


def path_line(one: Mapping[str, Any]) -> str:
    """A line of ``hub check``."""
    by = " + ".join(one["mappings"]) or "no mapping: as it is"
    name = f"route {one['route']}" if one["route"] else "source"
    return f"{name}: {one['from']} → {one['to']} by {by}; {_counted(one)}"


def _short(chain: Chain) -> dict[str, Any]:
    return {
        "from": str(chain.source.ref), "to": str(chain.target.ref), "mappings": list(map(str, chain.mappings)),
        **_report(chain).counted(),
    }  # fmt: skip


def _report(chain: Chain) -> WayReport:
    from hub.translation.way_report import report

    return report(chain.source.shape, chain.target.shape, chain.steps)


def _document(catalog: Catalog, chain: Chain, wanted: SchemaRef) -> dict[str, Any]:
    from hub.translation.way_report import report

    steps = []
    for step in chain.steps:
        alone = report(step.source.shape, step.target.shape, [step])
        optional = [".".join(one) for one in alone.optional]
        steps.append({
            "mapping": str(step.mapping.ref), "status": step.mapping.status, "source": step.mapping.at(),
            "from": str(step.source.ref), "to": str(step.target.ref), **_fields(alone), "optional": optional,
        })  # fmt: skip
    whole = _report(chain)
    return {
        "from": str(chain.source.ref), "to": str(chain.target.ref), "steps": steps,
        "digest": None if any(step.keys for step in chain.steps) else chain.digest,  # the keys themselves are not read
        "reaches": [{"field": ".".join(one), "to": [".".join(end) for end in ends]} for one, ends in whole.reaches],
        "decides": [".".join(one) for one in whole.decides], **_fields(whole),
        "unset": [".".join(one) for one in whole.unset], "counted": whole.counted(),
        "other_ways": _other_ways(catalog, chain.source.ref, wanted, chain.steps), "problem": None,
    }  # fmt: skip


def _ambiguous(catalog: Catalog, source: SchemaRef, wanted: SchemaRef, problem: Problem) -> dict[str, Any]:
    ways = _other_ways(catalog, source, wanted, ())
    return {"from": str(source), "to": str(wanted), "steps": [], "other_ways": ways, "problem": problem.as_dict()}


def _other_ways(catalog: Catalog, source: SchemaRef, wanted: SchemaRef, taken: Way) -> list[dict[str, Any]]:
    from hub.translation.way_report import other_ways

    if not taken and source.id == wanted.id:
        return []
    return [
        {"mappings": [str(step.mapping.ref) for step in one.steps], "to": str(one.steps[-1].target.ref), "why_not": one.why}
        for one in other_ways(catalog, source, wanted, taken)
    ]


def _fields(report: WayReport) -> dict[str, Any]:
    return {
        "lost": [{"field": ".".join(one.path), "by": one.by, "why": one.why, "source": one.where} for one in report.lost],
        "given": [
            {"field": ".".join(one.path), "kind": one.kind, "value": one.value, "by": one.by, "always": one.always,
             "changes": one.changes, "source": one.where}
            for one in report.given
        ],
    }  # fmt: skip


def _lines(document: Mapping[str, Any]) -> Iterator[str | Text | Table]:
    yield Text(f"{document['from']} → {document['to']}: {_counted(document['counted'])}", "bold")
    for number, step in enumerate(document["steps"], 1):
        given = [len({one["field"] for one in step["given"] if one["kind"] == kind}) for kind in ("default", "constant")]
        counted = _counted({"lost": len(step["lost"]), "default": given[0], "constant": given[1]})
        told = f"  {number}  {step['mapping']} ({step['status']}) → {step['to']}: {counted}, {len(step['optional'])} optional"
        yield f"{told}  {printable(step['source'])}"
    if not document["steps"]:
        yield "  no mapping: as it is"
        return
    yield ""
    yield table(
        (f"field of {document['from']}", "comes to"), [(one["field"], ", ".join(one["to"])) for one in document["reaches"]]
    )
    causes: dict[str, list[str]] = {}
    for one in document["lost"]:
        causes.setdefault(f"{one['by']}, {one['why']}", []).append(one["field"])
    for cause, fields in causes.items():
        yield Text(f"lost at {cause}:", "yellow")
        yield f"  {', '.join(fields)}"
    if document["given"]:
        rows = [(one["field"], _kind(one), _value(one["value"]), one["source"]) for one in document["given"]]
        yield table((f"field of {document['to']}", "gets a", "value", "by"), rows)
    if document["unset"]:
        yield Text(f"fields of {document['to']} that nothing fills:", "yellow")
        yield f"  {', '.join(document['unset'])}"
    yield from _other_lines(document)


def _other_lines(document: Mapping[str, Any]) -> Iterator[str]:
    for one in document["other_ways"]:
        why = one["why_not"] or "as good as another: the hub does not choose"
        yield f"  not taken: {' + '.join(one['mappings'])} → {one['to']}: {why}"


def _counted(counts: Mapping[str, int]) -> str:
    return f"{plural(counts['lost'], 'field')} lost, {counts['default']} with a default, {counts['constant']} with a constant"


def _kind(one: Mapping[str, Any]) -> str:
    return f"{one['kind']}{', always' if one['always'] else ', may change' if one['changes'] else ''}"


def _value(value: Any) -> str:
    return printable(orjson.dumps(value).decode())
