"""``hub audit``: who did what to the hub, when and why."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from hub.cli.shell import ZONE, Json, in_store, local, shell_of, table


def audit(
    context: typer.Context,
    since: Annotated[
        datetime | None, typer.Option("--since", metavar="TIME", help="Only from this time on, in Asia/Ho_Chi_Minh.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many lines.")] = 100,
    as_json: Json = False,
) -> None:
    """Show the audit trail, newest first: replays, discards, pauses, keys, erasures, each with who did it and why.

    The target is an id: of an arrival, delivery, dossier or key; or an endpoint's name. What was done to one dossier stands
    in `hub trace` too. Times are those of Asia/Ho_Chi_Minh (with --json: UTC).

    \b
    Examples:  hub audit
               hub audit --since 2026-11-21T08:00:00 --json
    """
    shell = shell_of(context)
    first = None if since is None else int(since.replace(tzinfo=ZONE).timestamp() * 1_000_000)
    found = in_store(shell.home(), lambda store: store.audit(since=first, limit=limit))
    rows = [(local(one["at"]), one["actor"], one["act"], one["target"], one.get("why")) for one in found]
    shown = table(("at", "who", "act", "target", "why"), rows)
    shell.answer({"audit": found}, shown if found else "nothing on record")
