"""The national population registry: its connector and, written apart from it, its simulator."""
