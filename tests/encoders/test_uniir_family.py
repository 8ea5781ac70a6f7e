"""The models of UniIR as far as they are known without torch: names, places, and what is said where something is not here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from encoders import uniir_family
from encoders.catalogue import load_encoder, weights_are_here
from encoders.uniir_family import SPECS, located
from models.devices import Device
from models.places import Located
from uniir.errors import ModelUnavailable, UsageError


def weights(directory: Path) -> Path:
    directory.mkdir(parents=True)
    (directory / "config.json").write_text('{"format": "uniir-family 1"}')
    return directory


def test_a_listed_model_without_weights_says_where_they_are_from_and_where_they_go(tmp_path: Path) -> None:
    assert not weights_are_here("clip-sf-large", tmp_path)
    with pytest.raises(ModelUnavailable, match=r"TIGER-Lab/UniIR.*uniir models convert FILE\.pth \S+/clip-sf-large"):
        load_encoder("clip-sf-large", Device(), tmp_path)


def test_a_directory_among_the_models_goes_by_its_name(tmp_path: Path) -> None:
    for name in (SPECS[0].name, "mine"):
        place = weights(tmp_path / "models" / name)
        assert located(name, tmp_path / "models") == Located(name, place)
    assert weights_are_here(SPECS[0].name, tmp_path / "models")


def test_weights_elsewhere_go_by_their_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = weights(tmp_path / "here" / "mine")
    monkeypatch.chdir(tmp_path / "here")
    for name in ("mine", "./mine", str(place), "../here/mine"):
        assert located(name, tmp_path / "models") == Located(str(place), place)
    assert located("mine.pth", tmp_path) == Located(str(tmp_path / "here" / "mine.pth"), tmp_path / "here" / "mine.pth")


def test_what_is_neither_a_name_nor_a_path_is_no_encoder(tmp_path: Path) -> None:
    assert located("startre", tmp_path) is None
    with pytest.raises(UsageError, match="There is no encoder 'startre'"):
        load_encoder("startre", Device(), tmp_path)


def test_without_torch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("encoders.uniir_family.")]:
        monkeypatch.delitem(sys.modules, module)
    for name in ("encoder", "conversion"):
        monkeypatch.delattr(uniir_family, name, raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelUnavailable, match=r"need torch, which is not installed\. Install `uniir\[models\]`"):
        load_encoder(str(weights(tmp_path / "mine")), Device())


def test_listing_and_finding_models_loads_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from encoders.catalogue import SPECS, weights_are_here\n"
        "assert len(SPECS) > 8\n"
        "[weights_are_here(spec.name, Path('.')) for spec in SPECS]\n"
        "heavy = {'torch', 'transformers', 'onnxruntime', 'safetensors', 'ftfy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).resolve().parents[2])
