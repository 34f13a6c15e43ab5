"""``hub demo``: plays a demonstration that is installed as an entry point (``hub.demos``)."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Annotated

import typer

from hub.cli.shell import unknown_name

GROUP = "hub.demos"


def demo(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Which one; may be left out if there is one.")] = None,
) -> None:
    """Play a demonstration, from simulators and a hub of its own to a field-by-field comparison.

    Everything after NAME is handed to the demonstration; `hub demo --help` shows what it takes. Its exit code is 0 only if
    all that it shows holds.

    \b
    Example:  hub demo national-portal
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    arguments = list(context.args)
    if name is not None and name.startswith("-"):
        arguments, name = [name, *arguments], None
    known = ", ".join(sorted(found)) or "none is installed"
    if name is None and len(found) != 1:
        raise typer.BadParameter(f"say which: {known}")
    chosen = name or next(iter(found))
    if chosen not in found:
        raise unknown_name("demonstration", sorted(found))
    code: int = found[chosen].load()(arguments)
    raise typer.Exit(code)
