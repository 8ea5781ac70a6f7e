"""Measuring what the reranker's values mean in a collection: by its judgments, else by pairs that have nothing to do with each other."""

from __future__ import annotations

from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from app.local.searches.kept_pictures import KeptPictures
from app.wiring.owned import OwnedInstallation
from storage.sql.collections import CollectionRecord
from uniir.calibration import Calibration, Method
from uniir.documents import Document, Modality
from uniir.errors import NotFound, UsageError
from uniir.hits import BandCuts
from uniir.protocols import Reranker
from uniir.queries import Query
from uniir.reranker_names import named
from uniir.wire import CalibrationAnswer, CalibrationRequest, CutsAnswer, QualityAnswer

_SHOWN = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_PER_QUERY = 20  # random documents that one random query is read with
_WORDS = 200  # characters of a text that stand for a query
_SEED = 7


class Calibrating:
    """Reads judged or random pairs with the reranker and keeps what its values turned out to mean."""

    def __init__(self, everything: OwnedInstallation, pictures: KeptPictures) -> None:
        self._everything = everything
        self._installation = everything.installation
        self._pictures = pictures

    def calibrate(self, request: CalibrationRequest) -> CalibrationAnswer:
        """Raises UsageError where nothing can be read, ModelUnavailable for what is not installed or not here."""
        collection = self._installation.collection(request.collection)
        reranker = self._everything.reranker(collection, request.reranker)
        before = self._installation.calibrations.find(collection, named(reranker))
        if request.forget:
            self._installation.calibrations.remove(collection, named(reranker))
            return _answer(collection, reranker, before, None, 0, 0, 0)
        values, right, queries = self._judged(collection, reranker)
        from evaluation.metrics.calibration import against_chance, fitted, held_out, quality

        found = fitted(values, right)
        if found is None:
            chance = self._unrelated(collection, reranker, request.pairs)
            if not len(chance):
                raise UsageError(
                    f"There is nothing to measure in {collection.name!r}: the reranker {reranker.name} reads {reranker.reading}.",
                    "Judge results that it reads, or name another with `--reranker`.",
                )
            found = against_chance(chance)
            self._installation.calibrations.put(collection, named(reranker), found)
            return _answer(collection, reranker, before, found, len(chance), 0, 0)
        self._installation.calibrations.put(collection, named(reranker), found)
        answer = _answer(collection, reranker, before, found, len(values), int(right.sum()), len(set(queries)))
        apart = held_out(values, right, queries)
        old, new = quality(values, right), quality(found.of(values) if apart is None else apart, right)
        return answer.model_copy(
            update={
                "quality_before": QualityAnswer(brier=old.brier, error=old.error),
                "quality_after": QualityAnswer(brier=new.brier, error=new.error),
                "held_out": apart is not None,
            }
        )

    def _judged(self, collection: CollectionRecord, reranker: Reranker) -> tuple[NDArray[np.float64], NDArray[np.bool_], list[str]]:
        """The value of every judged pair that the reranker reads, whether it is right, and its query."""
        values: list[float] = []
        right: list[bool] = []
        queries: list[str] = []
        judgments = self._installation.judgments.of(collection)
        documents = self._installation.library(collection).documents(sorted({one.document for one in judgments}))
        for key in dict.fromkeys(one.query.key for one in judgments):
            given = [one for one in judgments if one.query.key == key and one.document in documents]
            if not given:
                continue
            try:
                image = given[0].query.image
                query = given[0].query.asked(self._pictures.original(image) if image is not None else None)
            except NotFound:
                continue
            read = [one for one in given if reranker.reads(query, documents[one.document])]
            if read:
                values += reranker.score(query, [documents[one.document] for one in read]).tolist()
                right += [one.grade > 0 for one in read]
                queries += [key] * len(read)
        return np.array(values, np.float64), np.array(right, bool), queries

    def _unrelated(self, collection: CollectionRecord, reranker: Reranker, pairs: int) -> NDArray[np.float64]:
        """What the reranker gives to documents read with the words or the picture of another one."""
        drawn = np.random.default_rng(_SEED)
        held = [self._installation.browser.some(collection, one, max(_PER_QUERY, pairs // 4)) for one in Modality]
        documents = list(chain.from_iterable(held))
        values: list[float] = []
        for place in drawn.permutation(len(documents)).tolist():
            query = self._query_of(documents[place])
            others = (documents[one] for one in drawn.permutation(len(documents)).tolist())
            readable = (one for one in others if not _same(one, documents[place]) and reranker.reads(query, one))
            if read := list(islice(readable, _PER_QUERY)):
                values += reranker.score(query, read[: pairs - len(values)]).tolist()
            if len(values) >= pairs:
                break
        return np.array(values, np.float64)

    def _query_of(self, document: Document) -> Query:
        instruction = self._installation.instructions.chosen_for(document.modality, None)
        words = (document.text or "")[:_WORDS].strip() or None
        return Query(text=words, image=document.image, instruction=instruction)


def _same(one: Document, other: Document) -> bool:
    return one.fingerprint == other.fingerprint or (one.text is not None and one.text == other.text)


def _answer(
    collection: CollectionRecord,
    reranker: Reranker,
    before: Calibration | None,
    found: Calibration | None,
    pairs: int,
    right: int,
    queries: int,
) -> CalibrationAnswer:
    values = np.array(_SHOWN)
    now = values if found is None else found.of(values)
    return CalibrationAnswer(
        collection=collection.name,
        reranker=reranker.name,
        method=None if found is None else found.method,
        pairs=pairs,
        right=right,
        queries=queries,
        cuts_before=_cuts(reranker.cuts if before is None else before.cuts),
        cuts_after=_cuts(reranker.cuts if found is None else found.cuts),
        means=list(zip(_SHOWN, (round(float(one), 4) for one in now), strict=True)) if found and found.method is not Method.RANDOM else [],
    )


def _cuts(cuts: BandCuts | None) -> CutsAnswer | None:
    return None if cuts is None else CutsAnswer(strong=cuts.strong, good=cuts.good)
