"""Reads and writes the XML of one element as JSON-like objects, by the rules of its schema.

Children stand under their local names, an element that may come more than once is a list, attributes stand under ``@name``,
text beside them under ``#text``. Booleans and integers are JSON's; every other value stays the text it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from lxml import etree

from hub.errors import Problem, WithProblems
from hub.wire.xml import XSI, XSI_TYPE, local_name, shown_name, to_bytes
from hub.wire.xml_arrays import described
from hub.wire.xml_check import check
from hub.wire.xml_compile import Compiler
from hub.wire.xml_complex import HREF, XOP, is_elsewhere
from hub.wire.xml_form_parts import NIL_KEY, Reading, Steps, TypeForm, Writing
from hub.wire.xml_json_schema import Definitions
from hub.wire.xml_writers import write_nil
from hub.wire.xsd_files import XML_NAMESPACE
from hub.wire.xsd_parts import Element
from hub.wire.xsd_rules import Broken, Rules


class XmlMisfit(WithProblems):
    """XML that does not fit its schema, or an object that cannot be written as such XML.

    Each problem's ``at`` is a JSON pointer in the object form; ``source`` is ``line N`` of the XML when it was read.
    """


class XmlForm:
    """One element: ``name`` is its local name, ``tag`` its ``{namespace}name``."""

    def __init__(self, element: Element, compiler: Compiler, rules: Rules, loose_name: bool = False) -> None:
        self._loose_name = loose_name
        self.tag = element.tag
        self.name = local_name(element.tag)
        self._element = element
        self._nillable = element.nillable
        self._rules = rules
        self._form = compiler.form_of(element.type)
        spaces = dict.fromkeys(name[1 : name.index("}")] for name in _names(element.tag, self._form) if name[:1] == "{")
        self._has_arrays = compiler.has_arrays
        self._nsmap = {f"ns{index}": space for index, space in enumerate(spaces) if space != XML_NAMESPACE}

    def read(self, element: etree._Element, *, lax: bool = False, skipped: list[str] | None = None) -> Any:
        """The element's own content as an object. Raises XmlMisfit with every problem found.

        ``lax`` is for answers of others: unknown elements and attributes and a wrong order are passed over, facets are
        not checked; values that cannot be told from their types are still problems, and nothing is ever made up.
        ``skipped`` is given the places of what was passed over, up to MOST of them, as JSON pointers that end in its name.
        """
        if element.tag != self.tag and not (lax and self._loose_name):
            text = f"the element is not {self.tag}"
            raise XmlMisfit([Problem("", "unknown_element", text, source=f"line {element.sourceline}")])
        if not lax:
            self._check(element)
        reading = Reading(lax, check=lax)
        try:
            obj = self._form.read(element, reading)
        except RecursionError:
            raise _too_deep() from None
        if reading.wrong:
            raise XmlMisfit(self._problem(element, Broken(at, code, text), steps) for at, steps, code, text in reading.wrong)
        if skipped is not None:
            skipped += [_pointer((*self._steps(element, holder), name)) for holder, name in reading.skipped]
        return obj

    def write(self, obj: Any) -> etree._Element:
        """The element with this content. Raises XmlMisfit."""
        element = etree.Element(self.tag, nsmap=self._nsmap)
        writing = Writing()
        if obj is None or (isinstance(obj, dict) and NIL_KEY in obj):
            write_nil(element, obj, self._nillable, (), writing)
        try:
            if obj is not None:
                self._form.write(element, obj, (), writing)
        except RecursionError:
            raise _too_deep() from None
        if writing.wrong:
            raise XmlMisfit(Problem(_pointer(at), code, message) for at, code, message in writing.wrong)
        self._check(element)
        return element

    def write_bytes(self, obj: Any) -> bytes:
        """The element as a document of its own."""
        return to_bytes(self.write(obj))

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema 2020-12 of the object form; named types stand under ``$defs``."""
        definitions = Definitions()
        return definitions.whole(definitions.of(self._form, self._nillable))

    def _check(self, element: etree._Element) -> None:
        checked = element
        if self._has_arrays:
            checked = described(element, self._form)
        elif element.getparent() is not None and element.get(XSI_TYPE) is not None:
            checked = etree.fromstring(etree.tostring(element, with_tail=False))  # the validator sees no prefix from above
        broken = check(self._element, self._form, self._rules, checked)
        if broken:
            raise XmlMisfit(dict.fromkeys(problem for one in broken for problem in self._problems(checked, one)))

    def _problems(self, root: etree._Element, one: Broken) -> list[Problem]:
        if one.attribute and is_elsewhere(one.element, one.attribute):
            return [self._problem(root, Broken(one.element, *HREF))]
        if one.attribute:
            prefix = "@xsi:" if one.attribute.startswith(XSI) else "@"
            return [self._problem(root, one, (prefix + shown_name(local_name(one.attribute)),))]
        if len(one.element) and one.element[0].tag == XOP:
            one = Broken(one.element, "xop", "refers to a part (XOP) that did not come with the message")
        return [self._problem(root, one, one.below)]

    def _problem(self, root: etree._Element, one: Broken, steps: Steps = ()) -> Problem:
        at = _pointer((*self._steps(root, one.element), *steps))
        source = f"line {one.element.sourceline}" if root.sourceline else ""
        return Problem(at, one.code, one.message, one.hint, source)

    def _steps(self, root: etree._Element, element: etree._Element) -> Steps:
        """The way from the root's object to an element's value."""
        chain = [element]
        while chain[0] is not root:
            parent = chain[0].getparent()
            assert parent is not None
            chain.insert(0, parent)
        steps: Steps = ()
        form: TypeForm | None = self._form
        for parent, child in pairwise(chain):
            steps += form.place(parent, child) if form else (shown_name(local_name(child.tag)),)
            form = form.form_below(parent, child) if form else None
        return steps


class XmlForms:
    """Several documents as one: the object form is ``{"<Element>": content}`` with exactly one key."""

    def __init__(self, forms: Iterable[XmlForm]) -> None:
        self.forms = {form.name: form for form in forms}

    def read(self, element: etree._Element, *, lax: bool = False) -> dict[str, Any]:
        """As XmlForm.read, of whichever form the element has. Raises XmlMisfit (code ``unknown_element``)."""
        form = self.forms.get(local_name(element.tag))
        if form is None or form.tag != element.tag:
            hint = f"one of: {', '.join(one.tag for one in self.forms.values())}"
            text = "the element is not one of those that are known"
            raise XmlMisfit([Problem("", "unknown_element", text, hint, f"line {element.sourceline}")])
        try:
            return {form.name: form.read(element, lax=lax)}
        except XmlMisfit as misfit:
            raise XmlMisfit(_below(form.name, misfit.problems)) from None

    def write(self, obj: Any) -> etree._Element:
        """As XmlForm.write. Raises XmlMisfit when the object has not exactly one key that names a form."""
        name = next(iter(obj)) if isinstance(obj, dict) and len(obj) == 1 else None
        if name not in self.forms:
            hint = f"one of: {', '.join(self.forms)}"
            raise XmlMisfit([Problem("", "no_form", "must be an object with one field, the name of the document", hint)])
        try:
            return self.forms[name].write(obj[name])
        except XmlMisfit as misfit:
            raise XmlMisfit(_below(name, misfit.problems)) from None

    def json_schema(self) -> dict[str, Any]:
        """One property for each form, exactly one of them present."""
        definitions = Definitions()
        fields = {name: definitions.of(form._form, form._nillable) for name, form in self.forms.items()}
        one_of = {"oneOf": [{"required": [name]} for name in fields]} if len(fields) > 1 else {"required": list(fields)}
        return definitions.whole({"type": "object", "properties": fields, "additionalProperties": False} | one_of)


def _names(tag: str, form: TypeForm) -> Iterable[str]:
    """Every tag that may stand in an element, which also compiles all types below it."""
    yield tag
    seen, waiting = {id(form)}, [form]
    while waiting:
        form = waiting.pop()
        yield from form.names()
        for one in form.below():
            if id(one) not in seen:
                seen.add(id(one))
                waiting.append(one)


def _too_deep() -> XmlMisfit:
    return XmlMisfit([Problem("", "too_deep", "elements or objects stand in each other too deep")])


def _below(name: str, problems: Iterable[Problem]) -> Iterable[Problem]:
    return (replace(one, at=f"/{name}{one.at}") for one in problems)


def _pointer(steps: Steps) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
