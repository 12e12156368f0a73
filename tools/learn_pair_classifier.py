"""Learns what :mod:`core.copy_detection.pair_classifier` weighs evidence with.

    python tools/learn_pair_classifier.py PHOTOGRAPHS ICONS OUT.json --count 3000

PHOTOGRAPHS is a folder of photographs, ICONS one of icons or clip art; neither may
hold what the benchmarks judge by. Copies are compositions of one to five changes at
the size of the photographs and at 28 to 64 pixels. No copies are the look-alikes of
``benchmarks/look_alikes.py``, other cuttings of one photograph, and the nearest other
pictures by their lowest cosine coefficients; of these, pairs that look the same at
16 x 16 in any turn are left out, because nobody knows what they are.

The stored trees were learned from 3,000 copies of each kind, 3,000 look-alikes, 2,500
cuttings, 9,000 neighbors among icons, 16,000 among photographs of 32 pixels and 19,000
among photographs of scenes, some of them changed or made small, all found by their
descriptors or cosine coefficients.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.look_alikes import LOOK_ALIKES, other_moment  # noqa: E402
from core.copy_detection import compositions as made  # noqa: E402
from core.copy_detection import signatures  # noqa: E402
from core.copy_detection.dct import (  # noqa: E402
    WHOLE_FRAME,
    turned_spectra,
    window_spectra,
)
from core.copy_detection.orientations import TURNS, turn_planes  # noqa: E402
from core.copy_detection.pair_classifier import (  # noqa: E402
    brightness_evidence,
    first_evidence,
)
from core.copy_detection.planes import Pictures  # noqa: E402
from core.copy_detection.refine_alignment import (  # noqa: E402
    align,
    align_finely,
    align_roughly,
)
from core.copy_detection.verify import _only_used, lay_views_over  # noqa: E402

Pair = tuple[made.U8, made.U8]

MONOTONIC = {
    "residual": -1,
    "explained": 1,
    "tones": 1,
    "tone_change": -1,
    "desaturation": -1,
    "color_residual": -1,
    "colorfulness": 0,
    "zoom": -1,
    "turned": -1,
    "moved": 0,
    "overhang": -1,
    "through_view": -1,
    "alike": 1,
    "unlike": -1,
    "rest": 1,
    "likeness": 1,
    "skew": -1,
    "stretch": -1,
    "angle": -1,
    "size": 0,
    "patch": -1,
    "scattered": -1,
    "least_alike": 1,
    "detail": 0,
    "drift": -1,
}
"""Evidence, and whether more of it may only raise (1) or lower (-1) the log odds."""

WEIGHTS = {"neighbors": 2, "icons": 3, "cuttings": 4, "look-alikes": 2, "moments": 0.3}
"""Of what is no copy. Other moments that are pasted look like stickers."""

COVERED = ("captioned", "sticker", "watermarked")
_DOUBLE = 2
"""Weight of copies with one change, and of those with a covered part."""

STRICTER = 0.5
"""Log odds taken from all: copies are rarer among candidates than here."""

_DEPTH = 3


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
    return (_tiny(first, random), _tiny(second, random)), names


def _tiny(picture: made.U8, random: made.Random) -> made.U8:
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


def neighbors(pictures: list[made.U8], count: int = 6) -> list[Pair]:
    """The nearest other pictures, also mirrored, that do not look the same."""
    gray = _described(pictures)[:, : 64 * 64].reshape(-1, 64, 64).astype(np.float32)
    spectra = window_spectra(gray, WHOLE_FRAME, 1)[:, 0]
    thumbs = gray.reshape(-1, 16, 4, 16, 4).mean(axis=(2, 4))
    pairs: set[tuple[int, int]] = set()
    for turn in (0, 4):
        likeness = turned_spectra(spectra, turn) @ spectra.T
        np.fill_diagonal(likeness, -1)
        near = np.argpartition(-likeness, count, axis=1)[:, :count]
        pairs |= {(min(a, b), max(a, b)) for a, row in enumerate(near) for b in row}
    return [
        (pictures[a], pictures[b])
        for a, b in sorted(pairs)
        if min(
            np.abs(thumbs[a] - turn_planes(thumbs[b], turn)).mean()
            for turn in range(TURNS)
        )
        > 4
    ]


def _described(pictures: list[made.U8]) -> np.ndarray:
    squares = []
    for picture in pictures:
        large = max(picture.shape[:2]) >= 128
        how = cv2.INTER_AREA if large else cv2.INTER_LINEAR
        whole = np.ascontiguousarray(picture)
        squares.append(cv2.resize(whole, (128, 128), interpolation=how))
    return signatures(np.array(squares, np.uint8))


def evidence_of(pairs: list[Pair]) -> np.ndarray:
    """Returns float32[p, d] in the order of MONOTONIC, NaN where no view matches."""
    result = np.full((len(pairs), len(MONOTONIC)), np.nan, np.float32)
    for start in range(0, len(pairs), 256):
        some = [picture for pair in pairs[start : start + 256] for picture in pair]
        sizes = np.array([picture.shape[1::-1] for picture in some], np.int32)
        ends = np.arange(len(some)).reshape(-1, 2)
        pictures = Pictures(_described(some), sizes)
        pictures, overlays, coarse = lay_views_over(pictures, ends)
        shows = pictures.shows_something
        told = shows[overlays.inner] & shows[overlays.outer] & (coarse > 0.45)
        rows = np.flatnonzero(told)
        pictures, overlays = _only_used(pictures, overlays.at(rows))
        overlays, likeness = align_roughly(pictures, overlays)
        overlays, likeness = align(pictures, overlays, likeness)
        moved = np.flatnonzero(overlays.moved)
        overlays.warp[moved] = align_finely(pictures, overlays.at(moved)).warp
        found = first_evidence(pictures, overlays, likeness)
        found |= brightness_evidence(pictures, overlays)
        result[start + rows] = np.stack([found[name] for name in MONOTONIC], axis=1)
    return result


def written(model: Any) -> dict[str, Any]:
    """Returns the trees as ``core/copy_detection/boosted_trees.py`` reads them."""
    asked, limits, leaves = [], [], []
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        questions, values = [0] * (2**_DEPTH - 1), [1e30] * (2**_DEPTH - 1)
        ends = [0.0] * 2**_DEPTH

        def fill(
            node: int,
            at: int,
            depth: int,
            nodes: Any = nodes,
            questions: list[int] = questions,
            values: list[float] = values,
            ends: list[float] = ends,
        ) -> None:
            here = nodes[node]
            if depth == _DEPTH:
                ends[at - len(questions)] = round(float(here["value"]), 5)
                return
            branches = (node, node)
            if not here["is_leaf"]:
                questions[at] = int(here["feature_idx"])
                values[at] = float(f"{here['num_threshold']:.9g}")
                branches = int(here["left"]), int(here["right"])
            for side, branch in enumerate(branches):
                fill(branch, 2 * at + 1 + side, depth + 1)

        fill(0, 0, 0)
        asked.append(questions)
        limits.append(values)
        leaves.append(ends)
    return {
        "evidence": list(MONOTONIC),
        "intercept": round(float(model._baseline_prediction.ravel()[0]) - STRICTER, 4),
        "asked": asked,
        "limits": limits,
        "leaves": leaves,
    }


def _square(picture: made.U8, side: int) -> made.U8:
    whole = np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(whole, (side, side)), np.uint8)


def _read(folder: Path, most: int) -> list[made.U8]:
    paths = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in _SUFFIXES]
    chosen = np.random.default_rng(1).permutation(len(paths))[:most]
    read = [cv2.imread(str(paths[i]), cv2.IMREAD_COLOR) for i in np.sort(chosen)]
    return [
        np.asarray(p[..., ::-1], np.uint8)
        for p in read
        if p is not None and min(p.shape[:2]) >= 48
    ]


_SUFFIXES = (".jpg", ".jpeg", ".png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("icons", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=3000, help="pairs of each kind")
    asked = parser.parse_args()
    random = np.random.default_rng(101)
    photos, icons = _read(asked.photographs, 3000), _read(asked.icons, 2000)
    icons = [_square(icon, 128) for icon in icons]

    def some(pictures: list[made.U8]) -> made.U8:
        return pictures[int(random.integers(len(pictures)))]

    pairs: list[Pair] = []
    truth: list[int] = []
    weights: list[float] = []

    def add(pair: Pair, is_copy: int, weight: float) -> None:
        pairs.append(pair)
        truth.append(is_copy)
        weights.append(weight)

    for _ in range(asked.count):
        picture = some(photos) if random.random() < 0.88 else some(icons)
        most = 1 if random.random() < 0.4 else 5
        changed, names = made.composed(picture, random, most)
        weight = _DOUBLE ** (len(names) == 1) * _DOUBLE ** any(
            name in COVERED for name in names
        )
        add((picture, changed), 1, weight)
        pair, names = small_pair(some(photos), random)
        add(pair, 1, _DOUBLE ** any(name in COVERED for name in names))
        cut = other_cuttings(some(photos), random)
        if cut is not None:
            add(cut, 0, WEIGHTS["cuttings"])
        look = LOOK_ALIKES[int(random.integers(len(LOOK_ALIKES)))]
        kind = "moments" if look is other_moment else "look-alikes"
        six = [_square(some(photos), 150) for _ in range(6)]
        add(look(six, random), 0, WEIGHTS[kind])
    for pair in neighbors(photos):
        add(pair, 0, WEIGHTS["neighbors"])
        add((_tiny(pair[0], random), _tiny(pair[1], random)), 0, 1)
    for pair in neighbors(icons):
        add(pair, 0, WEIGHTS["icons"])
    evidence = evidence_of(pairs)
    told = ~np.isnan(evidence[:, 0])
    model = HistGradientBoostingClassifier(
        max_iter=200,
        max_depth=_DEPTH,
        learning_rate=0.15,
        min_samples_leaf=40,
        l2_regularization=5,
        monotonic_cst=list(MONOTONIC.values()),
        early_stopping=False,
    )
    model.fit(evidence[told], np.array(truth)[told], np.array(weights)[told])
    text = json.dumps(written(model), separators=(",", ":"))
    asked.out.write_text(text + "\n", "utf-8")
    print(f"{told.sum()} pairs, {np.array(truth)[told].sum()} of them copies")


if __name__ == "__main__":
    main()
