"""``make bench``: what intake costs, beside the least that a durable intake can cost on this machine.

Prints one line a figure, ``bench: NAME=VALUE``. The floor stores the same bytes through the same group-committing writer
in one insert and does nothing else. Rounds of floor and hub alternate; medians are shown.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

from sqlalchemy import insert

from connectors.opencps.stories import stories
from hub import strictyaml
from hub.app import Hub, system_clock
from hub.assembly import assemble
from hub.message import Arrival, SchemaRef, new_id
from hub.store.engine import open_engine, parse_url
from hub.store.tables import bodies, metadata
from hub.store.writer import Writer

ROUNDS = 5
MESSAGES = 1_000
SCHEMA = SchemaRef.parse("opencps-dossier@1")
WAITING = 64
"""Callers that wait for a receipt at any time."""

CONFIG = """
store: { url: sqlite:///hub.db }
server: { port: 0 }
catalog: ["%s"]
sources: [{ schema: opencps-dossier@1, becomes: [dossier@1, dossier-progress@1] }]
"""
TABLE = """
table: npsp-procedures
version: 1.20261101.0
key: [code]
columns: [name, field_code, field_name]
rows:
%s
"""


def home(folder: Path) -> Path:
    """A hub home without partners, whose every procedure is known."""
    repository = Path(__file__).parents[1]
    (folder / "config.yaml").write_text(CONFIG % repository, encoding="utf-8")
    tables = folder / "mappings" / "tables" / "npsp-procedures"
    tables.mkdir(parents=True)
    codes = sorted(set(services(repository)))
    rows = "\n".join(f'  - ["{code}", "name", "G01-XX01", "field"]' for code in codes)
    (tables / "1.20261101.0.yaml").write_text(TABLE % rows, encoding="utf-8")
    return folder


def services(repository: Path) -> list[str]:
    """National codes of the unit's own services."""
    document = strictyaml.load(repository / "mappings/tables/opencps-services/1.0.0.yaml")
    return [str(document.text("rows", index, 1)) for index in range(len(document.data["rows"]))]


async def rate(send: object, bodies_: list[bytes]) -> float:
    """Messages a second with ``WAITING`` callers."""
    left = list(enumerate(bodies_))

    async def caller() -> None:
        while left:
            await send(*left.pop())  # type: ignore[operator]

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(WAITING)))
    return len(bodies_) / (time.perf_counter() - began)


async def main() -> None:
    """Alternate floor and hub, print the medians."""
    records = [
        json.dumps(record).encode() for story in stories(1, MESSAGES, day=date(2026, 11, 20)) for record in story.records[:1]
    ]
    floors, hubs = [], []
    mapped = 0.0
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            engine = open_engine(parse_url(f"sqlite:///{folder}/floor.db"), writer=True)
            with engine.begin() as connection:
                metadata.create_all(connection)
            writer = Writer(engine)
            writer.start()

            async def store(index: int, body: bytes, writer: Writer = writer) -> None:
                await writer.run(lambda c: c.execute(insert(bodies), {"id": str(index), "content": body}))

            floors.append(await rate(store, records))
            await writer.close()
            engine.dispose()
        with tempfile.TemporaryDirectory() as folder:
            hub = Hub(assemble(home(Path(folder))))
            await hub.start()

            async def accept(index: int, body: bytes, hub: Hub = hub) -> None:
                arrival = Arrival(new_id(), "bench", SCHEMA, body, system_clock(), new_id(), key=str(index))
                await hub.intake.accept(arrival)

            hubs.append(await rate(accept, records))
            chain = assemble(Path(folder)).catalog.chain("opencps-dossier@1", "dossier@1")
            parsed = json.loads(records[0])
            began = time.perf_counter()
            for _ in range(1_000):
                chain.translate(parsed)
            mapped = (time.perf_counter() - began) * 1_000
            await hub.stop()
    floor, ours = statistics.median(floors), statistics.median(hubs)
    print(f"bench: body_bytes={statistics.median(map(len, records)):.0f}")
    print(f"bench: floor_rate={floor:.0f}")
    print(f"bench: intake_rate={ours:.0f}")
    print(f"bench: intake_ratio={floor / ours:.2f}")
    print(f"bench: mapping_us={mapped:.1f}")


if __name__ == "__main__":
    asyncio.run(main())
