"""From a directory to a reranker that is a language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from models.batching import batches_for
from models.devices import Device
from models.llava_next import load_llava_next
from models.qwen_vl import Generation, PictureBudget, QwenVl, generation_of, load_qwen_vl
from models.torch_devices import TorchDevice, torch_device
from models.weights import read_weights
from rerank.mllm.chat import load_chat_reranker
from rerank.mllm.judges import Judge, LamraPointwise, Qwen3Reranker, TrueFalse, YesNo
from rerank.mllm.listwise import LamraListwise
from rerank.mllm.reranker import MllmReranker
from uniir.protocols import ImageLoader, Reranker

_LAMRA_SLOTS = 300
_QWEN3_SLOTS = 1280


def _lamra(directory: Path, on: TorchDevice, adapter: Path | None) -> QwenVl:
    generation = generation_of(directory, *Generation)
    return load_qwen_vl(directory, generation, on, lambda side: PictureBudget(4, _LAMRA_SLOTS, side), head=True, adapter=adapter)


def _qwen3(directory: Path, on: TorchDevice, adapter: Path | None) -> Judge:
    generation = generation_of(directory, Generation.QWEN3)
    markers = ("<Instruct>", "<Query>", "<Document>")
    trunk = load_qwen_vl(
        directory, generation, on, lambda side: PictureBudget(4, _QWEN3_SLOTS, side), head=True, adapter=adapter, markers=markers
    )
    return Qwen3Reranker.of(trunk)


_JUDGES: Mapping[str, Callable[[Path, TorchDevice, Path | None], Judge]] = MappingProxyType(
    {
        "true-false": lambda directory, on, adapter: TrueFalse.of(load_llava_next(directory, on, head=True, adapter=adapter)),
        "yes-no": lambda directory, on, adapter: YesNo.of(load_llava_next(directory, on, head=True, adapter=adapter)),
        "lamra-rank": lambda directory, on, adapter: LamraPointwise.of(_lamra(directory, on, adapter)),
        "qwen3-vl-reranker": _qwen3,
    }
)


def load_mllm_reranker(
    name: str, architecture: str, directory: Path, device: Device, images: ImageLoader, adapter: Path | None = None
) -> Reranker:
    """Raises UsageError, and ModelUnavailable for weights that do not fit."""
    on = torch_device(device)
    if architecture == "chat":
        return load_chat_reranker(name, directory, on, images)
    if architecture == "lamra-rank-listwise":
        return LamraListwise(name, _lamra(directory, on, adapter), images)
    judge = _JUDGES[architecture](directory, on, adapter)
    digest = read_weights(directory).digest()
    if adapter is not None:
        digest += read_weights(adapter, "adapter_model.safetensors").digest()
    return MllmReranker(name, judge, digest, images, batches_for(on.device))
