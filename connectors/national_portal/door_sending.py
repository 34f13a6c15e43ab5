"""DongBoHoSoMC and CapNhatTienDoHoSoMC at the door: each record of ``data`` is a message, and the answer is one.

All records are looked at before any is taken. With ``answer: delivered`` those of different dossiers are sent side by side,
those of one dossier one after another: what stands behind a refused one is not sent, as the portal itself would take nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.national_portal import door_words as words
from connectors.national_portal.door_envelope import Answers, Said, TurnedAway, written
from connectors.national_portal.door_settings import DoorSettings
from hub.connector import Accepted, Outcome, Visit
from hub.errors import NotParsable, Problem, SchemaInvalid, UnknownSchema

MOST_STEPS = 10
"""The largest ``data`` of CapNhatTienDoHoSoMC."""
RETRY_AFTER = 15
"""Seconds after which a call that was answered "waiting" is best made again."""
_AT_ONCE = 16
_PAUSE_EVERY = 32
"""So many records are examined, then others have their turn."""


@dataclass(frozen=True, slots=True)
class Record:
    """One item of ``data`` as a message."""

    code: str
    schema: str
    body: bytes
    item: Mapping[str, Any]
    inserting: bool = False


@dataclass(slots=True)
class _Fate:
    """What became of one record. ``outcome`` None: not sent, because one before it was refused."""

    record: Record
    accepted: Accepted | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends on to the portal, which is the hub's endpoint ``endpoint``."""

    settings: DoorSettings
    endpoint: str
    answers: Answers

    def dossiers(self, updating: object, data: object) -> list[Record]:
        """The records of DongBoHoSoMC. Raises TurnedAway."""
        if updating not in ("True", "False"):
            raise TurnedAway(self.answers.refused(words.BAD_UPDATING))
        items, most = self._items(data), self.settings.most_records
        if len(items) > most:
            raise TurnedAway(self.answers.refused(words.too_many_records(most)))
        around, schema = {"isUpdating": updating}, self.settings.dossier_schema
        return [self._record(item, schema, around, updating == "False") for item in items]

    def steps(self, data: object) -> list[Record]:
        """The records of CapNhatTienDoHoSoMC. Raises TurnedAway."""
        items = self._items(data)
        if len(items) > MOST_STEPS:
            raise TurnedAway(self.answers.refused(words.too_many_records(MOST_STEPS)))
        return [self._record(item, self.settings.progress_schema, {}, False) for item in items]

    async def send(self, visit: Visit, records: Sequence[Record]) -> Said:
        """Take all of them, or none, and answer as configured. Raises TurnedAway, Refused, StoreUnavailable."""
        for number, record in enumerate(records):
            if number % _PAUSE_EVERY == _PAUSE_EVERY - 1:
                await asyncio.sleep(0)
            try:
                await visit.examine(record.schema, record.body)
            except (SchemaInvalid, NotParsable, UnknownSchema) as error:
                raise TurnedAway(self._breach(record, error.problems)) from None
        fates = [_Fate(record) for record in records]
        await (self._stored if self.settings.answer == "stored" else self._delivered)(visit, fates)
        said, learned = self._answer(fates)
        if said.status == 503:
            learned, why = await self._held(visit, fates)
            said = replace(said, message="; ".join((said.message, *why)))
        for behind in _taken([fate for fate in fates if fate.outcome is None]):
            await visit.withdrawn(behind, self.endpoint)
        for accepted in learned:
            await visit.told(accepted, self.endpoint)
        return said

    # ── the two ways
    async def _stored(self, visit: Visit, fates: Sequence[_Fate]) -> None:
        for fate in fates:
            await self._take(visit, fate)
        refused: set[str] = set()
        for fate in fates:
            if fate.record.code not in refused:
                fate.outcome = await self._outcome(visit, fate, 0)
                if fate.outcome.state == "refused":
                    refused.add(fate.record.code)  # what stands behind it in this call is not to go on without it

    async def _delivered(self, visit: Visit, fates: Sequence[_Fate]) -> None:
        until = asyncio.get_running_loop().time() + self.settings.wait
        lanes: dict[str, list[_Fate]] = {}
        for fate in fates:
            lanes.setdefault(fate.record.code, []).append(fate)
        free = asyncio.Semaphore(_AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for lane in lanes.values():
                    group.create_task(self._lane(visit, lane, until, free))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _lane(self, visit: Visit, lane: Sequence[_Fate], until: float, free: asyncio.Semaphore) -> None:
        for number, fate in enumerate(lane):
            async with free:
                await self._take(visit, fate)
            fate.outcome = await self._outcome(visit, fate, until - asyncio.get_running_loop().time())
            if fate.outcome.state == "refused":
                if _came_before(fate.accepted):
                    for behind in lane[number + 1 :]:  # the same call was made before: they may wait there, and are withdrawn
                        await self._take(visit, behind)
                return

    async def _outcome(self, visit: Visit, fate: _Fate, seconds: float) -> Outcome:
        """What becomes of a record that was taken. One whose end its sender knew before is sent anew: the portal itself has
        to say what it thinks of a second insert, or of the same again after a refusal."""
        assert fate.accepted is not None
        if _came_before(fate.accepted):
            before = await visit.outcome(fate.accepted, self.endpoint, 0)
            if before.told and (before.state == "refused" or (before.state == "delivered" and fate.record.inserting)):
                await self._take(visit, fate, anew=self.endpoint)
        return await visit.outcome(fate.accepted, self.endpoint, max(seconds, 0))

    async def _take(self, visit: Visit, fate: _Fate, anew: str | None = None) -> None:
        fate.accepted = await visit.accept(fate.record.schema, fate.record.body, anew=anew)

    async def _held(self, visit: Visit, fates: Sequence[_Fate]) -> tuple[list[Accepted], list[str]]:
        """Why records wait that no portal is going to answer: what holds their dossiers, and what is told of it. A refusal
        that nobody heard is told now, and is its sender's to mend: so they go on, as they would at the portal itself."""
        held: list[Accepted] = []
        texts: list[str] = []
        for code in dict.fromkeys(fate.record.code for fate in fates if fate.outcome and fate.outcome.state == "waiting"):
            standing = await visit.standing(code, self.endpoint)
            if standing is None:
                continue
            if standing.stuck:
                texts.append(words.of_dossier(code, words.STUCK))
            mine = {fate.accepted.receipt["arrival"] for fate in fates if fate.accepted is not None}
            if (before := standing.held_by) is None or before.receipt["arrival"] in mine:
                continue
            outcome = await visit.outcome(before, self.endpoint, 0)
            if outcome.state == "refused":
                held.append(before)
                texts.append(words.behind(code, str(before.receipt["arrival"]), outcome.said or words.refused(outcome.code)))
        return held, texts

    # ── the answer
    def _answer(self, fates: Sequence[_Fate]) -> tuple[Said, Sequence[Accepted]]:
        """The answer, and what its caller learns by it."""
        ended = [(fate, fate.outcome) for fate in fates if fate.outcome is not None]
        waits = self.settings.answer == "delivered"
        bad = [(fate, outcome) for fate, outcome in ended if outcome.state not in ("delivered", "waiting")]
        if bad:
            first = bad[0][1]
            code = self.answers.portal_code(first.code) if first.state == "refused" else self.answers.codes.refused
            texts = [self._why(fate.record, outcome, len(fates) > 1) for fate, outcome in bad]
            refused = [fate for fate, outcome in bad if outcome.state == "refused"]
            texts += self._others(fates) if len(fates) > 1 else []
            return Said(code, "; ".join(dict.fromkeys(texts))), _taken(refused)
        if waits and any(outcome.state == "waiting" for _, outcome in ended):
            return self.answers.waiting(words.WAITING, RETRY_AFTER), ()
        spoken = dict.fromkeys(outcome.said for _, outcome in ended if waits and outcome.said)
        return Said(0, "; ".join(spoken) or words.DONE), _taken(fates) if waits else ()

    def _others(self, fates: Sequence[_Fate]) -> list[str]:
        """What became of those that were not refused."""
        many = Counter(fate.record.code for fate in fates)
        ends: dict[str, list[str]] = {words.TAKEN: [], words.STORED: [], words.NOT_SENT: []}
        labels = {None: words.NOT_SENT, "delivered": words.TAKEN, "waiting": words.STORED}
        for number, fate in enumerate(fates, 1):
            label = labels.get(fate.outcome.state if fate.outcome is not None else None)
            if label is not None:
                code = fate.record.code
                ends[label].append(code if many[code] == 1 else f"{code} (bản ghi thứ {number})")
        return [words.listed(label, names) for label, names in ends.items() if names]

    def _why(self, record: Record, outcome: Outcome, several: bool) -> str:
        if outcome.state == "refused":
            text = outcome.said or words.refused(outcome.code)
            return words.of_dossier(record.code, text) if several and record.code not in text else text
        if outcome.state == "kept":
            reasons = words.reasons(outcome.problems)
            return words.of_dossier(record.code, f"{words.KEPT} ({reasons})" if reasons else words.KEPT)
        return words.of_dossier(record.code, words.NOT_OWNER if outcome.state == "not_owner" else words.UNROUTED)

    def _breach(self, record: Record, problems: Sequence[Problem]) -> Said:
        return self.answers.refused(words.of_dossier(record.code, words.breaches(problems, record.item)))

    # ── records
    def _items(self, data: object) -> list[Mapping[str, Any]]:
        if not isinstance(data, list) or not data or not all(isinstance(item, dict) for item in data):
            raise TurnedAway(self.answers.refused(words.BAD_DATA))
        return data

    def _record(self, item: Mapping[str, Any], schema: str, around: Mapping[str, Any], inserting: bool) -> Record:
        code = item.get("MaHoSo")
        try:
            body = written({**around, "data": item})
        except ValueError:
            raise TurnedAway(self.answers.refused(words.NOT_JSON, 400)) from None
        return Record(code if isinstance(code, str) else "", schema, body, item, inserting)


def _came_before(accepted: Accepted | None) -> bool:
    """Whether the hub knew the record already."""
    if accepted is None:
        return False
    return accepted.repeated or any(one.get("state") == "known" for one in accepted.receipt.get("messages", ()))


def _taken(fates: Sequence[_Fate]) -> list[Accepted]:
    return [fate.accepted for fate in fates if fate.accepted is not None]
