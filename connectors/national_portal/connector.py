"""The national portal (DVCQG), first generation: dossiers and their progress, sent through the X-Road adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from connectors.national_portal import door_checks, door_paths, inbound_checks
from connectors.national_portal.config import PortalConfig
from connectors.national_portal.door import PortalDoor
from connectors.national_portal.exchange import Adapter, Exchange, Reply
from connectors.national_portal.inbound import Inbound
from connectors.national_portal.synchronising import REMEMBERED, Synchronising
from connectors.national_portal.values import object_of, same_as_sent, typed, word_and_object
from hub.connector import Attempt, Connector, ConnectorContext, Documents, Found, Inlet, Receipt
from hub.errors import DeliveryError, NotFound, Problem, Rejected, Transient
from hub.message import Message
from hub.wire import HttpEndpoint, SignIn
from hub.wire.partner_text import named_values, redacted

DOSSIER, PROGRESS = "npsp-dossier", "npsp-progress"
PROCEDURES = "npsp-procedures@1"
_DETAILS_AT_ONCE = 4


class NationalPortal(Connector[PortalConfig]):
    """Sends dossiers and their progress to the national portal, and reads its procedure catalogue.

    Messages: ``npsp-dossier@1``, one data object of DongBoHoSoMC (strings, and lists of objects of strings), with
    ``isUpdating`` beside its fields where its sender says it, and ``npsp-progress@1``, ``{"data": [progress objects, at
    least one]}`` of CapNhatTienDoHoSoMC.

    A dossier whose sender says ``isUpdating`` is sent so, without a look-up, and the portal judges the word: what it
    refuses is refused with its own code. Else a dossier is inserted the first time and updated ever after. The first time,
    the portal is asked (TraCuuHoSo); what it already holds is updated only if the ledger or the route allows
    (``attempt.may_update``), else refused as ``exists``. Progress goes in chunks; a resend continues at the chunk that was
    under way, not at the beginning.

    The session is shared by all sends and renewed once for all. If the portal refuses a session as ended, a send signs
    in again once; a second refusal is Transient ``session``, a refused sign-in Transient ``sign_in``.

    Texts of the portal may quote a person: a reason keeps them only with everything we sent replaced by the name of its
    field, addresses and runs of 7 or more digits masked, and cut to 300 characters. Whole they are only in ``said``, for
    the caller who waits for them.

    With ``door`` it also listens as the portal itself does, for systems that know the portal's calls already. With ``inbound``
    it takes the dossiers that citizens file at the portal (nhanhsdvcqg); what comes so is never sent back to the portal.

    Source of the protocol: contracts.md section 1; what is open there is configuration (see README.md).
    """

    Config = PortalConfig
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {PROCEDURES: ("name", "field_code", "field_name")}

    def __init__(self, config: PortalConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._http = HttpEndpoint(config, context.clock)
        self._adapter = Adapter(config, self._http)
        self._sign_in = SignIn(self._adapter.sign_in)
        self._door = PortalDoor(config.door, config, context, self._ask) if config.door else None
        self._inbound = Inbound(config.inbound, context) if config.inbound else None

    @classmethod
    def problems(cls, config: PortalConfig, sent: Collection[str], documents: Documents) -> Iterable[Problem]:
        """Accounts, schemas and paths of what listens here that do not go together."""
        if config.door:
            yield from door_checks.problems(config.door, config.places, sent, documents)
        if config.inbound:
            yield from inbound_checks.problems(config.inbound, _door_paths(config), documents)

    @classmethod
    def sources(cls, config: PortalConfig) -> Mapping[str, str]:
        """The schemas of what is taken here."""
        listening = [one.sources() for one in (config.door, config.inbound) if one is not None]
        return {setting: schema for one in listening for setting, schema in one.items()}

    @classmethod
    def paths(cls, config: PortalConfig) -> Iterable[str]:
        """Where it listens, if it does."""
        return [*_door_paths(config), *(config.inbound.paths if config.inbound else ())]

    async def open(self) -> None:
        """Prepare connections; the first call signs in. Raises BadConfig for certificates that cannot be used."""
        await self._http.open()

    def routes(self, inlet: Inlet) -> Iterable[web.RouteDef]:
        """The paths of filed dossiers and of the portal-compatible door, as far as there are."""
        inbound = self._inbound.routes(inlet) if self._inbound is not None else ()
        return [*inbound, *(self._door.routes(inlet) if self._door is not None else ())]

    async def close(self) -> None:
        """Forget the session and close connections. The portal has no way to sign out."""
        if self._door is not None:
            await self._door.close()
        await self._sign_in.close()
        await self._http.close()

    async def check(self) -> None:
        """Sign in, if not yet, and read one short catalogue."""
        reply = await self._exchange().ask(self.config.check_service, {}, share=True)
        if not reply.done:
            raise self._refusal(reply, {})

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Insert or update a dossier, or add its progress. See the class for what is done when."""
        if message.schema.id == DOSSIER:
            return await self._send_dossier(message, attempt)
        if message.schema.id == PROGRESS:
            return await self._send_progress(message, attempt)
        raise Rejected("schema", f"{message.schema}: this connector sends {DOSSIER}@1 and {PROGRESS}@1; mend the route")

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """What ``attempt``, which ended in doubt, left at the portal: nothing, without asking, if it ended before its
        call with an effect (the doubts of attempts before it were decided before it began). Else what the portal holds of
        the dossier (TraCuuHoSo); progress cannot be read back."""
        progress = message.schema.id == PROGRESS
        note = _reached(attempt, "progress" if progress else REMEMBERED)
        if note is None:
            return Found(holds=False, called=False)
        if progress:
            return Found(holds=None)
        try:
            code = _dossier_code(message)
            held = await self._look_up(self._exchange(message), code, message.body)
        except Rejected as refusal:  # a refused question says nothing about the message
            raise Transient("look_up_refused", str(refusal)) from None
        if not held:
            return None
        same = same_as_sent(word_and_object(message.body)[1], object_of(held, code))
        return Found(holds=True if same is None and note["way"] == "insert" else same)

    async def held(self, message: Message) -> Found | None:
        """Whether the portal shows exactly this state of the dossier (TraCuuHoSo); progress cannot be read back."""
        if message.schema.id != DOSSIER:
            return Found(holds=None)
        code = _dossier_code(message)
        held = await self._look_up(self._exchange(message), code, message.body)
        return Found(holds=same_as_sent(word_and_object(message.body)[1], object_of(held, code))) if held else None

    async def fetch_table(self, table: str) -> Mapping[str, Mapping[str, str]]:
        """The portal's procedures: code → name, code and name of its first field. A column the portal does not give is
        left out, so is a procedure without any. Raises NotFound for another table, else like ``check``."""
        if table != PROCEDURES:
            raise NotFound(f"the national portal gives {PROCEDURES}, not {table[:60]}")
        listed = await self._exchange().ask("LayDanhSachTTHC", {})
        if not listed.done:
            raise self._refusal(listed, {})
        names = {_text(item, "MATTHC"): _text(item, "TENTTHC") for item in listed.result}
        codes = [code for code in names if code]
        rows: dict[str, Mapping[str, str]] = {}
        for start in range(0, len(codes), _DETAILS_AT_ONCE):
            batch = codes[start : start + _DETAILS_AT_ONCE]
            details = await asyncio.gather(*(self._procedure(code) for code in batch), return_exceptions=True)
            for code, detail in zip(batch, details, strict=True):
                if isinstance(detail, BaseException):
                    raise detail
                row = {"name": _text(detail, "TENTTHC") or names[code], **_first_field(detail)}
                if kept := {column: value for column, value in row.items() if value}:
                    rows[code] = kept
        return rows

    async def _procedure(self, code: str) -> Any:
        reply = await self._exchange().ask("LayThuTuc", {"maTTHC": code})
        if reply.done:
            return reply.result[0] if reply.result else {}
        if reply.says(*self.config.not_found_patterns):
            return {}
        raise self._refusal(reply, {})

    async def _send_dossier(self, message: Message, attempt: Attempt) -> Receipt:
        code = _dossier_code(message)
        known, given = word_and_object(message.body)
        exchange = self._exchange(message)

        async def held() -> bool:
            return bool(await self._look_up(exchange, code, given))

        item = typed(given, self.config.json_types)
        reply = await Synchronising(self.config, exchange, attempt, item, held).send(known)
        if not reply.done:
            raise self._refusal(reply, given)
        return Receipt(reference=self._redacted(reply.message, given) or None, said=reply.message)

    async def _ask(self, service: str, keys: Mapping[str, Any]) -> Reply:
        """One question of the door to the portal: any answer of its own but "not now"."""
        reply = await self._exchange().ask(service, keys)
        if reply.code in self.config.transient_codes:
            raise self._refusal(reply, keys)
        return reply

    async def _look_up(self, exchange: Exchange, code: str, sent: Any) -> tuple[Any, ...]:
        """What TraCuuHoSo gives; empty when the portal holds nothing. A refusal may quote what it holds of the dossier, so
        that it is masked by all of ``sent``, the dossier, not by the question alone."""
        reply = await exchange.ask("TraCuuHoSo", {"mahoso": code})
        if reply.done:
            return reply.result
        if reply.says(*self.config.not_found_patterns):
            return ()
        raise self._refusal(reply, sent)

    async def _send_progress(self, message: Message, attempt: Attempt) -> Receipt:
        data = message.body.get("data") if isinstance(message.body, Mapping) else None
        if not isinstance(data, list) or not data:
            raise Rejected("missing", "/data: at least one progress object")
        items = [typed(item, self.config.json_types) for item in data]
        exchange = self._exchange(message)
        done = int(attempt.remembered.get("progress", {}).get("done", 0))
        reply = Reply("0", "")
        await exchange.signed_in()
        while done < len(items):
            end = min(done + self.config.chunk, len(items))
            await attempt.remember("progress", {"done": done, "under_way": end, "attempt": attempt.number})
            reply = await exchange.ask("CapNhatTienDoHoSoMC", {"data": items[done:end]}, effect=True)
            if not reply.done:
                raise self._refusal(reply, message.body)
            done = end
        return Receipt(reference=self._redacted(reply.message, message.body) or None, said=reply.message)

    def _exchange(self, message: Message | None = None) -> Exchange:
        return Exchange(self._adapter, self._sign_in, message.traceparent if message else None)

    def _refusal(self, reply: Reply, sent: Any) -> DeliveryError:
        reason = self._redacted(reply.message, sent)
        if reply.code in self.config.transient_codes:
            return Transient(reply.code, reason)
        return Rejected(reply.code, reason, said=reply.message)

    def _redacted(self, text: str, sent: Any) -> str:
        account = [("username", self.config.username), ("password", self.config.password.get_secret_value())]
        return redacted(text, [*account, *named_values(sent)])


def _reached(attempt: Attempt, key: str) -> Mapping[str, Any] | None:
    """What was remembered before a call with an effect, if this very attempt got that far."""
    note = attempt.remembered.get(key)
    return note if note is not None and note["attempt"] == attempt.number else None


def _door_paths(config: PortalConfig) -> list[str]:
    return door_paths.every(config.door.paths, config.door.array_path, config.places) if config.door else []


def _dossier_code(message: Message) -> str:
    code = message.body.get("MaHoSo") if isinstance(message.body, Mapping) else None
    if not isinstance(code, str) or not code:
        raise Rejected("missing", "/MaHoSo: the dossier's code")
    return code


def _text(item: Any, name: str) -> str:
    """A field of a catalogue object as text; "" when absent."""
    value = item.get(name) if isinstance(item, Mapping) else None
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _first_field(procedure: Any) -> dict[str, str]:
    """Code and name of LINHVUCTHUCHIEN[0], the field of a procedure [read: OCPS-A], or of the object in its place [known]."""
    fields = procedure.get("LINHVUCTHUCHIEN") if isinstance(procedure, Mapping) else None
    first = fields[0] if isinstance(fields, list) and fields else fields
    return {"field_code": _text(first, "MALINHVUC"), "field_name": _text(first, "TENLINHVUC")}
