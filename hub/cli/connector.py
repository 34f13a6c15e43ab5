"""``hub connector``: put an installed connector to the test, and begin one of one's own."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.text import Text

from hub.cli.names import connector_names
from hub.cli.shell import REFUSED, Json, Shell, plural, printable, shell_of, table, unknown_name
from hub.errors import NotAllowed

if TYPE_CHECKING:
    from hub.testing.conformance import Report

app = typer.Typer(no_args_is_help=True, help="Write a connector of your own, and put connectors to the test.")

_STYLES = {"holds": "green", "broken": "bold red", "not told": "yellow"}


@app.command(short_help="Put an installed connector to the test.")
def verify(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of an installed connector.", autocompletion=connector_names)
    ],
    faults: Annotated[bool, typer.Option("--faults", help="Show too what it said of each fault.")] = False,
    as_json: Json = False,
) -> None:
    """Put an installed connector to the test: its contract, some 40 faults of the wire at each of its calls, and of who
    calls it.

    It is given a partner of its own on this machine (its specimen); nobody else is called, and no hub home is needed. What
    cannot be told of it is shown as such. Exit code 1 when anything is broken, 3 for an unknown name.

    \b
    Example:  hub connector verify national-portal
    """
    from hub.connector import installed_connectors
    from hub.testing.conformance import examine

    shell = shell_of(context)
    if name not in (known := installed_connectors()):
        raise unknown_name("connector", known)
    shell.note(f"{name} is put to the test; it takes some seconds") if not shell.as_json else None
    report = asyncio.run(examine(name))
    _show(shell, report, faults)
    if report.broken:
        raise typer.Exit(REFUSED)


def _show(shell: Shell, report: Report, faults: bool) -> None:
    rows = [(one.check, Text(one.verdict, _STYLES[one.verdict]), one.why or one.says) for one in report.findings]
    shown: list[Any] = [_checks(rows)]
    if faults:
        told = (", ".join(f"{word} {count}" for word, count in one.told.items()) for one in report.faults)
        shown += ["", table(("fault", "struck", "it said", "what happens"), [
            (one.fault, one.struck, words, one.says) for one, words in zip(report.faults, told, strict=True)
        ])]  # fmt: skip
        called = [(one.fault, one.struck, ", ".join(one.told), one.says) for one in report.calls if one.struck]
        shown += ["", table(("call", "made", "it answered", "what the caller does"), called)] if called else []
    played = [one for one in (*report.faults, *report.calls) if one.struck]
    struck, calls = len(played), sum(one.struck for one in played)
    count = {verdict: sum(one.verdict == verdict for one in report.findings) for verdict in _STYLES}
    last = (
        f"{report.connector}: {plural(count['holds'], 'check')} hold, {count['broken']} broken, {count['not told']} cannot be "
        f"told; {plural(struck, 'fault')} at {plural(calls, 'call')}, {report.seconds:g} s"
    )
    shell.answer(report.as_dict(), *shown, "", Text(last, "bold red" if report.broken else "bold green"))


def _checks(rows: list[tuple[str, Text, str]]) -> Any:
    made = table(("check", "verdict", "why, or what holds"), ())
    for check, verdict, why in rows:
        made.add_row(Text(check), verdict, Text(printable(why)))
    return made


Kind = Literal["rest", "soap", "poll", "listener"]


@app.command(short_help="Begin a connector of your own.")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, such as land-registry.")],
    kind: Annotated[
        Kind, typer.Option("--kind", help="rest, soap: sends; poll: fetches what is new; listener: is called by the partner.")
    ] = "rest",
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="Folder to make; hub-NAME in the current one when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a connector of your own as a package that works as it is: connector, settings, simulator, schemas, mappings with
    their tests, the conformance test, a hub home to try it in, and a README.

    Nothing that is there is overwritten: a folder with anything in it is refused (exit code 1). What is to be done then stands
    in the README of the package.

    \b
    Example:  hub connector new land-registry --kind rest
    """
    from hub.testing.scaffold import Names, write

    shell = shell_of(context)
    names = Names.of(name)
    folder = into if into is not None else Path(f"hub-{name}")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise NotAllowed(f"{printable(folder)} is there and not empty; name a folder that is not there yet")
    try:
        files = write(names, kind, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    steps = [f"pip install -e '{printable(folder)}[dev]'", f"pytest {printable(folder)}", f"hub connector verify {name}"]
    told = ["", "Next:", *(f"  {step}" for step in steps), f"and {printable(folder)}/README.md"]
    shell.answer(
        {"connector": name, "kind": kind, "folder": str(folder), "files": files, "next": steps},
        Text(f"wrote {printable(folder)}: {plural(len(files), 'file')}"), *told,
    )  # fmt: skip
