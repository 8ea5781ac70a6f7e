"""Words of documents for lexical search, and their index: FTS5 in SQLite, GIN in Postgres."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from uniir.lexical import words_of, words_of_name

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WORDS = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")
_PAGE = 1000
_DOCUMENTS = sa.text("""
SELECT documents.id, documents.text, documents.image_path, sources.path, sources.kind
FROM documents JOIN sources ON sources.id = documents.source_id
WHERE documents.id > :after ORDER BY documents.id LIMIT :page
""")
_SQLITE = (
    "CREATE VIRTUAL TABLE lexical USING fts5("
    "name, text, content='document_words', content_rowid='document_id', tokenize='ascii')",  # they are cut and folded already
    "CREATE VIRTUAL TABLE lexical_vocabulary USING fts5vocab('lexical', 'row')",
    """CREATE TRIGGER document_words_come AFTER INSERT ON document_words BEGIN
         INSERT INTO lexical(rowid, name, text) VALUES (new.document_id, new.name, new.text);
       END""",
    """CREATE TRIGGER document_words_go AFTER DELETE ON document_words BEGIN
         INSERT INTO lexical(lexical, rowid, name, text) VALUES ('delete', old.document_id, old.name, old.text);
       END""",
)


def upgrade() -> None:
    op.create_table(
        "document_words",
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("name", _WORDS, nullable=False),
        sa.Column("text", _WORDS, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_document_words_document_id_documents"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_document_words")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in _SQLITE:
            op.execute(statement)
    _fill()
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_document_words_name_text", "document_words", ["name", "text"], postgresql_using="gin")


def _fill() -> None:
    connection, after = op.get_bind(), -1
    told = _as_vector if connection.dialect.name == "postgresql" else " ".join
    cast = "CAST({} AS tsvector)" if connection.dialect.name == "postgresql" else "{}"
    kept = sa.text(f"INSERT INTO document_words VALUES (:id, {cast.format(':name')}, {cast.format(':text')}, :length)")
    while page := connection.execute(_DOCUMENTS, {"after": after, "page": _PAGE}).all():
        rows = []
        for row in page:
            name = words_of_name(row.image_path or ("" if row.kind == "record" else row.path))[:5000]
            words = words_of(row.text or "")[:5000]
            rows.append({"id": row.id, "name": told(name), "text": told(words), "length": len(name) + len(words)})
        connection.execute(kept, rows)
        after = page[-1].id


def _as_vector(words: list[str]) -> str:
    return " ".join(f"'{word}':{place}" for place, word in enumerate(words, start=1))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE lexical_vocabulary")
        op.execute("DROP TRIGGER document_words_come")
        op.execute("DROP TRIGGER document_words_go")
        op.execute("DROP TABLE lexical")
    op.drop_table("document_words")
