"""A stand-in for the platforms between the hub and its partners: LGSP, NDXP with its security servers and adapters."""
