from __future__ import annotations

from app.web.bar.picker_groups import chosen_for, fitting, grouped, label, matching, named
from uniir.documents import Modality
from uniir.instructions import load_instructions
from uniir.wire import InstructionAnswer

ALL = [
    InstructionAnswer(id=one.id, query=one.query, target=one.target, text=one.wording, dataset=one.dataset, rerank=False)
    for one in load_instructions()
]


def test_only_what_fits_the_given_parts_is_offered() -> None:
    assert {one.query for one in fitting(ALL, Modality.IMAGE)} == {Modality.IMAGE}
    assert fitting(ALL, None) == ALL, "nothing is given yet, so anything may come"


def test_typing_narrows_by_every_word_wherever_it_stands() -> None:
    found = matching(ALL, "WIKIPEDIA question")
    assert found
    assert all("wikipedia" in one.text.lower() or (one.dataset or "").lower() == "webqa" for one in found)
    assert matching(ALL, "pairs"), "what comes out can be typed as well"
    assert matching(ALL, "violin") == []
    assert matching(ALL, "  ") == ALL


def test_groups_hold_every_instruction_once_and_mixed_lists_come_first() -> None:
    groups = grouped(ALL)
    assert sorted(one.id for group in groups for one in group.instructions) == sorted(one.id for one in ALL)
    assert all((one.query, one.target) == (group.given, group.getting) for group in groups for one in group.instructions)
    assert (groups[0].given, groups[0].getting) == (Modality.TEXT, None)


def test_the_one_chosen_is_the_service_s_own_choice() -> None:
    ours, theirs = chosen_for(ALL, Modality.IMAGE_TEXT, Modality.TEXT), load_instructions().chosen_for(Modality.IMAGE_TEXT, Modality.TEXT)
    assert ours is not None
    assert ours.id == theirs.id
    assert chosen_for(ALL, None, None) is None


def test_a_link_may_name_an_instruction_by_its_words() -> None:
    assert named(ALL, ALL[3].text) == ALL[3]
    assert named(ALL, None) is None
    assert label(ALL[0]) == "Find anything that fits this description"
