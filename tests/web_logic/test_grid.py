from __future__ import annotations

from app.web.results.grid import first_weak, grid_data, tile
from tests.web_logic.hits import hit
from uniir.documents import Modality
from uniir.hits import Band
from uniir.wire import ComplementAnswer, GivenGrade, HitAnswer, Neighbour


def test_weaker_matches_begin_where_nothing_better_follows() -> None:
    bands = [Band.STRONG, Band.WEAK, Band.GOOD, Band.WEAK, Band.WEAK]
    hits = [hit(rank, band=band) for rank, band in enumerate(bands, start=1)]
    assert first_weak(hits) == 3
    assert grid_data(hits, 12)["divider"] == {"before": 3, "title": "Weaker matches", "detail": "2 more that fit less well"}


def test_where_nothing_is_weak_there_is_no_divider() -> None:
    assert grid_data([hit(band=Band.GOOD), hit(2)], 12)["divider"] is None


def test_where_everything_is_weak_the_divider_comes_first() -> None:
    divider = grid_data([hit(1, band=Band.WEAK), hit(2, band=Band.WEAK)], 12)["divider"]
    assert divider == {"before": 0, "title": "Weaker matches", "detail": "2 that fit less well"}


def test_a_reader_hears_place_kind_title_band_and_the_place_before() -> None:
    shown = tile(hit(5, Modality.IMAGE_TEXT, Band.GOOD, retrieval_rank=8, metadata={"title": "Conference pear"}))
    assert shown["label"] == "Place 5, pair, Conference pear, good match, was 8"
    assert shown["change"] == {"up": 3, "tip": "Was 8 before reranking"}


def test_a_hit_that_kept_its_place_shows_no_change() -> None:
    assert tile(hit(2, retrieval_rank=2))["change"] is None
    assert tile(hit(2))["change"] is None


def test_without_cut_points_the_number_stands_in_for_the_band() -> None:
    shown = tile(hit(score=0.634))
    assert shown["band"] is None
    assert (shown["score"], shown["tip"]) == ("0.63", "Score 0.63")


def test_pictures_come_from_the_page_s_own_origin() -> None:
    assert tile(hit(modality=Modality.IMAGE))["src"] == "/media/document/0000000000001/256"
    assert tile(hit())["src"] is None


def test_a_thumb_stands_where_somebody_gave_one_and_a_reader_hears_it() -> None:
    good, bad, none = (tile(hit(judgment=given)) for given in (GivenGrade(id=1, grade=3), GivenGrade(id=2, grade=0), None))
    assert (good["thumb"], bad["thumb"], none["thumb"]) == ("fits", "fails", None)
    assert str(good["label"]).endswith("judged to fit")
    assert str(bad["label"]).endswith("judged not to fit")


def test_a_missing_half_stands_beside_its_hit() -> None:
    text, picture = hit(2), hit(3, Modality.IMAGE)
    beside_text = tile(hit(complement=ComplementAnswer(document=_short(picture), score=0.4)))["half"]
    assert beside_text == {"label": "Nearest picture", "src": "/media/document/0000000000003/256", "alt": "Picture, apple.webp"}
    beside_picture = tile(hit(modality=Modality.IMAGE, complement=ComplementAnswer(document=_short(text), score=0.4)))["half"]
    assert beside_picture == {"label": "Nearest text", "text": "A sour apple."}
    assert tile(hit())["half"] is None


def _short(one: HitAnswer) -> Neighbour:
    return Neighbour(**one.model_dump(include=set(Neighbour.model_fields)))
