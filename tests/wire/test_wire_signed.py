"""SignedEndpoint over real sockets: what carries the account, one renewal for all, a refused token, and that none shows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web
from pydantic import TypeAdapter
from wire_stand_in import Asked, MovableClock, StandIn, settings, stand_in

from hub.console.reasons import vietnamese
from hub.errors import AccountRefused, DeliveryError, InDoubt, NotConnected, Transient
from hub.wire import Account, Answer, SignedEndpoint
from hub.wire.partner_text import redacted

SECRET = "s3cret-never-shown"
LGSP = "eyJBY2Nlc3NLZXkiOiJrIn0="
_ACCOUNT: TypeAdapter[Any] = TypeAdapter(Account)


class Partner:
    """Issues numbered tokens at /token and takes calls that carry the newest; what it does else is switched by a test."""

    def __init__(self) -> None:
        self.issued = 0
        self.lasts: Any = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.token_answer: tuple[int, Any] | None = None
        self.valid: set[str] = set()
        self.takes_any = True
        self.call_status = 200

    async def reply(self, asked: Asked) -> web.Response:
        if asked.path.startswith("/token"):
            self.issued += 1
            token = f"token-{self.issued}"
            await self.gate.wait()
            if self.token_answer is not None:
                status, said = self.token_answer
                return web.json_response(said, status=status)
            self.valid = {token}
            told = {"access_token": token, "token_type": "Bearer"}
            return web.json_response(told if self.lasts is None else told | {"expires_in": self.lasts})
        carried = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self.takes_any and carried not in self.valid:
            return web.json_response({"error": f"invalid token {carried}"}, status=401)
        return web.json_response({"token": carried}, status=self.call_status)


def oauth2(url: str, **more: Any) -> Any:
    return _ACCOUNT.validate_python(
        {"kind": "oauth2", "token_url": f"{url}/token", "client_id": "province", "client_secret": SECRET, **more}
    )


@asynccontextmanager
async def signed(account: Any, clock: MovableClock | None = None, **more: Any) -> AsyncIterator[SignedEndpoint]:
    it = SignedEndpoint(settings(connections=100), account, clock or MovableClock(), **more)
    await it.open()
    try:
        yield it
    finally:
        await it.close()


async def post(it: SignedEndpoint, url: str, effect: bool = True, **more: Any) -> Answer:
    return await it.call("POST", f"{url}/dossiers", effect=effect, body=b"{}", **more)


# ── what is carried
@pytest.mark.parametrize(
    ("account", "carried"),
    [
        (None, {}),
        ({"kind": "api_key", "header": "ApiKey", "value": SECRET}, {"ApiKey": SECRET}),
        ({"kind": "basic", "username": "u", "password": "p"}, {"Authorization": "Basic dTpw"}),
        ({"kind": "bearer", "token": SECRET}, {"Authorization": f"Bearer {SECRET}"}),
        ({"kind": "bearer", "token": "t", "lgsp_access_token": LGSP}, {"Authorization": "Bearer t", "lgspaccesstoken": LGSP}),
    ],
)
async def test_what_a_lasting_account_puts_into_each_call(account: Any, carried: dict[str, str]) -> None:
    """And nothing is asked of anybody first; a header of the caller's with the same name gives way."""
    partner = Partner()
    async with stand_in(partner.reply) as at, signed(account and _ACCOUNT.validate_python(account)) as it:
        await it.signed_in()
        await it.new_token()
        assert at.asked == []
        await post(it, at.url, headers={"authorization": "mine", "X-Own": "1"} if account else {"X-Own": "1"})
        headers = at.asked[0].headers
    assert {name: headers.get(name) for name in carried} == carried
    assert headers["X-Own"] == "1"
    assert (headers.get("Authorization") != "mine") == ("Authorization" in carried or account is None)


@pytest.mark.parametrize(
    ("more", "headers", "body"),
    [
        ({}, {"Authorization": "Basic cHJvdmluY2U6czNjcmV0LW5ldmVyLXNob3du"}, "grant_type=client_credentials"),
        (
            {"client_as": "form", "scope": "a b"}, {"Authorization": None},
            f"grant_type=client_credentials&scope=a+b&client_id=province&client_secret={SECRET}",
        ),
        ({"client_as": "json"}, {"Content-Type": "application/json"}, {"client_id": "province", "client_secret": SECRET}),
        ({"lgsp_access_token": LGSP}, {"lgspaccesstoken": LGSP}, "grant_type=client_credentials"),
    ],
)  # fmt: skip
async def test_how_a_token_is_asked_for(more: dict[str, Any], headers: dict[str, str | None], body: Any) -> None:
    """WSO2's form with Basic, the form alone, the ministries' JSON object; lgspaccesstoken goes with both calls."""
    partner = Partner()
    async with stand_in(partner.reply) as at, signed(oauth2(at.url, **more)) as it:
        await post(it, at.url)
        (token,), (call,) = at.of("/token"), at.of("/dossiers")
    assert {name: token.headers.get(name) for name in headers} == headers
    assert (orjson.loads(token.body) if isinstance(body, dict) else token.body.decode()) == body
    assert call.headers["Authorization"] == "Bearer token-1"
    assert call.headers.get("lgspaccesstoken") == more.get("lgsp_access_token")


async def test_a_session_is_signed_into_and_sent_as_the_partner_wants() -> None:
    """Names of fields, place of the token and the header that carries it are settings."""
    seen: list[Asked] = []

    async def reply(asked: Asked) -> web.Response:
        seen.append(asked)
        return web.json_response({"data": [{"jwt": "abc"}]} if asked.path == "/login" else {})

    async with stand_in(reply) as at:
        account = _ACCOUNT.validate_python({
            "kind": "session", "url": f"{at.url}/login", "username": "u", "password": "p", "username_field": "userName",
            "token_at": "/data/0/jwt", "sent_as": {"header": "access_token", "prefix": ""},
        })  # fmt: skip
        async with signed(account) as it:
            await post(it, at.url)
    assert orjson.loads(seen[0].body) == {"userName": "u", "password": "p"}
    assert seen[1].headers["access_token"] == "abc" and "Authorization" not in seen[1].headers


async def test_a_token_inside_data_is_found() -> None:
    """The ministries' portals wrap it (contracts.md 2)."""
    partner = Partner()
    partner.token_answer = (200, {"code": 200, "data": {"access_token": "inner", "expires_in": "3600"}})
    async with stand_in(partner.reply) as at:
        account = oauth2(at.url, client_as="json", token_at="/data/access_token", expires_at="/data/expires_in")
        async with signed(account) as it:
            await post(it, at.url)
        assert at.of("/dossiers")[0].headers["Authorization"] == "Bearer inner"


# ── one renewal
async def fifty(at: StandIn, partner: Partner, it: SignedEndpoint) -> int:
    """How often a token was asked for by fifty who call at once, twice, with a token refused in between."""
    await asyncio.gather(*(post(it, at.url) for _ in range(50)))
    partner.valid, partner.takes_any = set(), False
    answers = await asyncio.gather(*(post(it, at.url) for _ in range(50)))
    assert {one.status for one in answers} == {200}
    return len(at.of("/token"))


async def test_fifty_callers_share_a_renewal() -> None:
    """A cold start is one sign-in; a token that ended under fifty calls is one more, and each call gets through."""
    partner = Partner()
    async with stand_in(partner.reply) as at, signed(oauth2(at.url)) as it:
        assert await fifty(at, partner, it) == 2


async def test_a_sign_in_for_each_caller_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof above goes red when every caller asks for a token of its own."""

    async def every_time(self: Any) -> str:
        return str((await self._renew()).token)

    monkeypatch.setattr("hub.wire.sign_in.SignIn.token", every_time)
    partner = Partner()
    async with stand_in(partner.reply) as at, signed(oauth2(at.url)) as it:
        with pytest.raises((AssertionError, DeliveryError)):
            assert await fifty(at, partner, it) == 2


async def test_a_failed_renewal_reaches_all_and_the_next_tries_afresh() -> None:
    """One refused sign-in for all who waited; nothing is remembered of it."""
    partner = Partner()
    partner.token_answer = (401, {"error": "invalid_client"})
    partner.gate.clear()
    async with stand_in(partner.reply) as at, signed(oauth2(at.url)) as it:
        calls = [asyncio.create_task(post(it, at.url)) for _ in range(20)]
        while not at.of("/token"):
            await asyncio.sleep(0)
        partner.gate.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one) for one in ended] == [AccountRefused] * 20
        assert len(at.of("/token")) == 1 and at.of("/dossiers") == []
        partner.token_answer = None
        assert (await post(it, at.url)).status == 200


async def test_who_is_cancelled_does_not_cancel_the_renewal_of_others() -> None:
    """The first caller began it and goes; the second gets the token."""
    partner = Partner()
    partner.gate.clear()
    async with stand_in(partner.reply) as at, signed(oauth2(at.url)) as it:
        first, second = asyncio.create_task(post(it, at.url)), asyncio.create_task(post(it, at.url))
        while not at.of("/token"):
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        partner.gate.set()
        assert (await second).status == 200 and first.cancelled()
        assert len(at.of("/token")) == 1


@pytest.mark.parametrize(("lasts", "early"), [(3600, 30), (100, 10), ("3600", 30)])
async def test_a_token_is_renewed_before_its_end(lasts: Any, early: float) -> None:
    """Half a minute early, or a tenth of its life if that is less; life may be told as text."""
    partner, clock = Partner(), MovableClock()
    partner.lasts = lasts
    async with stand_in(partner.reply) as at, signed(oauth2(at.url), clock) as it:
        await post(it, at.url)
        clock.pass_seconds(int(lasts) - early - 1)
        await post(it, at.url)
        assert len(at.of("/token")) == 1
        clock.pass_seconds(1.5)
        await asyncio.gather(*(post(it, at.url) for _ in range(5)))
        assert len(at.of("/token")) == 2


@pytest.mark.parametrize("lasts", [None, 0, -5, "soon", True, 10**12])
async def test_a_life_that_cannot_be_one_is_as_if_not_told(lasts: Any) -> None:
    """The token is used until it is refused."""
    partner, clock = Partner(), MovableClock()
    partner.lasts = lasts
    async with stand_in(partner.reply) as at, signed(oauth2(at.url), clock) as it:
        await post(it, at.url)
        clock.pass_seconds(10**6)
        await post(it, at.url)
        assert len(at.of("/token")) == 1


# ── a refused token
@pytest.mark.parametrize("effect", [True, False])
async def test_a_second_refusal_is_the_accounts(effect: bool) -> None:
    """The call was made twice, with two tokens, and never a third time."""
    partner = Partner()
    partner.takes_any = False

    async def never(asked: Asked) -> web.Response:
        answer = await partner.reply(asked)
        partner.valid = set()
        return answer

    async with stand_in(never) as at, signed(oauth2(at.url)) as it:
        with pytest.raises(AccountRefused) as refused:
            await post(it, at.url, effect)
        carried = [one.headers["Authorization"] for one in at.of("/dossiers")]
    assert refused.value.code == "account" and vietnamese(refused.value.reason) is not None
    assert carried == ["Bearer token-1", "Bearer token-2"]


async def test_a_lasting_account_is_refused_at_once() -> None:
    """There is nothing to renew, so the call is made once."""
    partner = Partner()
    partner.takes_any = False
    account = _ACCOUNT.validate_python({"kind": "bearer", "token": SECRET})
    async with stand_in(partner.reply) as at, signed(account) as it:
        with pytest.raises(AccountRefused) as refused:
            await post(it, at.url)
        assert len(at.asked) == 1
    assert SECRET not in str(refused.value)


async def test_a_partner_may_say_in_its_own_way_that_the_token_ended() -> None:
    """HTTP 200 with a code of its own: the connector says so, the call is made again."""
    told = iter([{"error_code": "TOKEN_EXPIRED"}, {"error_code": 0}])

    async def reply(asked: Asked) -> web.Response:
        return web.json_response({"access_token": "t"} if asked.path == "/token" else next(told))

    def ended(answer: Answer) -> bool:
        return bool(orjson.loads(answer.body)["error_code"] == "TOKEN_EXPIRED")

    async with stand_in(reply) as at, signed(oauth2(at.url), ended=ended) as it:
        assert orjson.loads((await post(it, at.url)).body) == {"error_code": 0}
        assert len(at.of("/token")) == 2


async def test_a_stream_is_begun_anew_for_the_second_call() -> None:
    """The whole file goes out again, in pieces."""
    partner = Partner()
    partner.takes_any = False
    begun = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal begun
        begun += 1
        for _ in range(100):
            yield b"x" * 1000

    async with stand_in(partner.reply) as at, signed(oauth2(at.url)) as it:
        await it.signed_in()
        partner.valid = set()
        answer = await it.call("POST", f"{at.url}/files", effect=True, body=pieces)
        assert (answer.status, begun, len(at.of("/files")[-1].body)) == (200, 2, 100_000)


@pytest.mark.parametrize(
    ("failure", "raised", "code"),
    [(Transient("file_not_there"), Transient, "file_not_there"), (OSError(5, "a name"), Transient, "body_broke_off")],
)
async def test_a_stream_that_breaks_off_is_no_doubt(failure: Exception, raised: type[DeliveryError], code: str) -> None:
    """Half a request is none: the partner cannot have acted on it, and the reason is the stream's own."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        raise failure

    partner = Partner()
    async with stand_in(partner.reply) as at, signed(None) as it:
        with pytest.raises(DeliveryError) as told:
            await it.call("POST", f"{at.url}/files", effect=True, body=pieces)
    assert (type(told.value), told.value.code) == (raised, code)
    assert "a name" not in str(told.value)


# ── sign-in failures
@pytest.mark.parametrize(
    ("status", "said", "raised"),
    [
        (401, {}, AccountRefused),
        (403, {}, AccountRefused),
        (400, {"error": "invalid_client"}, AccountRefused),
        (404, {}, Transient),
        (500, {}, Transient),
        (503, {}, Transient),
        (302, {}, Transient),
        (200, {"message": "account token-x locked"}, Transient),
        (200, {"access_token": ""}, Transient),
        (200, {"access_token": 7}, Transient),
        (200, {"access_token": "a\r\nX-Evil: 1"}, Transient),
        (200, ["access_token"], Transient),
    ],
)
async def test_what_a_sign_in_without_a_token_is(status: int, said: Any, raised: type[DeliveryError]) -> None:
    """What was asked holds nothing but settings, so a refusal is the account's; nothing was tried at the partner."""
    partner = Partner()
    partner.token_answer = (status, said)
    async with stand_in(partner.reply) as at, signed(oauth2(at.url)) as it:
        with pytest.raises(DeliveryError) as failed:
            await it.signed_in()
        assert at.of("/dossiers") == []
    assert type(failed.value) is raised
    assert status in (302, 404, 500, 503) or vietnamese(failed.value.reason) is not None
    assert SECRET not in str(failed.value) and "locked" not in str(failed.value)


async def test_a_sign_in_that_nobody_answers_is_not_connected() -> None:
    """Also when what comes after would have an effect: it was never tried."""
    async with stand_in(Partner().reply) as gone:
        pass
    async with signed(oauth2(gone.url)) as it:
        with pytest.raises(NotConnected):
            await post(it, gone.url)


async def test_a_lost_answer_of_the_call_itself_is_in_doubt() -> None:
    """The account changes nothing about that."""

    given_up = asyncio.Event()

    async def reply(asked: Asked) -> web.Response:
        if asked.path != "/token":
            await given_up.wait()
        return web.json_response({"access_token": "t"})

    async with stand_in(reply) as at, signed(oauth2(at.url)) as it:
        with pytest.raises(InDoubt):
            await post(it, at.url, timeout=0.1)
        given_up.set()
        assert len(at.of("/dossiers")) == 1


async def test_check_signs_in_afresh() -> None:
    """That a token of before still stands says nothing about the account."""
    partner = Partner()
    async with stand_in(partner.reply) as at, signed(oauth2(at.url)) as it:
        await it.signed_in()
        await it.signed_in()
        assert len(at.of("/token")) == 1
        await it.new_token()
        assert len(at.of("/token")) == 2


# ── secrets
async def test_no_secret_in_logs_errors_or_repr(caplog: pytest.LogCaptureFixture) -> None:
    """A token that the partner echoes is masked by the names that the endpoint gives for masking."""
    caplog.set_level(logging.DEBUG)
    partner = Partner()
    async with stand_in(partner.reply) as at, signed(oauth2(at.url, lgsp_access_token=LGSP)) as it:
        await post(it, at.url)
        assert "token-1" not in repr(it) and SECRET not in repr(it)
        echoed = redacted(f"invalid token token-1 for {SECRET}", it.secrets)
        partner.takes_any = False
        partner.token_answer = (401, {"echo": SECRET})
        partner.valid = set()
        with pytest.raises(AccountRefused) as refused:
            await post(it, at.url)
    assert "token-1" not in echoed and SECRET not in echoed
    assert not any(word in str(refused.value) + repr(refused.value) for word in (SECRET, LGSP, "token-1"))
    assert not any(word in caplog.text for word in (SECRET, LGSP, "token-1"))


async def test_close_stops_a_renewal_and_leaves_no_task() -> None:
    """Closing twice is closing."""
    partner = Partner()
    partner.gate.clear()
    before = asyncio.all_tasks()
    async with stand_in(partner.reply) as at:
        it = SignedEndpoint(settings(), oauth2(at.url), MovableClock())
        await it.open()
        waiting = asyncio.create_task(post(it, at.url))
        while not at.of("/token"):
            await asyncio.sleep(0)
        await it.close()
        await it.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        partner.gate.set()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before == set()
