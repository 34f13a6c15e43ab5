"""Hashing with a secret of config.yaml: equal values stay equal, the secret is named and never shown, tests need none."""

from __future__ import annotations

import hashlib
import hmac
import logging
from pathlib import Path
from typing import Any

import pytest

from hub.assembly import examine
from hub.cli.cautions import cautions
from hub.errors import BadConfig, TranslationFailed
from hub.translation import Catalog
from hub.translation.lint import lint_catalog
from hub.translation.text_verbs import PUBLIC_TEST_KEY

KEY, OTHER = "a secret of the province", "a secret of another one"
PUBLIC = hmac.new(PUBLIC_TEST_KEY.encode(), "Mẫu".encode(), hashlib.sha256).hexdigest()
MAPPING = f"""\
set:
  who: {{ get: who, apply: [trim, {{ keyed_hash: people }}] }}
tests:
  - {{ name: one, given: {{ who: " Mẫu" }}, expect: {{ who: "{PUBLIC}" }} }}
"""


def catalog(home: Any, key: str | None) -> Catalog:
    return Catalog.load([home.path], keys=None if key is None else {"people": key})


def test_the_value_is_hashed_with_the_key(plain: Any) -> None:
    """HMAC-SHA256 in hex, of what the verbs before it made."""
    plain.mapping(MAPPING)
    body = catalog(plain, KEY).chain("in@1", "out@1").translate({"who": "Mẫu "})
    assert body is not None
    assert body.body == {"who": hmac.new(KEY.encode(), "Mẫu".encode(), hashlib.sha256).hexdigest()}


def test_a_changed_key_changes_the_digest(plain: Any) -> None:
    """A delivery that ran with the old key is told from one that would run with the new; a mapping without is the same."""
    plain.mapping(MAPPING)
    digests = [catalog(plain, key).chain("in@1", "out@1").digest for key in (KEY, KEY, OTHER)]
    assert digests[0] == digests[1] != digests[2]
    plain.mapping("set: { who: { get: who } }\n")
    assert len({catalog(plain, key).chain("in@1", "out@1").digest for key in (KEY, OTHER, None)}) == 1


@pytest.mark.parametrize("key", [KEY, OTHER, None])
def test_the_tests_inside_need_no_secret(plain: Any, key: str | None) -> None:
    """They run with the public key, whatever the home's is."""
    plain.mapping(MAPPING)
    assert lint_catalog(catalog(plain, key)) == []


def test_without_the_keys_nothing_is_hashed(plain: Any) -> None:
    """A catalog that was read without them refuses, instead of hashing with a key that everybody knows."""
    plain.mapping(MAPPING)
    with pytest.raises(TranslationFailed) as caught:
        catalog(plain, None).chain("in@1", "out@1").translate({"who": "Mẫu"})
    assert [(one.at, one.code) for one in caught.value.problems] == [("who", "no_key")]


def test_a_name_that_config_does_not_have_is_told(plain: Any) -> None:
    """At the rule, in its file and line."""
    plain.mapping(MAPPING)
    with pytest.raises(BadConfig) as caught:
        Catalog.load([plain.path], keys={"peoples": KEY})
    (problem,) = caught.value.problems
    assert (problem.at, problem.code, problem.source) == ("who", "unknown_key_name", "mappings/m/1.0.0.yaml:8")
    assert 'people: "${file:secrets/people}"' in problem.hint


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("keys: { people: '${file:secrets/people}' }", set()),
        (f"keys: {{ people: '{KEY}' }}", set()),
        ("keys: { people: 'too short' }", {"value_error"}),
        ("{}", {"unknown_key_name"}),
        ("keys: { people: '${file:secrets/gone}' }", {"unresolved_reference"}),
    ],
)
def test_a_home_names_its_keys(plain: Any, caplog: Any, written: str, codes: set[str]) -> None:
    """`hub check` finds what is missing or too short, once each; the key itself stands in no problem, text or log."""
    caplog.set_level(logging.DEBUG)
    plain.mapping(MAPPING)
    plain.write("config.yaml", written + "\n")
    plain.write("secrets/people", KEY + "\n")
    parts, problems, warnings = examine(Path(plain.path))
    assert {one.code for one in problems} == codes
    said = repr((problems, warnings, parts, parts and parts.home.config)) + caplog.text
    assert KEY not in said
    assert "too short" not in said
    if parts:
        told = [one for one in cautions(parts, Path(plain.path)) if one.code == "literal_secret"]
        assert [one.at for one in told] == ([] if "${" in written else ["keys.people"])
        assert KEY not in repr(told)
        chain = parts.catalog.chain("in@1", "out@1")
        assert KEY not in repr(chain)
        assert chain.translate({"who": "Mẫu"}) == catalog(plain, KEY).chain("in@1", "out@1").translate({"who": "Mẫu"})
