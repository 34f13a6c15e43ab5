"""``hub backfill`` for a route that was added later, and ``hub ledger rebuild`` for the proof that the ledger is right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.shell import REFUSED, Json, opened, plural, printable, shell_of

if TYPE_CHECKING:
    from hub.assembly import Assembly
    from hub.ledger.backfill import Backfilled
    from hub.message import SchemaRef
    from hub.routing import Route

ledger = typer.Typer(no_args_is_help=True, help="What each partner knows of each dossier.")


def backfill(
    context: typer.Context,
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="Name of the route in config.yaml.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, but add nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Send messages accepted before a route existed along that route too.

    Each message that has no delivery on the route and fits it gets one, in the order of its dossier. Doing it again adds
    nothing. A running hub begins to send them at once; without one they wait. Exit code 3 for an unknown route.

    \b
    Example:  hub backfill dossiers-to-registry --dry-run
    """
    from hub.assembly import assemble
    from hub.errors import NotFound

    shell = shell_of(context)
    parts = assemble(shell.folder)
    found = parts.router.named(route)
    if found is None:
        known = ", ".join(one.name for one in parts.router.routes) or "none"
        raise NotFound(f"no route has that name; the routes are: {known}")
    done = asyncio.run(_fill(parts, found, dry_run))
    document = {**done.as_dict(), "dry_run": dry_run}
    outcome = "would be added (dry run)" if dry_run else "added"
    count = done.matched if dry_run else done.added
    lines = [
        f"{plural(done.looked_at, 'message')} without a delivery on {found.name}; {done.matched} fit it; "
        f"{plural(count, 'delivery', 'deliveries')} {outcome}"
    ]
    if done.failing:
        lines.append(f"{done.failing} of them cannot be translated as things are, and will be dead letters:")
        lines += [f"  {times} × {printable(text)}" for text, times in done.failures.most_common(10)]
    shell.answer(document, *lines)


async def _fill(parts: Assembly, route: Route, dry_run: bool) -> Backfilled:
    from hub.app import system_clock
    from hub.ledger.backfill import backfill as fill

    def trial(schema: SchemaRef, body: Any, partner_schema: str) -> None:
        parts.catalog.chain(str(schema), partner_schema).translate(body)

    async with opened(parts.home) as store:
        return await fill(store, route, trial, system_clock, dry_run=dry_run)


@ledger.callback()
def about() -> None:
    """What each partner knows of each dossier."""


@ledger.command("rebuild")
def rebuild(context: typer.Context, as_json: Json = False) -> None:
    """Compute the ledger again from all deliveries, and say whether the live one was right.

    The live ledger is kept up with every delivery, so nothing should differ; exit code 1 when something did (it is right
    afterwards).

    \b
    Example:  hub ledger rebuild
    """
    shell = shell_of(context)
    home = shell.home()

    async def work() -> int:
        async with opened(home) as store:
            return await store.rebuild_ledger()

    differed = asyncio.run(work())
    told = "the ledger was right" if not differed else f"{plural(differed, 'cell')} differed and were put right"
    shell.answer({"differed": differed}, told)
    if differed:
        raise typer.Exit(REFUSED)
