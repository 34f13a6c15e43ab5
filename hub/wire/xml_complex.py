"""Plain values, and types with attributes, child elements and text: XML to JSON values and objects, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from hub.wire.xml import NIL, XSI, XSI_TYPE, local_name, resolved, shown_name
from hub.wire.xml_content import Content
from hub.wire.xml_form_parts import NIL_KEY, TEXT_KEY, TYPE_KEY, Reading, Steps, TypeForm, Writing
from hub.wire.xml_mixed import in_any_order, put_texts, texts_of
from hub.wire.xml_types import Illegal, reader, writer
from hub.wire.xsd_files import refused
from hub.wire.xsd_parts import ANY_SIMPLE, Attribute, Complex, Simple, Type

XOP = "{http://www.w3.org/2004/08/xop/include}Include"
_NO_PART = "refers to a part (XOP) that did not come with the message"
HREF = ("multiref", "refers to an element elsewhere in the message (href), which is not followed")
_BLANK = " \t\r\n"
write_plain = writer(ANY_SIMPLE)


class LeafForm(TypeForm):
    """Text alone."""

    simple: Simple

    def __init__(self, simple: Simple) -> None:
        self.simple = simple
        self._get, self._put = reader(simple), writer(simple)
        self._is_plain = simple.space == "preserve" and simple.name in ("string", "anySimpleType")

    def read(self, element: etree._Element, r: Reading) -> Any:
        if (len(element) or element.attrib) and (is_nil(element) or not _is_leaf(element, r)):
            return None
        text = element.text or ""
        return text if self._is_plain else _got(self._get, text, element, r)

    def write(self, element: etree._Element, value: Any, at: Steps, w: Writing) -> None:
        try:
            element.text = self._put(value) or None  # an empty text is to the validator as no text at all
        except ValueError as error:
            w.not_taken(at, error)


class ComplexForm(TypeForm):
    """Attributes, child elements, and text where the type has it."""

    content: Content

    def __init__(self, kind: Complex, form_of: Callable[[Type], TypeForm]) -> None:
        self.kind, self.form_of, self.simple = kind, form_of, kind.simple

    def compile(self, variants: dict[str, Complex]) -> None:
        """Makes it ready; ``variants`` are the types that may stand for it, by the name that they have in objects."""
        kind = self.kind
        self.content = Content(self.form_of, kind.content)
        if kind.mixed and kind.content is not None and in_any_order(kind.content):
            raise refused(kind.place, "unsupported", "mixed text in xs:all: this is not supported", "use xs:sequence")
        self.variants = variants
        self._labels = {one.global_name: label for label, one in variants.items()}
        self.attributes = {f"@{local_name(name)}": one for name, one in kind.attributes.items()}
        if len(self.attributes) < len(kind.attributes):
            raise refused(kind.place, "unsupported", "two attributes of the same name from different namespaces in one type")
        self._gets = {one.tag: (key, reader(one.type)) for key, one in self.attributes.items()}
        self._puts = [(key, one.tag, writer(one.type)) for key, one in self.attributes.items()]
        self._others = frozenset([*self.attributes, TYPE_KEY, NIL_KEY, *([TEXT_KEY] if kind.simple or kind.mixed else [])])
        self._text = LeafForm(kind.simple) if kind.simple else None
        self.has_texts = kind.mixed and kind.content is not None

    def below(self) -> Iterator[TypeForm]:
        yield from (slot.form for slot in self.content.slots.values())
        yield from (self.form_of(one) for one in self.variants.values())

    def names(self) -> Iterator[str]:
        yield from self.content.slots
        yield from self.kind.attributes

    def place(self, element: etree._Element, child: etree._Element) -> Steps:
        return self.said(element).content.place(element, child)

    def form_below(self, element: etree._Element, child: etree._Element) -> TypeForm | None:
        slot = self.said(element).content.slots.get(child.tag)
        return slot.form if slot else None

    def said(self, element: etree._Element) -> ComplexForm:
        return self._as_said(self._label(element)) if element.attrib else self

    def attribute(self, tag: str) -> Attribute | None:
        return self.kind.attributes.get(tag)

    def _label(self, element: etree._Element) -> str | None:
        """The name of the type that the element says it has, when that is another than the declared one."""
        said = element.get(XSI_TYPE)
        name = resolved(said, element) if said is not None else self.kind.global_name
        return self._labels.get(name, name) if name != self.kind.global_name else None

    def _as_said(self, label: str | None) -> ComplexForm:
        form = self.form_of(self.variants[label]) if label in self.variants else self
        return form if isinstance(form, ComplexForm) else self

    # ---- reading
    def read(self, element: etree._Element, r: Reading) -> Any:
        if not element.attrib:
            return self.read_as(element, {}, r)
        label = self._label(element)
        other = self._as_said(label)
        if label is not None and other is self:
            r.add(element, "bad_type", "says with xsi:type that it is of a type that may not stand here")
        out: dict[str, Any] = {} if label is None else {TYPE_KEY: label}
        if not is_nil(element):
            return other.read_as(element, out, r)
        other._read_attributes(element, out, r)
        return {NIL_KEY: True} | out if out else None

    def read_as(self, element: etree._Element, out: dict[str, Any], r: Reading) -> dict[str, Any]:
        """Reads it as being of this very type."""
        if element.attrib:
            self._read_attributes(element, out, r)
        if self._text is not None:
            if not len(element) or _is_leaf(element, r):
                out[TEXT_KEY] = _got(self._text._get, element.text or "", element, r, TEXT_KEY)
            return out
        if self.kind.mixed:
            texts = texts_of(element)
            if texts:
                out[TEXT_KEY] = texts if self.has_texts else texts[0]
        elif r.lax and element.text and element.text.strip(_BLANK):
            r.skip(element, TEXT_KEY)
        self.content.read(element, out, r)
        return out

    def _read_attributes(self, element: etree._Element, out: dict[str, Any], r: Reading) -> None:
        for name, text in attributes(element):
            known = self._gets.get(name)
            if known is not None:
                out[known[0]] = _got(known[1], text, element, r, known[0])
            elif name.startswith(XSI):
                continue
            elif self.kind.any_attribute:
                out["@" + name] = text
            else:
                _unknown(element, name, r)

    # ---- writing
    def write(self, element: etree._Element, value: Any, at: Steps, w: Writing) -> None:
        if not isinstance(value, dict):
            w.add(at, "mistyped", "must be an object")
            return
        said = value.get(TYPE_KEY)
        if said is None:
            self.write_as(element, value, at, w)
        elif isinstance(said, str) and said in self.variants:
            set_qname(element, XSI_TYPE, self.variants[said].global_name)
            self._as_said(said).write_as(element, value, at, w)
        else:
            w.add((*at, TYPE_KEY), "bad_type", f"must be one of: {', '.join(self.variants) or '(none)'}")

    def write_as(self, element: etree._Element, value: dict[str, Any], at: Steps, w: Writing) -> None:
        """Writes it as being of this very type."""
        taken, others = (TYPE_KEY in value) + (NIL_KEY in value), self._others
        for key, name, put in self._puts:
            if key in value:
                taken += 1
                put_attribute(element, name, value[key], put, (*at, key), w)
        if self.kind.any_attribute:
            extra = [key for key in value if key[:1] == "@" and key not in others]
            others |= frozenset(extra)
            taken += len(extra)
            for key in extra:
                put_attribute(element, key[1:], value[key], write_plain, (*at, key), w)
        has_text = TEXT_KEY in value and (self._text is not None or self.kind.mixed)
        if has_text and self._text is not None:
            self._text.write(element, value[TEXT_KEY], (*at, TEXT_KEY), w)
        self.content.write(element, value, at, w, taken + has_text, others)
        if has_text and self._text is None:
            put_texts(element, value[TEXT_KEY], (*at, TEXT_KEY), w)


def is_nil(element: etree._Element) -> bool:
    """Whether it says that it is null."""
    return (element.get(NIL) or "").strip() in ("true", "1")


def attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    """The attributes by ``{namespace}name``."""
    return iter(element.items())  # type: ignore[arg-type]


def put_attribute(element: etree._Element, name: str, value: Any, put: Callable[[Any], Any], at: Steps, w: Writing) -> None:
    """Sets an attribute to a JSON value."""
    try:
        element.set(name, put(value))
    except ValueError as error:
        w.not_taken(at, error)


def set_qname(element: etree._Element, attribute: str, name: Any) -> None:
    """Sets an attribute to a QName; lxml finds or declares its prefix."""
    element.set(attribute, etree.QName(name))  # type: ignore[arg-type]


def _got(get: Callable[..., Any], text: str, element: etree._Element, r: Reading, *steps: str) -> Any:
    try:
        return get(text, element, r.check)
    except Illegal as error:
        r.add(element, "bad_value", str(error) if text else "is empty, and a default of the schema is not put in", *steps)


def is_elsewhere(element: etree._Element, unknown: str) -> bool:
    """Whether an attribute that the type does not have says that the content is to be found elsewhere."""
    return unknown == "href" and not len(element) and not (element.text or "").strip(_BLANK)


def _is_leaf(element: etree._Element, r: Reading) -> bool:
    """Whether it is a plain value: no child elements, and no attributes but those of the schema language."""
    strange = next((name for name, _ in attributes(element) if not name.startswith(XSI)), None)
    if len(element):
        xop = element[0].tag == XOP
        r.add(element, *(("xop", _NO_PART) if xop else ("not_plain", "must be text without elements")))
    elif element.get("href") is not None:
        r.add(element, *HREF)
    elif strange is not None:
        _unknown(element, strange, r)
        return r.lax
    else:
        return True
    return False


def _unknown(element: etree._Element, attribute: str, r: Reading) -> None:
    """An attribute that the type does not have. In an answer, those of others (xml:lang, SOAP's encoding) say nothing of it."""
    name = "@" + shown_name(local_name(attribute))
    if is_elsewhere(element, attribute):
        r.add(element, *HREF)
    elif not r.lax:
        r.add(element, "unknown_attribute", "is not an attribute of the schema", name)
    elif attribute[0] != "{" and attribute != "id":
        r.skip(element, name)
