"""What people are told about encoders."""

from __future__ import annotations

import json

import pytest

from encoders.catalogue import SPECS, introduction, load_encoder, remarks_on
from encoders.starter import STARTER
from models.devices import Device
from uniir.documents import Modality
from uniir.errors import UsageError


def test_the_starter_is_what_its_row_says_on_whatever_device_is_asked_for() -> None:
    space = load_encoder("starter", Device("auto", "auto")).space
    assert (space.encoder, space.dimension, space.dtype) == ("starter", STARTER.dimension, "float32")


def test_no_two_encoders_have_one_name() -> None:
    assert len({spec.name for spec in SPECS}) == len(SPECS)


def test_an_unknown_encoder_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="Known: starter"):
        load_encoder("startre", Device())


def test_a_weak_kind_of_search_comes_with_a_sentence_and_what_to_pull_instead() -> None:
    (remark,) = remarks_on("starter", Modality.TEXT, Modality.IMAGE)
    assert "TIGER-Lab/UniIR" in remark
    assert "`uniir models`" in remark
    assert remark.count(". ") == 1


def test_a_strong_kind_of_search_and_an_encoder_without_a_row_say_nothing() -> None:
    assert remarks_on("starter", Modality.TEXT, Modality.TEXT) == ()
    assert remarks_on("arithmetic", Modality.TEXT, Modality.IMAGE) == ()
    assert introduction("arithmetic") == ""


def test_the_starter_introduces_itself() -> None:
    assert STARTER.summary in introduction("starter")


def test_rows_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(STARTER.as_json()))["name"] == "starter"
    assert STARTER.licence in STARTER.describe()
