"""The graph: pins, two mappings for one edge, ways not taken, and what becomes of each field on a way."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.errors import BadConfig, SchemaInvalid, TranslationFailed
from hub.message import SchemaRef
from hub.translation import Catalog
from hub.translation.way_report import WayReport, other_ways, report
from hub.translation.ways import two_mappings

ANY = {"additionalProperties": True}


def pins(*texts: str) -> tuple[SchemaRef, ...]:
    return tuple(map(SchemaRef.parse, texts))


@pytest.fixture
def graph(home: Any) -> Any:
    """in → mid → out, in → out directly in two versions, and a rival of that."""
    for ref in ("in@1.0.0", "mid@1.0.0", "out@1.0.0", "out@1.1.0"):
        home.schema(ref, {}, **ANY)
    home.mapping("set: { way: { value: up } }\n", ref="up@1.0.0", target="mid@1.0.0")
    home.mapping("set: { way: { value: on } }\n", ref="on@1.0.0", source="mid@1.0.0", target="out@1.0.0")
    home.mapping("set: { way: { value: direct 1 } }\n", ref="direct@1.0.0")
    home.mapping("set: { way: { value: direct 2 } }\n", ref="direct@1.1.0")
    home.mapping("set: { way: { value: rival } }\n", ref="rival@1.0.0")
    return home


def test_a_pin_takes_exactly_these_mappings(graph: Any) -> None:
    """Ambiguous without a pin; with one the way named is taken, each mapping in the newest version allowed."""
    catalog = graph.catalog()
    with pytest.raises(BadConfig, match="via"):
        catalog.chain("in@1", "out@1")
    for via, made in (
        (("direct@1",), "direct 2"), (("direct@1.0.0",), "direct 1"), (("rival@1",), "rival"), (("up@1", "on@1"), "on"),
    ):  # fmt: skip
        chain = catalog.chain("in@1", "out@1", pins(*via))
        assert chain.translate({}).body == {"way": made}
        assert len(chain.mappings) == len(via)
    assert catalog.chain("in@1", "out@1", pins("rival@1")).digest != catalog.chain("in@1", "out@1", pins("direct@1")).digest


@pytest.mark.parametrize(
    ("via", "code", "said"),
    [
        (["gone@1"], "unknown_mapping", "gone@1"),
        (["dirct@1"], "unknown_mapping", "did you mean direct"),
        (["direct@2"], "unknown_mapping", "direct@2"),
        (["on@1"], "pin_leads_nowhere", "has come to in@1.0.0, but on@1 takes mid@1.0.0"),
        (["up@1", "direct@1"], "pin_leads_nowhere", "has come to mid@1.0.0"),
        (["up@1"], "pin_leads_nowhere", "ends at mid@1.0.0, not at out@1"),
    ],
)
def test_a_pin_that_does_not_lead_there_says_where_it_breaks(graph: Any, via: list[str], code: str, said: str) -> None:
    """The mapping that is not known, the place where the way breaks off, or the wrong end."""
    with pytest.raises(BadConfig) as caught:
        graph.catalog().chain("in@1", "out@1", pins(*via))
    (problem,) = caught.value.problems
    assert problem.code == code and said in str(problem)


def test_a_pin_may_be_of_use_to_each_version_of_a_schema(home: Any) -> None:
    """`m@1` goes by 1.0.0 from in@1.0.0 and by 1.1.0 from in@1.1.0; the newest version of the target is reached."""
    for ref in ("in@1.0.0", "in@1.1.0", "out@1.0.0", "out@1.1.0"):
        home.schema(ref, {}, **ANY)
    home.mapping("set: { a: { value: 0 } }\n", ref="m@1.0.0", source="in@1.0.0", target="out@1.0.0")
    home.mapping("set: { a: { value: 1 } }\n", ref="m@1.1.0", source="in@1.1.0", target="out@1.1.0")
    home.mapping("set: { a: { value: 2 } }\n", ref="m@1.2.0", source="in@1.1.0", target="out@1.0.0")
    catalog = home.catalog()
    ends = {start: catalog.chain(start, "out@1", pins("m@1")) for start in ("in@1.0.0", "in@1.1.0")}
    assert [str(chain.target.ref) for chain in ends.values()] == ["out@1.0.0", "out@1.1.0"]
    assert [str(chain.mappings[0]) for chain in ends.values()] == ["m@1.0.0", "m@1.1.0"]


def test_two_mappings_for_one_edge_are_named_with_both_places(graph: Any) -> None:
    """File and line of both; none for one that is deprecated, a draft, or that a route pins."""
    (problem,) = two_mappings(graph.catalog().edges())
    assert (problem.at, problem.code) == ("rival@1.0.0", "two_mappings")
    assert problem.source == "mappings/rival/1.0.0.yaml:4" and "mappings/direct/1.1.0.yaml:4" in problem.message
    assert not list(two_mappings(graph.catalog().edges(), {"direct"}))
    for status in ("draft", "deprecated"):
        graph.mapping("set: { way: { value: rival } }\n", ref="rival@1.0.0", status=status)
        assert not list(two_mappings(graph.catalog().edges()))
        assert graph.body({}) == {"way": "direct 2"}


def test_each_way_not_taken_has_its_reason(graph: Any) -> None:
    """Older, deprecated, longer, an older end, as good as another, or another is pinned."""

    def reasons(taken: Any, wanted: str = "out@1") -> dict[str, str]:
        ways = other_ways(catalog, SchemaRef.parse("in@1.0.0"), SchemaRef.parse(wanted), taken)
        return {" ".join(str(step.mapping.ref) for step in one.steps): one.why for one in ways}

    catalog = graph.catalog()
    assert reasons(()) == {
        "direct@1.0.0": "direct@1.1.0 is newer than direct@1.0.0", "direct@1.1.0": "", "rival@1.0.0": "",
        "up@1.0.0 on@1.0.0": "it has 2 steps, the way taken 1",
    }  # fmt: skip
    pinned = reasons(catalog.chain("in@1", "out@1", pins("rival@1")).steps)
    assert pinned["direct@1.1.0"] == "another is pinned" and "rival@1.0.0" not in pinned
    graph.mapping("set: { way: { value: rival } }\n", ref="rival@1.0.0", status="deprecated")
    graph.mapping("set: { way: { value: new } }\n", ref="newer@1.0.0", target="out@1.1.0")
    catalog = graph.catalog()
    found = reasons(catalog.chain("in@1", "out@1").steps)
    assert found["rival@1.0.0"] == "rival@1.0.0 is deprecated, direct@1.1.0 is stable"
    assert found["direct@1.1.0"] == "it ends at out@1.0.0, an older version than out@1.1.0"


def way(home: Any, *via: str) -> list[str]:
    return list(map(str, home.catalog().chain("in@1", "out@1", pins(*via)).mappings))


@pytest.fixture
def status(home: Any) -> Any:
    """A stable way from in to out@1.0.0 through mid, and a function that adds a mapping of some status."""
    for ref in ("in@1.0.0", "mid@1.0.0", "out@1.0.0", "out@1.1.0"):
        home.schema(ref, {}, **ANY)
    home.mapping("set: { a: { value: 1 } }\n", ref="m@1.0.0", target="mid@1.0.0")
    home.mapping("set: { a: { value: 1 } }\n", ref="n@1.0.0", source="mid@1.0.0", target="out@1.0.0")

    def add(ref: str, status: str, source: str, target: str) -> None:
        home.mapping("set: { a: { value: 2 } }\n", ref=ref, status=status, source=source, target=target)

    return add


@pytest.mark.parametrize("name", ["draft", "deprecated"])
def test_stable_mappings_go_before_a_newer_target_and_a_shorter_way(home: Any, status: Any, name: str) -> None:
    """Of the same mapping and of another; nor does the pin of a major version take it."""
    status("n@1.1.0", name, "mid@1.0.0", "out@1.1.0")
    assert way(home) == way(home, "m@1", "n@1") == ["m@1.0.0", "n@1.0.0"]
    status("short@1.0.0", name, "in@1.0.0", "out@1.1.0")
    assert way(home) == ["m@1.0.0", "n@1.0.0"]
    assert way(home, "m@1", "n@1.1.0") == ["m@1.0.0", "n@1.1.0"]
    catalog = home.catalog()
    reasons = [one.why for one in other_ways(catalog, *pins("in@1.0.0", "out@1"), catalog.chain("in@1", "out@1").steps)]
    assert len(reasons) == 2 and all(name in one for one in reasons)


def test_a_deprecated_mapping_is_used_where_nothing_else_leads(home: Any, status: Any) -> None:
    """And no draft, be it the only one: it is named with what to write, also where a pin would have to take it."""
    status("n@1.0.0", "deprecated", "mid@1.0.0", "out@1.0.0")
    status("short@1.0.0", "draft", "in@1.0.0", "out@1.0.0")
    assert way(home) == ["m@1.0.0", "n@1.0.0"]
    status("n@1.0.0", "draft", "mid@1.0.0", "out@1.0.0")
    for via, code in (((), "no_mapping"), (("short@1",), "pin_leads_nowhere"), (("m@1", "n@1.0"), "pin_leads_nowhere")):
        with pytest.raises(BadConfig, match="status: stable") as caught:
            way(home, *via)
        (problem,) = caught.value.problems
        assert problem.code == code and ("n@1.0.0" if "m@1" in via else "short@1.0.0") in problem.hint
    catalog = home.catalog()
    taken = catalog.chain("in@1", "out@1", pins("short@1.0.0"))
    assert list(map(str, taken.mappings)) == ["short@1.0.0"]
    (other,) = other_ways(catalog, *pins("in@1.0.0", "out@1"), taken.steps)
    assert "n@1.0.0 is a draft" in other.why


def test_very_many_ways_are_told_by_three(home: Any) -> None:
    """Eleven times three ways to choose from: found at once, and the error stays short."""
    home.schema("in@1.0.0", {}, **ANY)
    before = "in@1.0.0"
    for number in range(11):
        after = f"s{number}@1.0.0"
        home.schema(after, {}, **ANY)
        for letter in "abc":
            home.schema(f"{letter}{number}@1.0.0", {}, **ANY)
            home.mapping("set: { a: { value: 1 } }\n", f"i{letter}{number}@1.0.0", before, f"{letter}{number}@1.0.0")
            home.mapping("set: { a: { value: 1 } }\n", f"o{letter}{number}@1.0.0", f"{letter}{number}@1.0.0", after)
        before = after
    catalog = home.catalog()
    with pytest.raises(BadConfig) as caught:
        catalog.chain("in@1", "s10@1")
    (problem,) = caught.value.problems
    assert problem.code == "ambiguous" and problem.message.count(" or ") == 3 and len(problem.message) < 2000
    found = other_ways(catalog, *pins("in@1.0.0", "s10@1"), ())
    assert len(found) == 50 and {one.why for one in found} == {""}


_UP = """\
when: { present: kind }
tables: { t: { by: [kind, sub], rows: [[a, b, x]] } }
set:
  code: { get: code, apply: [trim] }
  person: { get: person }
  name: { join: [first, last], with: " " }
  mail: { first_of: [mail, old_mail], optional: true }
  state: { table: t }
  items: { each: files, where: { present: shown }, set: { title: { get: name }, by: { get: $.first }, old: { value: n } } }
  mark: { when: { equals: { kind: a } }, then: { value: A }, else: { get: fallback } }
  note: { get: note, default: none }
ignore: [secret, files.size]
"""
_ON = """\
set:
  Code: { get: code }
  Card: { get: person.card }
  Name: { get: name, default: "" }
  Items: { each: items, set: { Title: { get: title }, Of: { get: of, default: x } } }
  Empty: { each: nothing, set: { Never: { get: a, default: y } } }
  Fax: { get: fax, default: "-" }
  Mark: { get: mark }
ignore: [state, mail, note, person.rest, items.by, items.old]
"""


def followed(home: Any) -> WayReport:
    text = {"type": "string"}
    item = {"type": "object", "properties": {"name": text, "shown": text, "size": text}}
    person = {"type": "object", "properties": {"card": text, "rest": {"type": "object", "properties": {"a": text, "b": text}}}}
    names = ("code", "first", "last", "mail", "old_mail", "kind", "sub", "fallback", "note", "secret")
    home.schema("in@1.0.0", {**{name: text for name in names}, "person": person, "files": {"type": "array", "items": item}})
    made = {"type": "object", "properties": {"title": text, "by": text, "old": text, "of": text}}
    names = ("code", "name", "mail", "state", "mark", "note", "fax")
    lists = {"items": {"type": "array", "items": made}, "nothing": {"type": "array", "items": {"properties": {"a": text}}}}
    home.schema("mid@1.0.0", {**{name: text for name in names}, "person": person, **lists})
    out = {"type": "array", "items": {"type": "object", "properties": {"Title": text, "Of": text, "Never": text}}}
    names = ("Code", "Card", "Name", "Fax", "Mark", "Spare")
    home.schema("out@1.0.0", {**{name: text for name in names}, "Items": out, "Empty": out})
    home.mapping(_UP, ref="up@1.0.0", target="mid@1.0.0")
    home.mapping(_ON, ref="on@1.0.0", source="mid@1.0.0")
    chain = home.catalog().chain("in@1", "out@1")
    return report(chain.source.shape, chain.target.shape, chain.steps)


def test_each_field_is_followed_to_its_end(home: Any) -> None:
    """Through get, join, first_of, each and when, with what stands below; or it is lost, said where and why."""
    found = followed(home)
    assert {".".join(path): [".".join(end) for end in ends] for path, ends in found.reaches} == {
        "code": ["Code"], "first": ["Name"], "last": ["Name"], "fallback": ["Mark"], "person.card": ["Card"],
        "files.name": ["Items.Title"],
    }  # fmt: skip
    lost = {".".join(one.path): (one.by, one.why, one.where.rpartition("/")[2]) for one in found.lost}
    ignored, decides = "ignored on purpose", "it only decides what is set"
    up, on = "1.0.0.yaml:18", "1.0.0.yaml:15"
    assert lost == {
        "mail": ("on@1.0.0", ignored, on), "old_mail": ("on@1.0.0", ignored, on), "note": ("on@1.0.0", ignored, on),
        "person.rest": ("on@1.0.0", ignored, on), "kind": ("on@1.0.0", ignored, on), "sub": ("on@1.0.0", ignored, on),
        "secret": ("up@1.0.0", ignored, up), "files.size": ("up@1.0.0", ignored, up),
        "files.shown": ("up@1.0.0", decides, "1.0.0.yaml:15"),
    }  # fmt: skip


def test_what_is_given_is_told_apart_from_what_nothing_fills(home: Any) -> None:
    """A default of any step, a constant; ``always`` where nothing of the source comes there; no item, no default in it."""
    found = followed(home)
    assert {(".".join(one.path), one.kind, one.value, one.by, one.always) for one in found.given} == {
        ("Mark", "constant", "A", "up@1.0.0", False), ("Name", "default", "", "on@1.0.0", False),
        ("Items.Of", "default", "x", "on@1.0.0", True), ("Fax", "default", "-", "on@1.0.0", True),
    }  # fmt: skip
    assert {".".join(path) for path in found.decides} == {"kind", "files.shown"}
    assert [".".join(path) for path in found.unset] == ["Spare", "Items.Never", "Empty"]
    assert found.counted() == {"lost": 9, "default": 3, "constant": 1}


_GIVES = """\
set:
  a: { value: at_counter }
  b: { when: { present: x }, then: { value: one }, else: { value: two } }
  c: { value: left }
  items: { each: l, set: { k: { value: paper }, n: { get: n } } }
  d: { get: x, default: none }
  e: { value: own, apply: [upper] }
  group: { get: group, optional: true }
"""
_TAKES = """\
tables:
  t: { at_counter: "0", paper: "1" }
set:
  A: { get: a, table: t }
  B: { get: b, apply: [upper] }
  C: { join: [c, d], with: "-" }
  Items: { each: items, set: { K: { get: k, table: t } } }
  D: { when: { present: a }, then: { get: d } }
  H: { get: c, apply: [{ keyed_hash: k }] }
  E: { get: e }
  Group: { get: group, optional: true }
"""


def test_a_written_value_is_followed_through_later_verbs_and_tables(home: Any) -> None:
    """It is told as what comes of it at the end, or as one that may change; of two for one place neither is there always. What
    the target does not define does not come there."""
    text = {"type": "string"}
    item = {"type": "array", "items": {"type": "object", "properties": {"k": text, "n": text}}}
    group = {"type": "object", "properties": {"p": text, "q": text}}
    home.schema("in@1.0.0", {"x": text, "l": item, "group": group})
    home.schema("mid@1.0.0", {**dict.fromkeys("abcde", text), "items": item, "group": group})
    out = {"type": "array", "items": {"type": "object", "properties": {"K": text}}}
    closed = {"type": "object", "properties": {"p": text}, "additionalProperties": False}
    home.schema("out@1.0.0", {**dict.fromkeys("ABCDEH", text), "Items": out, "Group": closed})
    home.mapping(_GIVES, ref="up@1.0.0", target="mid@1.0.0")
    home.mapping(_TAKES, ref="on@1.0.0", source="mid@1.0.0")
    chain = home.catalog().chain("in@1", "out@1")
    told = report(chain.source.shape, chain.target.shape, chain.steps)
    assert sorted((".".join(one.path), one.value, one.always, one.changes) for one in told.given) == [
        ("A", "0", True, False), ("B", "ONE", False, False), ("B", "TWO", False, False), ("C", "left", False, True),
        ("C", "none", False, True), ("D", "none", False, True), ("E", "own", False, True),
        ("H", "left", False, True), ("Items.K", "1", True, False),
    ]  # fmt: skip
    (lost,) = (one for one in told.lost if one.path[0] == "group")
    assert (lost.path, lost.by) == (("group", "q"), "on@1.0.0") and lost.why == "out@1.0.0 has no such field"
    assert lost.where == "mappings/on/1.0.0.yaml:17"


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in below:
        yield from leaves(child, (*path, name)) if isinstance(child, dict | list) and child else [(*path, name)]


def without(node: Any, path: tuple[Any, ...]) -> Any:
    """The message with one field less, or with one item of a list less that is a plain value."""
    changed = copy.deepcopy(node)
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return changed


def names(path: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(part for part in path if isinstance(part, str))


def values(node: Any) -> dict[tuple[str, ...], list[Any]]:
    found: dict[tuple[str, ...], list[Any]] = {}
    for path in leaves(node):
        inner = node
        for part in path:
            inner = inner[part]
        found.setdefault(names(path), []).append(inner)
    return found


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return Catalog.load([Path(__file__).parents[2]], {"npsp-procedures@1": ("name", "field_code", "field_name")})


def test_the_second_version_of_opencps_has_addresses_of_two_levels(shipped: Catalog) -> None:
    """Provinces of 2 digits and communes of 5, or none; what the first takes may be refused, and no district is read."""
    record = {"referenceUid": "a", "serviceCode": "x", "dossierStatus": "new"}
    first, second = shipped.schema("opencps-dossier@1"), shipped.schema("opencps-dossier@2")
    for name, right, wrong in (("cityCode", "79", "775"), ("delegateWardCode", "00001", "00000"), ("wardCode", "", "775")):
        second.validate({**record, name: right})
        first.validate({**record, name: wrong})
        with pytest.raises(SchemaInvalid, match=name):
            second.validate({**record, name: wrong})
    assert "districtCode" in first.shape.fields and not any("istrict" in name for name in second.shape.fields)
    ends = {shipped.chain(one.ref, "npsp-dossier@1").steps[0].mapping.ref.version for one in (first, second)}
    assert ends == {"1.0.0", "2.0.0"}


def test_the_report_is_true_of_every_shipped_mapping(shipped: Catalog) -> None:
    """Take any one field out of any example: if it is said to be lost, nothing changes; else only where it is said to come
    to, or where a constant or a default stands."""
    lost, moved = 0, 0
    for mapping in shipped.mappings():
        step = shipped.steps(mapping.ref)[-1]
        told = report(step.source.shape, step.target.shape, [step])
        gone = {one.path for one in told.lost if one.why != "it only decides what is set"}
        reaches = dict(told.reaches)
        given = {one.path for one in told.given}
        for test in mapping.tests:
            if test.expect is None:
                continue
            run = shipped.step_with_tables(mapping, test.tables).run
            whole = run(test.given, [], [])
            for path in leaves(test.given):
                name = names(path)
                problems: list[Any] = []
                try:
                    less = run(without(test.given, path), problems, [])
                except TranslationFailed:
                    continue
                if problems or less is None:
                    continue
                if any(name[: len(one)] == one for one in gone):
                    lost += 1
                    assert less == whole, f"{mapping.ref} {test.name}: {name} is said to be lost"
                elif name in reaches and name not in told.decides:
                    moved += 1
                    before, after = values(whole), values(less)
                    changed = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
                    said = {*reaches[name], *given}
                    stray = {one for one in changed if not any(one[: len(to)] == to or to[: len(one)] == one for to in said)}
                    assert not stray, f"{mapping.ref} {test.name}: {name} changes {stray}"
    assert lost > 20 and moved > 200
