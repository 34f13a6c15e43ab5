"""The pure domain: what a dossier is, how its codes look, which states it passes. No I/O, no partner, no mapping."""
