"""``hub rehearse``: a sample through the home's real configuration, with every partner simulated on this machine."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from hub.cli.names import endpoint_names, source_ids
from hub.cli.shell import INTERRUPTED, REFUSED, Json, Shell, printable, shell_of, unknown_name
from hub.errors import UnknownSchema
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.cli.rehearse_samples import Replayed
    from hub.config import HubConfig


def rehearse(
    context: typer.Context,
    words: Annotated[
        list[Path],
        typer.Argument(
            metavar="[HOME] SAMPLE…", help="The home, unless it is the current folder; then files and folders of records."
        ),
    ],
    sender: Annotated[str | None, typer.Option("--as", metavar="SENDER", help="Who would send it, as in `hub key`.")] = None,
    schema: Annotated[
        str | None,
        typer.Option(
            "--schema",
            metavar="ID",
            help="Schema of the records: opencps-dossier@1. By default the only one of `sources`.",
            autocompletion=source_ids,
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint",
            metavar="NAME",
            autocompletion=endpoint_names,
            help="Have the sample read as the drop folder of this endpoint is. By default the only such endpoint.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="ENDPOINT.KEY=VALUE", help="A setting of the simulator that stands in for an endpoint."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show what would be sent too. It holds personal data.")] = False,
    patience: Annotated[
        float, typer.Option("--patience", min=0.1, help="Seconds without any progress after which it no longer waits.")
    ] = 10.0,
    as_json: Json = False,
) -> None:
    """Send a sample through this home to simulated partners: what would be sent, refused or kept, and why.

    A rehearsal before anybody asks for access to the real partners. Config, schemas, mappings, tables and routes are those of
    the home; the store is a temporary one, and in place of each partner its simulator listens on this machine, with the
    account and the paths of the endpoint's settings. No secret is needed, no partner is called, nothing is written in the
    home. To a partner without a simulator nothing is sent; what it would be sent is shown.

    Records are read as a drop folder of the home reads them (--endpoint), or come through the hub's own door (--schema): a
    JSON array is many, .jsonl and .ndjson are one a line, any other file is one. Exit code 1 if any record was refused,
    kept, not read, or not taken by a simulator; what is shown only was judged by nobody. With --json, as with --show, the
    bodies that would be sent are in the report.

    \b
    Examples:  hub rehearse my-hub samples/ --schema opencps-dossier@1 --as one-stop
               hub rehearse my-hub export.csv --endpoint land-files --show
    """
    from hub.cli import rehearse_report as report
    from hub.config import load_home

    shell = shell_of(context)
    if words and (words[0] / "config.yaml").is_file():
        shell.folder, words = words[0], words[1:]
    for name in words:
        if not name.exists():
            raise typer.BadParameter(f"{printable(name)} is not there", param_hint="SAMPLE")
    if not words:
        raise typer.BadParameter("name files or folders of records, behind the home", param_hint="SAMPLE")
    config = load_home(shell.folder, unresolved=[]).config
    reads, wanted = _how(config, endpoint, schema)
    if wanted is None and sender is not None:
        raise typer.BadParameter(f"the settings of {reads} say whose the records are", param_hint="--as")
    extra = _simulator_settings(settings or (), config)
    document: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="hub-rehearsal-", ignore_cleanup_errors=True) as scratch:
        play = _Play(shell, Path(scratch), words, sender, wanted, reads, extra, show or shell.as_json, patience)
        try:
            asyncio.run(play.until_told(document))
        except asyncio.CancelledError:  # SIGTERM
            raise typer.Exit(INTERRUPTED) from None
        except UnknownSchema:
            raise _no_source(config, wanted) from None
        finally:
            play.log_told(stopped=document.get("stopped") is not None)
    shell.answer(document)
    for note in document["notes"]:
        shell.note(f"note: {printable(note)}")
    for record in document["records"]:
        shell.say(*report.lines(record))
    shell.say("", report.summary(document["counts"], document["ok"]))
    if document["stopped"]:
        shell.note(f"error: stopped: {printable(document['stopped'])}")
    if not document["ok"]:
        raise typer.Exit(REFUSED)


def _how(config: HubConfig, endpoint: str | None, schema: str | None) -> tuple[str | None, SchemaRef | None]:
    """(the endpoint that reads the sample, or the schema that its records are sent as)."""
    from hub.testing.samples import readers_of

    if endpoint is not None and endpoint not in config.endpoints:
        raise unknown_name("endpoint", config.endpoints)
    readers = readers_of(config)
    if endpoint is not None:
        if schema is not None:
            raise typer.BadParameter("the endpoint's own settings say which schema it reads", param_hint="--schema")
        if endpoint not in readers:
            raise typer.BadParameter("this endpoint reads no files", param_hint="--endpoint")
        return endpoint, None
    if schema is not None:
        return None, _source(config, schema)
    if len(readers) == 1:
        return readers[0], None
    if not readers and len(config.sources) == 1:
        return None, SchemaRef.parse(config.sources[0].schema_)
    known = ", ".join([*readers, *(one.schema_ for one in config.sources)]) or "none"
    raise typer.BadParameter(f"say which: --endpoint NAME or --schema ID, of: {known}", param_hint="--schema")


def _source(config: HubConfig, schema: str) -> SchemaRef:
    try:
        ref = SchemaRef.parse(schema)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--schema") from None
    if ref.id not in {one.schema_.partition("@")[0] for one in config.sources}:
        raise _no_source(config, schema)
    return ref


def _no_source(config: HubConfig, schema: object) -> typer.BadParameter:
    known = ", ".join(one.schema_ for one in config.sources) or "none"
    return typer.BadParameter(
        f"no schema {schema} stands under sources in config.yaml; there are: {known}", param_hint="--schema"
    )


def _simulator_settings(given: Sequence[str], config: HubConfig) -> Mapping[str, Mapping[str, Any]]:
    extra: dict[str, dict[str, Any]] = {}
    for one in given:
        place, equals, text = one.partition("=")
        name, dot, key = place.partition(".")
        if not (equals and dot and key):
            raise typer.BadParameter("write --set ENDPOINT.KEY=VALUE, such as --set portal.later_fields=optional")
        if name not in config.endpoints:
            raise unknown_name("endpoint", config.endpoints)
        try:
            extra.setdefault(name, {})[key] = orjson.loads(text)
        except orjson.JSONDecodeError:
            extra.setdefault(name, {})[key] = text
    return extra


class _Play:
    """One rehearsal."""

    def __init__(
        self, shell: Shell, scratch: Path, samples: Sequence[Path], sender: str | None, schema: SchemaRef | None,
        reads: str | None, extra: Mapping[str, Mapping[str, Any]], bodies: bool, patience: float,
    ) -> None:  # fmt: skip
        self._shell, self._scratch, self._samples = shell, scratch, samples
        self._sender, self._schema, self._reads = sender or "rehearsal", schema, reads
        self._extra, self._bodies, self._patience = extra, bodies, patience
        self._log = scratch / "hub.log"

    async def until_told(self, document: dict[str, Any]) -> None:
        """Fill the document. SIGTERM ends it as Ctrl-C does: what was begun is put away. Raises UnknownSchema for a version
        that the catalog does not have."""
        from hub.cli import rehearse_report as report
        from hub.cli import rehearse_samples as samples
        from hub.observe.logging import configure
        from hub.testing.rehearsal import Stage
        from hub.testing.understudies import Journal

        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        configure(self._log, "info")
        journal = Journal(self._bodies)
        replayed: list[Replayed] = []
        folder = self._shell.folder
        async with Stage(folder, self._scratch / "stage", journal, self._extra, self._reads) as stage:
            files = samples.sample_files(self._samples)
            with self._shell.progress("rehearsing") as advance:

                def tell(one: Replayed) -> None:
                    replayed.append(one)
                    advance(1)

                if self._schema is None:
                    stopped = await samples.as_endpoint_reads(stage, files, self._patience, tell)
                else:
                    stage.catalog.schema(self._schema)
                    door = samples.through_the_door(stage, files, self._sender, self._schema, self._patience, tell)
                    try:
                        stopped = await door
                    except ValueError as error:
                        raise typer.BadParameter(str(error), param_hint="--as") from None
                if not await stage.settled(self._patience) and stopped is None:
                    stopped = f"nothing moved for {self._patience:g} s, and not everything has come to its end"
            records = await report.told(replayed, stage.hub.store, journal, stage.simulators, self._bodies)
        counts = report.counted(records)
        fine = bool(records) and stopped is None and all(name in report.FINE_OUTCOMES for name in counts)
        endpoints = {name: {"simulator": simulator} for name, simulator in stage.simulators.items()}
        document.update(
            ok=fine, home=str(folder), endpoints=endpoints, notes=stage.notes, records=records, counts=counts, stopped=stopped
        )

    def log_told(self, *, stopped: bool) -> None:
        """Log lines that say what the report cannot, on stderr; the log itself goes with everything else."""
        from hub.observe.logging import configure

        configure(None, "error")
        levels = ("warning", "error", "critical") if stopped else ("error", "critical")
        with suppress(FileNotFoundError):
            for line in self._log.read_text(encoding="utf-8").splitlines():
                said = orjson.loads(line)
                if said.get("level") in levels and said.get("event") != "dead":
                    self._shell.note(printable(line))
