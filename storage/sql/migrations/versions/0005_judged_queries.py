"""A query's judgments under a key of their own, the pictures of judged queries, and how scorings came out."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
_JUDGMENTS = sa.table(
    "judgments",
    sa.column("id"),
    sa.column("collection_id"),
    sa.column("query", _JSON),
    sa.column("query_key"),
    sa.column("document_id"),
    sa.column("created_at"),
    sa.column("judged_at"),
)


def upgrade() -> None:
    op.create_table(
        "judged_pictures",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_judged_pictures")),
    )
    op.create_table(
        "scorings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collection_id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("encoder", _JSON, nullable=False),
        sa.Column("settings", _JSON, nullable=False),
        sa.Column("measures", _JSON, nullable=False),
        sa.Column("queries", sa.Integer(), nullable=False),
        sa.Column("judgments", sa.Integer(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("judged_share", sa.Float(53), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name=op.f("fk_scorings_collection_id_collections"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scorings")),
    )
    op.create_index("ix_scorings_collection_id_made_at", "scorings", ["collection_id", "made_at"])
    for column in (
        sa.Column("query_key", sa.String(length=64), nullable=True),
        sa.Column("image_sha256", sa.String(length=64), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("judgments", column)
    _fill()
    with op.batch_alter_table("judgments") as batch_op:
        batch_op.alter_column("query_key", existing_type=sa.String(length=64), nullable=False)
        batch_op.alter_column("judged_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.create_unique_constraint("uq_judgments_collection_id_query_key_document_id", ["collection_id", "query_key", "document_id"])
        batch_op.create_foreign_key("fk_judgments_image_sha256_judged_pictures", "judged_pictures", ["image_sha256"], ["sha256"])
        batch_op.create_index("ix_judgments_image_sha256", ["image_sha256"])


def _fill() -> None:
    """Keys for what was judged before; of two grades for the same, the later one stays."""
    connection, seen = op.get_bind(), set()
    for row in connection.execute(sa.select(_JUDGMENTS).order_by(_JUDGMENTS.c.id.desc())).all():
        key = hashlib.sha256(json.dumps(row.query, sort_keys=True).encode()).hexdigest()
        if (row.collection_id, key, row.document_id) in seen:
            connection.execute(sa.delete(_JUDGMENTS).where(_JUDGMENTS.c.id == row.id))
            continue
        seen.add((row.collection_id, key, row.document_id))
        values = {"query_key": key, "judged_at": _JUDGMENTS.c.created_at}
        connection.execute(sa.update(_JUDGMENTS).where(_JUDGMENTS.c.id == row.id).values(values))


def downgrade() -> None:
    with op.batch_alter_table("judgments") as batch_op:
        batch_op.drop_index("ix_judgments_image_sha256")
        batch_op.drop_constraint("fk_judgments_image_sha256_judged_pictures", type_="foreignkey")
        batch_op.drop_constraint("uq_judgments_collection_id_query_key_document_id", type_="unique")
        batch_op.drop_column("judged_at")
        batch_op.drop_column("image_sha256")
        batch_op.drop_column("query_key")
    op.drop_index("ix_scorings_collection_id_made_at", table_name="scorings")
    op.drop_table("scorings")
    op.drop_table("judged_pictures")
