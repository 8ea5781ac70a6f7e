"""What rerankers' values mean in a collection."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calibrations",
        sa.Column("collection_id", sa.Integer(), nullable=False),
        sa.Column("reranker", sa.String(length=500).with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("calibration", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name=op.f("fk_calibrations_collection_id_collections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("collection_id", "reranker", name=op.f("pk_calibrations")),
    )


def downgrade() -> None:
    op.drop_table("calibrations")
