"""Makes the parts of a schema (``xsd_parts``) out of its documents, each when it is first asked for.

The documents themselves are read, not zeep's types: these drop facets, fixed values, mixed content, substitution groups, and
how often the groups of an extended type may occur, and each of them decides how a value is read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from lxml import etree

from hub.wire.xml import local_name
from hub.wire.xsd_files import XS, Document, Schemas, refused
from hub.wire.xsd_parts import (
    ANY_SIMPLE,
    ANY_TYPE,
    ARRAY,
    WSDL_ARRAY_TYPE,
    Attribute,
    Complex,
    Element,
    Group,
    Simple,
    Type,
    Wildcard,
    built_in,
    is_true,
    occurs,
    restricted,
)

_TYPES = ("simpleType", "complexType")
_DOCUMENTATION = f"{XS}annotation/{XS}documentation"


class Model:
    """The components of ``schemas``. Raises BadConfig, naming file and line."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._types: dict[str, Type] = {}
        self._unnamed: dict[tuple[etree._Element, Document], Complex] = {}

    def element(self, name: str) -> Element | None:
        """A global element."""
        found = self._schemas.find("element", name)
        return self._element(*found, name) if found else None

    def find_type(self, name: str) -> Type | None:
        """A global or built-in type, None when there is none."""
        if name not in self._types:
            found = self._schemas.find("complexType", name)
            simple = None if found else self._schemas.find("simpleType", name)
            if found:
                self._types[name] = made = Complex(name, found[1].place(found[0]))
                self._fill(made, *found)  # after it is known: it may hold itself
            elif simple:
                self._types[name] = self._simple(*simple, name)
            elif there := built_in(name):
                self._types[name] = there
        return self._types.get(name)

    def derived(self, base: Complex) -> dict[str, Complex]:
        """The named types that may stand in for ``base``, itself included, by the name that ``@xsi:type`` has in objects."""
        found = [one for one in self._heirs.get(base.global_name, ()) if not one.abstract]
        names = [local_name(one.global_name) for one in found]
        return {name if names.count(name) == 1 else one.global_name: one for name, one in zip(names, found, strict=True)}

    @cached_property
    def _heirs(self) -> dict[str, list[Complex]]:
        found: dict[str, list[Complex]] = {}
        for name, _, _ in self._schemas.all("complexType"):
            one = at = self.find_type(name)
            while isinstance(at, Complex) and isinstance(one, Complex):
                found.setdefault(at.global_name, []).append(one)
                at = at.base
        return found

    @cached_property
    def _substitutes(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, node, document in self._schemas.all("element"):
            for head in node.get("substitutionGroup", "").split():
                found.setdefault(document.qname(node, head), []).append(name)
        return found

    def _type(self, node: etree._Element, document: Document, name: str) -> Type:
        """The type that a QName in ``node`` names."""
        qname = document.qname(node, name)
        found = self.find_type(qname)
        if found is None:
            hint = "import the schema that has it"
            raise refused(document.place(node), "unknown_type", f"the type {qname} is in none of the files", hint)
        return found

    # ---- simple types
    def _simple(self, node: etree._Element, document: Document, name: str = "") -> Simple:
        for child in node:
            if child.tag == XS + "list":
                item = self._simple_of(child, document, "itemType")
                if item.name in ("QName", "list"):
                    raise refused(document.place(child), "unsupported", f"a list of {item.name} is not supported")
                return Simple("list", item=item, global_name=name)
            if child.tag == XS + "union":
                members = [self._type(child, document, one) for one in child.get("memberTypes", "").split()]
                members += [self._simple(one, document) for one in child.iterchildren(XS + "simpleType")]
                kept = any(isinstance(one, Simple) and one.space == "preserve" for one in members)
                return Simple("union", space="preserve" if kept else "collapse", global_name=name)
            if child.tag == XS + "restriction":
                return restricted(self._simple_of(child, document, "base"), child, name)
        raise refused(document.place(node), "unsupported", "a simple type that is no restriction, list or union")

    def _simple_of(self, node: etree._Element, document: Document, attribute: str) -> Simple:
        """The simple type that an attribute of ``node`` names, or that stands in it."""
        inner = node.find(XS + "simpleType")
        if inner is not None and not node.get(attribute):
            return self._simple(inner, document)
        found = self._type(node, document, node.get(attribute, ""))
        if isinstance(found, Complex):
            raise refused(document.place(node), "not_simple", "a simple type is needed here")
        return found

    # ---- complex types
    def _fill(self, made: Complex, node: etree._Element, document: Document) -> None:
        made.abstract = is_true(node.get("abstract"))
        made.mixed = is_true(node.get("mixed"))
        for child in node.iterchildren(XS + "simpleContent", XS + "complexContent"):
            made.mixed = made.mixed or is_true(child.get("mixed"))
            for step in child.iterchildren(XS + "extension", XS + "restriction"):
                self._derive(made, step, document)
            return
        self._own(made, node, document)

    def _own(self, made: Complex, node: etree._Element, document: Document) -> None:
        for child in node.iterchildren(XS + "sequence", XS + "choice", XS + "all", XS + "group"):
            made.content = self._group(child, document)
        self._attributes(made, node, document)

    def _derive(self, made: Complex, step: etree._Element, document: Document) -> None:
        base = self._type(step, document, step.get("base", ""))
        extends = step.tag == XS + "extension"
        if isinstance(base, Simple):
            made.simple = base
        else:
            made.base, made.simple, made.item = base, base.simple, base.item
            made.attributes, made.any_attribute = dict(base.attributes), base.any_attribute
        self._own(made, step, document)
        if made.simple is not None and not extends:
            inner = step.find(XS + "simpleType")
            made.simple = restricted(self._simple(inner, document) if inner is not None else made.simple, step, "")
        if isinstance(base, Complex) and extends:
            made.mixed = made.mixed or base.mixed
            parts = [one for one in (base.content, made.content) if one is not None]
            made.content = Group("sequence", list(parts)) if len(parts) == 2 else next(iter(parts), None)
        if isinstance(base, Complex) and base.global_name == ARRAY:
            made.item = self._array_item(made, step, document)

    def _array_item(self, made: Complex, step: etree._Element, document: Document) -> Callable[[], Type]:
        for attribute in step.iterchildren(XS + "attribute"):
            name, bracket, size = attribute.get(WSDL_ARRAY_TYPE, "").partition("[")
            if bracket and size.rstrip() != "]":
                text = "a SOAP array of a fixed size or of more than one dimension is not supported"
                raise refused(document.place(attribute), "unsupported", text)
            if name:
                return lambda: self._type(attribute, document, name)
        first = next(made.content.leaves(), None) if made.content else None
        return lambda: first.type if isinstance(first, Element) else ANY_TYPE

    def _attributes(self, made: Complex, node: etree._Element, document: Document) -> None:
        for child in node.iterchildren(XS + "anyAttribute", XS + "attributeGroup", XS + "attribute"):
            if child.tag == XS + "anyAttribute":
                made.any_attribute = True
            elif child.tag == XS + "attributeGroup":
                self._attributes(made, *self._schemas.referred("attributeGroup", child, document)[1:])
            else:
                attribute = self._attribute(child, document)
                made.attributes[attribute.tag] = attribute
                if child.get("use") == "prohibited":
                    del made.attributes[attribute.tag]

    def _attribute(self, node: etree._Element, document: Document) -> Attribute:
        use, fixed, default = node.get("use"), node.get("fixed"), node.get("default")
        if node.get("ref"):
            name, node, document = self._schemas.referred("attribute", node, document)
        else:
            name = document.declared(node, "attributeFormDefault")
        typed = node.get("type") or node.find(XS + "simpleType") is not None
        kind = self._simple_of(node, document, "type") if typed else ANY_SIMPLE
        doc = self._documentation(node, document)
        return Attribute(name, kind, use == "required", default or node.get("default"), fixed or node.get("fixed"), doc)

    # ---- what stands in a complex type
    def _group(self, node: etree._Element, document: Document) -> Group:
        least, most = occurs(node)
        if node.tag == XS + "group":
            _, group, there = self._schemas.referred("group", node, document)
            made = self._group(next(group.iterchildren(XS + "sequence", XS + "choice", XS + "all")), there)
            return made if (least, most) == (1, 1) else Group("sequence", [made], least, most)
        made = Group(local_name(node.tag), [], least, most)  # type: ignore[arg-type]
        for child in node:
            if child.tag == XS + "element":
                made.items.append(self._local(child, document))
            elif child.tag == XS + "any":
                made.items.append(Wildcard(*occurs(child), document.place(child)))
            elif child.tag != XS + "annotation":
                made.items.append(self._group(child, document))
        made.items = [one for one in made.items if one.most != 0]
        return made

    def _local(self, node: etree._Element, document: Document) -> Element | Group:
        """An element where it stands in a type: of its own, or a global one; that one's substitutes are a choice."""
        least, most = occurs(node)
        if not node.get("ref"):
            return self._element(node, document, document.declared(node, "elementFormDefault"), least, most)
        name, head, there = self._schemas.referred("element", node, document)
        if name not in self._substitutes:
            return self._element(head, there, name, least, most)
        names = [name]
        for one in names:  # grows while it is gone through
            names += [other for other in self._substitutes.get(one, ()) if other not in names]
        found = [self._schemas.find("element", one) for one in names]
        usable = [(one, it) for one, it in zip(names, found, strict=True) if it and not is_true(it[0].get("abstract"))]
        return Group("choice", [self._element(*it, one) for one, it in usable], least, most)

    def _element(self, node: etree._Element, document: Document, name: str, least: int = 1, most: int | None = 1) -> Element:
        def find_type() -> Type:
            for child in node.iterchildren(XS + "complexType", XS + "simpleType"):
                if child.tag == XS + "simpleType":
                    return self._simple(child, document)
                if (child, document) not in self._unnamed:
                    made = self._unnamed[child, document] = Complex("", document.place(child))
                    self._fill(made, child, document)
                return self._unnamed[child, document]
            if node.get("type"):
                return self._type(node, document, node.get("type", ""))
            heads = [self.element(document.qname(node, one)) for one in node.get("substitutionGroup", "").split()]
            return heads[0].type if heads and heads[0] else ANY_TYPE

        nillable = is_true(node.get("nillable"))
        doc, place = self._documentation(node, document), document.place(node)
        return Element(name, least, most, nillable, node.get("default"), node.get("fixed"), find_type, place, doc)

    def _documentation(self, node: etree._Element, document: Document) -> str:
        """What the schema says of a declaration, or else of its type."""
        name = node.get("type")
        named = [self._schemas.find(kind, document.qname(node, name)) for kind in _TYPES] if name else []
        nodes = [node, *node.iterchildren(*(XS + kind for kind in _TYPES)), *(one[0] for one in named if one)]
        return next((text for one in nodes if (text := one.findtext(_DOCUMENTATION))), "")
