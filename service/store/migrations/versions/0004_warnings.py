"""Jobs keep the warnings of their manifest"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Jobs keep the warnings of their manifest"""
    op.add_column("job", sa.Column("warnings", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    """Undo it."""
    op.drop_column("job", "warnings")
