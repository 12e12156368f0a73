"""A classifier of embeddings: what it learns, and what it says.

From few rows it is multinomial logistic regression with L2 penalty, started from linear
discriminant analysis and improved by a few steps of L-BFGS. From many rows of each
class it is a network of one hidden layer beside the linear one, learned by steps of
Adam (Kingma and Ba, ICLR 2015) with weight decay, 400 or six passes over the rows; so
few steps and small batches hardly learn wrong labels by heart (Arpit et al., A closer
look at memorization, ICML 2017). The same rows in the same order give the same weights,
whatever the number of threads, as long as BLAS has one.

Measured, regression and network, as accuracy, and as average precision for wrong labels
together with the votes: .680 and .692, .571 and .588 (12,750 pictures of 32 pixels in
ten classes, 9 % wrong), .915 and .921, .797 and .807 (17,016 scenes, 9 %), .920 and
.925, .938 and .939 (those, 3 % at random). With six passes over 27,359 pictures of 32
pixels in 29 classes, 9 % wrong, accuracy is .818 and precision .847; with 400 steps,
three and a half passes, .811 and .845 (means of three draws). A fold takes the network
0.5 CPU seconds with 13,000 rows, the regression 0.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..storage.record_store import Vectors, equal_rows

_DIMENSIONS = 128
_AXES_ROWS = 8_192
"""Wider vectors are reduced to it: 128 to 256 do equally well. And the rows, evenly
spread, that this is learned from, up to twice as many: of 24,335 scenes with 5 % wrong
labels the average precision is .8065 so and .8060 by all of them (means of four)."""

_WORK = 150e6
"""Most rows x classes x steps of a fold: about 50 CPU seconds in all."""

_STEPS = 20
_PENALTY = 0.005
"""L2 weight, per row, on vectors of unit mean square; 0.003 to 0.01 are equal."""

_START_SHRINKAGE = 1.0
_START_TEMPERATURE = 2.0
_ROWS_AT_ONCE = 1024

_HELD = 2**25
"""Numbers of stored vectors, 64 MB, that are held to learn what inputs are."""

_NETWORK_ROWS = 4000
_NETWORK_ROWS_PER_CLASS = 200
"""Fewest rows that a network is learned from: of all, and of a class on average."""

_HIDDEN = 256
_FEWEST_STEPS, _EPOCHS, _BATCH = 400, 6, 200
"""From 13,333 rows on each is seen six times, by 40,000 rows in 1,200 steps."""

_RATE, _DECAY = 3e-3, 1.0
_LINEAR_DECAY = 0.1
_ROW_LENGTH = 4.0
"""Rows are scaled to it: a picture's contrast says nothing of its class."""

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]
Weights = tuple[Floats, ...]
"""Of the linear layer, d x classes; for a network, then d x h and h x classes."""


@dataclass(frozen=True, eq=False)
class Projections:
    """How some of the vectors become inputs: each less its mean, along some axes.

    Attributes:
        blocks: which of the vectors, and for each its width and the number of its axes
        mean: float32[sum of the widths]
        axes: float32[sum of the widths, most axes], 0 beyond their number
    """

    blocks: list[list[int]]
    mean: Floats
    axes: Floats

    def of_blocks(self) -> Iterator[tuple[int, Floats, Floats]]:
        """Yields which vectors, the mean and the axes of each block."""
        start = 0
        for number, width, count in self.blocks:
            part = slice(start, start + width)
            yield number, self.mean[part], self.axes[part, :count]
            start += width


def learned_projections(vectors: Sequence[Vectors]) -> Projections:
    """Learns mean and axes of each kind of vectors from an even draw of the rows.

    Vectors that are equal to others are left out, and wide ones reduced to their
    principal axes; all numbers of a row have a mean square of 1.
    """
    blocks, means, learned = [], [], []
    for number, block in enumerate(vectors):
        if any(equal_rows(block, other) for other in vectors[:number]):
            continue
        drawn = np.arange(0, len(block), max(1, len(block) // _AXES_ROWS))
        mean, scatter = _moments(block, drawn)
        axes = np.eye(block.shape[1], dtype=np.float32)
        if block.shape[1] > 2 * _DIMENSIONS:
            axes = _principal_axes(scatter, _DIMENSIONS)
        # The mean square of all numbers of the projected rows
        spread = np.sqrt(np.mean(((axes.T @ scatter) * axes.T).sum(axis=1)))
        blocks.append([number, *axes.shape])
        means.append(mean)
        learned.append(axes / np.float32(max(spread, 1e-12)))
    most = max(axes.shape[1] for axes in learned)
    padded = [np.pad(axes, ((0, 0), (0, most - axes.shape[1]))) for axes in learned]
    return Projections(blocks, np.concatenate(means), np.concatenate(padded))


class Inputs:
    """The embeddings side by side, each with mean 0 and equal spread, and a 1.

    Made for the rows asked for, so that a million never stand in memory at once.

    Args:
        vectors: the embeddings, each m x d
        projections: of them; None to learn these
    """

    def __init__(
        self, vectors: Sequence[Vectors], projections: Projections | None = None
    ) -> None:
        self.projections = projections or learned_projections(vectors)
        self._blocks = [
            (vectors[number], mean, np.ascontiguousarray(axes))
            for number, mean, axes in self.projections.of_blocks()
        ]

    def rows(self, rows: NDArray[np.int64], again: int = 0) -> Floats:
        """Returns float32[r, d + 1], of these rows and so many of the first again."""
        count = len(rows)
        result = np.ones((count + again, self._width() + 1), np.float32)
        for part in chunks(count):
            column = 0
            for block, mean, axes in self._blocks:
                end = column + axes.shape[1]
                centered = to_single(block[rows[part]]) - mean
                result[:count][part, column:end] = centered @ axes
                column = end
        result[:count, :-1] /= np.sqrt(len(self._blocks), dtype=np.float32)
        result[count:] = result[:again]
        return result

    def _width(self) -> int:
        return sum(axes.shape[1] for _, _, axes in self._blocks)


def _moments(
    vectors: Vectors, rows: NDArray[np.int64]
) -> tuple[Floats, NDArray[np.float64]]:
    """Returns the mean of some n x d rows, and d x d, the mean product of the rest."""
    dims = vectors.shape[1]
    if len(rows) * dims <= _HELD:
        # Read once, not twice
        vectors, rows = vectors[rows], np.arange(len(rows))
    mean = np.zeros(dims)
    for part in chunks(len(rows)):
        some = to_single(vectors[rows[part]])
        mean += some.sum(axis=0, dtype=np.float64) / len(rows)
    center = mean.astype(np.float32)
    scatter = np.zeros((dims, dims))
    for part in chunks(len(rows)):
        centered = to_single(vectors[rows[part]]) - center
        scatter += centered.T @ centered
    return center, scatter / len(rows)


def _principal_axes(scatter: NDArray[np.float64], count: int) -> Floats:
    """Returns d x count axes of largest variance, largest first."""
    # Imported here: 0.1 s that only this function needs
    from scipy.linalg import eigh

    dims = len(scatter)
    _, axes = eigh(scatter, subset_by_index=(dims - count, dims - 1))
    axes = axes[:, ::-1]
    # An axis has no sign of its own: make the largest entry positive
    largest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[largest, np.arange(count)])
    signed: Floats = (axes * signs).astype(np.float32)
    return signed


def fit(inputs: Floats, labels: Labels, class_count: int) -> Weights:
    """Learns the classes; the cost is bounded, many classes take fewer steps.

    Args:
        inputs: float32[n, d], from :class:`Inputs`; the last is the constant 1
        labels: int32[n], the class of each
        class_count: number of classes

    Returns:
        the weights of the regression, or of the network for many rows
    """
    if len(labels) >= max(_NETWORK_ROWS, _NETWORK_ROWS_PER_CLASS * class_count):
        return _network(inputs, labels, class_count)
    # Imported here: 0.3 s that only a scan with labels needs
    from scipy.optimize import minimize

    rows = np.arange(len(labels))
    start = _discriminant(inputs, labels, class_count)
    steps = int(min(_STEPS, _WORK // (len(rows) * class_count)))
    if not steps:
        return (start,)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(start.shape).astype(np.float32)
        error, log_likelihood = _softmax(inputs @ weights, labels)
        value = -log_likelihood / len(rows)
        value += _PENALTY / 2 * float(np.square(weights[:-1], dtype=np.float64).sum())
        error[rows, labels] -= 1
        slope = (inputs.T @ error) / len(rows)
        slope[:-1] += _PENALTY * weights[:-1]
        return value, slope.ravel().astype(np.float64)

    found = minimize(
        loss,
        start.ravel().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps},
    )
    return (found.x.reshape(start.shape).astype(np.float32),)


def probabilities(inputs: Floats, weights: Weights) -> Floats:
    """Returns rows x classes, how likely each class is for rows of inputs."""
    linear, *network = weights
    if network:
        inputs = _of_one_length(inputs)
    scores = inputs @ linear
    if network:
        hidden, output = network
        scores += np.maximum(inputs @ hidden, 0) @ output
    chances, _ = _softmax(scores, np.zeros(len(inputs), np.int32))
    return chances


def _of_one_length(inputs: Floats) -> Floats:
    """Returns the rows scaled to one length, but for the constant."""
    return _scaled(inputs, _scale(inputs))


def _scale(inputs: Floats) -> Floats:
    """Returns float32[n, 1], what brings each row to one length."""
    scale = np.empty((len(inputs), 1), np.float32)
    for part in chunks(len(inputs)):
        length = np.linalg.norm(inputs[part, :-1], axis=1, keepdims=True)
        scale[part] = np.float32(_ROW_LENGTH) / np.maximum(length, 1e-6)
    return scale


def _scaled(inputs: Floats, scale: Floats) -> Floats:
    scaled = inputs * scale
    scaled[:, -1] = inputs[:, -1]
    return scaled


def _network(inputs: Floats, labels: Labels, class_count: int) -> Weights:
    """Learns a hidden layer beside the linear one by steps of Adam."""
    random = np.random.default_rng(0)
    width = inputs.shape[1]
    hidden = random.normal(size=(width, _HIDDEN)) * np.sqrt(2 / width)
    hidden[-1] = 0
    layers = [
        np.zeros((width, class_count), np.float32),
        hidden.astype(np.float32),
        np.zeros((_HIDDEN, class_count), np.float32),
    ]
    decays = (_LINEAR_DECAY, _DECAY, _DECAY)
    first = [np.zeros_like(layer) for layer in layers]
    second = [np.zeros_like(layer) for layer in layers]
    rooms = [np.empty_like(layer) for layer in layers]
    scale = _scale(inputs)
    line = np.arange(_BATCH)
    order = np.empty(0, np.int64)
    steps = max(_FEWEST_STEPS, _EPOCHS * len(labels) // _BATCH)
    for step in range(1, steps + 1):
        if len(order) < _BATCH:
            order = random.permutation(len(labels))
        rows, order = order[:_BATCH], order[_BATCH:]
        some = _scaled(inputs[rows], scale[rows])
        linear, hidden, output = layers
        active = np.maximum(some @ hidden, 0)
        error, _ = _softmax(some @ linear + active @ output, labels[rows])
        error[line, labels[rows]] -= 1
        error /= _BATCH
        back = error @ output.T
        back *= active > 0
        slopes = (some.T @ error, some.T @ back, active.T @ error)
        rate = _RATE * (1 - step / (steps + 1))
        for place, slope in enumerate(slopes):
            # In place: the numbers of a layer stay in the cache
            room = rooms[place]
            np.subtract(slope, first[place], out=room)
            room *= 0.1
            first[place] += room
            np.square(slope, out=room)
            room -= second[place]
            room *= 0.001
            second[place] += room
            np.divide(second[place], 1 - 0.999**step, out=room)
            np.sqrt(room, out=room)
            room += 1e-8
            np.divide(first[place], 1 - 0.9**step, out=slope)
            slope *= rate
            slope /= room
            layers[place] *= 1 - rate * decays[place]
            layers[place] -= slope
    return tuple(layers)


def _softmax(scores: Floats, labels: Labels) -> tuple[Floats, float]:
    """Returns probabilities, and the log likelihood of the labels."""
    scores -= scores.max(axis=1, keepdims=True)
    own = scores[np.arange(len(labels)), labels].sum(dtype=np.float64)
    np.exp(scores, out=scores)
    total = scores.sum(axis=1, keepdims=True)
    scores /= total
    return scores, float(own - np.log(total).sum(dtype=np.float64))


def _discriminant(inputs: Floats, labels: Labels, class_count: int) -> Floats:
    """Returns the weights of linear discriminant analysis, as logits.

    Classes share one covariance, shrunk towards a ball; its logits are too
    sure of themselves, so a temperature divides them.
    """
    x = inputs[:, :-1]
    counts = np.bincount(labels, minlength=class_count).astype(np.float64)
    order = np.argsort(labels, kind="stable")
    filled = np.flatnonzero(counts)
    mean = np.zeros((class_count, x.shape[1]))
    for part in chunks(len(order)):
        rows = order[part]
        some, starts = np.unique(labels[rows], return_index=True)
        mean[some] += np.add.reduceat(x[rows].astype(np.float64), starts, axis=0)
    mean[filled] /= counts[filled, None]
    within = (x.T @ x).astype(np.float64) - (mean.T * counts) @ mean
    within /= len(x)
    ball = max(float(np.trace(within)) / len(within), 1e-12)
    within += _START_SHRINKAGE * ball * np.eye(len(within))
    weights = np.linalg.solve(within, mean.T)
    bias = np.log(np.maximum(counts, 0.5) / len(x)) - (mean * weights.T).sum(1) / 2
    both = np.vstack([weights, bias]) / _START_TEMPERATURE
    return both.astype(np.float32)


def chunks(count: int) -> Iterator[slice]:
    """Yields the rows to work on at once, of so many."""
    for start in range(0, count, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)
