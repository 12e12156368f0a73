"""Learns what :mod:`core.copy_detection.pair_classifier` weighs evidence with.

    python tools/learn_pair_classifier.py OUT.json --photographs FOLDER ...
        --small FOLDER ... --icons FOLDER ...

Folders of photographs, of photographs of at most 64 pixels, and of icons or clip art;
none may hold what the benchmarks judge by. The pairs are those of ``pair_examples.py``.

The stored trees were learned on 29 November 2026 from scenes of 150 pixels (the train
set of ``dnth/fastdup-manage-clean-curate-blogpost``, without those of
``benchmarks/scene_pairs.csv``), flowers of 128, aerial photographs of 400
(``palewithout/RSSCN7``), photographs of 32 (the train set of Tiny-Imagenet made small)
and clip art (the folders of openclipart that no benchmark draws from). Of the pairs,
those count of which some view matches: 1,969 copies and 999 small ones; 500 cuttings
and 843 look-alikes; of photographs, small ones and icons 3,608, 84 and 501 pairs that a
search proposes, and 3,974, 3,972 and 2,851 that are alike at 8 x 8.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from core.copy_detection import compositions as made  # noqa: E402
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
from core.copy_detection.signature import SIGNATURE_BYTES  # noqa: E402
from core.copy_detection.verify import _only_used, lay_views_over  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from tools.pair_examples import (  # noqa: E402
    Pairs,
    by_a_search,
    copies,
    crowd,
    cuttings,
    like_at_eight,
    look_alikes,
    small_copies,
)

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
    "correlation": 1,
    "skew": -1,
    "stretch": -1,
    "angle": -1,
    "size": 0,
    "patch": -1,
    "scattered": -1,
    "least_alike": 1,
    "detail": 0,
    "drift": -1,
    "bare": 1,
    "bare_alike": 1,
    "bare_unlike": -1,
    "bare_least": 1,
    "margined": -1,
}
"""Evidence, and whether more of it may only raise (1) or lower (-1) the log odds."""

COUNTS = {"copies": 2000, "small copies": 1000, "cuttings": 600, "look-alikes": 900}
PICTURES = {"photographs": 2800, "small": 4000, "icons": 1200}
"""Pairs that are made, and pictures that are read of each kind."""

WEIGHTS = {
    "copies": 1.5,
    "small copies": 1.5,
    "cuttings": 5.0,
    "look-alikes": 1.0,
    "photographs": 1.2,
    "small": 2.0,
    "icons": 6.0,
    "photographs at eight": 0.6,
    "small at eight": 0.6,
    "icons at eight": 4.0,
}
"""Of the kinds of pairs."""

STRICTER = 0.4
"""Log odds taken from all: copies are rarer among candidates than here."""

_LEAST_COARSE = 0.3
_LONGEST = 300
"""Correlation of pairs to learn from, and pixels to which pictures are shrunk."""

_DEPTH = 3
_TREES = 200


def evidence_of(pairs: Pairs) -> NDArray[np.float32]:
    """Returns float32[p, d] in the order of MONOTONIC, NaN where no view matches."""
    result = np.full((len(pairs.sizes), len(MONOTONIC)), np.nan, np.float32)
    for start in range(0, len(result), 256):
        some = slice(start, start + 256)
        signature = pairs.signatures[some].reshape(-1, SIGNATURE_BYTES)
        ends = np.arange(len(signature)).reshape(-1, 2)
        pictures = Pictures(signature, pairs.sizes[some].reshape(-1, 2))
        pictures, overlays, coarse = lay_views_over(pictures, ends)
        shows = pictures.shows_something
        told = shows[overlays.inner] & shows[overlays.outer] & (coarse > _LEAST_COARSE)
        rows = np.flatnonzero(told)
        pictures, overlays = _only_used(pictures, overlays.at(rows))
        overlays, correlation = align_roughly(pictures, overlays)
        overlays, correlation = align(pictures, overlays, correlation)
        moved = np.flatnonzero(overlays.moved)
        overlays.warp[moved] = align_finely(pictures, overlays.at(moved)).warp
        found = first_evidence(pictures, overlays, correlation)
        found |= brightness_evidence(pictures, overlays)
        result[start + rows] = np.stack([found[name] for name in MONOTONIC], axis=1)
    return result


def written(model: Any, names: list[str], stricter: float) -> dict[str, Any]:
    """Returns the trees as ``core/copy_detection/boosted_trees.py`` reads them.

    Args:
        model: that was fitted
        names: of the evidence, in its order
        stricter: log odds that are taken from all
    """
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
        "evidence": names,
        "intercept": round(float(model._baseline_prediction.ravel()[0]) - stricter, 4),
        "asked": asked,
        "limits": limits,
        "leaves": leaves,
    }


def read(folders: list[Path], most: int) -> list[made.U8]:
    """Reads some pictures of folders, whatever has an alpha channel on white."""
    paths = sorted(path for folder in folders for path in folder.rglob("*.*"))
    chosen = np.random.default_rng(1).permutation(len(paths))[:most]
    pictures = []
    for index in np.sort(chosen).tolist():
        picture = cv2.imread(str(paths[index]), cv2.IMREAD_UNCHANGED)
        if picture is None or picture.ndim < 3 or min(picture.shape[:2]) < 24:
            continue
        color = picture[..., 2::-1].astype(np.float32)
        if picture.shape[2] == 4:
            alpha = picture[..., 3:] / np.float32(255)
            color = color * alpha + 255 * (1 - alpha)
        scale = min(1, _LONGEST / max(color.shape[:2]))
        sides = (round(side * scale) for side in color.shape[:2])
        pictures.append(made.resized(made.clipped(color), *reversed(list(sides))))
    return pictures


def fitted(
    lessons: dict[str, tuple[NDArray[np.float32], NDArray[np.float64], bool]],
    kinds: dict[str, float],
    monotonic: dict[str, int],
    trees: int,
) -> HistGradientBoostingClassifier:
    """Learns trees from pairs of several kinds.

    Args:
        lessons: by kind, the evidence and weights of pairs, and whether they are copies
        kinds: how much each kind counts
        monotonic: by evidence, -1 where more of it speaks against a copy
        trees: how many
    """
    evidence, truth, weights = [], [], []
    for name, (numbers, weight, is_copy) in lessons.items():
        told = ~np.isnan(numbers[:, 0])
        evidence.append(numbers[told])
        weights.append(weight[told] * kinds[name])
        truth.append(np.full(told.sum(), is_copy))
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_depth=_DEPTH,
        learning_rate=0.1,
        min_samples_leaf=30,
        l2_regularization=5,
        monotonic_cst=list(monotonic.values()),
        early_stopping=False,
    )
    model.fit(np.concatenate(evidence), np.concatenate(truth), np.concatenate(weights))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    for name in ("photographs", "small", "icons"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    asked, random = parser.parse_args(), np.random.default_rng(101)
    crowds = {name: read(getattr(asked, name), most) for name, most in PICTURES.items()}
    photos = crowds["photographs"]
    some_drawn = photos + crowds["icons"][: len(photos) // 8]
    pairs = {
        "copies": copies(some_drawn, random, COUNTS["copies"]),
        "small copies": small_copies(photos, random, COUNTS["small copies"]),
        "cuttings": cuttings(photos, random, COUNTS["cuttings"]),
        "look-alikes": look_alikes(photos, random, COUNTS["look-alikes"]),
    }
    search = by_a_search(load_embedder())
    for name, pictures in crowds.items():
        pairs[name] = crowd(pictures, random, search)
        pairs[f"{name} at eight"] = crowd(pictures, random, like_at_eight)
    model = fitted(
        {
            name: (evidence_of(some), some.weights, name.endswith("copies"))
            for name, some in pairs.items()
        },
        WEIGHTS,
        MONOTONIC,
        _TREES,
    )
    text = json.dumps(written(model, list(MONOTONIC), STRICTER), separators=(",", ":"))
    asked.out.write_text(text + "\n", "utf-8")
    for name, some in pairs.items():
        print(f"{name}: {len(some.weights)} pairs")


if __name__ == "__main__":
    main()
