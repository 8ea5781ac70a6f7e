"""The text reranker: the contract, its features, and how it fares on cases anybody can judge."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from encoders.starter.encoder import StarterEncoder
from models.devices import Device
from rerank.features import NAMES, Rarity, TextTraits, compare, traits_of
from rerank.remembering import Memory
from rerank.text import TextReranker, load_model
from tests.contracts.reranker_contract import RerankerContract, text
from uniir.documents import Modality
from uniir.protocols import ReadText, Reranker
from uniir.queries import Query


@pytest.fixture(scope="module")
def reranker() -> Reranker:
    return TextReranker.load(StarterEncoder.load(Device(threads=2)))


class TestTextReranker(RerankerContract):
    """With the weights that are shipped."""


def read(text: str, vectors: Sequence[Sequence[float]]) -> ReadText:
    pieces, spans, start = [], [], 0
    for word in text.split():
        start = text.index(word, start)
        pieces.append(word)
        spans.append((start, start + len(word)))
        start += len(word)
    return ReadText(tuple(pieces), np.array(spans, np.int32).reshape(-1, 2), np.array(vectors, np.float32).reshape(len(pieces), -1))


def traits(text: str, vectors: Sequence[Sequence[float]]) -> TextTraits:
    return traits_of(text, read(text, vectors))


RARITY = Rarity({"the": 1.0, "fox": 3.0}, 9.0)


def test_every_piece_looks_for_its_best_match_and_rare_ones_count_more() -> None:
    asked = traits("the fox", [(1, 0), (0, 1)])
    given = traits("a vixen", [(1, 0), (0.6, 0.8)])
    features = dict(zip(NAMES, compare(asked, given, RARITY), strict=True))
    assert features["words"] == pytest.approx((1 * 1 + 3 * 0.8) / 4, abs=1e-3)
    assert features["overlap"] == 0
    assert compare(asked, traits("fox", [(0, 1)]), RARITY)[3] == pytest.approx(3 / 4)


def test_the_best_sentence_counts_and_not_the_average() -> None:
    asked = traits("fox", [(0, 1)])
    given = traits("dull dull . fox .", [(1, 0), (1, 0), (1, 0), (0, 1), (0, 1)])
    features = dict(zip(NAMES, compare(asked, given, RARITY), strict=True))
    assert features["sentence"] == pytest.approx(1, abs=1e-3)
    assert features["meaning"] < 0.6


def test_texts_without_a_word_have_nothing_in_common() -> None:
    assert compare(traits("?", [(0, 1)]), traits("fox", [(0, 1)]), RARITY)[2:] == (0, 0)
    assert compare(traits("fox", [(0, 1)]), traits("?", [(0, 1)]), RARITY)[2:] == (0, 0)


def test_the_shipped_weights_fit_the_features() -> None:
    regression, rarity, cuts = load_model()
    assert len(regression.weights) == len(NAMES)
    assert rarity.of(("the",))[0] < rarity.of(("xylophone",))[0]
    assert 0 < cuts.good < cuts.strong


def test_a_question_finds_the_sentence_that_answers_it(reranker: Reranker) -> None:
    texts = [
        "The Rhine is a river. It flows through six countries.",
        "The length of the Rhine is about 1,230 kilometres.",
        "The Danube is longer than most rivers of Europe.",
        "Wine is grown on many slopes along rivers.",
    ]
    values = reranker.score(Query(text="How long is the Rhine?"), [text(one) for one in texts])
    assert values.argmax() == 1


def test_pairs_are_read_where_pairs_are_wanted_and_pictures_not_at_all(reranker: Reranker) -> None:
    from uniir.documents import Document, ImageReference, Source

    source, image = Source("/", "a.png"), ImageReference("/a.png")  # type: ignore[arg-type]
    pair = Document(id=1, modality=Modality.IMAGE_TEXT, text="a dog", image=image, source=source)
    picture = Document(id=2, modality=Modality.IMAGE, image=image, source=source)
    assert reranker.reads(Query(text="a dog", target=Modality.IMAGE_TEXT), pair)
    assert not reranker.reads(Query(text="a dog"), pair)  # in a mixed list
    assert not reranker.reads(Query(text="a dog"), picture)
    assert not reranker.reads(Query(image=image), pair)
    assert not reranker.reads(Query(text="what is this?", image=image), pair)


def test_what_was_read_is_remembered_up_to_a_size() -> None:
    asked: list[str] = []

    def make(texts: Sequence[str]) -> list[TextTraits]:
        asked.extend(texts)
        return [traits(one, [(0, 1)] * len(one.split())) for one in texts]

    memory = Memory(most_pieces=6)
    memory.of(["a b", "c d", "a b"], make)
    memory.of(["a b", "e f g"], make)  # seven pieces: "c d", the least lately used, is forgotten
    assert asked == ["a b", "c d", "e f g"]
    memory.of(["a b", "c d"], make)
    assert asked == ["a b", "c d", "e f g", "c d"]
    assert len(memory) == 2


def test_a_text_too_long_to_remember_beside_others_is_still_answered() -> None:
    memory = Memory(most_pieces=2)
    found = memory.of(["a b c d", "e"], lambda texts: [traits(one, [(0, 1)] * len(one.split())) for one in texts])
    assert [len(one.pieces) for one in found] == [4, 1]


def test_twenty_passages_are_read_again_within_the_deadline(reranker: Reranker) -> None:
    """Counted in processor seconds, of which two cores give two a second, so that a busy machine does not matter; 0.8 is usual."""
    passages = [text(f"Passage {number}. " + "Some words about boats, harbours and the sea. " * 18, number) for number in range(20)]
    reranker.score(Query(text="warm up"), passages[:1])
    start = time.process_time()
    reranker.score(Query(text="boats in a harbour"), passages)
    assert time.process_time() - start < 4
    start = time.process_time()
    reranker.score(Query(text="ships at sea"), passages)  # the passages are remembered
    assert time.process_time() - start < 0.5
