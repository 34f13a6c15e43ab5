"""The feed of a ministry, asked again and again: each item becomes an arrival, in order; the cursor is committed with them.

The cursor behind a page goes with the last message of that page, when all before it was taken or refused. Where that one is
refused, or the page has none, the cursor moves in memory only: after a crash such a page is read again, and what came before
is known by its id, else by its content. So it does behind an item at which the hub broke, until the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any

from connectors.ministry_portal.answers import word
from connectors.ministry_portal.config import FeedSettings, MinistryConfig
from connectors.ministry_portal.cursor import read_cursor, written
from connectors.ministry_portal.exchange import Exchange
from connectors.ministry_portal.items import Item, messages
from hub.connector import Accept, ConnectorContext
from hub.errors import Broke, DeliveryError, IdConflict, Refused, StoreUnavailable, Transient, UnknownSchema
from hub.message import Arrival, SchemaRef, new_id
from hub.observe.logging import get_logger

log = get_logger("ministry-feed")
_LONGEST_CURSOR = 2_000


class Polling:
    """``await run(accept)`` until cancelled. A feed that cannot be read is tried again; nothing ends it."""

    def __init__(self, settings: FeedSettings, config: MinistryConfig, exchange: Exchange, context: ConnectorContext) -> None:
        self._settings = settings
        self._config = config
        self._exchange = exchange
        self._context = context
        self._said: str | None = None
        self._cursor: str | None = None
        """Where to go on; "" at the beginning, None before the store was asked."""
        self._is_held = False
        """The cursor in the store stays where it is."""
        self._last = b""
        """Digest of the last page's messages."""

    async def run(self, accept: Accept) -> None:
        """Read page after page, with a pause after each that brought nothing new."""
        while True:
            went_on = False
            try:
                went_on = await self._page(accept)
                self._said = None
            except DeliveryError as error:
                self._say_once("feed_unreadable", error.code)
            except StoreUnavailable as error:
                self._say_once("waiting", error.reason)
            except Exception as error:  # nothing may end it: nobody would begin it again
                self._say_once("feed_broke", type(error).__name__, error)
            if not went_on:
                await asyncio.sleep(self._settings.every_seconds)

    async def _page(self, accept: Accept) -> bool:
        """One page; whether the cursor went on, so that there may be more at once."""
        settings = self._settings
        if self._cursor is None:
            self._cursor = await self._kept()
        before = self._cursor
        query = {settings.cursor_parameter: before} if before else {}
        page = await self._exchange.page(settings.path, query)
        items, after = _at(page, settings.items_at), word(_at(page, settings.cursor_at))
        if not isinstance(items, list):
            raise Transient("no_items", "the answer has no list at items_at")
        goes_on = after not in ("", before) and len(after) <= _LONGEST_CURSOR
        found = self._messages(items, before or "first")
        for number, (place, message) in enumerate(found, 1):
            keeps = goes_on and not self._is_held and number == len(found)
            await self._hand_over(message, accept, place, written(after, self._config) if keeps else None)
        if items and not after:
            raise Transient("no_cursor", "the answer has no cursor at cursor_at: what lies behind these items is never read")
        if len(after) > _LONGEST_CURSOR:
            raise Transient("cursor_too_long", f"the answer's cursor has more than {_LONGEST_CURSOR} characters")
        if not goes_on:
            return False
        self._cursor = after
        last, self._last = self._last, hashlib.sha256(b"\n".join(message.body for _, message in found)).digest()
        return bool(found) and self._last != last  # a cursor that moves over the same items would be asked without a pause

    async def _kept(self) -> str:
        """Where to go on, as the store has it. Raises StoreUnavailable."""
        kept = None if self._context.cursor is None else await self._context.cursor()
        cursor = "" if kept is None else read_cursor(kept, self._config)
        if cursor is None:
            log.warning("feed_begins_anew", endpoint=self._context.name)
        return cursor or ""

    def _messages(self, items: list[Any], page: str) -> list[tuple[str, Item]]:
        """Place and message, in order. An item of which none can be made is said, and the others go on."""
        found: list[tuple[str, Item]] = []
        for number, item in enumerate(items):
            place = f"{page}:{number}"
            try:
                found += [(place, message) for message in messages(item, self._config)]
            except Refused as refusal:
                self._say_refused(refusal, place)
        return found

    async def _hand_over(self, item: Item, accept: Accept, place: str, cursor: str | None) -> None:
        """What names no dossier is said, and the next one goes on. An id of the ministry's that came before with another body
        is no id: the item is then known by its content."""
        arrival = Arrival(
            id=new_id(), sender=self._settings.sender or self._context.name, schema=SchemaRef.parse(item.schema),
            body=item.body, received_at=self._context.clock(), correlation_id=new_id().replace("-", ""),
            origin=self._context.name, else_key=f"feed:{hashlib.sha256(item.body).hexdigest()}",
        )  # fmt: skip
        while True:
            try:
                await accept(arrival, checkpoint=place, keep=True, cursor=cursor)
            except IdConflict:
                log.warning("id_used_again", endpoint=self._context.name, at=place)
                arrival = replace(arrival, key=arrival.else_key)
            except (StoreUnavailable, UnknownSchema) as error:  # nothing is wrong with the item
                self._say_once("waiting", type(error).__name__)
                await asyncio.sleep(min(self._settings.every_seconds, 5.0))
            except Refused as refusal:
                # the kept cursor stays before one at which the hub broke: after the next start it is tried again
                self._is_held = self._is_held or isinstance(refusal, Broke)
                return self._say_refused(refusal, place)
            else:
                return

    def _say_refused(self, refusal: Refused, place: str) -> None:
        codes = [one.code for one in refusal.problems]
        log.error("item_refused", endpoint=self._context.name, code=refusal.kind, at=place, codes=codes)

    def _say_once(self, event: str, code: str, error: BaseException | None = None) -> None:
        """Once, until it goes well again."""
        if self._said != f"{event}:{code}":
            self._said = f"{event}:{code}"
            log.warning(event, endpoint=self._context.name, code=code, exc_info=error)


def _at(value: Any, pointer: str) -> Any:
    """The value at a JSON pointer of objects and arrays, None if it is not there."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
