"""What results can be narrowed by: what tells documents apart, the most frequent first."""

from __future__ import annotations

from app.web.results.facet_groups import GROUPS, VALUES, Choice, grouped
from uniir.wire import FacetKey, FacetsAnswer, FacetValue


def facets(*keys: FacetKey, kinds: dict[str, int] | None = None, folders: dict[str, int] | None = None) -> FacetsAnswer:
    return FacetsAnswer(
        collection="pantry",
        where=None,
        documents=10,
        modalities=values("modality", kinds or {}),
        folders=values("path", folders or {}),
        keys=list(keys),
    )


def key(name: str, counts: dict[str, int]) -> FacetKey:
    return FacetKey(key=name, count=sum(counts.values()), distinct=len(counts), values=values(name, counts))


def values(name: str, counts: dict[str, int]) -> list[FacetValue]:
    return [FacetValue(value=value, count=count, where=f"{name}={value}") for value, count in counts.items()]


def names(answer: FacetsAnswer) -> dict[str, list[str]]:
    return {group.name: [one.name for one in group.choices.values()] for group in grouped(answer)}


def test_kinds_folders_and_values_are_offered() -> None:
    answer = facets(key("colour", {"red": 6, "blue": 4}), kinds={"image": 7, "text": 3}, folders={"photos/": 7, "notes/": 3})
    assert names(answer) == {"Kind": ["Pictures", "Texts"], "Folder": ["photos/", "notes/"], "colour": ["red", "blue"]}


def test_a_choice_has_its_count_and_its_filter() -> None:
    (group,) = grouped(facets(key("colour", {"red": 6})))
    assert group.choices == {"colour=red": Choice("red", 6, "colour=red")}


def test_what_all_documents_have_narrows_nothing() -> None:
    assert names(facets(key("colour", {"red": 10}), kinds={"image": 10})) == {}


def test_a_key_of_which_every_document_has_its_own_value_is_left_out() -> None:
    assert names(facets(key("sku", {"a": 1, "b": 1, "c": 1}))) == {}


def test_a_value_that_no_filter_can_name_is_left_out() -> None:
    nameless = FacetKey(key="note", count=4, distinct=1, values=[FacetValue(value="*", count=4, where=None)])
    assert names(facets(nameless)) == {}


def test_there_is_an_end_to_what_is_offered() -> None:
    many = {f"value {number}": 2 for number in range(20)}
    offered = names(facets(*(key(f"key {number}", many) for number in range(20))))
    assert len(offered) == GROUPS
    assert all(len(one) == VALUES for one in offered.values())


def test_a_key_may_be_called_like_our_own_groups() -> None:
    kinds = grouped(facets(key("Kind", {"sweet": 6, "sour": 4})))
    assert [one.name for one in kinds[0].choices.values()] == ["sweet", "sour"]


def test_a_long_value_is_cut_and_a_truth_value_written_as_in_a_filter() -> None:
    drafts = FacetKey(key="draft", count=4, distinct=1, values=[FacetValue(value=True, count=4, where="draft=true")])
    assert names(facets(key("title", {"T" * 90: 2}), drafts)) == {"title": ["T" * 39 + "…"], "draft": ["true"]}
