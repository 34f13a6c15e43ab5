"""Runs the examples that stand inside a mapping: what is given, and what must come of it.

Everything shown here is the mapping's own test data, never a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from hub.errors import BadConfig, Problem, SchemaInvalid, TranslationFailed
from hub.translation.catalog import Catalog
from hub.translation.compile import Compiler, compile_mapping
from hub.translation.differences import ABSENT, compare
from hub.translation.mapping import Mapping, MappingTest


def run_tests(catalog: Catalog, mapping: Mapping, compiler: Compiler = compile_mapping) -> list[Problem]:
    """One problem for each way in which a test of the mapping fails, with the line of the test."""
    return [problem for test in mapping.tests for problem in run_test(catalog, mapping, test, compiler)]


def run_test(catalog: Catalog, mapping: Mapping, test: MappingTest, compiler: Compiler = compile_mapping) -> Iterator[Problem]:
    """One problem for each way in which this test fails, as soon as it is found."""

    def failed(at: str, message: str, hint: str = "") -> Problem:
        hint = hint or "correct the rule, or what the test gives or expects"
        return Problem(at, "test_failed", f"test {test.name!r}: {message}", hint, test.where)

    try:
        step = catalog.step_with_tables(mapping, test.tables, compiler)
        step.source.validate(test.given)
    except BadConfig as error:
        for problem in error.problems:
            yield failed(f"tables.{problem.at}", problem.message, problem.hint)
        return
    except SchemaInvalid as error:
        for problem in error.problems:
            message = f"what is given does not fit {step.source.ref}: {problem.message}"
            yield failed(f"given{problem.at.replace('/', '.')}", message, problem.hint)
        return
    warnings: list[Problem] = []
    try:
        body = step.translate(test.given, warnings)
    except TranslationFailed as error:
        yield from _compare_errors(test, error, failed)
        return
    if test.errors:
        for at, code in test.errors:
            yield failed(at, f"expected the error {code}, but it was translated")
    elif test.nothing:
        if body is not None:
            yield failed("", "expected nothing, since when does not hold, but it was translated")
    elif body is None:
        yield failed("", "when does not hold, so nothing came out", "write nothing: true, or give what when asks for")
    else:
        for at, message in differences(test.expect, body):
            yield failed(at, message)
    if sorted(warning.code for warning in warnings) != sorted(test.warnings):
        found = ", ".join(f"{warning.code} at {warning.at}" for warning in warnings) or "none"
        yield failed("", f"expected the warnings [{', '.join(test.warnings)}], got {found}", "write warnings: [cut]")


def _compare_errors(test: MappingTest, error: TranslationFailed, failed: Any) -> Iterator[Problem]:
    found = {(problem.at, problem.code) for problem in error.problems}
    if not test.errors:
        for problem in error.problems:
            yield failed(problem.at, f"{problem.message} [{problem.code}] by {problem.source}", problem.hint)
    for at, code in test.errors:
        if (at, code) not in found:
            listed = ", ".join(f"{code} at {at}" for at, code in sorted(found))
            yield failed(at, f"expected the error {code}, got {listed}")
    for at, code in sorted(found - {*test.errors}) if test.errors and found.issuperset(test.errors) else ():
        yield failed(at, f"the error {code} is not expected", f"add {{ at: {at}, code: {code} }} to error, or correct the rule")


def differences(expected: Any, got: Any) -> Iterator[tuple[str, str]]:
    """The target paths at which two JSON values differ, and how."""
    for one in compare(expected, got):
        yield one.at, f"expected {_shown(one.before)}, got {_shown(one.after)}"


def _shown(value: Any) -> str:
    text = "nothing" if value is ABSENT else orjson.dumps(value).decode()
    return text if len(text) <= 120 else text[:117] + "..."
