"""Which mapping a command of ``hub map`` is about: one of the catalog, or a draft in a file that no catalog has yet."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from hub.cli.schema import catalog_of
from hub.cli.shell import Shell, plural, printable
from hub.errors import BadConfig, NotFound, Problem
from hub.message import SchemaRef

if TYPE_CHECKING:
    from hub.translation import Catalog
    from hub.translation.mapping import Mapping


class _TestKeys(dict[str, str]):
    """The public key of mapping tests under every name: no secret is read, and what is compared is compared alike."""

    def get(self, name: str, default: object = None) -> Any:
        from hub.translation.text_verbs import PUBLIC_TEST_KEY

        return PUBLIC_TEST_KEY


def catalog_for(shell: Shell) -> Catalog:
    """What can be read of the home's catalog; that there is more, and that it is broken, is said on stderr. Its keys are the
    public one of mapping tests."""
    catalog, problems = catalog_of(shell, _TestKeys())
    if problems:
        shell.note(Text(f"{plural(len(problems), 'problem')} of the catalog passed over: `hub check` tells them", "yellow"))
    return catalog


def find_mapping(catalog: Catalog, wanted: str) -> Mapping:
    """The newest mapping that ``id``, ``id@1`` or ``id@1.0.0`` allows, or what a file ``….yaml`` holds. Raises NotFound,
    BadConfig."""
    if wanted.endswith((".yaml", ".yml")):
        return read_draft(Path(wanted))
    from hub.translation.versions import allows, order

    try:
        ref = SchemaRef.parse(wanted) if "@" in wanted else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="ID@V") from None
    named = [one for one in catalog.mappings() if (one.ref.id == wanted if ref is None else allows(ref, one.ref))]
    if not named:
        there = ", ".join(sorted({one.ref.id for one in catalog.mappings()}))
        raise NotFound(f"no mapping has that name; there are: {there}; a draft is named by its file, ….yaml")
    return max(named, key=lambda one: order(one.ref))


def read_draft(path: Path) -> Mapping:
    """A mapping file wherever it stands; its reference is the one written in it. Raises NotFound, BadConfig."""
    from hub import strictyaml
    from hub.translation.parse import parse_mapping

    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{printable(path)}: {error.strerror}") from None
    document = strictyaml.parse(data, path.name)
    try:
        ref = SchemaRef.parse(f"{document.text('mapping')}@{document.text('version')}")
    except ValueError as error:
        hint = "write mapping: one-stop-to-dossier and version: 1.0.0"
        raise BadConfig([Problem("mapping", "bad_id", "the file does not say which mapping it is", hint, path.name)]) from error
    return parse_mapping(ref, document, hashlib.sha256(data).hexdigest())
