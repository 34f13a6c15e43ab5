"""`hub import` as an operator meets it: what goes in, what is refused or kept and why, and how it goes on."""

from __future__ import annotations

import gzip
import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from imports.parts import ImportHome, judge, report_of, row, told, until

pytestmark = pytest.mark.xdist_group("imports")
Running = tuple[ImportHome, str]
_HEAD = "Số hồ sơ;Trạng thái;Người nộp"


def test_what_is_wrong_is_in_the_report_and_nothing_of_it_is_shown(running: Running) -> None:
    """Two refused, one kept, one that cannot be read; each with place, code and reason, and without a value."""
    home, key = running
    rows = [row(1), {"code": "", "state": "A", "name": "Bà Canary"}, row(2, state="CANARY"), {"state": "A"}, row(3)]
    file = home.rows("wrong.jsonl", rows)
    with file.open("ab") as more:
        more.write(b'{"code": "not whole\n\xff\xfe\n')
    said = home.imported(key, str(file), "--schema", "record@1", code=1)
    assert said["counts"] == {"accepted": 2, "refused": 4, "kept": 1}
    assert said["causes"]["refused: /code missing"] == 1
    assert said["causes"]["kept: state not_in_table"] == 1
    report = report_of(said)
    assert [(one["record"], one["line"], one["outcome"]) for one in report] == [
        (2, 2, "refused"), (3, 3, "kept"), (4, 4, "refused"), (6, 6, "refused"), (7, 7, "refused"),
    ]  # fmt: skip
    assert all(problem["code"] for one in report for problem in one["problems"])
    assert report[1]["arrival"]
    assert "Canary" not in json.dumps(report, ensure_ascii=False)
    assert "hint" in report[0]["problems"][0] or report[0]["status"] == 422


def test_the_same_again_is_known_again(running: Running) -> None:
    """What ended is not sent again; --again sends it, and the hub knows it, kept ones too."""
    home, key = running
    rows = [*(row(number, name=f"lần {state}") for state in (1, 2, 1) for number in range(100, 120)), row(120, state="?")]
    file = str(home.rows("again.jsonl", rows))
    assert home.imported(key, file, "--schema", "record@1", code=1)["counts"] == {"accepted": 60, "kept": 1}
    before = home.look("select count(*) from arrivals")
    assert home.imported(key, file, "--schema", "record@1", code=1)["rows_sent"] == 0
    again = home.imported(key, file, "--schema", "record@1", "--again", code=1)
    assert again["counts"] == {"known": 60, "kept": 1}
    assert len(report_of(again)) == 1
    assert home.look("select count(*) from arrivals") == before


def test_a_folder_of_csv_as_an_endpoint_reads_it(running: Running) -> None:
    """In the order of the names, packed or not; a row that was dropped into the folder before is known."""
    home, key = running
    folder = home.folder / "exports"
    folder.mkdir()
    texts = [f"{_HEAD}\n" + "".join(f"D-{number};A;{name}\n" for number in range(40)) for name in ("cũ", "mới")]
    (folder / "a.csv.gz").write_bytes(gzip.compress(texts[0].encode()))
    (folder / "b.csv").write_text(texts[1], encoding="utf-8")
    said = home.imported(key, str(folder), "--endpoint", "desk")
    assert [(one["file"], one["rows"]) for one in said["files"]] == [("a.csv.gz", 40), ("b.csv", 40)]
    bodies = home.look("select b.content from arrivals a join bodies b on b.id = a.id order by a.ordinal")
    assert [one["name"] for (body,) in bodies if (one := json.loads(body))["code"] == "D-7"] == ["cũ", "mới"]
    (home.folder / "again.csv").write_text(texts[1], encoding="utf-8")
    assert home.imported(key, str(home.folder / "again.csv"), "--endpoint", "desk")["counts"] == {"known": 40}


def test_a_cut_file_goes_on_when_it_is_mended(running: Running) -> None:
    """What stands before the cut has arrived; the whole file goes on behind it. One changed at the front is refused."""
    home, key = running
    whole = gzip.compress("".join(json.dumps(row(number)) + "\n" for number in range(300, 900)).encode(), 1)
    file = home.folder / "cut.jsonl.gz"
    file.write_bytes(whole[: len(whole) // 2])
    cut = home.imported(key, str(file), "--schema", "record@1", "--waiting", "5000", code=1)
    assert 0 < cut["counts"]["accepted"] < 600
    assert "cannot be read further" in cut["files"][0]["error"]
    file.write_bytes(whole)
    on = home.imported(key, str(file), "--schema", "record@1", "--waiting", "5000")
    assert on["counts"] == {"accepted": 600}
    assert on["rows_sent"] == 600 - cut["counts"]["accepted"]
    file.write_bytes(gzip.compress(b'{"code": "other"}\n' * 2000))
    changed = home.imported(key, str(file), "--schema", "record@1", code=1)
    assert "another one than before" in changed["files"][0]["error"]


def test_a_damaged_journal_is_said(running: Running) -> None:
    """By its name, with what to do; nothing is sent, the report stays, and the lock is gone. --again takes another."""
    home, key = running
    file, state = str(home.rows("journal.jsonl", [row(7000), {"code": ""}])), home.folder / "state"
    words = (file, "--schema", "record@1", "--state", str(state))
    home.imported(key, *words, "--again", code=1)
    (journal,) = state.glob("*.json")
    (report,) = state.glob("*.report.jsonl")
    before = report.read_bytes()
    for damage in (b"", b'{"number": 1', b"[]", b"{}", b"\xff\x00", b'{"number": "x"}'):
        journal.write_bytes(damage)
        (problem,) = home.imported(key, *words, code=1)["error"]["problems"]
        assert problem["code"] == "journal_damaged", damage
        assert journal.name in problem["message"]
        assert "--again" in problem["hint"]
        assert (journal.read_bytes(), report.read_bytes()) == (damage, before)
    assert home.imported(key, *words, "--again", code=1)["counts"] == {"known": 1, "refused": 1}
    assert home.imported(key, *words, code=1)["rows_sent"] == 0


def test_very_many_rows_that_cannot_be_read(running: Running) -> None:
    """Each is in the report, and the rows around them go in."""
    home, key = running
    file = home.folder / "unreadable.jsonl"
    good = [json.dumps(row(number)).encode() for number in (6000, 6001)]
    file.write_bytes(b"\n".join([good[0], *[b"\xff"] * 6000, good[1]]))
    said = home.imported(key, str(file), "--schema", "record@1", code=1)
    assert said["counts"] == {"accepted": 2, "refused": 6000}
    assert said["causes"] == {"refused: not_utf8": 6000}
    assert [one["record"] for one in report_of(said)] == list(range(2, 6002))


@contextmanager
def _serving(content: bytes) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved.jsonl":
                self.send_response(302)
                self.send_header("Location", "/old.jsonl")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_an_address(running: Running) -> None:
    """It is fetched whole first, and not kept; no other host is asked."""
    home, key = running
    content = "".join(json.dumps(row(number)) + "\n" for number in range(5000, 5020)).encode()
    with _serving(content) as address:
        assert home.imported(key, f"{address}/old.jsonl", "--schema", "record@1")["counts"] == {"accepted": 20}
        assert not list((home.folder / "var" / "imports").glob("*old.jsonl*"))
        moved = home.imported(key, f"{address}/moved.jsonl", "--schema", "record@1", code=1)
    assert "answers 302" in moved["error"]["message"]


def test_a_dry_run_stores_nothing(running: Running) -> None:
    """It says what would be refused and kept."""
    home, _ = running
    before = home.look("select count(*) from arrivals")
    file = home.rows("dry.jsonl", [row(500), row(501, state="?"), {"code": "x"}])
    said = home.imported("", str(file), "--schema", "record@1", "--dry-run", code=1)
    assert said["counts"] == {"accepted": 1, "kept": 1, "refused": 1}
    assert home.look("select count(*) from arrivals") == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--schema", "record@9"), 3, "record@9"),
        (("--schema", "nonsense"), 2, ""),
        (("--endpoint", "nobody"), 3, "desk"),
        (("--endpoint", "portal"), 3, "desk"),
        ((), 2, ""),
        (("--schema", "record@1", "--url", "no address"), 2, "address"),
        (("--schema", "record@1", "--rate", "nan"), 2, "--rate"),
        (("--schema", "record@1", "--url", "http://127.0.0.1:9"), 4, "hub run"),
    ],
)
def test_used_wrongly(running: Running, words: tuple[str, ...], code: int, says: str) -> None:
    home, key = running
    file = home.rows("few.jsonl", [row(600)])
    process = home.begin_import(key, str(file), *words)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, out + err
    assert says in out + err


def test_a_wrong_key_ends_it_at_once(running: Running) -> None:
    home, _ = running
    file = home.rows("few.jsonl", [row(600)])
    said = home.imported("hub_" + "x" * 43, str(file), "--schema", "record@1", code=1)
    assert said["error"]["kind"] == "Unauthenticated"


def test_it_ends_tidily_and_goes_on(new_home: Callable[..., ImportHome]) -> None:
    """Ctrl-C: what is under way is settled, and the same command goes on. Two at once are refused."""
    home = new_home()
    key, rows = home.key(), [row(number) for number in range(600)]
    file = str(home.rows("old.jsonl", rows))
    with home.hub():
        first = home.begin_import(key, file, "--schema", "record@1", "--rate", "20")
        until("some are there", lambda: home.look("select count(*) from arrivals")[0][0] > 30)
        second = home.imported(key, file, "--schema", "record@1", code=1)
        assert second["error"]["problems"][0]["code"] == "under_way"
        first.send_signal(signal.SIGINT)
        ended = told(first, 130)
        assert 30 < ended["counts"]["accepted"] < 600
        on = home.imported(key, file, "--schema", "record@1")
        assert on["counts"] == {"accepted": 600}
        until("all is delivered", lambda: not judge(home, rows))


def test_it_waits_while_the_partner_is_away(new_home: Callable[..., ImportHome]) -> None:
    """No more of its deliveries are open than was said; when the partner is there again it goes on."""
    home = new_home()
    key, rows = home.key(), [row(number) for number in range(100)]
    home.portal.rmdir()
    open_now = "select count(*) from deliveries where state <> 'delivered'"
    with home.hub():
        process = home.begin_import(key, str(home.rows("old.jsonl", rows)), "--schema", "record@1", "--waiting", "10")
        until("they wait", lambda: home.look(open_now)[0][0] >= 10)
        most = max(home.look(open_now)[0][0] for _ in range(100))
        home.portal.mkdir()
        assert told(process)["counts"] == {"accepted": 100}
        until("all is delivered", lambda: not judge(home, rows))
    assert most <= 10
