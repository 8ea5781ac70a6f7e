"""Checkpoints of the published sizes, by names and shapes alone: every tensor has a place, and the catalogue says how large they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from encoders.uniir_family import SPECS
from encoders.uniir_family.architectures import build
from encoders.uniir_family.checkpoint import Checkpoint
from encoders.uniir_family.heads import HeadCounts
from models.torch_devices import TorchDevice

Shapes = dict[str, tuple[int, ...]]
META = TorchDevice(torch.device("meta"), torch.float32)


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def openai_blocks(prefix: str, width: int, count: int) -> Shapes:
    shapes: Shapes = {}
    for number in range(count):
        here = f"{prefix}.resblocks.{number}"
        shapes |= {f"{here}.attn.in_proj_weight": (3 * width, width), f"{here}.attn.in_proj_bias": (3 * width,)}
        shapes |= linear(f"{here}.attn.out_proj", width, width) | norm(f"{here}.ln_1", width) | norm(f"{here}.ln_2", width)
        shapes |= linear(f"{here}.mlp.c_fc", width, 4 * width) | linear(f"{here}.mlp.c_proj", 4 * width, width)
    return shapes


def clip(large: bool) -> Shapes:
    vision, layers, patch, text = (1024, 24, 14, 768) if large else (768, 12, 32, 512)
    shapes: Shapes = {
        "positional_embedding": (77, text),
        "text_projection": (text, text),
        "logit_scale": (),
        "token_embedding.weight": (49408, text),
        "visual.class_embedding": (vision,),
        "visual.positional_embedding": (1 + (224 // patch) ** 2, vision),
        "visual.proj": (vision, text),
        "visual.conv1.weight": (vision, 3, patch, patch),
        **norm("ln_final", text),
        **norm("visual.ln_pre", vision),
        **norm("visual.ln_post", vision),
        **openai_blocks("visual.transformer", vision, layers),
        **openai_blocks("transformer", text, 12),
    }
    return {f"clip_model.{name}": shape for name, shape in shapes.items()}


def t5(width: int) -> Shapes:
    shapes: Shapes = {"block.0.layer.0.SelfAttention.relative_attention_bias.weight": (32, 12), "final_layer_norm.weight": (width,)}
    for number in range(2):
        attention, feed_forward = (f"block.{number}.layer.{part}" for part in range(2))
        shapes |= {f"{attention}.SelfAttention.{letter}.weight": (768, width) for letter in "qkv"}
        shapes |= {f"{attention}.SelfAttention.o.weight": (width, 768), f"{attention}.layer_norm.weight": (width,)}
        shapes |= {f"{feed_forward}.DenseReluDense.wi.weight": (2048, width), f"{feed_forward}.DenseReluDense.wo.weight": (width, 2048)}
        shapes |= {f"{feed_forward}.layer_norm.weight": (width,)}
    return {f"t5_layers.{name}": shape for name, shape in shapes.items()}


def blip_vision(width: int, layers: int) -> Shapes:
    shapes: Shapes = {"cls_token": (1, 1, width), "pos_embed": (1, 197, width), "patch_embed.proj.weight": (width, 3, 16, 16)}
    shapes |= {"patch_embed.proj.bias": (width,)} | norm("norm", width)
    for number in range(layers):
        here = f"blocks.{number}"
        shapes |= norm(f"{here}.norm1", width) | norm(f"{here}.norm2", width)
        shapes |= linear(f"{here}.attn.qkv", width, 3 * width) | linear(f"{here}.attn.proj", width, width)
        shapes |= linear(f"{here}.mlp.fc1", width, 4 * width) | linear(f"{here}.mlp.fc2", 4 * width, width)
    return {f"visual_encoder.{name}": shape for name, shape in shapes.items()}


def blip_text(picture: int) -> Shapes:
    shapes: Shapes = {
        "embeddings.position_ids": (1, 512),
        "embeddings.word_embeddings.weight": (30524, 768),
        "embeddings.position_embeddings.weight": (512, 768),
        **norm("embeddings.LayerNorm", 768),
    }
    for number in range(12):
        here = f"encoder.layer.{number}"
        for kind, seen in (("attention", 768), ("crossattention", picture)):
            shapes |= linear(f"{here}.{kind}.self.query", 768, 768)
            shapes |= linear(f"{here}.{kind}.self.key", seen, 768) | linear(f"{here}.{kind}.self.value", seen, 768)
            shapes |= linear(f"{here}.{kind}.output.dense", 768, 768) | norm(f"{here}.{kind}.output.LayerNorm", 768)
        shapes |= linear(f"{here}.intermediate.dense", 768, 3072) | linear(f"{here}.output.dense", 3072, 768)
        shapes |= norm(f"{here}.output.LayerNorm", 768)
    return {f"text_encoder.{name}": shape for name, shape in shapes.items()}


def blip(large: bool, score_fusion: bool) -> Shapes:
    width, layers, queue = (1024, 24, 57960) if large else (768, 12, 57600)
    online = blip_vision(width, layers) | blip_text(width)
    online |= (
        linear("vision_proj", width, 768) | linear("text_proj", 768, 768) if score_fusion else linear("text_encoder.pooler.dense", 768, 768)
    )
    momentum = {".".join([f"{first}_m", rest]): shape for name, shape in online.items() for first, _, rest in [name.partition(".")]}
    buffers: Shapes = {"temp": (), "query_queue": (768, queue), "cand_queue": (768, queue), "idx_queue": (1, queue), "new_ptr_queue": (1,)}
    return online | momentum | buffers


def shapes_of(name: str) -> Shapes:
    architecture, fusion, size = name.split("-")
    large = size == "large"
    if architecture == "blip":
        return blip(large, score_fusion=fusion == "sf")
    shapes = clip(large)
    if fusion == "ff":
        shapes |= t5(768 if large else 512)
        del shapes["clip_model.text_projection"]
    return shapes


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_published_size_has_the_dimension_and_the_megabytes_of_its_row(spec) -> None:  # type: ignore[no-untyped-def]
    shapes = shapes_of(spec.name)
    tensors = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    built = build(Checkpoint(tensors, HeadCounts(), Path(spec.name)), META)
    assert built.model.architecture.lower().replace("_", "-") == spec.name.rpartition("-")[0]
    assert built.model.dimension == spec.dimension
    assert round(sum(tensors[name].numel() for name in built.names) * 4 / 1e6) == spec.megabytes


def test_the_clip_models_have_as_many_tensors_as_openai_published() -> None:
    assert [len(clip(large)) for large in (False, True)] == [302, 446]
    assert len(t5(512)) == 18


@pytest.mark.parametrize(
    ("name", "heads"), [("clip-sf-base", (12, 8)), ("clip-ff-large", (16, 12)), ("blip-sf-base", (12, 12)), ("blip-ff-large", (16, 12))]
)
def test_heads_are_those_of_the_published_configurations(name: str, heads: tuple[int, int]) -> None:
    tensors = {one: torch.empty(shape, device="meta") for one, shape in shapes_of(name).items()}
    found = build(Checkpoint(tensors, HeadCounts(), Path(name)), META).model.heads
    assert (found.vision, found.text) == heads
