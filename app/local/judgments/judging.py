"""Judgments of hits: giving, taking back, listing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from app.local.searches.kept_pictures import KeptPictures
from app.wiring.installation import Installation
from storage.sql.collections import CollectionRecord
from uniir.errors import QueryError
from uniir.filter_language import written
from uniir.ids import format_id, parse_id
from uniir.judgments import JudgedQuery, Judgment
from uniir.queries import Query, Weights
from uniir.wire import GivenGrade, HitAnswer, JudgedQueryAnswer, JudgmentAnswer, JudgmentRequest, JudgmentsAnswer, UsedInstruction


class Judging:
    """Keeps what people say of results."""

    def __init__(self, installation: Installation, pictures: KeptPictures) -> None:
        self._installation = installation
        self._pictures = pictures
        self._judgments = installation.judgments

    def judge(self, request: JudgmentRequest, query: Query) -> JudgmentAnswer:
        """`query` is the request's, its picture a file. The picture is kept from now on. Raises NotFound, QueryError."""
        collection = self._installation.collection(request.search.collection)
        picture = _bytes_of(query)
        judged = self._judged(query, None if picture is None else hashlib.sha256(picture).hexdigest())
        if picture is not None:
            self._pictures.keep(picture)  # which refuses what is no picture
        return judgment_answer(self._judgments.put(collection, judged, parse_id(request.document), request.grade, picture))

    def judgments(self, collection: str | None) -> JudgmentsAnswer:
        record = self._installation.collection(collection)
        return JudgmentsAnswer(collection=record.name, judgments=[judgment_answer(one) for one in self._judgments.of(record)])

    def forget(self, number: int) -> JudgmentAnswer:
        """Raises NotFound."""
        return judgment_answer(self._judgments.remove(number))

    def graded(self, collection: CollectionRecord, query: Query, hits: Sequence[HitAnswer]) -> list[HitAnswer]:
        """The hits, each with the grade that somebody has given it for this very query."""
        picture = None if query.image is None else query.image.sha256 or hashlib.sha256(_bytes_of(query) or b"").hexdigest()
        known = self._judgments.grades(collection, self._judged(query, picture).key)
        said = {format_id(document): GivenGrade(id=one.id, grade=one.grade) for document, one in known.items()}
        return [hit.model_copy(update={"judgment": said[hit.id]}) if hit.id in said else hit for hit in hits]

    def _judged(self, query: Query, picture: str | None) -> JudgedQuery:
        return JudgedQuery.of(query, picture, self._installation.instructions)


def judgment_answer(judgment: Judgment) -> JudgmentAnswer:
    return JudgmentAnswer(
        id=judgment.id,
        query=query_answer(judgment.query),
        document=format_id(judgment.document),
        grade=judgment.grade,
        judged_at=judgment.judged_at,
    )


def query_answer(query: JudgedQuery) -> JudgedQueryAnswer:
    return JudgedQueryAnswer(
        text=query.text,
        image=query.image,
        instruction=UsedInstruction(id=query.instruction.id, text=query.instruction.wording),
        target=query.target,
        weights={name: getattr(query.weights, name) for name in Weights.__slots__},
        negatives=list(query.negatives),
        like=[format_id(one) for one in query.like],
        path=query.path,
        where=None if query.where is None else written(query.where),
    )


def _bytes_of(query: Query) -> bytes | None:
    if query.image is None:
        return None
    try:
        return Path(query.image.path).read_bytes()
    except OSError as error:
        raise QueryError(f"The picture {query.image.path} can't be read: {error.strerror or error}.") from None
