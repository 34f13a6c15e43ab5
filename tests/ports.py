"""Ports of this machine that stay free while nobody listens on them."""

from __future__ import annotations

import os
import random
import socket

_GIVEN: set[int] = set()


def free_port() -> int:
    """A port below the range that outgoing connections are given, so that it stays free while its server is down; given to
    nobody else by this process, nor by another worker of the test run, if it has no more than eight."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    first = 20_000 + 1_500 * worker
    while True:
        port = random.SystemRandom().randrange(first, first + 1_500)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port
