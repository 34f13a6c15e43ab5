"""The hub's own event stream: what it did, told to whoever listens."""
