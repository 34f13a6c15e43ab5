"""What is wrong with the children of one element: which are missing, unknown, repeated, misplaced, or may not stand together.

The validator stops at the first child that it does not expect. Here all children are held against the groups of the type, and
those that may stay are given back in the schema's order, so that the validator can go on with them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from hub.wire.xml import local_name
from hub.wire.xml_content import Content, Repeated, repeats
from hub.wire.xml_form_parts import MOST, Steps
from hub.wire.xsd_parts import Element, Group, Wildcard
from hub.wire.xsd_rules import Broken

_SHOWN = 10
_WILD = "*"


@dataclass(slots=True)
class Arranged:
    """``wrong``: what was found. ``kept``: the children that may stay, in order."""

    wrong: list[Broken]
    kept: list[etree._Element]


def arranged(element: etree._Element, content: Content, children: Iterable[etree._Element], steps: Steps = ()) -> Arranged:
    """Holds the children of an element, or of one turn of a group in it (``steps``), against its type."""
    one = _Arranging(element, content, steps)
    one.sort_out(children)
    if content.group is not None and len(one.wrong) < MOST:
        one.take(content.group, True)
        one.put_in_order()
    return Arranged(one.wrong, [child for _, _, child in one.kept])


class _Arranging:
    def __init__(self, element: etree._Element, content: Content, steps: Steps) -> None:
        self.element, self.content, self.steps = element, content, steps
        self.wrong: list[Broken] = []
        self.kept: list[tuple[int, int, etree._Element]] = []
        self.there: dict[str, list[tuple[int, etree._Element]]] = {}
        self.rank = 0
        self.fine: set[tuple[str, ...]] = set()

    def sort_out(self, children: Iterable[etree._Element]) -> None:
        """Puts the children under their tags; ends early when there are too many that nobody knows."""
        for at, child in enumerate(children):
            tag = child.tag
            if tag not in self.content.slots:
                if not self.content.wildcard:
                    self.blame(child, "unknown_element", "is not an element of the schema", self.known())
                    if len(self.wrong) >= MOST:
                        return
                    continue
                tag = _WILD
            self.there.setdefault(tag, []).append((at, child))

    def blame(self, child: etree._Element, code: str, message: str, hint: str = "") -> None:
        if len(self.wrong) < MOST:
            self.wrong.append(Broken(child, code, message, hint=hint))

    def lack(self, names: Sequence[str], number: int = 0) -> None:
        """One of these is missing, or when ``number`` are there already, one more."""
        hint = f"one of: {', '.join(map(local_name, names))}" if len(names) > 1 else ""
        key = local_name(names[0])
        if len(self.wrong) < MOST:
            at = (*self.steps, key, number) if number else (*self.steps, key)
            tag = names[0] if len(names) == 1 else ""
            self.wrong.append(Broken(self.element, "missing", "is required but absent", hint=hint, below=at, child=tag))

    def known(self) -> str:
        names = list(dict.fromkeys(map(local_name, self.content.slots)))
        more = ", …" if len(names) > _SHOWN else ""
        return f"may stand here: {', '.join(names[:_SHOWN])}{more}" if names else "nothing may stand here"

    # ---- how many there are
    def take(self, item: Element | Wildcard | Group, needed: bool, least: int = 1, most: int | None = 1) -> None:
        """Takes what a part of the type may have of the children. ``needed``: what it requires must be there."""
        least *= item.least
        most = None if most is None or item.most is None else most * item.most
        if not isinstance(item, Group):
            self.take_leaf(item, needed, least, most)
        elif repeats(item):
            self.take_turns(item, needed and least > 0)
        elif item.kind == "choice" and len(item.items) > 1:
            self.choose(item, needed and least > 0)
        else:
            start, needed = self.rank, self.has(item) or (needed and least > 0)
            for part in item.items:
                self.rank = start if item.kind == "all" else self.rank
                self.take(part, needed, max(least, 1), most)
            self.rank += 1

    def take_leaf(self, item: Element | Wildcard, needed: bool, least: int, most: int | None) -> None:
        found = self.there.pop(item.tag if isinstance(item, Element) else _WILD, [])
        if most is not None:
            for _, child in found[most : most + MOST]:
                times = "once" if most == 1 else f"at most {most} times"
                self.blame(child, "repeated", "stands there more often than the schema allows", f"send it {times}")
        self.kept += [(self.rank, at, child) for at, child in found[:most]]
        self.rank += 1
        if len(found) < least and needed and isinstance(item, Element):
            self.lack([item.tag], len(found))

    def choose(self, item: Group, needed: bool) -> None:
        """Of a choice: the part of which most is there, and of several the one that comes first."""
        present = [(part, self.first(part)) for part in item.items if self.has(part)]
        if not present:
            if needed and not any(map(_may_be_empty, item.items)):
                self.lack([name for part in item.items for name in _first_names(part)])
            self.rank += 1
            return
        chosen = min(present, key=lambda one: (-len(self.tags(one[0])), one[1]))[0]
        mine = self.tags(chosen)
        name = local_name(next(iter(sorted(mine, key=lambda tag: self.there[tag][0][0]))))
        for part, _ in present:
            for tag in self.tags(part) - mine:
                for _, child in self.there.pop(tag)[:MOST]:
                    self.blame(child, "not_together", "may not stand beside another that is there", f"send it, or {name}")
        self.take(chosen, True)

    def take_turns(self, item: Group, needed: bool) -> None:
        """A group that repeats: each of its turns by itself; a turn with a mistake is left out."""
        made = next(one for one in self.content.repeated if one.group is item)
        run = sorted(one for tag in made.content.slots for one in self.there.pop(tag, []))
        number = at = 0
        for number, turn in enumerate(made.turns([child for _, child in run]), 1):
            tags = tuple(child.tag for child in turn)
            if item.most is not None and number > item.most:
                self.blame(turn[0], "repeated", "stands there more often than the schema allows", f"at most {item.most} times")
            elif tags in self.fine or self.is_fine(made, turn, number - 1):
                self.kept += [(self.rank, *one) for one in run[at : at + len(turn)]]
                if len(tags) <= _SHOWN:
                    self.fine.add(tags)
            if len(self.wrong) >= MOST:
                return
            at += len(turn)
        self.rank += 1
        if needed and number < item.least and not _may_be_empty(Group(item.kind, item.items)):
            self.lack(list(_first_names(item)))

    def is_fine(self, made: Repeated, turn: Sequence[etree._Element], index: int) -> bool:
        one = arranged(self.element, made.content, turn, (*self.steps, made.key, index))
        self.wrong += one.wrong[: MOST - len(self.wrong)]
        return not one.wrong

    def tags(self, part: Element | Wildcard | Group) -> set[str]:
        """Those of a part's tags of which there are children."""
        leaves = part.leaves() if isinstance(part, Group) else [part]
        return {tag for one in leaves if (tag := one.tag if isinstance(one, Element) else _WILD) in self.there}

    def has(self, part: Element | Wildcard | Group) -> bool:
        return bool(self.tags(part))

    def first(self, part: Element | Wildcard | Group) -> int:
        return min(self.there[tag][0][0] for tag in self.tags(part))

    # ---- in which order
    def put_in_order(self) -> None:
        """Blames as few as possible for a wrong order: those outside of the longest run that is in order."""
        came = sorted(self.kept, key=lambda one: one[1])
        self.kept.sort(key=lambda one: one[:2])
        if all(one[1] == other[1] for one, other in zip(came, self.kept, strict=True)):
            return
        stay = sorted(_longest([rank for rank, _, _ in came]))
        ranks, others = [came[index][0] for index in stay], set(range(len(came))).difference(stay)
        for index in sorted(others)[:MOST]:
            rank, _, child = came[index]
            at = bisect_right(ranks, rank)
            behind = at > 0 and stay[at - 1] > index
            other = local_name(came[stay[at - 1 if behind or at == len(stay) else at]][2].tag)
            self.blame(
                child, "misplaced", "stands at the wrong place", f"must stand {'behind' if behind else 'before'} {other}"
            )


def _longest(ranks: list[int]) -> set[int]:
    """The positions of the longest part of a list that does not go down."""
    ends: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for index, rank in enumerate(ranks):
        at = bisect_right(ends, rank)
        before.append(places[at - 1] if at else -1)
        ends[at : at + 1] = [rank]
        places[at : at + 1] = [index]
    found, index = set(), places[-1]
    while index >= 0:
        found.add(index)
        index = before[index]
    return found


def _may_be_empty(item: Element | Wildcard | Group) -> bool:
    if item.least == 0 or not isinstance(item, Group):
        return item.least == 0
    inner = map(_may_be_empty, item.items)
    return (any(inner) or not item.items) if item.kind == "choice" else all(inner)


def _first_names(item: Element | Wildcard | Group) -> Iterator[str]:
    """What may come first where something of this part is required."""
    if isinstance(item, Element):
        yield item.tag
    elif isinstance(item, Group):
        parts = item.items if item.kind == "choice" else [one for one in item.items if not _may_be_empty(one)][:1]
        for part in parts:
            yield from _first_names(part)
