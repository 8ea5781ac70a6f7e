"""What words beside meaning are worth together with reading again, on a task that anybody can judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoders.starter.encoder import StarterEncoder
from models.devices import Device
from training.starter.pairs import Parts, RetrievalTask
from training.words.measure import Lists
from training.words.rereading import Rereading, both_by_default
from uniir.documents import Modality

POOL = (*(Parts(f"Note {number} about the weather in the mountains.", None) for number in range(24)), Parts("The harbour of Genoa", None))
RIGHT = len(POOL) - 1


def found(matches: tuple[tuple[int, float], ...], right_at: int) -> Lists:
    nearest = list(range(RIGHT))
    nearest.insert(right_at, RIGHT)
    return Lists("notes/1", Modality.TEXT, Modality.TEXT, (tuple(nearest),), (matches,), ((RIGHT,),), frozenset())


def test_each_alone_and_both_are_told_apart(tmp_path: Path) -> None:
    task = RetrievalTask("notes", 1, (Parts("harbour of Genoa", None),), POOL, ((RIGHT,),))
    rereading = Rereading(StarterEncoder.load(Device(threads=1)), tmp_path / "rereading.npz")
    within, beyond = (rereading.together(task, found(((0, 0.95), (RIGHT, 0.95)), place)) for place in (15, 22))
    assert within.neither == beyond.neither == 0
    assert within.ways["read again"].value == pytest.approx(1)
    assert beyond.ways["read again"].value == 0  # it stands below what is read
    assert 0 < within.ways["words"].value < 1
    assert within.ways["both"].value == beyond.ways["both"].value == pytest.approx(1)
    unmatched = rereading.together(task, found((), 22))
    assert unmatched.ways["both"].value == unmatched.ways["words"].value == 0


def test_both_are_on_by_default_for_texts_searched_by_texts_alone() -> None:
    told = found((), 0)
    assert both_by_default(told)
    assert not both_by_default(Lists("x", Modality.TEXT, None, told.nearest, told.matches, told.positives, told.without_text))
