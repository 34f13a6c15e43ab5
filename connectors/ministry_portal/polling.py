"""The feed of a ministry, asked again and again: each item becomes an arrival, in order; the cursor follows what is on disk.

The cursor lies in a file of the home. It is written after the items of its page are in the store, so that a crash reads a page
again and loses nothing: what came before is known by its id, else by its content.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from connectors.ministry_portal.answers import word
from connectors.ministry_portal.config import FeedSettings, MinistryConfig
from connectors.ministry_portal.exchange import Exchange
from connectors.ministry_portal.items import Item, messages
from hub.connector import Accept, ConnectorContext
from hub.durable import write_whole
from hub.errors import DeliveryError, IdConflict, Refused, StoreUnavailable, Transient, UnknownSchema
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
        self._last = b""
        """Digest of the last page's items."""

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
            except OSError as error:
                self._say_once("cursor_unusable", type(error).__name__)
            except Exception as error:  # nothing may end it: nobody would begin it again
                self._say_once("feed_broke", type(error).__name__, error)
            if not went_on:
                await asyncio.sleep(self._settings.every_seconds)

    async def _page(self, accept: Accept) -> bool:
        """One page; whether the cursor went on, so that there may be more at once."""
        settings = self._settings
        before = await asyncio.to_thread(self._cursor)
        query = {settings.cursor_parameter: before} if before else {}
        page = await self._exchange.page(settings.path, query)
        items, after = _at(page, settings.items_at), word(_at(page, settings.cursor_at))
        if not isinstance(items, list):
            raise Transient("no_items", "the answer has no list at items_at")
        for number, item in enumerate(items):
            for message in messages(item, self._config):
                await self._hand_over(message, accept, f"{before or 'first'}:{number}")
        if items and not after:
            raise Transient("no_cursor", "the answer has no cursor at cursor_at: what lies behind these items is never read")
        if len(after) > _LONGEST_CURSOR:
            raise Transient("cursor_too_long", f"the answer's cursor has more than {_LONGEST_CURSOR} characters")
        if not after or after == before:
            return False
        await asyncio.to_thread(self._write, after)
        last, self._last = self._last, hashlib.sha256(orjson.dumps(items)).digest()
        return bool(items) and self._last != last  # a cursor that moves over the same items would be asked without a pause

    async def _hand_over(self, item: Item, accept: Accept, place: str) -> None:
        """What names no dossier is said, and the next one goes on. An id of the ministry's that came before with another body
        is no id: the item is then known by its content."""
        arrival = Arrival(
            id=new_id(), sender=self._settings.sender or self._context.name, schema=SchemaRef.parse(item.schema),
            body=item.body, received_at=self._context.clock(), correlation_id=new_id().replace("-", ""),
            origin=self._context.name, else_key=f"feed:{hashlib.sha256(item.body).hexdigest()}",
        )  # fmt: skip
        while True:
            try:
                await accept(arrival, checkpoint=place, keep=True)
            except IdConflict:
                log.warning("id_used_again", endpoint=self._context.name, position=place)
                arrival = replace(arrival, key=arrival.else_key)
            except (StoreUnavailable, UnknownSchema) as error:  # nothing is wrong with the item
                self._say_once("waiting", type(error).__name__)
                await asyncio.sleep(min(self._settings.every_seconds, 5.0))
            except Refused as refusal:
                reasons = [{"at": one.at, "code": one.code} for one in refusal.problems]
                log.error("item_refused", endpoint=self._context.name, code=refusal.kind, position=place, problems=reasons)
                return
            else:
                return

    # ── the cursor
    @property
    def _file(self) -> Path:
        return self._settings.folder / f"{self._context.name}.cursor"

    def _cursor(self) -> str:
        try:
            cursor = self._file.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError:
            cursor = "\0"
        if not cursor.isprintable():
            raise OSError("the file holds no cursor")
        return cursor

    def _write(self, cursor: str) -> None:
        self._settings.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._file, cursor.encode())

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
