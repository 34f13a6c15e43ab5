"""The questions about the owner of a dossier before it is sent for the first time, and what answers mean for the delivery.

| the registry                                     | the delivery                                                       |
|--------------------------------------------------|--------------------------------------------------------------------|
| knows the owner, and it fits                     | goes, with the registry among ``databases_consulted``              |
| knows none, or another; refuses; says unreadably | by the route: ``hold`` a dead letter, ``flag`` goes without that   |
| cannot be asked: no or a malformed number, no    | by the route too: a typo or a gap passes ``hold`` no more than a   |
| name, kind or birth of one whom it may know      | wrong number does                                                  |
| does not answer, rests or is paused              | waits as in an outage of that endpoint: never counted, never dead  |
| holds no such owner: of citizens, a company      | goes without that                                                  |

A route may name several registries: each is asked about the owners of whom its mapping makes a question, and is silent about
those of whom another one's does; the delivery goes when all that are asked have let it go. Whom a registry knows, and what
fits, is ``hub.dossier.applicant``.

Whatever is found out is no part of the message: the canonical body stays as it was accepted, only what is sent has the mark.
A mark that the dossier has from its sender is the sender's word: it stays whatever is found out, and the warning says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hub.delivery.breaker import SECOND
from hub.delivery.retry import RetryPolicy
from hub.dossier.applicant import birth_year, consulted, says_consulted, subject_of
from hub.errors import Problem, TranslationFailed, WithProblems
from hub.lookup.registry import WHO_ASKS, Asker, Registry
from hub.lookup.translated import in_question
from hub.message import Clock
from hub.routing.routes import Verify
from hub.store.values import Due, JsonObject
from hub.translation import Catalog

_NOT_GIVEN = frozenset({"missing", "pattern"})
"""Problems of a question that say: the message does not hold what it takes to ask."""
_NO_KIND = Problem("owner.kind", "missing", "is required but absent")
_MISFITS = {
    "not_found": ("applicant_not_found", "{} knows no {} with the owner's number and name"),
    "mismatch": ("applicant_mismatch", "{} knows another {} by the owner's number"),
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
class Asks:
    """Who must be asked, in this order; ``warnings`` are of those who are not."""

    questions: tuple[tuple[Verify, Question], ...]
    warnings: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Go:
    """It may be sent: with these databases among those consulted, and with these warnings."""

    codes: tuple[str, ...] = ()
    warnings: tuple[dict[str, str], ...] = ()

    def __add__(self, other: Go) -> Go:
        """What two registries found."""
        return Go((*self.codes, *other.codes), (*self.warnings, *other.warnings))

    def marked(self, body: bytes) -> bytes:
        """The canonical body to send."""
        if not self.codes:
            return body
        dossier: Mapping[str, Any] = orjson.loads(body)
        for code in self.codes:
            dossier = consulted(dossier, code)
        return orjson.dumps(dossier)


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
    """``question(…)`` says who must be asked, ``await verdict(…)`` asks one of them, at most once. ``registry`` gives an
    endpoint that can be asked, by its name."""

    def __init__(self, registry: Callable[[str], Known | None], catalog: Callable[[], Catalog], clock: Clock) -> None:
        self._registry = registry
        self._catalog = catalog
        self._clock = clock

    def question(self, due: Due, steps: Sequence[Verify]) -> Asks | Go | Held:
        """The questions, or what becomes of a delivery about which none can be asked. Nobody is asked about one that is held
        in any case. Raises WithProblems when a question cannot be made for another reason than what the message lacks."""
        dossier = orjson.loads(due.body)
        asked: list[tuple[Verify, Question]] = []
        gaps: list[tuple[Verify, tuple[Problem, ...]]] = []
        silent: list[Verify] = []
        for step in steps:
            try:
                made = self._made(due, step, dossier)
            except WithProblems as error:
                if not {problem.code for problem in error.problems} <= _NOT_GIVEN:
                    raise
                if subject_of(step.query).is_none(dossier):
                    silent.append(step)
                else:
                    gaps.append((step, tuple(error.problems)))
            else:
                if made is not None:
                    asked.append((step, made))
                else:
                    silent.append(step)
        if not asked and not gaps:
            gaps = [(step, (_NO_KIND,)) for step in silent if not subject_of(step.query).is_none(dossier)]
        found = Go()
        for step, lacking in gaps:
            code, words = _MISFITS["not_askable"]
            places = ", ".join(dict.fromkeys(problem.at.lstrip("/") for problem in lacking))
            verdict = _unfit(step, dossier, code, f"{words.format(step.endpoint)}: look at {places}", lacking)
            if isinstance(verdict, Held):
                return verdict
            found += verdict
        lacking_too = [step for step, _ in gaps]
        found += _nobody([step for step in silent if step not in lacking_too], dossier, asked=bool(asked or gaps))
        return Asks(tuple(asked), found.warnings) if asked else found

    def _made(self, due: Due, verify: Verify, dossier: Any) -> Question | None:
        """None where the mapping makes nothing of this owner."""
        catalog = self._catalog()
        made = catalog.chain(due.schema, verify.query).translate(dossier)
        if made is None:
            return None
        about = dict(made.body)
        if "procedure" not in about:
            raise TranslationFailed([Problem("procedure", "missing", "the mapping makes no procedure of the message")])
        may_take = subject_of(verify.query).born and verify.birth_year_from_number and "birth" not in about
        if (year := birth_year(about["number"]) if may_take else None) is not None:
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
        subject = subject_of(verify.query)
        answer = await registry.ask("verify", asker, whom, query=verify.query, judge=lambda found: subject.fits(whom, found))
        if answer.outcome == "unreachable":
            now = self._clock()
            until = now + int((answer.retry_after or 0) * SECOND)
            if answer.code == "breaker_open":
                return _rests(registry.name, until)
            again = now + int(known.retry.wait(number + 1) * SECOND)
            return Waits("verification_unreachable", f"{registry.name} did not answer ({answer.code})", max(again, until))
        if answer.outcome == "confirmed":
            return Go((verify.database_code,))
        code, words = _MISFITS[answer.outcome]
        reason = words.format(registry.name, subject.noun)
        reason += _OF_THE_YEAR.get(answer.outcome, "") if question.year_taken else ""
        reason += f" ({answer.code})" if answer.outcome == "refused" else ""
        # places and kinds only: the words of a problem may hold a code of the answer, which is kept nowhere
        problems = (Problem(one.at, one.code, "in the registry's answer", one.hint, one.source) for one in answer.problems)
        return _unfit(verify, question.dossier, code, reason, tuple(problems))


def _rests(endpoint: str, until: int) -> Shut:
    return Shut("verification_waits", f"{endpoint} rests before it is asked again", until)


def _unfit(verify: Verify, dossier: Mapping[str, Any], code: str, reason: str, problems: tuple[Problem, ...]) -> Go | Held:
    """One whom the registry may know, and who is not confirmed: the route decides."""
    if verify.on_mismatch == "flag":
        return _unmarked([verify], dossier, code, reason)
    return Held(code, reason, tuple(problem.as_dict() for problem in problems))


def _nobody(silent: Sequence[Verify], dossier: Mapping[str, Any], *, asked: bool) -> Go:
    """What is said of registries that hold no such owner: where another one is ``asked``, only that a mark is not ours."""
    told = [step for step in silent if not asked or says_consulted(dossier, step.database_code)]
    words = [f"{one.endpoint} was not asked: the owner is no {subject_of(one.query).owner}" for one in told]
    return _unmarked(told, dossier, "not_verified", "; ".join(words)) if told else Go()


def _unmarked(steps: Sequence[Verify], dossier: Mapping[str, Any], code: str, reason: str) -> Go:
    """Sent as it came. A mark that its sender set is the sender's word, and not the hub's."""
    for step in steps:
        if says_consulted(dossier, step.database_code):
            reason += f"; the dossier itself says that {step.endpoint} was consulted, and is sent as it came"
    return Go(warnings=(Problem("owner", code, reason).as_dict(),))
