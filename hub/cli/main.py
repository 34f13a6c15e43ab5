"""The entry point ``hub``: global options, the command groups, and one place where errors become exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hub.cli import backfill, catalog, check, dead, demo, endpoint, key, run, send, simulate, trace
from hub.cli.shell import Shell, unexpected
from hub.errors import HubError

_HELP = """The dossier hub: takes each administrative dossier once, translates it, delivers it in order, and can prove it.

\b
A first look, in the folder that holds config.yaml (the hub home):
  hub check                             does everything fit together?
  hub run                               start; SIGTERM or Ctrl-C ends, SIGHUP reloads
  hub send FILE --schema ID             hand it a message
  hub trace 000.00.10.H22-261121-0001   where is this dossier, and what to do next?

\b
Exit codes:
  0    ok
  1    problems were found, or something was refused
  2    the command was used wrongly
  3    what was named is not there
  4    the store or a partner is not available
  70   an error in the hub itself
  130  interrupted
"""


class _Guarded(TyperGroup):
    """The root group: whatever a command raises ends here as a sentence and an exit code, never as a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except HubError as error:
            raise typer.Exit(_shell(ctx).failed(error)) from None
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:
            raise typer.Exit(unexpected(_shell(ctx), error)) from None


def _shell(ctx: Any) -> Shell:
    return ctx.obj if isinstance(ctx.obj, Shell) else Shell(Path())


app = typer.Typer(
    cls=_Guarded, help=_HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None,
)  # fmt: skip


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"dossier-hub {version('dossier-hub')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[
        Path, typer.Option("--home", envvar="HUB_HOME", help="The hub home: the folder that holds config.yaml.")
    ] = Path(),
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    context.obj = Shell(home)


for _command, _summary in (
    (run.run, "Start the hub."),
    (check.check, "Find everything that is wrong with a home."),
    (send.send, "Send JSON messages to a hub."),
    (trace.trace, "Show where a dossier is and what to do."),
    (backfill.backfill, "Fill a route that was added later."),
    (simulate.simulate, "Run a partner's simulator."),
):
    app.command(short_help=_summary)(_command)
_further = {"allow_extra_args": True, "ignore_unknown_options": True}
app.command(short_help="Play a demonstration.", context_settings=_further)(demo.demo)
for _group, _name in (
    (dead.app, "dead"),
    (endpoint.app, "endpoint"),
    (catalog.app, "catalog"),
    (key.app, "key"),
    (backfill.ledger, "ledger"),
):
    app.add_typer(_group, name=_name)


def main() -> None:
    """The console script."""
    from hub.observe.logging import configure

    configure(None, "error")
    app(prog_name="hub")


if __name__ == "__main__":
    main()
