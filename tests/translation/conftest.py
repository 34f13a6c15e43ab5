"""A hub home in a temporary folder that tests fill with schemas, tables and mappings as an integrator would."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.errors import BadConfig, Problem, TranslationFailed
from hub.translation import Catalog, Translation

HEAD = """\
mapping: {name}
version: {version}
status: {status}
from: {source}
to: {target}
summary: A mapping of a test.
"""


class Home:
    """Writes the files of a hub home and loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def schema(self, ref: str, properties: dict[str, Any], required: tuple[str, ...] = (), **more: Any) -> Path:
        name, version = ref.split("@")
        x_hub = {"role": "source", **more.pop("x_hub", {})}
        document = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:dossier-hub:{name}:{version}",
            "x-hub": x_hub,
            "type": "object",
            "properties": properties,
            "required": list(required),
            "additionalProperties": False,
            **more,
        }
        return self.write(f"schemas/{name}/{version}.json", json.dumps(document))

    def mapping(
        self,
        body: str,
        ref: str = "m@1.0.0",
        source: str = "in@1.0.0",
        target: str = "out@1.0.0",
        status: str = "stable",
    ) -> Path:
        name, version = ref.split("@")
        head = HEAD.format(name=name, version=version, status=status, source=source, target=target)
        return self.write(f"mappings/{name}/{version}.yaml", head + textwrap.dedent(body))

    def open_schemas(self) -> None:
        """Schemas in@1.0.0 and out@1.0.0 that take any object."""
        self.schema("in@1.0.0", {}, additionalProperties=True)
        self.schema("out@1.0.0", {}, additionalProperties=True)

    def catalog(self, **fetched: Any) -> Catalog:
        return Catalog.load([self.path], **fetched)

    def problems(self) -> list[Problem]:
        with pytest.raises(BadConfig) as caught:
            self.catalog()
        return list(caught.value.problems)

    def translate(self, given: Any) -> Translation | None:
        return self.catalog().chain("in@1", "out@1").translate(given)

    def body(self, given: Any) -> Any:
        result = self.translate(given)
        assert result is not None
        return result.body

    def refused(self, given: Any) -> list[Problem]:
        with pytest.raises(TranslationFailed) as caught:
            self.translate(given)
        return list(caught.value.problems)


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Home]:
    """Makes as many homes as a property test needs."""
    return lambda: Home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def plain(home: Home) -> Home:
    """A home whose schemas in@1.0.0 and out@1.0.0 take any object."""
    home.open_schemas()
    return home
