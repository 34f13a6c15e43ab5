"""DongBoHoSoMC of one dossier: inserted or updated by its sender's word, else by what the ledger and the portal say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.national_portal.config import PortalConfig
from connectors.national_portal.exchange import Exchange, Reply
from hub.connector import Attempt
from hub.errors import NotConnected, Rejected, Transient

REMEMBERED = "dossier"
"""The key under which an attempt remembers what it is about to do: ``{"way": …, "attempt": n}``.

``way`` is ``insert`` (the portal said that it holds nothing), ``insert_unseen`` (it was not asked) or ``update``. ``ours``,
beside them where the sender says that the dossier is new: an insert of this delivery may have taken effect.
"""


@dataclass(frozen=True, slots=True)
class Synchronising:
    """The calls of one attempt. ``held`` asks the portal whether it holds the dossier (TraCuuHoSo)."""

    config: PortalConfig
    exchange: Exchange
    attempt: Attempt
    item: Mapping[str, Any]
    held: Callable[[], Awaitable[bool]]

    async def send(self, known: bool | None) -> Reply:
        """The portal's answer, refusals included. ``known``: whether the portal holds the dossier, as its sender says."""
        if known is None:
            return await self._unsaid()
        return await (self._call("update") if known else self._new())

    async def _unsaid(self) -> Reply:
        """Nobody says it: what was delivered before is updated, else the portal is asked."""
        way = "update" if self.attempt.sent_before or self._note.get("way") == "update" else "insert_unseen"
        if way == "insert_unseen" and self.config.lookup_first:
            way = self._allowed_update() if await self.held() else "insert"
        reply = await self._call(way)
        if way != "update" and reply.says(self.config.exists_pattern):
            return await self._call(self._allowed_update(reply.message))
        return reply

    async def _new(self) -> Reply:
        """It is new there, says its sender, and the portal judges that: that it exists is a refusal like any other. Unless an
        earlier attempt of this delivery may have inserted it: then what exists is taken for that, and updated."""
        ours = bool(self._note.get("ours"))
        again = ours and self.attempt.may_update
        way = "insert_unseen"
        if again and self._note["way"] == "update":
            way = "update"
        elif again and self.config.lookup_first:
            way = "update" if await self.held() else "insert"
        await self.exchange.signed_in()
        try:
            reply = await self._call(way, ours=True)
        except (NotConnected, Transient, Rejected):
            await self._remember(way, ours=ours)  # this call certainly had no effect
            raise
        if again and way != "update" and reply.says(self.config.exists_pattern):
            return await self._call("update", ours=True)
        if not reply.done:
            await self._remember(way, ours=ours)
        return reply

    async def _call(self, way: str, **more: bool) -> Reply:
        """The call itself. What it is about to do is remembered first, with the attempt's number, so that ``find`` knows
        whether this attempt got here and what a dossier found there proves."""
        await self.exchange.signed_in()
        await self._remember(way, **more)
        updating = "True" if way == "update" else "False"
        return await self.exchange.ask("DongBoHoSoMC", {"isUpdating": updating, "data": [self.item]}, effect=True)

    async def _remember(self, way: str, **more: bool) -> None:
        await self.attempt.remember(REMEMBERED, {"way": way, "attempt": self.attempt.number, **more})

    @property
    def _note(self) -> Mapping[str, Any]:
        note: Mapping[str, Any] = self.attempt.remembered.get(REMEMBERED, {})
        return note

    def _allowed_update(self, said: str = "") -> str:
        if self.attempt.may_update:
            return "update"
        text = "the portal holds this dossier, the ledger shows no send of ours: adopt or hold it"
        raise Rejected("exists", text, said=said)
