"""What is kept between acceptance and first attempt is what a translation at that moment would give, and no more than fits."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from hub.errors import TranslationFailed
from hub.translation import Outbox, Translation


class Counting:
    """A chain that adds its name to the body and counts how often it is asked."""

    def __init__(self, digest: str, nothing: bool = False) -> None:
        self.digest, self.asked, self.nothing = digest, 0, nothing
        self.target = SimpleNamespace(ref="partner@1")

    def translate(self, body: Any) -> Translation | None:
        self.asked += 1
        return None if self.nothing else Translation({**body, "by": self.digest})


@pytest.fixture
def numbered() -> Iterator[tuple[dict[str, int], bytes]]:
    return (({"n": n}, orjson.dumps({"n": n})) for n in range(100))


def test_what_was_tried_out_is_sent_and_not_made_again(numbered: Iterator[tuple[dict[str, int], bytes]]) -> None:
    """Once: a second taker has it made anew."""
    outbox, chain = Outbox(), Counting("a")
    body, encoded = next(numbered)
    outbox.try_out(chain, body, encoded)
    assert orjson.loads(outbox.take(chain, encoded).request) == {"n": 0, "by": "a"} and chain.asked == 1
    assert orjson.loads(outbox.take(chain, encoded).request) == {"n": 0, "by": "a"} and chain.asked == 2


def test_another_chain_or_body_is_never_answered_from_memory(numbered: Iterator[tuple[dict[str, int], bytes]]) -> None:
    """A mapping or table changed between acceptance and attempt: its new digest asks anew."""
    outbox, before, after = Outbox(), Counting("before"), Counting("after")
    (first, encoded), (_, other) = next(numbered), next(numbered)
    outbox.try_out(before, first, encoded)
    assert orjson.loads(outbox.take(after, encoded).request)["by"] == "after"
    assert orjson.loads(outbox.take(before, other).request)["n"] == 1


def test_the_oldest_goes_when_the_room_is_full(numbered: Iterator[tuple[dict[str, int], bytes]]) -> None:
    """It is made again when it is due; the newest is still there."""
    outbox, chain = Outbox(kept_bytes=200), Counting("a")
    made = list(numbered)
    for body, encoded in made:
        outbox.try_out(chain, body, encoded)
    outbox.take(chain, made[-1][1])
    assert chain.asked == len(made)
    assert orjson.loads(outbox.take(chain, made[0][1]).request)["n"] == 0
    assert chain.asked == len(made) + 1


def test_nothing_to_send_is_said(numbered: Iterator[tuple[dict[str, int], bytes]]) -> None:
    """A mapping whose condition does not hold fails the attempt by name, it sends no empty body."""
    outbox, chain = Outbox(), Counting("a", nothing=True)
    body, encoded = next(numbered)
    outbox.try_out(chain, body, encoded)
    with pytest.raises(TranslationFailed) as failed:
        outbox.take(chain, encoded)
    assert failed.value.problems[0].code == "nothing_to_send"
