"""Finds and reads the files of a catalog in its layers: the first that has a file wins, every broken one is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hub import strictyaml
from hub.errors import BadConfig, Problem
from hub.message import SchemaRef
from hub.translation.mapping import Mapping
from hub.translation.parse import parse_mapping
from hub.translation.schema import Schema, build_schema
from hub.translation.tables import CodeTable, parse_table
from hub.translation.versions import is_full

T = TypeVar("T")
SCHEMA_SUFFIXES = (".json", ".wsdl", ".xsd")
CAME_WITH_THE_HUB = "hub"


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the catalog: its reference, where it is, and the name shown in problems."""

    ref: SchemaRef
    path: Path
    shown: str


def read_schemas(layers: Sequence[Path], problems: list[Problem]) -> dict[SchemaRef, Schema]:
    """All ``schemas/<id>/<version>.json``, ``.wsdl`` and ``.xsd``."""
    return _read(_find(layers, "schemas", SCHEMA_SUFFIXES, problems), _schema, problems)


def read_tables(layers: Sequence[Path], problems: list[Problem]) -> dict[SchemaRef, CodeTable]:
    """All ``mappings/tables/<id>/<version>.yaml``."""
    return _read(_find(layers, "mappings/tables", (".yaml",), problems), _from_yaml(parse_table), problems)


def read_mappings(layers: Sequence[Path], problems: list[Problem]) -> dict[SchemaRef, Mapping]:
    """All ``mappings/<id>/<version>.yaml``."""
    return _read(_find(layers, "mappings", (".yaml",), problems), _from_yaml(parse_mapping), problems)


def shown_name(layers: Sequence[Path], layer: int, relative: str) -> str:
    """Files of the first layer are named from that home, those of the last, which came with the hub, as ``hub:…``, those
    between by their folder's name: senders see it in the reasons of a kept arrival, and no path of the server's is theirs."""
    folder = "" if layer == 0 else f"{CAME_WITH_THE_HUB if layer == len(layers) - 1 else layers[layer].name}:"
    return folder + relative


def _find(layers: Sequence[Path], folder: str, suffixes: Sequence[str], problems: list[Problem]) -> Iterator[Found]:
    seen: dict[SchemaRef, int] = {}
    for index, home in enumerate(layers):
        for path in sorted(path for suffix in suffixes for path in (home / folder).glob(f"*/*{suffix}")):
            if path.parent.name == "tables" or path.name.startswith("."):
                continue
            shown = shown_name(layers, index, path.relative_to(home).as_posix())
            version = path.name.removesuffix(path.suffix)
            try:
                ref = SchemaRef.parse(f"{path.parent.name}@{version}")
            except ValueError:
                ref = None
            if ref is None or not is_full(version):
                message = "the file's name is not <id>/<major>.<minor>.<patch>" + path.suffix
                problems.append(Problem(shown, "bad_name", message, "rename the file", shown))
            elif ref not in seen:
                seen[ref] = index
                yield Found(ref, path, shown)
            elif seen[ref] == index:
                message = "another file of the folder has the same name and version"
                problems.append(Problem(shown, "two_files", message, "keep one of them", shown))


def _read(found: Iterator[Found], read: Callable[[Found, bytes], T], problems: list[Problem]) -> dict[SchemaRef, T]:
    whole: dict[SchemaRef, T] = {}
    for file in found:
        try:
            whole[file.ref] = read(file, file.path.read_bytes())
        except OSError as error:
            problems.append(Problem("", "unreadable", f"the file cannot be read: {error.strerror}", source=file.shown))
        except BadConfig as error:
            problems += error.problems
    return whole


def _schema(file: Found, data: bytes) -> Schema:
    if file.path.suffix != ".json":
        from hub.translation.xml_schema import read_xml_schema  # what reads XML is loaded where there is some

        return read_xml_schema(file.ref, file.path, file.shown)
    try:
        document = json.loads(data, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as error:
        where = f"{file.shown}:{error.lineno}"
        raise BadConfig([Problem("", "not_json", f"the file is not JSON: {error.msg}", source=where)]) from error
    except (ValueError, RecursionError) as error:
        raise BadConfig([Problem("", "not_json", f"the file is not usable JSON: {error}", source=file.shown)]) from error
    return build_schema(file.ref, document, hashlib.sha256(data).hexdigest(), file.shown)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"a key is written twice: {', '.join(twice)}")
    return whole


def _from_yaml(parse: Callable[[SchemaRef, strictyaml.Document, str], T]) -> Callable[[Found, bytes], T]:
    return lambda file, data: parse(file.ref, strictyaml.parse(data, file.shown), hashlib.sha256(data).hexdigest())
