"""The entry point ``hub``: global options, the command groups, and one place where errors become exit codes."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hub.cli import (
    audit,
    backfill,
    backup,
    catalog,
    check,
    connector,
    connectors,
    dead,
    demo,
    editor,
    endpoint,
    events,
    explain,
    health,
    importing,
    init,
    key,
    lookups,
    plan,
    purge,
    rehearse,
    release,
    reload,
    run,
    schema,
    schema_compat,
    send,
    simulate,
    status,
    table,
    trace,
)
from hub.cli.map import app as mapping_app
from hub.cli.shell import Shell, unexpected
from hub.errors import HubError

_HELP = """The dossier hub: takes each administrative dossier once, translates it, delivers it in order, and can prove it.

\b
A first look:
  hub init my-hub                       a folder with config.yaml: a hub home that runs
  cd my-hub                             commands work on the home in the current folder
  hub check                             does everything fit together?
  hub explain FILE --schema ID          what would become of this message, and why?
  hub rehearse FILE --schema ID         and what would each partner say? All of them simulated
  hub run                               start; SIGTERM or Ctrl-C ends
  hub plan && hub reload                what would change? take it, without a stop
  hub send FILE --schema ID             hand it a message
  hub trace 000.00.10.H22-261121-0001   where is this dossier, and what to do next?
Each command shows an example with --help. Tab completes after: hub --install-completion

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


_SECTIONS = {
    "Set up and understand": (
        "init", "check", "explain", "rehearse", "schema", "map", "table", "catalog", "release", "connectors", "connector",
        "key",
    ),
    "Run and send": ("run", "plan", "reload", "send", "import", "simulate", "demo"),
    "Watch and repair": ("status", "health", "trace", "dead", "endpoint", "backfill", "ledger", "events", "audit", "lookups"),
}  # fmt: skip
"""How ``hub --help`` groups the commands; what is in no group comes last, as ``Keep``."""


class _Guarded(TyperGroup):
    """The root group: whatever a command raises ends here as a sentence and an exit code, never as a traceback."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(map(len, self.commands))
        placed = {name for names in _SECTIONS.values() for name in names}
        for title, names in {**_SECTIONS, "Keep": tuple(name for name in self.commands if name not in placed)}.items():
            shown = [(name, self.commands[name]) for name in names if name in self.commands]
            if shown:
                with formatter.section(title):
                    limit = formatter.width - 6 - width
                    rows = [(name.ljust(width), command.get_short_help_str(limit)) for name, command in shown]
                    formatter.write_dl(rows)

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
    cls=_Guarded, help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False,
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
    (init.init, "Make a new hub home that runs."),
    (run.run, "Start the hub."),
    (check.check, "Find everything that is wrong with a home."),
    (explain.explain, "Show what would become of a message, and why."),
    (rehearse.rehearse, "Send a sample to simulated partners."),
    (release.release, "Keep what is new as it is from now on."),
    (connectors.connectors, "Installed connectors and their settings."),
    (plan.plan, "Show what a reload would change."),
    (reload.reload, "Have the running hub take changes."),
    (send.send, "Send JSON messages to a hub."),
    (status.status, "Show the exchange on one screen."),
    (health.health, "Ask the running hub whether it is ready."),
    (trace.trace, "Show where a dossier is and what to do."),
    (audit.audit, "Show who did what, and why."),
    (lookups.lookups, "Show who asked which registry."),
    (backfill.backfill, "Fill a route that was added later."),
    (simulate.simulate, "Run a partner's simulator."),
    (backup.backup, "Write everything into one file."),
    (backup.restore, "Put a backup into an empty store."),
    (purge.purge, "Erase old bodies, or those of one dossier."),
):
    app.command(short_help=_summary)(_command)
_further = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
app.command(short_help="Play a demonstration.", context_settings=_further)(demo.demo)
app.command("import", short_help="Take in old dossiers from files.")(importing.import_files)
schema.app.command("compat")(schema_compat.compat)
schema.app.command("editor")(editor.editor)
for _group, _name in (
    (dead.app, "dead"),
    (endpoint.app, "endpoint"),
    (catalog.app, "catalog"),
    (schema.app, "schema"),
    (mapping_app, "map"),
    (table.app, "table"),
    (key.app, "key"),
    (connector.app, "connector"),
    (backfill.ledger, "ledger"),
    (events.app, "events"),
):
    app.add_typer(_group, name=_name)


def main() -> None:
    """The console script."""
    from hub.observe.logging import configure

    gc.set_threshold(20_000, 20, 50)  # what a command imports stays; looking through it again and again is a fifth of its time
    configure(None, "error")
    app(prog_name="hub")


if __name__ == "__main__":
    main()
