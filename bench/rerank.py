"""Reranking by a small Qwen2-VL with random weights: pairs per second beside a loop that reads one whole prompt after the other.

Fifty candidates of texts, and fifty of pictures, for a query with a picture, as LamRA-Rank is asked. Both ways take turns, the best round
of each counts, and both give the same probabilities. Needs the extra `models`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from bench.inputs import sentence
from bench.report import Number, options, progress, report
from models.answering import Answers, probabilities, shared_places
from models.batching import batches_for
from models.devices import Device
from models.qwen_vl import Generation, load_qwen_vl
from models.rows import Item, rows_of
from models.torch_devices import torch_device
from rerank.mllm.judges import Judge, lamra_pointwise
from uniir.documents import Document, ImageReference, Modality, Source
from uniir.queries import Query

AT_LEAST = 3.0
_PAIRS = 50
_ROUNDS = 3
_SLOTS = 64


def saved(directory: Path) -> Path:
    """A model of 12 layers of width 512, with the words of the starter encoder's vocabulary, so that prompts have a usual length."""
    words = (files("encoders.starter") / "data" / "vocab.txt").read_text("utf-8").split("\n")
    tokenizer = Tokenizer(WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.add_special_tokens([f"<|{name}|>" for name in ("im_start", "im_end", "vision_start", "vision_end", "image_pad", "video_pad")])
    tokenizer.add_tokens(["Yes", "No"])
    ids = {f"{name}_token_id": tokenizer.token_to_id(f"<|{name}_pad|>") for name in ("image", "video")}
    ids |= {f"vision_{end}_token_id": tokenizer.token_to_id(f"<|vision_{end}|>") for end in ("start", "end")}
    text = {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 12, "num_attention_heads": 8, "num_key_value_heads": 2}
    text |= {"vocab_size": tokenizer.get_vocab_size(), "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    rotary = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [8, 12, 12]}
    vision = {"hidden_size": 512, "embed_dim": 128, "num_heads": 4, "depth": 4, "patch_size": 14, "mlp_ratio": 4}
    config = Qwen2VLConfig(text_config={**text, "rope_parameters": rotary}, vision_config=vision, **ids)
    Qwen2VLForConditionalGeneration(config).save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory


def main() -> None:
    given = options(__doc__)
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    pairs = 12 if given.quick else _PAIRS
    on = torch_device(Device("cpu", "float32", 1))
    with TemporaryDirectory() as scratch:
        trunk = load_qwen_vl(saved(Path(scratch) / "model"), Generation.QWEN2, on, _SLOTS, head=True)
        judge = lamra_pointwise(trunk)
        query = Query(text=sentence(1), image=ImageReference(Path("query.png")))
        asked = {"query_image": trunk.shown(_noise(random))}
        source = Source(root="/", path="candidate")
        numbers = []
        for kind in (Modality.TEXT, Modality.IMAGE):
            items = []
            for number in range(pairs):
                if kind is Modality.TEXT:
                    candidate = Document(id=number, modality=kind, text=sentence(number), source=source)
                    items.append(judge.item(query, candidate, asked))
                else:
                    picture = {"cand_image": trunk.shown(_noise(random))}
                    candidate = Document(id=number, modality=kind, image=ImageReference(Path("candidate.png")), source=source)
                    items.append(judge.item(query, candidate, asked | picture))
            numbers += _compared(kind, items, judge)
    report("rerank", given, numbers)


def _compared(kind: Modality, items: list[Item], judge: Judge) -> list[Number]:
    ours = _best(lambda: probabilities(judge.trunk, items, judge.answers, batches_for(judge.trunk.device)))
    loop = _best(lambda: torch.stack([_one(judge, item, judge.answers) for item in items]))
    apart = float((ours[1] - loop[1]).abs().max())
    progress(f"{kind}: {len(items) / ours[0]:.1f} pairs/s together, {len(items) / loop[0]:.1f} one by one")
    ratio = loop[0] / ours[0]
    figures: dict[str, object] = {
        "together, pairs/s of one thread": round(len(items) / ours[0], 2),
        "one by one, pairs/s of one thread": round(len(items) / loop[0], 2),
        "places in a prompt": items[0].ids.size,
        "of these shared by all": shared_places(items, judge.trunk.picture_token),
        "pairs": len(items),
        "largest difference of probabilities": f"{apart:.1e}",
    }
    return [Number(f"candidates of the kind {kind}: together against one by one", ratio, f">= {AT_LEAST}", ratio >= AT_LEAST, figures)]


def _one(judge: Judge, item: Item, answers: Answers) -> torch.Tensor:
    with torch.inference_mode():
        states = judge.trunk.states_behind(rows_of([item], 0, judge.trunk.device), None, 0)
        logits = judge.trunk.head(states)[0, -1]  # of every place, as a plain call computes them
        yes, no = (torch.logsumexp(logits[list(ids)], 0) for ids in (answers.yes, answers.no))
        return torch.sigmoid(yes - no)


def _best(compute: Callable[[], torch.Tensor]) -> tuple[float, torch.Tensor]:
    seconds = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        values = compute()
        seconds.append(time.process_time() - start)
    return min(seconds), values


def _noise(random: np.random.Generator) -> Image.Image:
    return Image.fromarray(random.integers(0, 255, (224, 224, 3), np.uint8))


if __name__ == "__main__":
    main()
