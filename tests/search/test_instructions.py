"""Instructions as data: the ones that come with the program, and a person's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from uniir.documents import Modality
from uniir.errors import QueryError, SettingsError
from uniir.instructions import load_instructions

HEADER = "id\tquery\ttarget\tdataset\twording\n"


def test_all_of_mbeirs_instructions_are_here_beside_plain_ones() -> None:
    known = list(load_instructions())
    assert sum(one.dataset is not None for one in known) == 64
    assert len({one.id for one in known}) == len(known)


@pytest.mark.parametrize("query", list(Modality))
@pytest.mark.parametrize("target", [None, *Modality])
def test_there_is_a_plain_one_for_every_kind_of_search(query: Modality, target: Modality | None) -> None:
    chosen = load_instructions().chosen_for(query, target)
    assert (chosen.query, chosen.target, chosen.dataset) == (query, target, None)


def test_an_instruction_is_found_by_its_id_and_by_its_wording() -> None:
    known = load_instructions()
    assert known.named("find-pictures") is known.named("Find pictures that match this description.")


def test_an_unknown_one_is_refused_with_its_neighbours() -> None:
    with pytest.raises(QueryError, match="find-pictures"):
        load_instructions().named("find-picture")


def test_own_instructions_stand_beside_the_others(tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    own.write_text(HEADER + 'find-shoes\timage,text\tany\t\tFind "these" shoes.\n')
    added = load_instructions(own).named("find-shoes")
    assert (added.query, added.target, added.wording) == (Modality.IMAGE_TEXT, None, 'Find "these" shoes.')


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("id\tquery\n", "lacks target, wording"),
        (HEADER + "x\tsound\tany\t\tHear.\n", "line 2"),
        (HEADER + "x\ttext\tany\t\t \n", "line 2"),
        (HEADER + "find-pictures\ttext\timage\t\tAgain.\n", "taken"),
        ("\ud800", "can't be read"),
    ],
)
def test_a_bad_file_of_own_instructions_is_refused_with_the_place(tmp_path: Path, content: str, reason: str) -> None:
    own = tmp_path / "own.tsv"
    own.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(SettingsError, match=reason):
        load_instructions(own)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.tsv"):
        load_instructions(Path("nowhere.tsv"))
