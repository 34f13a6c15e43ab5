"""``hub release``: what is new and right goes into the locks, and does not change from then on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.schema import catalog_of
from hub.cli.shell import REFUSED, Json, plural, problem_text, shell_of
from hub.errors import Problem
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.translation import Catalog


def release(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be released; write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Release the schemas, mappings and code tables that are new: from then on they never change.

    Checks schemas, mappings with their tests, and tables as `hub check` does; the partners' secrets are not needed. Nothing is
    released on an error, and so when something released was changed or is missing. Every version of a source's or a canonical
    schema must read whatever each one before it allowed, within its major version (`hub schema compat`); a partner's schema is
    free. Then adds the new files to schemas/schemas.lock and mappings/mappings.lock, each with its digest; a line that is there
    never changes. Left out: mappings with `status: draft`, tables that were fetched. A home gets its locks with its first
    release: while one of the two is missing, `hub check` does not look at what it would hold. Exit code 1 when something is
    wrong.

    \b
    Example:  hub release --dry-run
    """
    from hub.translation.lint import lint_catalog
    from hub.translation.lock import UNRELEASED, unreleased
    from hub.translation.lock import release as write_locks

    shell = shell_of(context)
    home = shell.folder
    catalog, problems = catalog_of(shell)
    errors = [one for one in (*problems, *lint_catalog(catalog)) if one.code not in UNRELEASED]
    new = unreleased(home)
    if not errors:
        errors += _incompatible(catalog, new.get("schemas/schemas.lock", []))
    if not errors and not dry_run:
        try:
            write_locks(home, new)
        except OSError as error:
            errors.append(Problem("", "unwritable", f"a lock cannot be written: {error.strerror}", "make the home writable"))
    written = not (errors or dry_run)
    count = sum(map(len, new.values()))
    verdict = "released" if written else "to be released" if not errors else "nothing is released"
    shown = [f"{lock}: + {name}" for lock, names in new.items() for name in names] if not errors else []
    shell.answer(
        {"ok": not errors, "written": written, "new": new, "errors": [one.as_dict() for one in errors]},
        *(problem_text(one, "error") for one in errors),
        *shown,
        f"{plural(len(errors), 'error')}; {verdict}" if errors else f"{plural(count, 'file')} {verdict}",
    )
    if errors:
        raise typer.Exit(REFUSED)


def _incompatible(catalog: Catalog, names: list[str]) -> Iterator[Problem]:
    """Where a version of a schema does not read what one before it allowed, and one of the two is new. The way over a third
    proves nothing: it may be a partner's, or older than the lock."""
    from hub.translation.compat import find_breaks
    from hub.translation.versions import order, same_major

    files = (name.partition("/") for name in names)  # one may be a file that a schema imports: no version is named so
    new = {SchemaRef(folder, file.rpartition(".")[0]) for folder, _, file in files}
    known = sorted(catalog.schemas(), key=lambda one: (one.id, order(one)))
    for before, after in itertools.combinations(known, 2):
        if not same_major(before, after) or not {before, after} & new:
            continue
        old, read = catalog.schema(before), catalog.schema(after)
        if (old.role, read.role) == ("partner", "partner"):
            continue
        hint = f"mend the new one, or release a new major version; see `hub schema compat {before} {after}`"
        for one in find_breaks(old.document, read.document, "backward"):
            does = "is not proved to read" if one.verdict == "undecided" else "does not read"
            text = f"{after} {does} all that {before} allows: {one.keyword} {one.change}"
            yield Problem(one.at, "incompatible", text, hint, (read if after in new else old).source)
