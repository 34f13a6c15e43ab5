"""What a large catalog costs the process that loads it: which packages, how much memory, and what is read again instead."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.catalog_load import large_home
from hub import strictyaml
from hub.translation import Catalog
from hub.translation import mapping as m

HEAVY = (
    "aiohttp", "alembic", "asyncio", "asyncssh", "cryptography", "lxml", "prometheus_client", "psycopg", "pydantic", "rich",
    "sqlalchemy", "typer", "zeep",
)  # fmt: skip
"""What serves other parts of the hub: each takes megabytes and time of every command that only reads a catalog."""
MOST = 8.0
"""Megabytes for 30 schemas and 40 mappings of the usual size: they take 5, and 13 with every validator and parsed file kept."""
ROOT = Path(__file__).parents[2]
CHILD = """
import json, sys
from pathlib import Path
from hub.translation import Catalog

def rss():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024

small, large = map(Path, sys.argv[1:3])
Catalog.load([small])
before = rss()
catalog = Catalog.load([large])
loaded = rss() - before
heavy = [name for name in sys.argv[3:] if name in sys.modules]
kept = []
for mapping in catalog.mappings():
    kept.append(mapping.document)
for ref in catalog.schemas():
    kept.append(catalog.schema(ref)._validator)
with_all = rss() - before
import hub.wire
print(json.dumps([heavy, loaded, with_all, [name for name in sys.argv[3:] if name in sys.modules]]))
"""


def test_a_large_catalog_takes_little(tmp_path: Path) -> None:
    """Loading imports nothing that serves other parts, and keeps neither parsed files nor validators nobody asked for. Both
    measures are seen to tell: what was spared is taken after all in the same process."""
    for name, schemas, mappings in (("small", 2, 2), ("large", 30, 40)):
        large_home(tmp_path / name, schemas, mappings)
    command = [sys.executable, "-c", CHILD, str(tmp_path / "small"), str(tmp_path / "large"), *HEAVY]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    heavy, loaded, with_all, then = json.loads(done.stdout)
    assert heavy == [] and {"aiohttp", "pydantic"} <= {*then}
    assert loaded < MOST < with_all, (loaded, with_all)


def test_what_is_not_kept_is_read_again(home: Any) -> None:
    """A mapping knows the lines of its top by itself, and those of everything in it from its bytes: the file may be gone."""
    home.open_schemas()
    path = home.mapping("tables:\n  t: { A: a }\nset:\n  a: { get: x }\n  b: { get: y, table: t }\n")
    path.write_text(f"# a remark\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    whole = strictyaml.load(path, "mappings/m/1.0.0.yaml")
    catalog: Catalog = home.catalog()
    path.unlink()
    mapping: m.Mapping = catalog.mappings()[0]
    assert mapping.document == whole
    assert mapping.document.at("tables", "t", "A") == "mappings/m/1.0.0.yaml:9"
    assert [mapping.at(name) for name in whole.data] == [whole.at(name) for name in whole.data]
    assert mapping.at() == mapping.at("when") == whole.at() == "mappings/m/1.0.0.yaml:2"
