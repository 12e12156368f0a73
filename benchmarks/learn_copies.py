"""Learns the weights of the comparison of pictures from compositions and look-alikes.

    python benchmarks/learn_copies.py PHOTOS ICONS OTHERS.npz >
    core/copy_detection/weights.json

PHOTOS and ICONS are folders of pictures that no benchmark is made of. OTHERS holds
pairs of different photographs that are most similar by their embedding: arrays
``signatures``, ``sizes``, ``pairs`` and ``is_copy``, the last judged by eye. What
the rules of ``contradicted`` settle is left out, so that it teaches nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from compositions import LOOK_ALIKES, composed, form, jpeg, same_ground, small
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.copy_detection import SIGNATURE_SIDE, signatures  # noqa: E402
from core.copy_detection import verify as stages  # noqa: E402
from core.copy_detection.pair_classifier import (  # noqa: E402
    brightness_evidence,
    color_evidence,
    contradicted,
    frame_evidence,
)
from core.copy_detection.planes import Pictures  # noqa: E402
from core.copy_detection.refine_alignment import align, align_finely, align_roughly  # noqa: E402

U8 = NDArray[np.uint8]
COPIES, OTHERS = 5800, 9400
EVIDENCE = [
    "residual",
    "explained",
    "tones",
    "tone_change",
    "desaturation",
    "color_residual",
    "colorfulness",
    "zoom",
    "turned",
    "moved",
    "reach",
    "detail",
    "alike",
    "unlike",
    "rest",
    "rest_unlike",
    "patch",
    "second",
    "scattered",
    "patches",
    "filled",
    "inverted",
    "framed",
]
PROMISE = [
    "likeness",
    "zoom",
    "turned",
    "moved",
    "reach",
    "tones",
    "desaturation",
    "color_residual",
    "colorfulness",
    "inverted",
    "framed",
]
_MOST_SPREADS = 4.0


def pictures_in(folder: Path, most: int) -> list[U8]:
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".jpg", ".png"))
    order = np.random.default_rng(1).permutation(len(files))[:most]
    read = (cv2.imread(str(files[row]), cv2.IMREAD_UNCHANGED) for row in order)
    return [_on_white(picture) for picture in read if picture is not None]


def _on_white(picture: U8) -> U8:
    if picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    if picture.shape[2] == 4:
        opaque = picture[..., 3:] / 255
        mixed = picture[..., :3] * opaque + 255 * (1 - opaque)
        picture = np.rint(mixed).astype(np.uint8)
    return np.ascontiguousarray(picture[..., ::-1])


def made_pairs(
    photos: list[U8], icons: list[U8], seed: int
) -> tuple[list[U8], NDArray[np.int64]]:
    """Returns pictures, each two of them a pair, and whether each pair are copies."""
    random = np.random.default_rng(seed)
    made: list[U8] = []
    for _ in range(COPIES):
        kind = random.random()
        if kind < 0.75:
            picture = photos[int(random.integers(len(photos)))]
        elif kind < 0.85:
            picture = icons[int(random.integers(len(icons)))]
        elif kind < 0.92:
            picture = form(np.random.default_rng(int(random.integers(2**31))), random)
        else:
            picture = same_ground(photos, random)[0]
        made += [picture, composed(picture, random, int(random.choice((1, 5))))[0]]
    for row in range(OTHERS):
        for picture in LOOK_ALIKES[row % len(LOOK_ALIKES)](photos, random):
            saved = jpeg(picture, random) if random.random() < 0.5 else picture
            made.append(small(saved, random) if random.random() < 0.2 else saved)
    return made, np.repeat([1, 0], [COPIES, OTHERS])


def evidence_of(
    described: U8, sizes: NDArray[np.int32], pairs: NDArray[np.int32]
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64]]:
    """Returns the evidence of the pairs that can be laid over one another."""
    found: list[dict[str, NDArray[np.float32]]] = []
    rows: list[NDArray[np.int64]] = []
    for start in range(0, len(pairs), 256):
        used, ends = np.unique(pairs[start : start + 256], return_inverse=True)
        pictures, overlays, coarse = stages._lay_views_over(
            Pictures(described[used], sizes[used]), ends.reshape(-1, 2)
        )
        shows = pictures.shows_something
        at = np.flatnonzero(
            (coarse >= 0.4) & shows[overlays.inner] & shows[overlays.outer]
        )
        overlays, likeness = align_roughly(pictures, overlays.at(at))
        alike = np.flatnonzero(likeness >= 0.35)
        at, overlays = at[alike], overlays.at(alike)
        overlays, likeness = align(pictures, overlays, likeness[alike])
        alike = np.flatnonzero(likeness >= 0.45)
        at, overlays = at[alike], overlays.at(alike)
        moved = np.flatnonzero(overlays.moved)
        overlays.warp[moved] = align_finely(pictures, overlays.at(moved)).warp
        evidence = frame_evidence(pictures, overlays)
        evidence |= color_evidence(pictures, overlays)
        evidence |= brightness_evidence(pictures, overlays)
        found.append({**evidence, "likeness": likeness[alike]})
        rows.append(start + at)
    names = found[0]
    joined = {name: np.concatenate([one[name] for one in found]) for name in names}
    return joined, np.concatenate(rows)


def learned(
    evidence: dict[str, NDArray[np.float32]], is_copy: NDArray[np.int64]
) -> dict[str, object]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    columns = np.stack([evidence[name] for name in EVIDENCE], axis=1)
    middle, spread = columns.mean(axis=0), columns.std(axis=0)
    scaled = np.clip((columns - middle) / spread, -_MOST_SPREADS, _MOST_SPREADS)
    # Look-alikes count twice
    rows = np.concatenate([np.arange(len(scaled)), np.flatnonzero(is_copy == 0)])
    linear = LogisticRegression(C=1, max_iter=500).fit(scaled[rows], is_copy[rows])
    network = MLPClassifier(
        (16,),
        alpha=1.0,
        max_iter=200,
        random_state=0,
        learning_rate_init=0.003,
        batch_size=200,
    ).fit(scaled[rows], is_copy[rows])
    sure = np.minimum(
        network.predict_proba(scaled)[:, 1], linear.predict_proba(scaled)[:, 1]
    )
    first = np.stack([evidence[name] for name in PROMISE], axis=1)
    own_middle, own_spread = first.mean(axis=0), first.std(axis=0)
    promise = LogisticRegression(C=3, max_iter=500).fit(
        (first - own_middle) / own_spread, sure > 0.6
    )
    weights = promise.coef_[0] / own_spread
    return {
        "evidence": EVIDENCE,
        "middle": _rounded(middle),
        "spread": _rounded(spread),
        "hidden": _rounded(network.coefs_[0].T),
        "hidden_bias": _rounded(network.intercepts_[0]),
        "output": _rounded(network.coefs_[1][:, 0]),
        "output_bias": round(float(network.intercepts_[1][0]), 4),
        "linear": _rounded(linear.coef_[0]),
        "linear_bias": round(float(linear.intercept_[0]), 4),
        "promise": dict(zip(PROMISE, _rounded(weights), strict=True)),
        "promise_bias": round(
            float(promise.intercept_[0] - (weights * own_middle).sum()), 4
        ),
    }


def _rounded(values: NDArray[np.floating]) -> list[float]:
    rounded: list[float] = np.round(values.astype(np.float64), 4).tolist()
    return rounded


def main() -> None:
    photos = pictures_in(Path(sys.argv[1]), 2500)
    icons = pictures_in(Path(sys.argv[2]), 200)
    others = np.load(sys.argv[3])
    made, is_copy = made_pairs(photos, icons, seed=1)
    squares = [
        cv2.resize(np.ascontiguousarray(p), (SIGNATURE_SIDE,) * 2, None, 0, 0, 3)
        for p in made
    ]
    sizes = np.array([(p.shape[1], p.shape[0]) for p in made], np.int32)
    pairs = np.arange(len(made), dtype=np.int32).reshape(-1, 2)
    own, rows = evidence_of(signatures(np.array(squares)), sizes, pairs)
    natural, at = evidence_of(others["signatures"], others["sizes"], others["pairs"])
    evidence = {name: np.concatenate([own[name], natural[name]]) for name in own}
    truth = np.concatenate([is_copy[rows], others["is_copy"][at]])
    open_ = ~contradicted(evidence)
    evidence = {name: values[open_] for name, values in evidence.items()}
    print(json.dumps(learned(evidence, truth[open_])))


if __name__ == "__main__":
    main()
