"""``hub backfill`` for a route that was added later, and ``hub ledger rebuild`` for the proof that the ledger is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.names import route_names
from hub.cli.shell import REFUSED, Json, in_store, plural, printable, shell_of, unknown_name
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.routing import Route

ledger = typer.Typer(no_args_is_help=True, help="What each partner knows of each dossier.")


def backfill(
    context: typer.Context,
    route: Annotated[
        str, typer.Argument(metavar="ROUTE", help="Name of the route in config.yaml.", autocompletion=route_names)
    ],
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
    from hub.ledger.backfill import backfill as fill
    from hub.message import system_clock

    shell = shell_of(context)
    parts = assemble(shell.folder)
    found = parts.router.named(route)
    if found is None:
        raise unknown_name("route", (one.name for one in parts.router.routes))

    def trial(schema: SchemaRef, body: Any, route: Route) -> None:
        parts.catalog.chain(schema, route.as_, route.via).translate(body)

    with shell.progress("looking at messages") as advance:
        done = in_store(parts.home, lambda store: fill(store, found, trial, system_clock, dry_run=dry_run, tell=advance))
    outcome = "would be added (dry run)" if dry_run else "added"
    count = done.matched if dry_run else done.added
    lines = [
        f"{plural(done.looked_at, 'message')} without a delivery on {found.name}; {done.matched} fit it; "
        f"{plural(count, 'delivery', 'deliveries')} {outcome}"
    ]
    if done.erased:
        lines.append(f"of {done.erased} the body was erased (retention, `hub purge`): they can only be sent by the source")
    if done.failing:
        lines.append(f"{done.failing} of them cannot be translated as things are, and will be dead letters:")
        lines += [f"  {times} × {printable(text)}" for text, times in done.failures.most_common(10)]
    shell.answer({**done.as_dict(), "dry_run": dry_run}, *lines)


@ledger.callback()
def about() -> None:
    """What each partner knows of each dossier."""


@ledger.command("rebuild")
def rebuild(context: typer.Context, as_json: Json = False) -> None:
    """Compute the ledger again from all deliveries and messages, and say whether the live one was right.

    The live ledger is kept up with every delivery, so nothing should differ; exit code 1 when something did (it is right
    afterwards).

    \b
    Example:  hub ledger rebuild
    """
    shell = shell_of(context)
    with shell.progress("computing the ledger again"):
        differed = in_store(shell.home(), lambda store: store.rebuild_ledger())
    told = "the ledger was right" if not differed else f"{plural(differed, 'cell')} differed and were put right"
    shell.answer({"differed": differed}, told)
    if differed:
        raise typer.Exit(REFUSED)
