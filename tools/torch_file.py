"""Reads the weights of a PyTorch ``.pth`` file without PyTorch.

A ``.pth`` file is a pickle, and a pickle is a program. The reader here runs
only the handful of instructions that describe a dictionary of plain tensors
and refuses every other name, so a file that was tampered with cannot run
code. It knows the layout that PyTorch wrote before version 1.6 (five pickles,
then the raw numbers), because the only file read with it has that layout and
is pinned by its sha256 in :mod:`tools.build_model`.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import EmbedderError

# torch/serialization.py: MAGIC_NUMBER and PROTOCOL_VERSION.
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001

_DTYPES = {
    "FloatStorage": np.dtype("<f4"),
    "LongStorage": np.dtype("<i8"),
}

# What a pickle that is cut or altered makes the interpreter raise.
_DAMAGED = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class _Storage:
    """A run of numbers in the file that tensors take their values from."""

    key: str
    dtype: np.dtype[Any]
    length: int


@dataclass(frozen=True)
class _Tensor:
    """Where the values of a tensor lie in its storage, counted in values."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_file(path: str | Path) -> dict[str, NDArray[Any]]:
    """Reads the tensors of a ``.pth`` file.

    Args:
        path: a ``state_dict`` saved in PyTorch's layout before 1.6

    Returns:
        a dict of arrays, float32 or int64, by tensor name

    Raises:
        EmbedderError: if the file holds anything but plain tensors, or is
            damaged
    """
    data = Path(path).read_bytes()
    try:
        return _read(io.BytesIO(data))
    except _DAMAGED as error:
        raise EmbedderError(
            f"{Path(path).name} is not a file of plain PyTorch tensors in "
            f"the layout before PyTorch 1.6 ({error}); install the package "
            "it came from again."
        ) from error


def _read(file: io.BytesIO) -> dict[str, NDArray[Any]]:
    if _PlainUnpickler(file).load() != _MAGIC:
        raise ValueError("wrong magic number")
    if _PlainUnpickler(file).load() != _PROTOCOL:
        raise ValueError("unknown protocol")
    _PlainUnpickler(file).load()  # byte order and sizes of the writer
    tensors = _PlainUnpickler(file).load()
    keys = _PlainUnpickler(file).load()
    if not isinstance(tensors, OrderedDict) or not isinstance(keys, list):
        raise TypeError("no dictionary of tensors")
    for tensor in tensors.values():
        if not isinstance(tensor, _Tensor):
            raise TypeError(f"a {type(tensor).__name__} among the tensors")
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    numbers = {key: _read_storage(file, storages[key]) for key in keys}
    return {str(name): _values(tensor, numbers) for name, tensor in tensors.items()}


def _read_storage(file: io.BytesIO, storage: _Storage) -> NDArray[Any]:
    (length,) = struct.unpack("<q", file.read(8))
    if length != storage.length:
        raise ValueError("a storage has another length than stated")
    return np.frombuffer(
        file.read(length * storage.dtype.itemsize), storage.dtype, length
    )


def _values(tensor: _Tensor, numbers: dict[str, NDArray[Any]]) -> NDArray[Any]:
    storage = numbers[tensor.storage.key]
    axes = list(zip(tensor.shape, tensor.strides, strict=True))
    if min((min(axis) for axis in axes), default=1) < 1 or tensor.offset < 0:
        raise ValueError("a tensor with a size or stride below 1")
    last = tensor.offset + sum((size - 1) * stride for size, stride in axes)
    # No tensor may be larger than its storage: a huge array of a small file.
    if last >= len(storage) or math.prod(tensor.shape) > len(storage):
        raise ValueError("a tensor reaches beyond its storage")
    view = np.lib.stride_tricks.as_strided(
        storage[tensor.offset :],
        tensor.shape,
        [stride * storage.itemsize for stride in tensor.strides],
    )
    return np.array(view)


def _rebuild_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, *_: object
) -> _Tensor:
    counts = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or {type(n) for n in counts} != {int}:
        raise ValueError("a tensor that is not described by numbers")
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler for numbers, strings, lists, dicts and plain tensors."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _device, length, *_ = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or length < 0:
            raise pickle.UnpicklingError("it refers to something else than numbers")
        return _Storage(str(key), dtype, length)
