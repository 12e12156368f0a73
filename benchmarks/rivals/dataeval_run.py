"""What DataEval says of sets: python dataeval_run.py WORK

Its statistics of the images, the type of the file and its bytes a pixel are the factors
that Balance and Parity look at, of classes and, as another label, of splits. Its tests
of drift are given Winnow's features.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import numpy as np
from dataeval import Metadata
from dataeval.bias import Balance, Diversity, Parity
from dataeval.core import compute_stats, label_parity
from dataeval.flags import ImageStats
from dataeval.shift import DriftDomainClassifier, DriftMMD
from PIL import Image
from set_answers import OneSet, SetAnswers

_LIKELY = 0.05


def factors_of(one: OneSet) -> dict[str, np.ndarray]:
    pictures = [
        np.moveaxis(np.array(Image.open(path).convert("RGB")), 2, 0)
        for path in one.paths
    ]
    kinds = ImageStats.PIXEL | ImageStats.VISUAL | ImageStats.DIMENSION
    stats = compute_stats(pictures, stats=kinds)["stats"]
    factors = {
        name: np.asarray(values, float)
        for name, values in stats.items()
        if np.ndim(values) == 1 and np.isfinite(np.asarray(values, float)).all()
    }
    sizes = np.array([picture[0].size for picture in pictures])
    factors["bytes a pixel"] = np.array(list(map(os.path.getsize, one.paths))) / sizes
    factors["file type"] = np.array([Path(path).suffix for path in one.paths])
    return {
        name: values for name, values in factors.items() if len(np.unique(values)) > 1
    }


def told(factors: dict[str, np.ndarray], codes: np.ndarray, what: str) -> tuple:
    """Returns what Balance and Parity say, and whether the classes are balanced."""
    metadata = Metadata.from_factors(factors, codes)
    balance = Balance().evaluate(metadata).classwise
    named = balance.filter(balance["is_imbalanced"])["factor_name"].unique()
    parity = Parity().evaluate(metadata).factors
    held = parity.filter(parity["is_significant"])["factor_name"]
    diverse = Diversity().evaluate(metadata).factors
    label = diverse.filter(diverse["factor_name"].cast(str) == "class_label")
    return (
        [f"{what}: {name}" for name in sorted(map(str, named))],
        [f"{what}: {name}" for name in sorted(map(str, held))],
        bool(label["is_low_diversity"].any()),
    )


def main(work: Path) -> None:
    warnings.filterwarnings("ignore")
    answers = SetAnswers(work, "dataeval", ["dataeval"])
    for number, one in answers.sets():
        factors = factors_of(one)
        codes = np.unique(one.labels, return_inverse=True)[1]
        splits = np.array(one.splits)
        balance, parity, uneven = told(factors, codes, "class")
        of_splits = told(factors, splits, "split")
        balance, parity = balance + of_splits[0], parity + of_splits[1]
        train, test = one.features[splits == 0], one.features[splits == 1]
        if DriftDomainClassifier().fit(train).predict(test).drifted:
            balance.append("split: domain classifier")
        if DriftMMD().fit(train).predict(test).drifted:
            parity.append("split: MMD")
        counts = codes.max() + 1
        parities = label_parity(
            codes[splits == 0], codes[splits == 1], num_classes=counts
        )
        for said in (balance, parity):
            said += ["imbalance"] * uneven
            said += ["label shift"] * (parities["p_value"] < _LIKELY)
        answers.add(number, {"Balance, classifier": balance, "Parity, MMD": parity})
    answers.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
