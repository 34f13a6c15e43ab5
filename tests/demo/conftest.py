"""One demo, played as a newcomer types it and kept, for every test that looks at what a whole demo prints and leaves behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from connectors.demo.event_topic import GIVEN
from demo.played import DOSSIERS, HUB, Played

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def brokers() -> Iterator[str]:
    """librdkafka's simulated cluster, for the events of one demo: it keeps the topic, since it takes no order to delete one."""
    keeper = Producer({"bootstrap.servers": "simulated", "test.mock.num.brokers": 3, "log_level": 0})
    yield ",".join(f"{one.host}:{one.port}" for one in keeper.list_topics(timeout=10).brokers.values())
    keeper.flush(1)


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory, warm: Path, brokers: str) -> Played:
    """120 dossiers through outage, expired sessions and a kill, with the event stream; `make demo`, which .ci/run plays too,
    sends 500, without. Tests that ask for it are of the group ``demo``."""
    folder = tmp_path_factory.mktemp("kept")
    run = subprocess.run(
        [*HUB, "demo", "--keep", "--dossiers", str(DOSSIERS), "--seconds", "300"],
        cwd=REPOSITORY, env={**os.environ, "TMPDIR": str(folder), GIVEN: brokers}, capture_output=True, text=True, timeout=380,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-3000:]
    (kept,) = folder.iterdir()
    return Played(kept, run.stdout, run.stderr, warm, brokers)
