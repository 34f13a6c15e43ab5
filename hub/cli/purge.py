"""``hub purge``: erases bodies, by age or of one dossier; ids, digests, receipts and history stay."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

import typer

from hub.cli.shell import ZONE, Json, actor, in_store, local_micros, plural, shell_of


def purge(
    context: typer.Context,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="DATE", help="Erase what was final before this day (2026-11-21), in Vietnam's time."),
    ] = None,
    dossier: Annotated[
        str | None, typer.Option("--dossier", metavar="CODE", help="Erase all bodies of this one dossier, however new.")
    ] = None,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Reason for the audit trail; needed with --dossier.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, but erase nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Erase bodies: what arrived, what it became, and what was sent. It cannot be undone.

    Without an option, what `retention.bodies_days` in config.yaml says; a running hub does that by itself every hour. Only what
    is final goes: what is kept, waits, is in doubt or dead keeps its bodies. Ids, salted digests, receipts, ledger and history
    stay: a message sent again is still recognised, a trace says when the body was erased. What is erased cannot be
    back-filled to a new route. Backups made before still hold it.

    With --dossier all bodies of one dossier are erased, as when its owner asks for it; exit code 1 while something of it is
    not final.

    \b
    Examples:  hub purge --dry-run
               hub purge --before 2025-01-01
               hub purge --dossier 000.00.10.H22-261121-0001 --why "request 12/2026 of the dossier's owner"
    """
    from hub.message import system_clock
    from hub.store.retention import DAY
    from hub.store.retention import purge as erase

    shell = shell_of(context)
    home = shell.home()
    now = system_clock()
    if dossier is not None:
        if before is not None or dry_run or not why.strip():
            raise typer.BadParameter("--dossier goes with --why and nothing else: say why, for those who read the record later")
        erased = in_store(home, lambda store: store.erase_dossier(dossier, actor=actor(), why=why, now=now))
        shell.answer({"erased": erased, "dry_run": False}, f"the bodies of {plural(erased, 'arrival')} are erased")
        return
    days = home.config.retention.bodies_days
    if before is None and days is None:
        raise typer.BadParameter("say --before DATE, or set retention.bodies_days in config.yaml")
    until = now - (days or 0) * DAY if before is None else _midnight(before)
    if until > now:
        raise typer.BadParameter("--before lies in the future: only what is final and past can be erased")
    with shell.progress("erasing bodies") as advance:
        erased = in_store(home, lambda store: erase(store, until, system_clock, actor=actor(), dry_run=dry_run, tell=advance))
    outcome = "would be erased (dry run)" if dry_run else "are erased"
    document = {"erased": erased, "dry_run": dry_run, "before": local_micros(until)}
    shell.answer(document, f"the bodies of {plural(erased, 'arrival')}, final before {local_micros(until)}, {outcome}")


def _midnight(day: str) -> int:
    try:
        return int(datetime.combine(date.fromisoformat(day), time(), ZONE).timestamp()) * 1_000_000
    except ValueError:
        raise typer.BadParameter("--before wants a day, such as 2026-11-21") from None
