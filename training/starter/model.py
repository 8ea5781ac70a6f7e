"""The heads as a PyTorch module; `encoders/starter/heads.py` runs the same numbers in NumPy."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

HEAD = 256
_HIDDEN = 1024
_IMAGE_DROPOUT = 0.7  # six thousand pictures against 3232 features: at 0.3 the heads learn the pictures by heart
_TEXT_DROPOUT = 0.1
_START_SCALE = 20.0


class HeadsModule(nn.Module):
    """Linear head on pictures, linear head beside a small MLP on texts, one learned temperature."""

    def __init__(self, image_width: int, text_width: int) -> None:
        super().__init__()
        self.image = nn.Linear(image_width, HEAD)
        self.text = nn.Linear(text_width, HEAD)
        self.text_hidden = nn.Linear(text_width, _HIDDEN)
        self.text_out = nn.Linear(_HIDDEN, HEAD, bias=False)
        nn.init.zeros_(self.text_out.weight)
        self.log_scale = nn.Parameter(torch.tensor(float(np.log(_START_SCALE))))
        self.image_dropout = nn.Dropout(_IMAGE_DROPOUT)
        self.text_dropout = nn.Dropout(_TEXT_DROPOUT)

    @property
    def scale(self) -> Tensor:
        return self.log_scale.exp().clamp(max=100.0)

    def encode_images(self, standardised: Tensor) -> Tensor:
        """[n, 3232] to unit rows [n, 256]."""
        return functional.normalize(self.image(self.image_dropout(standardised)), dim=-1)

    def encode_texts(self, scaled: Tensor) -> Tensor:
        """MiniLM's unit vectors times the root of their width, [n, 384], to unit rows [n, 256]."""
        given = self.text_dropout(scaled)
        hidden = self.text_dropout(functional.gelu(self.text_hidden(scaled), approximate="tanh"))
        return functional.normalize(self.text(given) + self.text_out(hidden), dim=-1)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The trained numbers under the names and in the orientation of the heads file."""
        pairs = {
            "image.weight": self.image.weight.T,
            "image.bias": self.image.bias,
            "text.weight": self.text.weight.T,
            "text.bias": self.text.bias,
            "text.hidden.weight": self.text_hidden.weight.T,
            "text.hidden.bias": self.text_hidden.bias,
            "text.out.weight": self.text_out.weight.T,
        }
        return {name: tensor.detach().float().numpy().copy() for name, tensor in pairs.items()}
