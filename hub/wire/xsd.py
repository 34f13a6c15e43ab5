"""Loads stand-alone schema files (XSD), with the files they include or import, never from the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from hub.wire.xml import local_name
from hub.wire.xml_compile import Compiler
from hub.wire.xml_form import XmlForm, XmlForms
from hub.wire.xsd_files import XS, Files, Schemas, refused
from hub.wire.xsd_model import Model
from hub.wire.xsd_rules import Rules


class Forms:
    """Makes the forms of elements of one set of schemas, each once."""

    def __init__(self, schemas: Schemas) -> None:
        self._model = Model(schemas)
        self._compiler = Compiler(self._model)
        self._rules = Rules(schemas)
        self._made: dict[str, XmlForm] = {}
        self._source = str(schemas.files.first)

    def of(self, tag: str, loose_name: bool = False) -> XmlForm:
        """The form of a global element; with ``loose_name`` lax reading takes an element of any name. Raises BadConfig."""
        if tag not in self._made:
            element = self._model.element(tag)
            if element is None:
                raise refused(self._source, "unknown_element", f"there is no global element {tag}")
            try:
                self._made[tag] = XmlForm(element, self._compiler, self._rules, loose_name)
            except RecursionError:
                raise refused(element.place, "unsupported", f"the type of {tag} holds itself without end") from None
        return self._made[tag]


class XsdDocument:
    """A schema file and all it refers to. ``files``: every file that was read, the first one first."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._names = tuple(
            name for name, _, document in schemas.all("element") if document.namespace == schemas.first.namespace
        )
        forms = Forms(schemas)
        self._forms = {name: forms.of(name) for name in self._names}
        self._of = forms.of
        self.files: tuple[Path, ...] = tuple(schemas.files.read)

    def elements(self) -> tuple[str, ...]:
        """Local names of the global elements of the first file's target namespace, in its order."""
        return tuple(local_name(name) for name in self._names)

    def form(self, name: str) -> XmlForm:
        """The form of a global element, by local name or ``{namespace}name``. Raises BadConfig, which lists what there is."""
        found = next((one for one in self._forms.values() if name in (one.name, one.tag)), None)
        if found is not None:
            return found
        if name.startswith("{"):
            return self._of(name)
        hint = f"there is: {', '.join(self.elements()) or '(none)'}"
        raise refused(str(self.files[0]), "unknown_element", f"there is no global element {name}", hint)

    def forms(self, names: Iterable[str] | None = None) -> XmlForms:
        """Several of them (all of ``elements()`` when not said) as one."""
        return XmlForms(self.form(name) for name in (self.elements() if names is None else names))

    def appinfo(self, source: str) -> tuple[str, ...]:
        """The texts of ``xs:appinfo`` with this source in the annotations of the schema, of the first file first."""
        return self._schemas.appinfo(source)


def load_xsd(path: Path, *, allow: Mapping[str, Path] | None = None) -> XsdDocument:
    """Reads a schema file. ``allow``: addresses that imports may name, and the files that stand for them. Raises BadConfig."""
    files = Files(path, allow)
    root = files.root(str(files.first))
    if root.tag != XS + "schema":
        raise refused(str(path), "not_a_schema", "is no XML schema: its root is not xs:schema of 2001")
    schemas = Schemas(files)
    schemas.add(root, str(files.first))
    return XsdDocument(schemas)
