"""No sabotage, seams held open: a hub's process that reads and writes topics stops for ever at one place, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARK = "halted"
"""The file below the hub's home that tells."""


def _halt_at(call: int, kind: type, name: str, *, before: bool) -> None:
    honest, calls = getattr(kind, name), 0

    async def halting(*words: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        mine = calls
        result = None if before and mine >= call else await honest(*words, **more)
        if mine >= call:
            Path(MARK).touch()
            await asyncio.Event().wait()
        return result

    setattr(kind, name, halting)


def halts_before_a_record_is_stored() -> None:
    from connectors.kafka.receiving import Receiving

    _halt_at(20, Receiving, "_offer", before=True)


def halts_behind_a_stored_record() -> None:
    from connectors.kafka.receiving import Receiving

    _halt_at(20, Receiving, "_offer", before=False)


def halts_behind_a_refused_record() -> None:
    from connectors.kafka.receiving import Receiving

    _halt_at(1, Receiving, "_refuse", before=False)


def halts_before_offsets_are_committed() -> None:
    from connectors.kafka.membership import Membership

    _halt_at(1, Membership, "_commit", before=True)


def halts_behind_committed_offsets() -> None:
    from connectors.kafka.membership import Membership

    _halt_at(1, Membership, "_commit", before=False)


def halts_behind_a_sent_record() -> None:
    from connectors.kafka.sending import Sending

    _halt_at(3, Sending, "send", before=False)


INTAKE = (
    halts_before_a_record_is_stored, halts_behind_a_stored_record, halts_behind_a_refused_record,
    halts_before_offsets_are_committed, halts_behind_committed_offsets,
)  # fmt: skip
KINDS: dict[str, Callable[[], None]] = {one.__name__: one for one in (*INTAKE, halts_behind_a_sent_record)}
