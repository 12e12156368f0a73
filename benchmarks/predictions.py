"""What predictions of a model add to a scan's own evidence for wrong labels.

    python benchmarks/predictions.py FOLDER [--network other.onnx] [--images 2000]

FOLDER holds a folder a class. The model is a linear discriminant of the embedding by
another network, out of five folds, learned from the given labels; or a weak one, of
edges and colors. Of the labels 6 % are flipped: on any picture, to a class that is
confused with its own; or as an annotator errs, who saw 64 pixels of it by both
networks; or half on any picture and half where the mean of both witnesses is unsure, to
what it says second. Prints the average precision of Winnow alone, of the model alone
and of both, mean of ten draws, and the differences with their 95 % intervals.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from label_sets import Codes, Floats, LabeledSet, embedded, read_set
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.findings.label_issues import judge_labels  # noqa: E402
from core.findings.label_support import class_support  # noqa: E402
from core.findings.prediction_weight import prediction_weight  # noqa: E402
from core.findings.predictions import Predictions  # noqa: E402
from core.models.registry import DEFAULT_MODEL  # noqa: E402

DRAWS, WRONG = 10, 0.06
_WITHIN = 2.262
"""Quantile of Student's distribution for ten draws."""

_SEEN = 64
"""Pixels a side that the annotator sees."""

_COMPONENTS = 300
FORMS = {"probabilities": 5, "confidence": 1}


@dataclass(frozen=True, eq=False)
class Pictures:
    """What is known of n pictures.

    Attributes:
        labeled: with their classes
        models: what each model of a person's learns from, n x d
        seen: what the annotator learned from, n x d
    """

    labeled: LabeledSet
    models: dict[str, Floats]
    seen: Floats


def edges_and_colors(picture: NDArray[np.uint8]) -> Floats:
    """Returns gradients by place and a histogram of hue, saturation and value."""
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA)
    gradients = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9).compute(small)
    hsv = cv2.cvtColor(small, cv2.COLOR_BGR2HSV)
    bins, ends = [8, 4, 4], [0, 180, 0, 256, 0, 256]
    colors = cv2.calcHist([hsv], [0, 1, 2], None, bins, ends).ravel() / 64**2
    return np.concatenate([gradients.ravel(), 4 * np.sqrt(colors)])


def reduced(values: Floats) -> Floats:
    """Returns the first principal components."""
    centered = values - values.mean(axis=0)
    axes = np.linalg.eigh(np.cov(centered.T))[1]
    return (centered @ axes[:, -_COMPONENTS:]).astype(np.float32)


def read(folder: Path, network: str, images: int) -> Pictures:
    """Returns some pictures of a folder, each file once."""
    labeled = read_set(folder, images)
    files = labeled.files
    pictures = [cv2.imread(str(file)) for file in files]
    with tempfile.TemporaryDirectory() as small:
        seen = [Path(small, f"{row}.png") for row in range(len(files))]
        for path, picture in zip(seen, pictures, strict=True):
            size = (_SEEN, _SEEN)
            shrunk = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(path), shrunk)
        thumbnails = [embedded(seen, one)[1] for one in (DEFAULT_MODEL, network)]
    return Pictures(
        labeled,
        {
            "network": reduced(embedded(files, network)[1]),
            "edges, colors": reduced(np.stack([*map(edges_and_colors, pictures)])),
        },
        reduced(np.concatenate(thumbnails, axis=1)),
    )


def out_of_fold(values: Floats, label: Codes, classes: int, seed: int) -> Floats:
    """Returns n x classes: probabilities of a model that did not learn the image."""
    fold = np.random.default_rng(seed).integers(0, 5, len(label))
    chances = np.zeros((len(label), classes))
    for number in range(5):
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3)
        model.fit(values[fold != number], label[fold != number])
        rows = np.flatnonzero(fold == number)
        chances[np.ix_(rows, model.classes_)] = model.predict_proba(values[rows])
    return chances


def others(chances: Floats, truth: Codes) -> Floats:
    """Returns the chances of all classes but the true one."""
    wrong = chances + 1e-6
    wrong[np.arange(len(truth)), truth] = 0
    return wrong


def flipped(
    pictures: Pictures, looks: Floats, seen: Floats, kind: str, seed: int
) -> Codes:
    """Returns labels of which some are wrong.

    Args:
        pictures: n
        looks: n x classes, the mean of what both witnesses say of true labels
        seen: n x classes, what the annotator says
        kind: of flips
        seed: of the draw
    """
    random = np.random.default_rng(seed)
    truth, count = pictures.labeled.truth, round(WRONG * len(looks))
    label, wrong = truth.copy(), others(looks, truth)
    chances = np.array(
        [wrong[truth == code].mean(axis=0) for code in range(looks.shape[1])]
    )[truth]
    weight = np.full(len(truth), 1.0)
    if kind == "annotator":
        chances = others(seen, truth)
        weight = chances.sum(axis=1)
    anywhere = count // 2 if kind == "unsure" else count
    some = random.choice(len(truth), anywhere, False, weight / weight.sum())
    for row in some.tolist():
        share = chances[row] / chances[row].sum()
        label[row] = random.choice(looks.shape[1], p=share)
    if kind == "unsure":
        weight = wrong.max(axis=1) ** 2
        weight[some] = 0
        size = count - anywhere
        more = random.choice(len(truth), size, False, weight / weight.sum())
        label[more] = wrong[more].argmax(axis=1)
    return label


def kept(chances: Floats, count: int) -> Predictions:
    """Returns the likeliest classes as a scan reads them; 1 for confidence alone."""
    best = np.argsort(-chances, axis=1)[:, :count]
    classes = np.full((len(chances), 5), -1, np.int32)
    said = np.zeros((len(chances), 5), np.float32)
    classes[:, : best.shape[1]] = best
    said[:, : best.shape[1]] = np.take_along_axis(chances, best, 1)
    return Predictions(classes, said)


def by_model(predictions: Predictions, label: Codes, classes: int) -> Floats:
    """Returns the score that the model alone gives each label."""
    chances = predictions.spread(classes)
    rows = np.arange(len(label))
    given = chances[rows, label]
    chances[rows, label] = 0
    return given / (given + chances.max(axis=1) + 1e-12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", default="efficientnet-lite0-quality")
    parser.add_argument("--images", type=int, default=2000)
    options = parser.parse_args()
    pictures = read(options.folder, options.network, options.images)
    truth, classes = pictures.labeled.truth, len(pictures.labeled.names)
    rows = np.arange(len(truth))
    looks = class_support(pictures.labeled.evidence(truth), rows)
    looks /= looks.sum(axis=1, keepdims=True)
    looks += out_of_fold(pictures.models["network"], truth, classes, 7)
    seen = out_of_fold(pictures.seen, truth, classes, 7)
    found: dict[tuple[str, str, str], list[list[float]]] = defaultdict(list)
    for seed in range(DRAWS):
        for kind in ("any picture", "annotator", "unsure"):
            label = flipped(pictures, looks / 2, seen, kind, seed)
            evidence = pictures.labeled.evidence(label)
            own, alone = class_support(evidence, rows), judge_labels(evidence).score
            for model, values in pictures.models.items():
                chances = out_of_fold(values, label, classes, seed + 100)
                for form, count in FORMS.items():
                    said = kept(chances, count)
                    weight = prediction_weight(own, said, label)
                    said = Predictions(said.classes, said.probabilities, weight)
                    both = judge_labels(replace(evidence, predictions=said)).score
                    scores = alone, by_model(said, label, classes), both
                    found[kind, model, form].append(
                        [
                            average_precision_score(
                                label != truth, -np.nan_to_num(score)
                            )
                            for score in scores
                        ]
                    )
    print(f"{len(truth):,} pictures, {classes} classes, {options.network}")
    for name, values in found.items():
        table = np.array(values)
        print("{:12} {:14} {:14}".format(*name), *table.mean(axis=0).round(3), end="")
        for other in (0, 1):
            more = table[:, 2] - table[:, other]
            reach = _WITHIN * more.std(ddof=1) / np.sqrt(DRAWS)
            print(f"  {more.mean():+.3f} ± {reach:.3f}", end="")
        print()


if __name__ == "__main__":
    main()
