"""The operator's commands on a real store: trace, dead letters, endpoints, backfill, keys, ledger."""

from __future__ import annotations

import getpass
import re

from sqlalchemy import create_engine, text

from cli.parts import Home, Run, record

CODE = "000.00.10.H22-261121-0001"
OTHER = "000.00.10.H22-261121-0002"
NO_SUCH = "0192f0c1-7e3b-7c41-9d2e-8f1a2b3c4d5e"


def ids(hub: Run, *more: str) -> list[str]:
    return [one.get("delivery") or one["arrival"] for one in hub("dead", "list", "--json", *more).json["dead"]]


def sql(home: Home, statement: str) -> list[tuple[object, ...]]:
    """The store's tables, looked at (or damaged) from outside."""
    engine = create_engine(f"sqlite:///{home.folder / 'var' / 'hub.db'}")
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        found = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return found


# ── trace
def test_trace_shows_the_way_of_a_delivered_dossier(home: Home, hub: Run) -> None:
    """Arrival, message, attempt and delivery in order, what the partner was sent, and that nothing is to be done."""
    home.take(record())
    home.settle("delivered")
    said = hub("trace", CODE).stdout
    places = [said.index(word) for word in ("arrived ", "message 1", "attempt 1", "delivered   message 1 at portal")]
    assert places == sorted(places)
    assert "nothing: all of it is where it belongs" in said
    told = hub("trace", CODE, "--json").json
    assert [one["event"] for one in told["timeline"]] == ["arrival", "message", "attempt", "delivered"]
    assert told["next"] == [] and told["ledger"][0]["sent_seq"] == 1


def test_trace_shows_what_a_partner_told_itself(home: Home, hub: Run) -> None:
    """Which message, when, and whether it is newer than what it was sent; one that was sent nothing is in no list of sends."""
    home.take(record())
    assert "told" not in hub("trace", CODE).stdout
    home.settle("delivered")
    home.take(record(name="Other"), origin="portal")
    home.take(record(name="Third"), origin="registry")
    sent, _, told = hub("trace", CODE).stdout.partition("What each partner told itself")
    lines = [" ".join(re.sub(r"[│┃|]", " ", line).split()) for line in told.splitlines()]
    portal, registry = (line for line in lines if line.startswith(("portal", "registry")))
    assert portal.startswith("portal item message 2") and portal.endswith("yes")
    assert registry.startswith("registry item message 3") and registry.endswith("it was sent nothing")
    assert "registry" not in sent.partition("What each partner was sent")[2]
    both, only_told = hub("trace", CODE, "--json").json["ledger"]
    assert (both["sent_seq"], both["heard_seq"], both["ahead"]) == (1, 2, True)
    assert (only_told["heard_seq"], only_told["ahead"]) == (3, True) and "routed_seq" not in only_told


def test_trace_shows_local_time(home: Home, hub: Run) -> None:
    """People see the province's clock, seven hours before UTC; scripts see UTC."""
    home.take(record())
    at = hub("trace", CODE, "--json").json["timeline"][0]["at"]
    assert at.endswith("Z")
    hour = (int(at[11:13]) + 7) % 24
    assert f" {hour:02}{at[13:-1]}  arrived" in hub("trace", CODE).stdout


def test_trace_says_what_waits_and_why(home: Home, hub: Run) -> None:
    """A dead message holds the next one (the older was in doubt, so nothing replaces it); the advice names the command."""
    home.take(record())
    home.settle("in_doubt", "timeout")
    assert "it may have taken effect" in hub("trace", CODE).stdout
    sql(home, "update deliveries set next_at = 0")
    delivery = home.settle_doubt("dead", "in_doubt", "still in doubt")
    home.take(record(name="another"))
    told = hub("trace", CODE, "--json").json["next"]
    assert told[0]["about"] == "message 1 to portal" and f"hub dead replay {delivery}" in told[0]["do"]
    assert told[1]["about"] == "message 2 to portal" and "waits behind message 1" in told[1]["why"]
    assert len(told) == 2


def test_trace_says_what_operators_did(home: Home, hub: Run) -> None:
    """A kept arrival and a dead letter that were replayed stay told as such, with who and why; senders' answers lack it."""
    (arrival,) = (one["arrival"] for one in home.take(record(state="B")))
    home.mend_table()
    hub("dead", "replay", arrival, "--why", "row added")
    (delivery,) = home.settle("dead", "refused")
    for why in ("first try", "second try"):
        hub("dead", "replay", delivery, "--why", why)
        home.settle("dead", "refused")
    hub("dead", "discard", delivery, "--why", "by hand")
    said = hub("trace", CODE).stdout
    assert "kept, later accepted" in said
    who = f"shell:{getpass.getuser()}"
    places = [said.index(f"by {who}: {why}") for why in ("row added", "first try", "second try", "by hand")]
    assert places == sorted(places) and said.count("by hand") == 1
    told = [one for one in hub("trace", CODE, "--json").json["timeline"] if one["event"] == "audit"]
    assert [(one["act"], one["target"], one["why"]) for one in told] == [
        ("replay", arrival, "row added"), ("replay", delivery, "first try"), ("replay", delivery, "second try"),
    ]  # fmt: skip


def test_the_audit_trail_is_read_newest_first(home: Home, hub: Run) -> None:
    """Every act with who and why; --since leaves out what was before, --limit what is older."""
    assert hub("audit").stdout.strip() == "nothing on record"
    hub("endpoint", "pause", "portal", "--why", "maintenance")
    hub("endpoint", "resume", "portal")
    told = hub("audit", "--json").json["audit"]
    assert [(one["act"], one["target"]) for one in told] == [("resume", "portal"), ("pause", "portal")]
    assert told[1]["why"] == "maintenance" and told[1]["actor"].startswith("shell:") and told[1]["at"].endswith("Z")
    assert "maintenance" in hub("audit").stdout
    assert len(hub("audit", "--limit", "1", "--json").json["audit"]) == 1
    assert hub("audit", "--since", "2199-01-01", "--json").json["audit"] == []
    assert len(hub("audit", "--since", "2020-01-01T08:00:00", "--json").json["audit"]) == 2


def test_trace_in_an_outage_says_what_a_try_waits_for(home: Home, hub: Run) -> None:
    """A time that is past is not announced as one to come."""
    home.take(record())
    home.settle("again", "reset")
    (told,) = hub("trace", CODE, "--json").json["next"]
    assert "tried 1 time (reset), again at" in told["why"]
    sql(home, "update deliveries set next_at = 1")
    (told,) = hub("trace", CODE, "--json").json["next"]
    assert "it goes when portal answers" in told["why"]


def test_trace_advises_on_a_pause(home: Home, hub: Run) -> None:
    """A paused endpoint is the first thing to know."""
    home.take(record())
    hub("endpoint", "pause", "portal", "--why", "maintenance")
    (told,) = hub("trace", CODE, "--json").json["next"]
    assert told["do"] == "hub endpoint resume portal" and "maintenance" in told["why"]


def test_an_unknown_dossier_is_exit_code_3(home: Home, hub: Run) -> None:
    """Not found, without repeating what was typed; also for a code that cannot be one."""
    for code in ("CANARY-CODE", "x" * 500, "a\x00b"):
        said = hub("trace", code, code=3)
        assert said.stdout == "" and code not in said.stderr
    assert hub("trace", "unknown", "--json", code=3).json["error"]["kind"] == "NotFound"


# ── dead letters
def test_a_refused_delivery_is_listed_shown_and_replayed(home: Home, hub: Run) -> None:
    """From the list to a delivery that waits again, with who and why on record."""
    home.take(record())
    home.settle("dead", "refused", "field missing")
    (delivery,) = ids(hub)
    assert "refused: field missing" in hub("dead", "list", "--endpoint", "portal").stdout
    shown = hub("dead", "show", delivery).stdout
    assert "attempt 1: dead (refused: field missing)" in shown and f"hub dead replay {delivery}" in shown
    assert hub("dead", "show", delivery, "--json").json["attempts"][0]["code"] == "refused"
    told = hub("dead", "replay", delivery, "--why", "mended", "--json").json
    assert told["results"] == [{"id": delivery, "replayed": True, "outcome": "waits to be sent"}]
    assert hub("dead", "list").stdout.strip() == "no dead letters"
    audit = sql(home, "select actor, act, why from audit where act like 'replay%'")
    assert audit == [(f"shell:{getpass.getuser()}", "replay", "mended")]
    assert "only a dead one can be replayed" in hub("dead", "replay", delivery, code=1).stdout


def test_replay_with_adopt_is_recorded(home: Home, hub: Run) -> None:
    """--adopt lets an update follow what the partner already holds; advice for 'exists' names it."""
    home.take(record())
    home.settle("dead", "exists", "already there")
    (delivery,) = ids(hub)
    assert "--adopt" in hub("dead", "show", delivery, "--json").json["next"]["do"]
    hub("dead", "replay", delivery, "--adopt")
    assert sql(home, "select adopt from deliveries") == [(1,)]


def test_a_kept_arrival_is_replayed_when_its_table_is_mended(home: Home, hub: Run) -> None:
    """An unknown code: kept; replayed too early it stays kept (code 1); mended it is taken in, and those behind it too."""
    first, second = (one["arrival"] for one in home.take(record(state="B"), record(name="second")))
    assert ids(hub) == [first, second] and ids(hub, "--endpoint", "portal") == []
    assert "has no row in the table" in hub("dead", "show", first).stdout
    assert "follows" in hub("dead", "show", second, "--json").json["next"]["do"]
    told = hub("dead", "replay", first, "--json", code=1).json["results"]
    assert told[0]["replayed"] is False and told[0]["reasons"][0]["code"] == "not_in_table"
    assert "waits behind" in hub("dead", "replay", second, code=1).stdout
    home.mend_table()
    told = hub("dead", "replay", "--all", "--kept", "--json").json["results"]
    assert [(one["id"], one["outcome"]) for one in told] == [(first, "accepted"), (second, "accepted")]
    assert ids(hub) == []


def test_all_of_an_endpoint_is_replayed(home: Home, hub: Run) -> None:
    """--all --endpoint takes every dead delivery to it and no kept arrival."""
    home.take(record(), record(OTHER), record("third", state="B"))
    home.settle("dead", "refused")
    assert "2 dead letters replayed, 0 not" in hub("dead", "replay", "--all", "--endpoint", "portal").stdout
    assert len(ids(hub)) == 1
    assert "0 dead letters replayed" in hub("dead", "replay", "--all", "--endpoint", "portal").stdout


def test_discarding_lets_those_behind_go_on(home: Home, hub: Run) -> None:
    """A discarded arrival stays on record with the reason; what was kept behind it is taken in at once."""
    first, second = (one["arrival"] for one in home.take(record(state="B"), record(name="second")))
    told = hub("dead", "discard", first, "--why", "entered twice", "--json").json
    assert told["followed"] == [{"id": second, "replayed": True, "outcome": "accepted"}]
    assert ids(hub) == []
    assert sql(home, "select why from audit where act = 'discard'") == [("entered twice",)]
    assert "discarded; only a kept one" in hub("dead", "discard", first, "--why", "again", code=1).stderr


def test_a_dead_delivery_is_discarded(home: Home, hub: Run) -> None:
    """A delivery that is given up is final, and its lane goes on."""
    home.take(record())
    (delivery,) = home.settle("dead", "refused")
    assert "is discarded" in hub("dead", "discard", delivery, "--why", "entered by hand").stdout
    assert hub("trace", CODE, "--json").json["timeline"][-1]["event"] == "discarded"
    hub("dead", "discard", delivery, "--why", " ", code=2)


def test_dead_letters_that_are_not_there_are_exit_code_3(home: Home, hub: Run) -> None:
    """Unknown ids, and what is no id at all."""
    for wrong in (NO_SUCH, "CANARY"):
        assert "CANARY" not in hub("dead", "show", wrong, code=3).stderr
        hub("dead", "discard", wrong, "--why", "x", code=3)
    hub("dead", "replay", NO_SUCH, code=3)
    hub("dead", "replay", "CANARY", "--json", code=3)


# ── endpoints
def test_endpoints_are_listed_with_what_waits(home: Home, hub: Run) -> None:
    """Backlog, dead and pause of each; an endpoint that left the configuration still shows while it has deliveries."""
    home.take(record(), record(OTHER))
    home.settle("dead", "refused")
    home.take(record("third"))
    (one,) = hub("endpoint", "list", "--json").json["endpoints"]
    assert (one["endpoint"], one["connector"], one["waiting"], one["dead"]) == ("portal", "national-portal", 1, 2)
    assert one["paused"] is None and one["oldest_waiting_seconds"] >= 0
    sql(home, "update deliveries set endpoint = 'former'")
    assert "not in config.yaml" in hub("endpoint", "list").stdout


def test_pause_and_resume_are_remembered(home: Home, hub: Run) -> None:
    """Who, since when and why stand in the list until it is resumed; unknown endpoints are code 3."""
    assert hub("endpoint", "pause", "portal", "--why", "maintenance", "--json").json["paused"] is True
    (one,) = hub("endpoint", "list", "--json").json["endpoints"]
    assert one["paused"]["why"] == "maintenance" and one["paused"]["by"].startswith("shell:")
    assert "maintenance" in hub("endpoint", "list").stdout
    assert hub("endpoint", "resume", "portal", "--json").json["changed"] is True
    assert "was not paused" in hub("endpoint", "resume", "portal").stdout
    assert "the endpoints are: portal" in hub("endpoint", "pause", "nowhere", "--why", "x", code=3).stderr
    hub("endpoint", "resume", "nowhere", code=3)
    hub("endpoint", "pause", "portal", code=2)


def test_a_partner_that_does_not_answer_is_exit_code_4(hub: Run) -> None:
    """Nothing listens there: code 4, for one and for all; an unknown name is code 3."""
    assert "portal: does not answer" in hub("endpoint", "check", "portal", code=4).stdout
    (one,) = hub("endpoint", "check", "--all", "--json", code=4).json["endpoints"]
    assert one["ok"] is False and one["kind"] == "NotConnected"
    hub("endpoint", "check", "nowhere", code=3)


def test_refreshing_from_a_partner_that_is_away_is_exit_code_4(hub: Run) -> None:
    """A table is fetched or it stays as it is."""
    assert hub("catalog", "refresh", "--json", code=4).json["error"]["kind"] == "NotConnected"
    hub("catalog", "refresh", "--endpoint", "nowhere", code=3)


# ── backfill and ledger
def test_backfill_fills_a_route_that_came_later(home: Home, hub: Run) -> None:
    """Messages from before the route get their deliveries, in order and once; a dry run adds nothing."""
    home.take(record(), record(name="second"), record(OTHER))
    home.configure(more="  again: { take: item@1, to: portal, as: portal-item@1, when: { equals: { state: open } } }\n")
    told = hub("backfill", "again", "--dry-run", "--json").json
    assert (told["looked_at"], told["matched"], told["added"]) == (3, 3, 0)
    assert "3 deliveries added" in hub("backfill", "again").stdout
    assert hub("backfill", "again", "--json").json["looked_at"] == 0
    seqs = sql(home, f"select d.seq from deliveries d join aliases a using (dossier_id) where route = 'again' "
                     f"and a.code = '{CODE}' order by d.position")  # fmt: skip
    assert seqs == [(1,), (2,)]
    assert "the routes are: items-to-portal, again" in hub("backfill", "nowhere", code=3).stderr


def test_a_dossier_once_backfilled_stays_with_the_endpoint(home: Home, hub: Run) -> None:
    """Its later messages follow although the route's condition no longer holds; other dossiers do not."""
    home.mend_table()
    home.take(record(), record(state="B"), record(OTHER, state="B"))
    home.configure(more="  again: { take: item@1, to: portal, as: portal-item@1, when: { equals: { state: open } } }\n")
    told = hub("backfill", "again", "--json").json
    assert (told["looked_at"], told["added"]) == (3, 2)


def test_backfill_counts_what_cannot_be_translated(home: Home, hub: Run) -> None:
    """What fails is said by place and kind, and becomes a dead letter when it is its turn."""
    home.take(record())
    mapping = home.folder / "mappings/item-to-portal/1.0.0.yaml"
    mapping.write_text(mapping.read_text().replace("Ten: { get: name }", "Ten: { get: name, apply: [{ max_length: 3 }] }", 1))
    home.configure(more="  again: { take: item@1, to: portal, as: portal-item@1 }\n")
    told = hub("backfill", "again", "--json").json
    assert told["failing"] == 1 and told["added"] == 1 and "Ten" in next(iter(told["failures"]))


def test_ledger_rebuild_finds_a_wrong_cell(home: Home, hub: Run) -> None:
    """Right: code 0. A cell damaged from outside: code 1, and right again afterwards."""
    home.take(record(), record(OTHER))
    home.settle("delivered")
    assert hub("ledger", "rebuild", "--json").json == {"differed": 0}
    sql(home, f"update ledger set sent_seq = 99 where dossier_id = (select dossier_id from aliases where code = '{CODE}')")
    assert "1 cell differed" in hub("ledger", "rebuild", code=1).stdout
    assert "the ledger was right" in hub("ledger", "rebuild").stdout


# ── keys
def test_a_key_is_shown_once(home: Home, hub: Run) -> None:
    """Standard output is the key alone; neither the list nor the database holds it; a schema no source takes is said."""
    ran = hub("key", "new", "one-stop", "--schema", "record", shows_key=True)
    key = ran.stdout.strip()
    assert ran.stdout.count("\n") == 1 and key.startswith("hub_") and key not in ran.stderr
    (listed,) = hub("key", "list", "--json").json["keys"]
    assert (listed["name"], listed["schemas"], listed["revoked_at"]) == ("one-stop", ["record"], None)
    for path in home.folder.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes()
    told = hub("key", "new", "other", "--schema", "rcord", "--schema", "record", "--json", shows_key=True)
    assert told.json["key"].startswith("hub_") and "no source in config.yaml takes rcord" in told.stderr


def test_a_key_is_revoked(hub: Run) -> None:
    """Once; the second time, and for an unknown id, code 3."""
    key = hub("key", "new", "one-stop", "--schema", "*", "--json", shows_key=True).json["id"]
    assert hub("key", "revoke", key, "--json").json == {"id": key, "revoked": True}
    (listed,) = hub("key", "list", "--json").json["keys"]
    assert listed["created_at"].endswith("Z") and listed["revoked_at"] >= listed["created_at"]
    for wrong in (key, NO_SUCH, "CANARY"):
        assert "CANARY" not in hub("key", "revoke", wrong, code=3).stderr
    assert "one-stop" in hub("key", "list").stdout


# ── what no route took, and names that nobody has
def test_trace_says_that_no_route_took_a_message(home: Home, hub: Run) -> None:
    """Accepted but sent nowhere is not "all is where it belongs": the route and its condition are named."""
    path = home.folder / "config.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("take: item@1,", "take: item@1, when: { equals: { code: x } },"), "utf-8"
    )
    home.take(record())
    said = hub("trace", CODE).stdout
    assert "did not take it: not so: code = x" in said and "no partner has it" in said
    assert "all of it is where it belongs" not in said


def test_a_misspelt_endpoint_is_not_answered_with_all_is_well(hub: Run) -> None:
    """Exit code 3, and the endpoints there are."""
    assert "portal" in hub("dead", "list", "--endpoint", "portl", code=3).stderr
    assert "portal" in hub("dead", "replay", "--all", "--endpoint", "portl", code=3).stderr


# ── secrets
def test_what_works_on_the_store_alone_needs_no_partner_secret(home: Home, hub: Run) -> None:
    """An operator without the partners' passwords can trace and repair; calling a partner needs them, by name."""
    home.take(record())
    path = home.folder / "config.yaml"
    text_ = path.read_text(encoding="utf-8")
    settings = re.sub(r"settings: \{.*?by: ndxp \} \}", 'settings: { url: "${env:NOT_SET_ANYWHERE}" }', text_, flags=re.DOTALL)
    assert settings != text_
    path.write_text(settings, encoding="utf-8")
    assert hub("trace", CODE).code == 0
    assert hub("dead", "list").code == 0
    refused = hub("endpoint", "check", "--all", code=1)
    assert "NOT_SET_ANYWHERE" in refused.stderr
