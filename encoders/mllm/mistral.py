"""The bidirectional Mistral trunk of NV-Embed-v1 with its pooler, which MM-Embed shares (MM-Embed section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn
from transformers import MistralConfig, MistralModel

from encoders.mllm.bidirectional import require_bidirectional
from encoders.mllm.latent_attention import LatentAttention
from models.torch_devices import TorchDevice
from models.vocabulary import Vocabulary
from models.weights import Weights
from uniir.errors import ModelUnavailable

if TYPE_CHECKING:
    Tensor: TypeAlias = torch.Tensor

PAD, BOS, EOS = 2, 1, 2
_HEAD = 128  # of Mistral-7B, where the configuration says nothing
_THETA = 10_000.0  # Mistral-7B-v0.1's; the configuration beside MM-Embed is of another Mistral, which is not what runs


@dataclass(frozen=True, slots=True)
class TrunkSizes:
    """Read from the tensors; heads, which shapes can't tell, from the configuration."""

    vocabulary: int
    width: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    head: int


def trunk_sizes(weights: Weights, prefix: str, text_config: Mapping[str, Any]) -> TrunkSizes:
    """Raises ModelUnavailable where shapes and configuration contradict each other."""
    vocabulary, width = weights.shape(f"{prefix}embed_tokens.weight")
    inner = weights.shape(f"{prefix}layers.0.mlp.gate_proj.weight")[0]
    query, key = (weights.shape(f"{prefix}layers.0.self_attn.{name}_proj.weight")[0] for name in "qk")
    heads = text_config.get("num_attention_heads")
    head = text_config.get("head_dim") or (query // int(heads) if heads else _HEAD)
    if query % head or key % head or (query // head) % (key // head):
        raise ModelUnavailable(f"{weights.directory}: projections of {query} and {key} do not fit heads of {head}.", "Mend config.json.")
    layers = 1 + max(
        int(name.removeprefix(f"{prefix}layers.").partition(".")[0]) for name in weights if name.startswith(f"{prefix}layers.")
    )
    return TrunkSizes(vocabulary, width, inner, layers, query // head, key // head, head)


def bidirectional_trunk(sizes: TrunkSizes, attention: str) -> MistralModel:
    """The trunk without causal mask and without sliding window, in both of which transformers' default is another."""
    config = MistralConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.width,
        intermediate_size=sizes.inner,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.key_heads,
        head_dim=sizes.head,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": _THETA},
        sliding_window=None,
        pad_token_id=None,
        use_cache=False,
        attn_implementation=attention,
    )
    config.is_causal = False  # both mask builders ask the configuration, never the layers
    return MistralModel(config)


def latent_attention(weights: Weights, prefix: str) -> LatentAttention:
    """The pooler in the sizes of its tensors."""
    latents, width = weights.shape(f"{prefix}latents")
    return LatentAttention(
        width,
        latents,
        weights.shape(f"{prefix}cross_attend_blocks.0.fn.to_q.weight")[0],
        weights.shape(f"{prefix}cross_attend_blocks.1.fn.net.2.weight")[1],
    )


def enclosed(vocabulary: Vocabulary, prompt: str) -> list[int]:
    """Ids between start and end, whatever the tokenizer puts there itself."""
    return [BOS, *vocabulary.bare_ids(prompt), EOS]


def require_both_ways(trunk: nn.Module, on: TorchDevice) -> None:
    """Raises ModelUnavailable for a stack that turns out causal."""
    embedding = trunk.get_input_embeddings()
    with torch.inference_mode():
        require_bidirectional(
            lambda ids, attention: states_of(trunk, embedding(ids), attention), embedding.num_embeddings, on.device, on.dtype
        )


def states_of(trunk: nn.Module, embedded: Tensor, attention: Tensor) -> Tensor:
    """[n, length, width] behind the final norm."""
    return trunk(inputs_embeds=embedded, attention_mask=attention, use_cache=False).last_hidden_state
