"""Writes a network as an ONNX graph: in float32, or in int8 for onnxruntime's CPU.

**The int8 graph gives the same integers on every processor** (``int8_weights.py``):
activations are uint8, weights int8. It is written in the operators and the order
that onnxruntime computes in, channels last, since what it makes of a graph in the
standard's order is slower. Measured in CPU ms a picture of 128 pixels, 16 a run, on
a Xeon with AMX: 1.22, and 1.38 when it was written in the standard's order:

* The first convolution reads four pixels as one of sixteen channels and computes two
  columns at once: a convolution of three channels is gathered pixel by pixel, and not
  rounded as it is computed (.08 ms instead of .14).
* The first blocks take one picture after the other (``Scan``), since maps of sixteen,
  up to 6 MB, do not fit into a processor's cache (.04 ms less); the others take all,
  since they read more of weights than of maps.
* A convolution of 1 x 1 that reads many channels is a product of matrices, for which
  there is AMX (.06 ms less; without AMX .03 more). Others take the pixels of all
  pictures in a row where there are few of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tools.int8_weights import Int8Weights, round_weights

Ranges = Mapping[str, tuple[float, float]]

# TensorFlow's preprocessing of the lite models: (pixel - 127) / 128.
_PIXEL_MEAN, _PIXEL_SCALE = 127, 1 / 128

_RELU6 = (0.0, 6.0)
_MATRIX_INPUTS = 480
"""Channels from which on a convolution of 1 x 1 is a product of matrices."""
ONNXRUNTIME = "com.microsoft"  # the domain of its own operators


@dataclass
class Graph:
    """A graph in the making; every node is named after its output.

    Attributes:
        means: the expected mean of each channel of an activation, by its name
    """

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
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
        if name not in self.constants:
            array = np.asarray(values)
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
            self.constants[name] = helper.make_tensor(
                name, kind, array.shape, raw, raw=True
            )
        return name


@dataclass
class FloatGraph(Graph):
    """In float32, channels first; reads ``image`` uint8 [batch, size, size, 3], RGB."""

    image_shape = ("batch", "size", "size", 3)

    def pixels(self) -> str:
        x = self.add("Transpose", "image", name="pixels.u8", perm=[0, 3, 1, 2])
        scale = self.constant("pixels.scale", np.float32(_PIXEL_SCALE))
        zero = self.constant("pixels.zero", np.uint8(_PIXEL_MEAN))
        return self.add("DequantizeLinear", x, scale, zero, name="pixels")

    def conv(
        self,
        x: str,
        kernel: NDArray[np.float64],
        bias: NDArray[np.float64],
        *,
        name: str,
        stride: int,
        clipped: bool,
    ) -> str:
        w = self.constant(f"{name}.w", kernel.astype(np.float32))
        b = self.constant(f"{name}.b", bias.astype(np.float32))
        window = _window(kernel, (stride, stride))
        y = self.add("Conv", x, w, b, name=name, **window)
        if not clipped:
            return y
        bounds = [self.constant(f"bound.{v:g}", np.float32(v)) for v in _RELU6]
        return self.add("Clip", y, *bounds, name=f"{name}.relu6")

    def sum(self, x: str, y: str, *, name: str) -> str:
        return self.add("Add", x, y, name=name)

    def all_pictures(self, x: str) -> str:
        return x

    def planes(self, x: str) -> str:
        return x


@dataclass(frozen=True)
class _Step:
    """How an activation is rounded.

    Attributes:
        scale: what one step of it stands for
        zero: the step that stands for zero
        names: of the constants that hold them
    """

    scale: float
    zero: int
    names: tuple[str, str]


@dataclass
class Int8Graph(Graph):
    """In int8, channels last; reads ``image`` uint8 [batch, size, size, 4], BGRX.

    X says nothing. Of two bytes that a processor may add up in 16 bits, either both
    are blue and green or one is X: the weights of EfficientNet-Lite0, which are scaled
    for pixels of three bytes, stay small enough so, but not with red beside green.

    An activation is maps [pictures, height, width, channels], or the pixels of all
    pictures [pixels, channels] or [1, 1, pixels, channels].

    Attributes:
        ranges: lowest and highest value of each activation that is not clipped to
            0..6, by name
        steps: how an activation is rounded, by its name
        flat: activations that are not maps
        like: maps of the same height and width as an activation
    """

    ranges: Ranges = field(default_factory=dict)
    steps: dict[str, _Step] = field(default_factory=dict)
    flat: set[str] = field(default_factory=set)
    like: dict[str, str] = field(default_factory=dict)

    image_shape = ("batch", "size", "size", 4)

    def pixels(self) -> str:
        """Begins what is done to one picture after the other."""
        self.steps["picture"] = self._step("pixels", _PIXEL_SCALE, _PIXEL_MEAN)
        return "picture"

    def all_pictures(self, x: str) -> str:
        """Ends what is done to one picture after the other; returns all results."""
        any_map = helper.make_tensor_value_info(x, TensorProto.UINT8, None)
        picture = helper.make_tensor_value_info("picture", TensorProto.UINT8, None)
        # With its own constants: up to 1.23 onnxruntime ignores a bias from outside
        own = list(self.constants.values())
        body = helper.make_graph(self.nodes, "one_picture", [picture], [any_map], own)
        self.nodes, self.constants = [], {}
        four_pixels = self._reshaped("image", "four_pixels", 0, 0, -1, 4 * 4)
        axis = self._whole("second", 1)
        ones = self.add("Unsqueeze", four_pixels, axis, name="ones")
        maps = self.add("Scan", ones, name="ones.maps", body=body, num_scan_inputs=1)
        y = self.add("Squeeze", maps, axis, name="all")
        step = self.steps[x]
        self.steps[y] = self._step("all", step.scale, step.zero)
        self.means[y] = self.means[x]
        return y

    def conv(
        self,
        x: str,
        kernel: NDArray[np.float64],
        bias: NDArray[np.float64],
        *,
        name: str,
        stride: int,
        clipped: bool,
    ) -> str:
        weights = round_weights(kernel, bias, self.steps[x].scale, self.means[x])
        bounds = _RELU6 if clipped else self.ranges[name]
        strides = (stride, stride)
        if kernel.shape[3] == 1:
            return self._pointwise(x, weights, bounds, name)
        if kernel.shape[1] == 1:
            maps = self._maps(x, name)
            y = self._convolved(maps, weights, bounds, name, strides)
            return self._alike(y, maps) if stride == 1 else y
        pairs = self._convolved(x, _four_pixels(weights), bounds, name, (stride, 1))
        y = self._reshaped(pairs, f"{name}.maps", 0, 0, -1, len(kernel))
        self.steps[y] = self.steps[pairs]
        return y

    def sum(self, x: str, y: str, *, name: str) -> str:
        if x in self.flat:
            y = self._flat(y, f"{name}.rows")
        step = self._rounding(name, self.ranges[name])
        terms = [x, *self.steps[x].names, y, *self.steps[y].names, *step.names]
        return self._alike(self._rounded("QLinearAdd", terms, name, step), x)

    def planes(self, x: str) -> str:
        """Returns float32 [pictures, channels, height, width]."""
        maps = self._maps(x, f"{x}.planes")
        planes = self.add("Transpose", maps, name=f"{x}.planes", perm=[0, 3, 1, 2])
        names = self.steps[x].names
        return self.add("DequantizeLinear", planes, *names, name=f"{x}.float")

    def _pointwise(
        self, x: str, weights: Int8Weights, bounds: tuple[float, float], name: str
    ) -> str:
        if weights.kernel.shape[1] >= _MATRIX_INPUTS:
            x = self._flat(x, f"{name}.rows")
            y = self._product(x, weights, bounds, name)
        else:
            if x in self.flat:
                x = self._flat(x, f"{name}.line", 1, 1)
            y = self._convolved(x, weights, bounds, name, (1, 1))
        return self._alike(y, x)

    def _convolved(
        self,
        x: str,
        weights: Int8Weights,
        bounds: tuple[float, float],
        name: str,
        strides: tuple[int, int],
    ) -> str:
        step = self._rounding(name, bounds)
        w = self._weights(name, weights.kernel, weights)
        b = self.constant(f"{name}.b", weights.bias)
        window = _window(weights.kernel, strides)
        return self._rounded(
            "QLinearConv",
            [x, *self.steps[x].names, *w, *step.names, b],
            name,
            step,
            channels_last=1,
            **window,
        )

    def _product(
        self, x: str, weights: Int8Weights, bounds: tuple[float, float], name: str
    ) -> str:
        step = self._rounding(name, bounds)
        w = self._weights(name, weights.kernel[:, :, 0, 0].T, weights)
        b = self.constant(f"{name}.b", weights.bias)
        factors = [x, *self.steps[x].names, *w, b, *step.names]
        return self._rounded("QGemm", factors, name, step)

    def _rounded(
        self, op: str, inputs: list[str], name: str, step: _Step, **attributes: Any
    ) -> str:
        y = self.add(op, *inputs, name=name, domain=ONNXRUNTIME, **attributes)
        self.steps[y] = step
        return y

    def _weights(
        self, name: str, kernel: NDArray[np.int8], weights: Int8Weights
    ) -> list[str]:
        zeros = np.zeros(len(weights.scale), np.int8)
        return [
            self.constant(f"{name}.w", kernel),
            self.constant(f"{name}.w.scale", weights.scale),
            self.constant(f"{name}.w.zero", zeros),
        ]

    def _rounding(self, name: str, bounds: tuple[float, float]) -> _Step:
        low, high = bounds
        scale = (high - low) / 255
        return self._step(name, scale, int(np.rint(-low / scale)))

    def _step(self, name: str, scale: float, zero: int) -> _Step:
        single = np.float32(scale)
        names = (
            self.constant(f"{name}.scale", single),
            self.constant(f"{name}.zero", np.uint8(zero)),
        )
        return _Step(float(single), zero, names)

    def _maps(self, x: str, name: str) -> str:
        """Returns an activation as [pictures, height, width, channels]."""
        if x not in self.flat:
            return x
        like, channels = self.like[x], len(self.means[x])
        size, shape = f"{like}.size", f"{like}.{channels}"
        known = {node.name for node in self.nodes}
        if size not in known:
            self.add("Shape", like, name=size, start=1, end=3)
        if shape not in known:
            ends = self._whole("any", -1), self._whole(f"channels.{channels}", channels)
            self.add("Concat", ends[0], size, ends[1], name=shape, axis=0)
        y = self._same(self.add("Reshape", x, shape, name=f"{name}.maps"), x)
        self.flat.remove(y)
        return y

    def _flat(self, x: str, name: str, *ones: int) -> str:
        """Returns an activation as [pixels, channels], with so many axes before it."""
        y = self._reshaped(x, name, *ones, -1, len(self.means[x]))
        self.flat.add(y)
        return self._same(y, x)

    def _same(self, y: str, x: str) -> str:
        """Notes that y holds what x holds."""
        self.steps[y], self.means[y] = self.steps[x], self.means[x]
        return self._alike(y, x)

    def _alike(self, y: str, x: str) -> str:
        """Notes that y has the height and width of x, and is flat if x is."""
        self.like[y] = self.like.get(x, x)
        if x in self.flat:
            self.flat.add(y)
        return y

    def _reshaped(self, x: str, name: str, *shape: int) -> str:
        to = self._whole("shape." + ".".join(map(str, shape)), *shape)
        return self.add("Reshape", x, to, name=name)

    def _whole(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, np.int64))


def _window(kernel: NDArray[Any], strides: tuple[int, int]) -> dict[str, Any]:
    depthwise = kernel.shape[1] == 1
    return {
        "kernel_shape": kernel.shape[2:],
        "strides": strides,
        "group": len(kernel) if depthwise else 1,
        "auto_pad": "SAME_UPPER",
    }


def _four_pixels(weights: Int8Weights) -> Int8Weights:
    """Makes a convolution of 3 x 3, stride 2, read four pixels BGRX as one.

    Returns:
        the weights for outputs of two neighboring columns, the left one first: they
        lie in a window of five pixels, within two times four
    """
    outputs = len(weights.kernel)
    wide = np.zeros((2, outputs, 8, 4, 3), np.int8)
    for column in (0, 1):
        # From [outputs, RGB, height, width] to [outputs, width, BGR, height]
        window = weights.kernel[:, ::-1].transpose(0, 3, 1, 2)
        wide[column, :, 2 * column : 2 * column + 3, :3] = window
    kernel = wide.reshape(2 * outputs, 2, 16, 3).transpose(0, 2, 3, 1)
    return Int8Weights(
        np.ascontiguousarray(kernel),
        np.tile(weights.scale, 2),
        np.tile(weights.bias, 2),
    )
