"""Says whether a schema's newer version reads all that an older one allowed, and names each place where it does not.

Backward: whoever reads with the new version can read everything that was valid under the old one; forward is the reverse. The
proof is made by the library that validates the messages (``CanonicalSchema.covers``). It is asked for one sentence of the
reading schema after the other, so that a break has a place; an instance that the one takes and the other refuses, found among
the difference of both, is tried with the real validators. Where there is neither proof nor instance the place is undecided,
which counts as breaking, and so is all that is not looked into in time. ``docs/compatibility.md`` has the table of verdicts.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import jsonschema_rs
import orjson
from jsonschema_rs import canonical

from hub.translation.compat_examples import CANNOT, examples
from hub.translation.compat_rules import NOTHING, Document, Lift, among, can_be_taken_apart, get, own, prepared

Mode = Literal["backward", "forward", "full"]
_MOST_SECONDS = 5
"""To find the places in doubt, and again to prove them. A single question to the library is not broken off."""
_MOST_TRIES = 400


@dataclass(frozen=True, slots=True)
class Break:
    """One place where reading fails. ``direction``: backward or forward; ``at``: a JSON pointer into the message, ``*`` for any
    item or any other name; ``change``: the keyword's value before and after. ``proof``: a list of one instance that the
    writer's version takes and the reader's refuses; empty for what is undecided, None for what needs no instance (x-hub)."""

    direction: str
    at: str
    keyword: str
    change: str
    proof: tuple[Any, ...] | None = None

    @property
    def verdict(self) -> str:
        """``breaks``, or ``undecided``: neither proved nor refuted."""
        return "undecided" if self.proof == () else "breaks"

    def as_dict(self) -> dict[str, Any]:
        told = {"verdict": self.verdict, "direction": self.direction, "at": self.at, "keyword": self.keyword}
        return {**told, "change": self.change, **({"example": _writable(self.proof[0])} if self.proof else {})}


def find_breaks(
    old: dict[str, Any], new: dict[str, Any], mode: Mode, clock: Callable[[], float] = time.monotonic
) -> list[Break]:
    """Each place where a reader fails, in the directions that the mode asks for. None: the versions are compatible."""
    found: list[Break] = []
    for direction, writer, reader in (("backward", old, new), ("forward", new, old)):
        if mode in (direction, "full"):
            try:
                found += _Search(writer, reader, direction, clock).breaks()
            except (RecursionError, ValueError):  # ValueError: the library's own limit
                found.append(Break(direction, "", "", "too deeply nested to be compared", ()))
            found += _x_hub(old, new, direction)
    return found


def _x_hub(old: dict[str, Any], new: dict[str, Any], direction: str) -> Iterator[Break]:
    """What the hub reads a message by may be added to (an alternative at the end), never changed: it breaks both ways."""
    before, after = old.get("x-hub", {}), new.get("x-hub", {})
    if not (isinstance(before, dict) and isinstance(after, dict)):  # no version of a home
        if _text(before) != _text(after):
            yield Break(direction, "", "x-hub", f"{_short(before)} → {_short(after)}")
        return
    for name in sorted({*before, *after}):
        was, now = before.get(name, NOTHING), after.get(name, NOTHING)
        if name == "full_state":
            was, now = before.get(name, False), after.get(name, False)
        elif name not in ("role", "subject"):  # pointers, the first that is there counts
            was, now = ([] if one is NOTHING else one if isinstance(one, list) else [one] for one in (was, now))
            now = now if now[: len(was)] != was else was
        if _text(was) != _text(now):
            yield Break(direction, "", f"x-hub.{name}", f"{_short(was)} → {_short(now)}")


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A sentence of the reader's that is not proved for all the writer allows; ``whole`` says it of the whole message."""

    at: str
    keyword: str
    written: Any
    read: Any
    whole: Any


class _Search:
    """Asks, sentence by sentence, whether what the writer's schema takes fulfils the reader's."""

    def __init__(self, writer: dict[str, Any], reader: dict[str, Any], direction: str, clock: Callable[[], float]) -> None:
        self.direction, self.clock, self.is_late = direction, clock, False
        self.end = clock() + _MOST_SECONDS
        self.takes, self.reads = (jsonschema_rs.Draft202012Validator(one, validate_formats=True) for one in (writer, reader))
        self.documents: dict[str, Any] = {}
        self.is_same, self.writer, self.reader = _text(writer) == _text(reader), writer, reader
        self.is_whole = not (can_be_taken_apart(writer) and can_be_taken_apart(reader))
        if not self.is_whole:  # both in one document, so that references of both can stand in one question
            self.is_same = _text(prepared(writer, "#")) == _text(prepared(reader, "#"))
            self.writer, self.reader = prepared(writer, "#/$defs/w"), prepared(reader, "#/$defs/r")
            self.documents = {"w": self.writer, "r": self.reader}
        self.places = Document(self.documents)
        self.written = self._canonical(self.writer)

    def breaks(self) -> Iterator[Break]:
        """The places in doubt, each with an instance if one is found."""
        if self.is_same:
            return
        doubts = self._find(self.reader, self.writer, "", lambda said: said, "", ())
        self.end = self.clock() + _MOST_SECONDS
        for one in {(one.at, one.keyword): one for one in doubts}.values():
            was, now = (one.written, one.read) if self.direction == "backward" else (one.read, one.written)
            yield Break(self.direction, one.at, one.keyword, f"{_short(was)} → {_short(now)}", self._proof(one.whole))
        if self.is_late:
            yield Break(self.direction, "", "", f"not all is looked into: it takes more than {_MOST_SECONDS} seconds", ())

    def _canonical(self, schema: Any) -> jsonschema_rs.CanonicalSchema | None:
        whole = {"allOf": [schema]} if isinstance(schema, bool) else schema
        if self.documents:
            whole = {**whole, "$defs": self.documents}
        try:
            return jsonschema_rs.canonicalize(whole, draft=20, validate_formats=True)
        except CANNOT:
            return None

    def _holds(self, said: Any) -> bool:
        """Is it proved of every message that the writer's schema takes?"""
        asked = self._canonical(said)
        if self.written is None or asked is None:
            return False
        try:
            return asked.covers(self.written) is canonical.Containment.YES
        except CANNOT:
            return False

    def _ends(self) -> bool:
        is_over = self.clock() > self.end
        self.is_late = self.is_late or is_over
        return is_over

    def _proof(self, said: Any) -> tuple[Any, ...]:
        """A message that the writer's schema takes and the reader's refuses, for what is said."""
        if self._ends():
            return ()
        asked, against = self._canonical(said), {"not": said}
        sources = [self._canonical(one) for one in ({"allOf": [self.writer, against]}, against, self.writer)]
        if self.written is not None and asked is not None:
            with contextlib.suppress(*CANNOT):
                sources.insert(0, self.written.subtract(asked))
        for source in sources:
            for one in itertools.islice(examples(source) if source is not None else (), _MOST_TRIES):
                if self._ends():
                    return ()
                if self.takes.is_valid(one) and not self.reads.is_valid(one):
                    return (one,)
        return ()

    def _find(self, said: Any, written: Any, at: str, lift: Lift, by: str, within: tuple[str, ...]) -> list[_Doubt]:
        """What is in doubt of what the reader says at a place. ``written``: what the writer says there, for the words;
        ``lift`` makes of a sentence about this place one about the whole message; ``by``: the keyword that led here;
        ``within``: the references on the way, none of which is followed into itself."""
        if self._ends() or self._holds(lift(said)):
            return []
        refers = said.get("$ref", "") if isinstance(said, dict) else ""
        if not isinstance(said, dict) or refers in within or self.is_whole:
            return [_Doubt(at, by, written, said, lift(said))]
        written = self.places.resolved(written)
        within = (*within, refers) if refers else within
        found: list[_Doubt] = []
        for keyword, step, below, there, wrap in self.places.below(said, written):
            found += self._find(below, there, at + step, _both(lift, wrap), keyword, within)
        if branches := said.get("anyOf"):
            found += self._nearest(branches, written, at, lift, within)
        for keyword, step, part, was in own(said, written):
            if not (self._ends() or self._holds(lift(part))):
                found.append(_Doubt(at + step, keyword, was, part.get(keyword), lift(part)))
        last = [one for one in ("unevaluatedProperties", "unevaluatedItems") if one in said]
        if last and not found:  # it speaks of what all others of this place leave open
            last.sort(key=lambda one: bool(get(written, one) == said[one]))
            found.append(_Doubt(at, last[0], get(written, last[0]), said[last[0]], lift(said)))
        return found

    def _nearest(self, branches: list[Any], written: Any, at: str, lift: Lift, within: tuple[str, ...]) -> list[_Doubt]:
        """What is in doubt of the branch that comes nearest: not its type, and least of all."""
        if self._holds(lift({"anyOf": branches})):
            return []
        tried = []
        for index, branch in enumerate(branches):
            others = [*branches[:index], *branches[index + 1 :]]
            tried.append(self._find(branch, written, at, _both(lift, among(others)), "anyOf", within))

        def distance(doubts: list[_Doubt]) -> tuple[bool, int]:
            return any(one.at == at and one.keyword in ("type", "const", "enum") for one in doubts), len(doubts)

        return min(tried, key=distance)


def _both(outer: Lift, inner: Lift) -> Lift:
    return lambda said: outer(inner(said))


def _text(value: Any) -> str:
    """As JSON, in which true is not 1: what is equal as text is equal."""
    if value is NOTHING:
        return "nothing"
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _short(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _writable(value: Any) -> Any:
    """The value, or its text where a number in it is larger than what the shell writes as JSON."""
    try:
        orjson.dumps(value)
    except TypeError:
        return _text(value)
    return value
