from __future__ import annotations

from app.web.document.why import chart, ordered
from tests.web_logic.hits import hit
from uniir.documents import Modality
from uniir.wire import ByWordsAnswer, Explanation, ScoreTerm


def explanation(*values: float, separable: bool = True, modality: float = 0.0) -> Explanation:
    names = [("text", "text"), ("image", "image"), ("image", "text"), ("text", "image")]
    terms = [ScoreTerm(query=query, document=document, value=value) for (query, document), value in zip(names, values, strict=False)]
    return Explanation(terms=terms, modality=modality, score=sum(values) + modality, separable=separable)


def test_terms_stand_in_order_and_those_too_small_to_see_are_left_out() -> None:
    assert [term.value for term in ordered(explanation(0.06, 0.27, 0.001, 0.09))] == [0.27, 0.09, 0.06]


def test_the_largest_term_is_said_in_a_sentence_and_fills_the_width() -> None:
    drawn = chart(explanation(0.27, 0.21), hit(5, Modality.IMAGE_TEXT, retrieval_rank=8))
    assert "Mostly because your text matches its text." in drawn
    assert 'u-why-first" style="left:0.0%;width:100.0%"' in drawn
    assert "place 8; place 5 after reranking" in drawn


def test_a_term_below_zero_goes_left_of_a_zero_line() -> None:
    drawn = chart(explanation(0.3, -0.1), hit())
    assert 'class="u-why-zero" style="left:25.0%"' in drawn
    assert "left:0.0%;width:25.0%" in drawn


def test_what_steering_adds_is_a_line_of_its_own() -> None:
    assert "the same for all texts" in chart(explanation(0.2, modality=0.5), hit())


def test_an_encoder_without_such_a_sum_says_so() -> None:
    drawn = chart(explanation(0.2, separable=False), hit())
    assert "there are no parts to show" in drawn
    assert "u-why-bar" not in drawn


def test_words_that_brought_it_forward_are_named_with_both_places() -> None:
    by_words = ByWordsAnswer(nearest_rank=14, lexical_rank=2, words=["zx81", "ticket"])
    assert "zx81, ticket: place 2 by words, 14 by meaning" in chart(explanation(0.2), hit(by_words=by_words))


def test_what_only_words_found_says_so() -> None:
    by_words = ByWordsAnswer(nearest_rank=None, lexical_rank=1, words=["zx81"])
    assert "zx81: place 1 by words, not among the nearest by meaning" in chart(explanation(0.2), hit(by_words=by_words))
