"""Which encoders there are: families of them, asked in turn whether a name is theirs. A new family is one row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from encoders import mllm, sentences, starter, uniir_family, zero_shot
from encoders.specs import EncoderSpec
from models.devices import Device
from models.places import Located, found, kind_of
from uniir.documents import Modality
from uniir.errors import ModelUnavailable, UsageError
from uniir.protocols import Encoder
from uniir.settings import models_directory
from uniir.spelling import near


@dataclass(frozen=True, slots=True)
class Family:
    """Encoders that are found and loaded in one way.

    `located` tells whether a name or path is the family's: None where it is not, ModelUnavailable where its weights are not here.
    `load` raises UsageError and ModelUnavailable.
    """

    specs: Sequence[EncoderSpec]
    located: Callable[[str, Path], Located | None]
    load: Callable[[Located, Device], Encoder]


FAMILIES = (
    Family(starter.SPECS, starter.located, starter.load),
    Family(uniir_family.SPECS, uniir_family.located, uniir_family.load),
    Family(zero_shot.SPECS, zero_shot.located, zero_shot.load),
    Family(mllm.SPECS, mllm.located, mllm.load),
    Family(sentences.SPECS, sentences.located, sentences.load),
)
SPECS = tuple(spec for family in FAMILIES for spec in family.specs)


def load_encoder(name: str, device: Device, models: Path | None = None) -> Encoder:
    """The encoder of this name, of a directory of that name in `models`, or of a checkpoint at this path.

    Raises UsageError for an unknown one and ModelUnavailable where its weights or libraries are not here.
    """
    family, weights = _theirs(name, models or models_directory())
    return family.load(weights, device)


def located(name: str, models: Path) -> Located:
    """Where an encoder's weights are. Raises UsageError for an unknown one and ModelUnavailable where they are not here."""
    return _theirs(name, models)[1]


def _theirs(name: str, models: Path) -> tuple[Family, Located]:
    for family in FAMILIES:
        weights = family.located(name, models)
        if weights is not None:
            return family, weights
    raise _unknown(name, models)


def _unknown(name: str, models: Path) -> UsageError:
    there = found(name, models)
    if there is not None and there.path.is_dir():
        return UsageError(f"{there.path} can't be used as an encoder: it holds {kind_of(there.path)}.", "`uniir models` tells what can be.")
    names = [spec.name for spec in SPECS]
    known = f"Known: {', '.join(names)}, or the path of a checkpoint (`uniir models` tells more)."
    return UsageError(f"There is no encoder {name!r}.", near(name, names) + known)


def weights_are_here(name: str, models: Path) -> bool:
    """Whether an encoder of the catalogue could be loaded as far as files go."""
    if name == starter.STARTER.name:
        from encoders.starter.weights import ALL

        return all(find_spec(file.module) is not None for file in ALL)
    try:
        located(name, models)
    except (ModelUnavailable, UsageError):
        return False
    return True


def introduction(name: str) -> str:
    """What a person should hear when a collection is first made with this encoder; empty for an encoder that needs no words."""
    spec = _spec(name)
    return "" if spec is None else f"Encoded with {spec.name!r}. {spec.summary} {spec.instead}".rstrip()


def remarks_on(name: str, query: Modality, target: Modality | None) -> Sequence[str]:
    """What a person should hear about a kind of search with this encoder, at most a sentence or two."""
    spec = _spec(name)
    if spec is None:
        return ()
    return tuple(f"{one.remark} {spec.instead}" for one in spec.weaknesses if (one.query, one.target) == (query, target))


def _spec(name: str) -> EncoderSpec | None:
    return next((spec for spec in SPECS if spec.name == name), None)
