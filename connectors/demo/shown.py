"""Judges what the portal shows of one dossier against the states and steps that were sent of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.demo.alignment import Comparison, Wanted, compared
from connectors.demo.evidence import Sent, Verdict


@dataclass
class Dossier:
    """One dossier: the records that were sent of it, and how states and steps at the portal compare with them.

    ``judge`` adds counts and findings to ``verdict``. Steps that are there twice may yet be excused, so they are only named;
    ``replaced`` states must be, ``maybe_replaced`` ones may be what the hub counts as superseded.
    """

    code: str
    records: list[Sent]
    entry: Mapping[str, Any]
    states: list[Wanted]
    steps: list[Wanted]
    verdict: Verdict
    of_states: Comparison = field(default_factory=Comparison)
    of_steps: Comparison = field(default_factory=Comparison)
    repeated_steps: list[str] = field(default_factory=list)
    replaced: int = 0
    maybe_replaced: int = 0

    def judge(self) -> None:
        """Compare, and tell everything that is not as it was sent."""
        code, progress = self.code, self.entry["progress"]
        known = self.planted_as("known_at_portal")
        if not known and not self.history and not progress:
            lost = [sum(one.required for one in wanted) for wanted in (self.states, self.steps)]
            if any(lost):
                self.verdict.lost += sum(lost)
                self.verdict.say(f"{code}: not at the portal at all, {lost[0]} states and {lost[1]} steps are lost")
            return
        self.of_states = compared([one["object"] for one in self.history], self.states)
        if known and not self._adopted():
            for step in self.steps:
                step.required = False
        self.of_steps = compared([one["object"] for one in progress], self.steps)
        self._report("state", self.of_states, self.states)
        self._report("step", self.of_steps, self.steps)
        self._repeats()
        self._overtaken()
        self._final()

    def planted_as(self, *kinds: str) -> bool:
        return any(one.planted in kinds for one in self.records)

    @property
    def history(self) -> list[Any]:
        """The states at the portal that came from a sender."""
        return [one for one in self.entry["history"] if one["kind"] != "planted"]

    def _adopted(self) -> bool:
        """Whether the hub took over a dossier that the portal knew; if not, the portal's own object must still be there."""
        code, found, states = self.code, self.of_states, self.states
        planted = [one["object"] for one in self.entry["history"] if one["kind"] == "planted"]
        if not planted:
            self.verdict.say(f"{code}: planted as known at the portal, but the portal never knew it by itself")
        adopted = bool(found.met or found.displaced or found.altered)
        if adopted and states:
            states[-1].required = True
            if len(states) - 1 in found.missing:
                self.verdict.lost += 1
                self.verdict.say(f"{code}: taken over, but its last state is missing")
        elif planted and self.entry["current"] != planted[-1]:
            self.verdict.say(f"{code}: the portal's own object was changed")
        self.maybe_replaced += len(found.missing)
        found.missing.clear()
        return adopted

    def _report(self, what: str, found: Comparison, wanted: list[Wanted]) -> None:
        code = self.code
        self.verdict.delivered += len(found.met) + len(found.displaced) + len(found.altered)
        for _, place in found.displaced:
            self.verdict.out_of_order += 1
            self.verdict.say(f"{code}: {what} of record {wanted[place].n} is at another place than it was sent")
        for _, place, wrong in found.altered:
            self.verdict.lost += 1
            self.verdict.findings += [f"{code} {one} ({what} of record {wanted[place].n})" for one in wrong]
        for place in found.missing:
            if wanted[place].required:
                self.verdict.lost += 1
                self.verdict.say(f"{code}: {what} of record {wanted[place].n} is missing")
            elif what == "state":
                self.replaced += wanted[place].replaceable
                self.maybe_replaced += not wanted[place].replaceable
        for _ in found.strange:
            self.verdict.say(f"{code}: a {what} that nobody sent")

    def _repeats(self) -> None:
        code, history = self.code, self.history
        for place in self.of_states.repeated:
            self.verdict.duplicated += 1
            self.verdict.say(f"{code}: a state is applied twice")
            beside = [one["object"] for one in (*history[max(place - 1, 0) : place], *history[place + 1 : place + 2])]
            if history[place]["object"] not in beside:
                self.verdict.out_of_order += 1
                self.verdict.say(f"{code}: an old state came again after a newer one")
        self.repeated_steps += [f"{code}: a step is there twice" for _ in self.of_steps.repeated]
        planted = len(history) < len(self.entry["history"])
        inserts = [place for place, one in enumerate(history) if one["kind"] == "insert"]
        for place in inserts if planted else inserts[1:]:
            if place not in self.of_states.repeated:
                self.verdict.duplicated += 1
                self.verdict.say(f"{code}: inserted twice")

    def _overtaken(self) -> None:
        code, history, progress = self.code, self.history, self.entry["progress"]
        first = next((one["seq"] for one in history if one["kind"] == "insert"), None)
        early = {place for place, one in enumerate(progress) if first is not None and one["seq"] < first}
        for _ in early:
            self.verdict.out_of_order += 1
            self.verdict.say(f"{code}: a step is there before the dossier's first insert")
        if self.planted_as("refused_by_portal", "known_at_portal"):
            return  # a replaced state leaves its step behind
        effects = [(history[shown]["seq"], self.states[place].n, "state") for shown, place in self.of_states.met]
        steps = [(shown, place) for shown, place in self.of_steps.met if shown not in early]
        effects += [(progress[shown]["seq"], self.steps[place].n, "step") for shown, place in steps]
        newest = (0, "")
        for _, n, what in sorted(effects):
            if (n, what) < newest:
                self.verdict.out_of_order += 1
                self.verdict.say(f"{code}: {what} of record {n} was overtaken")
            newest = max(newest, (n, what))

    def _final(self) -> None:
        code, states, current = self.code, self.states, self.entry["current"]
        if not self.history:
            return
        if current != self.history[-1]["object"]:
            self.verdict.say(f"{code}: what the portal holds is not what it took last")
        last = next((place for place in reversed(range(len(states))) if states[place].required), None)
        altered = [place for _, place, _ in self.of_states.altered]
        if last is None or last in self.of_states.missing or last in altered:
            return
        wrong = min((one.wrong(current or {}) for one in states[last:]), key=len)
        self.verdict.findings += [f"{code} {one} (final state)" for one in wrong]
