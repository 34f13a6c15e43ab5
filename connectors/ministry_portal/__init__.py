"""A ministry's portal of the 2026 contract: its connector and, written apart from it, its simulator."""
