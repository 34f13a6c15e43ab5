"""Makes the form of each type once; the form of content of any type."""

from __future__ import annotations

from typing import Any

from lxml import etree

from hub.wire.xml import XSI, XSI_TYPE, resolved, shown_name
from hub.wire.xml_arrays import ArrayForm
from hub.wire.xml_complex import (
    ComplexForm,
    LeafForm,
    attributes,
    is_nil,
    put_attribute,
    set_qname,
    write_plain,
)
from hub.wire.xml_content import as_text
from hub.wire.xml_form_parts import ANY_KEY, NIL_KEY, NOT_KNOWN, TEXT_KEY, TYPE_KEY, Reading, Steps, TypeForm, Writing
from hub.wire.xml_mixed import put_texts, texts_of
from hub.wire.xml_writers import write_any
from hub.wire.xsd_files import XS
from hub.wire.xsd_model import Model
from hub.wire.xsd_parts import ANY_SIMPLE, ANY_TYPE, ARRAY, Complex, Simple, Type


class Compiler:
    """The forms of all types of a schema."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._made: dict[Type, TypeForm] = {}

    @property
    def has_arrays(self) -> bool:
        """Whether there are SOAP arrays, in the forms made so far or in others that an element may say it has."""
        return any(isinstance(one, ArrayForm) for one in self._made.values()) or bool(self.model.derived(Complex(ARRAY)))

    def form_of(self, kind: Type) -> TypeForm:
        """The form of a type."""
        if kind not in self._made:
            if isinstance(kind, Simple):
                self._made[kind] = LeafForm(kind)
            elif kind is ANY_TYPE:
                self._made[kind] = AnythingForm(self)
            elif kind.item is not None:
                self._made[kind] = ArrayForm(self.form_of, kind)
            elif kind.simple is not None and not kind.attributes and not kind.any_attribute:
                self._made[kind] = LeafForm(kind.simple)
            else:
                made = self._made[kind] = ComplexForm(kind, self.form_of)
                made.compile(self.model.derived(kind))  # after it is known: a type may hold itself
        return self._made[kind]


class AnythingForm(TypeForm):
    """xs:anyType: text, or an object that says its type (xsi:type), or else the elements as texts of XML."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler

    def _named(self, name: str) -> TypeForm | None:
        """The form of a global or built-in type, if there is one of that name."""
        kind = self._compiler.model.find_type(name)
        return self._compiler.form_of(kind) if kind is not None and kind is not ANY_TYPE else None

    def said(self, element: etree._Element) -> TypeForm:
        said = element.get(XSI_TYPE)
        return (self._named(resolved(said, element)) if said else None) or self

    def read(self, element: etree._Element, r: Reading) -> Any:
        if is_nil(element):
            return None
        said = element.get(XSI_TYPE)
        name = resolved(said, element) if said else ""
        form = self._named(name)
        if form is not None:
            label = "xs:" + name.removeprefix(XS) if name.startswith(XS) else name
            if isinstance(form, ComplexForm):
                return form.read_as(element, {TYPE_KEY: label}, r)
            return {TYPE_KEY: label, TEXT_KEY: form.read(element, r)}
        if name not in ("", ANY_TYPE.global_name):
            r.add(element, "bad_type", "says with xsi:type that it is of a type the schema does not have")
        out: dict[str, Any] = {"@" + key: text for key, text in attributes(element) if not key.startswith(XSI)}
        if not len(element) and not out:
            return element.text or ""
        texts = texts_of(element)
        found = {TEXT_KEY: texts, ANY_KEY: [as_text(child) for child in element]}
        return out | {key: value for key, value in found.items() if value}

    def write(self, element: etree._Element, value: Any, at: Steps, w: Writing) -> None:
        if not isinstance(value, dict):
            LeafForm(ANY_SIMPLE).write(element, value, at, w)
            return
        said = str(value.get(TYPE_KEY, ""))
        name = XS + said[3:] if said.startswith("xs:") else said
        form = self._named(name)
        if form is not None:
            set_qname(element, XSI_TYPE, name)
            if isinstance(form, ComplexForm):
                form.write_as(element, value, at, w)
            else:
                form.write(element, value.get(TEXT_KEY), (*at, TEXT_KEY), w)
            return
        if said:
            w.add((*at, TYPE_KEY), "bad_type", "must be the name of a type: xs:… or {namespace}name")
        for key in value:
            if key[:1] == "@" and key not in (NIL_KEY, TYPE_KEY):
                put_attribute(element, key[1:], value[key], write_plain, (*at, key), w)
            elif key not in (ANY_KEY, TEXT_KEY, NIL_KEY, TYPE_KEY):
                w.add((*at, shown_name(key)), *NOT_KNOWN)
        write_any(element, value, at, w)
        if TEXT_KEY in value:
            put_texts(element, value[TEXT_KEY], (*at, TEXT_KEY), w)

    def place(self, element: etree._Element, child: etree._Element) -> Steps:
        said = self.said(element)
        if said is self:
            return (ANY_KEY, element.index(child))
        return said.place(element, child) if isinstance(said, ComplexForm) else (TEXT_KEY, *said.place(element, child))

    def form_below(self, element: etree._Element, child: etree._Element) -> TypeForm | None:
        said = self.said(element)
        return None if said is self else said.form_below(element, child)
