"""A name of its own for every installation, by which its vectors are told from others' on one server."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    identity = op.create_table(
        "identity",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_identity")),
    )
    op.bulk_insert(identity, [{"key": uuid.uuid4().hex}])


def downgrade() -> None:
    op.drop_table("identity")
