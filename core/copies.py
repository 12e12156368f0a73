"""Whether two pictures are copies of one another, and how they differ.

The embedding proposes pairs, the pictures decide. Of each picture a small
signature is kept: brightness at 64 x 64 and colour at 16 x 16. Two signatures
are laid over one another (8 turns, windows, then a refined affine map), a tone
curve and a colour gain are fitted, and what is left unexplained is weighed
against how much there was to compare. Three tests, each dearer and stricter:

1. *Coarse*: 8 x 8 cosine coefficients, in 8 turns and 22 windows each way.
2. *Likeness*: local correlation of details, 8 x 8 blocks, roughly aligned.
3. *Evidence*: eleven numbers, one logistic regression.

Overlays are aligned by the Gauss-Newton method of Lucas and Kanade (1981), in
the compositional form of Baker and Matthews (2004), with robust weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from .progress import OnProgress, Progress, silent

SIGNATURE_SIDE = 128
"""Pixels of the square that a signature is made from."""

_GREY = 64
_COLOUR = 16
SIGNATURE_BYTES = _GREY**2 + 2 * _COLOUR**2
SIGNATURE_VERSION = 1

CANDIDATE_NEIGHBORS = 10
CANDIDATE_MIN_COSINE = 0.75
"""Which pairs are worth a look, in the space of the default copy head.

Measured on the bench (25,000 images, and two sets of 6,000): 0.994, 1.0 and
0.996 of the planted near copies are among 56,000, 12,000 and 5,300 pairs.
"""

MIN_COPY_SCORE = 0.5
"""Pairs that score this or more are copies; see :data:`_WEIGHTS`."""

RELATIONS = (
    "re-encoded",
    "resized",
    "cropped",
    "mirrored",
    "rotated",
    "colour-changed",
    "blurred",
    "edited",
)
NO_RELATION = -1

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CopyChecks:
    """What the pictures say of p pairs.

    Attributes:
        scores: float32[p] in [0, 1], larger is more surely a copy
        relations: int8[p], index in :data:`RELATIONS`, how the two differ;
            ``NO_RELATION`` for pairs that score below ``MIN_COPY_SCORE``
    """

    scores: Floats
    relations: NDArray[np.int8]


def signatures(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns what :func:`verify_pairs` needs to know of each picture.

    Args:
        pixels: uint8[b, 128, 128, 3], RGB, the whole picture squashed to a
            square

    Returns:
        uint8[b, 4608]: brightness, then red and blue difference, row by row
    """
    result = np.empty((len(pixels), SIGNATURE_BYTES), np.uint8)
    for picture, signature in zip(pixels, result, strict=True):
        ycc = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
        grey = cv2.resize(ycc[..., 0], (_GREY, _GREY), interpolation=cv2.INTER_AREA)
        small = (_COLOUR, _COLOUR)
        colour = cv2.resize(ycc[..., 1:], small, interpolation=cv2.INTER_AREA)
        signature[: _GREY**2] = grey.ravel()
        signature[_GREY**2 :] = colour.transpose(2, 0, 1).ravel()
    return result


def turned_candidates(signatures: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Returns pairs that may be turned or mirrored copies of one another.

    The embedding hardly sees that a picture was turned by 90 or 180 degrees
    (cosine 0.3 to 0.8, measured). Cosine coefficients without their signs and
    with both axes alike do not change by a turn, so equal ones are a hint.
    Near-linear; pictures with next to no contrast propose nothing.

    Args:
        signatures: uint8[m, 4608]

    Returns:
        int32[q, 2], smaller picture first, sorted, q at most 6 m
    """
    # Imported here: 0.1 s that only this function needs
    from scipy.spatial import KDTree

    described, rows = _turn_free(signatures)
    tree = KDTree(described)
    wanted = min(_TURNED_NEIGHBORS + 1, max(2, len(rows)))
    limit = _MAX_TURNED_DISTANCE
    _, near = tree.query(described, k=wanted, distance_upper_bound=limit)
    own = np.repeat(np.arange(len(rows)), wanted)
    found = (near.ravel() < len(rows)) & (near.ravel() != own)
    pairs = np.stack([rows[own[found]], rows[near.ravel()[found]]], axis=1)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    return pairs.reshape(-1, 2).astype(np.int32)


_TURNED_NEIGHBORS = 5
_MAX_TURNED_DISTANCE = 0.06
"""Nine of ten turned copies saved as JPEG of quality 50 lie within 0.032; within
0.06 lie 1,300 pairs of 24,500 pictures of the bench."""
_TURN_FREE_NUMBERS = 16
_PICTURES_AT_ONCE = 4096


def _turn_free(signatures: NDArray[np.uint8]) -> tuple[Floats, Ints]:
    """Returns 16 numbers a picture that no turn changes, and the pictures."""
    high, low = np.triu_indices(_BASES, 1)
    parts = []
    for start in range(0, len(signatures), _PICTURES_AT_ONCE):
        some = signatures[start : start + _PICTURES_AT_ONCE]
        grey = _floats(some[:, : _GREY**2]).reshape(-1, _GREY, _GREY)
        size = np.abs(_spectra(grey, _FRAME, 1).reshape(-1, _BASES, _BASES))
        turned = size.transpose(0, 2, 1)
        either = np.stack([np.maximum(size, turned), np.minimum(size, turned)])
        upper = either[:, :, high, low].transpose(1, 2, 0).reshape(len(some), -1)
        diagonal = np.diagonal(size, axis1=1, axis2=2)
        parts.append(np.concatenate([diagonal[:, 1:], upper], axis=1))
    numbers = np.concatenate(parts) if parts else np.zeros((0, _BASES**2 - 1))
    # Weak spectra are shorter than 1: too little contrast to go by
    rows = np.flatnonzero(np.linalg.norm(numbers, axis=1) > 0.999)
    numbers = _floats(numbers[rows])
    spread = numbers.var(axis=0) if len(rows) else np.zeros(numbers.shape[1])
    telling = np.sort(np.argsort(-spread, kind="stable")[:_TURN_FREE_NUMBERS])
    return numbers[:, telling], rows


def verify_pairs(
    signatures: NDArray[np.uint8],
    pairs: NDArray[np.int32],
    sizes: NDArray[np.int32],
    *,
    on_progress: OnProgress = silent,
) -> CopyChecks:
    """Compares the pictures of each pair.

    Args:
        signatures: uint8[m, 4608], one a picture
        pairs: int32[p, 2] of pictures; neither order nor repeats matter
        sizes: int32[m, 2], width and height of each picture
        on_progress: told after each batch; may raise to cancel

    Returns:
        a score and a relation a pair. Pictures in which there is next to
        nothing to compare (blank ones) score 0, however equal they are.
    """
    scores = np.zeros(len(pairs), np.float32)
    relations = np.full(len(pairs), NO_RELATION, np.int8)
    sorted_pairs = np.sort(pairs, axis=1)
    order = np.lexsort(sorted_pairs.T[::-1])
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        rows = order[start : start + _PAIRS_AT_ONCE]
        used, ends = np.unique(sorted_pairs[rows], return_inverse=True)
        pictures = _Pictures(signatures[used], sizes[used])
        scores[rows], relations[rows] = _check(pictures, ends.reshape(-1, 2))
        on_progress(Progress("Comparing pictures", start + len(rows), len(pairs)))
    return CopyChecks(scores, relations)


def _floats(values: ArrayLike) -> Floats:
    return np.asarray(values, np.float32)


_PAIRS_AT_ONCE = 1024
"""Some 200 MB of work space at most."""

_MIN_COARSE = 0.55
_MIN_LIKENESS = 0.55
_MIN_ALIGNED_LIKENESS = 0.68
"""Gates of tests 1 and 2, before and after refining: 0.99 of the planted near
copies pass the first two, 0.995 of those that the evidence accepts the last."""

_MIN_PROMISING = -3.0
"""Log odds from which on overlays are refined at full size, the dearest step:
one in 900 of the planted copies found has less before."""

_ROUGH_SLACK = 3.0
"""Log odds that refining a rough overlay may bring at most."""

_TURNS = 8
"""Turns by 90 degrees (0 to 3), and the same of the mirrored picture (4 to 7)."""
_TURN_BACK = np.array([0, 3, 2, 1, 4, 5, 6, 7])
_MIRRORED_FROM = 4

_PREFERRED = 0.02
"""What a turn or a window must gain, in correlation, to be preferred."""

_WINDOWS = ((0.9, 2), (0.8, 3), (0.68, 3))
"""Side of the window in frames, positions an axis: a coarse net whose gaps
refining closes. Copies cropped to less than 0.6 of a side are not looked for."""


class _Pictures:
    """Some pictures at several sizes, each made when it is first asked for.

    Every plane is float32[m, side, side]; ``colour`` is float32[m, 2, 16, 16].
    """

    def __init__(self, signatures: NDArray[np.uint8], sizes: NDArray[np.int32]) -> None:
        self.signatures = signatures
        self.sizes = sizes

    def at(self, rows: Ints) -> _Pictures:
        return _Pictures(self.signatures[rows], self.sizes[rows])

    @cached_property
    def grey(self) -> Floats:
        return _floats(self.signatures[:, : _GREY**2]).reshape(-1, _GREY, _GREY)

    @cached_property
    def grey32(self) -> Floats:
        return _halved(self.grey)

    @cached_property
    def grey16(self) -> Floats:
        return _halved(self.grey32)

    @cached_property
    def detail32(self) -> Floats:
        return _details(self.grey32, _DETAIL_SIGMA)

    @cached_property
    def shows_something(self) -> Bools:
        """bool[m], False for blank walls and skies, which are all alike."""
        size = 32 // _BLOCKS
        energy = _block_sums(self.detail32**2).reshape(-1, _BLOCKS, _BLOCKS)
        # A slope leaves details at the border only
        inside = energy[:, 1:-1, 1:-1] > _VISIBLE_DETAIL * size**2
        shows: Bools = inside.sum(axis=(1, 2)) >= _LEAST_BLOCKS
        return shows

    @cached_property
    def colour(self) -> Floats:
        planes = _floats(self.signatures[:, _GREY**2 :]) - np.float32(128)
        return _floats(planes.reshape(-1, 2, _COLOUR, _COLOUR))

    @cached_property
    def tones(self) -> Floats:
        return _tones(self.signatures[:, : _GREY**2])


@dataclass(frozen=True, eq=False)
class _Overlays:
    """How the pictures of each pair lie over one another.

    Attributes:
        inner: int64[b], picture whose whole frame is looked for
        outer: int64[b], picture that it is looked for in
        turn: int64[b], how the inner picture is turned first
        warp: float64[b, 2, 3], affine map of the frame of the turned inner
            picture into that of the outer; both frames are [0, 1] squared
    """

    inner: Ints
    outer: Ints
    turn: Ints
    warp: Doubles

    def at(self, rows: Ints | Bools) -> _Overlays:
        return _Overlays(
            self.inner[rows], self.outer[rows], self.turn[rows], self.warp[rows]
        )

    def warped(self, warp: Doubles) -> _Overlays:
        return _Overlays(self.inner, self.outer, self.turn, warp)

    @property
    def moved(self) -> Bools:
        """bool[b], where the frames do not lie exactly on one another."""
        moved: Bools = np.abs(self.warp - _STILL).max(axis=(1, 2)) > 1e-6
        return moved


_STILL = np.eye(2, 3)


def _check(pictures: _Pictures, pairs: Ints) -> tuple[Floats, NDArray[np.int8]]:
    """Puts pairs through the three tests, each for the survivors of the last."""
    scores = np.zeros(len(pairs), np.float32)
    relations = np.full(len(pairs), NO_RELATION, np.int8)
    overlays, coarse = _lay_over(pictures, pairs[:, 0], pairs[:, 1])
    rows = np.flatnonzero(coarse >= _MIN_COARSE)
    pictures, overlays = _only_used(pictures, overlays.at(rows))
    shows = np.flatnonzero(
        pictures.shows_something[overlays.inner]
        & pictures.shows_something[overlays.outer]
    )
    rows, overlays = rows[shows], overlays.at(shows)
    overlays, likeness = _align_roughly(pictures, overlays)
    hopeful = _best_logits(pictures, overlays) >= _MIN_PROMISING - _ROUGH_SLACK
    alike = np.flatnonzero((likeness >= _MIN_LIKENESS) & hopeful)
    rows = rows[alike]
    pictures, overlays = _only_used(pictures, overlays.at(alike))
    overlays, likeness = _align(pictures, overlays, likeness[alike])
    alike = np.flatnonzero(likeness >= _MIN_ALIGNED_LIKENESS)
    rows = rows[alike]
    pictures, overlays = _only_used(pictures, overlays.at(alike))
    logits = _logits(pictures, overlays)
    promising = np.flatnonzero((logits >= _MIN_PROMISING) & overlays.moved)
    finer = _align_finely(pictures, overlays.at(promising))
    overlays.warp[promising] = finer.warp
    logits[promising] = _logits(pictures, finer)
    score = 1 / (1 + np.exp(-logits))
    scores[rows] = score
    accepted = np.flatnonzero(score >= MIN_COPY_SCORE)
    relations[rows[accepted]] = _relations(pictures, overlays.at(accepted))
    return scores, relations


def _only_used(pictures: _Pictures, overlays: _Overlays) -> tuple[_Pictures, _Overlays]:
    """Leaves aside the pictures that no overlay needs any more."""
    ends = np.concatenate([overlays.inner, overlays.outer])
    used, ends = np.unique(ends, return_inverse=True)
    inner, outer = ends.reshape(2, -1)
    return pictures.at(used), _Overlays(inner, outer, overlays.turn, overlays.warp)


# ------------------------------------------------------------ coarse search


def _lay_over(pictures: _Pictures, a: Ints, b: Ints) -> tuple[_Overlays, Floats]:
    """Finds the best turn and window of each pair by correlation.

    Pictures are compared by their 8 x 8 lowest cosine coefficients: turns
    only permute them and flip their signs.
    """
    row = np.arange(len(a))
    spectra = _spectra(pictures.grey, _FRAME, 1)[:, 0]
    windows = np.concatenate(
        [_spectra(pictures.grey, cut, steps) for cut, (_, steps) in _CUTS], axis=1
    )
    turned_b = np.stack([_turned(spectra[b], turn) for turn in range(_TURNS)], 1)
    whole = np.matmul(turned_b, spectra[a][:, :, None])[..., 0]
    whole[:, 1:] -= _PREFERRED
    best_turn = whole.argmax(axis=1)
    score = whole[row, best_turn]
    turn, window = best_turn.copy(), np.zeros(len(a), np.int64)
    b_is_outer = np.zeros(len(a), bool)
    for outer, inner, is_b in ((a, b, False), (b, a, True)):
        for tried in (np.zeros_like(best_turn), best_turn):
            # What turns b onto a turns a onto b when it is undone
            undone = _TURN_BACK[tried] if is_b else tried
            found = np.matmul(
                windows[outer], _turned(spectra[inner], undone)[:, :, None]
            )[..., 0]
            at = found.argmax(axis=1)
            gain = found[row, at] - _PREFERRED * (1 + (tried > 0))
            wins = gain > score
            score = np.where(wins, gain, score)
            turn = np.where(wins, undone, turn)
            window = np.where(wins, at + 1, window)
            b_is_outer = np.where(wins, is_b, b_is_outer)
    overlays = _Overlays(
        np.where(b_is_outer, a, b),
        np.where(b_is_outer, b, a),
        turn,
        _window_warps(window),
    )
    return overlays, score.astype(np.float32)


def _spectra(grey: Floats, cut: Floats, steps: int) -> Floats:
    """Returns unit vectors float32[b, steps * steps, 64] of cut-out windows."""
    side = _BASES
    both = np.matmul(np.matmul(cut, grey), cut.T)
    grid = both.reshape(-1, steps, side, steps, side).transpose(0, 1, 3, 2, 4)
    flat = (grid * _BASIS_WEIGHTS).reshape(len(grey), steps * steps, side * side)
    length = np.linalg.norm(flat, axis=2, keepdims=True)
    return _floats(flat / np.maximum(length, _BLANK_LENGTH))


_BASES = 8
_BLANK_LENGTH = 4.0
"""Spectra weaker than this (a contrast of 0.25 of 255) stay shorter than 1, so
that blank pictures are like nothing."""


def _cosine_bases() -> Doubles:
    """Returns the 8 lowest of the 16 rows of an orthonormal DCT-II."""
    angle = np.pi * np.outer(np.arange(_BASES), np.arange(16) + 0.5) / 16
    bases: Doubles = np.cos(angle) * np.sqrt(2 / 16)
    bases[0] /= np.sqrt(2)
    return bases


def _area_means(offset: float, side: float) -> Doubles:
    """Returns 16 x 64: means over 16 equal parts of a window of a row."""
    edges = (offset + side * np.arange(17) / 16) * _GREY
    pixel = np.arange(_GREY)
    shared = np.minimum(edges[1:, None], pixel + 1) - np.maximum(
        edges[:-1, None], pixel
    )
    means: Doubles = np.clip(shared, 0, None) / (edges[1:] - edges[:-1])[:, None]
    return means


def _offsets(side: float, steps: int) -> Doubles:
    return np.linspace(0, 1 - side, steps)


def _cut(side: float, steps: int) -> Floats:
    means = [_cosine_bases() @ _area_means(x, side) for x in _offsets(side, steps)]
    return _floats(np.concatenate(means))


def _basis_weights() -> Floats:
    """Returns 8 x 8 weights: no mean, less of the slopes than of the rest.

    Slow gradients are alike in most photographs. Halving their say cut the
    pairs that pass by a sixth at equal recall (measured on the bench).
    """
    index = np.arange(_BASES)
    weights = np.minimum(1, np.sqrt(np.hypot(index[:, None], index) / 4))
    weights[0, 0] = 0
    return _floats(weights)


_FRAME = _cut(1.0, 1)
_CUTS = [(_cut(side, steps), (side, steps)) for side, steps in _WINDOWS]
_BASIS_WEIGHTS = _basis_weights()


def _window_list() -> Doubles:
    """Returns float64[1 + windows, 3]: side, y, x; the whole frame first."""
    rows = [(1.0, 0.0, 0.0)]
    for side, steps in _WINDOWS:
        places = _offsets(side, steps).tolist()
        rows += [(side, y, x) for y in places for x in places]
    return np.array(rows)


_WINDOW_LIST = _window_list()


def _window_warps(window: Ints) -> Doubles:
    warps = np.zeros((len(window), 2, 3))
    side, y, x = _WINDOW_LIST[window].T
    warps[:, 0, 0] = warps[:, 1, 1] = side
    warps[:, 0, 2], warps[:, 1, 2] = x, y
    return warps


def _turn(picture: NDArray[Any], turn: int) -> NDArray[Any]:
    """Turns the last two axes: mirrored first from 4 on, then by 90 degrees."""
    if turn >= _MIRRORED_FROM:
        picture = picture[..., ::-1]
    return np.rot90(picture, turn % 4, axes=(-2, -1))


def _turn_all(pictures: Floats, turns: Ints) -> Floats:
    result = np.empty_like(pictures)
    for turn in np.unique(turns).tolist():
        rows = turns == turn
        result[rows] = _turn(pictures[rows], turn)
    return result


def _spectrum_turns() -> tuple[Ints, Floats]:
    """Returns, a turn, where each coefficient comes from and its sign.

    A cosine of odd index changes its sign when its axis is reversed, and a
    turn by 90 degrees swaps the axes.
    """
    bases = _cosine_bases()
    pictures = np.einsum("ui,vj->uvij", bases, bases).reshape(-1, 16, 16)
    turned = [_turn(pictures, turn).reshape(_BASES**2, -1) for turn in range(_TURNS)]
    response = np.stack([pictures.reshape(_BASES**2, -1) @ t.T for t in turned])
    source = np.abs(response).argmax(axis=2)
    sign = np.take_along_axis(response, source[:, :, None], axis=2)[..., 0]
    return source, _floats(np.rint(sign))


_SOURCES, _SIGNS = _spectrum_turns()


def _turned(spectra: Floats, turn: Ints | int) -> Floats:
    """Turns spectra float32[b, 64], all alike or each its own way."""
    source = np.broadcast_to(_SOURCES[turn], spectra.shape)
    return _floats(np.take_along_axis(spectra, source, axis=1) * _SIGNS[turn])


# ---------------------------------------------------------------- alignment


def _align_roughly(
    pictures: _Pictures, overlays: _Overlays
) -> tuple[_Overlays, Floats]:
    """Refines at 16 x 16 and keeps the best of three overlays.

    Beside the refined one: the whole frames, turned and not. An overlaid
    text misleads the coarse search, and a plain copy needs no move.
    """
    found = _refine(
        _turn_all(pictures.grey16[overlays.inner], overlays.turn),
        pictures.grey16[overlays.outer],
        overlays.warp,
    )
    inner = pictures.detail32[overlays.inner]
    outer = pictures.detail32[overlays.outer]
    turned = _turn_all(inner, overlays.turn)
    still = np.broadcast_to(_STILL, found.shape)
    likeness = np.full((3, len(found)), -1, np.float32)
    likeness[0] = _likeness(turned, outer, found)
    likeness[1] = _likeness(turned, outer, still) + _SIMPLER
    was_turned = np.flatnonzero(overlays.turn)
    likeness[2, was_turned] = _SIMPLER + _likeness(
        inner[was_turned], outer[was_turned], still[was_turned]
    )
    best = likeness.argmax(axis=0)
    overlays = _Overlays(
        overlays.inner,
        overlays.outer,
        np.where(best == 2, 0, overlays.turn),
        np.where((best == 0)[:, None, None], found, still),
    )
    return overlays, likeness.max(axis=0)


_SIMPLER = 0.01
"""What a move must gain in likeness over none at all."""


def _align(
    pictures: _Pictures, overlays: _Overlays, likeness: Floats
) -> tuple[_Overlays, Floats]:
    """Refines at 32 x 32 where that makes the pictures more alike."""
    inner = _turn_all(pictures.grey32[overlays.inner], overlays.turn)
    finer = _refine(inner, pictures.grey32[overlays.outer], overlays.warp)
    details = _turn_all(pictures.detail32[overlays.inner], overlays.turn)
    outer = pictures.detail32[overlays.outer]
    finer_likeness = _likeness(details, outer, finer)
    gained = (finer_likeness > likeness)[:, None, None]
    overlays = overlays.warped(np.where(gained, finer, overlays.warp))
    return overlays, np.maximum(likeness, finer_likeness)


def _align_finely(pictures: _Pictures, overlays: _Overlays) -> _Overlays:
    """Refines at 64 x 64 where that makes the pictures more alike."""
    inner = _turn_all(pictures.grey[overlays.inner], overlays.turn)
    outer = pictures.grey[overlays.outer]
    finer = _refine(inner, outer, overlays.warp)
    details, outer = _details(inner, _DETAIL_SIGMA), _details(outer, _DETAIL_SIGMA)
    before = _likeness(details, outer, overlays.warp)
    gained = _likeness(details, outer, finer) > before
    return overlays.warped(np.where(gained[:, None, None], finer, overlays.warp))


_STEPS = 4
"""Gauss-Newton steps a size: 8 do not bring more pairs into place."""
_LONGEST_STEP = 0.15
"""Of the frame, a step: keeps flat pictures from running away."""


def _refine(inner: Floats, outer: Floats, warp: Doubles) -> Doubles:
    """Moves the outer pictures onto the inner ones.

    Minimises the squared difference after a gain and an offset, weighted
    down where it is large (Geman and McClure's weights), over the six
    parameters of an affine map; with the mean of both gradients (Malis 2004).
    """
    count, side, _ = inner.shape
    place = _floats((np.arange(side) + 0.5) / side - 0.5)
    x, y = place[None, None, :], place[None, :, None]
    inner_y, inner_x = np.gradient(inner, axis=(1, 2))
    steepest = np.ones((count, 8, side, side), np.float32)
    border = np.zeros((side, side), np.float32)
    border[1:-1, 1:-1] = 1
    diagonal = np.arange(8)
    for _ in range(_STEPS):
        seen = _inside(warp, side, 0.5) * border
        area = seen.sum(axis=(1, 2)) + 1e-6
        target = inner - _over(_sums(inner, seen), area)
        moved = _warp(outer, warp)
        moved -= _over(_sums(moved, seen), area)
        gain = _sums(target, moved * seen) / (_sums(moved, moved * seen) + 1e-3)
        moved *= np.clip(gain, 0.2, 5)[:, None, None]
        error = target - moved
        scale = 1.5 * np.sqrt(_sums(error, error * seen) / area) + 1
        weight = seen / (1 + (error / scale[:, None, None]) ** 2)
        moved_y, moved_x = np.gradient(moved, axis=(1, 2))
        slope_x = (inner_x + moved_x) * np.float32(side / 2)
        slope_y = (inner_y + moved_y) * np.float32(side / 2)
        for column, value in enumerate(
            (slope_x * x, slope_x * y, slope_x, slope_y * x, slope_y * y, slope_y)
        ):
            steepest[:, column] = value
        steepest[:, 6] = moved
        flat = steepest.reshape(count, 8, side * side)
        weighted = flat * weight.reshape(count, 1, side * side)
        normal = np.matmul(weighted, flat.transpose(0, 2, 1)).astype(np.float64)
        normal[:, diagonal, diagonal] *= 1.001
        normal[:, diagonal, diagonal] += 1e-3
        right = np.matmul(weighted, error.reshape(count, side * side, 1))
        step = np.linalg.solve(normal, right.astype(np.float64))[:, :6, 0]
        warp = _compose(warp, np.clip(step, -_LONGEST_STEP, _LONGEST_STEP))
    return warp


def _compose(warp: Doubles, step: Doubles) -> Doubles:
    """Applies a step, taken about the middle of the frame, before a warp."""
    linear = step.reshape(-1, 2, 3)[:, :, :2] + np.eye(2)
    shift = 0.5 + step.reshape(-1, 2, 3)[:, :, 2] - 0.5 * linear.sum(axis=2)
    outer = warp[:, :, :2]
    moved = np.matmul(outer, shift[..., None]) + warp[:, :, 2:]
    return np.concatenate([np.matmul(outer, linear), moved], axis=2)


_VISIBLE_DETAIL = 4.0
_LEAST_BLOCKS = 3
"""Of 36 blocks, how many must vary by 2 grey levels. A tone curve turns any sky
into any other; all but 1 of 1,322 planted copies found show more."""

_DETAIL_SIGMA = 3.0
_BLOCKS = 8
_DETAIL_NOISE = 1.0
_DETAIL_ENERGY = 20.0
"""Grey levels squared, at 32 x 32: what a block's own noise amounts to, and
from where on a block has a full say."""


def _likeness(inner: Floats, outer: Floats, warp: Doubles) -> Floats:
    """Returns the mean correlation of details in 8 x 8 blocks, in [-1, 1].

    Blocks count by how much there is to see in them, so that a text laid
    over a picture costs no more than its own blocks, and blank skies count
    for nothing.
    """
    side = inner.shape[1]
    seen = _inside(warp, side, 0.5)
    moved = _warp(outer, warp)
    area = _block_sums(seen)
    square = _block_sums(inner * inner * seen)
    moved_square = _block_sums(moved * moved * seen)
    both = _block_sums(inner * moved * seen)
    noise = _DETAIL_NOISE * area
    correlation = (both + noise) / np.sqrt(
        (square + noise) * (moved_square + noise) + 1e-6
    )
    energy = np.maximum(square, moved_square) / (area + 1e-6)
    weight = energy / (energy + _DETAIL_ENERGY)
    weight *= area > 0.5 * (side // _BLOCKS) ** 2
    mean = (correlation * weight).sum(axis=1) / (weight.sum(axis=1) + 1e-6)
    return _floats(np.where(seen.mean(axis=(1, 2)) < 0.5, -1, mean))


def _warp(pictures: Floats, warp: Doubles) -> Floats:
    """Samples pictures where the warps point to, bilinearly."""
    side = pictures.shape[1]
    pixels = warp.copy()
    # From frames of [0, 1] to pixel centres
    pixels[:, :, 2] = side * warp[:, :, 2] + warp[:, :, :2].sum(axis=2) / 2 - 0.5
    result = np.empty_like(pictures)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for picture, matrix, target in zip(pictures, pixels, result, strict=True):
        size = (side, side)
        cv2.warpAffine(picture, matrix, size, target, flags, cv2.BORDER_REPLICATE)
    return result


def _inside(warp: Doubles, side: int, margin: float) -> Floats:
    """Returns 1 where a warp stays ``margin`` pixels inside the frame, else 0."""
    place = _floats((np.arange(side) + 0.5) / side)
    matrix = _floats(warp)[:, :, :, None, None]
    at = matrix[:, :, 0] * place + matrix[:, :, 1] * place[:, None] + matrix[:, :, 2]
    edge = margin / side
    return _floats(((at >= edge) & (at <= 1 - edge)).all(axis=1))


def _details(pictures: Floats, sigma: float) -> Floats:
    return pictures - _blurred(pictures, sigma)


def _blurred(pictures: Floats, sigma: float) -> Floats:
    smooth = np.empty_like(pictures)
    for picture, target in zip(pictures, smooth, strict=True):
        cv2.GaussianBlur(picture, (0, 0), sigma, target)
    return smooth


def _halved(pictures: Floats) -> Floats:
    rows = pictures[:, ::2] + pictures[:, 1::2]
    return _floats((rows[:, :, ::2] + rows[:, :, 1::2]) * np.float32(0.25))


def _sums(a: Floats, b: Floats) -> Floats:
    total: Floats = np.einsum("bij,bij->b", a, b)
    return total


def _over(total: Floats, area: Floats) -> Floats:
    return _floats(total / area)[:, None, None]


def _block_sums(values: Floats) -> Floats:
    """Returns float32[b, 64]: sums over 8 x 8 blocks."""
    size = values.shape[1] // _BLOCKS
    # A matrix product is three times faster than reshape and sum
    member = _floats(np.kron(np.eye(_BLOCKS), np.ones((1, size))))
    sums = np.matmul(np.matmul(member, values), member.T)
    return _floats(sums.reshape(len(values), _BLOCKS**2))


# ----------------------------------------------------------------- evidence

_WEIGHTS = {
    "residual": -1,
    "explained": 17.92,
    "tones": 2.14,
    "tone_change": -0.76,
    "desaturation": -4.07,
    "colour_residual": -1.35,
    "colourfulness": 0.91,
    "zoom": -8.62,
    "turned": -3.65,
    "moved": 1.01,
    "reach": -20.22,
}
_INTERCEPT = -18.74
"""Log odds that a pair is a copy, by the evidence explained below.

Learned by logistic regression (scikit-learn, C=3, standardised inputs) from the
55,904 candidate pairs of the benchmark of 25,000 images, seed 7, and 1,000 of
its images changed in 35 other ways (turns, logos, borders, gamma and so on;
weight 0.3). Other cuttings of the same photograph count as no copies, with
weight 0.3; pairs that only look the same are left out. The intercept lets 51
wrong pairs of those through, one in 26 of the accepted; it then finds 0.896 of
the planted near copies (0.893 in five folds). Not learned from: photographs,
seed 9 (0.904, no wrong pair), and seed 31 (0.867, 4 wrong pairs).
"""


def _logits(pictures: _Pictures, overlays: _Overlays) -> Doubles:
    """Returns the log odds that each pair is a copy.

    Pairs whose frames and colours alone keep them from being promising get
    -inf: their brightness, the dear part, is not compared.
    """
    best = _best_logits(pictures, overlays)
    rows = np.flatnonzero(best >= _MIN_PROMISING)
    rest = np.full(len(best), -np.inf)
    rest[rows] = _weighed(_brightness_evidence(pictures, overlays.at(rows)))
    logits: Doubles = best - _BEST_BRIGHTNESS + rest
    return logits


def _best_logits(pictures: _Pictures, overlays: _Overlays) -> Doubles:
    """Returns the log odds if the brightness agreed perfectly."""
    first = _frame_evidence(pictures, overlays)
    first |= _colour_evidence(pictures, overlays)
    return _INTERCEPT + _weighed(first) + _BEST_BRIGHTNESS


def _weighed(evidence: dict[str, Floats]) -> Doubles:
    terms = [_WEIGHTS[name] * value for name, value in evidence.items()]
    total: Doubles = np.sum(terms, axis=0, dtype=np.float64)
    return total


def _frame_evidence(pictures: _Pictures, overlays: _Overlays) -> dict[str, Floats]:
    """How the frames lie.

    tones: log of how many tones the plainer picture uses (entropy)
    zoom: log of the ratio of the areas shown
    turned: 1 where one is mirrored or turned, else 0
    moved: 1 where the frames do not lie exactly on one another, else 0
    reach: how far, in frames, the inner reaches out of the outer; two
        cuttings of one scene overlap, but a copy holds or is held
    """
    area = np.abs(np.linalg.det(overlays.warp[:, :, :2]))
    corners = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    at = np.matmul(overlays.warp, corners.T)
    reach = np.maximum(at - 1, -at).max(axis=(1, 2))
    tones = pictures.tones
    return {
        "tones": np.minimum(tones[overlays.inner], tones[overlays.outer]),
        "zoom": _floats(np.abs(np.log(np.clip(area, 0.05, 5)))),
        "turned": _floats(overlays.turn > 0),
        "moved": _floats(overlays.moved),
        "reach": _floats(np.clip(reach, 0, _LONGEST_REACH)),
    }


_LONGEST_REACH = 0.3
"""Frames: beyond, an overlay is wrong anyhow."""


def _colour_evidence(pictures: _Pictures, overlays: _Overlays) -> dict[str, Floats]:
    """What is left of the colours.

    desaturation: colour lost between the two, 0 none to 1 all
    colour_residual: log of the colour that no desaturation explains
    colourfulness: log of the colour of the more colourful picture
    """
    colour = _fit_colour(pictures, overlays)
    return {
        "desaturation": 1 - colour.kept,
        "colour_residual": np.log(colour.residual + _LEAST_COLOUR),
        "colourfulness": np.log(colour.strength + _FAINT_COLOUR),
    }


def _brightness_evidence(pictures: _Pictures, overlays: _Overlays) -> dict[str, Floats]:
    """What is left of the brightness.

    residual: log of the unexplained brightness, robustly averaged, in grey
        levels squared, after the best tone curve
    explained: share of the picture that the tone curve explains, 0 to 1
    tone_change: how far the tone curve is from none
    """
    curve = _fit_tone_curve(_equally_sharp(_show(pictures, overlays)))
    change = np.abs(np.log(curve.gain)) + np.abs(curve.shift) / _SHIFT_AS_GAIN
    return {
        "residual": np.log(curve.residual + _LEAST_RESIDUAL),
        "explained": curve.explained,
        "tone_change": change,
    }


_LEAST_RESIDUAL = np.float32(0.3)
_LEAST_COLOUR = np.float32(1.5)
_FAINT_COLOUR = np.float32(3)
"""Rounding and JPEG noise, in (squared) levels: less than that says nothing."""

_SHIFT_AS_GAIN = 40
"""Grey levels that weigh as much as a contrast changed by a factor of e."""

_BEST_BRIGHTNESS = float(
    _WEIGHTS["residual"] * np.log(_LEAST_RESIDUAL) + _WEIGHTS["explained"]
)


_SOFTENED = 0.8
_SOFTENED_MOVED = 0.65
"""Sigmas, in pixels, that make 64 x 64 pictures comparable; what was sampled
between pixels is softer already."""


@dataclass(frozen=True, eq=False)
class _Shown:
    """Pairs laid over one another: float32[b, 64, 64] each; ``seen`` is 0 or 1."""

    inner: Floats
    outer: Floats
    seen: Floats


def _show(pictures: _Pictures, overlays: _Overlays) -> _Shown:
    inner = _turn_all(pictures.grey[overlays.inner], overlays.turn)
    outer = _warp(pictures.grey[overlays.outer], overlays.warp)
    moved = overlays.moved
    seen = np.ones_like(inner)
    seen[moved] = _inside(overlays.warp[moved], _GREY, 1.5)
    outer[moved] = _blurred(outer[moved], _SOFTENED_MOVED)
    outer[~moved] = _blurred(outer[~moved], _SOFTENED)
    return _Shown(_blurred(inner, _SOFTENED), outer, seen)


@dataclass(frozen=True, eq=False)
class _ToneCurve:
    """The fit of one picture's brightness to the other's; float32[b] each.

    Attributes:
        gain: ratio of contrasts, inner to outer
        shift: by how much the inner picture is brighter, in grey levels
        residual: robust mean of the squared error, in grey levels of the
            picture of higher contrast
        explained: share of the picture that the fit holds for, 0 to 1
    """

    gain: Floats
    shift: Floats
    residual: Floats
    explained: Floats


_ROBUST_ROUNDS = 3
_TOLERATED_SHARE = 0.1
_TOLERATED_SQUARE = 4.0
"""Squared error that halves a pixel's weight: of the variance, and at least."""


def _fit_tone_curve(shown: _Shown) -> _ToneCurve:
    """Fits inner = a + b outer + c outer^2, weighted down where it fails.

    The square takes care of gamma, clipped lights and automatic contrast.
    It starts from the pixels that differ by the median, so that a text
    laid over one of them is left aside from the beginning.
    """
    seen, count = shown.seen, len(shown.seen)
    area = seen.sum(axis=(1, 2)) + 1e-6
    target = shown.inner - _over(_sums(shown.inner, seen), area)
    given = shown.outer - _over(_sums(shown.outer, seen), area)
    contrast = _sums(target, target * seen) / area
    given_contrast = np.maximum(_sums(given, given * seen) / area, 1)
    spread = np.sqrt(given_contrast)
    given /= spread[:, None, None]
    powers = np.stack([np.ones_like(given), given, given * given - 1], axis=1)
    powers = powers.reshape(count, 3, _GREY**2)
    flat, wanted = seen.reshape(count, _GREY**2), target.reshape(count, _GREY**2)
    least = np.minimum(contrast, given_contrast)[:, None]
    tolerance = _TOLERATED_SHARE * least + _TOLERATED_SQUARE
    difference = (shown.inner - shown.outer).reshape(count, _GREY**2)
    start = difference - np.median(difference[:, ::8], axis=1, keepdims=True)
    weight = flat / (1 + start * start / tolerance)
    for _ in range(_ROBUST_ROUNDS):
        weighted = powers * weight[:, None]
        normal = np.matmul(weighted, powers.transpose(0, 2, 1)).astype(np.float64)
        normal += np.eye(3) * 1e-2
        right = np.matmul(weighted, wanted[:, :, None]).astype(np.float64)
        terms = _floats(np.linalg.solve(normal, right))
        error = wanted - np.matmul(terms.transpose(0, 2, 1), powers)[:, 0]
        weight = flat / (1 + error * error / tolerance)
    total = weight.sum(axis=1) + 1e-6
    gain = np.clip(terms[:, 1, 0] / spread, 0.05, 20)
    # As if the picture of lower contrast had been fitted to the other
    error = error * np.clip(1 / gain, 1, 3)[:, None]
    return _ToneCurve(
        gain=gain,
        shift=(difference * weight).sum(axis=1) / total,
        residual=(error * error * weight).sum(axis=1) / total,
        explained=total / area,
    )


_BLURS = (0.5, 0.8, 1.2, 1.8, 2.6)
"""Sigmas, in pixels of 64 x 64, that a sharper picture is blurred by."""
_SHARPER_BY = 0.08
"""Log ratio of energies from which on one counts as sharper."""
_FINE_SIGMA = 1.5
_FINE_NOISE = 0.15


def _equally_sharp(shown: _Shown) -> _Shown:
    """Blurs the sharper picture of each pair until both are alike sharp.

    Without it a blurred or enlarged copy leaves a residual at every edge.
    """
    inner, outer = shown.inner.copy(), shown.outer.copy()
    gain = _contrast_ratio(shown)
    same = np.ones_like(gain)
    energy = _fine_energy(inner, shown.seen, same)
    other = _fine_energy(outer, shown.seen, gain)
    excess = _excess(energy, other)
    for pictures, own, sign in ((inner, same, 1), (outer, gain, -1)):
        rows = np.flatnonzero(sign * excess > _SHARPER_BY)
        if not len(rows):
            continue
        given, seen = pictures[rows], shown.seen[rows]
        wanted = (other if sign > 0 else energy)[rows]
        gap = np.abs(excess[rows])
        for sigma in _BLURS:
            blurred = _blurred(given, sigma)
            left = np.abs(_excess(_fine_energy(blurred, seen, own[rows]), wanted))
            better = left < gap
            pictures[rows[better]] = blurred[better]
            gap = np.minimum(gap, left)
    return _Shown(inner, outer, shown.seen)


def _contrast_ratio(shown: _Shown) -> Floats:
    inner = _contrast(shown.inner, shown.seen)
    return _floats(np.sqrt(inner / _contrast(shown.outer, shown.seen)))


def _contrast(pictures: Floats, seen: Floats) -> Floats:
    """Returns the variance of what is seen, at least 1."""
    area = seen.sum(axis=(1, 2)) + 1e-6
    mean = _sums(pictures, seen) / area
    square = _sums(pictures, pictures * seen) / area
    return _floats(np.maximum(square - mean * mean, 1))


def _fine_energy(pictures: Floats, seen: Floats, gain: Floats) -> Floats:
    fine = _details(pictures, _FINE_SIGMA) * seen
    mean = _block_sums(fine * fine) / np.maximum(_block_sums(seen), 1)
    return _floats(mean * (gain * gain)[:, None] + _FINE_NOISE)


def _excess(energy: Floats, other: Floats) -> Floats:
    """Returns the mean log ratio of block energies, strong blocks first."""
    weight = np.sqrt(energy * other)
    return _floats((np.log(energy / other) * weight).sum(axis=1) / weight.sum(axis=1))


@dataclass(frozen=True, eq=False)
class _Colour:
    """How the colours of pairs relate; float32[b] each.

    Attributes:
        kept: colour gain of the paler picture, 0 grey to 1 unchanged
        residual: root mean square of what the gain leaves, in levels
        strength: root mean square colour of the more colourful picture
    """

    kept: Floats
    residual: Floats
    strength: Floats


def _fit_colour(pictures: _Pictures, overlays: _Overlays) -> _Colour:
    """Fits the paler picture's colours as a fraction of the other's.

    One factor for both colour differences and no offset: grey, paler and
    darker copies are explained, another hue is not.
    """
    inner = _turn_all(pictures.colour[overlays.inner], overlays.turn)
    outer = pictures.colour[overlays.outer]
    outer = np.stack([_warp(outer[:, c], overlays.warp) for c in (0, 1)], axis=1)
    mask = _inside(overlays.warp, _COLOUR, 0.25)[:, None]
    area = mask.sum(axis=(1, 2, 3)) + 1e-6

    def mean(a: Floats, b: Floats) -> Floats:
        return _floats((a * b * mask).sum(axis=(1, 2, 3)) / area)

    inner_square, outer_square = mean(inner, inner), mean(outer, outer)
    product = mean(inner, outer)
    strong = np.maximum(inner_square, outer_square)
    pale = np.minimum(inner_square, outer_square)
    factor = np.clip(product / np.maximum(strong, 1e-3), 0, 1)
    left = pale - 2 * factor * product + factor * factor * strong
    return _Colour(
        kept=_floats(np.where(strong < _COLOURLESS, 1, factor)),
        residual=np.sqrt(np.maximum(left, 0)),
        strength=np.sqrt(strong),
    )


_COLOURLESS = 18.0
"""Mean squared colour of both planes below which none can be lost."""


def _tones(grey: NDArray[np.uint8]) -> Floats:
    """Returns log(1 + number of tones), the number by the entropy of 32 steps."""
    tones = np.empty(len(grey), np.float32)
    for row, picture in enumerate(grey):
        counts = np.bincount(picture >> 3, minlength=256 >> 3)
        share = counts[counts > 0] / len(picture)
        tones[row] = np.log1p(np.exp(-(share * np.log(share)).sum()))
    return tones


# ---------------------------------------------------------------- relations

_MIN_DEGREES = 1.2
_MIN_ZOOM = 0.05
_MIN_DESATURATION = 0.15
_MIN_TONE_CHANGE = 0.2
_MIN_SIZE_RATIO = 1.05
_MIN_SHARPNESS_EXCESS = 0.4
_MAX_EXPLAINED = 0.945
"""Bounds between differences that were made on purpose and those that come
along with re-encoding, measured on 16 + 35 kinds of planted copies."""


def _relations(pictures: _Pictures, overlays: _Overlays) -> NDArray[np.int8]:
    """Names the most telling difference of each pair: frame, content, file."""
    frame = _frame_evidence(pictures, overlays)
    colour = _colour_evidence(pictures, overlays)
    brightness = _brightness_evidence(pictures, overlays)
    linear = overlays.warp[:, :, :2]
    angle = np.arctan2(
        linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1]
    )
    turned = (overlays.turn > 0) | (np.abs(np.degrees(angle)) > _MIN_DEGREES)
    recoloured = colour["desaturation"] > _MIN_DESATURATION
    recoloured |= brightness["tone_change"] > _MIN_TONE_CHANGE
    size = np.log(pictures.sizes[overlays.inner] / pictures.sizes[overlays.outer])
    # A picture on its side has its width and height exchanged
    sideways = np.flatnonzero(overlays.turn % 2)
    size[sideways] = np.log(
        pictures.sizes[overlays.inner[sideways]][:, ::-1]
        / pictures.sizes[overlays.outer[sideways]]
    )
    told = {
        "mirrored": overlays.turn >= _MIRRORED_FROM,
        "rotated": turned,
        "cropped": frame["zoom"] > _MIN_ZOOM,
        "edited": brightness["explained"] < _MAX_EXPLAINED,
        "colour-changed": recoloured,
        "resized": np.abs(size).max(axis=1) > np.log(_MIN_SIZE_RATIO),
        "blurred": _sharpness_excess(pictures, overlays) > _MIN_SHARPNESS_EXCESS,
    }
    codes = [np.int8(RELATIONS.index(name)) for name in told]
    otherwise = np.int8(RELATIONS.index("re-encoded"))
    return np.select(list(told.values()), codes, otherwise)


def _sharpness_excess(pictures: _Pictures, overlays: _Overlays) -> Floats:
    """Returns by how much, as a log ratio of energies, one is sharper."""
    inner = _turn_all(pictures.grey[overlays.inner], overlays.turn)
    outer = pictures.grey[overlays.outer]
    energy, other = (
        _floats(_block_sums(_details(grey, 1.0) ** 2) / _BLOCKS**2 + 0.5)
        for grey in (inner, outer)
    )
    return np.abs(_excess(energy, other))
