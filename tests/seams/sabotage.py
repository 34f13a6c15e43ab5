"""Hubs that break the promise on purpose, so that the proofs can be seen to fail: each changes one thing and runs the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


def no_sync() -> None:
    """SQLite told not to sync: a commit returns while it is in the page cache only."""
    from sqlalchemy import event

    import hub.store.sql as sql

    honest = sql.open_engine

    def opened(*given: Any, **named: Any) -> Any:
        engine = honest(*given, **named)
        event.listen(engine, "connect", lambda dbapi, _record: dbapi.execute("PRAGMA synchronous=OFF"))
        return engine

    sql.open_engine = opened


def early_answer() -> None:
    """The receipt is given before the message is stored; it is stored a moment later."""
    from hub.store.sql import SqlStore

    honest = SqlStore.accept

    async def accept(self: Any, plan: Any) -> tuple[dict[str, Any], bool]:
        loop = asyncio.get_running_loop()
        later = loop.call_later(0.02, lambda: loop.create_task(honest(self, plan)))
        assert not later.cancelled()
        receipt = {"arrival": plan.arrival.id, "state": "accepted", "correlation_id": plan.arrival.correlation_id}
        return {**receipt, "messages": []}, False

    SqlStore.accept = accept  # type: ignore[method-assign,assignment]


KINDS: dict[str, Callable[[], None]] = {"no_sync": no_sync, "early_answer": early_answer}
