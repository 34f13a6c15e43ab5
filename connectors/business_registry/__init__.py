"""The national business register: how the hub asks it, and a simulator of it."""
