"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL as encoders and rerankers need them: pictures, positions, states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from PIL import Image
from transformers import (
    DynamicCache,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLModel,
    Qwen2VLForConditionalGeneration,
    Qwen2VLModel,
    Qwen3VLForConditionalGeneration,
    Qwen3VLModel,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from models.adapters import adapted
from models.loading import load_pretrained
from models.rows import Pixels, Rows
from models.torch_devices import TorchDevice
from models.vocabulary import Vocabulary, read_vocabulary
from models.weights import read_config, read_picture_settings
from uniir.errors import InputFailure, ModelUnavailable

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
TURN, END = "<|im_start|>", "<|im_end|>"
LEAST_SLOTS = 4
_LONGEST = 200  # times the shorter side
ANSWER = f"{END}\n{TURN}assistant\n"
_WHOLE = (
    "Qwen2VLDecoderLayer",
    "Qwen2_5_VLDecoderLayer",
    "Qwen3VLTextDecoderLayer",
    "Qwen2VLVisionBlock",
    "Qwen2_5_VLVisionBlock",
    "Qwen3VLVisionBlock",
)


class Positions(StrEnum):
    """PLAIN: every token counts one, pictures too, as in training from embedded inputs. GRID: a picture's by time, height and width."""

    PLAIN = "plain"
    GRID = "grid"


class Generation(Enum):
    """The types of the transformers library, each with its class without and with a head."""

    QWEN2 = ("qwen2_vl", Qwen2VLModel, Qwen2VLForConditionalGeneration)
    QWEN2_5 = ("qwen2_5_vl", Qwen2_5_VLModel, Qwen2_5_VLForConditionalGeneration)
    QWEN3 = ("qwen3_vl", Qwen3VLModel, Qwen3VLForConditionalGeneration)

    @property
    def model_type(self) -> str:
        return self.value[0]


@dataclass(frozen=True, slots=True)
class QwenVl:
    """A loaded model. `shown` is thread-safe; `states` is not."""

    model: Any  # the part without a head
    head: Any  # the linear layer to the vocabulary; None where it was not loaded
    vocabulary: Vocabulary
    pictures: Qwen2VLImageProcessorPil
    picture_token: int
    generation: Generation
    device: torch.device

    @property
    def width(self) -> int:
        return int(self.model.get_input_embeddings().embedding_dim)

    def shown(self, picture: Image.Image) -> Pixels:
        """Patches of the picture, resized once within the budget of pixels. Raises InputFailure for a mere line."""
        if max(picture.size) > _LONGEST * min(picture.size):
            raise InputFailure("image-too-narrow", f"it is more than {_LONGEST} times as long as wide")
        done = self.pictures(images=[picture], return_tensors="np")
        grid = tuple(int(side) for side in done["image_grid_thw"][0])
        return Pixels(np.asarray(done["pixel_values"], np.float32), grid, int(np.prod(grid)) // self.pictures.merge_size**2)

    def states(self, rows: Rows, positions: Positions, *, deep: bool = True) -> Tensor:
        """[n, length, width] behind the final norm. `deep` keeps Qwen3-VL's features of early vision layers."""
        return self._out(rows, self._positions(rows, positions), None, deep=deep).last_hidden_state

    def read(self, rows: Rows) -> Any:
        """The keys and values of rows that others go on from."""
        return self._out(rows, self._positions(rows, Positions.GRID), DynamicCache()).past_key_values

    def states_behind(self, whole: Rows, read: Any, length: int) -> Tensor:
        """[n, longest - length, width]: the states of what follows the `length` places that were read already."""
        pictures = whole.pictures_behind(length, self.picture_token)
        rest = Rows(whole.ids[:, length:], whole.attention, whole.kept[:, length:], pictures)
        return self._out(rest, self._positions(whole, Positions.GRID)[:, :, length:], read).last_hidden_state

    def _out(self, rows: Rows, positions: Tensor, read: Any, *, deep: bool = True) -> Any:
        given: dict[str, Any] = {}
        if rows.pictures:
            values = torch.from_numpy(np.concatenate([picture.values for picture in rows.pictures])).to(self.device)
            given = {
                "pixel_values": values,
                "image_grid_thw": torch.tensor([picture.grid for picture in rows.pictures], device=self.device),
            }
            if not deep and self.generation is Generation.QWEN3:
                seen = self.model.get_image_features(values, given["image_grid_thw"], return_dict=True)
                seen.deepstack_features = []
                given = {"mm_encoder_outputs": {"image": seen}}
        return self.model(
            input_ids=rows.ids,
            attention_mask=rows.attention,
            position_ids=positions,
            past_key_values=read,
            use_cache=read is not None,
            **given,
        )

    def _positions(self, rows: Rows, positions: Positions) -> Tensor:
        """[3, n, length]."""
        if positions is Positions.PLAIN or not rows.pictures:
            plain = torch.arange(rows.ids.shape[1], device=rows.ids.device)
            return plain.view(1, 1, -1).expand(3, rows.ids.shape[0], -1)
        grids = torch.tensor([picture.grid for picture in rows.pictures], device=rows.ids.device)
        kinds = (rows.ids == self.picture_token).int()
        found, _ = self.model.get_rope_index(rows.ids, mm_token_type_ids=kinds, image_grid_thw=grids, attention_mask=rows.attention)
        return found


@dataclass(frozen=True, slots=True)
class PictureBudget:
    """How many vectors a picture may become at most; `side` is the pixels one of them stands for in each direction."""

    most: int
    side: int

    def processor(self, told: dict[str, Any]) -> Qwen2VLImageProcessorPil:
        """With the checkpoint's own patch sizes and normalisation."""
        keys = ("patch_size", "temporal_patch_size", "merge_size", "image_mean", "image_std", "rescale_factor")
        pixels = self.side * self.side
        size = {"shortest_edge": LEAST_SLOTS * pixels, "longest_edge": self.most * pixels}
        return Qwen2VLImageProcessorPil(size=size, **{key: told[key] for key in keys if key in told})


def generation_of(directory: Path, *allowed: Generation) -> Generation:
    """Which of the allowed ones the directory holds. Raises ModelUnavailable."""
    told = read_config(directory).get("model_type")
    for one in allowed:
        if one.model_type == told:
            return one
    raise ModelUnavailable(f"{directory} holds a model of the type {told!r}; wanted is {' or '.join(one.model_type for one in allowed)}.")


def load_qwen_vl(
    directory: Path,
    generation: Generation,
    on: TorchDevice,
    slots: int,
    *,
    head: bool,
    adapter: Path | None = None,
    markers: Sequence[str] = (),
) -> QwenVl:
    """`slots` is how many vectors a picture may become. Raises UsageError, ModelUnavailable."""
    _, bare, whole = generation.value
    module: Any = load_pretrained(whole if head else bare, directory, on, _WHOLE, ("lm_head.weight",))
    if adapter is not None:
        module = adapted(module, adapter, on)
    model = module.model if head else module
    told = read_picture_settings(directory)
    vision = model.config.vision_config
    side = int(vision.patch_size * vision.spatial_merge_size)
    told = {
        "patch_size": vision.patch_size,
        "temporal_patch_size": vision.temporal_patch_size,
        "merge_size": vision.spatial_merge_size,
    } | told
    vocabulary = read_vocabulary(directory, (TURN, END, "<|vision_start|>", "<|image_pad|>", "<|vision_end|>", *markers))
    token = vocabulary.id_of("<|image_pad|>")
    if token != model.config.image_token_id:
        raise ModelUnavailable(f"{directory}: the tokenizer's <|image_pad|> is {token}, the configuration's {model.config.image_token_id}.")
    return QwenVl(
        model, module.lm_head if head else None, vocabulary, PictureBudget(slots, side).processor(told), token, generation, on.device
    )
