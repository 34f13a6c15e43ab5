"""The child elements of a type: XML to the fields of an object and back, by the order and the groups of its schema.

Reading goes by name and does not ask for order: what the schema forbids is found by its rules (``xsd_rules``), before reading
and after writing. So one reader serves strict and lax reading, and only what cannot be told is a problem here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from hub.errors import BadConfig
from hub.wire.xml import local_name, shown_name
from hub.wire.xml_form_parts import ANY_KEY, GROUP_KEY, NOT_KNOWN, Reading, Steps, TypeForm, Writing
from hub.wire.xml_writers import WriteItem, choice_writer, element_writer, group_writer, sequence_writer, write_any
from hub.wire.xsd_files import refused
from hub.wire.xsd_parts import Element, Group, Type, Wildcard


@dataclass(slots=True)
class Slot:
    """What becomes of a child with a certain tag: its key, whether that is a list, how long it may be, its form, and its
    repeated group."""

    key: str
    many: bool
    most: int | None
    element: Element
    form: TypeForm
    group: Repeated | None = None


class Content:
    """The child elements of a type, or of one turn of a repeated group."""

    def __init__(self, form_of: Callable[[Type], TypeForm], group: Group | None) -> None:
        self.group = group
        self.slots: dict[str, Slot] = {}
        self.wildcard = False
        self.repeated: list[Repeated] = []
        self._form_of = form_of
        self._most = _most(group) if group else {}
        self._write = self._compile(group) if group else None
        self.keys = self._keys()
        self._names = frozenset(map(local_name, self.slots))
        tags: dict[str, str] = {}
        for tag, slot in self.slots.items():
            if slot.group is None and tags.setdefault(slot.key, tag) != tag:
                raise _unsupported(slot.element, f"two elements {slot.key} of different namespaces in one type")

    # ---- compiling
    def _compile(self, item: Element | Wildcard | Group) -> WriteItem:
        if isinstance(item, Element):
            most = self._most[item.tag]
            slot = Slot(local_name(item.tag), most != 1, most, item, self._form_of(item.type))
            self.slots[item.tag] = slot
            return element_writer(item, slot)
        if isinstance(item, Wildcard):
            self.wildcard = True
            return write_any
        if repeats(item):
            return self._compile_repeated(item)
        parts: list[tuple[frozenset[str], WriteItem]] = []
        whole, wild = self.slots, self.wildcard
        for part in item.items:
            self.slots, self.wildcard = {}, False
            write = self._compile(part)
            twice = sorted(whole.keys() & self.slots.keys())
            if item.kind != "choice" and (twice or (wild and self.wildcard)):
                names = ", ".join(map(local_name, twice)) or "a wildcard (xs:any)"
                raise _unsupported(next(item.leaves()), f"{names} at two places of one type")
            for tag in twice:
                self.slots[tag].element = _either(whole[tag], self.slots[tag])
            parts.append((self._keys(), write))
            whole, wild = whole | self.slots, wild or self.wildcard
        self.slots, self.wildcard = whole, wild
        return choice_writer(parts) if item.kind == "choice" else sequence_writer([write for _, write in parts])

    def _compile_repeated(self, item: Group) -> WriteItem:
        key = f"{GROUP_KEY}{len(self.repeated) + 1}" if self.repeated else GROUP_KEY
        made = Repeated(key, item, Content(self._form_of, Group(item.kind, item.items)))
        if made.content.wildcard:
            raise _unsupported(next(item.leaves()), "a wildcard (xs:any) in a repeated group with other elements")
        self.repeated.append(made)
        self.slots |= {tag: replace(slot, group=made) for tag, slot in made.content.slots.items()}
        return group_writer(made)

    def _keys(self) -> frozenset[str]:
        keys = frozenset(slot.group.key if slot.group else slot.key for slot in self.slots.values())
        return keys | {ANY_KEY} if self.wildcard else keys

    # ---- reading
    def read(self, children: Sequence[etree._Element] | etree._Element, out: dict[str, Any], r: Reading) -> None:
        """Puts the children's values into an object, each under its key."""
        slots = self.slots
        runs: dict[Repeated, list[etree._Element]] = {}
        for child in children:
            slot = slots.get(child.tag)
            if slot is None:
                if self.wildcard:
                    out.setdefault(ANY_KEY, []).append(as_text(child))
                if r.lax and (not self.wildcard or local_name(child.tag) in self._names):
                    r.skip_child(child)
                elif not self.wildcard:
                    r.add(child, "unknown_element", "is not an element of the schema")
            elif slot.group is not None:
                runs.setdefault(slot.group, []).append(child)
            elif slot.many:
                out.setdefault(slot.key, []).append(slot.form.read(child, r))
            elif slot.key in out:
                r.add(child, "too_many", "stands there more than once")
            else:
                out[slot.key] = slot.form.read(child, r)
        for group, run in runs.items():
            turns = out[group.key] = []
            for turn in group.turns(run):
                turns.append({})
                group.content.read(turn, turns[-1], r)

    def place(self, element: etree._Element, child: etree._Element) -> Steps:
        """The steps from the object of an element to the value of one of its children."""
        slot = self.slots.get(child.tag)
        if slot is None:
            unknown = sum(1 for one in child.itersiblings(preceding=True) if one.tag not in self.slots)
            return (ANY_KEY, unknown) if self.wildcard else (shown_name(local_name(child.tag)),)
        if slot.group is None:
            return (slot.key, _before(child)) if slot.many else (slot.key,)
        steps: Steps = ()
        run = list(element)
        while slot.group is not None:
            run = [one for one in run if one.tag in slot.group.content.slots]
            index, run = next((index, list(turn)) for index, turn in enumerate(slot.group.turns(run)) if child in turn)
            steps += (slot.group.key, index)
            slot = slot.group.content.slots[child.tag]
        same = [one for one in run if one.tag == child.tag]
        return (*steps, slot.key, same.index(child)) if slot.many else (*steps, slot.key)

    # ---- writing
    def write(self, parent: etree._Element, obj: Any, at: Steps, w: Writing, taken: int, others: frozenset[str]) -> None:
        """Writes the children that an object holds. ``taken`` of its fields, out of ``others``, are no children."""
        if not isinstance(obj, dict):
            w.add(at, "mistyped", "must be an object")
            return
        if self._write is not None:
            taken += self._write(parent, obj, at, w)
        if taken == len(obj):
            return
        unknown = [key for key in obj if key not in self.keys and key not in others]
        for key in unknown:
            w.add((*at, key[:1] + shown_name(key[1:]) if key[:1] in "@#" else shown_name(key)), *NOT_KNOWN)
        if not unknown:
            w.add(at, "not_together", "holds fields of which the schema allows only some together")


class Repeated:
    """A group of several elements that may come more than once: a list of objects, so that what belongs together stays so."""

    def __init__(self, key: str, group: Group, content: Content) -> None:
        self.key, self.group, self.content = key, group, content

    def turns(self, run: Sequence[etree._Element]) -> Iterator[Sequence[etree._Element]]:
        """The children of each turn; where the order is broken (lax reading) a turn ends early, and nothing is lost."""
        at = 0
        while at < len(run):
            end = max(_one_turn(self.group, run, at), at + 1)
            yield run[at:end]
            at = end


def _one_turn(group: Group, run: Sequence[etree._Element], start: int) -> int:
    """Where one turn of a group ends that begins at ``start``."""
    at = start
    for item in group.items:
        if group.kind == "choice":
            at = start
        at = _matched(item, run, at)
        if group.kind == "choice" and at > start:
            return at
    return at if group.kind != "all" or at == start else _one_turn(group, run, at)


def _matched(item: Element | Wildcard | Group, run: Sequence[etree._Element], at: int) -> int:
    times = 0
    while at < len(run) and (item.most is None or times < item.most):
        if isinstance(item, Group):
            end = _one_turn(item, run, at)
        else:
            end = at + (isinstance(item, Element) and run[at].tag == item.tag)
        if end == at:
            break
        at, times = end, times + 1
    return at


def repeats(item: Group) -> bool:
    """Whether a group is a list of objects: it may come more than once, and holds more than one element."""
    return item.most != 1 and sum(1 for _ in item.leaves()) > 1


def _most(item: Element | Wildcard | Group) -> dict[str, int | None]:
    """How many elements of each tag an item allows at most, those in repeated groups left out."""
    if not isinstance(item, Group):
        return {item.tag: item.most} if isinstance(item, Element) else {}
    found: dict[str, int | None] = {}
    for part in item.items:
        for tag, most in ({} if isinstance(part, Group) and repeats(part) else _most(part)).items():
            before = found.get(tag, 0)
            found[tag] = None if before is None or most is None else max(before, most)
    return {tag: most and item.most and most * item.most for tag, most in found.items()} if item.most != 1 else found


def _either(one: Slot, other: Slot) -> Element:
    """An element that stands in several branches of a choice: its declaration, as far as they agree."""
    first, second = one.element, other.element
    if one.group is not None or other.group is not None:
        raise _unsupported(second, f"{one.key} at two places of one type, one of them a group that repeats")
    named = first.type.global_name or second.type.global_name
    if one.form is not other.form and (named or first.place != second.place):
        raise _unsupported(second, f"{one.key} of two types in one type")
    fixed = first.fixed if first.fixed == second.fixed else None
    return replace(second, nillable=first.nillable or second.nillable, fixed=fixed)


def as_text(element: etree._Element) -> str:
    """An element as text, with the prefixes that it has from above."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _before(child: etree._Element) -> int:
    """How many elements of the same name stand before it."""
    namespace, _, name = child.tag.rpartition("}")
    prefixes = {"p": namespace[1:]} if namespace else {}
    found: Any = child.xpath(f"count(preceding-sibling::{'p:' if namespace else ''}{name})", namespaces=prefixes)
    return int(found)


def _unsupported(item: Element | Wildcard, what: str) -> BadConfig:
    return refused(item.place, "unsupported", f"{what}: this is not supported")
