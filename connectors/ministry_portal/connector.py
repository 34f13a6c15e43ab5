"""A ministry's central portal of the second generation: dossiers out to it, and in from it those that it owns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from aiohttp import web

from connectors.ministry_portal import checks
from connectors.ministry_portal.answers import field, word
from connectors.ministry_portal.checks import DOSSIER, PROGRESS, SENT, STATUS
from connectors.ministry_portal.config import MinistryConfig
from connectors.ministry_portal.creating import CREATE, Creating, Names
from connectors.ministry_portal.exchange import Exchange
from connectors.ministry_portal.polling import Polling
from connectors.ministry_portal.pushed import Pushed
from connectors.ministry_portal.uploading import Uploading
from hub.connector import Accept, Attempt, Connector, ConnectorContext, Documents, Found, Inlet, Receipt
from hub.errors import NotAsked, Problem, Rejected, Transient
from hub.message import Message

CALLED = "called"
"""The key under which an attempt remembers that it is about to send steps or states: ``{"attempt": n}``."""
_INNER_ID = {PROGRESS: "IDHoSo", STATUS: "IdHoSo"}
"""The name of the ministry's inner id differs between the two operations [read: IGATE26]."""


class MinistryPortal(Connector[MinistryConfig]):
    """Sends dossiers, their steps and states to a ministry's portal, and takes in what the ministry tells of its own.

    Messages: ``ministry-dossier@1`` creates a dossier (NoiHoSo); its code is issued there (GetNextValue) and becomes an
    alias, minted once however often the hub dies. ``ministry-progress@1`` and ``ministry-status@1``, ``{"data": […]}``, go as
    arrays (CapNhatTienTrinh, CapNhatTrangThai) with the code and the ministry's inner id, which the connector adds. A
    dossier that was created before is left as it is: the contract knows no change of it; its states go by
    ``ministry-status@1``. Files named by claims are uploaded first, for an id and a hash.

    With ``feed`` it asks the ministry for dossiers that the ministry owns; with ``push`` it listens for them. Their body is
    the hub's own proposal, unverified.

    Texts of the ministry may quote a person: a reason keeps them only with all that we sent masked. Whole they are only in
    ``said``, for the caller who waits for them.

    Source of the protocol: contracts.md section 2 [read: IGATE26]; what is open there is configuration (see README.md).
    """

    Config = MinistryConfig

    def __init__(self, config: MinistryConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._exchange = Exchange(config, context.clock)
        self._names = Names(config.code_system or context.name, f"{context.name}-id")
        self._polling = Polling(config.feed, config, self._exchange, context) if config.feed else None
        self._pushed = Pushed(config.push, config, context) if config.push else None

    @classmethod
    def problems(cls, config: MinistryConfig, sent: Collection[str], documents: Documents) -> Iterable[Problem]:
        """Routes, schemas and accounts that do not go together."""
        return checks.problems(config, sent, documents)

    @classmethod
    def sources(cls, config: MinistryConfig) -> Mapping[str, str]:
        """The schemas of what comes by feed or push."""
        if config.feed is None and config.push is None:
            return {}
        return {"dossier_schema": config.dossier_schema, "progress_schema": config.progress_schema}

    @classmethod
    def paths(cls, config: MinistryConfig) -> Iterable[str]:
        """Where the ministry pushes to."""
        return (config.push.path,) if config.push else ()

    async def open(self) -> None:
        """Prepare connections; the first call signs in. Raises BadConfig for certificates that cannot be used."""
        await self._exchange.open()

    async def close(self) -> None:
        """Forget the token and close connections."""
        await self._exchange.close()

    async def check(self) -> None:
        """A new token: nothing else is known to change nothing there."""
        await self._exchange.new_token()

    def routes(self, inlet: Inlet) -> Iterable[web.RouteDef]:
        """The path for pushes, if there is one."""
        return self._pushed.routes(inlet) if self._pushed is not None else ()

    async def receive(self, accept: Accept) -> None:
        """Read the feed, if there is one."""
        if self._polling is not None:
            await self._polling.run(accept)

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Create a dossier, or add its steps or its state."""
        kind = message.schema.id
        if kind == DOSSIER:
            if not isinstance(message.body, Mapping):
                raise NotAsked("schema", "a dossier is an object")
            uploading = self._uploading(message, attempt)
            creating = Creating(self._exchange, attempt, self._names, uploading, message.traceparent)
            return await creating.send(message.body)
        if kind in _INNER_ID:
            return await self._send_array(kind, message, attempt)
        known = ", ".join(f"{one}@1" for one in SENT)
        raise NotAsked("schema", f"{message.schema}: this connector sends {known}; mend the route")

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """What an attempt in doubt left there: nothing, without asking, if it ended before its call with effect. A created
        dossier can be asked about only where ``paths.look_up`` says how; else creating it again with the same code tells.
        Steps and states cannot be read back."""
        note = attempt.remembered.get(CREATE if message.schema.id == DOSSIER else CALLED)
        if note is None or note["attempt"] != attempt.number:
            return Found(holds=False, called=False)
        if message.schema.id != DOSSIER or self.config.paths.look_up is None:
            return Found(holds=None)
        code = attempt.known_ids.get(self._names.code, "")
        try:
            reply = await self._exchange.ask(self.config.paths.look_up, {"MaHoSo": code}, message.traceparent)
        except Rejected as refusal:  # a refused question says nothing about the message
            raise Transient("look_up_refused", str(refusal)) from None
        if not reply.done:
            if reply.code in self.config.not_found_codes:
                return None
            raise Transient("look_up_refused", self._exchange.redacted(reply.message, message.body))
        held = reply.data[0] if isinstance(reply.data, list) and reply.data else reply.data
        if word(field(held, "maHoSo")) != code:
            return Found(holds=None) if held else None
        there = word(field(held, "idHoSo"))
        ids = {self._names.code: code} | ({self._names.id: there} if there else {})
        return Found(holds=True, reference=there or None, ids=ids)

    async def _send_array(self, kind: str, message: Message, attempt: Attempt) -> Receipt:
        given = message.body.get("data") if isinstance(message.body, Mapping) else None
        if not isinstance(given, list) or not given:
            raise NotAsked("missing", "/data: at least one item")
        code, there = attempt.known_ids.get(self._names.code), attempt.known_ids.get(self._names.id)
        if not code:
            text = "the ministry has issued no code for this dossier yet: it is created there first (ministry-dossier@1)"
            raise NotAsked("no_code", text)
        around = {"MaHoSo": code} | ({_INNER_ID[kind]: there} if there else {})
        items = await self._uploading(message, attempt).placed([{**item, **around} for item in given])
        await self._exchange.signed_in()
        await attempt.remember(CALLED, {"attempt": attempt.number})
        path = self.config.paths.progress if kind == PROGRESS else self.config.paths.status
        reply = await self._exchange.post(path, items, traceparent=message.traceparent)
        if not reply.done:
            raise self._exchange.refusal(reply, message.body)
        said = self._exchange.without_secrets(reply.message)
        return Receipt(reference=self._exchange.redacted(reply.message, message.body) or None, said=said)

    def _uploading(self, message: Message, attempt: Attempt) -> Uploading:
        return Uploading(self._exchange, attempt, self.context.files, message.traceparent)
