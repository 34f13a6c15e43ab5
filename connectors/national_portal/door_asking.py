"""What the door asks the portal on behalf of a unit: whether it holds a dossier, and its catalogues, from copies."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from connectors.national_portal import door_words as words
from connectors.national_portal.door_catalogues import Ask, Catalogues, Question
from connectors.national_portal.door_envelope import Answers, Said, envelope
from connectors.national_portal.door_sending import RETRY_AFTER
from connectors.national_portal.exchange import Reply
from hub.connector import Standing
from hub.errors import DeliveryError


class Asking:
    """``wait``: seconds that a question may take; ``not_found``: what the portal says of a dossier that it does not hold."""

    def __init__(self, answers: Answers, ask: Ask, catalogues: Catalogues, wait: float, not_found: Sequence[str]) -> None:
        self._answers = answers
        self._ask = ask
        self._catalogues = catalogues
        self._wait = wait
        self._not_found = not_found

    async def look_up(self, code: str, standing: Standing | None) -> Said:
        """TraCuuHoSo: the portal's own word; where it gives none, what the hub knows of the caller's own dossier. Of one that
        is not the caller's, only whether it is there: the portal's words may speak of a person."""
        known = words.known(standing) if standing else ""
        held = [{"MaHoSo": code}]
        try:
            async with asyncio.timeout(self._wait):
                reply = await self._ask("TraCuuHoSo", {"mahoso": code})
        except (DeliveryError, TimeoutError):
            if standing is not None and standing.sent:
                return Said(0, _joined(words.DONE, known), held)
            return self._answers.waiting(_joined(words.NO_PORTAL, known), RETRY_AFTER)
        if not reply.done:
            refused = words.NOT_FOUND if reply.says(*self._not_found) else words.refused(reply.code)
            return Said(self._answers.portal_code(reply.code), _joined(reply.message if standing else refused, known))
        done = reply.message if standing and reply.message else words.DONE
        return Said(0, _joined(done, known), held if reply.result else [])

    async def catalogue(self, question: Question) -> web.Response:
        """A catalogue, or a procedure's details, as the portal gave it last."""
        try:
            async with asyncio.timeout(self._wait):
                copy = await self._catalogues.find(question)
        except (DeliveryError, TimeoutError):
            return self._answers.waiting(words.NO_PORTAL, RETRY_AFTER).response()
        return envelope(copy.body, headers={"Last-Modified": copy.last_modified} if copy.last_modified else {})


def at_most(ask: Ask, many: int) -> Ask:
    """The same, with so many questions at once, so that deliveries keep connections of their own."""
    slots = asyncio.Semaphore(many)

    async def limited(service: str, keys: Mapping[str, Any]) -> Reply:
        async with slots:
            return await ask(service, keys)

    return limited


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)
