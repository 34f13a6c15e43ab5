"""The business registry's connector keeps the contract under every fault."""

from hub.testing.suite import conformance

test_conformance = conformance("business-registry")
