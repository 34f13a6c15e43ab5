"""An HTTP session that carries an account: whoever calls through it need not know how we say who we are."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping

from hub.errors import AccountRefused
from hub.message import Clock
from hub.wire.accounts import LGSP_HEADER, Account, ApiKey, Basic, Bearer, OAuth2, Session, secrets_of
from hub.wire.answer import Answer
from hub.wire.http import HttpEndpoint, HttpSettings
from hub.wire.sign_in import Lasting, SignIn
from hub.wire.tokens import basic, new_token


class SignedEndpoint:
    """An ``HttpEndpoint`` whose calls carry the account, with one token and one renewal for all callers.

    A call whose token is refused, by HTTP 401 or as ``ended(answer)`` says, was not carried out: the token is renewed and
    the call made again once, with or without effect; a second refusal is AccountRefused, as is the first of an account that
    has nothing to renew. A token that came with its life is renewed before its end. ``await open()`` once, ``call`` from any
    number of tasks, ``await close()``.
    """

    def __init__(
        self, settings: HttpSettings, account: Account | None, clock: Clock, *, ended: Callable[[Answer], bool] | None = None
    ) -> None:
        self._account = account
        self._clock = clock
        self._ended = ended
        self._http = HttpEndpoint(settings, clock)
        self._sign_in = SignIn(self._renew, clock) if isinstance(account, (OAuth2, Session)) else None

    async def open(self) -> None:
        """Prepare the session; needs no partner. Raises BadConfig when a certificate file cannot be used."""
        await self._http.open()

    async def close(self) -> None:
        """Stop a renewal, close all connections."""
        if self._sign_in is not None:
            await self._sign_in.close()
        await self._http.close()

    @property
    def secrets(self) -> list[tuple[str, str]]:
        """(name, value) of what must be shown nowhere, the token of now too: for ``partner_text.redacted``."""
        token = self._sign_in.cached() if self._sign_in is not None else None
        return [*secrets_of(self._account), *([("token", token)] if token else [])]

    async def signed_in(self) -> None:
        """Sign in now if need be, so that a partner that is down leaves no trace of an effect that was never tried.

        Raises AccountRefused, Transient, NotConnected.
        """
        if self._sign_in is not None:
            await self._sign_in.token()

    async def new_token(self) -> None:
        """Sign in afresh, for ``check``: that a token of before still stands says nothing about the account."""
        if self._sign_in is not None:
            if (old := self._sign_in.cached()) is not None:
                self._sign_in.invalidate(old)
            await self._sign_in.token()

    async def call(
        self,
        method: str,
        url: str,
        *,
        effect: bool,
        body: bytes | Callable[[], AsyncIterable[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        traceparent: str | None = None,
        timeout: float | None = None,
        any_status: bool = False,
    ) -> Answer:
        """As ``HttpEndpoint.call``, with the account in the headers; raises AccountRefused besides, never returns HTTP 401.

        ``body`` may be a function that begins a stream: it is called anew where the call is made again.
        """
        renewed = self._sign_in is None
        while True:
            token = await self._sign_in.token() if self._sign_in is not None else ""
            answer = await self._http.call(
                method, url, effect=effect, body=body, headers=self._carrying(headers, token), traceparent=traceparent,
                timeout=timeout, any_status=any_status,
            )  # fmt: skip
            if answer.status != 401 and (self._ended is None or not self._ended(answer)):
                return answer
            if self._sign_in is not None:
                self._sign_in.invalidate(token)
            if renewed:
                twice = "a second token within one call" if self._sign_in is not None else "the account of the endpoint"
                raise AccountRefused("account", f"the partner refused {twice} (HTTP {answer.status}): see account")
            renewed = True

    def _carrying(self, headers: Mapping[str, str] | None, token: str) -> dict[str, str]:
        """The headers with the account's; where both name one, the account's stands."""
        own = self._own(token)
        names = {name.lower() for name in own}
        return {name: value for name, value in (headers or {}).items() if name.lower() not in names} | own

    def _own(self, token: str) -> dict[str, str]:
        account = self._account
        own: dict[str, str] = {}
        if account is None:
            return own
        if isinstance(account, ApiKey):
            own[account.header] = account.value.get_secret_value()
        elif isinstance(account, Basic):
            own["Authorization"] = basic(account.username, account.password.get_secret_value())
        elif isinstance(account, Bearer):
            own["Authorization"] = f"Bearer {account.token.get_secret_value()}"
        elif isinstance(account, OAuth2):
            own["Authorization"] = f"Bearer {token}"
        else:
            own[account.sent_as.header] = f"{account.sent_as.prefix}{token}"
        if account.lgsp_access_token is not None:
            own[LGSP_HEADER] = account.lgsp_access_token.get_secret_value()
        return own

    async def _renew(self) -> Lasting:
        assert isinstance(self._account, (OAuth2, Session)), "no other kind has a token"
        return await new_token(self._http, self._account, self._clock)
