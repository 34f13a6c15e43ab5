"""Every fault of the conformance suite, against the simulated portal."""

from hub.testing.suite import conformance

test_conformance = conformance("ministry-portal")
