"""How long a large catalog takes to load, and how much memory: 200 schemas and 300 mappings, in a process of its own.

Its files are copies of the bench's own two schemas and their mapping under other names, so each has the usual size.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Print, median
from benchmarks.processes import ROOT

SCHEMAS = 200
MAPPINGS = 300
_OWN = ROOT / "benchmarks" / "home"
_FILES = {name: (_OWN / name).read_text(encoding="utf-8") for name in (
    "schemas/bench-record/1.0.0.json", "schemas/bench-dossier/1.0.0.json", "mappings/bench-record-to-dossier/1.0.0.yaml"
)}  # fmt: skip


def large_home(folder: Path, schemas: int, mappings: int) -> None:
    """Half of the schemas are sources and half are targets; every mapping has a pair of its own."""
    record, dossier, mapping = _FILES.values()
    half = schemas // 2
    for number in range(half):
        _write(folder / f"schemas/record-{number}/1.0.0.json", record.replace("bench-record", f"record-{number}"))
        _write(folder / f"schemas/dossier-{number}/1.0.0.json", dossier.replace("bench-dossier", f"dossier-{number}"))
    for number in range(mappings):
        source, target = number % half, (number + number // half) % half
        text = mapping.replace("mapping: bench-record-to-dossier", f"mapping: mapping-{number}")
        text = text.replace("bench-record@", f"record-{source}@").replace("bench-dossier@", f"dossier-{target}@")
        _write(folder / f"mappings/mapping-{number}/1.0.0.yaml", text)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def measure(rounds: int, share: float, say: Print) -> None:
    """catalog_load_s and catalog_load_cpu_s, the time of ``Catalog.load``; catalog_load_mb, the most memory of that process
    (VmHWM)."""
    told: list[tuple[float, ...]] = []
    with tempfile.TemporaryDirectory() as name:
        large_home(Path(name), int(SCHEMAS * share), int(MAPPINGS * share))
        for _ in range(rounds):
            command = [sys.executable, "-m", "benchmarks.catalog_load", name]
            answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            told.append(tuple(map(float, answer.split())))
    median(say, "catalog_load_s", [seconds for seconds, _, _ in told], 2)
    median(say, "catalog_load_cpu_s", [cpu for _, cpu, _ in told], 2)
    median(say, "catalog_load_mb", [megabytes for _, _, megabytes in told], 0)


def _load(folder: Path) -> None:
    """In the process of its own: load once, say seconds, processor seconds and megabytes."""
    from hub.translation import Catalog

    began, busy = time.perf_counter(), time.process_time()
    Catalog.load((folder,))
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(seconds, cpu, int(peak.split()[1]) / 1024)


if __name__ == "__main__":
    _load(Path(sys.argv[1]))
