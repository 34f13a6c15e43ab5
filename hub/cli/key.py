"""``hub key``: who may send what. A key is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.shell import Json, in_store, known_id, local_micros, shell_of, table

if TYPE_CHECKING:
    from hub.config import Home

app = typer.Typer(no_args_is_help=True, help="API keys of senders.")


@app.command("new")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The sender's name: it stands in every trace.")],
    schemas: Annotated[
        list[str],
        typer.Option("--schema", metavar="ID", help="A schema the key may send, without version; * for all. May be repeated."),
    ],
    as_json: Json = False,
) -> None:
    """Make a key for a sender and print it, this once.

    Standard output is the key and nothing else, so that a script can take it; what to know about it goes to standard
    error. A lost key cannot be shown again: revoke it and make another.

    \b
    Example:  hub key new one-stop --schema opencps-dossier > one-stop.key
    """
    from hub.app import system_clock
    from hub.intake.keys import new_key

    shell = shell_of(context)
    home = shell.home()
    try:
        key, text = new_key(name, schemas, system_clock())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    in_store(home, lambda store: store.add_key(key))
    shell.answer({"id": key.id, "name": key.name, "schemas": list(key.schemas), "key": text}, text)
    for schema in _not_taken(home, key.schemas):
        shell.note(f"warning: no source in config.yaml takes {schema}; messages of it will be refused")
    if not shell.as_json:
        shell.note(f"key {key.id} of {key.name} may send {', '.join(key.schemas)}; keep it now, it is not shown again")


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """List the keys: who, what they may send, since when, revoked or not. The keys themselves are not kept.

    \b
    Example:  hub key list --json
    """
    shell = shell_of(context)
    keys = in_store(shell.home(), lambda store: store.keys())
    found = [
        {
            "id": one.id,
            "name": one.name,
            "schemas": list(one.schemas),
            "created_at": one.created_at,
            "revoked_at": one.revoked_at,
        }
        for one in keys
    ]
    rows = [
        (one.id, one.name, ", ".join(one.schemas), local_micros(one.created_at), local_micros(one.revoked_at)) for one in keys
    ]
    shown = table(("id", "sender", "may send", "since", "revoked"), rows)
    shell.answer({"keys": found}, shown if found else "no keys yet: `hub key new NAME --schema ID` makes one")


@app.command("revoke")
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, from `hub key list`.")],
    as_json: Json = False,
) -> None:
    """Refuse a key from now on; a running hub notices within 5 seconds.

    \b
    Example:  hub key revoke 0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e
    """
    from hub.app import system_clock

    shell = shell_of(context)
    home = shell.home()
    wanted = known_id(key_id)
    in_store(home, lambda store: store.revoke_key(wanted, system_clock()))
    shell.answer({"id": wanted, "revoked": True}, f"key {wanted} is revoked")


def _not_taken(home: Home, schemas: Sequence[str]) -> list[str]:
    taken = {source.schema_.partition("@")[0] for source in home.config.sources}
    return [schema for schema in schemas if schema != "*" and schema not in taken]
