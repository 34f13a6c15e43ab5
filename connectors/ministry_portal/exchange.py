"""The calls to a ministry's portal: addresses, JSON and the token around them; knows no message."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from connectors.ministry_portal.answers import Reply, field, read, token_ended, usable, word
from connectors.ministry_portal.config import MinistryConfig
from hub.errors import DeliveryError, NotAsked, Rejected, Transient
from hub.message import Clock
from hub.wire.partner_text import named_values, redacted
from hub.wire.signed import SignedEndpoint

Body = bytes | Callable[[], AsyncIterable[bytes]]


class Exchange:
    """``open``, calls from any number of tasks, ``close``."""

    def __init__(self, config: MinistryConfig, clock: Clock) -> None:
        self.config = config
        self._http = SignedEndpoint(config, config.account, clock, ended=lambda answer: token_ended(answer, config))

    async def open(self) -> None:
        """Prepare connections; needs no partner."""
        await self._http.open()

    async def close(self) -> None:
        """Forget the token and close connections."""
        await self._http.close()

    async def new_token(self) -> None:
        """Sign in afresh."""
        await self._http.new_token()

    async def signed_in(self) -> None:
        """Sign in now if need be, so that a portal that is down leaves no trace of an effect that was never tried."""
        await self._http.signed_in()

    async def post(self, path: str, sent: Any, *, effect: bool = True, traceparent: str | None = None) -> Reply:
        """JSON to an operation; any readable answer, refusals included. Raises as ``answers.usable`` does."""
        headers = {"Content-Type": "application/json"}
        return await self.call("POST", path, orjson.dumps(sent), headers, effect=effect, traceparent=traceparent)

    async def ask(self, path: str, query: Mapping[str, str], traceparent: str | None = None) -> Reply:
        """A question by GET."""
        return await self.call("GET", _with(path, query), None, {}, effect=False, traceparent=traceparent)

    async def call(
        self, method: str, path: str, body: Body | None, headers: Mapping[str, str], *, effect: bool, traceparent: str | None
    ) -> Reply:
        """One call and its readable answer."""
        url = self.config.base_url + path
        around = {"Accept": "application/json", **headers}
        answer = await self._http.call(method, url, effect=effect, body=body, headers=around, traceparent=traceparent)
        return usable(answer, self.config, effect)

    async def page(self, path: str, query: Mapping[str, str]) -> Any:
        """The JSON of a feed's answer, whatever its form. Raises Transient, AccountRefused, NotConnected, Rejected."""
        url = self.config.base_url + _with(path, query)
        answer = await self._http.call("GET", url, effect=False, headers={"Accept": "application/json"})
        reply = read(answer, self.config)
        if answer.status >= 300 or (reply is not None and not reply.done):
            raise self.refusal(usable(answer, self.config, False), {})
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise Transient("unreadable_answer", "the feed's answer is not JSON") from None

    async def next_code(self, sent: Mapping[str, Any], traceparent: str | None) -> str:
        """A new code for the dossier of this object, issued by the ministry (GetNextValue, contracts.md 2.2). Each call uses
        one up, also one whose answer is lost: nobody will ever know that code, and no dossier is touched."""
        wanted = word(sent.get("MaDonViTiepNhan" if self.config.next_value_for == "agency" else "MaTTHC"))
        if not wanted:
            raise NotAsked("no_agency", "neither the dossier names a receiving unit, nor the endpoint's setting agency")
        path = self.config.paths.next_value
        if self.config.next_value_by == "get":
            reply = await self.ask(path, {"code": wanted}, traceparent)
        else:
            reply = await self.post(path, {"code": wanted}, effect=False, traceparent=traceparent)
        if not reply.done:
            raise self.refusal(reply, sent)
        code = word(field(reply.data, "value")) or word(reply.data)
        if not code:
            raise Transient("no_code_issued", "GetNextValue answered without a value")
        return code

    def refusal(self, reply: Reply, sent: Any) -> DeliveryError:
        """What a refusal is; the ministry's words masked."""
        return Rejected(reply.code or "refused", self.redacted(reply.message, sent), said=self.without_secrets(reply.message))

    def redacted(self, text: str, sent: Any) -> str:
        """The ministry's words as they may be kept."""
        return redacted(text, [*self._http.secrets, *named_values(sent)])

    def without_secrets(self, text: str) -> str:
        """The ministry's words for who waits for them: what signs us in is ours alone."""
        for name, value in self._http.secrets:
            text = text.replace(value, f"‹{name}›") if len(value) >= 4 else text
        return text


def _with(path: str, query: Mapping[str, str]) -> str:
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path
