"""The yardstick runs whole, says every figure, and compares the mapping with a twin that does the same work."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import homes, mapping, soap
from benchmarks.by_hand import by_hand
from benchmarks.mapping_records import records
from benchmarks.processes import ROOT
from benchmarks.records import SIZE, bodies
from hub.translation import Catalog
from hub.translation.lint import lint_catalog
from hub.wire.soap import write_envelope
from hub.wire.wsdl import load_wsdl

PROMISED = {
    "rest_rate", "rest_cpu_us", "rest_cpu_ratio", "intake_p99_ratio", "mapping_us", "mapping_ratio", "rss_mb", "drain_rate",
    "portal_rate", "intake_capacity", "intake_p99_ms", "floor_p99_ms", "steady_p99_ratio", "sync_us", "body_bytes",
    "translate_us", "soap_rate", "soap_zeep_rate", "soap_rate_ratio", "soap_cpu_us", "soap_cpu_ratio",
    "catalog_load_s", "catalog_load_cpu_s", "catalog_load_mb", "mutation_caught_pct", "mutation_mutants",
}  # fmt: skip


@pytest.mark.timeout(300)
def test_every_figure_is_printed_on_a_line_of_its_own_and_explained(tmp_path: Path) -> None:
    """A tiny run drives hub, floor, destination and portal to the end; the paper names each figure that it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--folder", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    lines = [re.fullmatch(r"bench: ([a-z0-9_]+)=([0-9.]+)", line) for line in ran.stdout.splitlines()]
    assert all(lines), ran.stdout
    figures = {line[1]: float(line[2]) for line in lines if line}
    assert len(figures) == len(lines)
    assert figures.keys() >= PROMISED
    assert [name for name, value in figures.items() if value <= 0] == []
    paper = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [name for name in figures if f"`{re.sub('_(min|max)$', '', name)}`" not in paper] == []
    assert list(tmp_path.iterdir()) == [], "the run leaves nothing behind"


def test_the_twin_by_hand_gives_what_the_mapping_gives() -> None:
    """The same dossier from 2,000 records that fit the schema: the work compared is the same work."""
    chain = mapping.chain()
    assert mapping.rules(chain) == 60
    for record in records(2_000):
        chain.source.validate(record)
        translated = chain.translate(record)
        assert translated is not None
        assert translated.body == by_hand(record)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("HoSo", "SoHoSo", ""), ("HoSo", "TrangThai", "LA"), ("HoSo", "NgaySua", "31/02/2026 10:00:00"), ("ThuTuc", "Ma", "XX"),
        ("NguoiNop", "SoGiayTo", ""), ("CoQuan", "Cap", "HUYEN"), ("HoSo", "Khan", "co"),
    ],
)  # fmt: skip
def test_the_twin_by_hand_refuses_what_the_mapping_refuses(part: str, name: str, value: str) -> None:
    """What is missing, no real date or without a row is refused by both: neither is quick by looking away."""
    record: dict[str, Any] = records(1)[0]
    record[part][name] = value
    problems: list[Any] = []
    mapping.chain().steps[0].run(record, problems, [])
    assert len(problems) == 1
    with pytest.raises((KeyError, ValueError)):
        by_hand(record)


def test_the_bench_s_own_mapping_is_as_sound_as_a_shipped_one() -> None:
    """Lint finds nothing in it and its tests hold."""
    assert lint_catalog(Catalog.load((ROOT / "benchmarks" / "home",))) == []


def test_the_bench_s_own_soap_mapping_is_sound_and_gives_what_the_operation_takes(tmp_path: Path) -> None:
    """Lint finds nothing in it, its tests hold, and each dossier becomes an envelope of about 3 KB and some forty elements."""
    home = homes.soap_home(tmp_path / "home", "http://127.0.0.1:1/soap")
    assert [one for one in lint_catalog(soap.catalog(home)) if "bench-soap" in str(one)] == []
    operation = load_wsdl(homes.SOAP_WSDL).operation("SubmitDossier")
    envelopes = [write_envelope(operation, one["SubmitDossier"], clock=lambda: 0) for one in soap.values(home, soap.VALUES)]
    assert len({soap.canonical(one.decode()) for one in envelopes}) == soap.VALUES
    assert 2_600 < statistics.median(map(len, envelopes)) < 3_400
    assert 40 <= statistics.median(one.count(b"</") - 2 for one in envelopes) <= 50


def test_two_envelopes_are_the_same_when_their_bodies_say_the_same() -> None:
    """Prefixes, the header and how an empty element is written do not matter; a value, an order, a namespace does."""
    frame = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">{}<s:Body>{}</s:Body></s:Envelope>'
    one = frame.format("", '<a:X xmlns:a="urn:a"><a:Y>1</a:Y><a:Z/></a:X>')
    same = frame.format("<s:Header/>", '\n<X xmlns="urn:a"><Y>1</Y><Z></Z></X>\n')
    assert soap.canonical(one) == soap.canonical(same)
    for other in (
        '<X xmlns="urn:a"><Y>2</Y><Z/></X>',
        '<X xmlns="urn:a"><Z/><Y>1</Y></X>',
        '<X xmlns="urn:b"><Y>1</Y><Z/></X>',
        '<X xmlns="urn:a"><Y> 1</Y><Z/></X>',
    ):
        assert soap.canonical(frame.format("", other)) != soap.canonical(one)


def test_the_dossiers_sent_are_large_enough_and_all_different() -> None:
    """About 3 KB each, each another dossier, the same on every machine."""
    made = bodies(1, 1_000)
    assert len({re.search(rb'"dossierNo":"([^"]+)"', body)[1] for body in made}) == 1_000  # type: ignore[index]
    assert min(map(len, made)) >= SIZE
    assert sorted(map(len, made))[500] < 1.2 * SIZE
    assert bodies(501, 500) == made[500:]
