"""Several spaces of one collection, one of them active."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("state = 'active'")


def upgrade() -> None:
    op.add_column("spaces", sa.Column("since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("embeddings", sa.Column("code", sa.String(length=60), nullable=True))
    op.create_index("uq_spaces_active", "spaces", ["collection_id"], unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE)


def downgrade() -> None:
    op.drop_index("uq_spaces_active", table_name="spaces")
    op.drop_column("embeddings", "code")
    op.drop_column("spaces", "since")
