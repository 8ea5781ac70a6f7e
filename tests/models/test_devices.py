"""Where and in which number type models on torch compute."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from models.devices import Device
from models.torch_devices import fitting_dtype, torch_device
from models.weights import trained_in
from uniir.errors import UsageError


def test_what_was_asked_for_is_what_computes() -> None:
    on = torch_device(Device("cpu", "bfloat16", threads=1))
    assert (on.device.type, on.dtype_name) == ("cpu", "bfloat16")
    assert torch.get_num_threads() == 1


def test_half_precision_is_chosen_only_where_there_are_units_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_units, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda answer=has_units: answer)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        assert torch_device(Device("cpu", "auto")).dtype_name == expected


def test_a_graphics_card_computes_in_the_half_precision_that_a_checkpoint_was_trained_in(tmp_path: Path) -> None:
    card = torch.device("cuda")
    assert fitting_dtype(card) is fitting_dtype(card, "float32") is torch.float16
    for config in ({"dtype": "bfloat16"}, {"torch_dtype": "bfloat16"}, {"text_config": {"dtype": "bfloat16"}}):
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert fitting_dtype(card, trained_in(tmp_path)) is torch.bfloat16
    (tmp_path / "config.json").write_text("{}")
    assert trained_in(tmp_path) is None


def test_a_device_or_number_type_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="no device 'abacus'"):
        torch_device(Device("abacus"))
    with pytest.raises(UsageError, match="Only UniIR"):
        torch_device(Device(dtype="int8"))
    with pytest.raises(UsageError, match="no number type 'int3'"):
        torch_device(Device(dtype="int3"))
