"""The question about the owner of a dossier before it is sent for the first time, and what its answer means for the delivery.

| the registry                                     | the delivery                                                       |
|--------------------------------------------------|--------------------------------------------------------------------|
| knows the person, and it fits                    | goes, with the registry among ``databases_consulted``              |
| knows none, or another; refuses; says unreadably | by the route: ``hold`` a dead letter, ``flag`` goes without that   |
| cannot be asked: no or a malformed number, no    | by the route too: a typo or a gap passes ``hold`` no more than a   |
| name, kind or birth of one who may be a citizen  | wrong number does                                                  |
| does not answer, rests or is paused              | waits as in an outage of that endpoint: never counted, never dead  |
| holds no such owner: an organisation, a passport | goes without that                                                  |

Whatever is found out is no part of the message: the canonical body stays as it was accepted, only what is sent has the mark.
A mark that the dossier has from its sender is the sender's word: it stays whatever is found out, and the warning says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from hub.delivery.breaker import SECOND
from hub.delivery.retry import RetryPolicy
from hub.dossier.applicant import birth_year, consulted, fits, is_no_citizen, says_consulted
from hub.errors import Problem, TranslationFailed, WithProblems
from hub.lookup.registry import WHO_ASKS, Asker, Registry
from hub.lookup.translated import in_question
from hub.message import Clock
from hub.routing.routes import Verify
from hub.store.port import Due, JsonObject
from hub.translation import Catalog

_NOT_GIVEN = frozenset({"missing", "pattern"})
"""Problems of a question that say: the message does not hold what it takes to ask."""
_NO_KIND = Problem("owner.kind", "missing", "is required but absent")
_MISFITS = {
    "not_found": ("applicant_not_found", "{} knows no person with the owner's number and name"),
    "mismatch": ("applicant_mismatch", "{} knows another person by the owner's number"),
    "not_askable": ("applicant_not_askable", "{} cannot be asked about the owner"),
    "refused": ("verification_refused", "{} refused the question"),
    "unreadable": ("verification_unreadable", "the answer of {} cannot be translated"),
}
_OF_THE_YEAR = {
    "not_found": " and the birth year taken from the number",
    "mismatch": ", or one who was not born in the year taken from the number",
}
"""What a reason adds when the question had no other birth."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whom to ask about, in the canonical schema; ``year_taken``: its birth is the year that the number holds."""

    dossier: Mapping[str, Any]
    about: Mapping[str, Any]
    year_taken: bool


@dataclass(frozen=True, slots=True)
class Go:
    """It may be sent: this canonical body, with these warnings."""

    body: bytes
    warnings: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """It must not be sent: a dead letter."""

    code: str
    reason: str
    problems: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """The registry did not answer about this one; it is asked again at ``next_at``."""

    code: str
    reason: str
    next_at: int


@dataclass(frozen=True, slots=True)
class Shut:
    """The registry cannot be asked about anybody: its state, not the delivery's; looked at again at ``until``."""

    code: str
    reason: str
    until: int


Verdict = Go | Held | Waits | Shut


@dataclass(frozen=True, slots=True)
class Known:
    """A registry as the verify step uses it: how to ask it and in which schema, and when again."""

    registry: Registry
    retry: RetryPolicy
    queries: str


class Verification:
    """``question(…)`` says whether anybody must be asked, ``await verdict(…)`` asks, at most once. ``registry`` gives an
    endpoint that can be asked, by its name."""

    def __init__(self, registry: Callable[[str], Known | None], catalog: Callable[[], Catalog], clock: Clock) -> None:
        self._registry = registry
        self._catalog = catalog
        self._clock = clock

    def question(self, due: Due, verify: Verify) -> Question | Go | Held:
        """The question, or what becomes of a delivery about which none can be asked. Raises WithProblems when a question
        cannot be made for another reason than what the message lacks."""
        dossier = orjson.loads(due.body)
        try:
            made = self._made(due, verify, dossier)
        except WithProblems as error:
            if not {problem.code for problem in error.problems} <= _NOT_GIVEN:
                raise
            made, lacking = None, tuple(error.problems)
        else:
            lacking = (_NO_KIND,)
        if made is not None:
            return made
        if is_no_citizen(dossier):
            return _unmarked(due, verify, dossier, "not_verified", f"{verify.endpoint} was not asked: the owner is no citizen")
        code, words = _MISFITS["not_askable"]
        places = ", ".join(dict.fromkeys(problem.at.lstrip("/") for problem in lacking))
        return _unfit(due, verify, dossier, code, f"{words.format(verify.endpoint)}: look at {places}", lacking)

    def _made(self, due: Due, verify: Verify, dossier: Any) -> Question | None:
        """None where the mapping makes nothing of this owner."""
        catalog = self._catalog()
        made = catalog.chain(due.schema, verify.query).translate(dossier)
        if made is None:
            return None
        about = dict(made.body)
        if "procedure" not in about:
            raise TranslationFailed([Problem("procedure", "missing", "the mapping makes no procedure of the message")])
        year = birth_year(about["number"]) if "birth" not in about and verify.birth_year_from_number else None
        if year is not None:
            about["birth"] = year
        if (known := self._registry(verify.endpoint)) is not None:
            chain = catalog.chain(verify.query, known.queries)
            try:  # in the registry's own schema: what that needs more is found out before anybody waits for it
                chain.translate({"officer": verify.officer, "purpose": verify.purpose, "request_id": due.delivery_id, **about})
            except TranslationFailed as error:
                raise TranslationFailed(in_question(chain, error.problems)) from error
        return Question(dossier, about, year is not None)

    async def shut(self, endpoint: str) -> Shut | None:
        """Why this registry cannot be asked about anybody now; None when it can. Raises StoreUnavailable."""
        known = self._registry(endpoint)
        if known is None:
            return self._gone(endpoint)
        if await known.registry.paused():
            return Shut("verification_paused", f"{endpoint} is paused", self._clock() + SECOND // 2)
        for until in (known.registry.resting_until(), known.registry.used_up_until()):
            if until is not None:
                return _rests(endpoint, until)
        return None

    def _gone(self, endpoint: str) -> Shut:
        reason = f"{endpoint} cannot be asked any more: see `hub check`, restart"
        return Shut("verification_gone", reason, self._clock() + 60 * SECOND)

    async def verdict(self, due: Due, verify: Verify, question: Question, number: int) -> Verdict:
        """``number`` is how often it was tried before in vain. Raises StoreUnavailable, WithProblems."""
        shut, known = await self.shut(verify.endpoint), self._registry(verify.endpoint)
        if shut is not None or known is None:
            return shut or self._gone(verify.endpoint)
        registry = known.registry
        asker = Asker(
            f"route:{due.route}", verify.officer, verify.purpose, question.about["procedure"], due.correlation_id,
            due.traceparent, due.dossier_id,
        )  # fmt: skip
        whom = {name: value for name, value in question.about.items() if name not in WHO_ASKS}
        answer = await registry.ask("verify", asker, whom, query=verify.query, judge=lambda found: fits(whom, found))
        if answer.outcome == "unreachable":
            now = self._clock()
            until = now + int((answer.retry_after or 0) * SECOND)
            if answer.code == "breaker_open":
                return _rests(registry.name, until)
            again = now + int(known.retry.wait(number + 1) * SECOND)
            return Waits("verification_unreachable", f"{registry.name} did not answer ({answer.code})", max(again, until))
        if answer.outcome == "confirmed":
            return Go(orjson.dumps(consulted(question.dossier, verify.database_code)))
        code, words = _MISFITS[answer.outcome]
        reason = words.format(registry.name) + (_OF_THE_YEAR.get(answer.outcome, "") if question.year_taken else "")
        reason += f" ({answer.code})" if answer.outcome == "refused" else ""
        # places and kinds only: the words of a problem may hold a code of the answer, which is kept nowhere
        problems = (Problem(one.at, one.code, "in the registry's answer", one.hint, one.source) for one in answer.problems)
        return _unfit(due, verify, question.dossier, code, reason, tuple(problems))


def _rests(endpoint: str, until: int) -> Shut:
    return Shut("verification_waits", f"{endpoint} rests before it is asked again", until)


def _unfit(
    due: Due, verify: Verify, dossier: Mapping[str, Any], code: str, reason: str, problems: tuple[Problem, ...]
) -> Go | Held:
    """Somebody who may be a citizen, and is not confirmed: the route decides."""
    if verify.on_mismatch == "flag":
        return _unmarked(due, verify, dossier, code, reason)
    return Held(code, reason, tuple(problem.as_dict() for problem in problems))


def _unmarked(due: Due, verify: Verify, dossier: Mapping[str, Any], code: str, reason: str) -> Go:
    """Sent as it came. A mark that its sender set is the sender's word, and not the hub's."""
    if says_consulted(dossier, verify.database_code):
        reason += f"; the dossier itself says that {verify.endpoint} was consulted, and is sent as it came"
    return Go(due.body, (Problem("owner", code, reason).as_dict(),))
