"""Which device each of several encoding processes gets."""

from __future__ import annotations

import pytest

from encoders import processes
from uniir.errors import UsageError

pytest.importorskip("torch", reason="torch is not installed (extra `models`)")

import torch


def test_every_process_sees_a_card_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert processes._kind("auto", 2) == processes._kind("cuda", 2) == "cuda"
    for visible, expected in (("", ["0", "1"]), ("3,5", ["3", "5"])):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        seen = [processes._environment("cuda", place, 4)["CUDA_VISIBLE_DEVICES"] for place in range(2)]
        assert seen == expected


def test_more_processes_than_cards_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UsageError, match=r"2 devices for 3 processes\. Use `--processes 2`"):
        processes._kind("auto", 3)
    with pytest.raises(UsageError, match="one device cuda:1"):
        processes._kind("cuda:1", 2)


def test_without_a_card_processes_share_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert processes._kind("auto", 2) == processes._kind("cpu", 2) == "cpu"
    assert processes._environment("cpu", 1, 3)["OMP_NUM_THREADS"] == "3"
    with pytest.raises(UsageError, match="0 devices"):
        processes._kind("cuda", 2)
