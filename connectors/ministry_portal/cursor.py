"""How far a feed was read, as the hub's store keeps it: the ministry's cursor, and of which feed and which reading it is."""

from __future__ import annotations

import orjson

from connectors.ministry_portal.config import MinistryConfig


def written(cursor: str, config: MinistryConfig) -> str:
    """As it is given with an arrival."""
    return orjson.dumps({**_reading(config), "cursor": cursor}).decode()


def read_cursor(kept: str, config: MinistryConfig) -> str | None:
    """What was ``written``; None when it is of another feed, of a reading before this one, or of another connector that had
    the endpoint's name."""
    try:
        found = orjson.loads(kept)
    except orjson.JSONDecodeError:
        return None
    cursor = found.pop("cursor", None) if isinstance(found, dict) else None
    return cursor if isinstance(cursor, str) and found == _reading(config) else None


def _reading(config: MinistryConfig) -> dict[str, str | None]:
    assert config.feed is not None
    return {"feed": config.base_url + config.feed.path, "read_anew": config.feed.read_anew}
