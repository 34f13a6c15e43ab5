"""`hub plan` says what a reload changes in words of meaning, by what the hub took last."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cli.parts import Home, Run
from hub.app import Hub
from hub.assembly import assemble

_TABLE = """\
table: states
version: 1.{minor}.0
summary: States.
key: [code]
columns: [state]
rows:
{rows}"""


def write_table(home: Home, minor: int, *rows: tuple[str, str]) -> None:
    text = "".join(f"  - [{code}, {state}]\n" for code, state in rows)
    home.write(f"mappings/tables/states/1.{minor}.0.yaml", _TABLE.format(minor=minor, rows=text))


def configure(home: Home, *changes: tuple[str, str]) -> None:
    """The first configuration with some text replaced."""
    home.configure()
    text = (home.folder / "config.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    home.write("config.yaml", text)


@pytest.fixture
def ran(home: Home) -> Home:
    """A home on which a hub has run, whose records' states are a table of their own."""
    mapping = home.folder / "mappings" / "record-to-item" / "1.0.0.yaml"
    text = mapping.read_text(encoding="utf-8").replace("  state:\n    A: open\n", "  state: { use: states@1 }\n")
    mapping.write_text(text, encoding="utf-8")
    write_table(home, 0, ("A", "open"), ("C", "closed"), ("D", "gone"))

    async def run() -> None:
        hub = Hub(assemble(home.folder))
        await hub.start()
        await hub.stop()

    asyncio.run(run())
    return home


def changes(hub: Run) -> dict[tuple[str, str], Any]:
    return {(one["what"], one["name"]): one for one in hub("plan", "--json").json["changes"]}


def test_nothing_differs(ran: Home, hub: Run) -> None:
    """Right after the start; and no value of a setting, secret or not, stands in the store's document."""
    assert "nothing differs" in hub("plan").stdout
    assert changes(hub) == {}
    kept = str(ran.in_store(lambda store: store.in_effect()))
    assert "items-to-portal" in kept and "simulated" not in kept and "127.0.0.1" not in kept


def test_a_route_that_is_new_asks_for_a_backfill(ran: Home, hub: Run) -> None:
    """Added, removed and changed routes, each property from → to; a widened condition asks for it too."""
    ran.configure(more="  second: { take: item@1, to: portal, as: portal-item@1, when: { present: name } }\n")
    said = hub("plan").stdout
    assert "+ route second" in said and "hub backfill second" in said
    assert hub("plan", "--json").json["backfill"] == ["second"]
    configure(ran, ("as: portal-item@1 }", "as: portal-item@1, coalesce: true, when: { present: name } }"))
    told = changes(hub)["route", "items-to-portal"]
    assert told["how"] == "changed" and "hub backfill items-to-portal" in told["do"]
    assert {one["property"]: (one["before"], one["now"]) for one in told["details"]} == {
        "coalesce": (None, "True"), "when": (None, "present: name"),
    }  # fmt: skip
    configure(ran, ("  items-to-portal:", "  renamed:"))
    assert {name: one["how"] for (_, name), one in changes(hub).items()} == {"items-to-portal": "removed", "renamed": "added"}


@pytest.mark.parametrize(
    ("before", "now", "asks"),
    [
        ("", "from: [a]", False),
        ("from: [a]", "", True),
        ("from: [a]", "from: [a, b]", True),
        ("from: [a, b]", "from: [b]", False),
        ("from: [a]", "from: [b]", True),
        ("from: [a]", "from: [a], observations: true", True),
        ("from: [a], observations: true", "from: [a]", False),
    ],
)
def test_a_route_that_hears_more_asks_for_a_backfill(home: Home, hub: Run, before: str, now: str, asks: bool) -> None:
    """Another sender, everybody, observations: what they said before is not routed again by itself."""

    def hears(words: str) -> None:
        configure(home, ("as: portal-item@1 }", f"as: portal-item@1, {words} }}"))

    async def run() -> None:
        it = Hub(assemble(home.folder))
        await it.start()
        await it.stop()

    hears(before or "coalesce: false")
    asyncio.run(run())
    hears(now or "coalesce: false")
    told = changes(hub)["route", "items-to-portal"]
    assert ("hub backfill items-to-portal" in told["do"]) is asks
    assert {"from", "observations"} & {one["property"] for one in told["details"]}


def test_a_sender_that_nobody_is_is_told(ran: Home, hub: Run) -> None:
    """A name that is misspelt in ``from`` would silently close the route."""
    hub("key", "new", "registry", "--schema", "record", shows_key=True)
    configure(ran, ("as: portal-item@1 }", "as: portal-item@1, from: [registry, regstry, portal] }"))
    told = hub("plan", "--json").json["unheard"]
    assert told == [{"route": "items-to-portal", "sender": "regstry"}]
    assert "takes what regstry says, but nobody sends under that name" in hub("plan").stdout


def test_a_new_version_of_a_table_is_told_by_its_rows(ran: Home, hub: Run) -> None:
    """Which version is in use, which rows were added, removed, changed; and which sources' messages it touches."""
    write_table(ran, 1, ("A", "open"), ("C", "shut"), ("E", "new"))
    told = changes(hub)
    assert {one["property"]: (one["before"], one["now"]) for one in told["table", "states"]["details"]} == {
        "version in use": ("1.0.0", "1.1.0"), "rows added": (None, "1 (E)"), "rows removed": (None, "1 (D)"),
        "rows changed": (None, "1 (C)"),
    }  # fmt: skip
    (way,) = told["source", "record@1"]["details"]
    assert way["property"] == "mappings of item@1" and way["before"].startswith("record-to-item@1.0.0 (")
    assert ("route", "items-to-portal") not in told


def test_a_new_version_of_a_mapping_is_told_of_its_route(ran: Home, hub: Run) -> None:
    """The old and the new version, by name."""
    old = ran.folder / "mappings" / "item-to-portal" / "1.0.0.yaml"
    ran.write(
        "mappings/item-to-portal/1.1.0.yaml", old.read_text(encoding="utf-8").replace("version: 1.0.0", "version: 1.1.0", 1)
    )
    told = changes(hub)
    assert told["route", "items-to-portal"]["details"] == [
        {"property": "mappings of item@1.0.0", "before": "item-to-portal@1.0.0", "now": "item-to-portal@1.1.0"}
    ]
    assert told["mapping", "item-to-portal"]["details"][0]["before"] == "1.0.0"


def test_owners_clients_and_sources(ran: Home, hub: Run) -> None:
    """Each by name, from → to; settings that need a restart apart."""
    configure(
        ran,
        ("server: { port: 0 }", "server: { port: 0, max_depth: 32 }\nowners: { 'H22': land }\nclients: { one: { rate: 2 } }"),
    )
    told = changes(hub)
    assert told["owner", "H22"]["how"] == told["client", "one"]["how"] == "added"
    assert hub("plan", "--json").json["restart"] == ["server.max_depth"]
