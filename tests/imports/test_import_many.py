"""Very many rows beside today's traffic: memory, rate, and how long today's sender waits for receipts and deliveries.

The normal run has 50,000 rows that no route takes, so that intake alone is measured, and 1,000 that are delivered; SOAK=1 has
1,000,000 and 20,000. The processes are started as users start them.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from warm_hub import COLD

from imports.parts import ImportHome, kill, row, told, until

pytestmark = pytest.mark.xdist_group("imports-import-many")
SOAK = os.environ.get("SOAK") == "1"
ROWS = int(os.environ.get("ROWS", 1_000_000 if SOAK else 50_000))
DELIVERED = 20_000 if SOAK else 1_000
MOST_MIB = 300
SLOWEST = 200  # rows a second: what is slower hangs
_NEWEST = "select max(rowid) from arrivals"
_ARRIVED = "select count(*) from arrivals where sender = 'one-stop'"


class Today:
    """The sender of today: a message each 20 ms, as long as it goes on."""

    def __init__(self, home: ImportHome, key: str) -> None:
        self._home, self._headers = home, {"Authorization": f"Bearer {key}", "Hub-Schema": "record@1"}
        self._number = 5_000_000

    def goes_on(self, condition: Callable[[], bool]) -> list[float]:
        """Seconds until each receipt, while the condition holds."""
        found: list[float] = []
        with closing(http.client.HTTPConnection("127.0.0.1", self._home.port, timeout=30)) as connection:
            while condition():
                self._number += 1
                began = time.monotonic()
                headers = {**self._headers, "Content-Type": "application/json"}
                connection.request("POST", "/v1/messages", json.dumps(row(self._number)), headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 202
                found.append(time.monotonic() - began)
                time.sleep(0.02)
        return found

    def for_seconds(self, seconds: float) -> list[float]:
        until_then = time.monotonic() + seconds
        return self.goes_on(lambda: time.monotonic() < until_then)

    def lags(self, since: int) -> list[float]:
        """Seconds from receipt to delivery of what was accepted since then."""
        mine = "from deliveries d join messages m on m.id = d.message_id where m.sender = 'today'"
        until("all of it is delivered", lambda: not self._home.look(f"select 1 {mine} and d.state <> 'delivered' limit 1"))
        found = self._home.look(f"select d.settled_at - d.created_at {mine} and d.created_at >= {since}")
        return [lag / 1_000_000 for (lag,) in found]


def _ms(seconds: list[float], percent: int) -> str:
    return f"{1000 * sorted(seconds)[max(0, len(seconds) * percent // 100 - 1)]:.1f}"


def _shown(name: str, idle: list[float], during: list[float]) -> str:
    told = " ".join(f"{name}_p{one}_ms={_ms(idle, one)}->{_ms(during, one)}" for one in (50, 99))
    return f"{told} (idle {len(idle)}, during {len(during)})"


def _peak(process: subprocess.Popen[str]) -> float:
    """The most that the process has had, in MiB; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


@pytest.mark.timeout(2 * ROWS / SLOWEST + 120)
def test_very_many_rows_beside_today(new_home: Callable[..., ImportHome]) -> None:
    """Killed in the middle and gone on with, each row is there once, and neither process needs much memory."""
    home = new_home(only_from="today")
    key, today, peak = home.key(), Today(home, home.key("today")), 0.0
    file = str(home.rows("old.jsonl", (row(number) for number in range(ROWS))))
    with home.hub(COLD) as hub:
        idle = today.for_seconds(2)
        half = 0.4 * ROWS
        began, now = time.monotonic(), time.time_ns() // 1000
        first = home.begin_import(key, file, "--schema", "record@1", command=COLD)

        def under_way() -> bool:
            nonlocal peak
            peak = max(peak, _peak(first))
            return first.poll() is None and home.look(_NEWEST)[0][0] < half

        during = today.goes_on(under_way)
        kill(first)
        ((before,),) = home.look(_ARRIVED)
        seconds = time.monotonic() - began
        second = home.begin_import(key, file, "--schema", "record@1", command=COLD)

        def goes_on() -> bool:
            nonlocal peak
            peak = max(peak, _peak(second))
            return second.poll() is None

        during += today.goes_on(goes_on)
        said = told(second, seconds=ROWS / SLOWEST)
        peaks = (peak, _peak(hub))
        lags = today.lags(now)
    print(
        f"\nimport: rows={ROWS} rate={before / seconds:.0f}/s after_the_kill={said['rate']:.0f}/s "
        f"rss_peak_mib=import {peaks[0]:.0f}, hub {peaks[1]:.0f}\n  {_shown('receipt', idle, during)}\n"
        f"  lag_p99_ms={_ms(lags, 99)}"
    )
    assert home.look(_ARRIVED) == [(ROWS,)]
    assert home.look("select count(distinct dossier_id) from arrivals where sender = 'one-stop'") == [(ROWS,)]
    assert sum(said["counts"].values()) == ROWS
    assert said["rows_sent"] <= ROWS - before + 0.1 * ROWS, "it did not go on where it was"
    assert 0 < max(peaks) <= MOST_MIB


@pytest.mark.timeout(2 * DELIVERED / 20 + 120)
def test_todays_deliveries_do_not_wait_behind_it(new_home: Callable[..., ImportHome]) -> None:
    """At no time are more open than was said, and all is delivered in the end."""
    home = new_home()
    key, today, most = home.key(), Today(home, home.key("today")), 0
    file = str(home.rows("old.jsonl", (row(number) for number in range(DELIVERED))))
    mine = "from deliveries d join messages m on m.id = d.message_id where m.sender = 'one-stop'"
    with home.hub():
        since = time.time_ns() // 1000
        idle = today.for_seconds(2)
        idle_lags = today.lags(since)
        since = time.time_ns() // 1000
        process = home.begin_import(key, file, "--schema", "record@1")

        def under_way() -> bool:
            nonlocal most
            ((now,),) = home.look(f"select count(*) {mine} and d.state <> 'delivered'")
            most = max(most, now)
            return process.poll() is None

        during = today.goes_on(under_way)
        said = told(process)
        lags = today.lags(since)
        until("all is delivered", lambda: home.look(f"select count(*) {mine} and d.state = 'delivered'") == [(DELIVERED,)])
    print(
        f"\nimport delivered: rows={DELIVERED} rate={said['rate']:.0f}/s open_at_most={most}\n"
        f"  {_shown('receipt', idle, during)}\n  {_shown('lag', idle_lags, lags)}"
    )
    assert said["counts"] == {"accepted": DELIVERED}
    assert most <= 20
