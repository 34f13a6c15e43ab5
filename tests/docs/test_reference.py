"""docs/reference says what the code does: each page is written from it, and none is stale."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from docs.pages import ROOT
from hub.api.openapi import document
from hub.connector import installed_connectors
from hub.testing.caller_faults import CALLER_FAULTS
from hub.testing.conformance import CHECKS
from hub.testing.wire_faults import FAULTS

PAGES = ("commands", "config", "connectors", "errors", "events", "lint", "mapping", "metrics")
pytestmark = pytest.mark.xdist_group("reference")  # one worker writes the pages, for all tests


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """What docs/generate.py writes now; it is a script and no part of the package."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        from generate import pages
    finally:
        sys.path.pop(0)
    return dict(pages())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_the_code_writes_it(written: dict[str, str], name: str) -> None:
    """`make reference` would change nothing."""
    there = (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")
    assert there == written[f"{name}.md"], f"docs/reference/{name}.md is stale: run `make reference`"


def test_there_is_no_page_beside_them(written: dict[str, str]) -> None:
    """A page whose subject is gone goes too."""
    there = sorted(path.name for path in (ROOT / "docs" / "reference").iterdir())
    assert sorted(written) == [f"{name}.md" for name in PAGES]
    assert there == sorted([*written, "connectors-verified.md"])


def test_what_was_verified_is_what_there_is() -> None:
    """Every connector, check and fault stands in the report, and nothing in it is broken."""
    text = (ROOT / "docs" / "reference" / "connectors-verified.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    heads = [row for row in rows if row[0] in ("| check", "| fault")]
    names = [re.match(r"\| `(\w+)`", row[0]) for row in rows]
    assert [[*row[2:-1], row[-1].removesuffix(" |")] for row in heads] == [installed_connectors()] * 2, "run `make reference`"
    faults = [fault.name for fault in (*FAULTS, *CALLER_FAULTS)]
    assert [one[1] for one in names if one] == [*CHECKS, *faults], "run `make reference`"
    assert "**broken**" not in text


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("config", "| `server.port` | integer ≥ 0, ≤ 65535 | `8080` | port to listen on; 0 takes a free one |"),
        ("config", "| `sources[].schema` | text | required |"),
        ("config", '| `routes.NAME.in_doubt` | resend \\| hold | `"resend"` |'),
        ("connectors", "| `password` | secret | required |"),
        ("commands", "## `hub dead replay`"),
        ("metrics", "| `hub_arrivals_total` | counter | `sender`, `schema`, `outcome` |"),
        ("errors", "| `schema-invalid` | 422 | The message does not fit its schema |"),
        ("errors", "| `too-many-connections` | 503 |"),
        ("errors", "| `not_in_table` |"),
        ("errors", "| `per_day` | more than … messages today |"),
        ("errors", "| `bad_gzip` | the gzip body ends too early;"),
        ("errors", "| `session` | Transient |"),
        ("lint", "| `silent_loss` |"),
        ("mapping", '`{ pad_left: [5, "0"] }`: `"268"` → `"00268"`'),
        ("lint", "| `unknown_source_path` |"),
    ],
)
def test_what_must_be_found_is_found(written: dict[str, str], page: str, said: str) -> None:
    """One of each kind that the generator collects; a generator that finds nothing would never be stale."""
    assert said in written[f"{page}.md"]


def test_every_kind_of_problem_that_the_api_describes_has_its_row(written: dict[str, str]) -> None:
    """What /openapi.json says a caller may meet can be looked up; words of the operator's page are no codes."""
    described = set(re.findall(r"urn:dossier-hub:problem:([a-z-]+)", json.dumps(document("http://hub", None, []))))
    rows = set(re.findall(r"^\| `([a-z-]+)` \| [0-9x]+ \|", written["errors.md"], re.MULTILINE))
    assert len(described) > 10 and described <= rows
    assert "hub/console/words.py" not in written["errors.md"]


def test_every_setting_and_every_command_has_its_meaning(written: dict[str, str]) -> None:
    """No row of a settings table lacks its last cell, and no command lacks an example (but a group's own page)."""
    for page in ("config", "connectors"):
        rows = [line for line in written[f"{page}.md"].splitlines() if line.startswith("| `")]
        assert rows and [row for row in rows if row.endswith("|  |")] == []
    commands = written["commands.md"].split("\n## ")[2:]
    assert [one.splitlines()[0] for one in commands if "Example" not in one] == []


def test_the_starter_is_part_of_the_wheel() -> None:
    """What `hub init` copies is shipped beside the schemas and mappings that it relies on."""
    text = (Path(ROOT) / "pyproject.toml").read_text(encoding="utf-8")
    assert [f'{name} = "hub/home/{name}"' in text for name in ("schemas", "mappings", "starter")] == [True] * 3
