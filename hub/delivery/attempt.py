"""One attempt of one delivery as its connector sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from hub.errors import Rejected
from hub.store.port import Store
from hub.store.values import Due


class LiveAttempt:
    """Implements ``hub.connector.Attempt``; what is remembered goes to the store before ``remember`` returns."""

    def __init__(self, due: Due, attempt_id: str, number: int, on_exists: Literal["hold", "adopt"], store: Store) -> None:
        self._due = due
        self._store = store
        self._remembered = dict(due.remembered)
        self._known = dict(due.aliases)
        self._on_exists = on_exists
        self.id = attempt_id
        self._number = number

    @property
    def number(self) -> int:
        return self._number

    @property
    def known_ids(self) -> Mapping[str, str]:
        return self._known

    @property
    def sent_before(self) -> bool:
        return self._due.sent_before

    @property
    def may_update(self) -> bool:
        ours = self._due.sent_before or self._due.own_earlier_doubt
        return ours or self._due.adopt or self._on_exists == "adopt"

    @property
    def remembered(self) -> Mapping[str, Any]:
        return self._remembered

    async def remember(self, key: str, value: Any, *, issued: Mapping[str, str] | None = None) -> None:
        if unusable := await self._store.remember(self._due.delivery_id, self.id, key, value, issued):
            raise Rejected("code_unusable", f"what the partner issued cannot be used: {unusable}")
        self._remembered[key] = value
        self._known |= issued or {}
