"""The operator's window: one read-only page with the exchange at one glance, live, in Vietnamese and English."""
