"""Drop folder: files that another system leaves in a folder become arrivals, each record once."""
