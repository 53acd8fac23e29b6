"""What was taken off the list is remembered"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was taken off the list is remembered"""
    op.create_table(
        "dismissed",
        sa.Column("identity", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_dismissed")),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("dismissed")
