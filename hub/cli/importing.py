"""``hub import``: old dossiers from files, through the door of the running hub, beside today's traffic; and ``--dry-run``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hub.cli.names import endpoint_names, source_ids
from hub.cli.send import own_url, visible_key
from hub.cli.shell import INTERRUPTED, REFUSED, UNAVAILABLE, Json, Shell, printable, shell_of, unknown_name
from hub.errors import BadConfig, NotFound, Problem
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.cli.import_files import Given
    from hub.record_files import RecordReader

_FORMS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json"}


def import_files(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FILE | FOLDER | URL", help="Of a folder the files in the order of their names; .gz too.")
    ],
    schema: Annotated[
        str | None,
        typer.Option("--schema", metavar="ID", help="Schema of the rows of .jsonl or .json files.", autocompletion=source_ids),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint", metavar="NAME", autocompletion=endpoint_names,
            help="Read them as this endpoint of config.yaml reads its files: schema, CSV columns, encoding.",
        ),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", envvar="HUB_URL", help="The hub; by default as config.yaml says.")] = None,
    key: Annotated[
        str, typer.Option("--key", envvar="HUB_KEY", show_default=False, help="The sender's key; better in HUB_KEY.")
    ] = "",
    rate: Annotated[float | None, typer.Option("--rate", min=0.01, help="Rows a second at most.")] = None,
    waiting: Annotated[
        int, typer.Option("--waiting", min=1, help="Rows are sent while fewer deliveries than this wait at their endpoint.")
    ] = 20,
    state: Annotated[
        Path | None, typer.Option("--state", help="Folder for journal and report; var/imports of the home when not said.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="All of it once more, an address fetched anew; what the hub has is known.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check rows against schema and mappings; store nothing.")] = False,
    patience: Annotated[float, typer.Option("--patience", min=0, help="Seconds to go on trying a hub that is away.")] = 600.0,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Take in old dossiers from files, through the running hub's door, without disturbing today's traffic.

    Each row is a message of the key's sender, by the same rules as any: one that came before is known again. By itself the
    import sends few rows at once, and only while few deliveries wait at their partners. It can be ended, or killed, at any
    time: the same command goes on where it was. Ctrl-C lets what is under way end, for 10 seconds at most; a second one cuts
    it off. What was refused or kept stands in a report, row by row, with the reason and no value. Exit code 1 when rows were
    refused or kept, 4 when the hub could not be reached.

    \b
    Examples:  HUB_KEY=$(cat one-stop.key) hub import old-dossiers.jsonl.gz --schema opencps-dossier@1
               hub import exports/ --endpoint civil-status --rate 100
    """
    from hub.cli.import_fetch import copy_of, fetch, is_address
    from hub.cli.import_files import given_files
    from hub.cli.import_state import written
    from hub.config import load_home

    shell = shell_of(context)
    home = load_home(shell.folder, unresolved=[])
    if (schema is None) is (endpoint is None):
        raise typer.BadParameter("say --schema for .jsonl and .json files, or --endpoint for those of one that reads files")
    if schema is not None:
        try:
            SchemaRef.parse(schema)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--schema") from None
    if endpoint is not None and endpoint not in home.config.endpoints:
        raise unknown_name("endpoint", home.config.endpoints)
    if rate is not None and not isfinite(rate):
        raise typer.BadParameter("say a number of rows", param_hint="--rate")
    folder = (state or shell.folder / "var" / "imports").absolute()
    with written():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    given, left_out = ([copy_of(source, folder)], list[str]()) if is_address(source) else given_files(source)
    readers = [_reader(shell, home.config.endpoints, endpoint, schema, one) for one in given]
    if left_out:
        told = ", ".join([*left_out[:10], *(["…"] if len(left_out) > 10 else [])])
        shell.note(f"left out, for they are no files: {printable(told)}; take in the files of a folder within by its own name")
    if is_address(source):
        asyncio.run(fetch(source, given[0], anew=again))
    if dry_run:
        from hub.cli.import_trial import try_all

        total = try_all(shell, [*zip(given, readers, strict=True)])
    else:
        from hub.cli.import_run import Import, Settings
        from hub.cli.posting import NoAddress

        door = (url or own_url(shell)).rstrip("/")
        settings = Settings(door, visible_key(key), rate, waiting, folder, again, patience)
        try:
            total = asyncio.run(Import(shell, settings).run([*zip(given, readers, strict=True)]))
        except NoAddress as error:
            raise typer.BadParameter(str(error), param_hint="--url") from None
    if is_address(source) and not total.stopped:
        given[0].path.unlink(missing_ok=True)
    total.left_out = left_out
    shell.answer(total.document(), *total.lines(dry_run))
    if total.stopped is not None:
        if not total.stopped.interrupted:
            shell.note(Text.assemble(("error: ", "bold red"), f"stopped: {printable(total.stopped.why)}"))
        shell.note(f"run the same command again{', without --again' if again else ''}: it goes on where it was")
        code = INTERRUPTED if total.stopped.interrupted else UNAVAILABLE if total.stopped.unavailable else REFUSED
        raise typer.Exit(code)
    if total.counts["refused"] or total.counts["kept"] or total.broken:
        raise typer.Exit(REFUSED)


def _reader(shell: Shell, endpoints: Mapping[str, Any], endpoint: str | None, schema: str | None, given: Given) -> RecordReader:
    """Raises BadConfig, NotFound."""
    from hub.cli.import_files import plain_name
    from hub.connector import load_connector
    from hub.record_files import reader_of

    if endpoint is not None:
        one = endpoints[endpoint]
        reader = reader_of(load_connector(one.connector), one.settings, shell.folder)
        if reader is None:
            readers = ", ".join(name for name, other in endpoints.items() if other.connector == "files") or "none"
            raise NotFound(f"endpoint {endpoint} reads no files (section `read`); those that may: {readers}")
        return reader
    form = _FORMS.get(Path(plain_name(given.name)).suffix.lower())
    if form is None:
        text = f"{printable(given.name)}: --schema is enough for .jsonl, .ndjson and .json (an array) only"
        hint = "say --endpoint: an endpoint of the connector files whose `read` says how such files are written"
        raise BadConfig([Problem("", "form_not_said", text, hint)])
    read = {"folder": ".", "sender": "import", "schema": schema, "format": form, "records": "each"}
    reader = reader_of(load_connector("files"), {"read": read}, shell.folder)
    assert reader is not None
    return reader
