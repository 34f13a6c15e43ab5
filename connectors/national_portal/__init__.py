"""The national public service portal: its connector and, written apart from it, its simulator."""
