"""The national public service portal (DVCQG), first generation: dossiers and their progress through the X-Road adapter."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

import orjson

from connectors.national_portal.config import JsonType, PortalConfig
from hub.connector import Attempt, Connector, ConnectorContext, Found, Receipt
from hub.errors import DeliveryError, NotFound, Rejected, Transient, shown
from hub.message import Message
from hub.wire import Answer, HttpEndpoint, SignIn, unclear

DOSSIER, PROGRESS = "npsp-dossier", "npsp-progress"
PROCEDURES = "npsp-procedures@1"
_DETAILS_AT_ONCE = 4
_BUSINESS_STATUS = (400, 413, 422)
"""HTTP refusals of what was sent; every other 4xx speaks of the address, the account or the adapter."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """A readable answer of the portal: error_code as text ("0" is success), its message in NFC, the result as a list."""

    code: str
    message: str
    result: tuple[Any, ...] = ()
    session: str | None = None

    @property
    def done(self) -> bool:
        return self.code == "0"

    def says(self, *patterns: str) -> bool:
        """Whether an error's message contains one of the pieces of text, in any case and Unicode form."""
        return not self.done and any(_plain(pattern) in _plain(self.message) for pattern in patterns)


class NationalPortal(Connector[PortalConfig]):
    """Sends dossiers and their progress to the national portal, and reads its procedure catalogue.

    Messages: ``npsp-dossier@1``, one data object of DongBoHoSoMC (strings, and lists of objects of strings), and
    ``npsp-progress@1``, ``{"data": [progress objects, at least one]}`` of CapNhatTienDoHoSoMC.

    A dossier is inserted the first time and updated ever after. The first time, the portal is asked (TraCuuHoSo); what
    it already holds is updated only if the ledger or the route allows (``attempt.may_update``), else refused as
    ``exists``. Progress goes in chunks; a resend continues at the chunk that was under way, not at the beginning.

    The session is shared by all sends and renewed once for all. If the portal refuses a session as ended, a send signs
    in again once; a second refusal is Transient ``session``, a refused sign-in Transient ``sign_in``.

    Texts of the portal may quote a person: a reason keeps them only with everything we sent replaced by the name of its
    field, addresses and runs of 7 or more digits masked, and cut to 300 characters.

    Source of the protocol: contracts.md section 1; what is open there is configuration (see README.md).
    """

    Config = PortalConfig
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {PROCEDURES: ("name", "field_code", "field_name")}

    def __init__(self, config: PortalConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._http = HttpEndpoint(config, context.clock)
        self._sign_in = SignIn(self._login)

    async def open(self) -> None:
        """Prepare connections; signs in only when the first call needs it. Raises BadConfig for unusable certificates."""
        await self._http.open()

    async def close(self) -> None:
        """Forget the session and close connections. The portal has no way to sign out."""
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
        """What the portal holds of a dossier in doubt (TraCuuHoSo); of progress only what was remembered, as the portal
        has no way to read it back."""
        if message.schema.id == PROGRESS:
            return _found_progress(message, attempt)
        code = _dossier_code(message)
        held = await self._look_up(self._exchange(message), code, asking=True)
        if not held:
            return None
        way = attempt.remembered.get("way")
        same = _same(message.body, held, code)
        if same is None and way is None:
            return Found(holds=False)  # nothing that could change the portal was called yet
        return Found(holds=True if same is None and way == "insert" else same)

    async def fetch_table(self, table: str) -> Mapping[str, Mapping[str, str]]:
        """The portal's procedures: code → name, code and name of its first field. A column the portal does not give is
        left out, so is a procedure without any. Raises NotFound for another table, else like ``check``."""
        if table != PROCEDURES:
            raise NotFound(f"the national portal gives {PROCEDURES}, not {table[:60]}")
        listed = await self._exchange().ask("LayDanhSachTTHC", {}, share=True)
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
        exchange = self._exchange(message)
        item = _typed(message.body, self.config.json_types)
        way = "update" if attempt.sent_before or attempt.remembered.get("way") == "update" else "insert_unseen"
        if way == "insert_unseen" and self.config.lookup_first:
            held = await self._look_up(exchange, code)
            way = self._allowed_update(attempt) if held else "insert"
        reply = await self._synchronise(exchange, attempt, way, item)
        if way != "update" and reply.says(self.config.exists_pattern):
            way = self._allowed_update(attempt)
            reply = await self._synchronise(exchange, attempt, way, item)
        if not reply.done:
            raise self._refusal(reply, message.body)
        return Receipt(reference=self._redacted(reply.message, message.body) or None)

    async def _synchronise(self, exchange: _Exchange, attempt: Attempt, way: str, item: Any) -> _Reply:
        """DongBoHoSoMC. ``way``: ``insert`` (the portal said it holds nothing), ``insert_unseen`` (not asked), ``update``;
        remembered first, so that ``find`` knows what a dossier found there proves."""
        await attempt.remember("way", way)
        updating = "True" if way == "update" else "False"
        return await exchange.ask("DongBoHoSoMC", {"isUpdating": updating, "data": [item]}, effect=True)

    def _allowed_update(self, attempt: Attempt) -> str:
        if attempt.may_update:
            return "update"
        raise Rejected("exists", "the portal holds this dossier and the ledger shows no send of ours; adopt it or hold it")

    async def _look_up(self, exchange: _Exchange, code: str, asking: bool = False) -> tuple[Any, ...]:
        """What TraCuuHoSo gives. ``asking``: for ``find``, where a refusal says nothing about the message."""
        reply = await exchange.ask("TraCuuHoSo", {"mahoso": code})
        if reply.done:
            return reply.result
        if reply.says(*self.config.not_found_patterns):
            return ()
        refusal = self._refusal(reply, {"MaHoSo": code})
        raise Transient("look_up_refused", str(refusal)) if asking else refusal

    async def _send_progress(self, message: Message, attempt: Attempt) -> Receipt:
        data = message.body.get("data") if isinstance(message.body, Mapping) else None
        if not isinstance(data, list) or not data:
            raise Rejected("missing", "/data: at least one progress object")
        items = [_typed(item, self.config.json_types) for item in data]
        exchange = self._exchange(message)
        done = int(attempt.remembered.get("progress", {}).get("done", 0))
        reply = _Reply("0", "")
        while done < len(items):
            end = min(done + self.config.chunk, len(items))
            await attempt.remember("progress", {"done": done, "under_way": end})
            reply = await exchange.ask("CapNhatTienDoHoSoMC", {"data": items[done:end]}, effect=True)
            if not reply.done:
                raise self._refusal(reply, message.body)
            done = end
        return Receipt(reference=self._redacted(reply.message, message.body) or None)

    async def _login(self) -> str:
        """Sign in. Whatever the portal answers, a failure counts against the endpoint, never against a message."""
        account = {"username": self.config.username, "password": self.config.password.get_secret_value()}
        answer = await self._post(self.config.auth_endpoint, account, effect=False, traceparent=None)
        reply = _read(answer)
        if reply is None:
            raise Transient("sign_in", f"the portal's answer to the sign-in cannot be read (HTTP {answer.status})")
        if not reply.done or not reply.session or answer.status >= 300:
            raise Transient("sign_in", f"the portal refused the sign-in (HTTP {answer.status}, error_code {reply.code})")
        return reply.session

    async def _post(self, endpoint: str, body: Any, *, effect: bool, traceparent: str | None) -> Answer:
        config = self.config
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Charset": "utf-8"}
        query = {"providerurl": config.providerurl} if config.providerurl else {}
        (query if config.dstcode_in == "query" else headers)["dstcode"] = config.dstcode
        url = f"{config.adapter_url}/{endpoint.lstrip('/')}"
        if query:
            url += ("&" if "?" in endpoint else "?") + urlencode(query, safe=":/")
        return await self._http.call(
            "POST", url, effect=effect, body=orjson.dumps(body), headers=headers, traceparent=traceparent
        )

    def _exchange(self, message: Message | None = None) -> _Exchange:
        return _Exchange(self, message.traceparent if message else None)

    def _refusal(self, reply: _Reply, sent: Any) -> DeliveryError:
        kind = Transient if reply.code in self.config.transient_codes else Rejected
        return kind(reply.code, self._redacted(reply.message, sent))

    def _redacted(self, text: str, sent: Any) -> str:
        secrets = [("username", self.config.username), ("password", self.config.password.get_secret_value())]
        return redacted(text, [*secrets, *_values(sent, "")])


class _Exchange:
    """The calls of one delivery: they share the portal's session and renew it at most once."""

    def __init__(self, portal: NationalPortal, traceparent: str | None) -> None:
        self._portal = portal
        self._traceparent = traceparent
        self._renewed = False

    async def ask(
        self, service: str, keys: Mapping[str, Any], *, share: bool = False, effect: bool = False
    ) -> _Reply:
        """One call of ``service``, twice only if the session was refused, which has no effect.

        Returns any readable answer, business refusals included. Raises Transient, NotConnected, InDoubt (only with
        ``effect``) and Rejected (HTTP 400, 413, 422 without a readable answer).
        """
        config = self._portal.config
        endpoint = config.share_endpoint if share else config.integration_endpoint
        while True:
            session = await self._portal._sign_in.token()
            body = {"session": session, "madonvi": config.madonvi, "service": service, **keys}
            answer = await self._portal._post(endpoint, body, effect=effect, traceparent=self._traceparent)
            reply = _read(answer)
            if not self._ended(answer, reply):
                return _usable(answer, reply, effect)._without(session)
            self._portal._sign_in.invalidate(session)
            if self._renewed:
                raise Transient("session", "the portal refused a session that it had just given")
            self._renewed = True

    def _ended(self, answer: Answer, reply: _Reply | None) -> bool:
        if answer.status == 401:
            return True
        config = self._portal.config
        return reply is not None and not reply.done and answer.status < 500 and (
            reply.code in config.session_error_codes or reply.says(*config.session_error_patterns)
        )
