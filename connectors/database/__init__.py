"""A database as a partner: rows of a table or view become arrivals, and messages become rows."""
