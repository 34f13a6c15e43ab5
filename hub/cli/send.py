"""``hub send``: files of messages to a hub, each receipt shown; what is sent and repeated how is in ``posting``."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.names import source_ids
from hub.cli.shell import REFUSED, UNAVAILABLE, Json, Shell, printable, reason_lines, shell_of, url_of
from hub.message import SchemaRef

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def send(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help=".json, .xml: one message; .jsonl, - (stdin): one a line.")
    ],
    schema: Annotated[
        str,
        typer.Option(
            "--schema", metavar="ID", help="Schema of the messages, such as opencps-dossier@1.", autocompletion=source_ids
        ),
    ],
    url: Annotated[str | None, typer.Option("--url", envvar="HUB_URL", help="The hub; by default as config.yaml says.")] = None,
    key: Annotated[
        str, typer.Option("--key", envvar="HUB_KEY", show_default=False, help="The sender's key; better in HUB_KEY.")
    ] = "",
    pointer: Annotated[
        str | None,
        typer.Option("--idempotency-key-from", metavar="POINTER", help="JSON pointer to the message's own id: /messageId."),
    ] = None,
    patience: Annotated[float, typer.Option("--patience", min=0, help="Seconds to go on trying a hub that is away.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Send messages to a hub, in order, and print each receipt. They are JSON, or XML where the schema's are: for a WSDL the
    whole SOAP envelope.

    Goes on after a refused message; tries again when the hub is away or answers 503. Sending the same file again stores
    nothing twice: the Idempotency-Key is made of schema and content, so two messages with the very same bytes are one.
    Exit code 1 when a message was refused, 4 when the hub could not be reached.

    \b
    Example:  HUB_KEY=$(cat one-stop.key) hub send dossiers.jsonl --schema opencps-dossier@1
    """
    shell = shell_of(context)
    try:
        SchemaRef.parse(schema)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--schema") from None
    key = visible_key(key)
    if pointer is not None and not pointer.startswith("/"):
        raise typer.BadParameter("a JSON pointer begins with /", param_hint="--idempotency-key-from")
    for name in files:
        if name != "-" and not (Path(name).is_file() and os.access(name, os.R_OK)):
            raise typer.BadParameter(f"{printable(name)} is no file that can be read", param_hint="FILE")
    from hub.cli.posting import Door, NoAddress, send_all

    door = Door((url or own_url(shell)).rstrip("/"), key, schema, pointer, patience)
    try:
        tally = asyncio.run(send_all(door, files, lambda result: shell.say(*_lines(result))))
    except NoAddress as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
    names = ("accepted", "kept", "superseded", "known", "refused")
    counts = {name: tally.counts[name] for name in names if name in ("accepted", "refused") or tally.counts[name]}
    told = f"sent {sum(tally.counts.values())}: " + ", ".join(f"{name} {count}" for name, count in counts.items())
    shell.answer({"counts": dict(tally.counts), "results": tally.results, "stopped": tally.stopped}, told)
    if tally.stopped is not None:
        shell.note(f"error: stopped: {tally.stopped}; sending the same again later is harmless")
        raise typer.Exit(UNAVAILABLE if tally.unavailable else REFUSED)
    if tally.counts["refused"]:
        raise typer.Exit(REFUSED)


def visible_key(key: str) -> str:
    """The sender's key as it was given. Raises BadParameter."""
    if not key.strip():
        raise typer.BadParameter("give the sender's key in HUB_KEY (or --key); `hub key new` makes one", param_hint="--key")
    if not _KEY.fullmatch(key.strip()):
        raise typer.BadParameter("that is not a key: a key has no blanks and only ASCII", param_hint="--key")
    return key.strip()


def own_url(shell: Shell) -> str:
    """The door of the hub whose home this is; the usual one where there is no home."""
    if not (shell.folder / "config.yaml").is_file():
        return "http://127.0.0.1:8080"
    server = shell.home().config.server
    return url_of(server, {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host), server.port)


def _lines(result: Mapping[str, Any]) -> list[str]:
    """One result for people: the outcome, then what is wrong or what could not be translated."""
    if result["outcome"] == "refused":
        problem = result["problem"]
        status = f" {result['status']}" if result["status"] else ""
        wrong = reason_lines(problem.get("errors") or [])
        return [f"{result['at']}  refused{status}  {problem.get('title', '')}", *(f"    {line}" for line in wrong)]
    receipt = result["receipt"]
    routes = [route for message in receipt.get("messages", []) for route in message.get("routes", [])]
    taken = sum(bool(route.get("taken")) for route in routes)
    first = f"{result['at']}  {result['outcome']}  {receipt.get('arrival')}"
    if result["outcome"] == "known":
        return [f"{first}  (the first receipt again, {receipt.get('state')})"]
    lines = [f"{first}  {taken} to deliver" if receipt.get("state") != "kept" else first]
    lines += [f"    {line}" for line in reason_lines(receipt.get("reasons") or [])]
    if not taken:
        lines += [f"    route {route['route']} does not take it: {route['why']}" for route in routes]
    if any(message["state"] == "conflict" for message in receipt.get("messages", [])):
        lines.append("    an observation: the dossier belongs to another sender")
    lines += [f"    route {route['route']} will fail: {route['failure']}" for route in routes if route.get("failure")]
    return lines
