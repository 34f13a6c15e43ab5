"""The JSON Schema of the objects that forms read and write: fields, lists, what is required, values, and choices."""

from __future__ import annotations

import json
from itertools import chain, count
from typing import Any

from lxml import etree

from hub.wire.xml import local_name
from hub.wire.xml_arrays import ArrayForm
from hub.wire.xml_complex import ComplexForm, LeafForm
from hub.wire.xml_content import Content, Slot
from hub.wire.xml_form_parts import ANY_KEY, NIL_KEY, TEXT_KEY, TYPE_KEY, TypeForm
from hub.wire.xml_types import Illegal, is_told_by_its_text, reader, value_schema
from hub.wire.xsd_parts import Attribute, Element, Group, Simple, Wildcard

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXTS = {"type": "array", "items": {"type": "string"}}
_MIXED = {"anyOf": [{"type": "string"}, _TEXTS]}


class Definitions:
    """Writes the schema of each type; named complex types stand under ``$defs``, so that a type may hold itself."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._keys: dict[tuple[TypeForm, str], str] = {}

    def whole(self, made: dict[str, Any]) -> dict[str, Any]:
        """A schema as a document of its own, with what it refers to."""
        if made.keys() == {"$ref"}:
            key = made["$ref"].removeprefix("#/$defs/")
            made = self.found.pop(key)
            if f'"#/$defs/{key}"' in json.dumps([made, self.found]):
                self.found[key] = made
        return {"$schema": DIALECT} | made | ({"$defs": self.found} if self.found else {})

    def of(self, form: TypeForm, nillable: bool = False, element: Element | None = None) -> dict[str, Any]:
        """The schema of a type's values, or of an element's."""
        made = self._of(form)
        if element is not None and isinstance(form, LeafForm):
            made = _or_empty(made | _constant(element, form.simple), element, form.simple)
        if not nillable or not made:
            return made
        if isinstance(made.get("type"), str) and "enum" not in made and "const" not in made:
            return made | {"type": [made["type"], "null"]}
        return {"anyOf": [made, *(_nulls(form) if isinstance(form, ComplexForm) else [{"type": "null"}])]}

    def _of(self, form: TypeForm) -> dict[str, Any]:
        if isinstance(form, LeafForm):
            return value_schema(form.simple)
        if isinstance(form, ArrayForm):
            return {"type": "array", "items": self.of(form.item, nillable=True)}
        if not isinstance(form, ComplexForm):
            return {}
        made = [] if form.kind.abstract else [self._named(form, "")]
        for label, one in form.variants.items():
            other = form.form_of(one)
            if isinstance(other, ComplexForm) and other is not form:
                made.append(self._named(other, label))
        return made[0] if len(made) == 1 else {"anyOf": made}

    def _named(self, form: ComplexForm, label: str) -> dict[str, Any]:
        """A type by reference; with a label it is one that stands for another, and says so itself."""
        if (form, label) not in self._keys:
            name = (local_name(form.kind.global_name) or "content") + ("-as-variant" if label else "")
            taken = set(self._keys.values())
            key = next(one for one in chain([name], (f"{name}-{i}" for i in count(2))) if one not in taken)
            self._keys[form, label] = key
            fields, required = _attributes(form), _required_attributes(form)
            if label:
                fields, required = {TYPE_KEY: {"const": label}} | fields, [TYPE_KEY, *required]
            if form.kind.simple is not None:
                fields[TEXT_KEY] = value_schema(form.kind.simple)
                required.append(TEXT_KEY)
            elif form.kind.mixed:
                fields[TEXT_KEY] = _MIXED if form.has_texts else {"type": "string"}
            whole = self.found[key] = {}  # known before its children are looked at: a type may hold itself
            whole |= self._fields(form.content, fields, required)
            whole |= _more_attributes(form)
        return {"$ref": f"#/$defs/{self._keys[form, label]}"}

    def _fields(self, content: Content, fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
        for slot in content.slots.values():
            if slot.group is None:
                fields[slot.key] = self._field(slot)
        for group in content.repeated:
            turn = self._fields(group.content, {}, [])
            fields[group.key] = {"type": "array", "minItems": 1, "items": turn}
        if content.wildcard:
            fields[ANY_KEY] = _TEXTS
        choices: list[dict[str, Any]] = []
        if content.group is not None:
            required = [*required, *_required(content.group, content, choices)]
        return _fields_only(fields, required) | ({"allOf": choices} if choices else {})

    def _field(self, slot: Slot) -> dict[str, Any]:
        one = self.of(slot.form, slot.element.nillable, slot.element)
        if not slot.many:
            return one
        bounds = {"minItems": 1} if slot.element.least else {}  # an empty list writes nothing, as an absent one does
        bounds |= {"maxItems": slot.most} if slot.most else {}
        return {"type": "array", "items": one} | bounds


def _fields_only(fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": fields, "additionalProperties": False}
    return made | ({"required": list(dict.fromkeys(required))} if required else {})


def _attributes(form: ComplexForm) -> dict[str, Any]:
    return {key: value_schema(one.type) | _constant(one, one.type) for key, one in form.attributes.items()}


def _required_attributes(form: ComplexForm) -> list[str]:
    return [key for key, one in form.attributes.items() if one.required]


def _nulls(form: ComplexForm) -> list[dict[str, Any]]:
    """What null looks like: JSON's, or an object of the attributes and the type that an element has beside being null."""
    others = {label: form.form_of(one) for label, one in form.variants.items()}
    forms = {"": form} | {label: one for label, one in others.items() if isinstance(one, ComplexForm) and one is not form}
    made: list[dict[str, Any]] = []
    for label, one in forms.items():
        fields = {NIL_KEY: {"const": True}} | ({TYPE_KEY: {"const": label}} if label else {}) | _attributes(one)
        if label or one.attributes or one.kind.any_attribute:
            must = [NIL_KEY, *([TYPE_KEY] if label else []), *_required_attributes(one)]
            made.append(_fields_only(fields, must) | _more_attributes(one))
    return made if _required_attributes(form) else [*made, {"type": "null"}]


def _more_attributes(form: ComplexForm) -> dict[str, Any]:
    return {"patternProperties": {"^@": {"type": "string"}}} if form.kind.any_attribute else {}


def _or_empty(made: dict[str, Any], element: Element, kind: Simple) -> dict[str, Any]:
    """An element for which the schema would put something in may always be empty."""
    if element.fixed is None and element.default is None:
        return made
    try:
        empty = reader(kind)("", etree.Element("none"), False)
    except Illegal:
        return made
    made = {key: value for key, value in made.items() if key not in ("minLength", "minItems")}
    known = [made.pop("const")] if "const" in made else made.get("enum")
    return made | ({"enum": [*known, *([] if empty in known else [empty])]} if known else {})


def _constant(one: Element | Attribute, kind: Simple) -> dict[str, Any]:
    """What the schema fixes or would put in: told, never put in by the hub."""
    text = one.fixed if one.fixed is not None else one.default
    if text is None or (isinstance(one, Attribute) and one.fixed is not None and not is_told_by_its_text(kind)):
        return {}
    try:
        value = reader(kind)(text, etree.Element("none"), False)
    except Illegal:
        return {}
    return {"const" if one.fixed is not None else "default": value}


def _required(
    item: Element | Wildcard | Group, content: Content, choices: list[dict[str, Any]], outer: bool = True
) -> list[str]:
    """The keys that must be there; a simple choice (of single elements), when it must be made, is added to ``choices``."""
    if isinstance(item, Wildcard):
        return [ANY_KEY] if item.least else []
    if isinstance(item, Element):
        slot = content.slots[item.tag]
        return [slot.key] if item.least else []
    repeated = next((one for one in content.repeated if one.group is item), None)
    if repeated is not None:
        return [] if _may_be_empty(item) else [repeated.key]
    own: list[dict[str, Any]] = []
    outer = outer and (item.least > 0 or item.kind == "choice")
    parts = [_required(part, content, choices if item.kind != "choice" else own, outer) for part in item.items]
    if item.kind != "choice":
        found = [key for part in parts for key in part]
        return found if item.least else []
    if outer and item.most == 1 and item.items and all(isinstance(part, Element) for part in item.items):
        names = dict.fromkeys(content.slots[part.tag].key for part in item.items if isinstance(part, Element))
        keys = [{"required": [name]} for name in names]
        may_lack = not item.least or not all(parts)
        choices.append({"oneOf": [*keys, {"not": {"anyOf": keys}}] if may_lack else keys})
    same = set(parts[0]).intersection(*parts[1:]) if parts else set()
    return sorted(same) if item.least else []


def _may_be_empty(item: Element | Wildcard | Group) -> bool:
    if not item.least or not isinstance(item, Group):
        return not item.least
    return (any if item.kind == "choice" else all)(_may_be_empty(part) for part in item.items)
