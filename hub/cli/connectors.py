"""``hub connectors``: which connectors are installed, what each can do, and its settings."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hub.cli.names import connector_names
from hub.cli.shell import Json, shell_of, table, unknown_name

if TYPE_CHECKING:
    from hub.connector import Connector


def connectors(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Show this one with all its settings.", autocompletion=connector_names),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the installed connectors and what each can do; with NAME, what it is and every setting.

    sender: delivers messages; finder: can ask the partner what it holds; receiver: fetches messages; listener: answers the
    partner's calls; tables: fetches code tables; responder: answers questions (look-ups); confirmer: says yes or no to them.
    Settings go below `settings:` of an endpoint in config.yaml. Exit code 3 for an unknown name.

    \b
    Examples:  hub connectors
               hub connectors national-portal
    """
    from hub.cli.settings import settings_of
    from hub.connector import installed_connectors, load_connector

    shell = shell_of(context)
    known = installed_connectors()
    if name is None:
        found = [{"connector": one, **_about(load_connector(one))} for one in known]
        rows = [(one["connector"], ", ".join(one["can"]), one["summary"]) for one in found]
        shown = table(("connector", "can", "about"), rows)
        shell.answer({"connectors": found}, shown if found else "no connector is installed")
        return
    if name not in known:
        raise unknown_name("connector", known)
    kind = load_connector(name)
    about, settings = _about(kind), settings_of(kind.Config)
    cells = [(one.name, one.type, "required" if one.required else one.default, one.description) for one in settings]
    shell.answer(
        {"connector": name, **about, "settings": [asdict(one) for one in settings]},
        Text(f"{name}: {', '.join(about['can'])}", "bold"),
        description(kind).partition("\n\n")[0],
        "",
        table(("setting", "type", "default", "meaning"), cells),
    )


def description(kind: type[Connector[Any]]) -> str:
    """The connector's docstring, without the marks of reStructuredText."""
    return (inspect.getdoc(kind) or "").replace("``", "`")


def _about(kind: type[Connector[Any]]) -> dict[str, Any]:
    return {"can": abilities(kind), "summary": description(kind).partition("\n")[0], "tables": sorted(kind.tables)}


def abilities(kind: type[Connector[Any]]) -> list[str]:
    """What a connector can do, as one word each: sender, finder, holder, receiver, listener, publisher, tables, responder,
    confirmer."""
    from hub.connector import Confirmer, Finder, Holder, Listener, Publisher, Receiver, Sender, TableSource, is_responder

    words = {
        "sender": Sender, "finder": Finder, "holder": Holder, "receiver": Receiver, "listener": Listener,
        "publisher": Publisher, "tables": TableSource, "confirmer": Confirmer,
    }  # fmt: skip
    can = [word for word, protocol in words.items() if issubclass(kind, protocol)]
    return [*can, "responder"] if is_responder(kind) else can
