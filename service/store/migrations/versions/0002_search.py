"""Jobs can be searched"""

import json
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Jobs can be searched"""
    op.add_column("job", sa.Column("words", sa.String(), server_default="", nullable=False))
    connection = op.get_bind()
    jobs = connection.execute(sa.text("SELECT number, shot, request FROM job")).all()
    rows = [{"number": number, "words": _words(json.loads(shot), json.loads(asked))} for number, shot, asked in jobs]
    if rows:
        connection.execute(sa.text("UPDATE job SET words = :words WHERE number = :number"), rows)
    op.create_index("ix_job_listing", "job", ["number", "state", "client", "words"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_job_listing", table_name="job")
    op.drop_column("job", "words")


def _words(shot: dict[str, str], asked: dict[str, str]) -> str:
    text = "\n".join((shot["name"], asked["plate"], asked.get("client") or ""))
    return unicodedata.normalize("NFC", text).casefold()
