"""NoiHoSo of one dossier: a code from the ministry, minted once, then its files, then the dossier itself.

Each step is remembered before the next, so that a crash continues where it was: what is minted is not minted again, what is
uploaded not uploaded again, and a create that may have been done is made again only with the very same code, to which the
ministry answers that it exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.ministry_portal.answers import Reply, field, says_exists, word
from connectors.ministry_portal.exchange import Exchange
from connectors.ministry_portal.uploading import Uploading
from hub.connector import Attempt, Receipt
from hub.errors import NotAsked, NotConnected, Rejected, Transient

CODE, CREATE = "code", "create"
"""Keys under which an attempt remembers the code (text) and the create: ``{"attempt": n, "ours": …}``; ``ours``: a create of
this delivery may have taken effect."""
NO_CHANGE = "created before; the ministry's contract knows no change of a created dossier, so nothing was sent"
CODE_LOST = "created before, and its code is not known under this name: see code_system, and the audit for an alias_conflict"
NO_ID = "the ministry did not say its own id of the dossier (idHoSo)"


@dataclass(frozen=True, slots=True)
class Names:
    """Under which systems the dossier is known at this endpoint: the code issued there, and the ministry's inner id."""

    code: str
    id: str


@dataclass(frozen=True, slots=True)
class Creating:
    """The calls of one attempt."""

    exchange: Exchange
    attempt: Attempt
    names: Names
    uploading: Uploading
    traceparent: str | None

    async def send(self, given: Mapping[str, Any]) -> Receipt:
        """Create the dossier there; a dossier that is there by our own doing is left as it is."""
        there = self.attempt.known_ids.get(self.names.id)
        if there or self.attempt.sent_before:
            if not self.attempt.known_ids.get(self.names.code):
                raise NotAsked("code_lost", CODE_LOST)
            return Receipt(reference=there, warnings=(NO_CHANGE,))
        body = dict(given)
        if not body.get("MaDonViTiepNhan") and self.exchange.config.agency:
            body["MaDonViTiepNhan"] = self.exchange.config.agency
        code = await self._code(body)
        body = await self.uploading.placed({**body, "MaHoSo": code})
        ours = bool(self._note.get("ours"))
        await self.exchange.signed_in()
        await self._remember(True)
        try:
            reply = await self.exchange.post(self.exchange.config.paths.create, body, traceparent=self.traceparent)
        except (NotConnected, Transient, Rejected):
            await self._remember(ours)  # this call certainly had no effect
            raise
        if reply.done:
            return self._receipt(reply, code, given)
        if says_exists(reply, self.exchange.config):
            if (ours or self.attempt.may_update) and word(field(reply.data, "maHoSo")) in ("", code):
                return self._receipt(reply, code, given)
            await self._remember(ours)
            text = "the ministry has such a dossier, and no send of ours under this code is on record: adopt or hold it"
            raise Rejected("exists", text, said=self.exchange.without_secrets(reply.message))
        await self._remember(ours)
        raise self.exchange.refusal(reply, given)

    async def _code(self, body: Mapping[str, Any]) -> str:
        """The dossier's code at the ministry: known, or issued now and an alias at once, before anything is created under it:
        the ministry's feed may tell of the dossier before the create is answered."""
        if code := self.attempt.known_ids.get(self.names.code):
            return code
        code = await self.exchange.next_code(body, self.traceparent)
        await self.attempt.remember(CODE, code, issued={self.names.code: code})
        return code

    def _receipt(self, reply: Reply, code: str, given: Any) -> Receipt:
        there = word(field(reply.data, "idHoSo"))
        told = word(field(reply.data, "maHoSo")) or code
        ids = {self.names.code: told} | ({self.names.id: there} if there else {})
        reference = there or self.exchange.redacted(reply.message, given) or None
        said = self.exchange.without_secrets(reply.message)
        return Receipt(reference=reference, ids=ids, warnings=() if there else (NO_ID,), said=said)

    async def _remember(self, ours: bool) -> None:
        await self.attempt.remember(CREATE, {"attempt": self.attempt.number, "ours": ours})

    @property
    def _note(self) -> Mapping[str, Any]:
        note: Mapping[str, Any] = self.attempt.remembered.get(CREATE, {})
        return note
