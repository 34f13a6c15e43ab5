"""Reads the files of a WSDL: its inline schemas, what its bindings say of the bodies, and its services, which zeep reads."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from lxml import etree

from hub.errors import BadConfig
from hub.wire.xml import to_bytes
from hub.wire.xsd_files import XS, Files, Schemas, absolute, refused, tag

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = ("{http://schemas.xmlsoap.org/wsdl/soap/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}")
_BINDINGS = tuple(f"{prefix}binding" for prefix in _SOAP)
_MULTIPART = "{http://schemas.xmlsoap.org/wsdl/mime/}multipartRelated"


def collect(files: Files, schemas: Schemas, node: etree._Element, location: str, roots: dict[str, etree._Element]) -> None:
    """The inline schemas of a WSDL and of those that it imports."""
    roots[location] = node
    for part, schema in enumerate(node.iterfind(f"{WSDL}types/{XS}schema")):
        schemas.add(schema, location, part=part + 1)
    for one in node.iterchildren(WSDL + "import"):
        there = absolute(one.get("location") or "", location) if one.get("location") else ""
        if there and there not in roots:
            root = files.root(there, f"{location}:{one.sourceline}")
            if root.tag == XS + "schema":
                schemas.add(root, there)
            else:
                collect(files, schemas, root, there, roots)


def encoded_operations(roots: Mapping[str, etree._Element]) -> set[tuple[str, str]]:
    """The operations (by name of binding) whose bodies are use="encoded". Refuses what no call could be made of."""
    found: set[tuple[str, str]] = set()
    for location, root in roots.items():
        for holder in root.iterchildren(WSDL + "binding", WSDL + "portType"):
            seen: set[str] = set()
            for one in holder.iterchildren(WSDL + "operation"):
                name = one.get("name", "")
                if name in seen:
                    text = f"the operation {name} is there twice (overloaded), which SOAP cannot tell apart"
                    raise refused(f"{location}:{one.sourceline}", "overloaded", text, "rename one of them in the WSDL file")
                seen.add(name)
                if holder.tag == WSDL + "portType" and one.find(WSDL + "input") is None:
                    text = f"the operation {name} has no input (a notification), which is not supported"
                    raise refused(f"{location}:{one.sourceline}", "unsupported", text)
                if (
                    any(binding is not None for binding in map(holder.find, _BINDINGS))
                    and next(one.iter(_MULTIPART), None) is not None
                ):
                    text = f"the operation {name} has messages of several parts (attachments), which are not supported"
                    raise refused(
                        f"{location}:{one.sourceline}", "unsupported", text, "take the operation out of the WSDL file"
                    )
                if any(body.get("use") == "encoded" for prefix in _SOAP for body in one.iter(prefix + "body")):
                    found.add((tag(root.get("targetNamespace", ""), holder.get("name", "")), name))
    return found


class _Transport:
    """Gives zeep the documents, from files and as the hardened parser read them."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def load(self, url: str) -> bytes:
        return to_bytes(self._files.root(str(url)))


def zeep_services(files: Files) -> list[Any]:
    """The services as zeep reads them. Raises BadConfig."""
    from zeep import Settings  # here, because it takes a third of a second
    from zeep.wsdl import Document

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            transport: Any = _Transport(files)
            document = Document(str(files.first), transport, settings=Settings(strict=True, forbid_dtd=True))
        except BadConfig:
            raise
        except Exception as error:  # zeep raises errors of many kinds, AssertionError among them
            raise refused(str(files.first), "wsdl", f"cannot be loaded ({type(error).__name__}: {error})") from None
    dropped = next((str(one.message) for one in told if "zeep" in one.filename), None)
    if dropped is not None:
        raise refused(str(files.first), "wsdl", dropped)
    for schema in document.types.documents:
        for name, kind in schema._types.items():
            kind.hub_name = etree.QName(name)
    return list(document.services.values())
