"""Any JSON partner over HTTP by configuration: which message becomes which call, and what each answer means."""
