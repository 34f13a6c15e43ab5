"""Answers the questions that reached the simulated registry, whichever door they came by, and keeps them in its log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.population.simulator_answers import AnswerWriter
from connectors.population.simulator_config import PopulationSimulatorConfig
from connectors.population.simulator_invented import invent
from connectors.population.simulator_people import Registry, SimulatedPerson, birth_fits, name_as_asked, name_fits
from connectors.population.simulator_questions import LOOK_UP, Question, Refusal
from connectors.population.simulator_state import Asked, QuestionLog
from hub.testing import FaultRule


@dataclass(frozen=True, slots=True)
class Told:
    """One answer: the envelope, the word for its outcome, and why when it is a fault."""

    envelope: str
    outcome: str
    refusal: Refusal | None = None


class Desk:
    """The registry proper; ``clock`` gives epoch seconds."""

    def __init__(self, config: PopulationSimulatorConfig, log: QuestionLog, clock: Callable[[], float]) -> None:
        self.registry = Registry((*config.known_people, *invent(config.seed, config.people, config.address_levels)))
        self.writer = AnswerWriter(config, clock)
        self._config = config
        self._log = log
        self._clock = clock

    def ask(self, question: Question, planted: FaultRule | None, via: str) -> Told:
        """Answers one question and keeps it; ``planted`` is the refusal that a test put in its way."""
        refusal = self._refusal(question, planted)
        people: list[SimulatedPerson] = []
        if refusal is None:
            people = self._find(question)
        elif refusal.kind == "value" and self._config.bad_values == "not_found":
            refusal = None
        outcome = refusal.code if refusal else "found" if people else "not_found"
        if question.operation != "?":
            self._log.add(self._asked(question, via, outcome))
        if refusal is not None:
            return Told(self.writer.fault(refusal), outcome, refusal)
        if question.operation == LOOK_UP:
            return Told(self.writer.collection(people, len(self._log.questions)), outcome)
        return Told(self.writer.verified(bool(people)), outcome)

    def how_to_ask(self, person: SimulatedPerson) -> dict[str, str]:
        """The elements of a question that finds this person, under the configured rules."""
        number = {"SoCMND": person.old_number} if person.number is None else {"SoDinhDanh": person.number}
        born = (person.birth or "").replace("-", "")
        birth = {"NgayThangNam": born} if len(born) == 8 else {"Nam": born[:4]}
        asked = {**number, "HoVaTen": name_as_asked(person.name, self._config.name_match), **birth}
        return {name: value for name, value in asked.items() if value}

    def _refusal(self, question: Question, planted: FaultRule | None) -> Refusal | None:
        if planted is not None:
            code = "refused" if planted.code is None else str(planted.code)
            return Refusal(code, planted.message or "Từ chối cung cấp thông tin", kind="right")
        if question.refusal is not None:
            return question.refusal
        repeated = self._log.was_answered(question.fields["MaYeuCau"])
        if repeated and self._config.repeated_request == "refuse":
            return Refusal("repeated_request", "Mã yêu cầu đã được sử dụng", "MaYeuCau", question.fields["MaYeuCau"], "right")
        return None

    def _find(self, question: Question) -> list[SimulatedPerson]:
        """Everybody who has this number, this name and this birth date."""
        config, name = self._config, question.fields["HoVaTen"]
        return [
            person
            for person in self.registry.with_number(question.number)
            if name_fits(person.name, name, config.name_match) and birth_fits(person.birth, question.birth, config.birth_match)
        ]

    def _asked(self, question: Question, via: str, outcome: str) -> Asked:
        moment = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        officer, request, procedure, code = (
            question.fields.get(name, "") for name in ("MaCanBo", "MaYeuCau", "MaDVC", "MaTichHop")
        )
        return Asked(moment, via, question.operation, officer, request, procedure, code, outcome)
