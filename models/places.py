"""Where weights lie on this machine, and what kind of model a directory holds, told by its configuration alone."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from uniir.documents import Json

CONFIG = "config.json"
ORIGIN = "origin.json"  # written by `uniir models pull` beside what it fetched
UNIIR_FORMAT = "uniir-family 1"


@dataclass(frozen=True, slots=True)
class Located:
    """Weights on this machine. `name` finds them again, so it is what a collection remembers its encoder by."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Kind:
    """The library a directory was saved by, and the model's type in that library's word; both empty for anything else."""

    library: str = ""
    model_type: str = ""

    def __str__(self) -> str:
        """As a sentence goes on: "it holds ..."."""
        match self.library:
            case "uniir":
                return f"a model of UniIR ({self.model_type})"
            case "transformers":
                return f"a model of the type {self.model_type!r} for the library transformers"
            case "sentence-transformers":
                return "a model of the library sentence-transformers"
            case "open_clip":
                return "a model of open_clip's own format, which transformers can't read"
            case "peft":
                return "an adapter without the model that it adapts"
            case _:
                return "no model that is known here"


def found(name: str, models: Path) -> Located | None:
    """A directory of this name in `models`, else a path; None for a name that is neither. What is there is not looked into."""
    plain = Path(name).name == name
    if plain and (models / name).is_dir():
        return Located(name, models / name)
    path = Path(name).expanduser()
    if not plain or path.suffix == ".pth" or path.is_dir():
        whole = Path(os.path.abspath(path))
        return Located(str(whole), whole)
    return None


def kind_of(directory: Path) -> Kind:
    """What a directory holds."""
    if (directory / "modules.json").is_file():
        return Kind("sentence-transformers")
    config = _read(directory / CONFIG)
    if str(config.get("format", "")).startswith("uniir-family"):
        return Kind("uniir", str(config.get("architecture", "")))
    if "model_type" in config:
        return Kind("transformers", str(config["model_type"]))
    if (directory / "adapter_config.json").is_file():
        return Kind("peft")
    if (directory / "open_clip_config.json").is_file():
        return Kind("open_clip")
    return Kind()


def described(directory: Path) -> dict[str, Json]:
    """What is written down about the weights in a directory; empty where it holds no model."""
    kind = kind_of(directory)
    if kind.library == "uniir":
        return _read(directory / CONFIG)
    if not kind.library:
        return {}
    megabytes = sum(file.stat().st_size for file in directory.rglob("*.safetensors")) / 1e6
    origin = {key: value for key, value in _read(directory / ORIGIN).items() if key != "files"}
    return {"library": kind.library, "model_type": kind.model_type, "megabytes": round(megabytes), **origin}


def _read(file: Path) -> dict[str, Json]:
    """A JSON object; empty where there is none."""
    try:
        said = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
