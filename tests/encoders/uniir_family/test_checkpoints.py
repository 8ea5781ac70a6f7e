"""Checkpoints: what is read, what is refused, what is written."""

from __future__ import annotations

import argparse
import collections
import os
import pickle
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
import pytest
import torch

from encoders.uniir_family import convert
from encoders.uniir_family.checkpoint import read_checkpoint
from encoders.uniir_family.encoder import UniirEncoder
from encoders.uniir_family.heads import HeadCounts
from models.devices import Device
from tests.encoders.uniir_family.golden import GOLDEN, HEADS, MODELS, candidates, expected, loaded, raw
from uniir.errors import ModelUnavailable, UsageError

Change = Callable[[dict[str, Any]], None]


def saved(content: object, place: Path) -> Path:
    torch.save(content, place / "changed.pth")
    return place / "changed.pth"


def changed(model: str, place: Path, change: Change) -> Path:
    """A golden model's tensors in a file of their own, after a change."""
    tensors = dict(read_checkpoint(GOLDEN / f"{model}.pth").tensors)
    change(tensors)
    return saved({"model": tensors}, place)


def test_a_training_checkpoint_is_read_without_the_library_of_its_configuration() -> None:
    assert "omegaconf" not in sys.modules
    tensors = read_checkpoint(GOLDEN / "clip_sf.pth").tensors
    assert tensors["clip_model.visual.proj"].shape == (128, 48)
    assert "omegaconf" not in sys.modules


def test_a_checkpoint_is_an_encoder_as_it_is() -> None:
    encoder = UniirEncoder.load(GOLDEN / "clip_ff.pth", "mine", Device())
    np.testing.assert_allclose(raw(encoder, candidates()), expected("clip_ff")["cand_emb_batch"], atol=1e-4)


def test_a_model_that_was_saved_alone_or_in_the_old_format_is_read_too(tmp_path: Path) -> None:
    tensors = dict(read_checkpoint(GOLDEN / "clip_sf.pth").tensors)
    here = UniirEncoder.load(GOLDEN / "clip_sf.pth", "one", Device()).space.weights
    assert UniirEncoder.load(saved(tensors, tmp_path), "one", Device()).space.weights == here
    torch.save(tensors, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert UniirEncoder.load(tmp_path / "old.pth", "one", Device()).space.weights == here


@pytest.mark.parametrize(
    "configuration",
    [
        argparse.Namespace(size="Tiny", root=Path("/data")),
        types.SimpleNamespace(size="Tiny"),
        collections.defaultdict(dict, {"cache": {"a": 1}}),
        {"root": PureWindowsPath("c:/data"), "seeds": (1, 2), "names": {"a"}},
    ],
    ids=lambda one: type(one).__name__,
)
def test_other_kinds_of_configuration_are_left_unread(tmp_path: Path, configuration: object) -> None:
    tensors = dict(read_checkpoint(GOLDEN / "clip_sf.pth").tensors)
    read = read_checkpoint(saved({"model": tensors, "config": configuration}, tmp_path)).tensors
    assert read.keys() == tensors.keys()


@pytest.mark.parametrize(
    "model", [{1: torch.zeros(2)}, {"clip_model.a": torch.eye(2).to_sparse()}, {"clip_model.a": [1.0]}, [torch.zeros(2)]]
)
def test_what_is_no_tensor_by_a_name_is_no_model(tmp_path: Path, model: object) -> None:
    with pytest.raises(ModelUnavailable, match="holds no model"):
        read_checkpoint(saved({"model": model}, tmp_path))


def test_a_file_that_names_anything_to_run_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "ran"),)

    with pytest.raises(ModelUnavailable, match=r"it names \S*mkdir"):
        read_checkpoint(saved({"model": {}, "config": Evil()}, tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"root:x:0:0\n"])
def test_a_file_of_something_else_is_the_users_mistake(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.pth is no checkpoint"):
        read_checkpoint(tmp_path / "x.pth")


def test_a_pickle_of_something_else_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(pickle.dumps({"model": 1}, protocol=2))
    with pytest.raises(ModelUnavailable, match=r"x\.pth"):
        read_checkpoint(tmp_path / "x.pth")


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    whole = (GOLDEN / "clip_sf.pth").read_bytes()
    (tmp_path / "half.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelUnavailable, match="damaged or cut off"):
        read_checkpoint(tmp_path / "half.pth")


def test_a_path_that_leads_nowhere_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkpoint"):
        read_checkpoint(tmp_path / "gone.pth")
    with pytest.raises(UsageError, match=r"config\.json"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("model", "change", "named"),
    [
        ("clip_sf", lambda one: one.pop("clip_model.ln_final.weight"), r"missing: clip_model\.ln_final\.weight"),
        ("clip_sf", lambda one: one.update({"clip_model.extra": torch.zeros(1)}), r"unknown: clip_model\.extra"),
        ("clip_ff", lambda one: one.update({"clip_model.text_projection": torch.zeros(1)}), r"unknown: clip_model\.text_projection"),
        ("blip_sf", lambda one: one.update({"text_encoder.pooled": torch.zeros(1)}), r"unknown: text_encoder\.pooled"),
        ("blip_ff", lambda one: one.update({"vision_proj.bias": torch.zeros(1)}), r"unknown: vision_proj\.bias"),
        ("clip_sf", lambda one: one.update({"clip_model.logit_scales": torch.zeros(1)}), r"unknown: clip_model\.logit_scales"),
        ("blip_ff", lambda one: one.update({"text_encoder.pooler.dense.bias": torch.zeros(3)}), r"shape: .*pooler\.dense\.bias \(3,\)"),
        (
            "clip_sf",
            lambda one: one.update({"clip_model.token_embedding.weight": torch.zeros(9, 128)}),
            r"\(9, 128\) instead of \(49408, 128\)",
        ),
        ("clip_sf", lambda one: one.pop("clip_model.visual.proj"), r"lacks clip_model\.visual\.proj"),
    ],
)
def test_a_tensor_that_is_missing_unknown_or_misshapen_is_named(tmp_path: Path, model: str, change: Change, named: str) -> None:
    with pytest.raises(ModelUnavailable, match=named):
        convert(changed(model, tmp_path, change), tmp_path / "out", HEADS[model])


def test_a_layer_that_is_not_there_is_missed(tmp_path: Path) -> None:
    def without_the_first(tensors: dict[str, Any]) -> None:
        for name in [name for name in tensors if name.startswith("clip_model.transformer.resblocks.0.")]:
            del tensors[name]

    with pytest.raises(ModelUnavailable, match=r"missing: clip_model\.transformer\.resblocks\.0\.\S+, .* and 6 more"):
        convert(changed("clip_sf", tmp_path, without_the_first), tmp_path / "out", HeadCounts())


def test_another_models_checkpoint_is_told_from_ours(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="none of CLIP_SF, CLIP_FF, BLIP_SF, BLIP_FF: its tensors are called text_model"):
        convert(saved({"text_model.weight": torch.zeros(1)}, tmp_path), tmp_path / "out", HeadCounts())


def test_momentum_copies_and_queues_reach_no_vector(tmp_path: Path) -> None:
    def spoilt(tensors: dict[str, Any]) -> None:
        trained_only = {name: tensor for name, tensor in tensors.items() if "_m." in name or "queue" in name or name == "temp"}
        assert len(trained_only) > 50
        tensors.update({name: torch.full_like(tensor, 7) for name, tensor in trained_only.items()})

    weights = [convert(GOLDEN / "blip_sf.pth", tmp_path / "one", HEADS["blip_sf"]).weights]
    weights.append(convert(changed("blip_sf", tmp_path, spoilt), tmp_path / "two", HEADS["blip_sf"]).weights)
    assert weights[0] == weights[1]
    assert not any("_m." in name or "queue" in name for name in read_checkpoint(tmp_path / "one").tensors)


@pytest.mark.parametrize("model", MODELS)
def test_a_converted_checkpoint_is_small_and_keeps_numbers_and_heads(tmp_path: Path, model: str) -> None:
    done = convert(GOLDEN / f"{model}.pth", tmp_path / "new" / model, HEADS[model])
    original, written = read_checkpoint(GOLDEN / f"{model}.pth").tensors, read_checkpoint(tmp_path / "new" / model)
    assert (done.heads.vision, done.heads.text) == (written.heads.vision, written.heads.text) == ((3, 4) if "blip" in model else (2, 2))
    for name, tensor in written.tensors.items():
        assert tensor.is_contiguous()
        assert torch.equal(tensor, original[name])
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == [model]


def test_a_checkpoint_and_what_it_was_converted_to_are_one_space(tmp_path: Path) -> None:
    convert(GOLDEN / "clip_sf.pth", tmp_path / "clip", HeadCounts())
    direct = UniirEncoder.load(GOLDEN / "clip_sf.pth", "clip", Device())
    assert loaded(tmp_path / "clip").space == direct.space
    again = convert(tmp_path / "clip", tmp_path / "again", HeadCounts())
    assert again.weights[:32] in direct.space.weights


def test_other_heads_or_another_number_type_are_another_space(tmp_path: Path) -> None:
    for heads in (2, 4):
        convert(GOLDEN / "clip_sf.pth", tmp_path / f"{heads}", HeadCounts(vision=heads))
    spaces = [
        UniirEncoder.load(tmp_path / one, "clip", Device(dtype=dtype)).space
        for one, dtype in (("2", "float32"), ("4", "float32"), ("2", "bfloat16"))
    ]
    assert len({space.fingerprint for space in spaces}) == 3


def test_heads_that_no_shape_tells_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--vision-heads N"):
        convert(GOLDEN / "blip_sf.pth", tmp_path / "out", HeadCounts())
    with pytest.raises(UsageError, match="--text-heads N"):
        convert(GOLDEN / "blip_sf.pth", tmp_path / "out", HeadCounts(vision=3))
    with pytest.raises(UsageError, match="5 heads do not divide the vision tower's width 48"):
        convert(GOLDEN / "blip_sf.pth", tmp_path / "out", HeadCounts(vision=5))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    converting = (
        "import resource, sys; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from encoders.uniir_family import convert; from encoders.uniir_family.heads import HeadCounts\n"
        "from uniir.errors import StoreUnavailable\n"
        "try: convert(Path(sys.argv[1]), Path(sys.argv[2]), HeadCounts())\n"
        "except StoreUnavailable as error: print(error)"
    )
    words = [sys.executable, "-c", converting, GOLDEN / "clip_sf.pth", tmp_path / "out"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    assert "can't be written" in done.stdout
    assert [file for file in tmp_path.iterdir() if "out" in file.name] == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(UsageError, match="is taken"):
        convert(GOLDEN / "clip_sf.pth", tmp_path, HeadCounts())


def test_a_directory_of_another_format_is_refused(tmp_path: Path) -> None:
    convert(GOLDEN / "clip_sf.pth", tmp_path / "clip", HeadCounts())
    (tmp_path / "clip" / "config.json").write_text('{"format": "somebody else\'s"}')
    with pytest.raises(ModelUnavailable, match="another format"):
        read_checkpoint(tmp_path / "clip")
    (tmp_path / "clip" / "model.safetensors").write_bytes(b"short")
    with pytest.raises(ModelUnavailable, match="can't be read"):
        read_checkpoint(tmp_path / "clip")
