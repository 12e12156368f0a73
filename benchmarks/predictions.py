"""What predictions of a model add to a scan's own evidence for wrong labels.

    python benchmarks/predictions.py FOLDER

FOLDER holds a folder a class. Winnow sees the pictures at 40 pixels; the model saw them
in full: a linear discriminant on half of their embedding, out of five folds, learned
from the given labels. Labels are flipped to classes that are confused with theirs:
6 % on any picture, or 3 % on any and 3 % on pictures that look like two classes. Prints
the average precision of each kind of evidence and of both, mean of five draws, and the
difference with its 95 % interval.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import average_precision_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.embedding.embed import embed_images  # noqa: E402
from core.findings.label_issues import judge_labels, label_evidence  # noqa: E402
from core.findings.label_support import (  # noqa: E402
    COPY_VOTERS,
    VOTERS,
    class_support,
    gather_evidence,
    prediction_weight,
)
from core.findings.predictions import Predictions  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.neighbors.knn_graph import neighbor_graph  # noqa: E402
from core.storage.cache import cache_folder  # noqa: E402

IMAGES, SIDE, DRAWS = 3000, 40, 5
_WITHIN = 2.776
"""Quantile of Student's distribution for five draws."""

Floats = NDArray[np.floating]
Codes = NDArray[np.int32]


def vectors(paths: list[Path]) -> tuple[Floats, Floats]:
    """Returns the descriptors and the features of files, unit rows."""
    table = embed_images(
        [os.fsencode(path) for path in paths],
        load_embedder(),
        folder=cache_folder(),
        max_megapixels=100,
    )
    rows = table.unique_file
    found = []
    for name in ("copy", "features"):
        values = np.asarray(table.column(name)[rows]).astype(np.float32)
        found.append(values / np.linalg.norm(values, axis=1, keepdims=True))
    return found[0], found[1]


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


def flipped(truth: Codes, looks: Floats, kind: str, seed: int) -> Codes:
    """Returns labels of which 6 % are wrong."""
    random = np.random.default_rng(seed)
    classes, rows = looks.shape[1], np.arange(len(truth))
    confused = np.array([looks[truth == code].mean(axis=0) for code in range(classes)])
    np.fill_diagonal(confused, 0)
    label = truth.copy()
    count = round((0.06 if kind == "any" else 0.03) * len(truth))
    some = random.choice(len(truth), count, replace=False)
    for row in some:
        chances = confused[truth[row]]
        label[row] = random.choice(classes, p=chances / chances.sum())
    if kind == "unsure":
        other = looks.copy()
        other[rows, truth] = 0
        weight = other.max(axis=1) ** 2
        weight[some] = 0
        more = random.choice(len(truth), count, False, weight / weight.sum())
        label[more] = other[more].argmax(axis=1)
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
    files = sorted(
        one for one in parser.parse_args().folder.rglob("*") if one.is_file()
    )
    draw = np.random.default_rng(1).permutation(len(files))[:IMAGES]
    files = [files[row] for row in draw]
    names, truth = np.unique([one.parent.name for one in files], return_inverse=True)
    truth, classes = truth.astype(np.int32), len(names)
    rows, alone = np.arange(len(files)), np.full(len(files), -1, np.int64)
    with tempfile.TemporaryDirectory() as small:
        paths = [Path(small, f"{row}.png") for row in rows]
        for path, file in zip(paths, files, strict=True):
            picture = cv2.imread(str(file))
            shrunk = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(path), shrunk)
        copies, features = vectors(paths)
    full = vectors(files)[1]
    full = full[:, np.random.default_rng(9).permutation(full.shape[1])[:500]]
    graph, copy_graph = (
        neighbor_graph(features, VOTERS),
        neighbor_graph(copies, COPY_VOTERS),
    )

    def evidence_of(label: Codes) -> Floats:
        evidence = label_evidence((copies, features), label, alone, classes)
        return evidence, class_support(
            gather_evidence(
                evidence, graph, label, alone, classes, copy_graph=copy_graph
            ),
            rows,
        )

    looks = evidence_of(truth)[1]
    looks /= looks.sum(axis=1, keepdims=True)
    looks = (looks + out_of_fold(full, truth, classes, 7)) / 2
    found: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for seed in range(DRAWS):
        for kind in ("any", "unsure"):
            label = flipped(truth, looks, kind, seed)
            evidence, own = evidence_of(label)
            chances = out_of_fold(full, label, classes, seed + 100)
            for form, count in (("probabilities", 5), ("confidence", 1)):
                said = kept(chances, count)
                weight = prediction_weight(
                    own[:2000], said.of(rows[:2000]), label[:2000]
                )
                said = Predictions(said.classes, said.probabilities, weight)
                scores = [
                    judge_labels(
                        gather_evidence(
                            evidence,
                            graph,
                            label,
                            alone,
                            classes,
                            copy_graph=copy_graph,
                            predictions=one,
                        )
                    ).score
                    for one in (None, said)
                ]
                scores.insert(1, by_model(said, label, classes))
                wrong = label != truth
                found[kind, form].append(
                    [
                        average_precision_score(wrong, -np.nan_to_num(one))
                        for one in scores
                    ]
                )
    for (kind, form), values in found.items():
        table = np.array(values)
        print(f"{kind:7} {form:14}", *table.mean(axis=0).round(3), end="")
        for other in (0, 1):
            more = table[:, 2] - table[:, other]
            reach = _WITHIN * more.std(ddof=1) / np.sqrt(DRAWS)
            print(f"  {more.mean():+.3f} ± {reach:.3f}", end="")
        print()


if __name__ == "__main__":
    main()
