"""``hub map``: mappings, seen by whoever writes them. The commands stand in modules of their own, one line each here."""

from __future__ import annotations

import typer

from hub.cli import map_path, map_shadow, map_test, map_try

app = typer.Typer(no_args_is_help=True, help="Mappings: the way a message takes, and tools to try a change.")
app.command("path")(map_path.path)
app.command("try")(map_try.try_mapping)
app.command("test")(map_test.run)
app.command("shadow")(map_shadow.shadow)
