"""``hub key``: who may send what. A key is shown once, when it is made; only its hash is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.shell import Json, in_store, known_id, local_micros, shell_of, table

if TYPE_CHECKING:
    from hub.config import Home
    from hub.store.values import Key

app = typer.Typer(no_args_is_help=True, help="API keys of senders, and of operators.")


@app.command("new")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The sender's name, which stands in every trace; or a person's.")],
    schemas: Annotated[
        list[str] | None,
        typer.Option(
            "--schema",
            metavar="ID",
            help="A schema the key may send, without version; * for all that are sent. That of a question (citizen-query) lets "
            "it ask the registry. May be repeated.",
        ),
    ] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="A key for a person: opens the overview, sends nothing, may ask registries.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a key, for a sender or for a person who watches the hub, and print it, this once.

    Standard output is the key and nothing else, so that a script can take it; what to know about it goes to standard
    error. A lost key cannot be shown again: revoke it and make another.

    \b
    Examples:  hub key new one-stop --schema opencps-dossier > one-stop.key
               hub key new one-stop --schema opencps-dossier --schema citizen-query
               hub key new lan --operator
    """
    from hub.intake.keys import new_key
    from hub.message import system_clock

    shell = shell_of(context)
    home = shell.home()
    try:
        key, text = new_key(name, schemas or (), system_clock(), "operator" if operator else "sender")
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    asked = _questions(home)
    if operator and (sent := [schema for schema in key.schemas if schema not in asked]):
        text = f"an operator's key sends nothing, and no endpoint is asked {sent[0]}"
        raise typer.BadParameter(text, param_hint="--schema")
    in_store(home, lambda store: store.add_key(key))
    document = {"id": key.id, "name": key.name, "role": key.role, "schemas": list(key.schemas), "key": text}
    shell.answer(document, text)
    for schema in _not_taken(home, key.schemas):
        shell.note(f"warning: no source in config.yaml takes {schema}; messages of it will be refused")
    if not shell.as_json:
        shell.note(f"key {key.id} of {key.name} {_right(key, 'may send ')}; keep it now, it is not shown again")


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """List the keys: who, what they may send, since when, revoked or not. The keys themselves are not kept.

    \b
    Example:  hub key list --json
    """
    from hub.store.rows import instant

    shell = shell_of(context)
    keys = in_store(shell.home(), lambda store: store.keys())
    found = [
        {
            "id": one.id,
            "name": one.name,
            "role": one.role,
            "schemas": list(one.schemas),
            "created_at": instant(one.created_at),
            "revoked_at": instant(one.revoked_at),
        }
        for one in keys
    ]
    rows = [(one.id, one.name, _right(one), local_micros(one.created_at), local_micros(one.revoked_at)) for one in keys]
    shown = table(("id", "name", "may send", "since", "revoked"), rows)
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
    from hub.message import system_clock

    shell = shell_of(context)
    home = shell.home()
    wanted = known_id(key_id)
    in_store(home, lambda store: store.revoke_key(wanted, system_clock()))
    shell.answer({"id": wanted, "revoked": True}, f"key {wanted} is revoked")


def _right(key: Key, before: str = "") -> str:
    if key.role == "sender":
        return before + ", ".join(key.schemas)
    return "opens the overview" + (f", may ask {', '.join(key.schemas)}" if key.schemas else "")


def _questions(home: Home) -> set[str]:
    """Schema ids of what endpoints may be asked."""
    return {one.lookup.take.partition("@")[0] for one in home.config.endpoints.values() if one.lookup is not None}


def _not_taken(home: Home, schemas: Sequence[str]) -> list[str]:
    from hub.intake.keys import FILES

    taken = {source.schema_.partition("@")[0] for source in home.config.sources} | _questions(home)
    if home.config.files is not None:
        taken.add(FILES)
    return [schema for schema in schemas if schema != "*" and schema not in taken]
