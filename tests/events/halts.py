"""No sabotage, seams held open: a hub's process that publishes its events stops for ever at one place, and says so."""

from __future__ import annotations

from collections.abc import Callable

from kafka.halts import _halt_at


def halts_before_events_are_published() -> None:
    from connectors.kafka.publishing import Publishing

    _halt_at(1, Publishing, "publish", before=True)


def halts_behind_published_events() -> None:
    """They are in the topic, and not forgotten in the store."""
    from connectors.kafka.publishing import Publishing

    _halt_at(1, Publishing, "publish", before=False)


def halts_while_it_tells_what_was_there() -> None:
    from hub.store.sql import SqlStore

    _halt_at(1, SqlStore, "copy_events", before=False)


SEAMS = (halts_before_events_are_published, halts_behind_published_events)
KINDS: dict[str, Callable[[], None]] = {one.__name__: one for one in (*SEAMS, halts_while_it_tells_what_was_there)}
