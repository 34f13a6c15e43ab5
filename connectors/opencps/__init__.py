"""OpenCPS 2, a widely used provincial one-stop system: its dossiers, invented. Schema and mappings are catalog data."""

from connectors.opencps.stories import Story, stories

__all__ = ["Story", "stories"]
