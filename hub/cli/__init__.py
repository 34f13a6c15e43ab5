"""The shell: what an integrator or operator types. Each command group is one module; ``main`` puts them together."""
