"""The delivery states against a model of a few lines: whatever the order of events, the store is where the model is.

The model knows one rule set: a lane is a list; its head is the one under way or in doubt, else the first; a newer state
takes the place of a dead one of its route that was never in doubt; a state never follows a newer one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from store_history import Stage, staged
from store_making import match, state, step

from hub.store.values import Due

OPEN = ("pending", "claimed", "in_doubt", "dead")
SOAK = os.environ.get("SOAK") == "1"
HISTORIES = {"sqlite": 64, "postgresql": 24} if SOAK else {"sqlite": 10, "postgresql": 4}
LATER = "second-view"  # a route that is back-filled; "to-portal" is there from the start


@dataclass(eq=False)
class Modelled:
    """One delivery as the model has it."""

    id: str
    seq: int
    place: int
    full: bool
    route: str
    state: str = "pending"
    doubted: bool = False
    number: int = 0
    attempt: str | None = None
    request: bytes | None = None


@dataclass
class Lane:
    """One dossier at one endpoint."""

    all: list[Modelled] = field(default_factory=list)
    sent: list[Modelled] = field(default_factory=list)

    def open(self) -> list[Modelled]:
        return sorted((one for one in self.all if one.state in OPEN), key=lambda one: (one.place, one.seq, one.id))

    def head(self) -> Modelled | None:
        lane = self.open()
        under_way = [one for one in lane if one.state in ("claimed", "in_doubt")]
        assert len(under_way) <= 1
        return next(iter(under_way or lane), None)

    def add(self, new: Modelled, *, coalesce: bool) -> None:
        same = [one for one in self.open() if one.full and new.full and one.route == new.route]
        taken = [one for one in same if one.seq < new.seq and not one.doubted]
        taken = [one for one in taken if one.state == "dead" or (coalesce and one.state == "pending")]
        if taken:
            new.place = taken[0].place
        for one in taken:
            one.state = "superseded"
        self.all.append(new)
        if any(one.full and new.full and one.route == new.route and one.seq > new.seq for one in self.sent):
            new.state = "superseded"

    def delivered(self, one: Modelled) -> None:
        one.state = "delivered"
        self.sent.append(one)
        for other in self.open():
            older = one.full and other.full and other.route == one.route and other.seq < one.seq
            if older and not other.doubted and other.state in ("pending", "dead"):
                other.state = "superseded"

    def died(self, one: Modelled) -> None:
        one.state = "dead"
        if not one.full or one.doubted:
            return
        for other in self.open():
            if other.full and other.route == one.route and other.seq > one.seq and other.state == "pending":
                one.state, other.place = "superseded", one.place
                return


class DeliveryStates(RuleBasedStateMachine):
    """Rules act on store and model; the invariants compare them through the port."""

    stage: Stage

    codes = st.sampled_from(["D1", "D1", "D1", "D2"])

    arriving = st.tuples(codes, st.booleans(), st.booleans(), st.integers(0, 4))

    @initialize(first=st.lists(arriving, min_size=4, max_size=8))
    def begin(self, first: list[tuple[str, bool, bool, int]]) -> None:
        self.desk = self.stage.wipe()
        self.lanes: dict[str, Lane] = {"D1": Lane(), "D2": Lane()}
        self.messages: dict[str, list[tuple[str, int, bool]]] = {"D1": [], "D2": []}
        self.count = 0
        for one in first:
            self._accept(*one)

    def run(self, coroutine: Any) -> Any:
        return self.stage.run(coroutine)

    def heads(self) -> dict[str, Due]:
        """What the store would let be attempted, by the code of its dossier; at most one in a lane."""
        found = self.run(self.desk.heads())
        by_code = {due.aliases["national"]: due for due in found}
        assert len(by_code) == len(found), "two heads in one lane"
        return by_code

    @rule(some=st.lists(arriving, min_size=1, max_size=3))
    def accept(self, some: list[tuple[str, bool, bool, int]]) -> None:
        """Messages arrive."""
        for one in some:
            self._accept(*one)

    def _accept(self, code: str, full: bool, coalesce: bool, routed: int) -> None:
        """A message arrives; now and then routing does not match it; it goes all the same if the dossier is there."""
        self.count += 1
        body, lane = f"{self.count}", self.lanes[code]
        route = match(matched=routed > 0, coalesce=coalesce)
        receipt = self.run(self.desk.accept(body, state(body, route) if full else step(body, route), code=code))
        (message,) = receipt["messages"]
        self.messages[code].append((message["id"], message["seq"], full))
        (said,) = message["routes"]
        assert said["taken"] == (routed > 0 or bool(lane.all))
        if said["taken"]:
            new = Modelled(said["delivery"], message["seq"], message["seq"], full, "to-portal")
            lane.add(new, coalesce=coalesce)

    @rule(code=codes, outcome=st.sampled_from(["", "delivered", "delivered", "", "again", "in_doubt", "dead", "dead"]))
    def attempt(self, code: str, outcome: str) -> None:
        """The head of a lane is tried and settled so; without an outcome it stays claimed."""
        self.start(code)
        found = [one for of, one in self.under_way() if of == code]
        if found and outcome:
            self._settle(code, found[0], outcome)

    def start(self, code: str) -> None:
        """The head is claimed, if it is pending; nothing else can be."""
        head, due = self.lanes[code].head(), self.heads().get(code)
        if due is not None and due.state == "pending":
            assert head is not None and head.id == due.delivery_id
            assert due.request == head.request
            head.request = head.request or f"bytes {head.number}".encode()
            head.attempt = self.run(self.desk.begin(due, head.request))
            head.state, head.number = "claimed", head.number + 1

    def _settle(self, code: str, one: Modelled, outcome: str) -> None:
        """What is under way or in doubt ends, or not; a stranger's settlement changes nothing."""
        at = {"next_at": self.stage.clock()}
        assert not self.run(self.desk.settle(_named(one), "not-its-attempt", outcome, **at))
        assert self.run(self.desk.settle(_named(one), one.attempt, outcome, **at))
        lane = self.lanes[code]
        if outcome == "delivered":
            lane.delivered(one)
        elif outcome == "dead":
            one.doubted = one.doubted or one.state == "in_doubt"
            lane.died(one)
        else:
            one.state = "pending" if outcome == "again" else "in_doubt"
            one.doubted = one.doubted or outcome == "in_doubt"

    def under_way(self) -> list[tuple[str, Modelled]]:
        """What an attempt could settle now."""
        return [(code, one) for code, lane in self.lanes.items() for one in lane.all if one.state in ("claimed", "in_doubt")]

    @rule(code=codes)
    def cannot_be_translated(self, code: str) -> None:
        """A pending head dies before its first call."""
        head = self.lanes[code].head()
        if head is not None and head.state == "pending":
            assert self.run(self.desk.settle(_named(head), None, "dead"))
            self.lanes[code].died(head)

    @rule(code=codes, gone=st.booleans())
    def operator(self, code: str, gone: bool) -> None:
        """The first dead one of a lane is replayed or discarded."""
        lane = self.lanes[code]
        dead = [one for one in lane.open() if one.state == "dead"]
        if dead and gone:
            self.run(self.desk.discard(dead[0].id))
            dead[0].state = "discarded"
        elif dead:
            self.run(self.desk.replay(dead[0].id))
            dead[0].state, dead[0].request = "pending", None

    @rule(code=codes, coalesce=st.booleans(), backwards=st.booleans(), most=st.integers(1, 2))
    def backfill(self, code: str, coalesce: bool, backwards: bool, most: int) -> None:
        """Some messages get a delivery on the route that was added later."""
        lane = self.lanes[code]
        has = {one.seq for one in lane.all if one.route == LATER}
        lacking = [one for one in self.messages[code] if one[1] not in has]
        lacking = (lacking[::-1] if backwards else lacking)[:most]
        route = match(LATER, coalesce=coalesce)
        added = self.run(self.desk.store.backfill([(one[0], route) for one in lacking], self.stage.clock()))
        for message, seq, full in lacking:
            shown = self.run(self.desk.store.arrival(self._arrival_of(code, message)))
            made = next(one for one in shown["messages"][0]["deliveries"] if one["route"] == LATER)
            lane.add(Modelled(made["delivery"], seq, seq, full, LATER), coalesce=coalesce)
        assert added <= len(lacking)

    def _arrival_of(self, code: str, message: str) -> str:
        timeline = self.run(self.desk.store.dossier(code))["timeline"]
        found: str = next(one["arrival"] for one in timeline if one["event"] == "message" and one["message"] == message)
        return found

    @rule()
    def die_and_restart(self) -> None:
        """The hub ends without settling: what was claimed is in doubt, with its attempt and bytes."""
        self.stage.restart()
        for lane in self.lanes.values():
            for one in lane.all:
                if one.state == "claimed":
                    one.state, one.doubted = "in_doubt", True

    @invariant()
    def every_delivery_is_in_exactly_the_modelled_state(self) -> None:
        """Nothing is lost, nothing is added, each is in one state: the model's."""
        for code, lane in self.lanes.items():
            if self.messages[code]:
                assert self.run(self.desk.states(code)) == {one.id: one.state for one in lane.all}

    @invariant()
    def exactly_the_modelled_head_is_due(self) -> None:
        """A lane's head is claimable when it is pending or in doubt, and then it alone."""
        heads = self.heads()
        for code, lane in self.lanes.items():
            head = lane.head()
            if head is None or head.state not in ("pending", "in_doubt"):
                assert code not in heads
            else:
                due = heads[code]
                assert (due.delivery_id, due.state, due.number) == (head.id, head.state, head.number)
                assert due.doubted == head.doubted and due.attempt_id == head.attempt

    @invariant()
    def states_are_sent_in_order(self) -> None:
        """Per dossier and route, the states that were delivered have rising seqs."""
        for lane in self.lanes.values():
            for route in ("to-portal", LATER):
                seqs = [one.seq for one in lane.sent if one.full and one.route == route]
                assert seqs == sorted(set(seqs))

    def teardown(self) -> None:
        """After any history the ledger is right, and what is left can be worked off to the end."""
        assert self.run(self.desk.store.rebuild_ledger()) == 0
        for code, lane in self.lanes.items():
            for _ in range(3 * len(lane.all) + 1):
                head = lane.head()
                if head is None:
                    break
                if head.state == "pending":
                    self.start(code)
                elif head.state == "dead":
                    self.operator(code, gone=True)
                else:
                    assert self.run(self.desk.settle(_named(head), head.attempt, "delivered"))
                    lane.delivered(head)
            assert lane.head() is None
        assert self.run(self.desk.store.rebuild_ledger()) == 0


def _named(one: Modelled) -> Any:
    """Enough of a Due to settle it by id."""

    class Named:
        delivery_id = one.id

    return Named()


@pytest.mark.timeout(600 if SOAK else 110)
def test_deliveries_are_always_where_the_model_has_them(database: Any) -> None:
    """Random histories of accepts, attempts, settlements, repairs, backfills and crashes; many more with SOAK=1."""
    with staged(database) as stage:
        machine = type("Machine", (DeliveryStates,), {"stage": stage})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=HISTORIES[database.kind],
                stateful_step_count=30,
                phases=(Phase.generate,),  # a failure is shown as it was found: making it smaller takes minutes
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
