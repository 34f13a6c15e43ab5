"""A file of 100 MB goes in by POST and out by GET, and the hub's memory stays flat."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from claims.parts import PDF, until

ROOT = Path(__file__).parents[2]
MOST = 40 * 1024 * 1024
SIZE = 100 * 1024 * 1024
CHILD = """
import asyncio, sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from claims.parts import FILES, config, running
async def main():
    text = config(files=FILES.replace("max_bytes: 1000000", "max_bytes: 104857600"))
    async with running(Path({folder!r}), text) as desk:
        link = desk.hub._files.links.link
        print(desk.hub.port, desk.keys["one-stop"], flush=True)
        sha256 = (await asyncio.to_thread(sys.stdin.readline)).strip()
        print(link(sha256).removeprefix("https://hub.example.vn/xchg"), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""


def memory(pid: int, what: str) -> int:
    """VmRSS (now) or VmHWM (the most there was) in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) * 1024
    raise AssertionError(what)


async def large() -> AsyncIterator[bytes]:
    """100 MB that begin as a PDF, made as they go."""
    block = (PDF * 3000)[: 1024 * 1024]
    for number in range(SIZE // len(block)):
        yield block[:-4] + number.to_bytes(4, "big")


async def test_100_mb_in_and_out_in_40_mb(tmp_path: Path) -> None:
    """The peak of the hub's process lies at most 40 MB above what it had before."""
    digest = hashlib.sha256()
    async for piece in large():
        digest.update(piece)
    code = CHILD.format(tests=str(ROOT / "tests"), folder=str(tmp_path))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    try:
        port, key = (await asyncio.wait_for(child.stdout.readline(), 60)).decode().split()
        before = memory(child.pid, "VmRSS")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            headers = {"X-API-Key": key, "Content-Type": "application/pdf"}
            async with session.post("/v1/files", data=large(), headers=headers) as answer:
                found = await answer.json()
                assert (answer.status, found["sha256"], found["size"]) == (201, digest.hexdigest(), SIZE)
            child.stdin.write(found["sha256"].encode() + b"\n")
            path = (await child.stdout.readline()).decode().strip()
            came = hashlib.sha256()
            async with session.get(path) as answer:
                assert answer.status == 200
                async for piece in answer.content.iter_chunked(65536):
                    came.update(piece)
            assert came.hexdigest() == digest.hexdigest()
        grown = memory(child.pid, "VmHWM") - before
        print(f"claims_rss_grown_mib={grown / 2**20:.1f}")
        assert grown <= MOST
        child.stdin.write(b"end\n")
        await until(lambda: child.returncode is not None)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
