"""Collects schema documents from files, never from the network, and finds their components by name.

A document may name others by a path inside the folder of the first file, or by an address that the caller mapped to a file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin

from lxml import etree

from hub.errors import BadConfig, Problem
from hub.wire.xml import XmlLimits, XmlRefused, parse

XS = "{http://www.w3.org/2001/XMLSchema}"
SOAP_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_HERE = Path(__file__).parent
_OWN = {
    SOAP_ENCODING: _HERE / "soap-encoding.xsd",
    XML_NAMESPACE: _HERE / "xml.xsd",
    "http://www.w3.org/2001/xml.xsd": _HERE / "xml.xsd",
    "https://www.w3.org/2001/xml.xsd": _HERE / "xml.xsd",
}
_LIMITS = XmlLimits(bytes=20 * 1024 * 1024, depth=200, namespaces=1000)
_KINDS = ("element", "complexType", "simpleType", "group", "attributeGroup", "attribute")


def refused(source: str, code: str, message: str, hint: str = "", at: str = "") -> BadConfig:
    """A file that cannot be used: ``source`` is the file, or file and line."""
    return BadConfig([Problem(at, code, message, hint, source)])


class Files:
    """Reads files by location; ``read`` holds what was read, in order."""

    def __init__(self, first: Path, allow: Mapping[str, Path] | None) -> None:
        self.first = first.resolve()
        self._allow = {url: self.first.parent / path for url, path in (allow or {}).items()}
        self._folder = Path(os.path.abspath(first)).parent
        self.read: dict[Path, etree._Element] = {}

    def root(self, location: str, asked_by: str = "") -> etree._Element:
        """The root element of the document there. ``asked_by`` names the file and line that refer to it."""
        path = self._path(location, asked_by or location)
        if path not in self.read:
            try:
                self.read[path] = parse(_content(path), _LIMITS)
            except OSError as error:
                raise refused(asked_by or str(path), "unreadable", f"{path} cannot be read ({_reason(error)})") from None
            except XmlRefused as error:
                raise refused(str(path), error.problems[0].code, error.problems[0].message, at=error.problems[0].at) from None
        return self.read[path]

    def _path(self, location: str, asked_by: str) -> Path:
        if location in _OWN and location not in self._allow:
            return _OWN[location]
        named = self._allow.get(location)
        if named is None and _is_address(location):
            hint = "put the file beside it, or map the address to a file"
            raise refused(asked_by, "address", f"imports {location}, and nothing is fetched from the network", hint)
        given = Path(os.path.normpath(named or unquote(location)))
        folder = self.first.parent
        if named is not None and not any(given.is_relative_to(one) for one in (folder, self._folder)):
            folder = given.parent  # a file elsewhere, which the operator named
        try:
            path, folder = given.resolve(), folder.resolve()
        except (OSError, ValueError, RuntimeError):
            raise refused(asked_by, "unreadable", "imports what is no name of a file") from None
        if path != self.first and not path.is_relative_to(folder):
            raise refused(asked_by, "outside", f"imports {location}, which lies outside {folder}")
        return path


def _content(path: Path) -> bytes:
    """What stands in a file, if it is one: nothing else is waited for or read without end."""
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError("it is no regular file")
        return file.read(_LIMITS.bytes + 1)


def _reason(error: OSError) -> str:
    return str(error) if error.errno is None else type(error).__name__


def absolute(location: str, base: str) -> str:
    """A location as it is meant in the document at ``base``."""
    if _is_address(location):
        return location
    return urljoin(base, location) if _is_address(base) else os.path.normpath(os.path.join(os.path.dirname(base), location))


def _is_address(location: str) -> bool:
    return ":" in location.split("/", 1)[0]


@dataclass(frozen=True, eq=False)
class Document:
    """One xs:schema. ``namespace`` is its target namespace, or that of the document which includes it."""

    node: etree._Element
    location: str
    namespace: str

    def place(self, node: etree._Element) -> str:
        """File and line of a node."""
        return f"{self.location}:{node.sourceline}"

    def qname(self, node: etree._Element, text: str) -> str:
        """A QName in the text of ``node`` as ``{namespace}name``."""
        prefix, _, name = text.strip().rpartition(":")
        if prefix == "xml":
            return f"{{{XML_NAMESPACE}}}{name}"
        namespace = node.nsmap.get(prefix or None)
        if prefix and namespace is None:
            raise refused(self.place(node), "prefix", f"the prefix {prefix} is not declared")
        if namespace is None and not self.node.get("targetNamespace"):
            namespace = self.namespace  # a document without a namespace of its own takes the including one's
        return tag(namespace or "", name)

    def declared(self, node: etree._Element, form_default: str = "") -> str:
        """The name that a node declares: a global one, or a local one in whose schema ``form_default`` may qualify it."""
        qualified = not form_default or node.get("form", self.node.get(form_default)) == "qualified"
        return tag(self.namespace if qualified else "", node.get("name", "").strip())


def tag(namespace: str, name: str) -> str:
    """``{namespace}name``, or the name alone when there is no namespace."""
    return f"{{{namespace}}}{name}" if namespace else name


class Schemas:
    """Every component of every schema document that was added, by kind and ``{namespace}name``."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.documents: dict[tuple[str, str], Document] = {}
        self._found: dict[tuple[str, str], tuple[etree._Element, Document]] = {}

    def add(self, node: etree._Element, location: str, namespace: str = "", part: int = 0) -> None:
        """Adds an xs:schema and all it refers to; ``part`` tells schemas in the same file apart."""
        namespace = node.get("targetNamespace") or namespace
        key = (f"{location}#{part}", namespace)
        if key in self.documents:
            return
        document = self.documents[key] = Document(node, location, namespace)
        for child in node:
            kind = str(child.tag).removeprefix(XS)
            if kind in _KINDS:
                self._found.setdefault((kind, document.declared(child)), (child, document))
            elif kind in ("import", "include"):
                self._follow(child, document, kind)
            elif kind in ("redefine", "override"):
                raise refused(document.place(child), "unsupported", f"xs:{kind} is not supported", "write the whole type")

    @property
    def first(self) -> Document:
        """The document that was added first."""
        return next(iter(self.documents.values()))

    def _follow(self, node: etree._Element, document: Document, kind: str) -> None:
        namespace = node.get("namespace", "") if kind == "import" else document.namespace
        location = node.get("schemaLocation") or (namespace if namespace in _OWN else "")
        if not location:
            return
        location = absolute(location, document.location)
        root = self.files.root(location, document.place(node))
        own = root.get("targetNamespace", "")
        if root.tag != XS + "schema" or (own != namespace and (kind == "import" or own)):
            text = f"{location} is not a schema of the namespace {namespace or '(none)'}"
            raise refused(document.place(node), "namespace", text)
        self.add(root, location, namespace)

    def find(self, kind: str, name: str) -> tuple[etree._Element, Document] | None:
        """The node of a global component and its document."""
        namespace = name[1:].partition("}")[0]
        if namespace in _OWN and not any(one.namespace == namespace for one in self.documents.values()):
            self.add(self.files.root(namespace), namespace)
        return self._found.get((kind, name))

    def referred(self, kind: str, node: etree._Element, document: Document) -> tuple[str, etree._Element, Document]:
        """The component that ``ref`` in a node names. Raises BadConfig."""
        name = document.qname(node, node.get("ref", ""))
        found = self.find(kind, name)
        if found is None:
            raise refused(document.place(node), "unknown", f"the {kind} {name} is in none of the files")
        return name, *found

    def all(self, kind: str) -> Iterator[tuple[str, etree._Element, Document]]:
        """Every global component of a kind."""
        for (its_kind, name), (node, document) in list(self._found.items()):
            if its_kind == kind:
                yield name, node, document

    def appinfo(self, source: str) -> tuple[str, ...]:
        """The texts of xs:appinfo with this source, in the order of the documents."""
        path = f"{XS}annotation/{XS}appinfo"
        found = [node for document in self.documents.values() for node in document.node.iterfind(path)]
        return tuple("".join(map(str, node.itertext())) for node in found if node.get("source") == source)
