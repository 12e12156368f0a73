"""Runs FiftyOne Brain in Winnow's environment: python brain_run.py WORK

It is given Winnow's embeddings, since its own models need a download: the copy
vectors for near duplicates and leaks, the features for uniqueness. Mistakenness
is given the classes of a cross-validated logistic regression.
"""

from __future__ import annotations

import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
from answers import Answers, all_pairs

CUTS = (0.2, 0.1, 0.05, 0.03)


def dataset_of(answers: Answers, chances: np.ndarray) -> fo.Dataset:
    classes = sorted(set(answers.labels))
    # Persistent: another process that starts FiftyOne would delete it meanwhile
    dataset = fo.Dataset(persistent=True)
    best = chances.argmax(axis=1)
    samples = []
    for row, path in enumerate(answers.paths):
        sample = fo.Sample(filepath=path, tags=[answers.splits[row]], row=row)
        sample["label"] = fo.Classification(label=answers.labels[row])
        sample["predicted"] = fo.Classification(
            label=classes[best[row]], confidence=float(chances[row].max())
        )
        samples.append(sample)
    dataset.add_samples(samples, progress=False)
    return dataset


def copies(
    answers: Answers, dataset: fo.Dataset, row_of: dict[str, int], vectors: np.ndarray
) -> None:
    index = fob.compute_near_duplicates(dataset, embeddings=vectors, progress=False)
    for cut in CUTS:
        index.find_duplicates(thresh=cut)
        groups = [
            [row_of[kept], *(row_of[other] for other, _ in others)]
            for kept, others in index.neighbors_map.items()
        ]
        setting = f"threshold {cut:g}"
        pairs = all_pairs(groups)
        answers.add("copies", setting, default=cut == CUTS[0], pairs=pairs)


def leaks(
    answers: Answers, dataset: fo.Dataset, row_of: dict[str, int], vectors: np.ndarray
) -> None:
    splits = sorted(set(answers.splits))
    index = fob.compute_leaky_splits(
        dataset, splits, embeddings=vectors, progress=False
    )
    for cut in CUTS:
        index.find_leaks(cut)
        rows = sorted(row_of[sample] for sample in set(index.leak_ids))
        setting = f"compute_leaky_splits, threshold {cut:g}"
        answers.add("leaks", setting, default=cut == CUTS[0], rows=rows)


def main(work: Path) -> None:
    answers = Answers(work, "brain", ["fiftyone", "fiftyone-brain"])
    dataset = dataset_of(answers, np.load(work / "chances.npy"))
    ids, rows = dataset.values(["id", "row"])
    row_of = dict(zip(ids, rows, strict=True))
    same = fob.compute_exact_duplicates(dataset, progress=False)
    groups = [[row_of[one], *map(row_of.get, rest)] for one, rest in same.items()]
    answers.add("exact copies", "bytes", default=True, pairs=all_pairs(groups))
    order = [row_of[sample] for sample in dataset.values("id")]
    # Brain centres the array that it is given in place: each call its own
    vectors = np.load(work / "copies.npy").astype(np.float32)[order]
    copies(answers, dataset, row_of, vectors.copy())
    leaks(answers, dataset, row_of, vectors.copy())
    features = np.load(work / "features.npy").astype(np.float32)[order]
    fob.compute_uniqueness(dataset, embeddings=features, progress=False)
    unique = dict(zip(rows, dataset.values("uniqueness"), strict=True))
    scores = [unique[row] for row in range(len(rows))]
    answers.add("outliers", "uniqueness", default=True, scores=scores)
    fob.compute_mistakenness(dataset, "predicted", "label", progress=False)
    wrong = dict(zip(rows, dataset.values("mistakenness"), strict=True))
    guess = dict(zip(rows, dataset.values("predicted.label"), strict=True))
    answers.add(
        "labels",
        "mistakenness",
        default=True,
        scores=[100 * (1 - wrong[row]) for row in range(len(rows))],
        suggestions=[guess[row] for row in range(len(rows))],
    )
    dataset.delete()
    answers.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
