"""Routes that take only what some senders say, and what those say of dossiers that another sender owns."""
