"""What cleanlab's Datalab says of sets: python datalab_set_run.py WORK

It is given Winnow's features, images in the order of the splits and mixed within (its
test of whether data are independent looks at their order), and the split as a label
once more, since its search for spurious correlations knows labels alone.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from cleanlab import Datalab
from cleanlab.datalab.internal.adapter.constants import (
    DEFAULT_CLEANVISION_ISSUES,
    SPURIOUS_CORRELATION_ISSUE,
)
from cleanlab.datalab.internal.spurious_correlation import SpuriousCorrelations
from datasets import Dataset, Image
from set_answers import SetAnswers


def scores_of_images(paths: list[str]) -> pd.DataFrame:
    """Returns how each picture scores in what spurious correlations are looked for."""
    labels = [row % 2 for row in range(len(paths))]
    data = Dataset.from_dict({"image": paths, "label": labels})
    data = data.cast_column("image", Image())
    lab = Datalab(data, label_name="label", image_key="image", verbosity=0)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        lab.find_issues(issue_types={"image_issue_types": DEFAULT_CLEANVISION_ISSUES})
    found = lab.get_issues()
    return found[[name for name in found if name.endswith("_score")]]


def correlated(scores: pd.DataFrame, codes: np.ndarray) -> list[str]:
    found = SpuriousCorrelations(scores, codes).calculate_correlations()
    limit = SPURIOUS_CORRELATION_ISSUE["spurious_correlations"]["threshold"]
    return list(found[found["score"] < limit]["property"])


def main(work: Path) -> None:
    answers = SetAnswers(work, "datalab_set", ["cleanlab", "cleanvision"])
    # All sets share most pictures: each is looked at once
    files = sorted({path for _, one in answers.sets() for path in one.paths})
    every = scores_of_images(files)
    place = {path: row for row, path in enumerate(files)}
    for number, one in answers.sets():
        scores = every.iloc[[place[path] for path in one.paths]]
        classes = np.unique(one.labels, return_inverse=True)[1]
        splits = np.array(one.splits)
        said = [f"class: {name}" for name in correlated(scores, classes)]
        said += [f"split: {name}" for name in correlated(scores, splits)]
        lab = Datalab({"label": one.labels}, label_name="label", verbosity=0)
        mixed = np.random.default_rng(number).permutation(len(splits))
        order = mixed[np.argsort(splits[mixed], kind="stable")]
        ordered = Datalab(
            {"label": [one.labels[row] for row in order]},
            label_name="label",
            verbosity=0,
        )
        features = one.features[order]
        lab.find_issues(issue_types={"class_imbalance": {}})
        ordered.find_issues(features=features, issue_types={"non_iid": {}})
        if lab.get_issues("class_imbalance")["is_class_imbalance_issue"].any():
            said.append("imbalance")
        if ordered.get_issues("non_iid")["is_non_iid_issue"].any():
            said.append("split: not independent")
        answers.add(number, {"Datalab": said})
    answers.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
