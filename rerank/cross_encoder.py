"""Any cross encoder of the library sentence-transformers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.torch_devices import TorchDevice
from models.weights import digest_of
from rerank.pictures import picture_is_there
from rerank.scores import Scores
from uniir.documents import Document
from uniir.errors import ModelUnavailable
from uniir.hits import BandCuts
from uniir.protocols import ImageLoader
from uniir.queries import Query

_BATCH = 16


@dataclass(frozen=True, slots=True)
class CrossEncoderReranker:
    """Implements `uniir.protocols.Reranker`. The score is the model's raw one through a sigmoid, in single precision."""

    name: str
    model: Any
    version: str
    images: ImageLoader
    cuts: BandCuts | None = None
    scores: Scores = field(default_factory=Scores)
    _computing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def reading(self) -> str:
        return "texts and pictures" if self._sees else "texts"

    @property
    def _sees(self) -> bool:
        return bool(self.model.supports("image"))

    def reads(self, query: Query, candidate: Document) -> bool:
        if self._sees:
            return query.modality is not None and picture_is_there(candidate)
        return query.text is not None and bool(candidate.modality.has_text and candidate.text and candidate.text.strip())

    def score(self, query: Query, candidates: Sequence[Document]) -> NDArray[np.float32]:
        """Raises ModelUnavailable also where a picture can't be read any more."""
        return self.scores.of(self.name, self.version, query, candidates, lambda unknown: self._probabilities(query, unknown))

    def _probabilities(self, query: Query, candidates: Sequence[Document]) -> Sequence[float]:
        pairs = [(self._shown(query), self._shown(one)) for one in candidates]
        with self._computing, torch.inference_mode():
            raw = self.model.predict(
                pairs, batch_size=_BATCH, show_progress_bar=False, activation_fn=torch.nn.Identity(), convert_to_tensor=True
            )
        values: list[float] = torch.sigmoid(raw.float()).flatten().tolist()
        return values

    def _shown(self, item: Query | Document) -> Any:
        text = item.text or ""
        if not self._sees or item.image is None:
            return text
        picture = self.images.upright(item.image)
        return {"text": text, "image": picture} if text else {"image": picture}


def load_cross_encoder(name: str, directory: Path, on: TorchDevice, images: ImageLoader) -> CrossEncoderReranker:
    """From a directory, without code of its own. Raises ModelUnavailable."""
    from sentence_transformers import CrossEncoder

    try:
        model = CrossEncoder(
            str(directory),
            device=str(on.device),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": on.dtype, "use_safetensors": True},
        )
    # The library raises whatever a missing, damaged or foreign file provokes; at this edge all of it means one thing.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"The cross encoder in {directory} can't be read ({reason}).", "Fetch its whole repository again.") from None
    if model.num_labels != 1:
        raise ModelUnavailable(f"{directory} tells {model.num_labels} things apart; a reranker has one score.", "Take another model.")
    return CrossEncoderReranker(name, model.eval(), f"{digest_of(directory)[:16]} cross-encoder 1", images)
