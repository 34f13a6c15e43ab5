"""``hub map shadow``: what a changed mapping would have made of the messages that were really sent. Nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.text import Text

from hub.cli.candidate import catalog_for, find_mapping
from hub.cli.names import catalog_ids
from hub.cli.shell import ZONE, Json, in_store, plural, shell_of, table

if TYPE_CHECKING:
    from hub.store.sql import SqlStore
    from hub.translation.shadow import Example, Shadow

_PAGE = 100


def shadow(
    context: typer.Context,
    candidate: Annotated[
        str,
        typer.Argument(metavar="CANDIDATE", help="The file of a draft, or id@version.", autocompletion=catalog_ids),
    ],
    last: Annotated[int, typer.Option("--last", min=1, max=1_000_000, help="How many messages, the newest first.")] = 1000,
    since: Annotated[
        datetime | None, typer.Option("--since", metavar="TIME", help="Only from this time on, in Asia/Ho_Chi_Minh.")
    ] = None,
    values: Annotated[
        bool, typer.Option("--show-values", help="Show the values of the examples too. They hold personal data.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take stored messages through a mapping that is not in use yet, and show what would be different.

    A mapping from a source schema is tried on what senders sent in it, as it came, kept arrivals included; one from a
    canonical schema on the messages in it. Each goes through the mapping that the hub uses now and through the candidate.
    The differences are grouped by field and cause, with the ids of up to three messages (`hub trace`, `hub dead show`).
    Nothing is stored and nothing is sent. Exit code 0, whatever differs.

    \b
    Examples:  hub map shadow draft.yaml
               hub map shadow opencps-to-dossier@1.1.0 --last 5000 --since 2026-11-01
    """
    from hub.translation.shadow import Shadow

    shell = shell_of(context)
    catalog = catalog_for(shell)
    work = Shadow(catalog, find_mapping(catalog, candidate))
    first = None if since is None else int(since.replace(tzinfo=ZONE).timestamp() * 1_000_000)
    with shell.progress("trying messages", last) as advance:
        in_store(shell.home(), lambda store: _try_all(store, work, first, last, advance))
    document = _document(work, values)
    shell.answer(document, *_lines(work, document))


async def _try_all(store: SqlStore, work: Shadow, since: int | None, last: int, tell: Callable[[int], None]) -> None:
    after: str | None = None
    left = last
    while left:
        page = await store.stored(work.what, work.schemas, since=since, after=after, limit=min(left, _PAGE))
        for one in page:
            work.take(one.id, one.schema, one.body, is_kept=one.state == "kept")
        tell(len(page))
        left = left - len(page) if len(page) == min(left, _PAGE) else 0
        after = page[-1].id if page else None


def _document(work: Shadow, values: bool) -> dict[str, Any]:
    groups = [
        {
            "field": one.field, "change": one.change, "cause": one.cause, "by": one.by, "messages": one.count,
            "examples": [{"id": example.id, **(_values(example) if values else {})} for example in one.examples],
        }
        for one in work.groups()
    ]  # fmt: skip
    return {
        "candidate": str(work.mapping.ref), "now": [str(ref) for ref in work.now()], "what": work.what,
        "schemas": list(work.schemas), **work.counts, "groups": groups,
    }  # fmt: skip


def _lines(work: Shadow, told: dict[str, Any]) -> Iterator[Any]:
    now = " + ".join(told["now"]) or "nothing: no mapping leads there"
    yield Text(f"{told['candidate']} beside what is used now: {now}", "bold")
    kept = f", {plural(told['kept'], 'of them kept', 'of them kept')}" if told["kept"] else ""
    yield f"{plural(told['tried'], work.what[:-1])} in {' or '.join(told['schemas'])}{kept}: {told['same']} the same, " + (
        f"{told['different']} different, {told['mended']} mended, {told['broken']} broken, {told['failing']} failing as before"
    )
    if told["erased"]:
        yield Text(f"{plural(told['erased'], 'body', 'bodies')} erased (retention, `hub purge`): not tried", "yellow")
    if told["unfit"]:
        yield Text(f"{told['unfit']} do not fit their schema, so that no mapping is tried on them", "yellow")
    rows: list[tuple[Any, ...]] = []
    for one in told["groups"]:
        about = (one["field"] or "(whole)", one["messages"], one["change"], one["cause"], one["by"])
        for number, example in enumerate(one["examples"]):
            rows.append((*(about if not number else ("",) * len(about)), _shown(example)))
    if rows:
        yield table(("field", "messages", "change", "cause", "by", "examples"), rows)


def _values(example: Example) -> dict[str, Any]:
    """The values that there are; none where a problem stands on both sides or one."""
    from hub.translation.differences import ABSENT

    pairs = {"before": example.before, "after": example.after}
    return {name: value for name, value in pairs.items() if value is not ABSENT}


def _shown(example: dict[str, Any]) -> str:
    values = [orjson.dumps(example[name]).decode() if name in example else "nothing" for name in ("before", "after")]
    return f"{example['id']}  {' → '.join(values) if len(example) > 1 else ''}".rstrip()
