"""The disks that results were written to are remembered"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The disks that results were written to are remembered"""
    op.create_table(
        "output_mount",
        sa.Column("path", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_output_mount")),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("output_mount")
