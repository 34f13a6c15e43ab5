"""Connectors with one bad trait each, and the checks that just this trait breaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from hub import strictjson
from hub.connector import Accept, Accepted, Attempt, Connector, ConnectorConfig, Found, Inlet, Receipt, Visit
from hub.durable import write_whole
from hub.errors import (
    Broke,
    DeliveryError,
    InDoubt,
    NotAsked,
    NotConnected,
    NotParsable,
    Problem,
    Refused,
    Rejected,
    SchemaInvalid,
    StoreUnavailable,
    Transient,
    UnknownSchema,
)
from hub.message import Arrival, Message, new_id
from hub.testing.specimen import Specimen
from hub.wire import HttpEndpoint, HttpSettings
from kit.register import (
    CHANGE,
    CHANGES,
    NAME,
    Good,
    GoodListener,
    GoodReceiver,
    GoodRegistry,
    an_arrival,
    listener_specimen,
    receiver_specimen,
    registry_specimen,
    specimen,
)


class Swallows(Good):
    """Says that all went well whatever happened."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except (Transient, InDoubt, NotConnected):
            return Receipt()


class Retries(Good):
    """Tries again by itself."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except InDoubt:
            return await super().send(message, attempt)


class Sleeps(Good):
    """Waits by itself."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except Transient as busy:
            await asyncio.sleep(busy.retry_after or 1)
            raise


class Blocks(Good):
    """Holds the whole hub up."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        time.sleep(0.2)
        return await super().send(message, attempt)


class Hesitates(Good):
    """Waits by itself, in short turns that are no sleep."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except Transient:
            for _ in range(3):
                await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.01)
            raise


class Spins(Good):
    """Waits by itself, giving its turn away again and again."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except Transient:
            for _ in range(1_500):
                await asyncio.sleep(0)
            raise


class Holds(Good):
    """Waits for the partner without await."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        if message.schema.id != "entry":
            raise NotAsked("schema")
        line, other = socket.socketpair()
        with line, other:
            line.recv(1)  # until it is interrupted
        return Receipt()


class DoubtsAll(Good):
    """Is in doubt of what the partner refused, and of a call that was not let in."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except (Transient, Rejected) as error:
            if message.schema.id != "entry" or getattr(error, "retry_after", None) is not None:
                raise
            raise InDoubt(error.code) from None


class Remembers(Good):
    """Finds what it once sent, wherever it was sent to."""

    sent: ClassVar[set[str]] = set()

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        receipt = await super().send(message, attempt)
        self.sent.add(message.id)
        return receipt

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        return Found(holds=True) if message.id in self.sent else await super().find(message, attempt)


class SendsOnce(Good):
    """Leaves out what it sent before, wherever that was."""

    sent: ClassVar[set[str]] = set()

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        if message.id not in self.sent:
            await super().send(message, attempt)
            self.sent.add(message.id)
        return Receipt()


class FindWrites(Good):
    """Puts something there to see whether it is there."""

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        found = await super().find(message, attempt)
        await self.ask("POST", "/entries", {"id": "asked"})
        return found


class FindSaysYes(Good):
    """Answers in a word of its own whether it is there."""

    async def find(self, message: Message, attempt: Attempt) -> Any:
        return await super().find(message, attempt) is not None


class ReturnsNothing(Good):
    """Does not say that it was delivered."""

    async def send(self, message: Message, attempt: Attempt) -> Any:
        await super().send(message, attempt)


class BeginsInInit(Good):
    """Takes the event loop before there is one."""

    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        self.loop = asyncio.get_running_loop()


class Prints(Good):
    """Prints what it sends, past what redirects the output."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        print("sending", message.body, file=sys.__stdout__)
        return await super().send(message, attempt)


class LogsApart(Good):
    """Writes what it sends into a log of its own."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        log = logging.getLogger("register.apart")
        log.propagate = False
        log.warning("sending %s", message.body)
        return await super().send(message, attempt)


class Cached(GoodRegistry):
    """Answers what it answered before when the registry does not."""

    kept: ClassVar[dict[str, Any]] = {}

    async def request(self, query: Message) -> Any | None:
        try:
            self.kept[query.body["number"]] = await super().request(query)
        except DeliveryError:
            if query.body["number"] not in self.kept:
                raise
        return self.kept[query.body["number"]]


class Denies(Good):
    """Says "not now" of what may have been done."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except InDoubt as doubt:
            raise Transient(doubt.code) from None


class NeverThere(Good):
    """Says that nothing was sent whenever no answer came."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except InDoubt as doubt:
            raise NotConnected(doubt.code) from None


class Doubts(Good):
    """Is in doubt even when nobody was there."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except NotConnected as error:
            raise InDoubt(error.code) from None


class GivesUp(Good):
    """Takes every "not now" for a refusal of the message."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except Transient as error:
            raise Rejected(error.code) from None


class Forgetful(Good):
    """Drops what the partner said of when to come back."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except Transient as error:
            raise Transient(error.code) from None


class Untyped(Good):
    """Lets any error out."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except NotConnected:
            raise ValueError("no connection") from None


class LogsNames(Good):
    """Writes what it sends into the log."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        logging.getLogger("register").info("sending %s", message.body)
        return await super().send(message, attempt)


class QuotesNames(Good):
    """Puts what it sent into its errors."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except Rejected as error:
            raise Rejected(error.code, f"{message.body['owner']} was refused") from None


class Follows(Good):
    """Goes where a partner points."""

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        try:
            return await super().ask(method, path, body)
        except (Transient, InDoubt) as error:
            if error.code in ("http_302", "http_307"):
                await self.http.call("GET", f"{self.config.url}/elsewhere-than-asked", effect=False)
            raise


class NoLimits(Good):
    """Waits and reads for ever."""

    def __init__(self, config: Any, context: Any) -> None:
        super().__init__(config, context)
        self.http = HttpEndpoint(config.model_copy(update={"read_timeout": 3600, "max_answer_bytes": 1 << 40}), context.clock)


class Stays(Good):
    """Does not let itself be cancelled."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        try:
            return await super().send(message, attempt)
        except asyncio.CancelledError:
            raise InDoubt("ended") from None


class Invents(Good):
    """Finds everything."""

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        return Found(holds=True)


class FindsNothing(Good):
    """Finds nothing."""

    async def find(self, message: Message, attempt: Attempt) -> Found | None:
        return None


class TakesAll(Good):
    """Refuses a foreign message only after it asked the partner."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        if message.schema.id != "entry":
            await self.check()
        return await super().send(message, attempt)


class LeavesTask(Good):
    """Begins work that nobody ends."""

    left: ClassVar[list[asyncio.Task[Any]]] = []

    async def open(self) -> None:
        await super().open()
        self.left.append(asyncio.ensure_future(asyncio.Event().wait()))


class LeavesSocket(Good):
    """Opens what nobody closes."""

    left: ClassVar[list[socket.socket]] = []

    async def open(self) -> None:
        await super().open()
        self.left.append(socket.socket())


class ClosesOnce(Good):
    """Cannot be closed twice."""

    closed = False

    async def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed")
        self.closed = True
        await super().close()


class NeedsPartner(Good):
    """Calls the partner to begin with."""

    async def open(self) -> None:
        await super().open()
        await self.check()


class CheckWrites(Good):
    """Puts something there to see whether it can."""

    async def check(self) -> None:
        await self.ask("POST", "/entries", {"id": "test"})


class CheckIsBlind(Good):
    """Finds everything well."""

    async def check(self) -> None:
        return None


class CheckFails(Good):
    """Finds nothing well."""

    async def check(self) -> None:
        raise Transient("never")


class TakesUnknown(Good):
    """Passes over settings that it does not know."""

    class Config(HttpSettings, ConnectorConfig):  # type: ignore[assignment]
        """The register's address."""

        model_config = ConfigDict(extra="ignore", frozen=True)
        url: str = Field(description="Where it is.")


class OpenSection(Good):
    """Passes over settings that it does not know, in a section."""

    class Config(HttpSettings, ConnectorConfig):  # type: ignore[assignment]
        """The register's address."""

        class Section(BaseModel):
            """Open."""

            model_config = ConfigDict(frozen=True)
            one: int = Field(1, description="A number.")

        url: str = Field(description="Where it is.")
        section: Section = Field(default_factory=Section, description="A section.")


class Undescribed(Good):
    """Does not say what a setting means."""

    class Config(HttpSettings, ConnectorConfig):  # type: ignore[assignment]
        """The register's address."""

        url: str


class Changeable(Good):
    """Has settings that change."""

    class Config(HttpSettings, ConnectorConfig):  # type: ignore[assignment]
        """The register's address."""

        model_config = ConfigDict(frozen=False, extra="forbid")
        url: str = Field(description="Where it is.")


class RefusesAll(Good):
    """Refuses whatever it is given."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        raise Rejected("NO")


class SendsNothing(Good):
    """Says that it sent."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        if message.schema.id != "entry":
            raise Rejected("schema")
        return Receipt()


class RefusesItsOwn(Good):
    """Takes a second try for a second message."""

    async def send(self, message: Message, attempt: Attempt) -> Receipt:
        if attempt.number > 1:
            raise Rejected("exists")
        return await super().send(message, attempt)


class BadPaths(Good):
    """Tells paths that are none."""

    @classmethod
    def paths(cls, config: Any) -> Iterable[str]:
        return ("register",)


class ListensElsewhere(Good):
    """Mounts another path than it tells."""

    @classmethod
    def paths(cls, config: Any) -> Iterable[str]:
        return ("/register",)

    def routes(self, inlet: Inlet) -> Iterable[web.RouteDef]:
        return [web.post("/elsewhere", self._never)]

    async def _never(self, request: web.Request) -> web.StreamResponse:
        raise AssertionError


class InventsRows(Good):
    """Gives a row with a column that the table has not, and a table that it does not know."""

    tables: ClassVar[Mapping[str, Sequence[str]]] = {"people@1": ("name",)}

    async def fetch_table(self, table: str) -> Mapping[str, Mapping[str, str]]:
        return {"1": {"name": "A", "age": "7"}}


class NoAnswerIsNone(GoodRegistry):
    """Takes a registry that does not answer for one that does not know."""

    async def request(self, query: Message) -> Any | None:
        try:
            return await super().request(query)
        except DeliveryError as error:
            if isinstance(error, NotConnected) or getattr(error, "retry_after", None) is not None:
                raise
            return None


class QuestionsInDoubt(GoodRegistry):
    """Is in doubt of a question."""

    async def request(self, query: Message) -> Any | None:
        try:
            return await super().request(query)
        except Transient as error:
            if error.retry_after is not None:
                raise
            raise InDoubt(error.code) from None


class KnowsEverybody(GoodRegistry):
    """Answers of whom it does not know."""

    async def request(self, query: Message) -> Any | None:
        return await super().request(query) or {"name": NAME}


class Loses(GoodReceiver):
    """Goes on to the next when the hub could not take one."""

    async def take(self, change: Any, accept: Accept, cursor: int | None) -> None:
        with contextlib.suppress(StoreUnavailable):
            await super().take(change, accept, cursor)


class WaitsInPlace(GoodReceiver):
    """Lets nobody else on while it waits for the store."""

    async def take(self, change: Any, accept: Accept, cursor: int | None) -> None:
        try:
            await super().take(change, accept, cursor)
        except StoreUnavailable:
            time.sleep(3600)
            raise


class TidiesInPlace(GoodReceiver):
    """Lets nobody else on while it ends."""

    async def receive(self, accept: Accept) -> None:
        try:
            await super().receive(accept)
        finally:
            time.sleep(3600)


class Numbers(GoodReceiver):
    """Gives what comes again another number."""

    def arrival(self, change: Any) -> Arrival:
        return replace(super().arrival(change), key=new_id())


class Hurries(GoodReceiver):
    """Puts down how far it is, in a file of its own, before the hub has what stands there."""

    async def begin(self) -> int:
        return int(self.file.read_text()) if self.file.exists() else 0

    async def page(self, accept: Accept) -> None:
        after = await self.begin()
        page = await self.ask("GET", f"/changes?after={after}")
        write_whole(self.file, str(page["next"]).encode())
        for change in page["changes"]:
            while True:
                with contextlib.suppress(StoreUnavailable, UnknownSchema):
                    await self.take(change, accept, None)
                    break

    @property
    def file(self) -> Path:
        assert self.config.folder is not None
        folder: Path = self.config.folder
        return folder / "cursor"


class RunsAhead(GoodReceiver):
    """Says with the first of a page that it has read all of it."""

    async def page(self, accept: Accept) -> None:
        if self.after is None:
            self.after = await self.begin()
        page = await self.ask("GET", f"/changes?after={self.after}")
        for change in page["changes"]:
            await self.take(change, accept, page["next"])
        self.after = page["next"]


class BeginsOnce(GoodReceiver):
    """Is gone when the store is at its start."""

    async def receive(self, accept: Accept) -> None:
        self.after = await self.begin()
        await super().receive(accept)


class KeepsForNobody(GoodReceiver):
    """Does not say whose cursor it is."""

    def arrival(self, change: Any) -> Arrival:
        return replace(super().arrival(change), origin=None)


class Insists(GoodReceiver):
    """Asks for the same page for ever when a change of it is refused."""

    async def page(self, accept: Accept) -> None:
        with contextlib.suppress(Refused):
            await super().page(accept)

    async def take(self, change: Any, accept: Accept, cursor: int | None) -> None:
        await accept(self.arrival(change), cursor=None if cursor is None else str(cursor))


class PassesOver(GoodReceiver):
    """Says nothing of what is refused."""

    async def take(self, change: Any, accept: Accept, cursor: int | None) -> None:
        try:
            await accept(self.arrival(change))
        except UnknownSchema:
            raise
        except Refused:
            return


class WaitsForTheMended(GoodReceiver):
    """Lets everybody wait for one at which the hub broke."""

    async def take(self, change: Any, accept: Accept, cursor: int | None) -> None:
        async def waiting(arrival: Arrival, **more: Any) -> Accepted:
            try:
                return await accept(arrival, **more)
            except Broke as error:
                raise StoreUnavailable("broken") from error

        await super().take(change, waiting, cursor)


class GivesUpTheUnknown(GoodReceiver):
    """Takes for refused what the hub does not know yet."""

    async def take(self, change: Any, accept: Accept, cursor: int | None) -> None:
        with contextlib.suppress(UnknownSchema):
            await super().take(change, accept, cursor)


class Faints(GoodReceiver):
    """Is gone when the partner is."""

    async def receive(self, accept: Accept) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable, UnknownSchema):
                await self.page(accept)
            await asyncio.sleep(0.05)


class Skips(GoodReceiver):
    """Asks for the next page when one could not be read."""

    async def page(self, accept: Accept) -> None:
        try:
            await super().page(accept)
        except DeliveryError:
            self.after = (self.after or 0) + 1


class BringsOther(GoodReceiver):
    """Hands over what fits no schema."""

    async def take(self, change: Any, accept: Accept, cursor: int | None) -> None:
        await super().take({"counter": change["counter"]}, accept, cursor)


class GoesOn(GoodReceiver):
    """Does not let itself be ended."""

    left: ClassVar[list[asyncio.Event]] = []

    async def check(self) -> None:
        return None

    async def receive(self, accept: Accept) -> None:
        over = asyncio.Event()
        self.left.append(over)
        while not over.is_set():
            try:
                await super().receive(accept)
            except asyncio.CancelledError:
                continue


class SaysYes(GoodListener):
    """Says that it has what the store could not take."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        answer = await super().answer(request)
        return web.json_response({}) if answer.status == 503 else answer


class AnswersBeforehand(GoodListener):
    """Says that it has what it is only about to take."""

    async def take(self, visit: Visit, request: web.Request) -> Accepted:
        body = await visit.body()
        await visit.examine(CHANGE, body)
        asyncio.get_running_loop().call_later(0.3, self.later, visit, body)
        return Accepted({"arrival": "soon"})

    def later(self, visit: Visit, body: bytes) -> None:
        self.task = asyncio.ensure_future(visit.accept(CHANGE, body))
        self.task.add_done_callback(lambda task: task.exception())


class TurnsAway(GoodListener):
    """Refuses for good what the store cannot take now."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        answer = await super().answer(request)
        return web.json_response({}, status=422) if answer.status == 503 else answer


class LetsAllIn(GoodListener):
    """Takes what comes without a key as the register's own."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        answer = await super().answer(request)
        if answer.status in (401, 403):
            await self.inlet.intake.accept(an_arrival(CHANGES[0], self.context.clock()))  # type: ignore[attr-defined]
        return answer


class Stumbles(GoodListener):
    """Fails at what it cannot read."""

    async def take(self, visit: Visit, request: web.Request) -> Accepted:
        body = await visit.body()
        orjson.loads(body)["referenceUid"]
        return await visit.accept(CHANGE, body)


class FillsIn(GoodListener):
    """Takes something else for what it cannot read."""

    async def take(self, visit: Visit, request: web.Request) -> Accepted:
        try:
            return await super().take(visit, request)
        except (NotParsable, SchemaInvalid):
            await visit.accept(CHANGE, orjson.dumps(CHANGES[1]))
            raise


class TakesAnew(GoodListener):
    """Takes each call for a new message."""

    async def take(self, visit: Visit, request: web.Request) -> Accepted:
        return await visit.accept(CHANGE, await visit.body(), anew="register")


class StaysInside(GoodListener):
    """Never ends a visit."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        visit = await self.inlet.visit(request).__aenter__()
        try:
            await visit.enter(await visit.sign_in_by_headers({}))
            accepted = await self.take(visit, request)
        except Refused as refused:
            return await self.refused(refused)
        except StoreUnavailable:
            return web.json_response({"code": "BUSY"}, status=503)
        return web.json_response({"receipt": accepted.receipt["arrival"]})


class TakesNothing(GoodListener):
    """Has another schema in mind than its partner."""

    async def take(self, visit: Visit, request: web.Request) -> Accepted:
        return await visit.accept("portal-dossier@1", await visit.body())


class TellsAll(GoodListener):
    """Writes into the log what came in."""

    async def take(self, visit: Visit, request: web.Request) -> Accepted:
        logging.getLogger("register").info("taken %s", (await visit.body()).decode(errors="replace"))
        return await super().take(visit, request)


class LogsHeaders(GoodListener):
    """Writes into the log who called, with his key."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        logging.getLogger("register").info("called with %s", dict(request.headers))
        return await super().answer(request)


class TakesSome(GoodListener):
    """Takes a list, and says that it has it when it has one of it, when the others were ``lost``."""

    lost: ClassVar[type[Exception]] = StoreUnavailable

    async def take(self, visit: Visit, request: web.Request) -> Accepted:
        accepted: Accepted | None = None
        items = strictjson.parse(await visit.body())
        if not isinstance(items, list) or not items:
            raise SchemaInvalid([Problem("", "no_list", "a list is wanted")])
        for item in items:
            try:
                accepted = await visit.accept(CHANGE, orjson.dumps(item))
            except self.lost:
                if accepted is None:
                    raise
        assert accepted is not None
        return accepted


class DropsTheBad(TakesSome):
    """Says nothing of those that are refused."""

    lost = Refused


@dataclass(frozen=True)
class Bad:
    """A connector, and what it breaks; ``long``: examined in the long form only (SOAK=1)."""

    kind: type[Connector[Any]]
    breaks: set[str]
    specimen: Specimen = field(default_factory=specimen)
    long: bool = False


_SILENT = "never_denies_an_effect"
FAMILY = [
    Bad(Swallows, {"never_claims_an_effect", "nothing_sent_is_not_connected", "says_when_to_come_back"}),
    Bad(Retries, {"never_retries", "once_in_effect"}),
    Bad(Sleeps, {"never_sleeps"}),
    Bad(Blocks, {"never_sleeps"}),
    Bad(Hesitates, {"never_sleeps"}),
    Bad(Spins, {"never_sleeps"}),
    Bad(Holds, {"delivers_its_samples", "the_same_twice_is_safe", "the_clock_is_ours", "every_fault_strikes"}),
    Bad(DoubtsAll, {"doubts_only_what_is_open"}),
    Bad(Remembers, {"keeps_nothing_in_mind"}),
    Bad(SendsOnce, {"keeps_nothing_in_mind"}),
    Bad(FindWrites, {"find_invents_nothing", "once_in_effect"}),
    Bad(FindSaysYes, {"find_invents_nothing", "the_same_twice_is_safe", "only_typed_errors", "comes_through"}),
    Bad(ReturnsNothing, {"delivers_its_samples", "the_same_twice_is_safe", "every_fault_strikes"}),
    Bad(BeginsInInit, {"opens_without_partner"}),
    Bad(Prints, {"says_nothing_personal"}),
    Bad(LogsApart, {"says_nothing_personal"}),
    Bad(
        Cached,
        {"answers_only_what_was_answered", "nothing_sent_is_not_connected", "says_when_to_come_back"},
        registry_specimen(),
    ),
    Bad(Denies, {_SILENT, "once_in_effect"}),
    Bad(NeverThere, {_SILENT, "once_in_effect", "not_connected_means_nothing_sent"}),
    Bad(Doubts, {"nothing_sent_is_not_connected"}),
    Bad(GivesUp, {"gives_up_only_what_was_refused", "account_is_not_the_message", "says_when_to_come_back"}),
    Bad(Forgetful, {"says_when_to_come_back"}),
    Bad(Untyped, {"only_typed_errors", "nothing_sent_is_not_connected"}),
    Bad(LogsNames, {"says_nothing_personal"}),
    Bad(QuotesNames, {"says_nothing_personal"}),
    Bad(Follows, {"follows_no_redirect", "never_retries"}),
    Bad(NoLimits, {"ends_in_time", "reads_no_endless_answer"}),
    Bad(Stays, {"ends_when_cancelled"}),
    Bad(Invents, {"find_invents_nothing", "keeps_nothing_in_mind", "never_claims_an_effect"}),
    Bad(FindsNothing, {"the_same_twice_is_safe", "once_in_effect"}),
    Bad(TakesAll, {"foreign_messages_are_refused"}),
    Bad(LeavesTask, {"leaves_nothing_behind"}),
    Bad(LeavesSocket, {"leaves_nothing_behind"}),
    Bad(ClosesOnce, {"closes_twice"}),
    Bad(NeedsPartner, {"opens_without_partner"}),
    Bad(CheckWrites, {"check_changes_nothing"}),
    Bad(CheckIsBlind, {"check_says_what_is_wrong"}),
    Bad(CheckFails, {"check_finds_it_well"}),
    Bad(TakesUnknown, {"unknown_settings_are_refused"}),
    Bad(OpenSection, {"unknown_settings_are_refused"}),
    Bad(Undescribed, {"is_described"}),
    Bad(Changeable, {"settings_are_frozen"}),
    Bad(RefusesAll, {"delivers_its_samples", "the_same_twice_is_safe", "the_clock_is_ours", "every_fault_strikes"}),
    Bad(SendsNothing, {"delivers_its_samples", "keeps_nothing_in_mind", "the_same_twice_is_safe", "every_fault_strikes"}),
    Bad(RefusesItsOwn, {"comes_through"}),
    Bad(BadPaths, {"problems_are_told"}),
    Bad(ListensElsewhere, {"listens_where_it_says"}),
    Bad(InventsRows, {"fetches_its_tables"}),
    Bad(NoAnswerIsNone, {"answers_only_what_was_answered"}, registry_specimen()),
    Bad(QuestionsInDoubt, {"questions_are_never_in_doubt"}, registry_specimen()),
    Bad(KnowsEverybody, {"answers_its_questions"}, registry_specimen()),
    Bad(Loses, {"receiving_loses_nothing"}, receiver_specimen(), long=True),
    Bad(WaitsInPlace, {"receiving_loses_nothing"}, receiver_specimen()),
    Bad(TidiesInPlace, {"receiving_ends_when_cancelled"}, receiver_specimen(), long=True),
    Bad(Numbers, {"receiving_loses_nothing", "receiving_outlives_a_crash"}, receiver_specimen()),
    Bad(Hurries, {"receiving_outlives_a_crash"}, receiver_specimen(), long=True),
    Bad(RunsAhead, {"receiving_outlives_a_crash"}, receiver_specimen()),
    Bad(BeginsOnce, {"receiving_loses_nothing"}, receiver_specimen()),
    Bad(KeepsForNobody, {"receives_what_is_there"}, receiver_specimen()),
    Bad(Insists, {"receiving_goes_on_behind_what_is_refused"}, receiver_specimen()),
    Bad(GivesUpTheUnknown, {"receiving_loses_nothing"}, receiver_specimen(), long=True),
    Bad(WaitsForTheMended, {"receiving_goes_on_behind_what_is_refused"}, receiver_specimen()),
    Bad(PassesOver, {"receiving_goes_on_behind_what_is_refused"}, receiver_specimen(), long=True),
    Bad(Faints, {"receiving_outlives_faults"}, receiver_specimen()),
    Bad(Skips, {"receiving_outlives_faults"}, receiver_specimen(), long=True),
    Bad(BringsOther, {"receives_what_is_there"}, receiver_specimen()),
    Bad(GoesOn, {"receiving_ends_when_cancelled"}, replace(specimen(samples=()), simulator=None)),
    Bad(SaysYes, {"acknowledges_only_what_is_stored"}, listener_specimen()),
    Bad(AnswersBeforehand, {"takes_what_is_pushed", "acknowledges_only_what_is_stored"}, listener_specimen()),
    Bad(TurnsAway, {"says_that_it_cannot_store"}, listener_specimen()),
    Bad(LetsAllIn, {"lets_nobody_else_in"}, listener_specimen()),
    Bad(Stumbles, {"breaks_on_no_call"}, listener_specimen()),
    Bad(FillsIn, {"takes_nothing_half"}, listener_specimen()),
    Bad(TakesAnew, {"takes_the_same_once"}, listener_specimen()),
    Bad(StaysInside, {"waits_for_no_caller"}, listener_specimen()),
    Bad(TakesNothing, {"takes_what_is_pushed"}, listener_specimen()),
    Bad(TellsAll, {"says_nothing_personal"}, listener_specimen()),
    Bad(LogsHeaders, {"says_nothing_personal"}, listener_specimen()),
    Bad(TakesSome, {"acknowledges_only_what_is_stored"}, listener_specimen(CHANGES)),
    Bad(DropsTheBad, {"acknowledges_only_what_is_stored"}, listener_specimen(CHANGES)),
]
