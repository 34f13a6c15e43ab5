"""``hub lookups``: who asked which registry about whom, when and why; never what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import typer

from hub.cli.names import endpoint_names
from hub.cli.shell import ZONE, Json, in_store, local, shell_of, table

Outcome = Literal[
    "found", "not_found", "confirmed", "mismatch", "unreachable", "refused", "not_askable", "unreadable", "asked"
]  # fmt: skip


def lookups(
    context: typer.Context,
    officer: Annotated[
        str | None, typer.Option("--officer", metavar="ID", help="Only those of this officer, by the id that was given.")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="NAME", help="Only those put to this registry.", autocompletion=endpoint_names),
    ] = None,
    dossier: Annotated[
        str | None,
        typer.Option("--dossier", metavar="CODE", help="Only those about this dossier, by what any system calls it."),
    ] = None,
    outcome: Annotated[
        Outcome | None, typer.Option("--outcome", help="Only those that came to this: mismatch lists whose owner did not fit.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option("--since", metavar="TIME", help="Only from this time on, in Asia/Ho_Chi_Minh.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many lines.")] = 100,
    as_json: Json = False,
) -> None:
    """Show the questions put to registries, newest first: who asked, by which key, on what ground, and what came of it.

    kind: look-up and confirm were asked over HTTP by the system of an officer, verify by a route before it sent a dossier.
    outcome: found, not_found; confirmed, mismatch; unreachable (the registry did not answer, or refuses the hub), refused (by
    the registry), not_askable (the connector could not put it to the registry), unreadable (no mapping takes the answer);
    asked: the hub stopped before it knew. --json has the reason where there is no answer. Whom a question was about stands
    there as a digest (equal for the same person and name), the answer nowhere. Purging bodies erases none of this.

    \b
    Examples:  hub lookups
               hub lookups --officer cb-0001 --since 2026-11-21T08:00:00
               hub lookups --outcome mismatch --since 2026-11-21T08:00:00
               hub lookups --dossier 000.00.10.H22-261121-0001 --json
    """
    shell = shell_of(context)
    first = None if since is None else int(since.replace(tzinfo=ZONE).timestamp() * 1_000_000)
    found = in_store(
        shell.home(),
        lambda store: store.lookups(
            officer=officer, endpoint=endpoint, since=first, limit=limit, dossier=dossier, outcome=outcome
        ),
    )
    columns = ("at", "officer", "key", "endpoint", "kind", "outcome", "code", "dossier", "procedure", "purpose")
    rows = [(local(one["at"]), *(one.get(name, "") for name in columns[1:])) for one in found]
    shell.answer({"lookups": found}, table(columns, rows) if found else "nothing on record")
