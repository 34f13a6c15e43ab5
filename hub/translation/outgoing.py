"""What a partner will be sent: translated when a message is accepted, to try it out, and not again for its first attempt."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import orjson

from hub.errors import Problem, TranslationFailed
from hub.translation.chain import Chain
from hub.values import value

KEPT_BYTES = 4 * 1024 * 1024
"""How much is kept in memory between acceptance and first attempt; the oldest goes, and is translated again when due."""


@value(frozen=True, slots=True)
class Outgoing:
    """The bytes to send, and what has to be recorded with them."""

    request: bytes
    warnings: tuple[Problem, ...]


class Outbox:
    """``try_out`` at acceptance, ``take`` when the delivery begins. Keyed by what decides the result: chain and body."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._most = kept_bytes
        self._size = 0
        self._made: OrderedDict[tuple[str, bytes], Outgoing] = OrderedDict()

    def try_out(self, chain: Chain, body: Any, encoded: bytes) -> None:
        """Translate ``body``, whose JSON is ``encoded``. Raises TranslationFailed."""
        translation = chain.translate(body)
        if translation is None:
            return
        made = Outgoing(orjson.dumps(translation.body), translation.warnings)
        key = (chain.digest, encoded)
        self._drop(key)
        self._made[key] = made
        self._size += len(encoded) + len(made.request)
        while self._size > self._most:
            self._drop(next(iter(self._made)))

    def take(self, chain: Chain, encoded: bytes) -> Outgoing:
        """What was made at acceptance, else made now. Raises TranslationFailed, also when there is nothing to send."""
        made = self._drop((chain.digest, encoded))
        if made is None:
            translation = chain.translate(orjson.loads(encoded))
            if translation is None:
                text = f"the mapping to {chain.target.ref} has nothing to send for this message"
                hint = "give the route the mapping's condition, so that such messages are not routed"
                raise TranslationFailed([Problem("", "nothing_to_send", text, hint)])
            made = Outgoing(orjson.dumps(translation.body), translation.warnings)
        return made

    def _drop(self, key: tuple[str, bytes]) -> Outgoing | None:
        made = self._made.pop(key, None)
        if made is not None:
            self._size -= len(key[1]) + len(made.request)
        return made
