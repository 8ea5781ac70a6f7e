"""Several processes on one Postgres: who is alive, who has which job, whose turn it is; bytewise order and the index of metadata there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
# On Postgres text sorts by the database's own collation unless told otherwise; walk and ledger are merged in order of code points.
_SORTED = {
    "collections": ("name",),
    "spaces": ("encoder", "weights", "preprocessing"),
    "sources": ("root", "path", "locator", "signature"),
    "documents": ("locator", "external_id", "text", "image_path"),
    "failures": ("root", "path", "locator", "reason", "signature"),
    "jobs": ("collection",),
}


def upgrade() -> None:
    op.add_column("jobs", sa.Column("holder", sa.String(length=40), nullable=True))
    op.add_column("jobs", sa.Column("progress", _JSON, nullable=True))
    op.add_column("jobs", sa.Column("cancelling", sa.Boolean(), nullable=True))
    op.create_table(
        "processes",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
    )
    op.create_table(
        "turns",
        sa.Column("collection", sa.String(length=200).with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collection", name=op.f("pk_turns")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _SORTED.items():
            for column in columns:
                op.alter_column(table, column, type_=sa.Text(collation="C"))
        op.create_index(
            "ix_documents_metadata", "documents", ["metadata"], postgresql_using="gin", postgresql_ops={"metadata": "jsonb_path_ops"}
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_documents_metadata", "documents")
    op.drop_table("turns")
    op.drop_table("processes")
    for column in ("cancelling", "progress", "holder"):
        op.drop_column("jobs", column)
