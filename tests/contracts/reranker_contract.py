"""What every reranker promises. Inherit from RerankerContract and give it a fixture `reranker`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from uniir.documents import Document, ImageReference, Modality, Source
from uniir.protocols import Reranker
from uniir.queries import Query

SOURCE = Source(root="/", path="somewhere")
TEXTS = (
    "A dog runs through the snow. The children laugh.",
    "Boil the pasta for ten minutes, then drain it.",
    "犬が走る。",
    "?!",
    "\u202eright to left\u202c",
    "word " * 5_000,
    "x",
)


def text(content: str, number: int = 1) -> Document:
    return Document(id=number, modality=Modality.TEXT, text=content, source=SOURCE)


class RerankerContract:
    @pytest.fixture
    def candidates(self) -> list[Document]:
        return [text(content, number) for number, content in enumerate(TEXTS)]

    @pytest.mark.parametrize("asked", ["a dog in the snow", "How long does pasta boil?", "?", "été 🐕", "long " * 3_000])
    def test_probabilities_are_finite_and_between_nought_and_one(self, reranker: Reranker, candidates: list[Document], asked: str) -> None:
        values = reranker.score(Query(text=asked), candidates)
        assert values.dtype == np.float32
        assert values.shape == (len(candidates),)
        assert np.isfinite(values).all()
        assert ((values >= 0) & (values <= 1)).all()

    def test_what_stands_beside_a_candidate_does_not_matter_and_order_is_kept(self, reranker: Reranker, candidates: list[Document]) -> None:
        query = Query(text="a dog in the snow")
        together = reranker.score(query, candidates)
        alone = [float(reranker.score(query, [one])[0]) for one in candidates]
        np.testing.assert_allclose(together, alone, atol=1e-5)
        np.testing.assert_allclose(reranker.score(query, candidates[::-1]), together[::-1], atol=1e-5)

    def test_asking_again_gives_the_same(self, reranker: Reranker, candidates: list[Document]) -> None:
        first = reranker.score(Query(text="pasta"), candidates)
        reranker.score(Query(text="something else"), candidates[:2])
        np.testing.assert_array_equal(reranker.score(Query(text="pasta"), candidates), first)

    def test_no_candidates_give_no_values(self, reranker: Reranker) -> None:
        assert reranker.score(Query(text="a dog"), []).shape == (0,)

    def test_many_threads_get_what_one_gets(self, reranker: Reranker, candidates: list[Document]) -> None:
        queries = [Query(text=word) for word in ("a dog", "pasta", "snow", "children")]
        alone = [reranker.score(query, candidates) for query in queries]
        with ThreadPoolExecutor(4) as pool:
            for number, values in enumerate(pool.map(lambda number: reranker.score(queries[number % 4], candidates), range(8))):
                np.testing.assert_array_equal(values, alone[number % 4])

    def test_the_answer_comes_before_what_has_nothing_to_do_with_it(self, reranker: Reranker, candidates: list[Document]) -> None:
        assert reranker.score(Query(text="a dog in the snow"), candidates).argmax() == 0
        assert reranker.score(Query(text="How long must pasta boil?"), candidates).argmax() == 1

    def test_it_says_what_it_reads(self, reranker: Reranker) -> None:
        picture = Document(id=1, modality=Modality.IMAGE, image=ImageReference(Path("/gone.png")), source=SOURCE)
        assert reranker.name
        assert reranker.reading
        assert reranker.reads(Query(text="a dog"), text("a dog"))
        assert not reranker.reads(Query(like=(1,)), text("a dog"))
        assert not reranker.reads(Query(like=(1,)), picture)
