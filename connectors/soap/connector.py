"""Any SOAP partner: one operation for each schema, its answers judged by the integrator's table."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Collection, Iterable
from typing import Any

from connectors.outcomes.pointers import MISSING, put_at, value_at
from connectors.outcomes.sending import called_once, found_by, never_called, receipt_of, require_taken
from connectors.outcomes.unexplained import Mask
from connectors.soap import checks
from connectors.soap.answer import Heard
from connectors.soap.config import OperationConfig, SoapConfig
from connectors.soap.fitting import is_own_field
from connectors.soap.service import Service
from connectors.soap.table import first_fitting
from connectors.soap.unexplained import unexplained
from connectors.soap.verdict import by_the_book, judge
from hub.connector import Attempt, Connector, ConnectorContext, Documents, Found, Receipt
from hub.errors import Problem, Rejected, Transient
from hub.message import Message
from hub.wire.partner_text import named_values, redacted
from hub.wire.wsdl import Operation
from hub.wire.xml_form import XmlMisfit


class Soap(Connector[SoapConfig]):
    """Calls the operations of any SOAP 1.1 or 1.2 service (document or rpc) as its WSDL says, and reads its answers.

    A message of a schema under ``operations`` is the input of that operation in object form: children under their local
    names, attributes under ``@name``, what may come more than once as a list. (A WSDL in the catalog has the operation's
    element around it, which is taken off.) What an answer means is said by ``outcomes``, row by row: first those of the
    operation, then those for all; the first that fits decides. What no row covers is decided by SOAP and HTTP (see the
    README), and an answer that went well but that no row explains is in doubt: nothing is accepted by guess.

    In doubt, the partner is asked if ``find`` says how; else the route decides. Before a call with an effect its attempt is
    remembered, so that an attempt which ended before its call is known for what it is.

    Texts of the partner may quote a person: a reason keeps them only with everything we sent replaced by the name of its
    field, addresses and runs of 7 or more digits masked, and cut to 300 characters.
    """

    Config = SoapConfig

    def __init__(self, config: SoapConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._service = Service(config, context)
        self._wrapped: dict[str, bool] = {}

    @classmethod
    def problems(cls, config: SoapConfig, sent: Collection[str], documents: Documents) -> Iterable[Problem]:
        """Names, pointers and schemas that do not fit the WSDL."""
        return checks.problems(config, sent, documents)

    async def open(self) -> None:
        """Read the WSDL and prepare connections. Raises BadConfig for files that cannot be used."""
        await self._service.open()

    async def close(self) -> None:
        """Close connections."""
        await self._service.close()

    async def check(self) -> None:
        """Call the operation of ``check``, else fetch the WSDL from the address."""
        if self.config.check is None:
            await self._service.look()
            return
        operation = self._service.operation(self.config.check.operation)
        heard = await self._service.call(operation, self._written(operation, self.config.check.input), effect=False)
        if not (heard.ok and (heard.has_body or (heard.is_empty and operation.one_way))):
            raise by_the_book(heard, self._mask({}), one_way=operation.one_way).error(effect=False)

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        """One call of the operation of the message's schema."""
        one = self._config_of(message)
        operation = self._service.operation(one.operation)
        sent = self._input(operation, message.body)
        request = self._written(operation, sent)

        def call() -> Awaitable[Heard]:
            return self._service.call(
                operation, request, effect=one.effect, timeout=one.timeout, traceparent=message.traceparent
            )

        heard, before = await called_once(attempt, one.effect, call)
        mask = self._mask(sent)
        judged = judge(heard, (*one.outcomes, *self.config.outcomes), sent, mask, one_way=operation.one_way)
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
            return await self.held(message)
        except Rejected as refusal:  # a refused question says nothing about the message
            raise Transient("look_up_refused", str(refusal)) from None

    async def held(self, message: Message) -> Found | None:
        """Whether the partner holds what this message says, as ``find`` tells; without it the partner cannot tell."""
        one = self._config_of(message)
        if one.find is None:
            return Found(holds=None)
        sent = self._input(self._service.operation(one.operation), message.body)
        operation = self._service.operation(one.find.operation)
        question: dict[str, Any] = {}
        for to, value in one.find.fixed.items():
            put_at(question, to, copy.deepcopy(value))
        for to, value in ((to, value_at(sent, pointer)) for to, pointer in one.find.input.items()):
            if value is not MISSING and value is not None:
                put_at(question, to, value)
        try:
            request = self._service.write(operation, question)
        except XmlMisfit:  # the message lacks what it would be asked by
            return Found(holds=None)
        heard = await self._service.call(operation, request, effect=False, traceparent=message.traceparent)
        row, sure = first_fitting(one.find.rows, heard, sent)
        mask = self._mask(sent)
        if not sure:  # it must not be taken for not there, which would send it again
            raise Transient("outcome_unknown", unexplained(heard, one.find.rows, sent, mask, sure=False))
        if row is None and not (heard.ok and heard.has_body):
            raise by_the_book(heard, mask, one_way=operation.one_way).error(effect=False)
        return found_by(row, one.find, heard, mask)

    def _config_of(self, message: Message) -> OperationConfig:
        one = self.config.operation_for(message.schema)
        if one is None:
            raise Rejected("schema", f"{message.schema}: no operation takes it; name it under operations, or mend the route")
        return one

    def _input(self, operation: Operation, body: Any) -> Any:
        """The operation's input; a message of a WSDL in the catalog has the operation's element around it."""
        form = operation.input
        if form is None or not isinstance(body, dict) or body.keys() != {form.name}:
            return body
        if form.name not in self._wrapped:
            self._wrapped[form.name] = not is_own_field(form)
        return body[form.name] if self._wrapped[form.name] else body

    def _written(self, operation: Operation, body: Any) -> bytes:
        try:
            return self._service.write(operation, body)
        except XmlMisfit as misfit:
            told = "; ".join(f"{one.at or 'the message'}: {one.message}" for one in misfit.problems[:3])
            raise Rejected("misfit", f"the message is no input of {operation.name}: {told}") from None

    def _mask(self, sent: Any) -> Mask:
        headers = self.config.headers
        return lambda text: redacted(text, [*self.config.secrets, *named_values(headers), *named_values(sent)])
