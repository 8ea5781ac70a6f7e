"""MM-Embed: a vision tower, a projector, a bidirectional Mistral, and NV-Embed's pooler (MM-Embed sections 3 and 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModel

from encoders.mllm.mistral import PAD, bidirectional_trunk, enclosed, latent_attention, require_both_ways, states_of, trunk_sizes
from encoders.mllm.pooling import pooled
from models.llava_next import PICTURE, embedded_whole
from models.placing import attention_for, placed
from models.rows import Item, Pixels, expanded, rows_of
from models.torch_devices import TorchDevice
from models.vocabulary import Vocabulary, read_vocabulary
from models.weights import Weights, empty, fill, read_config
from uniir.documents import Modality
from uniir.errors import ModelUnavailable
from uniir.instructions import Instruction

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

_VISION = "vision_tower.vision_model."
_MARKERS = (PICTURE, "[INST]", "[/INST]", "<s>", "</s>")
_TEXT_TOKENS = 4096  # of a text; pictures and prompt come on top
_CLIP_MEAN, _CLIP_DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
_VISION_KEYS = frozenset({"num_attention_heads", "num_hidden_layers", "intermediate_size", "hidden_act", "layer_norm_eps"})
_WHOLE = ("MistralDecoderLayer", "CLIPEncoderLayer", "LatentAttention")


class _Projector(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(inputs, outputs)
        self.act = nn.GELU()
        self.linear_2 = nn.Linear(outputs, outputs)

    def forward(self, states: Tensor) -> Tensor:
        return self.linear_2(self.act(self.linear_1(states)))


class MmEmbedModule(nn.Module):
    """The parts under the names of the checkpoint, but for `vision_model`, a level that transformers no longer has."""

    def __init__(self, vision: CLIPVisionConfig, trunk: nn.Module, pooler: nn.Module, width: int) -> None:
        super().__init__()
        self.image_newline = nn.Parameter(torch.empty(width))
        self.vision_tower = CLIPVisionModel(vision)
        self.multi_modal_projector = _Projector(vision.hidden_size, width)
        self.language_model = trunk
        self.latent_attention_model = pooler


@dataclass(frozen=True, slots=True)
class MmEmbed:
    """Implements `Retriever`."""

    module: MmEmbedModule
    vocabulary: Vocabulary
    picture_token: int
    side: int
    slots: int
    device: torch.device

    architecture = "MM-Embed"
    accepts = frozenset(Modality)
    opens: ClassVar[Literal["faithful", "upright"]] = "faithful"

    @property
    def dimension(self) -> int:
        return int(self.module.image_newline.numel())

    @property
    def preprocessing(self) -> str:
        return f"mm-embed 1; one tile of {self.side}; text {_TEXT_TOKENS}"

    def query(self, text: str | None, picture: Image.Image | None, instruction: Instruction | None, target: Modality | None) -> Item:
        """The instruction is read by every token and pooled by none."""
        if instruction is None:
            return self._item("Query: ", text, picture, 0)
        told = f"Instruct: {self.vocabulary.harmless(instruction.wording)}"
        # The authors count the instruction with its start and its end, and begin to pool behind the newline.
        return self._item(f"{told}\nQuery: ", text, picture, len(self.vocabulary.bare_ids(told)) + 2)

    def document(self, text: str | None, picture: Image.Image | None) -> Item:
        return self._item("", text, picture, 0)

    def _item(self, before: str, text: str | None, picture: Image.Image | None, unpooled: int) -> Item:
        words = self.vocabulary.cut(self.vocabulary.harmless(text or ""), _TEXT_TOKENS)
        ids = enclosed(self.vocabulary, f"{before}{'' if picture is None else PICTURE + chr(10)}{words}")
        pictures = () if picture is None else (Pixels(squashed(picture, self.side)[None], (1,), self.slots),)
        whole = expanded(ids, self.picture_token, pictures)
        return Item(whole, np.arange(whole.size) >= unpooled, pictures)

    def embed(self, items: Sequence[Item]) -> Tensor:
        with torch.inference_mode():
            rows = rows_of(items, PAD, self.device)
            states = states_of(self.module.language_model, embedded_whole(self.module, rows, self.picture_token), rows.attention)
            return pooled(self.module.latent_attention_model(states), rows.kept)


def squashed(picture: Image.Image, side: int) -> NDArray[np.float32]:
    """The whole picture as one square tile, its proportions not kept, normalised as CLIP's."""
    square = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
    normal = (square - np.asarray(_CLIP_MEAN, np.float32)) / np.asarray(_CLIP_DEVIATION, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1))


def load_mm_embed(directory: Path, weights: Weights, on: TorchDevice) -> MmEmbed:
    """Raises ModelUnavailable for weights that do not fit, and for a stack that turns out causal."""
    config = read_config(directory)
    vision = _vision_config(config, weights)
    sizes = trunk_sizes(weights, "language_model.", config.get("text_config") or {})
    attention = attention_for(on)
    vision._attn_implementation = attention
    module = empty(
        lambda: MmEmbedModule(
            vision, bidirectional_trunk(sizes, attention), latent_attention(weights, "latent_attention_model."), sizes.width
        )
    )
    fill(module, weights, lambda name: name.replace(_VISION, "vision_tower."), on.dtype)
    placed(module, on, _WHOLE)
    vocabulary = read_vocabulary(directory, _MARKERS)
    picture_token = int(config.get("image_token_index", 32000))
    if vocabulary.id_of(PICTURE) != picture_token:
        raise ModelUnavailable(f"{directory}: the tokenizer's {PICTURE} is not {picture_token}, as config.json says.")
    slots = weights.shape(f"{_VISION}embeddings.position_embedding.weight")[0]  # one place less for the class, one more for the newline
    require_both_ways(module.language_model, on)
    return MmEmbed(module, vocabulary, picture_token, _side(weights), slots, on.device)


def _vision_config(config: dict[str, Any], weights: Weights) -> CLIPVisionConfig:
    """The configuration's, in the sizes of the tensors."""
    told = {key: value for key, value in (config.get("vision_config") or {}).items() if key in _VISION_KEYS}
    width, _, patch, _ = weights.shape(f"{_VISION}embeddings.patch_embedding.weight")
    return CLIPVisionConfig(**{**told, "hidden_size": width, "patch_size": patch, "image_size": _side(weights)})


def _side(weights: Weights) -> int:
    """Pixels on a side, from the patches that have a position."""
    places = weights.shape(f"{_VISION}embeddings.position_embedding.weight")[0]
    return int(round((places - 1) ** 0.5) * weights.shape(f"{_VISION}embeddings.patch_embedding.weight")[2])
