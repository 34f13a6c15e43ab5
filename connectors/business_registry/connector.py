"""Registries of enterprises (CSDLQG đăng ký doanh nghiệp): look-ups of one enterprise by its number, in three dialects."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar
from urllib.parse import urlencode

import orjson
from stdnum.vn import mst

from connectors.business_registry.config import BusinessRegistryConfig
from connectors.business_registry.reading import enterprise
from hub.connector import Connector, ConnectorContext
from hub.errors import AccountRefused, DeliveryError, NotAsked, Rejected, Transient
from hub.message import Message
from hub.wire.accounts import OAuth2, Session
from hub.wire.signed import SignedEndpoint

READ_AT_ONCE = 256 * 1024
"""Bytes of an answer that are read without leaving the loop."""
_BUSINESS_STATUS = (400, 413, 422)
"""HTTP refusals of what was sent; every other 4xx speaks of the address, the account or the platform."""
_ASKS_FOR_A_NUMBER = (*_BUSINESS_STATUS, 405)
"""How a registry may answer to a call without a number: it is there, and lets us in."""


class BusinessRegistry(Connector[BusinessRegistryConfig]):
    """Asks a registry of enterprises about one enterprise (chiTietDoanhNghiep).

    ``business-registry-query@1`` is asked, ``business-registry-enterprise@1`` answered: exactly one of ``ngsp``, ``province``
    and ``search``, by the endpoint's ``shape``. A question changes nothing there, so that no failure is ever in doubt.

    None: the registry knows no such enterprise. Several for one number are Rejected ``ambiguous``. A number that cannot be an
    enterprise's (its check digit is wrong) is NotAsked. No words of the registry are kept in an error, only codes and places.

    Source of the protocol: contracts.md section 5; what is open there is configuration (see README.md).
    """

    Config = BusinessRegistryConfig
    queries: ClassVar[str] = "business-registry-query@1"
    answers: ClassVar[str] = "business-registry-enterprise@1"

    def __init__(self, config: BusinessRegistryConfig, context: ConnectorContext) -> None:
        super().__init__(config, context)
        self._http = SignedEndpoint(config, config.account, context.clock)

    async def open(self) -> None:
        """Prepare connections. Raises BadConfig for certificates that cannot be used."""
        await self._http.open()

    async def close(self) -> None:
        """Forget the token and close connections."""
        await self._http.close()

    async def check(self) -> None:
        """A new token where one signs in; else GET of ``check_url``, or of ``url`` without a number. Nobody is asked about."""
        if isinstance(self.config.account, OAuth2 | Session):
            await self._http.new_token()
            return
        answer = await self._http.call("GET", self.config.check_url or self.config.url, effect=False)
        answers = 200 <= answer.status < 300 or (self.config.check_url is None and answer.status in _ASKS_FOR_A_NUMBER)
        if not answers:
            raise _refused(answer.status)

    async def request(self, query: Message) -> dict[str, Any] | None:
        """The enterprise with this number, None when the registry knows none."""
        number = query.body["msdn"]
        if not mst.is_valid(number):
            raise NotAsked("number", "/msdn: no enterprise can have it: a digit is wrong, missing or too many")
        config, fields = self.config, {self.config.number_field: number}
        url, body, headers = config.url, None, {"Accept": "application/json"}
        if config.number_in == "query":
            url += f"{'&' if '?' in url else '?'}{urlencode(fields)}"
        elif config.number_in == "form":
            body, headers["Content-Type"] = urlencode(fields).encode(), "application/x-www-form-urlencoded"
        else:
            body, headers["Content-Type"] = orjson.dumps(fields), "application/json"
        answer = await self._http.call(
            config.verb, url, effect=False, body=body, headers=headers, traceparent=query.traceparent
        )
        if not 200 <= answer.status < 300:
            raise _refused(answer.status)
        if len(answer.body) <= READ_AT_ONCE:
            return enterprise(answer.body, config.shape, number, config.transient_codes)
        # in a thread, since all others would wait for it
        return await asyncio.to_thread(enterprise, answer.body, config.shape, number, config.transient_codes)


def _refused(status: int) -> DeliveryError:
    """The error for an HTTP status that is not 2xx."""
    if status in _BUSINESS_STATUS:
        return Rejected(f"http_{status}", "the registry refused the question without a readable reason")
    if status == 403:
        return AccountRefused(f"http_{status}", "the registry refused the account of the endpoint or its rights")
    if status < 500:
        return Transient(f"http_{status}", "the registry refused the call: address, account or rights of the endpoint")
    return Transient(f"http_{status}", "the registry or the platform failed while it had the question")
