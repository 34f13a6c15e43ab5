"""``hub dead``: the dead letters (deliveries a partner refused, arrivals that could not be translated) and their repair."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hub.cli.repair import AT_ONCE, Repair, id_of, one_of
from hub.cli.replay import Endpoint, replay
from hub.cli.shell import (
    Json,
    first_reason,
    in_store,
    known_id,
    local,
    reason_lines,
    shell_of,
    table,
    unknown_name,
)

if TYPE_CHECKING:
    from hub.store.values import JsonObject

app = typer.Typer(no_args_is_help=True, help="Dead letters: what stopped, why, and its repair.")

app.command("replay")(replay)


@app.command("list")
def list_dead(
    context: typer.Context,
    endpoint: Endpoint = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=AT_ONCE, help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """List dead deliveries and kept arrivals, oldest first.

    \b
    Example:  hub dead list --endpoint portal
    """
    shell = shell_of(context)
    home = shell.home()
    found = in_store(home, lambda store: store.dead(endpoint=endpoint, limit=limit))
    if not found and endpoint is not None and endpoint not in home.config.endpoints:
        raise unknown_name("endpoint", home.config.endpoints)
    rows = [(id_of(one), local(one.get("settled_at") or one.get("at")), _what(one), _code(one), _why(one)) for one in found]
    full = len(found) == limit
    told: list[Any] = [table(("id", "since", "what", "dossier", "why"), rows) if found else "no dead letters"]
    if full:
        told.append(f"the oldest {limit}; more with --limit")
    shell.answer({"dead": list(found), "limited": full}, *told)


@app.command("show")
def show(
    context: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ID", help="Id of the delivery or arrival, from `hub dead list`.")],
    as_json: Json = False,
) -> None:
    """Show one delivery or arrival: why it stopped, each attempt, and what to do. Exit code 3 when there is none.

    \b
    Example:  hub dead show 0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e
    """
    from hub.cli.advice import for_dead, for_kept

    shell = shell_of(context)
    home = shell.home()
    wanted = known_id(item)
    one = in_store(home, lambda store: one_of(store, wanted))
    advice = for_kept(one) if one["state"] == "kept" else for_dead(one, one["attempts"]) if one["state"] == "dead" else None
    shell.answer({**one, "next": asdict(advice) if advice else None})
    shell.say(Text(f"{_what(one)} of dossier {_code(one)}: {one['state']}", "bold"), f"  {_why(one)}")
    shell.say(*(f"  {line}" for line in reason_lines(one.get("reasons") or one.get("problems") or [])))
    for attempt in one.get("attempts", []) if one["kind"] == "delivery" else []:
        why = ": ".join(str(attempt[name]) for name in ("code", "reason") if attempt.get(name))
        shell.say(f"  {local(attempt['at'])}  attempt {attempt['number']}: {attempt['outcome']}{f' ({why})' if why else ''}")
    if advice:
        shell.say(Text(f"  → {advice.do}", "green"))


@app.command("discard")
def discard(
    context: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ID", help="Id from `hub dead list`.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Reason for the audit trail.")],
    as_json: Json = False,
) -> None:
    """Give a dead letter up, on the record; what waited behind it goes on.

    \b
    Example:  hub dead discard 0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e --why "entered by hand at the portal"
    """
    shell = shell_of(context)
    wanted = known_id(item)
    if not why.strip():
        raise typer.BadParameter("say why, for those who read the record later")
    followed = in_store(shell.home(), lambda store: Repair(shell.folder, store, why).discard(wanted))
    told = [f"{wanted} is discarded", *(f"{one['id']}  {one['outcome']} (waited behind it)" for one in followed)]
    shell.answer({"id": wanted, "discarded": True, "followed": followed}, *told)


def _what(one: JsonObject) -> str:
    if one["kind"] == "delivery":
        return f"message {one['seq']} ({one['stream']}) to {one['endpoint']}"
    return f"arrival from {one['sender']} ({one['schema']})"


def _code(one: JsonObject) -> str:
    codes = one.get("codes") or {}
    return str(codes.get("national") or next(iter(codes.values()), ""))


def _why(one: JsonObject) -> str:
    if one.get("reasons"):
        return first_reason(one["reasons"])
    return ": ".join(str(one[name]) for name in ("code", "reason") if one.get(name))
