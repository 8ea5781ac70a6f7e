from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from encoders.mllm.nv_embed import load_nv_embed
from models.torch_devices import TorchDevice
from models.weights import read_weights
from tests.encoders.mllm import by_hand
from tests.encoders.mllm.small_mm_embed import Sizes, tensors
from tests.encoders.mllm.small_vocabularies import llama_like
from uniir.documents import Modality
from uniir.instructions import Instruction

CPU = TorchDevice(torch.device("cpu"), torch.float32)
SIZES = Sizes()
TOLD = Instruction("told", Modality.TEXT, Modality.TEXT, "Retrieve an image that matches the caption")


@pytest.mark.parametrize("instruction", [None, TOLD])
def test_vectors_are_those_of_its_steps_written_out(tmp_path: Path, instruction: Instruction | None) -> None:
    named = {
        name.replace("language_model.", "embedding_model."): one
        for name, one in tensors(SIZES).items()
        if name.startswith(("language_model.", "latent_attention_model."))
    }
    text = {"num_attention_heads": SIZES.heads, "num_key_value_heads": SIZES.key_heads, "head_dim": SIZES.head}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "nvembed", "text_config": text}))
    llama_like(SIZES.vocabulary).save(str(tmp_path / "tokenizer.json"))
    save_file(named, tmp_path / "model.safetensors", {"format": "pt"})
    model = load_nv_embed(tmp_path, read_weights(tmp_path), CPU)

    before = "" if instruction is None else f"Instruct: {instruction.wording}\nQuery: "
    ids = model.vocabulary.ids(f"{before}a cat on a mat")
    rows = named["embedding_model.embed_tokens.weight"][torch.tensor(ids)]
    states = by_hand.mistral(named, "embedding_model", rows, SIZES.layers, SIZES.heads, SIZES.key_heads, causal=False)
    dropped = len(model.vocabulary.ids(before)) - 2 if before else 0  # without start and end
    mean = by_hand.latent_attention(named, "latent_attention_model", states)[dropped:].mean(0)
    found = model.embed([model.query("a cat on a mat", None, instruction, None)])[0]
    np.testing.assert_allclose(found.numpy(), (mean / mean.norm()).numpy(), atol=2e-5)
    assert model.accepts == {Modality.TEXT}
