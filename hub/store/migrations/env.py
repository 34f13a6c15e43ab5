"""Alembic's environment: runs revisions on the connection, and in the transaction, that ``hub.store.migrate`` holds."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
context.run_migrations()
