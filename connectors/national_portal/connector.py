"""The national portal (DVCQG), first generation: dossiers and their progress, sent through the X-Road adapter."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar
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
    """A readable answer of the portal: error_code as text ("0" is success), message in NFC, result as a tuple."""

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
        self._adapter = _Adapter(config, self._http)
        self._sign_in = SignIn(self._adapter.sign_in)

    async def open(self) -> None:
        """Prepare connections; the first call signs in. Raises BadConfig for certificates that cannot be used."""
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
            return _found_progress(attempt)
        try:
            code = _dossier_code(message)
            held = await self._look_up(self._exchange(message), code)
        except Rejected as refusal:  # a refused question says nothing about the message
            raise Transient("look_up_refused", str(refusal)) from None
        if not held:
            return None
        way = attempt.remembered.get("way")
        same = _same(message.body, _held(held, code))
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
        """DongBoHoSoMC. ``way`` is ``insert`` (the portal said it holds nothing), ``insert_unseen`` (it was not asked)
        or ``update``; it is remembered first, so that ``find`` knows what a dossier found there proves."""
        await exchange.signed_in()
        await attempt.remember("way", way)
        updating = "True" if way == "update" else "False"
        return await exchange.ask("DongBoHoSoMC", {"isUpdating": updating, "data": [item]}, effect=True)

    def _allowed_update(self, attempt: Attempt) -> str:
        if attempt.may_update:
            return "update"
        raise Rejected("exists", "the portal holds this dossier, the ledger shows no send of ours: adopt or hold it")

    async def _look_up(self, exchange: _Exchange, code: str) -> tuple[Any, ...]:
        """What TraCuuHoSo gives; empty when the portal holds nothing."""
        reply = await exchange.ask("TraCuuHoSo", {"mahoso": code})
        if reply.done:
            return reply.result
        if reply.says(*self.config.not_found_patterns):
            return ()
        raise self._refusal(reply, {"MaHoSo": code})

    async def _send_progress(self, message: Message, attempt: Attempt) -> Receipt:
        data = message.body.get("data") if isinstance(message.body, Mapping) else None
        if not isinstance(data, list) or not data:
            raise Rejected("missing", "/data: at least one progress object")
        items = [_typed(item, self.config.json_types) for item in data]
        exchange = self._exchange(message)
        done = int(attempt.remembered.get("progress", {}).get("done", 0))
        reply = _Reply("0", "")
        await exchange.signed_in()
        while done < len(items):
            end = min(done + self.config.chunk, len(items))
            await attempt.remember("progress", {"done": done, "under_way": end})
            reply = await exchange.ask("CapNhatTienDoHoSoMC", {"data": items[done:end]}, effect=True)
            if not reply.done:
                raise self._refusal(reply, message.body)
            done = end
        return Receipt(reference=self._redacted(reply.message, message.body) or None)

    def _exchange(self, message: Message | None = None) -> _Exchange:
        return _Exchange(self._adapter, self._sign_in, message.traceparent if message else None)

    def _refusal(self, reply: _Reply, sent: Any) -> DeliveryError:
        kind = Transient if reply.code in self.config.transient_codes else Rejected
        return kind(reply.code, self._redacted(reply.message, sent))

    def _redacted(self, text: str, sent: Any) -> str:
        account = [("username", self.config.username), ("password", self.config.password.get_secret_value())]
        return redacted(text, [*account, *_values(sent)])


class _Adapter:
    """The security server's adapter: addresses, envelope and account of one configuration; knows no message."""

    def __init__(self, config: PortalConfig, http: HttpEndpoint) -> None:
        self.config = config
        self._http = http

    async def sign_in(self) -> str:
        """A new session. A failure counts against the endpoint, never against a message."""
        account = {"username": self.config.username, "password": self.config.password.get_secret_value()}
        answer = await self.post(self.config.auth_endpoint, account, effect=False)
        reply = _read(answer)
        if reply is None:
            raise Transient("sign_in", f"the answer to the sign-in cannot be read (HTTP {answer.status})")
        if not reply.done or not reply.session or answer.status >= 300:
            told = f"HTTP {answer.status}, error_code {reply.code}{'' if reply.session else ', no session'}"
            raise Transient("sign_in", f"the portal refused the sign-in ({told})")
        return reply.session

    async def post(self, endpoint: str, body: Any, *, effect: bool, traceparent: str | None = None) -> Answer:
        """One POST to ``endpoint`` with everything the adapter wants around the JSON ``body``."""
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


class _Exchange:
    """The calls of one delivery: they share the portal's session and renew it at most once."""

    def __init__(self, adapter: _Adapter, sign_in: SignIn, traceparent: str | None) -> None:
        self._adapter = adapter
        self._sign_in = sign_in
        self._traceparent = traceparent
        self._renewed = False

    async def signed_in(self) -> None:
        """Sign in now if need be, so that a portal that is down leaves no trace of an effect that was never tried."""
        await self._sign_in.token()

    async def ask(self, service: str, keys: Mapping[str, Any], *, share: bool = False, effect: bool = False) -> _Reply:
        """One call of ``service``, made again only if the session was refused, which has no effect.

        Returns any readable answer, business refusals included. Raises Transient, NotConnected, InDoubt (only with
        ``effect``), and Rejected for HTTP 400, 413, 422 without a readable answer.
        """
        config = self._adapter.config
        endpoint = config.share_endpoint if share else config.integration_endpoint
        while True:
            session = await self._sign_in.token()
            body = {"session": session, "madonvi": config.madonvi, "service": service, **keys}
            answer = await self._adapter.post(endpoint, body, effect=effect, traceparent=self._traceparent)
            reply = _read(answer)
            if not self._ended(answer, reply):
                usable = _usable(answer, reply, effect)
                return replace(usable, message=usable.message.replace(session, "‹session›"))
            self._sign_in.invalidate(session)
            if self._renewed:
                raise Transient("session", "the portal refused a second session within one delivery")
            self._renewed = True

    def _ended(self, answer: Answer, reply: _Reply | None) -> bool:
        """Whether the portal refused the session: HTTP 401, or as configured by error_code or message."""
        if answer.status == 401:
            return True
        if reply is None or reply.done or answer.status >= 500:
            return False
        config = self._adapter.config
        return reply.code in config.session_error_codes or reply.says(*config.session_error_patterns)


def redacted(text: str, told: Iterable[tuple[str, str]] = ()) -> str:
    """A partner's free text as it may be kept: each value of 4 characters or more that we told it (field name, value)
    becomes ‹field name›, e-mail addresses and runs of 7 or more digits are masked, the rest is cut to 300 letters."""
    text = unicodedata.normalize("NFC", text)
    seen = _plain(text)
    names = {_plain(value): name for name, value in told if 4 <= len(value) <= 4 * len(seen) and _plain(value) in seen}
    if names:
        longest_first = sorted(names, key=len, reverse=True)
        pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
        text = pattern.sub(lambda found: f"‹{names.get(_plain(found[0]), 'value')}›", text)
    text = re.sub(r"[\w.+%-]+@[\w.-]+", "‹email›", text)
    text = re.sub(r"\d(?:[ .-]?\d){6,}", "‹number›", text)
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:297] + "..."


def _values(sent: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """(field name, value as text) of everything in a data object, at any depth."""
    if isinstance(sent, Mapping):
        for name, value in sent.items():
            yield from _values(value, name)
    elif isinstance(sent, list):
        for value in sent:
            yield from _values(value, field)
    elif sent is not None:
        yield field, str(sent)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _read(answer: Answer) -> _Reply | None:
    """The portal's envelope; None when the body is not one: HTML, invalid JSON, no error_code."""
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    code = _error_code(body.get("error_code")) if isinstance(body, dict) else None
    if code is None:
        return None
    message, result, session = body.get("message"), body.get("result"), body.get("session")
    return _Reply(
        code,
        unicodedata.normalize("NFC", message) if isinstance(message, str) else "",
        tuple(result) if isinstance(result, list) else () if result in (None, "", {}) else (result,),
        str(session) if isinstance(session, (str, int)) and not isinstance(session, bool) else None,
    )


def _error_code(value: Any) -> str | None:
    """error_code is a number or numeric text [read: OCPS-B, HAGIANG]; other text is kept if it looks like a code."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip()
    if re.fullmatch(r"[+-]?[0-9]{1,6}", text):
        return str(int(text))
    return shown(text) if text else None


def _usable(answer: Answer, reply: _Reply | None, effect: bool) -> _Reply:
    """The reply, if HTTP status and body agree; else the error that the table in README.md gives for the status."""
    status = answer.status
    if reply is not None and (status < 300 or (status < 500 and not reply.done)):
        return reply
    if reply is None and status in _BUSINESS_STATUS:
        raise Rejected(f"http_{status}", "the adapter refused the request without a readable reason")
    if reply is None and 300 <= status < 500:
        raise Transient(f"http_{status}", "the adapter refused the call: address, rights or dstcode of the endpoint")
    if status < 300:
        raise unclear(effect, "unreadable_answer", f"HTTP {status}, but no JSON object with an error_code")
    raise unclear(effect, f"http_{status}", "the portal or its adapter failed while it had the request")


def _typed(value: Any, types: Mapping[str, JsonType], field: str = "") -> Any:
    """A data object with each named field in its JSON type, any other scalar as text. Raises Rejected for a value that
    has no such type; the empty string, which means absent on this wire, stays."""
    if isinstance(value, Mapping):
        return {name: _typed(inner, types, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner, types, field) for inner in value]
    text = "" if value is None else str(value)
    wanted = types.get(field, "string")
    if wanted == "string" or not text:
        return text
    if wanted == "int" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if wanted == "bool" and text.casefold() in ("true", "1", "false", "0"):
        return text.casefold() in ("true", "1")
    raise Rejected("json_type", f"{field}: json_types asks for {wanted}, the value is none; mend the mapping")


def _same(sent: Any, there: Any) -> bool | None:
    """Whether the portal's object is what we sent; None when it leaves out a field that we sent with a value.

    Names of fields and JSON types may differ in case and kind; a field sent empty must be empty or absent there.
    """
    if isinstance(sent, Mapping):
        if not isinstance(there, Mapping):
            return None
        fields = {str(name).casefold(): value for name, value in there.items()}
        pairs = [(value, fields.get(name.casefold())) for name, value in sent.items()]
    elif isinstance(sent, list):
        if not isinstance(there, list):
            return None if sent else not there
        if len(sent) != len(there):
            return False
        pairs = list(zip(sent, there, strict=True))
    else:
        return _scalar(sent) == _scalar(there)
    outcomes = [None if theirs is None and ours else _same(ours, theirs) for ours, theirs in pairs]
    return None if None in outcomes else all(outcomes)


def _scalar(value: Any) -> str:
    text = "" if value is None or value == [] else unicodedata.normalize("NFC", str(value)).strip()
    return text.lower() if text.lower() in ("true", "false") else text


def _held(result: Iterable[Any], code: str) -> Any:
    """The object with this dossier code among those that TraCuuHoSo gave, if they are objects with a code at all."""
    for item in result:
        if isinstance(item, Mapping) and any(str(k).casefold() == "mahoso" and v == code for k, v in item.items()):
            return item
    return None


def _found_progress(attempt: Attempt) -> Found:
    """Each chunk is remembered before it is sent: without a memory none was sent, with one the last is in doubt."""
    return Found(holds=None if "progress" in attempt.remembered else False)


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
    """Code and name of LINHVUCTHUCHIEN[0], the field of a procedure [read: OCPS-A]."""
    fields = procedure.get("LINHVUCTHUCHIEN") if isinstance(procedure, Mapping) else None
    first = fields[0] if isinstance(fields, list) and fields else None
    return {"field_code": _text(first, "MALINHVUC"), "field_name": _text(first, "TENLINHVUC")}
