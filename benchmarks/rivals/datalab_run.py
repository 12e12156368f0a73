"""Runs cleanlab's Datalab in its own environment: python datalab_run.py WORK

It is given Winnow's embeddings: the features for outliers and labels, and both
kinds of vectors for near duplicates. Its other label setting is given the
probabilities of a cross-validated logistic regression, as its guide advises.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from answers import Answers, all_pairs, components
from cleanlab import Datalab

CUTS = (0.13, 0.25, 0.4)


def empty_lab(answers: Answers) -> Datalab:
    return Datalab(
        {"label": answers.labels},
        task="classification",
        label_name="label",
        verbosity=0,
    )


def lab_on(answers: Answers, task: str, **given: object) -> Datalab:
    lab = empty_lab(answers)
    lab.find_issues(issue_types={task: {}}, **given)
    return lab


def labels(answers: Answers, setting: str, default: bool, **given: object) -> None:
    found = lab_on(answers, "label", **given).get_issues("label")
    answers.add(
        "labels",
        setting,
        default=default,
        scores=[100 * float(score) for score in found["label_score"]],
        suggestions=list(map(str, found["predicted_label"])),
    )


def copies(answers: Answers, vectors: np.ndarray, of: str) -> None:
    for cut in CUTS:
        lab = empty_lab(answers)
        options = {"near_duplicate": {"threshold": cut}}
        lab.find_issues(features=vectors, issue_types=options)
        sets = lab.get_info("near_duplicate")["near_duplicate_sets"]
        close = {
            (min(row, int(other)), max(row, int(other)))
            for row, others in enumerate(sets)
            for other in others
        }
        setting = f"{of}, threshold {cut:g}"
        default = cut == CUTS[0] and of == "features"
        answers.add("copies", setting, default=default, pairs=sorted(close))
        groups = all_pairs(components(sorted(close)))
        answers.add("copies", f"{setting}, joined", default=False, pairs=groups)


def main(work: Path) -> None:
    answers = Answers(work, "datalab", ["cleanlab"])
    features = np.load(work / "features.npy").astype(np.float32)
    found = lab_on(answers, "outlier", features=features).get_issues("outlier")
    scores = [1 - float(score) for score in found["outlier_score"]]
    answers.add("outliers", "features", default=True, scores=scores)
    labels(answers, "features", True, features=features)
    chances = np.load(work / "chances.npy")
    labels(answers, "probabilities", False, pred_probs=chances)
    copies(answers, features, "features")
    copies(answers, np.load(work / "copies.npy").astype(np.float32), "copy vectors")
    answers.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
