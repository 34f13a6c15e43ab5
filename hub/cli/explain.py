"""``hub explain``: what the hub would make of a message, and why, with nothing stored and nothing sent."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import orjson
import typer
from rich.text import Text

from hub.cli.names import source_ids
from hub.cli.shell import REFUSED, Json, printable, reason_lines, shell_of
from hub.dossier.applicant import subject_of
from hub.errors import TranslationFailed
from hub.message import Arrival, SchemaRef, new_id

if TYPE_CHECKING:
    from hub.assembly import Assembly
    from hub.routing.routes import Verify
    from hub.store.port import Store
    from hub.store.values import JsonObject, Part, Plan, RouteMatch
    from hub.translation.chain import Chain


def explain(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="One message, JSON or XML as its schema; - reads it from stdin.")],
    schema: Annotated[
        str, typer.Option("--schema", metavar="ID", help="Its schema: opencps-dossier@1.", autocompletion=source_ids)
    ],
    sender: Annotated[str, typer.Option("--sender", metavar="NAME", help="Who would send it, as in `hub key`.")] = "sender",
    bodies: Annotated[
        bool, typer.Option("--show-bodies", help="Show the translated messages too. They hold personal data.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what would become of a message: each route, taken or not and why, and the mappings on the way.

    A dry run: schema, names of the dossier, canonical messages, routes and trial translations are worked out by the same
    code as at intake; nothing is stored, nothing is sent, the store is not looked at. Whether a message is a repeat, late,
    or of another owner shows only when it is sent. Exit code 1 when it would be refused, kept or become a dead letter.

    \b
    Example:  hub explain dossier.json --schema opencps-dossier@1
    """
    from hub.assembly import assemble

    shell = shell_of(context)
    try:
        wanted = SchemaRef.parse(schema)
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--schema") from None
    except OSError as error:
        raise typer.BadParameter(f"{printable(file)}: {error.strerror}", param_hint="FILE") from None
    parts = assemble(shell.folder)
    plan = asyncio.run(_planned(parts, sender, wanted, body))
    document = _document(parts, plan, bodies)
    shell.answer(document, *_lines(document))
    if document["kept"] or any(route["problems"] for one in document["messages"] for route in one["routes"]):
        raise typer.Exit(REFUSED)


class NoStore:
    """Stands where intake expects the store: keeps the plan in memory and knows nothing of earlier messages."""

    plan: Plan

    def digest(self, body: bytes) -> str:
        return hashlib.sha256(body).hexdigest()

    async def first_receipt(self, sender: str, key: str) -> None:
        return None

    async def accept(self, plan: Plan) -> tuple[JsonObject, bool]:
        self.plan = plan
        state = "kept" if plan.kept else "accepted"
        return {"arrival": plan.arrival.id, "state": state, "correlation_id": plan.arrival.correlation_id}, False


async def _planned(parts: Assembly, sender: str, schema: SchemaRef, body: bytes) -> Plan:
    """What intake decides about the message. Raises Refused."""
    from hub.intake.accept import Intake
    from hub.message import system_clock

    store, config = NoStore(), parts.home.config
    intake = Intake(
        cast("Store", store), parts.catalog, parts.router, parts.sources, config.owners, lambda: None,
        max_depth=config.server.max_depth,
    )  # fmt: skip
    await intake.accept(Arrival(new_id(), sender, schema, body, system_clock(), "0" * 32))
    return store.plan


def _document(parts: Assembly, plan: Plan, bodies: bool) -> dict[str, Any]:
    source = plan.arrival.schema
    return {
        "schema": str(source),
        "names": [{"system": one.system, "code": one.code} for one in plan.aliases],
        "owner": plan.owner,
        "kept": list(plan.kept),
        "messages": [_message(parts, source, part, bodies) for part in plan.parts],
    }


def _message(parts: Assembly, source: SchemaRef, part: Part, bodies: bool) -> dict[str, Any]:
    body = orjson.loads(part.body)
    return {
        "schema": str(part.schema),
        "full_state": part.full_state,
        **_path(parts.catalog.chain(str(source), str(part.schema))),
        "warnings": list(part.warnings),
        **({"body": body} if bodies else {}),
        "routes": [_route(parts, part.schema, body, match, bodies) for match in part.matches],
    }


def _route(parts: Assembly, schema: SchemaRef, body: Any, match: RouteMatch, bodies: bool) -> dict[str, Any]:
    """A route's answer; for one that takes the message the trial translation, or its problems with file and line."""
    route = parts.router.named(match.route)
    assert route is not None
    chain = parts.catalog.chain(schema, route.as_, route.via)
    told: dict[str, Any] = {
        "route": match.route, "taken": match.matched, "why": match.why, "endpoint": match.endpoint, "stays": match.sticky,
        "as": str(chain.target.ref), **_path(chain), "problems": [], "warnings": [],
    }  # fmt: skip
    if route.verify:
        told["verify"] = [_verify(parts, step, schema, body) for step in route.verify]
    if match.matched:
        try:
            translation = chain.translate(body)
        except TranslationFailed as error:
            told["problems"] = [one.as_dict() for one in error.problems]
        else:
            told["warnings"] = [one.as_dict() for one in translation.warnings] if translation else []
            told |= {"body": translation.body if translation else None} if bodies else {}
    return told


def _verify(parts: Assembly, verify: Verify, schema: SchemaRef, body: Any) -> dict[str, Any]:
    """Whom the route would ask before its first attempt; nobody is asked here. ``problems``: why it cannot ask about this."""
    chain = parts.catalog.chain(str(schema), verify.query)
    told: dict[str, Any] = {"with": verify.endpoint, "on_mismatch": verify.on_mismatch, **_path(chain), "problems": []}
    try:
        told["applies"] = chain.translate(body) is not None
    except TranslationFailed as error:
        told |= {"applies": False, "problems": [one.as_dict() for one in error.problems]}
    subject = subject_of(verify.query)
    return told | {"about": subject.owner, "holds_none": not told["applies"] and subject.is_none(body)}


def _path(chain: Chain) -> dict[str, Any]:
    return {"mappings": [str(one) for one in chain.mappings], "digest": chain.digest}


def _lines(document: Mapping[str, Any]) -> Iterator[str | Text]:
    yield Text(f"{document['schema']}: fits its schema", "bold green")
    for one in document["names"]:
        yield f"  name    {printable(one['system'])}: {printable(one['code'])}"
    yield f"  owner   {document['owner'] or 'its first sender (no owner is configured for this code)'}"
    if document["kept"]:
        yield Text("it would be kept: the mapping or a code table has to be mended first", "bold red")
        yield from (f"    {line}" for line in reason_lines(document["kept"]))
    for message in document["messages"]:
        yield ""
        yield Text(f"becomes {message['schema']}", "bold")
        yield f"  by      {_by(message)}"
        yield from _end(message)
        reached = {route["endpoint"] for route in message["routes"] if route["taken"]}
        for route in message["routes"]:
            taken = "taken" if route["taken"] else "not taken"
            free = route["endpoint"] in reached or not route["stays"]
            stays = "" if free else f", unless the dossier is already with {route['endpoint']}"
            said = f"  route {route['route']}: {taken} ({printable(route['why'])}){stays}"
            yield Text(said, "green" if route["taken"] else "yellow")
            yield f"    to      {route['endpoint']}, as {route['as']}"
            yield f"    by      {_by(route)}"
            for step in route.get("verify", ()):
                yield from _verify_lines(step, any(one["applies"] or one["problems"] for one in route["verify"]))
            if route["problems"]:
                yield Text("    it would be a dead letter:", "bold red")
                yield from (f"      {line}" for line in reason_lines(route["problems"]))
            yield from _end(route)
        if not message["routes"]:
            yield "  no route takes this schema: no partner would get it"


def _verify_lines(told: Mapping[str, Any], others: bool) -> Iterator[str | Text]:
    """What one registry would be asked; ``others``: it or another one has a question, or lacks what it takes."""
    then = "it would be a dead letter" if told["on_mismatch"] == "hold" else "it would be sent without the mark of it"
    if told["applies"]:
        yield f"    verify  the owner is looked up at {told['with']} before the first attempt; if it does not fit, {then}"
        yield f"      by    {_by(told)}"
        return
    if told["holds_none"] or (others and not told["problems"]):
        yield Text(f"    verify  {told['with']} would not be asked: the owner is no {told['about']}", "yellow")
        return
    yield Text(f"    verify  {told['with']} cannot be asked about the owner, who lacks what it takes: {then}", "yellow")
    yield from (f"      {line}" for line in reason_lines(told["problems"]))


def _by(told: Mapping[str, Any]) -> str:
    return f"{' → '.join(told['mappings']) or 'no mapping: as it is'}  (digest {told['digest'][:12]})"


def _end(told: Mapping[str, Any]) -> Iterator[str]:
    """Warnings of a translation, and its body where it was asked for."""
    yield from (f"    warning: {line}" for line in reason_lines(told["warnings"]))
    if "body" in told:
        yield printable_lines(orjson.dumps(told["body"], option=orjson.OPT_INDENT_2).decode())


def printable_lines(text: str) -> str:
    """Text of several lines without other control characters."""
    return "\n".join(map(printable, text.splitlines()))
