"""Making the words and options of all commands of ``hub`` takes half the time of a short one: a process makes them once.

A command that starts as its users start it makes its own.
"""

from __future__ import annotations

from functools import cache

import typer.main
import typer.testing

from hub.cli.main import app


def install() -> None:
    """From now on, for every command in this process, or in one forked from it."""
    made = cache(typer.main.get_command)
    made(app)
    setattr(typer.main, "get_command", made)  # noqa: B010
    setattr(typer.testing, "_get_command", made)  # noqa: B010
