"""Sabotage: imported into a hub's process, attempts no longer remember the code that a ministry issued."""

from __future__ import annotations

from typing import Any

from connectors.ministry_portal.creating import CODE
from hub.delivery.attempt import LiveAttempt

_remember = LiveAttempt.remember


async def _forgets(self: LiveAttempt, key: str, value: Any, **more: Any) -> None:
    if key != CODE:
        await _remember(self, key, value, **more)


LiveAttempt.remember = _forgets  # type: ignore[method-assign]
