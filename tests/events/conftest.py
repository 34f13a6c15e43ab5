"""Stores of the tests of the store, clusters of the tests of topics, and a launcher of hubs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.conftest import (  # noqa: F401
    broker,
    forgotten_connections,
    mock_cluster,
    own_broker,
    pytest_collection_modifyitems,
    started_broker,
)

sys.path.append(str(Path(__file__).parents[1] / "store"))  # no package: its modules know each other by name
from seams.processes import Launcher
from store.conftest import (  # noqa: F401
    clock,
    database,
    desk,
    empty,
    opened,
    postgres,
    shared_postgres,
    sqlite,
    sqlite_template,
    store,
)


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    made = Launcher()
    yield made
    made.close()
