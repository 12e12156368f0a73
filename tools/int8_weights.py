"""Weights in int8: rounded such that sums are kept and no processor's sums overflow.

Processors without instructions for products of 8 bits (AVX2 before VNNI) add two
neighboring products in 16 bits, which saturates: 255 * 127 * 2 does not fit.
onnxruntime pairs the inputs 2 i and 2 i + 1 of a convolution, counted with the
channels last, and none in depthwise convolutions. So the weights of each output
channel are scaled such that no pair of the same sign exceeds 128 (255 * 128 =
32,640 < 32,767). That keeps 7.8 of 8 bits on average, where weights of 7 bits would
be safe in any order.

Rounding shifts the mean of a channel; its expected value goes into the bias
(Nagel et al. 2019, "Data-free quantization through weight equalization and
bias correction", without data). Cosine to the float32 vectors, mean / least of
200 crops of wallpapers and clip art: weights of 7 bits .983 / .896, pairs .996
/ .949, with corrected biases .997 / .951.

Only element-wise float64 and integer arithmetic of NumPy is used, which is defined to
the last bit: the same weights are rounded alike on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEVELS = 127  # the largest int8 weight
_PAIR_LEVELS = 127  # of two weights together; rounding adds less than 2 to it


@dataclass(frozen=True, eq=False)
class Int8Weights:
    """The rounded weights of a convolution.

    Attributes:
        kernel: int8[outputs, inputs, height, width]
        scale: float32[outputs], what a step of the kernel stands for
        bias: int32[outputs], in steps of ``scale`` times the scale of the inputs
    """

    kernel: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.int32]


def round_weights(
    kernel: NDArray[np.float64],
    bias: NDArray[np.float64],
    input_scale: float,
    input_means: NDArray[np.float64],
) -> Int8Weights:
    """Rounds the weights of a convolution.

    Args:
        kernel: [outputs, inputs, height, width]; one input in a depthwise convolution
        bias: [outputs]
        input_scale: what a step of the inputs stands for
        input_means: expected mean of each channel of the inputs
    """
    # A channel without weights still needs a scale that its bias, in int32, can be
    # written with.
    scales = [
        np.abs(kernel).max(axis=(1, 2, 3)) / _LEVELS,
        np.abs(bias) / (input_scale * 2**30),
    ]
    depthwise = kernel.shape[1] == 1
    if not depthwise:
        scales.append(_pair_sums(kernel) / _PAIR_LEVELS)
    scale = np.max(scales, axis=0).astype(np.float32)
    step = scale.astype(np.float64)
    exact = kernel / step[:, None, None, None]
    rounded = _round_keeping_sums(exact)
    bias = bias / step + mean_error(exact - rounded, input_means)
    return Int8Weights(
        rounded.astype(np.int8), scale, np.rint(bias / input_scale).astype(np.int32)
    )


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


def mean_error(
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
