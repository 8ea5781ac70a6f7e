"""NV-Embed-v1: MM-Embed's trunk and pooler, for text alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import nn

from encoders.mllm.mistral import PAD, bidirectional_trunk, enclosed, latent_attention, require_both_ways, states_of, trunk_sizes
from encoders.mllm.pooling import pooled
from models.placing import attention_for, placed
from models.rows import Item, rows_of
from models.torch_devices import TorchDevice
from models.vocabulary import Vocabulary, read_vocabulary
from models.weights import Weights, empty, fill, read_config
from uniir.documents import Modality
from uniir.instructions import Instruction

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

_TEXT_TOKENS = 4096
_TRUNK = "embedding_model."


class NvEmbedModule(nn.Module):
    """The parts under the names of the checkpoint."""

    def __init__(self, trunk: nn.Module, pooler: nn.Module) -> None:
        super().__init__()
        self.embedding_model = trunk
        self.latent_attention_model = pooler


@dataclass(frozen=True, slots=True)
class NvEmbed:
    """Implements `Retriever`."""

    module: NvEmbedModule
    vocabulary: Vocabulary
    dimension: int
    device: torch.device

    architecture: ClassVar[str] = "NV-Embed-v1"
    accepts: ClassVar[frozenset[Modality]] = frozenset({Modality.TEXT})
    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"
    preprocessing: ClassVar[str] = f"nv-embed 1; text {_TEXT_TOKENS}"

    def query(self, text: str | None, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> Item:
        if instruction is None:
            return self._item("", text, 0)
        before = f"Instruct: {self.vocabulary.harmless(instruction.wording)}\nQuery: "
        # The authors count the words before the query without the start, but drop from the start on: the last one stays.
        return self._item(before, text, len(self.vocabulary.bare_ids(before)))

    def document(self, text: str | None, picture: Image.Image | None) -> Item:
        return self._item("", text, 0)

    def _item(self, before: str, text: str | None, unpooled: int) -> Item:
        ids = enclosed(self.vocabulary, before + self.vocabulary.cut(self.vocabulary.harmless(text or ""), _TEXT_TOKENS))
        return Item(np.asarray(ids, np.int64), np.arange(len(ids)) >= unpooled)

    def embed(self, items: Sequence[Item]) -> Tensor:
        with torch.inference_mode():
            rows = rows_of(items, PAD, self.device)
            embedded = self.module.embedding_model.get_input_embeddings()(rows.ids)
            states = states_of(self.module.embedding_model, embedded, rows.attention)
            return pooled(self.module.latent_attention_model(states), rows.kept)


def load_nv_embed(directory: Path, weights: Weights, on: TorchDevice) -> NvEmbed:
    """Raises ModelUnavailable for weights that do not fit, and for a stack that turns out causal."""
    config = read_config(directory)
    sizes = trunk_sizes(weights, _TRUNK, config.get("text_config") or {})
    module = empty(
        lambda: NvEmbedModule(bidirectional_trunk(sizes, attention_for(on)), latent_attention(weights, "latent_attention_model."))
    )
    fill(module, weights, lambda name: name, on.dtype)
    placed(module, on, ("MistralDecoderLayer", "LatentAttention"))
    require_both_ways(module.embedding_model, on)
    return NvEmbed(module, read_vocabulary(directory, ("<s>", "</s>", "<unk>")), sizes.width, on.device)
