"""Any JSON partner over HTTP: one call for each schema, its answers judged by the integrator's table."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from connectors.outcomes.sending import called_once, found_by, never_called, receipt_of, require_taken
from connectors.outcomes.table import Heard, first_fitting
from connectors.outcomes.unexplained import NO_ROW, Mask
from connectors.outcomes.verdict import by_the_book, judge
from connectors.rest import checks
from connectors.rest.answer import hear
from connectors.rest.config import OperationConfig, RestConfig
from connectors.rest.paths import filled
from hub.connector import Attempt, Connector, ConnectorContext, Documents, Found, Receipt
from hub.errors import Problem, Rejected, Transient
from hub.message import Message
from hub.wire.partner_text import named_values, redacted
from hub.wire.signed import SignedEndpoint

_LATER = {"http_429": 429, "http_503": 503}


class Rest(Connector[RestConfig]):
    """Sends messages to any partner that takes JSON over HTTP (POST, PATCH), and reads its answers.

    A message of a schema under ``operations`` is the body of that call. What an answer means is said by ``outcomes``, row by
    row: first those of the operation, then those for all; the first that fits decides. What no row covers is decided by the
    HTTP status (see the README), and an answer that went well but that no row explains is in doubt: nothing is accepted by
    guess.

    In doubt, the partner is asked if ``find`` says how; else the route decides. Before a call with an effect its attempt is
    remembered, so that an attempt which ended before its call is known for what it is.

    Texts of the partner may quote a person: a reason keeps them only with everything we sent replaced by the name of its
    field, addresses and runs of 7 or more digits masked, and cut to 300 characters.
    """

    Config = RestConfig

    def __init__(self, config: RestConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._http = SignedEndpoint(config, config.account, context.clock)

    @classmethod
    def problems(cls, config: RestConfig, sent: Collection[str], documents: Documents) -> Iterable[Problem]:
        """Schemas and places that do not fit the catalog."""
        return checks.problems(config, sent, documents)

    async def open(self) -> None:
        """Prepare connections. Raises BadConfig for certificates that cannot be used."""
        await self._http.open()

    async def close(self) -> None:
        """Close connections."""
        await self._http.close()

    async def check(self) -> None:
        """Sign in afresh, and GET the path of ``check``."""
        await self._http.new_token()
        heard = await self._call("GET", self.config.check, None, effect=False)
        if not (heard.ok and heard.has_body):
            raise by_the_book(heard, NO_ROW).error(effect=False)

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """One call, as the message's schema says."""
        one = self._config_of(message)
        path, body = filled(one.path, message.body, attempt.known_ids), orjson.dumps(message.body)
        if one.effect:
            await self._http.signed_in()

        def call() -> Awaitable[Heard]:
            return self._call(one.method, path, body, effect=one.effect, timeout=one.timeout, traceparent=message.traceparent)

        heard, before = await called_once(attempt, one.effect, call)
        mask = self._mask(message.body)
        judged = judge(heard, (*one.outcomes, *self.config.outcomes), message.body, mask)
        if redacted(judged.code, self._secrets) != judged.code:  # it echoes what only we and the partner may know
            judged = replace(judged, code="‹masked›")
        require_taken(judged, attempt, before, one.effect)
        return receipt_of(one, one.reply, heard, mask)

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        """What the attempt in doubt left at the partner: nothing if it ended before its call, else what ``find`` tells."""
        one = self._config_of(message)
        if not one.effect:
            return Found(holds=False)
        if never_called(attempt):
            return Found(holds=False, called=False)
        try:
            return await self._asked(message, attempt.known_ids)
        except Rejected as refusal:  # a refused question says nothing about the message
            raise Transient("look_up_refused", str(refusal)) from None

    async def held(self, message: Message) -> Found | None:
        """Whether the partner holds what this message says, as ``find`` tells; without it the partner cannot tell."""
        return await self._asked(message, message.codes)

    async def _asked(self, message: Message, codes: Mapping[str, str]) -> Found | None:
        find = self._config_of(message).find
        if find is None:
            return Found(holds=None)
        try:
            path = filled(find.path, message.body, codes)
        except Rejected:  # the message lacks what it would be asked by
            return Found(holds=None)
        heard = await self._call("GET", path, None, effect=False, traceparent=message.traceparent)
        row = first_fitting(find.rows, heard, message.body)
        if row is None and not (heard.ok and heard.has_body):
            raise by_the_book(heard, NO_ROW).error(effect=False)
        return found_by(row, find, heard, self._mask(message.body))

    async def _call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        effect: bool,
        timeout: float | None = None,
        traceparent: str | None = None,
    ) -> Heard:
        """One call. Raises NotConnected, AccountRefused, InDoubt (Transient without ``effect``) where no whole answer came."""
        try:
            answer = await self._http.call(
                method, f"{self.config.url}{path}", effect=effect, body=body, timeout=timeout,
                headers=self.config.fixed_headers, traceparent=traceparent, any_status=True,
            )  # fmt: skip
        except Transient as busy:  # its body could not be read
            if busy.code not in _LATER:
                raise
            return Heard(_LATER[busy.code], retry_after=busy.retry_after)
        return hear(answer, self.context.clock())

    def _config_of(self, message: Message) -> OperationConfig:
        one = self.config.operation_for(message.schema)
        if one is None:
            raise Rejected("schema", f"{message.schema}: no operation takes it; name it under operations, or mend the route")
        return one

    @property
    def _secrets(self) -> list[tuple[str, str]]:
        fixed = [(name, value.get_secret_value()) for name, value in self.config.headers.items()]
        return [*self._http.secrets, *fixed]

    def _mask(self, sent: Any) -> Mask:
        return lambda text: redacted(text, [*self._secrets, *named_values(sent)])
