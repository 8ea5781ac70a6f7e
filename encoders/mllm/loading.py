"""From a directory to an encoder: the architecture's file, the number type, the identity of the vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from encoders.mllm.encoder import MllmEncoder
from encoders.mllm.llava import load_e5_v, load_llava_e, load_llava_p, load_llava_p_untrained
from encoders.mllm.mm_embed import load_mm_embed
from encoders.mllm.nv_embed import load_nv_embed
from encoders.mllm.qwen2_vl import load_lamra_ret, load_u_marvel
from encoders.mllm.qwen3_vl import load_qwen3_vl_embedding
from encoders.mllm.retriever import Retriever
from models.batching import batches_for
from models.devices import Device
from models.torch_devices import TorchDevice, torch_device
from models.weights import Weights, digest_of, read_weights, trained_in
from uniir.errors import UsageError
from uniir.spaces import VectorSpace

_FROM_WEIGHTS: Mapping[str, Callable[[Path, Weights, TorchDevice], Retriever]] = MappingProxyType(
    {"mm-embed": load_mm_embed, "nv-embed": load_nv_embed}
)
_ADAPTABLE: Mapping[str, Callable[[Path, TorchDevice, Path | None], Retriever]] = MappingProxyType(
    {
        "llava-e": load_llava_e,
        "llava-p": load_llava_p,
        "llava-p-zero-shot": load_llava_p_untrained,
        "e5-v": load_e5_v,
        "lamra-ret": load_lamra_ret,
        "u-marvel": load_u_marvel,
    }
)


def load_retriever(
    name: str, architecture: str, directory: Path, device: Device, dimension: int | None = None, adapter: Path | None = None
) -> MllmEncoder:
    """Raises UsageError for what the architecture can't do, ModelUnavailable for weights that do not fit."""
    on = torch_device(device, trained_in(directory))
    weights = read_weights(directory)
    if dimension is not None and architecture != "qwen3-vl-embedding":
        raise UsageError(f"{name}: the vectors of {architecture} can't be cut.", "Only those of qwen3-vl-embedding can.")
    if adapter is not None and architecture in _FROM_WEIGHTS:
        raise UsageError(f"{name}: {architecture} takes no adapter.", "Merge it into the weights first.")
    if architecture in _FROM_WEIGHTS:
        retriever: Retriever = _FROM_WEIGHTS[architecture](directory, weights, on)
    elif architecture in _ADAPTABLE:
        retriever = _ADAPTABLE[architecture](directory, on, adapter)
    else:
        retriever = load_qwen3_vl_embedding(directory, on, adapter, dimension)
    digest = digest_of(directory, adapter)
    space = VectorSpace(name, f"{retriever.architecture} {digest[:32]}", retriever.preprocessing, on.dtype_name, retriever.dimension)
    return MllmEncoder(retriever, space, batches_for(on.device))
