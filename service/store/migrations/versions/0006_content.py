"""Jobs know the plates that they are of"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Jobs know the plates that they are of"""
    op.add_column("job", sa.Column("content", sa.String(64), server_default="", nullable=False))


def downgrade() -> None:
    """Undo it."""
    op.drop_column("job", "content")
