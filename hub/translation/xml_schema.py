"""Schemas in XML (XSD, WSDL): how their messages are read from bytes, and the JSON Schema of their object form.

The ``x-hub`` object stands as JSON in an ``xs:appinfo`` of the schema. Files that it imports lie in the folder
``schemas/<id>/<version>/``; an ``imports.json`` there says which of them an imported address means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hub.errors import BadConfig, NotParsable, Problem, SchemaInvalid
from hub.message import SchemaRef
from hub.translation.schema import Schema, build_schema
from hub.wire.soap import SECURITY_TAG, Envelope, read_envelope
from hub.wire.soap_around import refuse_credentials, refuse_junk
from hub.wire.wsdl import Wsdl, load_wsdl
from hub.wire.xml import XmlLimits, XmlRefused, parse
from hub.wire.xml_form import XmlForm, XmlForms, XmlMisfit
from hub.wire.xsd import XsdDocument, load_xsd

APPINFO = "urn:dossier-hub:x-hub"
"""The ``source`` of the ``xs:appinfo`` that holds the x-hub object."""
IMPORTS = "imports.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HINT = (
    f'write <xs:annotation><xs:appinfo source="{APPINFO}">{{"role": "source", …}}</xs:appinfo></xs:annotation>, with role '
    "source for what comes in, or partner for what is sent to one"
)


class XmlDocuments:
    """The messages of one schema. With a ``wsdl`` each comes in a SOAP envelope and is told by its operation's element:
    ``{"SubmitDossier": {…}}``. ``files``: all it is made of, the schema itself first; ``imports``: files by the address that
    means them."""

    def __init__(
        self, form: XmlForm | XmlForms, files: tuple[Path, ...], imports: Mapping[str, Path], wsdl: Wsdl | None
    ) -> None:
        self.form = form
        self.files = files
        self.imports = imports
        self.wsdl = wsdl
        headers = [one.input_headers for one in wsdl.operations()] if wsdl else []
        self.headers = frozenset(form.tag for several in headers for form in several.values())
        """Tags of the header blocks that operations declare."""

    def parse(self, body: bytes, max_depth: int) -> Any:
        """The message in these bytes. Raises NotParsable, SchemaInvalid.

        An envelope with credentials in it is refused: only a SOAP door takes them out before anything is stored.
        """
        if self.wsdl is not None:
            return self.object_of(self.envelope(body, max_depth, credentials=False))
        try:
            root = parse(body, limits(body, max_depth))
        except XmlRefused as error:
            raise NotParsable(error.problems) from None
        return self._read(root)

    def envelope(self, body: bytes, max_depth: int, *, credentials: bool = True) -> Envelope:
        """The envelope in these bytes, with nothing in it but header blocks (``credentials`` or none of them) and one message.
        Raises NotParsable."""
        try:
            envelope = read_envelope(body, limits(body, max_depth), understood={SECURITY_TAG, *self.headers})
            refuse_junk(envelope)
            if not credentials:
                refuse_credentials(envelope)
        except XmlRefused as error:
            raise NotParsable(error.problems) from None
        return envelope

    def object_of(self, envelope: Envelope) -> Any:
        """The message in an envelope. Raises NotParsable, SchemaInvalid."""
        if envelope.body is None:
            hint = "send the element of an operation in the envelope's Body"
            raise NotParsable([Problem("/Envelope/Body", "missing", "the envelope holds no message", hint)])
        return self._read(envelope.body)

    def _read(self, element: Any) -> Any:
        try:
            return self.form.read(element)
        except XmlMisfit as error:
            raise SchemaInvalid(error.problems) from None


def limits(body: bytes, max_depth: int) -> XmlLimits:
    """What a body may cost whose size was found good already."""
    return XmlLimits(bytes=len(body), depth=max_depth, text=max(len(body), 1))


def read_xml_schema(ref: SchemaRef, path: Path, shown: str) -> Schema:
    """The schema in this file and those it imports. Raises BadConfig with every problem; OSError."""
    try:
        allowed = _allowed(path)
        loaded = (load_wsdl if path.suffix == ".wsdl" else load_xsd)(path, allow=allowed)
        x_hub = _x_hub(loaded.appinfo(APPINFO), shown)
        documents = _documents(loaded, x_hub.pop("elements", None), allowed, shown)
        derived = documents.form.json_schema()
    except BadConfig as error:
        raise BadConfig(_placed(one, path, shown) for one in error.problems) from None
    name = {"$schema": _DIALECT, "$id": f"urn:dossier-hub:{ref.id}:{ref.version}", "title": str(ref), "x-hub": x_hub}
    document = {**name, **{key: value for key, value in derived.items() if key not in name}}
    return build_schema(ref, document, digest_of(documents.files), shown, documents.parse, documents)


def _documents(loaded: Wsdl | XsdDocument, elements: Any, imports: Mapping[str, Path], shown: str) -> XmlDocuments:
    """All requests of a WSDL; of an XSD the global elements that x-hub names, or all."""
    if isinstance(loaded, Wsdl):
        if elements is not None:
            text = "elements is for XSD: the messages of a WSDL are those of its operations"
            raise BadConfig([Problem("x-hub.elements", "misplaced", text, "leave it out", shown)])
        return XmlDocuments(loaded.inputs(), loaded.files, imports, loaded)
    names = elements if elements is not None else list(loaded.elements())
    if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        text = "says which global elements are messages: a list of at least one name"
        known = ", ".join(loaded.elements()) or "none"
        raise BadConfig([Problem("x-hub.elements", "mistyped", text, f"there are: {known}", shown)])
    form = loaded.form(names[0]) if len(names) == 1 else loaded.forms(names)
    return XmlDocuments(form, loaded.files, imports, None)


def _x_hub(texts: tuple[str, ...], shown: str) -> dict[str, Any]:
    if len(texts) != 1:
        text = "the schema has no x-hub object" if not texts else "the schema has more than one x-hub object"
        raise BadConfig([Problem("x-hub", "missing" if not texts else "written_twice", text, _HINT, shown)])
    try:
        found = json.loads(texts[0])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadConfig([Problem("x-hub", "not_json", "what the appinfo holds is no JSON object", _HINT, shown)])
    return found


def _allowed(path: Path) -> Mapping[str, Path]:
    """Imported addresses and the files that are meant, as ``imports.json`` says."""
    folder = path.with_suffix("")
    listed = folder / IMPORTS
    if not listed.is_file():
        return {}
    try:
        found = json.loads(listed.read_bytes())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(one, str) and "/" not in one for one in found.values()):
        hint = f'write {{"http://host/types.xsd": "types.xsd"}}; the files lie beside {IMPORTS}'
        raise BadConfig([Problem("", "not_json", "is no JSON object of addresses and file names", hint, str(listed))])
    return {address: folder / name for address, name in found.items()}


def _placed(problem: Problem, path: Path, shown: str) -> Problem:
    """The problem with the files of the schema named as those of the catalog are."""
    home = path.parents[2]  # <home>/schemas/<id>/<version>.xsd
    layer = shown.removesuffix(path.relative_to(home).as_posix())

    def mended(text: str) -> str:
        return text.replace(f"{home.resolve()}/", layer).replace(f"{home}/", layer)

    source = mended(problem.source) or shown
    return Problem(problem.at, problem.code, mended(problem.message), mended(problem.hint), source)


def digest_of(files: tuple[Path, ...]) -> str:
    """SHA-256 of a file; of several: of their names and digests."""
    one = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    if len(one) == 1:
        return one[files[0]]
    home = files[0].parent
    named = {path.relative_to(home).as_posix() if path.is_relative_to(home) else path.name: it for path, it in one.items()}
    return hashlib.sha256("".join(f"{it}  {name}\n" for name, it in sorted(named.items())).encode()).hexdigest()
