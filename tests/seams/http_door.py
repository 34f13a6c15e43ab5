"""One HTTP request to a process on this machine, on a connection of its own."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back; ``body`` is the decoded JSON, or text."""

    status: int
    headers: Mapping[str, str]
    body: Any


NO_ANSWER = (OSError, http.client.HTTPException)
"""What a request raises when its connection is refused, cut or silent."""


def request(method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, seconds: float = 10.0) -> Answer:
    """Raises one of ``NO_ANSWER``."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port or 0, timeout=seconds)
    try:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        path = place.path + (f"?{place.query}" if place.query else "")
        connection.request(
            method, path, content, {"Content-Type": "application/json", "Connection": "close", **(headers or {})}
        )
        response = connection.getresponse()
        raw = response.read()
        is_json = "json" in (response.getheader("Content-Type") or "")
        return Answer(response.status, dict(response.getheaders()), json.loads(raw) if is_json else raw.decode())
    finally:
        connection.close()
