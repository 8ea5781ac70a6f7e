"""Fetches models from the hub into the models' directory, and tells later whether they are still as they were fetched."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType

from encoders import uniir_family
from encoders.catalogue import SPECS
from encoders.hub import Hub
from encoders.specs import HubRepository
from models.places import ORIGIN, kind_of
from uniir.errors import ModelUnavailable, StoreUnavailable, UsageError
from uniir.spelling import near

# Configurations, vocabularies and plain tensors: what is code, a pickle or another library's copy of the weights stays where it is.
_WANTED = (
    "*.json",
    "*.txt",
    "*.model",
    "*.jinja",
    "LICENSE*",
    "model.safetensors",
    "model-*-of-*.safetensors",
    "adapter_model.safetensors",
)
_LEFT = ("open_clip*", "onnx/*", "openvino/*", "*/onnx/*", "*/openvino/*", ".*", "training_args*", "trainer_state*")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What is here now: the name it goes by, what it is, and where it came from."""

    name: str
    kind: str
    origin: str


def pull(
    name: str,
    models: Path,
    hub: Hub,
    revision: str | None,
    progress: Callable[[int, int], None],
    others: Mapping[str, HubRepository] = MappingProxyType({}),
) -> Pulled:
    """Fetches a listed model, one of `others`, or any repository of the hub by its name, into `models`.

    Raises UsageError for a model that the hub has not or that is here already, ModelUnavailable, StoreUnavailable.
    """
    if name in uniir_family.PUBLISHED:
        done = uniir_family.pull(name, models, hub, revision, progress)
        said = json.loads((models / name / "config.json").read_text("utf-8"))
        return Pulled(name, f"{done.architecture}, dimension {done.dimension}", str(said["converted_from"]))
    listed = {spec.name: spec.repository for spec in SPECS if spec.repository is not None} | dict(others)
    repository = listed.get(name)
    if repository is None:
        if name.count("/") != 1 or name.startswith((".", "/")):
            raise _not_there(name, [*uniir_family.PUBLISHED, *listed])
        repository, name = HubRepository(name, "main"), name.replace("/", "--")
    return _pull_repository(name, replace(repository, revision=revision or repository.revision), models, hub, progress)


def _not_there(name: str, names: Sequence[str]) -> UsageError:
    spec = next((one for one in SPECS if one.name == name), None)
    if spec is not None:
        return UsageError(f"There is no {name} to be pulled.", f"Its weights: {spec.weights_from}.")
    there = f"There are {', '.join(names)}; or name a repository of the hub, ORGANISATION/NAME."
    return UsageError(f"There is no {name!r} to be pulled.", near(name, names) + there)


def verify(directory: Path) -> str:
    """The SHA-256 of weights, read as a whole.

    Raises ModelUnavailable where they are not what was written down, UsageError where nothing was.
    """
    kind = kind_of(directory)
    if kind.library == "uniir" or not directory.is_dir():
        return uniir_family.verify(directory)
    try:
        written = dict[str, str](json.loads((directory / ORIGIN).read_text("utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"Nothing was written down about the files in {directory}.", "`uniir models pull` does that.") from None
    found = digests(directory)
    changed = sorted(name for name in written if found.get(name) != written[name])
    if changed:
        raise ModelUnavailable(f"In {directory} there is not what was fetched: {', '.join(changed)} changed.", "Remove and pull it again.")
    return hashlib.sha256("\n".join(f"{name} {written[name]}" for name in sorted(written)).encode()).hexdigest()


def digests(directory: Path) -> dict[str, str]:
    """The SHA-256 of every file but the record itself, by its path."""
    names = sorted(file.relative_to(directory).as_posix() for file in directory.rglob("*") if file.is_file())
    return {name: _digest(directory / name) for name in names if name != ORIGIN}


def wanted(names: list[str]) -> list[str]:
    """Those of a repository's files that a model is read from."""
    kept = [name for name in names if not any(fnmatch(name, pattern) for pattern in _LEFT)]
    return [name for name in kept if any(fnmatch(name.rpartition("/")[2], pattern) for pattern in _WANTED)]


def _pull_repository(name: str, repository: HubRepository, models: Path, hub: Hub, progress: Callable[[int, int], None]) -> Pulled:
    if (models / name).exists():
        raise UsageError(f"{name} is in {models} already.", f"`uniir models remove {name}` deletes it.")
    part = models / f".{name}.fetched"
    commit, names = hub.listed(repository)
    files = wanted(names)
    if not any(file.endswith(".safetensors") for file in files):
        raise ModelUnavailable(
            f"{repository.name} has no weights in safetensors at {repository.revision}, and nothing else is read.",
            "Try another `--revision` (often refs/pr/N), or convert it elsewhere by transformers' save_pretrained.",
        )
    for file in files:
        hub.fetch_into(HubRepository(repository.name, commit), file, part, progress)
    try:
        shutil.rmtree(part / ".parts", ignore_errors=True)
        origin = {"repository": repository.name, "commit": commit, "files": digests(part)}
        (part / ORIGIN).write_text(json.dumps(origin, indent=2) + "\n", "utf-8")
        part.replace(models / name)
    except OSError as error:
        raise StoreUnavailable(f"{models / name} can't be written ({error.strerror or error}).", "Make room.") from None
    return Pulled(name, str(kind_of(models / name)), f"{repository.name}@{commit}")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
