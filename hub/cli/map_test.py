"""``hub map test``: the tests inside the mappings, counted, and what they leave untouched."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hub.cli.candidate import catalog_for, find_mapping
from hub.cli.names import CATALOG, catalog_ids, files
from hub.cli.shell import REFUSED, Json, Shell, plural, printable, problem_text, shell_of
from hub.errors import BadConfig

if TYPE_CHECKING:
    from hub.errors import Problem
    from hub.translation import CodeTable
    from hub.translation.coverage import Where
    from hub.translation.mapping import Mapping


def run(
    context: typer.Context,
    mapping: Annotated[
        str | None,
        typer.Argument(
            metavar="ID[@V]", help="Mapping, or the file of a draft; all when left out.", autocompletion=catalog_ids
        ),
    ] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Show what no test touches, and the percentage.")] = False,
    as_json: Json = False,
) -> None:
    """Run the tests that stand inside the mappings. Exit code 1 when one fails.

    Coverage counts four things: a rule that set its target, a default that was used, a condition that held and did not
    hold, and each row of a code table whose code was looked up: tables written in the mapping, and those of the catalog
    with at most 40 rows. Larger ones, and those fetched from a partner, are named and not counted.

    \b
    Examples:  hub map test
               hub map test opencps-to-dossier --coverage
    """
    shell = shell_of(context)
    catalog = catalog_for(shell)
    wanted = [find_mapping(catalog, mapping)] if mapping else catalog.mappings()
    where = _where(shell)
    told: list[dict[str, Any]] = []
    with shell.progress("running tests", len(wanted)) as advance:
        for one in wanted:
            told.append(_tested(catalog, one, where if coverage else None))
            advance(1)
    failed = sum(tested["failed"] for tested in told)
    shell.answer({"ok": not failed, "tests": sum(tested["tests"] for tested in told), "failed": failed, "mappings": told})
    for tested in told:
        shell.say(*_lines(tested))
    count = plural(sum(tested["tests"] for tested in told), "test")
    verdict = f"{count} of {plural(len(told), 'mapping')}: {f'{failed} failed' if failed else 'all passed'}"
    shell.say(Text(verdict, "bold red" if failed else "bold green"))
    if failed:
        raise typer.Exit(REFUSED)


def _tested(catalog: Any, mapping: Mapping, where: Where | None) -> dict[str, Any]:
    from hub.translation.coverage import cover
    from hub.translation.mapping_tests import run_tests

    covered = None if where is None else cover(catalog, mapping, where)
    problems: list[Problem] = run_tests(catalog, mapping) if covered is None else covered.problems
    told: dict[str, Any] = {
        "mapping": str(mapping.ref), "tests": len(mapping.tests), "failed": len({one.source for one in problems}),
        "problems": [one.as_dict() for one in problems],
    }  # fmt: skip
    if covered is not None:
        untouched = [{"kind": one.kind, "name": one.name, "where": one.where} for one in covered.spots if not one.touched]
        told["coverage"] = {
            "percent": round(covered.percent, 1), "spots": len(covered.spots), "untouched": untouched,
            "tables_not_counted": list(covered.not_counted),
        }  # fmt: skip
    return told


def _lines(told: dict[str, Any]) -> Iterator[Text]:
    from hub.errors import Problem

    passed = told["tests"] - told["failed"]
    text = Text(f"{told['mapping']}: {passed} of {plural(told['tests'], 'test')} passed", "red" if told["failed"] else "")
    found = told.get("coverage")
    if found:
        text.append(f"; {found['percent']} % of {plural(found['spots'], 'spot')} touched")
    yield text
    yield from (problem_text(Problem(**one), "error") for one in told["problems"])
    for one in found["untouched"] if found else ():
        yield Text(f"    {one['where']}: no test touches the {one['kind']} {printable(one['name'])}", "yellow")
    if found and found["tables_not_counted"]:
        yield Text(f"    not counted row by row: {', '.join(found['tables_not_counted'])}", "dim")


def _where(shell: Shell) -> Where:
    """Finds the line of a table's row in its file; where it cannot (an inherited row), the file is said."""
    from hub import strictyaml

    paths = files(shell.home(), CATALOG[-1:])

    @cache
    def document(name: str, source: str) -> strictyaml.Document | None:
        try:
            return strictyaml.load(paths[name], source)
        except (KeyError, BadConfig):
            return None

    def where(table: CodeTable, key: tuple[str | None, ...]) -> str:
        found = document(str(table.ref), table.source)
        for index in range(len(found.data["rows"]) if found else 0):
            if found and tuple(found.text("rows", index, place) for place in range(len(key))) == key:
                return found.at("rows", index)
        return table.source

    return where
