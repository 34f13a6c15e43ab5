"""What the pages tell an operator to look for on the overview is what stands there."""

from __future__ import annotations

import re

from deploy.parts import ROOT
from hub.console.words import WORDS


def test_the_page_about_a_portal_that_is_down_quotes_the_overview() -> None:
    """In English and Vietnamese, as the page has it."""
    text = (ROOT / "docs" / "howto" / "portal-is-down.md").read_text(encoding="utf-8")
    quoted = re.search(r"\*([^*]+)\* \(([^)]+)\) at the endpoint on the overview", " ".join(text.split()))
    assert quoted is not None
    assert (quoted[2], quoted[1]) == WORDS["is_open"]
