"""Reads a model of sentence-transformers from a directory alone, and only where it is made of the library's own parts."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import transformers
from sentence_transformers import SentenceTransformer

from models.torch_devices import TorchDevice
from uniir.errors import ModelUnavailable

_OWN_PARTS = "sentence_transformers."
_NO_LENGTH = 1_000_000  # transformers says 1e30 where it knows none
_COUNT_FROM_PADDING = ("roberta", "xlm-roberta", "camembert", "mpnet")
_OFFSET = 2  # places that these lose to the padding's own number
_LISTS_OF_PARTS = ("modules.json", "router_config.json")


def load_model(directory: Path, on: TorchDevice) -> SentenceTransformer:
    """Ready to compute. Raises ModelUnavailable for code of its own, for what is missing and for what can't be read."""
    # The library runs code that lies in a local directory without being asked to trust it, so such a model is refused before.
    for part in _parts(directory):
        if not part.startswith(_OWN_PARTS):
            raise ModelUnavailable(
                f"{directory} needs code of its own ({part}), and code of a model is never run here.", "Take another model."
            )
    transformers.utils.logging.disable_progress_bar()
    noisy = [logging.getLogger(name) for name in ("sentence_transformers", "transformers")]
    levels = [logger.level for logger in noisy]
    try:
        for logger in noisy:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the libraries plan to change is no matter of the person's
            model = SentenceTransformer(
                str(directory),
                device=str(on.device),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": on.dtype, "use_safetensors": True},
            )
    # The library raises whatever a missing, damaged or foreign file provokes; at this edge all of it means one thing.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"The model in {directory} can't be read ({reason}).", "Fetch its whole repository again.") from None
    finally:
        for logger, level in zip(noisy, levels, strict=True):
            logger.setLevel(level)
    _bound(model)
    model.to(on.dtype).eval()
    return model


def _bound(model: SentenceTransformer) -> None:
    """Cuts texts at the model's own length where its tokenizer names none: the library would feed it more than it has places for."""
    if model.max_seq_length is not None and model.max_seq_length < _NO_LENGTH:
        return
    config = getattr(getattr(model[0], "model", None), "config", None)
    places = getattr(getattr(config, "text_config", config), "max_position_embeddings", None)
    if isinstance(places, int):
        model.max_seq_length = places - (_OFFSET if getattr(config, "model_type", "") in _COUNT_FROM_PADDING else 0)


def _parts(directory: Path) -> Iterator[str]:
    """The classes that a model's lists of parts name, wherever they are nested."""
    for name in _LISTS_OF_PARTS:
        for file in directory.rglob(name):
            try:
                listed = json.loads(file.read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise ModelUnavailable(f"{file} can't be read ({error}).", "Fetch the model's whole repository again.") from None
            rows: list[Any] = list(listed) if isinstance(listed, list) else [listed]
            for row in rows:
                types = row.get("types", {}) if isinstance(row, dict) else {}
                yield from (str(one) for one in types.values())
                if isinstance(row, dict) and "type" in row:
                    yield str(row["type"])
