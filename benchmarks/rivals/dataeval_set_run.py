"""What DataEval says of sets: python dataeval_set_run.py WORK

Image statistics are its own. Which of them go with the class, or with the split, is
asked of Parity and, as a second setting, of Balance; whether the splits look different
of DriftMMD on Winnow's features, whether their labels differ of label_parity, and
whether the classes are of like size of Diversity; all at their defaults.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import numpy as np
from dataeval import Metadata
from dataeval.bias import Balance, Diversity, Parity
from dataeval.core import compute_stats, label_parity
from dataeval.flags import ImageStats
from dataeval.shift import DriftMMD
from PIL import Image
from set_answers import SetAnswers

_SIGNIFICANT = 0.05
"""The p-value below which label_parity, which has no default, says that labels differ;
those of DriftMMD and Parity are the same."""

Values = dict[str, np.ndarray]


def statistics_of(paths: list[str]) -> Values:
    """Returns what DataEval measures of each image: name -> float[n]."""
    images = (np.asarray(Image.open(path).convert("RGB")) for path in paths)
    asked = ImageStats.PIXEL | ImageStats.VISUAL | ImageStats.DIMENSION
    found = compute_stats(
        [image.transpose(2, 0, 1) for image in images], stats=asked, per_target=False
    )["stats"]
    return {
        name: np.asarray(values)
        for name, values in found.items()
        if np.ndim(values) == 1 and np.asarray(values).dtype.kind in "iuf"
    }


def tied(factors: Values, codes: np.ndarray) -> dict[str, list[str]]:
    """Returns which factors go with a code, by setting."""
    data = Metadata.from_factors(factors, class_labels=codes)
    parity = Parity().evaluate(data).factors
    balance = Balance().evaluate(data).balance
    threshold = Balance().class_imbalance_threshold
    return {
        "Parity": list(parity.filter(parity["is_significant"])["factor_name"]),
        "Balance": [
            str(one["factor_name"])
            for one in balance.iter_rows(named=True)
            if one["factor_name"] != "class_label" and one["mi_value"] > threshold
        ],
    }


def low_diversity(codes: np.ndarray) -> bool:
    data = Metadata.from_factors({"class": codes}, class_labels=codes)
    factors = Diversity().evaluate(data).factors
    return bool(factors["is_low_diversity"].any())


def main(work: Path) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    answers = SetAnswers(work, "dataeval_set", ["dataeval", "torch"])
    # All sets share most pictures: each is looked at once
    files = sorted({path for _, one in answers.sets() for path in one.paths})
    every = statistics_of(files)
    place = {path: row for row, path in enumerate(files)}
    for number, one in answers.sets():
        rows = [place[path] for path in one.paths]
        factors = {name: values[rows] for name, values in every.items()}
        factors = {k: v for k, v in factors.items() if len(np.unique(v)) > 1}
        classes = np.unique(one.labels, return_inverse=True)[1]
        splits = np.array(one.splits)
        train, test = splits == splits.min(), splits == splits.max()
        features = one.features.reshape(len(splits), -1)
        said = []
        if DriftMMD().fit(features[train]).predict(features[test]).drifted:
            said.append("split: drift")
        if label_parity(classes[train], classes[test])["p_value"] < _SIGNIFICANT:
            said.append("label shift")
        if low_diversity(classes):
            said.append("imbalance")
        by_class, by_split = tied(factors, classes), tied(factors, splits)
        answers.add(
            number,
            {
                f"DataEval, {how}": said
                + [f"class: {name}" for name in by_class[how]]
                + [f"split: {name}" for name in by_split[how]]
                for how in ("Parity", "Balance")
            },
        )
    answers.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
