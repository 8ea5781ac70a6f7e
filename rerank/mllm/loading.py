"""From a directory to a reranker that is a language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from models.batching import batches_for
from models.devices import Device
from models.llava_next import load_llava_next
from models.places import kind_of
from models.qwen_vl import Generation, QwenVl, generation_of, load_qwen_vl
from models.torch_devices import TorchDevice, torch_device
from models.weights import digest_of, trained_in
from rerank.mllm.chat import chat, load_chat_reranker
from rerank.mllm.judges import Judge, lamra_pointwise, qwen3_reranker, true_false, yes_no
from rerank.mllm.listwise import LamraListwise
from rerank.mllm.reranker import MllmReranker
from uniir.errors import UsageError
from uniir.protocols import ImageLoader, Reranker

_LAMRA_SLOTS = 300
_MOST_SLOTS = 1280
_QWEN3_MARKERS = ("<Instruct>", "<Query>", "<Document>")

_Load = Callable[[Path, TorchDevice, Path | None], Judge]


def _lamra(directory: Path, on: TorchDevice, adapter: Path | None) -> QwenVl:
    return load_qwen_vl(directory, generation_of(directory, *Generation), on, _LAMRA_SLOTS, head=True, adapter=adapter)


def _qwen3(directory: Path, on: TorchDevice, adapter: Path | None) -> Judge:
    generation = generation_of(directory, Generation.QWEN3)
    return qwen3_reranker(load_qwen_vl(directory, generation, on, _MOST_SLOTS, head=True, adapter=adapter, markers=_QWEN3_MARKERS))


def _chat_qwen(directory: Path, on: TorchDevice, adapter: Path | None) -> Judge:
    trunk = load_qwen_vl(directory, generation_of(directory, *Generation), on, _MOST_SLOTS, head=True, adapter=adapter)
    return chat(trunk, directory)


_JUDGES: Mapping[str, _Load] = MappingProxyType(
    {
        "true-false": lambda directory, on, adapter: true_false(load_llava_next(directory, on, head=True, adapter=adapter)),
        "yes-no": lambda directory, on, adapter: yes_no(load_llava_next(directory, on, head=True, adapter=adapter)),
        "lamra-rank": lambda directory, on, adapter: lamra_pointwise(_lamra(directory, on, adapter)),
        "qwen3-vl-reranker": _qwen3,
    }
)
_CHATS: Mapping[str, _Load] = MappingProxyType(
    {
        "llava_next": lambda directory, on, adapter: chat(load_llava_next(directory, on, head=True, adapter=adapter), directory),
        **{generation.model_type: _chat_qwen for generation in Generation},
    }
)
"""By the library's type: the families whose prompts can begin with what was read already."""


def load_mllm_reranker(
    name: str, architecture: str, directory: Path, device: Device, images: ImageLoader, adapter: Path | None = None
) -> Reranker:
    """Raises UsageError, and ModelUnavailable for weights that do not fit."""
    on = torch_device(device, trained_in(directory))
    if architecture == "lamra-rank-listwise":
        return LamraListwise(name, _lamra(directory, on, adapter), f"{digest_of(directory, adapter)[:16]} lamra-listwise 1", images)
    if architecture != "chat":
        load = _JUDGES[architecture]
    elif (kind := kind_of(directory).model_type) in _CHATS:
        load = _CHATS[kind]
    elif adapter is None:
        return load_chat_reranker(name, directory, on, images)
    else:
        raise UsageError(f"{name}: a model of the type {kind!r} takes no adapter here.", "Merge it into the weights first.")
    return MllmReranker(name, load(directory, on, adapter), digest_of(directory, adapter), images, batches_for(on.device))
