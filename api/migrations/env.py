"""What Alembic runs to take a database up the steps; `api.database` hands it the connection, in a transaction."""

from alembic import context

from api.database_tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
