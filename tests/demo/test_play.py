"""The demo as a newcomer types it: a process of its own, started once, judged by what it prints and leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ports import free_port

from connectors.business_registry.simulator_enterprises import check_digit
from connectors.demo.event_topic import GIVEN
from connectors.demo.filings import UNIT, filings
from connectors.demo.ministry import HELD_AFTER, SERVICE, is_misstated, own, stated
from connectors.demo.planted import DAY, write
from connectors.demo.planted_calls import TO_THE_PORTAL
from connectors.demo.planted_files import TWICE
from connectors.national_portal.simulator_rules import DOSSIER
from demo.played import DOSSIERS, HUB, Played

DEMO = (sys.executable, "-c", "import sys; from hub.cli.main import main; sys.exit(main())", "demo")
LAST_LINE = re.compile(
    r"demo: sent=\d+ accepted=\d+ refused=\d+ kept=\d+ delivered=\d+ retried=\d+ in_doubt=\d+ dead=\d+ superseded=\d+"
    r" lost=\d+ duplicated=\d+ out_of_order=\d+"
)
STREAM_LINE = re.compile(
    r"events: published=(\d+) repeated=\d+ dossiers=(\d+) ledger_cells=(\d+) differing=0 lost=0 out_of_order=0"
)
REPOSITORY = Path(__file__).parents[2]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Without a broker, unless ``more`` gives one."""
    own = {name: value for name, value in os.environ.items() if name != GIVEN}
    return {**own, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", **more}


def processes_in(folder: Path) -> list[int]:
    """Processes that name the folder on their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in words:
            found.append(int(entry.name))
    return found


@pytest.mark.xdist_group("demo")
@pytest.mark.timeout(400)
def test_the_whole_demo_holds(played: Played) -> None:
    """Exit 0, every planted kind shows its count, no process is left."""
    assert played.errors == ""
    *lines, stream, last = played.printed.rstrip("\n").split("\n")
    assert LAST_LINE.fullmatch(last)
    count = {name: int(value) for name, value in (pair.split("=") for pair in last.removeprefix("demo: ").split())}
    script = write(1, DOSSIERS)
    assert count["lost"] == count["duplicated"] == count["out_of_order"] == 0
    assert count["sent"] == script.total == count["accepted"] + count["refused"] + count["kept"]
    assert count["refused"] == script.counts["wrong"] >= 15
    assert count["kept"] == script.kept
    assert count["superseded"] == script.counts["refused_by_portal"]
    assert count["dead"] >= 6 and count["in_doubt"] >= count["dead"] - 4 and count["retried"] > 0
    assert count["delivered"] > 1.4 * count["accepted"]
    planted = [re.match(r" +(\d+) +(\d+)  \w", line) for line in lines]
    rows = [found.groups() for found in planted if found]
    assert len(rows) == 20 and all(there == shown and int(there) > 0 for there, shown in rows)
    told = "\n".join(lines)
    for event in (
        "OUTAGE",
        "SIGKILL",
        "registry is gone",
        "the ministry is gone",
        "links to",
        "citizens filed",
        "ends the hub's session",
        "adopted",
        "corrects it",
        "row added",
        "line",
        "is given up",
        "where to look next",
    ):
        assert event in told
    assert not processes_in(played.folder)
    heard = STREAM_LINE.fullmatch(stream)
    assert heard is not None
    published, dossiers, cells = map(int, heard.groups())
    assert dossiers >= DOSSIERS and cells > dossiers and published > 5 * count["sent"]


@pytest.mark.timeout(120)
def test_an_interrupted_demo_ends_its_processes(tmp_path: Path) -> None:
    """SIGTERM in the middle: hub and portal end with it, what there is stays to be looked at, and the exit code says so."""
    with subprocess.Popen(
        [*DEMO, "--dossiers", "100"], cwd=REPOSITORY, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "the senders begin" in line:
                assert len(processes_in(tmp_path)) == 6, "the hub, the portal, two registries, a ministry and a local system"
                assert "aiokafka" not in Path(f"/proc/{demo.pid}/maps").read_text(), "no broker is given"
                demo.send_signal(signal.SIGTERM)
                break
        rest = demo.stdout.read()
        assert demo.wait(60) == 130
    (folder,) = tmp_path.iterdir()
    assert f"everything is kept in {folder}" in rest
    assert "events" not in yaml.safe_load((folder / "home" / "config.yaml").read_text(encoding="utf-8"))
    assert not processes_in(tmp_path)


@pytest.mark.parametrize(
    ("address", "said"), [("127.0.0.1:{port}", "no broker answers"), ("127.0.0.1", "a broker is written HOST:PORT")]
)
def test_a_broker_that_does_not_answer_is_said_at_once(tmp_path: Path, address: str, said: str) -> None:
    """One sentence that names the variable and what to do, exit code 1; nothing is started or left."""
    given = address.format(port=free_port())
    env = environment(tmp_path, **{GIVEN: given})
    run = subprocess.run([*HUB, "demo"], env=env, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (1, "")
    (line,) = run.stdout.splitlines()
    assert line.startswith(f"the demo failed: {GIVEN}={given}: {said}")
    assert not list(tmp_path.iterdir())


def test_too_few_dossiers_are_refused(tmp_path: Path) -> None:
    """Less than 100 dossiers leave no room for what is planted: wrong usage, and nothing is started."""
    run = subprocess.run([*DEMO, "--dossiers", "10"], env=environment(tmp_path), cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 2
    assert "at least 100" in run.stderr
    assert not list(tmp_path.iterdir())


def test_the_seed_fixes_the_script() -> None:
    """The same seed plants the same things at the same places; another seed plants as many elsewhere."""
    one, same, other = write(3, 200), write(3, 200), write(4, 200)
    assert one == same
    assert one.refused_code != other.refused_code or one.lives != other.lives
    assert {name: one.counts[name] for name in ("duplicate", "wrong", "refused_by_portal", "unknown_code")} == {
        name: other.counts[name] for name in ("duplicate", "wrong", "refused_by_portal", "unknown_code")
    }


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_repeat_without_an_id_is_of_the_latest(seed: int) -> None:
    """Without the sender's id only a repeat of a dossier's latest message can be known; so it follows at once."""
    lives = [[one for one in life if one.planted != "wrong" and one.way == "rest"] for life in write(seed, 1000).lives]
    pairs = [
        (life[n - 1], one) for life in lives for n, one in enumerate(life) if one.planted == "duplicate" and one.key is None
    ]
    assert len(pairs) >= 20
    assert [again.code for first, again in pairs if (first.planted, first.body) != (None, again.body)] == []


def test_the_older_shop_tells_a_part_in_the_same_order() -> None:
    """About an eighth of the dossiers: each record as a state and then its step, each with an id of its own, repeats apart."""
    script = write(2, 200)
    by_soap = [life for life in script.lives if life[0].way == "soap" and life[0].planted != "wrong"]
    assert 20 <= len(by_soap) <= 30
    for life in by_soap:
        first = [one for one in life if one.planted is None]
        assert [one.part for one in first] == ["state", "step"] * (len(first) // 2)
        assert all(one.record == other.record for one, other in zip(first[::2], first[1::2], strict=True))
        assert len({one.key for one in first}) == len(first) and len({one.body for one in first}) == len(first)
        assert all(one in first for one in life if one.planted is None)
    assert sum(one.planted == "wrong" and one.way == "soap" for life in script.lives for one in life) == 3


def test_the_records_office_leaves_whole_records_and_one_file_twice() -> None:
    """About an eighth of the dossiers, records without keys; one file comes again, line by line; one record is mistaken."""
    script = write(2, 200)
    lives = [life for life in script.lives if life[0].way == "folder"]
    again = [life for life in lives if life[0].planted == "duplicate"]
    assert 20 <= len(lives) - len(again) <= 30 and len(again) == 1
    first = [one for life in lives if life not in again for one in life if one.twice]
    assert len(first) == TWICE and [one.body for one in again[0]] == [one.body for one in first]
    assert len({one.due for one in first}) == 1 and again[0][0].due > first[0].due
    assert all(one.key is None and b"\n" not in one.body for life in lives for one in life)
    (mistaken,) = [life for life in lives if any(one.planted == "mistaken" for one in life)]
    wrong, corrected = mistaken[1:3]
    assert json.loads(wrong.body) == {**(corrected.record or {}), "counter": "mười"} and wrong.record is None
    assert corrected.waits_for and all(one.waits_for for one in mistaken[3:])


def test_the_unit_says_each_record_in_two_calls() -> None:
    """About an eighth of the dossiers: a state, the first as new, and its step; all that the portal requires but the names."""
    script = write(2, 200)
    lives = [life for life in script.lives if life[0].way == "portal" and len(life) > 1]
    assert 20 <= len(lives) <= 30
    for life in lives:
        calls = [(one, json.loads(one.body)) for one in life if one.planted is None]
        assert [one.part for one, _ in calls] == ["state", "step"] * (len(calls) // 2)
        assert [call.get("isUpdating") for _, call in calls] == ["False", None, *["True", None] * (len(calls) // 2 - 1)]
        assert all(call["data"] == [one.record] for one, call in calls)
        asked = {name for name, rule in DOSSIER.items() if rule.need != "N"} - {"TenTTHC", "MaLinhVuc", "TenLinhVuc"}
        assert all(asked <= (one.record or {}).keys() <= DOSSIER.keys() for one, _ in calls if one.part == "state")
    wrong = [one for life in script.lives for one in life if one.way == "portal" and one.planted == "wrong"]
    assert [one.code == script.told_code for one in wrong].count(True) == TO_THE_PORTAL == len(wrong) - 2
    assert all(one.names and one.status == 422 for one in wrong)


def test_the_registry_holds_all_citizens_but_the_planted() -> None:
    """Strangers are not among its people, the renamed are under another name; of each there is one whom the older shop sent."""
    script = write(2, 200)
    items = [one for life in script.lives for one in life if one.planted != "wrong" and one.part != "step"]
    records = {one.code: one.record or {} for one in items if one.code}
    people = {one["number"]: one["name"] for one in script.people}
    citizens = {code: one for code, one in records.items() if one.get("applicantIdType") == "citizen"}
    owners = {code: (one["applicantIdNo"], one["applicantName"]) for code, one in citizens.items()}
    packets = {code: one for code, one in records.items() if "LoaiDoiTuong" in one}
    owners |= {code: (one["SoGiayToChuHoSo"], one["ChuHoSo"]) for code, one in packets.items()}
    for code, (number, name) in owners.items():
        assert (number not in people) == (code in script.strangers)
        assert (people.get(number) != name) == (code in (*script.strangers, *script.renamed))
    assert len(people) == len(owners) - 3
    by_soap = {one.code for life in script.lives for one in life if one.way == "soap"}
    assert by_soap & set(script.strangers) and by_soap & set(script.renamed)


def test_the_registry_holds_all_enterprises_but_the_planted() -> None:
    """Each under a number of its own that an enterprise can have; strangers are not in it, the renamed under another name."""
    script = write(2, 200)
    items = [one for life in script.lives for one in life if one.planted != "wrong" and one.record]
    owners = {
        one.code: (one.record["applicantIdNo"], one.record["applicantName"])
        for one in items
        if one.code and one.record and one.record.get("applicantIdType") == "business"
    }
    held = {one["code"]: one["name"] for one in script.enterprises}
    assert len(set(owners.values())) == len(owners) == len(held) + 2
    for code, (number, name) in owners.items():
        assert check_digit(number[:9]) == number[9] and len(number) == 10
        assert (number not in held) == (code in script.strange_enterprises)
        assert (held.get(number) != name) == (code in (*script.strange_enterprises, *script.renamed_enterprises))


@pytest.mark.parametrize("seed", range(1, 9))
def test_the_ministry_has_something_to_lose(seed: int) -> None:
    """Of the fewest dossiers enough go to the ministry for one create to be answered and one not."""
    lives = [[one for one in life if one.way == "rest" and one.code] for life in write(seed, 100).lives]
    codes = {one.code for life in lives for one in life if (one.record or {}).get("serviceCode") == SERVICE}
    assert len(codes) > HELD_AFTER + 1


def test_the_ministry_tells_of_its_own_dossiers() -> None:
    """Two to four states each, in the order of their times; a result with the last of every second one, and of the first one
    once before, stated to be another file."""
    told = own(3, 12, DAY)
    by_code: dict[str, list[dict[str, object]]] = {}
    for item in told.items:
        by_code.setdefault(item["MaHoSo"], []).append(item)
    assert len(by_code) == 12 and all(2 <= len(items) <= 4 for items in by_code.values())
    for items in by_code.values():
        times = [str(one["NgayCapNhat"]) for one in items]
        assert times == sorted(set(times))
        assert not any("DanhSachGiayToKetQua" in one and not is_misstated(one) for one in items[:-1])
    with_result = [code for code, items in by_code.items() if "DanhSachGiayToKetQua" in items[-1]]
    assert sorted(with_result) == [code for code, _ in told.files] and len(with_result) == 6
    assert [(one["MaHoSo"], one["TrangThai"]) for one in told.items if is_misstated(one)] == [(sorted(with_result)[0], 9)]
    served = {code: {"url": "u", "sha256": "h"} for code, _ in told.files}
    made = [stated(one, served) for one in told.items]
    assert [one["DanhSachGiayToKetQua"][0]["DuongDanTepTinKetQua"] for one in made if is_misstated(one)] == ["u"]
    right = [one["DanhSachGiayToKetQua"][0] for one in made if "DanhSachGiayToKetQua" in one and not is_misstated(one)]
    assert len(right) == 6 and all(one["HashTepTin"] == "h" for one in right)


def test_citizens_file_what_the_local_system_then_tells() -> None:
    """As many as are asked for, one posted twice; each numbered by the portal from its beginning, some with a paper."""
    for seed in range(1, 9):
        filed = filings(seed, 12, DAY)
        assert [one.times for one in filed] == [2, *[1] * 11]
        assert "TaiLieuNop" in filed[0].body and any("TaiLieuNop" not in one.body for one in filed)
        for one in filed:
            assert one.code.startswith(UNIT) and one.body["MaHoSo"] == one.code
            assert all(record["dossierNo"] == one.code for record in one.records)


def test_planted_dossiers_do_not_meet() -> None:
    """What is planted on a dossier is the only thing planted on it, so that each kind shows its own count."""
    script = write(5, 300)
    special = [script.known_code, script.refused_code, script.told_code, *script.lost_codes, *script.unknown_codes]
    assert len(set(special)) == len(special)
    struck = [fault["match"]["MaHoSo"] for fault in (*script.first_faults, *script.later_faults) if "match" in fault]
    assert len(set(struck)) == len(struck)
    assert set(struck) & set(special) == set(script.lost_codes)
    for life in script.lives:
        kinds = {item.planted for item in life if item.planted not in (None, "duplicate", "wrong")}
        assert len(kinds) <= 1
