"""``hub import --dry-run``: each row by the code of the intake itself, with nothing stored and nothing sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from math import inf
from typing import TYPE_CHECKING, cast

from hub.assembly import assemble
from hub.cli.explain import NoStore
from hub.cli.import_files import BadFile, Given, OpenRecords
from hub.cli.import_run import Total
from hub.cli.shell import Shell
from hub.errors import Problem, Refused
from hub.intake.accept import Intake
from hub.intake.contained import contained
from hub.message import Arrival, SchemaRef, new_id, system_clock
from hub.record_files import FileRecord, RecordReader

if TYPE_CHECKING:
    from hub.store.port import Store

SENDER = "import"


def try_all(shell: Shell, files: Sequence[tuple[Given, RecordReader]]) -> Total:
    """What would be refused or kept, and for which route a row could not be translated. Raises BadConfig."""
    parts, total, store = assemble(shell.folder), Total(), NoStore()
    config = parts.home.config
    accept = contained(Intake(
        cast("Store", store), parts.catalog, parts.router, parts.sources, config.owners, lambda: None,
        max_depth=config.server.max_depth,
    ).accept, "rows", tries=1, most=inf)  # fmt: skip

    async def one(record: FileRecord, schema: SchemaRef, counts: Counter[str], causes: Counter[str]) -> None:
        if record.problem is not None:
            counts["refused"] += 1
            causes[f"refused: {record.problem.code}"] += 1
            return
        try:
            await accept(Arrival(new_id(), SENDER, schema, record.body, system_clock(), "0" * 32))
        except Refused as error:
            counts["refused"] += 1
            causes.update(_causes("refused", error.problems))
            return
        plan = store.plan
        counts["kept" if plan.kept else "accepted"] += 1
        causes.update({f"kept: {one['at']} {one['code']}" for one in plan.kept})
        failing = {match.route for part in plan.parts for match in part.matches if match.failure}
        causes.update(f"route {route} cannot translate it: it would be a dead letter" for route in failing)

    async def work() -> None:
        for given, reader in files:
            counts, causes = Counter[str](), Counter[str]()
            schema, said = SchemaRef.parse(reader.schema), None
            try:
                with closing(OpenRecords(given, reader)) as opened:
                    while batch := opened.batch():
                        for record in batch:
                            await one(record, schema, counts, causes)
            except BadFile as error:
                total.broken += 1
                said = str(error)
            total.sent += sum(counts.values())
            total.add(given.name, counts, causes, rows=sum(counts.values()), error=said)

    with shell.progress("checking rows"):
        asyncio.run(work())
    return total


def _causes(word: str, problems: Sequence[Problem]) -> set[str]:
    return {f"{word}: {one.at} {one.code}" for one in problems}
