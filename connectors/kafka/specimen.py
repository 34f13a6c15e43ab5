"""How the connector of topics is put to the test: it writes to a simulated cluster, librdkafka's, in a process of its own.

Kafka is not HTTP, so no fault can be played between the two here; tests/kafka has real brokers that are killed, frozen
and restarted. What is left to see: its life, its check, what it sends, and that nothing of a person is said.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from connectors.kafka import simulated_cluster
from hub.errors import BadConfig, Problem
from hub.testing.specimen import Sample, Specimen

_NAME, _CODE, _TOPIC = "Trần Thị Mẫu Thử", "000.00.10.H22-261121-0001", "dossiers"


def specimen() -> Specimen:
    """A cluster of its own. Raises BadConfig where confluent-kafka is not installed: it comes with the extra ``dev``."""
    _cluster()
    return Specimen(simulator=None, settings=_settings, samples=(_sample("2"), _sample("4")), personal=(_NAME,))


@cache
def _cluster() -> list[str]:
    """Its brokers; it lives as long as this process."""
    if find_spec("confluent_kafka") is None:
        text = "its partner here is the simulated cluster of confluent-kafka, which is not installed"
        raise BadConfig([Problem("specimen", "no_cluster", text, "pip install confluent-kafka")])
    program = [sys.executable, "-P", simulated_cluster.__file__, _TOPIC]
    cluster = subprocess.Popen(  # Ctrl-C is for the suite: it ends with the input
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    atexit.register(_end, cluster)
    assert cluster.stdout is not None
    if not (brokers := cluster.stdout.readline().split()):
        _end(cluster)
        text = "the simulated cluster did not say where it is"
        raise BadConfig([Problem("specimen", "no_cluster", text, "what it said before it ended stands above")])
    return brokers


def _end(cluster: subprocess.Popen[str]) -> None:
    cluster.kill()
    cluster.communicate()


def _settings(url: str, folder: Path) -> Mapping[str, Any]:
    write = {"source": "urn:example:hub", "topics": {"npsp-dossier@1": _TOPIC}}
    return {"brokers": _cluster(), "tls": False, "write": write}


def _sample(state: str) -> Sample:
    body = {"MaHoSo": _CODE, "ChuHoSo": _NAME, "TrangThaiHoSo": state}
    return Sample("npsp-dossier@1.0.0", body, {"national": _CODE}, full_state=True)
