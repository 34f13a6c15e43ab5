"""What a partner's answer means, by a table that the integrator writes: shared by connectors that are all configuration."""
