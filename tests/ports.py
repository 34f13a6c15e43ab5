"""Ports of this machine that stay free while nobody listens on them."""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """A port below the range that outgoing connections are given, so that it stays free while its server is down."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
