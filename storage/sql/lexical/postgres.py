"""Lexical search in Postgres: text search vectors under a GIN index, ordered by BM25 as FTS5 computes it.

`ts_rank` does not know how rare a word is, so in a query of several words the commonest decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from storage.sql.schema import NAME_WEIGHT, TEXT_WEIGHT, EmbeddingState
from uniir.documents import Modality

_HELD = text("""
SELECT asked.word, (
  SELECT count(*) FROM document_words AS kept
  WHERE kept.text @@ CAST(quote_literal(asked.word) AS tsquery) OR kept.name @@ CAST(quote_literal(asked.word) AS tsquery)
) AS documents
FROM unnest(CAST(:words AS text[])) AS asked(word)
""")
_WORDS = text("""
SELECT document_id, tsvector_to_array(name) || tsvector_to_array(text) AS words
FROM document_words WHERE document_id = ANY(CAST(:ids AS bigint[]))
""")
_SIZE = text("SELECT count(*) FROM document_words")
_RANKED = text("""
WITH whole AS (SELECT count(*)::float8 AS documents, avg(length)::float8 AS length FROM document_words),
asked AS (
  SELECT given.word, greatest(ln((whole.documents - given.held + 0.5) / (given.held + 0.5)), 1e-6) AS rarity
  FROM whole, unnest(CAST(:words AS text[]), CAST(:held AS float8[])) AS given(word, held)
),
found AS (
  SELECT kept.document_id, sum(asked.rarity * here.times * 2.2 / (here.times + 1.2 * (0.25 + 0.75 * kept.length / whole.length))) AS score
  FROM document_words AS kept
  JOIN embeddings ON embeddings.document_id = kept.document_id AND embeddings.space_id = :space AND embeddings.state = :state
  JOIN documents ON documents.id = kept.document_id AND (CAST(:modalities AS text[]) IS NULL OR documents.modality = ANY(:modalities))
  CROSS JOIN whole
  CROSS JOIN LATERAL (
    SELECT lexeme, sum(weight * cardinality(positions)) AS times
    FROM (
      SELECT lexeme, positions, CAST(:text_weight AS float8) AS weight FROM unnest(kept.text)
      UNION ALL SELECT lexeme, positions, CAST(:name_weight AS float8) FROM unnest(kept.name)
    ) AS of_document
    WHERE lexeme = ANY(:words) GROUP BY lexeme
  ) AS here
  JOIN asked ON asked.word = here.lexeme
  WHERE kept.text @@ CAST(:query AS tsquery) OR kept.name @@ CAST(:query AS tsquery)
  GROUP BY kept.document_id
)
SELECT document_id FROM found ORDER BY round(CAST(score AS numeric), 9) DESC, document_id LIMIT :limit
""")


def size(connection: Connection) -> int:
    """How many documents there are."""
    found: int = connection.execute(_SIZE).scalar_one()
    return found


def held(connection: Connection, words: Sequence[str]) -> dict[str, int]:
    """How many documents each word stands in."""
    return {row.word: row.documents for row in connection.execute(_HELD, {"words": list(words)})}


def stand_together(connection: Connection, words: Sequence[str]) -> bool:
    """Whether any document, of whatever collection, holds all of these."""
    held = (f"(kept.text @@ CAST(:word{at} AS tsquery) OR kept.name @@ CAST(:word{at} AS tsquery))" for at in range(len(words)))
    query = text(f"SELECT 1 FROM document_words AS kept WHERE {' AND '.join(held)} LIMIT 1")
    return connection.execute(query, {f"word{at}": f"'{word}'" for at, word in enumerate(words)}).first() is not None


def ranked(
    connection: Connection, space: int, held: dict[str, int], modalities: Sequence[Modality] | None, limit: int | None
) -> Sequence[int]:
    """By BM25; ties by id."""
    given = {
        "words": list(held),
        "held": [float(count) for count in held.values()],
        "query": " | ".join(f"'{word}'" for word in held),
        "space": space,
        "state": EmbeddingState.INDEXED.value,
        "modalities": None if modalities is None else [str(one) for one in modalities],
        "name_weight": NAME_WEIGHT,
        "text_weight": TEXT_WEIGHT,
        "limit": limit,
    }
    return connection.execute(_RANKED, given).scalars().all()


def words(connection: Connection, ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """What stands in each document."""
    return {row.document_id: frozenset(row.words) for row in connection.execute(_WORDS, {"ids": list(ids)})}
