"""Reads a trace of system calls: for each 202 written to a sender, was its message on disk before?

A line of ``strace -f -yy`` is a call of one thread; calls of several threads are cut into ``<unfinished ...>`` and
``<... resumed>``. A call counts from its first line (begun) to its last (done).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CALLS = "read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,fsync,fdatasync"
_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<fd>\d+)<(?P<what>.*?)>(?P<rest>[,)].*)", re.DOTALL)
_RESULT = re.compile(r"= (?P<result>-?\d+)[^=]*$")


def tracer(target: Path) -> list[str]:
    """The command that traces another from its start into a file."""
    assert shutil.which("strace")
    told = subprocess.run(["strace", "--help"], capture_output=True, text=True, check=False).stdout
    quick = ["--seccomp-bpf"] if "--seccomp-bpf" in told else []
    return ["strace", "-f", *quick, "-yy", "-s", "2000", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(target)]


@dataclass(frozen=True)
class Call:
    """One finished call; ``begun`` and ``done`` are its first and last line in the trace."""

    name: str
    what: str
    text: str
    result: int
    begun: int
    done: int


def calls(trace: Path) -> Iterator[Call]:
    """The calls of a trace that carry a file descriptor, in the order of their ends."""
    begun: dict[str, tuple[int, str]] = {}
    with trace.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines):
            found = _LINE.match(line)
            if found is None:
                continue
            pid, text, first = found["pid"], found["rest"].rstrip("\n"), number
            if text.endswith("<unfinished ...>"):
                begun[pid] = number, text.removesuffix("<unfinished ...>").rstrip()
                continue
            if (resumed := _RESUMED.match(text)) and pid in begun:
                first, start = begun.pop(pid)
                text = start + resumed["rest"]
            call, result = _CALL.match(text), _RESULT.search(text)
            if call is not None and result is not None:
                yield Call(call["name"], call["what"], call["rest"], int(result["result"]), first, number)


@dataclass
class Proof:
    """``receipts``: 202 answers seen; ``unproven``: those with no synced write to the log between request and answer."""

    receipts: int = 0
    unproven: int = 0


def receipts_after_sync(trace: Path, port: int, log: Path) -> Proof:
    """Looks at the connections of one port and the write-ahead log of one database.

    Sound when messages come one at a time and nothing else writes: then the write to the log between a request and its 202
    is that message's, and the sync that begins after that write makes it durable.
    """
    proof = Proof()
    asked: dict[str, int] = {}
    written: list[Call] = []
    synced: list[Call] = []
    for call in calls(trace):
        if call.what.startswith("TCP") and f":{port}->" in call.what:
            if call.name in ("read", "recvfrom", "recvmsg") and "POST /v1/messages" in call.text:
                asked[call.what] = call.done
            elif call.name in ("write", "writev", "sendto", "sendmsg") and "HTTP/1.1 202" in call.text:
                proof.receipts += 1
                request = asked.pop(call.what)
                at_rest = any(
                    write.begun > request and sync.begun > write.done and sync.done < call.begun
                    for write in written[-2000:]
                    for sync in synced[-200:]
                )
                proof.unproven += not at_rest
        elif call.what == str(log) and call.result >= 0:
            if call.name in ("fsync", "fdatasync"):
                synced.append(call)
            elif call.name in ("pwrite64", "pwritev"):
                written.append(call)
    return proof
