"""Runs the migrations on the connection that the store hands over."""

from alembic import context

from service.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table in place; Alembic copies it instead.
    render_as_batch=True,
)
context.run_migrations()
