"""The hub's HTTP face: one server with the REST door, reads, probes, and the paths that connectors mount."""
