"""Pairs of pictures to learn from: copies, and what only looks like them.

Copies are compositions of one to five changes at the size of the photographs and at 28
to 64 pixels, in a third of the pairs on both sides. No copies are the look-alikes of
``benchmarks/look_alikes.py``, other cuttings of one photograph, and pictures of a crowd
that a search proposes, or that are most alike at 8 x 8, some of them changed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.look_alikes import LOOK_ALIKES, other_moment  # noqa: E402
from core.copy_detection import (  # noqa: E402
    CANDIDATE_NEIGHBORS,
    signatures,
    similar_enough,
    turned_candidates,
    verify_pairs,
)
from core.copy_detection import compositions as made  # noqa: E402
from core.copy_detection.dct import turned_spectra, whole_spectra  # noqa: E402
from core.copy_detection.orientations import ORIENTATIONS, turn_planes  # noqa: E402
from core.copy_detection.signature import (  # noqa: E402
    SIGNATURE_BYTES,
    brightness_of,
)
from core.models.registry import Embedder  # noqa: E402
from core.neighbors.knn_graph import neighbor_graph  # noqa: E402

Pair = tuple[made.U8, made.U8]
Propose = Callable[[list[made.U8], NDArray[np.uint8]], NDArray[np.int64]]
"""From pictures and their signatures, pairs of them: int64[p, 2]."""

_DOUBLE = 2.0
"""Weight of copies with one change, and of those with a covered part."""

_MOMENTS = 0.2
"""Weight of other moments among look-alikes: what is pasted looks like a sticker."""

_BOTH_CHANGED = 1 / 3
_CHANGED_IN_CROWD = 1 / 3
_MOST_OF_CROWD = 4000

_LIKE_AT_EIGHT = 4
"""Of the nearest that many each."""

_UNKNOWN = 0.3
_SAME_LOOK = 4.0
"""Copy score, and gray levels at 16 x 16, from which on and up to which unchanged
pictures may be copies."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """p pairs of pictures, as a scan keeps them.

    Attributes:
        signatures: uint8[p, 2, 4608]
        sizes: int32[p, 2, 2], width and height
        weights: float64[p]
    """

    signatures: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    weights: NDArray[np.float64]


def described(pairs: list[Pair], weights: list[float]) -> Pairs:
    signature, sizes = describe([picture for pair in pairs for picture in pair])
    return Pairs(
        signature.reshape(-1, 2, SIGNATURE_BYTES),
        sizes.reshape(-1, 2, 2),
        np.array(weights, np.float64),
    )


def copies(pictures: list[made.U8], random: made.Random, count: int) -> Pairs:
    """Pictures, and what becomes of them by one to five changes."""
    pairs, weights = [], []
    for _ in range(count):
        pair, weight = changed_pair(pictures, random)
        pairs.append(pair)
        weights.append(weight)
    return described(pairs, weights)


def changed_pair(pictures: list[made.U8], random: made.Random) -> tuple[Pair, float]:
    """Returns one picture and a copy of it, sometimes both changed; and its weight."""
    picture = pictures[int(random.integers(len(pictures)))]
    most = 1 if random.random() < 0.4 else 5
    changed, names = made.composed(picture, random, most)
    if random.random() < _BOTH_CHANGED:
        picture, others = made.composed(picture, random, 2)
        names += others
    return (picture, changed), _copy_weight(names)


def small_copies(photos: list[made.U8], random: made.Random, count: int) -> Pairs:
    pairs, weights = [], []
    for _ in range(count):
        pair, names = small_pair(photos[int(random.integers(len(photos)))], random)
        pairs.append(pair)
        weights.append(_copy_weight(names))
    return described(pairs, weights)


def _copy_weight(names: list[str]) -> float:
    covering = {change.__name__ for change in made.COVERING}
    covered = bool(covering.intersection(names))
    return _DOUBLE ** (len(names) == 1) * _DOUBLE**covered


def small_pair(photo: made.U8, random: made.Random) -> tuple[Pair, list[str]]:
    """Two pictures of 28 to 64 pixels of one photograph, cut and changed."""
    first, second, names = photo, photo, []
    if random.random() < 0.7:
        share = random.uniform(0.72, 1, 2)
        start = random.uniform(0, 1, 2) * (1 - share)
        tall, wide = photo.shape[:2]
        top, left = int(start[0] * tall), int(start[1] * wide)
        second = photo[top:, left:][
            : max(8, round(share[0] * tall)), : max(8, round(share[1] * wide))
        ]
        names.append("crop")
    for chance, change in (
        (0.15, made.tilted),
        (0.35, made.color_cast),
        (0.25, made.gamma),
        (0.25, made.contrast),
        (0.25, made.saturation),
        (0.06, made.gray),
        (0.12, made.blurred),
        (0.12, made.noisy),
        (0.2, made.mirrored),
        (0.1, made.bordered),
        (0.05, made.letterboxed),
        (0.1, made.captioned),
        (0.3, made.jpeg),
    ):
        if random.random() < chance:
            second = change(second, random)
            names.append(change.__name__)
    return (tiny(first, random), tiny(second, random)), names


def tiny(picture: made.U8, random: made.Random) -> made.U8:
    """Returns a square of 28 to 64 pixels, 32 as a rule, made in one of three ways."""
    side = 32 if random.random() < 0.75 else int(random.integers(28, 65))
    how = int(random.choice((cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)))
    half = cv2.resize(np.ascontiguousarray(picture), (2 * side,) * 2)
    return np.asarray(cv2.resize(half, (side, side), interpolation=how), np.uint8)


def other_cuttings(photo: made.U8, random: made.Random) -> Pair | None:
    """Two squares of one photograph that share less than a third; None without."""
    tall, wide = photo.shape[:2]
    parts, boxes = [], []
    for _ in range(2):
        side = int(min(tall, wide) * random.uniform(0.28, 0.7))
        top = int(random.integers(tall - side + 1))
        left = int(random.integers(wide - side + 1))
        boxes.append((top, left, side))
        part = photo[top : top + side, left : left + side]
        parts.append(np.asarray(cv2.resize(part, (150, 150)), np.uint8))
    (top, left, side), (y, x, other) = boxes
    shared = max(0, min(top + side, y + other) - max(top, y))
    shared *= max(0, min(left + side, x + other) - max(left, x))
    cover = shared / min(side, other) ** 2
    union = side**2 + other**2 - shared
    return (parts[0], parts[1]) if shared <= 0.3 * union and 0.2 < cover < 0.9 else None


def cuttings(photos: list[made.U8], random: made.Random, count: int) -> Pairs:
    pairs: list[Pair] = []
    while len(pairs) < count:
        cut = other_cuttings(photos[int(random.integers(len(photos)))], random)
        if cut is not None:
            pairs.append(cut)
    return described(pairs, [1.0] * len(pairs))


def look_alikes(photos: list[made.U8], random: made.Random, count: int) -> Pairs:
    pairs, weights = [], []
    for _ in range(count):
        look = LOOK_ALIKES[int(random.integers(len(LOOK_ALIKES)))]
        six = [photos[i] for i in random.integers(len(photos), size=6).tolist()]
        pairs.append(look([squared(photo, 150) for photo in six], random))
        weights.append(_MOMENTS if look is other_moment else 1.0)
    return described(pairs, weights)


def crowd(pictures: list[made.U8], random: made.Random, propose: Propose) -> Pairs:
    """Some pairs that are proposed among pictures, and that are no copies.

    Some of the pictures are changed first. Left out are pairs of which nobody knows
    what they are: those whose originals look the same at 16 x 16 in any turn, pass for
    copies, or show one scene.
    """
    original, sizes = describe(pictures)
    changed = [
        made.composed(picture, random)[0]
        if random.random() < _CHANGED_IN_CROWD
        else picture
        for picture in pictures
    ]
    shown, shown_sizes = describe(changed)
    found = propose(changed, shown)
    ends = np.unique(np.sort(found, axis=1), axis=0).astype(np.int32)
    ends = ends[np.sort(random.permutation(len(ends))[:_MOST_OF_CROWD])]
    before = verify_pairs(original, ends, sizes)
    sure = (before.scores < _UNKNOWN) & ~before.scenes
    ends = ends[sure & ~_look_the_same(original, ends)]
    return Pairs(shown[ends], shown_sizes[ends], np.ones(len(ends)))


def by_a_search(embedder: Embedder) -> Propose:
    """What a scan compares: neighbors by the descriptors, and turned candidates."""

    def propose(
        pictures: list[made.U8], signature: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        vectors = np.concatenate(list(_vectors(pictures, embedder)))
        graph = neighbor_graph(vectors, CANDIDATE_NEIGHBORS)
        near = similar_enough(graph.similarities, embedder.min_candidate_similarity)
        row, column = np.nonzero(near)
        found = np.stack([row, graph.indices[row, column]], axis=1)
        return np.concatenate([found, turned_candidates(signature)])

    return propose


def _vectors(
    pictures: list[made.U8], embedder: Embedder
) -> Iterator[NDArray[np.float32]]:
    session = embedder.open_session()
    side = embedder.input_size
    for start in range(0, len(pictures), 64):
        some = [squared(picture, side) for picture in pictures[start : start + 64]]
        yield np.asarray(session(np.array(some, np.uint8))[0], np.float32)


def like_at_eight(
    pictures: list[made.U8], signature: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Nearest pictures by their lowest cosine coefficients, as they are and mirrored.

    A search proposes few small pictures.
    """
    spectra = whole_spectra(brightness_of(signature).astype(np.float32))
    own = np.arange(len(spectra))[:, None]
    found = []
    for turn in (0, 4):
        correlation = turned_spectra(spectra, turn) @ spectra.T
        np.fill_diagonal(correlation, -1)
        near = np.argpartition(-correlation, _LIKE_AT_EIGHT)[:, :_LIKE_AT_EIGHT]
        found.append(np.stack(np.broadcast_arrays(own, near), axis=2).reshape(-1, 2))
    return np.concatenate(found)


def _look_the_same(
    signature: NDArray[np.uint8], ends: NDArray[np.int32]
) -> NDArray[np.bool_]:
    gray = brightness_of(signature).reshape(-1, 16, 4, 16, 4)
    thumbs = gray.mean(axis=(2, 4), dtype=np.float32)
    first, second = thumbs[ends[:, 0]], thumbs[ends[:, 1]]
    apart = [
        np.abs(first - turn_planes(second, turn)).mean(axis=(1, 2))
        for turn in range(ORIENTATIONS)
    ]
    same: NDArray[np.bool_] = np.min(apart, axis=0) <= _SAME_LOOK
    return same


def describe(
    pictures: list[made.U8],
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    squares = np.array([squared(picture, 128) for picture in pictures], np.uint8)
    sizes = np.array([picture.shape[1::-1] for picture in pictures], np.int32)
    return signatures(squares), sizes


def squared(picture: made.U8, side: int) -> made.U8:
    large = max(picture.shape[:2]) >= side
    how = cv2.INTER_AREA if large else cv2.INTER_LINEAR
    whole = np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(whole, (side, side), interpolation=how), np.uint8)
