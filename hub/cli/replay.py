"""``hub dead replay``: try dead letters again, as they ran or by the mappings of now, at a pace and after a look."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer
from rich.text import Text

from hub.cli.names import endpoint_names
from hub.cli.repair import AT_ONCE, Pace, Repair, id_of, one_of
from hub.cli.shell import (
    INTERRUPTED,
    NOT_FOUND,
    REFUSED,
    Json,
    in_store,
    known_id,
    plural,
    printable,
    reason_lines,
    shell_of,
    unknown_name,
)

if TYPE_CHECKING:
    from hub.cli.shell import Shell
    from hub.store.sql import SqlStore
    from hub.store.values import JsonObject

Endpoint = Annotated[
    str | None,
    typer.Option("--endpoint", metavar="NAME", help="Only deliveries to this endpoint.", autocompletion=endpoint_names),
]
_CHOOSE = "the mappings, tables or schemas of {count} changed since the first attempt"


def replay(
    context: typer.Context,
    items: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids from `hub dead list`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of --endpoint, or all that are --kept.")] = False,
    endpoint: Endpoint = None,
    kept: Annotated[bool, typer.Option("--kept", help="With --all: all kept arrivals.")] = False,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Reason for the audit trail.")] = "replayed",
    adopt: Annotated[bool, typer.Option("--adopt", help="What the partner already holds is this dossier: update it.")] = False,
    as_it_ran: Annotated[bool, typer.Option("--as-it-ran", help="Send the very bytes of the first attempt again.")] = False,
    latest: Annotated[bool, typer.Option("--latest", help="Translate anew, by what is configured now.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show field by field what --latest would do; do nothing.")] = False,
    show_values: Annotated[bool, typer.Option("--show-values", help="With --dry-run: personal data too.")] = False,
    rate: Annotated[float, typer.Option("--rate", min=0.01, max=10_000, help="At most so many a second.")] = 50.0,
    yes: Annotated[bool, typer.Option("--yes", help="With --all: do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Try dead letters again: a delivery is sent again, an arrival is taken in again from its original bytes.

    Mend the cause first (a mapping, a code table, the partner). Where the mappings of a delivery changed since it was sent,
    say which: --as-it-ran sends the same bytes, --latest translates anew (--dry-run shows the difference first); on a terminal
    it asks. Behind a kept arrival those kept after it follow. --all shows how many first and asks; without a terminal it starts
    at once. Ctrl-C stops after the current one, and the same command goes on from there. While a hub runs, kept arrivals and
    --dry-run want files that it has taken (`hub reload`). Exit code 1 when one of them could not be replayed, or an arrival is
    still kept.

    \b
    Examples:  hub dead replay 0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e --why "row added"
               hub dead replay --all --kept
               hub dead replay --all --endpoint portal --latest --dry-run
    """
    shell = shell_of(context)
    if everything == bool(items) or (everything and (endpoint is None) == (not kept)) or (items and (endpoint or kept)):
        raise typer.BadParameter("give ids, or --all with one of --endpoint NAME and --kept")
    if as_it_ran and (latest or dry_run or kept):
        raise typer.BadParameter("--as-it-ran is the opposite of --latest: it needs no --dry-run, and no arrival ever was sent")
    if show_values and not dry_run:
        raise typer.BadParameter("--show-values belongs to --dry-run")
    chosen, more = _chosen(shell, [known_id(item) for item in items or []], endpoint, everything)
    if dry_run:
        _foresee(shell, chosen, show_values)
        return
    if not (as_it_ran or latest):
        as_it_ran = _as_it_ran(shell, chosen)
    if everything:
        shell.note(f"{plural(len(chosen), 'dead letter')} to replay, {rate:g} a second at most; Ctrl-C stops")
        if chosen and not yes and _on_terminal():
            typer.confirm("Replay them?", abort=True, err=True)

    async def work(store: SqlStore) -> tuple[list[dict[str, Any]], bool]:
        pace, repair = Pace(rate), Repair(shell.folder, store, why, adopt=adopt, as_it_ran=as_it_ran)
        with pace.heard():
            return await repair.replay(chosen, given=not everything, pace=pace, tell=advance), pace.stopped

    with shell.progress("replaying", len(chosen)) as advance:
        results, stopped = in_store(shell.home(), work)
    _told(shell, results, more, stopped)


def _chosen(shell: Shell, given: list[str], endpoint: str | None, everything: bool) -> tuple[list[str], bool]:
    """The ids, and whether there are more than one command takes."""
    if not everything:
        return given, False
    home = shell.home()
    kind: Literal["delivery", "arrival"] = "delivery" if endpoint else "arrival"
    found = in_store(home, lambda store: store.dead(endpoint=endpoint, kind=kind, limit=AT_ONCE))
    if not found and endpoint is not None and endpoint not in home.config.endpoints:
        raise unknown_name("endpoint", home.config.endpoints)
    return [id_of(one) for one in found], len(found) == AT_ONCE


def _as_it_ran(shell: Shell, chosen: Sequence[str]) -> bool:
    """Asks, where it makes a difference; without a terminal it must be said."""

    async def differing(store: SqlStore) -> int:
        from hub.assembly import assemble
        from hub.cli.replay_difference import Foresight

        foresight, count = None, 0
        for item in chosen:  # one after the other: each holds its bodies
            pinned = await store.pinned(item)
            if pinned is not None and pinned.request is not None:
                foresight = foresight or Foresight(assemble(shell.folder), store, show_values=False)
                count += foresight.differs(pinned)
        return count

    count = in_store(shell.home(), differing)
    if not count:
        return False
    text = _CHOOSE.format(count=plural(count, "delivery", "deliveries"))
    if not _on_terminal():
        raise typer.BadParameter(
            f"{text}: say --as-it-ran (the same bytes) or --latest (translated anew; --dry-run shows first)"
        )
    shell.note(text)
    return typer.confirm("Send the same bytes as it ran? (no: the latest, translated anew)", err=True)


def _foresee(shell: Shell, chosen: Sequence[str], show_values: bool) -> None:
    from hub.assembly import assemble
    from hub.changes import refuse_untaken
    from hub.cli.replay_difference import Foresight

    parts = assemble(shell.folder)

    async def look(store: SqlStore) -> list[dict[str, Any]]:
        await refuse_untaken(store, parts)
        foresight, found = Foresight(parts, store, show_values=show_values), []
        for item in chosen:
            found.append(await foresight.of(await one_of(store, item)))
            advance(1)
        return found

    with shell.progress("looking", len(chosen)) as advance:
        seen = in_store(parts.home, look)
    failing = sum(one["would"] in ("fail", "keep") for one in seen)
    last = f"dry run, nothing changed: {plural(len(seen), 'dead letter')}, {failing} of them would stay"
    shell.answer({"dry_run": True, "results": seen, "failing": failing}, *_seen(seen), last)


def _seen(results: Sequence[JsonObject]) -> Iterator[str | Text]:
    for one in results:
        yield Text(f"{one['id']}  {one['outcome']}", "yellow" if one["would"] in ("fail", "keep") else "")
        yield from (f"    {line}" for line in reason_lines(one["problems"]))
        for found in one["differences"]:
            sent, now = (_text(found[name]) for name in ("sent", "now"))
            words = {"appeared": f"+ {now}", "gone": f"- {sent}", "changed": f"{sent} → {now}"}[found["kind"]]
            yield f"    {printable(found['at'])}: {words}"


def _text(value: Any) -> str:
    return printable(value if isinstance(value, str) else orjson.dumps(value).decode())


def _told(shell: Shell, results: Sequence[dict[str, Any]], more: bool, stopped: bool) -> None:
    failed = [one for one in results if not one["replayed"]]
    told = [f"{one['id']}  {one['outcome']}" for one in results]
    told.append(f"{plural(len(results) - len(failed), 'dead letter')} replayed, {len(failed)} not")
    if stopped:
        told.append("stopped: the same command goes on with those that are left")
    elif more:
        told.append("there are more: run it again")
    shell.answer({"results": results, "more": more, "stopped": stopped}, *told)
    if stopped:
        raise typer.Exit(INTERRUPTED)
    if failed:
        raise typer.Exit(NOT_FOUND if all(one.get("kind") == "NotFound" for one in failed) else REFUSED)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
