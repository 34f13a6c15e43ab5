"""The store: what is durable. It speaks of subjects, messages and deliveries, and knows no field of a dossier."""
