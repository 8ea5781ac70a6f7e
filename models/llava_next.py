"""LLaVA-NeXT as encoders and rerankers need it: pictures in tiles of any resolution, states, the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from PIL import Image
from transformers import DynamicCache, LlavaNextForConditionalGeneration, LlavaNextModel
from transformers.image_processing_utils import select_best_resolution
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from models.adapters import adapted
from models.loading import load_pretrained
from models.rows import Pixels, Rows
from models.torch_devices import TorchDevice
from models.vocabulary import Vocabulary, read_vocabulary
from models.weights import read_config, read_picture_settings
from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

PICTURE = "<image>"
_WHOLE = ("MistralDecoderLayer", "LlamaDecoderLayer", "CLIPEncoderLayer")


@dataclass(frozen=True, slots=True)
class LlavaNext:
    """A loaded model. `shown` is thread-safe; `states` is not."""

    model: Any  # the part without a head
    head: Any  # the linear layer to the vocabulary; None where it was not loaded
    vocabulary: Vocabulary
    pictures: LlavaNextImageProcessorPil
    picture_token: int
    device: torch.device

    @property
    def width(self) -> int:
        return int(self.model.get_input_embeddings().embedding_dim)

    def shown(self, picture: Image.Image) -> Pixels:
        """The whole picture as one tile, and again in several, [tiles, 3, side, side]; `grid` is its height and width."""
        done = self.pictures(images=[picture], return_tensors="np")
        size = (picture.height, picture.width)
        return Pixels(np.asarray(done["pixel_values"][0], np.float32), size, self._slots(*size))

    def shown_whole(self, picture: Image.Image) -> Pixels:
        """The whole picture as one tile alone, [1, 3, side, side], its proportions not kept."""
        tile = self.shown(picture).values[:1]
        vision = self.model.config.vision_config
        return Pixels(tile, (1,), (vision.image_size // vision.patch_size) ** 2 + 1)

    def _slots(self, height: int, width: int) -> int:
        """The first tile's patches, those of the tiles without what was padded, and one newline for each of their rows."""
        vision = self.model.config.vision_config
        patches = vision.image_size // vision.patch_size
        rows, columns = (
            side // vision.image_size * patches for side in select_best_resolution((height, width), self.model.config.image_grid_pinpoints)
        )
        if width / height > columns / rows:
            rows -= (rows - int(round(height * (columns / width), 7))) // 2 * 2
        else:
            columns -= (columns - int(round(width * (rows / height), 7))) // 2 * 2
        return int(patches * patches + rows * columns + rows)

    def states(self, rows: Rows) -> Tensor:
        """[n, length, width] behind the final norm."""
        return self._out(rows, None).last_hidden_state

    def states_of_whole(self, rows: Rows) -> Tensor:
        """The same for pictures of one tile, which the library's own forward pass has no room for."""
        given = embedded_whole(self.model, rows, self.picture_token)
        return self.model.language_model(inputs_embeds=given, attention_mask=rows.attention, use_cache=False).last_hidden_state

    def read(self, rows: Rows) -> Any:
        """The keys and values of rows that others go on from."""
        return self._out(rows, DynamicCache()).past_key_values

    def states_behind(self, whole: Rows, read: Any, length: int) -> Tensor:
        """[n, longest - length, width]: the states of what follows the `length` places that were read already."""
        pictures = whole.pictures_behind(length, self.picture_token)
        return self._out(Rows(whole.ids[:, length:], whole.attention, whole.kept[:, length:], pictures), read).last_hidden_state

    def _out(self, rows: Rows, read: Any) -> Any:
        given: dict[str, Any] = {}
        if rows.pictures:
            tiles = max(picture.values.shape[0] for picture in rows.pictures)
            values = np.zeros((len(rows.pictures), tiles, *rows.pictures[0].values.shape[1:]), np.float32)
            for place, picture in zip(values, rows.pictures, strict=True):
                place[: picture.values.shape[0]] = picture.values
            sizes = torch.tensor([picture.grid for picture in rows.pictures], device=self.device)
            given = {"pixel_values": torch.from_numpy(values).to(self.device, self.model.dtype), "image_sizes": sizes}
        return self.model(input_ids=rows.ids, attention_mask=rows.attention, past_key_values=read, use_cache=read is not None, **given)


def embedded_whole(model: Any, rows: Rows, picture_token: int) -> Tensor:
    """[n, length, width]: token embeddings, with the vectors of each picture's one tile and the newline's in its slots."""
    there = rows.ids == picture_token
    embedded = model.language_model.get_input_embeddings()(rows.ids.masked_fill(there, 0))
    if not rows.pictures:
        return embedded
    values = torch.from_numpy(np.concatenate([picture.values for picture in rows.pictures]))
    seen = model.vision_tower(values.to(embedded.device, embedded.dtype), output_hidden_states=True)
    patches = model.multi_modal_projector(seen.hidden_states[-2][:, 1:])
    newline = model.image_newline.to(patches).expand(patches.shape[0], 1, -1)
    vectors = torch.cat([patches, newline], dim=1).to(embedded)
    return embedded.masked_scatter(there.unsqueeze(-1).to(embedded.device), vectors)


def load_llava_next(directory: Path, on: TorchDevice, *, head: bool, adapter: Path | None = None, markers: Sequence[str] = ()) -> LlavaNext:
    """Raises UsageError, ModelUnavailable."""
    told = read_config(directory).get("model_type")
    if told != "llava_next":
        raise ModelUnavailable(f"{directory} holds a model of the type {told!r}; wanted is llava_next.")
    kind = LlavaNextForConditionalGeneration if head else LlavaNextModel
    module: Any = load_pretrained(kind, directory, on, _WHOLE, ("lm_head.weight",))
    if adapter is not None:
        module = adapted(module, adapter, on)
    model = module.model if head else module
    vocabulary = read_vocabulary(directory, (PICTURE, "[INST]", "[/INST]", *markers))
    token = vocabulary.id_of(PICTURE)
    if token != model.config.image_token_id:
        raise ModelUnavailable(f"{directory}: the tokenizer's {PICTURE} is {token}, the configuration's {model.config.image_token_id}.")
    return LlavaNext(model, module.lm_head if head else None, vocabulary, _processor(directory, model.config), token, on.device)


def _processor(directory: Path, config: Any) -> LlavaNextImageProcessorPil:
    """With the checkpoint's normalisation, and the sizes its tower was made for."""
    told = read_picture_settings(directory)
    side = config.vision_config.image_size
    keys = {key: told[key] for key in ("image_mean", "image_std", "rescale_factor") if key in told}
    square = {"height": side, "width": side}
    pinpoints = [list(one) for one in config.image_grid_pinpoints]
    return LlavaNextImageProcessorPil(size={"shortest_edge": side}, crop_size=square, image_grid_pinpoints=pinpoints, **keys)
