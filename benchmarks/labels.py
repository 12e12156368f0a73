"""What a scan expects of wrong labels, and what is true, of labels that were changed.

    python benchmarks/labels.py scenes=FOLDER waste=FOLDER ...

Each folder holds a folder a class. Of its labels 3 or 9 % are changed in four ways:
on any picture, to any class or to one that its class is confused with; on pictures that
a regression, which learned the given labels out of fold, is unsure of, to a class that
it holds likely; or half and half. Given labels are not all right: of some sets that are
named in label_judgments.csv a person looked at labels by their score, before any was
changed, and the share that was wrong counts as wrong. Writes labels.md.
"""

from __future__ import annotations

import csv
import datetime
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from label_sets import Codes, Floats, LabeledSet, read_set
from measuring import instructions, processor, write_section
from numpy.typing import NDArray
from object_scores import average_precision
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from core.findings.label_estimate import estimate_labels  # noqa: E402
from core.findings.label_issues import judge_labels  # noqa: E402

_COMPONENTS = 128
_HEAD = (
    "| images | changed | average precision | threshold | flagged "
    "| expected precision | true | expected recall | true | wrong, expected | true |\n"
    "| :-- | :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n"
)

Chances = NDArray[np.float64]


def looks_like(labeled: LabeledSet) -> Chances:
    """Returns n x classes, what a regression says that did not learn the picture."""
    values = np.concatenate(labeled.vectors, axis=1)
    values = values - values.mean(axis=0)
    axes = np.linalg.eigh(values.T @ values)[1][:, -_COMPONENTS:]
    values = values @ axes
    model = LogisticRegression(C=0.3, max_iter=300)
    chances: Chances = cross_val_predict(
        model, values / values.std(), labeled.truth, cv=5, method="predict_proba"
    )
    return chances


def changed(truth: Codes, looks: Chances, share: float, kind: str) -> Codes:
    """Returns labels of which some are no longer the given ones.

    Args:
        truth: int32[n]
        looks: n x classes, from :func:`looks_like`
        share: of the labels to change
        kind: "any class", "confused classes", "unsure pictures" or "half and half",
            which is half of the two before
    """
    random = np.random.default_rng(7)
    rows, count = np.arange(len(truth)), round(share * len(truth))
    others = looks + 1e-6
    others[rows, truth] = 0
    by_class = np.array(
        [others[truth == code].mean(axis=0) for code in range(looks.shape[1])]
    )
    unsure = {"half and half": count // 2, "unsure pictures": count}.get(kind, 0)
    weight = others.sum(axis=1)
    some = random.choice(len(truth), unsure, False, weight / weight.sum())
    chances = {int(row): others[row] for row in some}
    for row in random.choice(len(truth), count - unsure, False).tolist():
        even = (np.arange(looks.shape[1]) != truth[row]).astype(float)
        chances[row] = even if kind == "any class" else by_class[truth[row]]
    label = truth.copy()
    for row, chance in chances.items():
        label[row] = random.choice(looks.shape[1], p=chance / chance.sum())
    return label


def wrong_for_a_person(name: str, score: Floats) -> Chances:
    """Returns float64[n], the share of given labels of such scores that is wrong."""
    wrong = np.zeros(len(score))
    with (HERE / "label_judgments.csv").open() as judged:
        for row in csv.DictReader(judged):
            if row["set"] == name:
                within = score >= float(row["lowest"])
                within &= score < float(row["below"])
                wrong[within] = int(row["wrong"]) / int(row["looked_at"])
    return wrong


def line(
    name: str, kind: str, labeled: LabeledSet, label: Codes, wrong: Chances
) -> str:
    """Returns a row of the table.

    Args:
        name: of the set
        kind: of the changes
        labeled: n pictures
        label: int32[n]
        wrong: float64[n], how surely each is wrong
    """
    evidence = labeled.evidence(label)
    score = judge_labels(evidence).score
    estimate = estimate_labels(evidence, score)
    if estimate is None:
        raise SystemExit(f"{name}: fewer than 1,000 labels can be judged.")
    cells = [f"{name}, {len(label):,}", kind, "", "none", "0"] + [""] * 4
    if (label != labeled.truth).any():
        cells[2] = f"{average_precision(label != labeled.truth, score):.2f}"
    threshold = estimate.threshold()
    if threshold is not None:
        flagged = score < threshold
        precision, recall = estimate.at(threshold)
        low, high = estimate.interval_at(threshold)
        found = wrong[flagged].sum()
        cells[3:] = [
            f"{threshold:g}",
            f"{flagged.sum():,}",
            f"{precision:.2f} ({low:.2f} to {high:.2f})",
            f"{found / flagged.sum():.2f}" if flagged.any() else "",
            f"{recall:.2f}",
            f"{found / wrong.sum():.2f}" if wrong.any() else "",
        ]
    cells += [f"{estimate.wrong:,.0f}", f"{wrong.sum():,.0f}"]
    return f"| {' | '.join(cells)} |"


def table(name: str, labeled: LabeledSet) -> list[str]:
    """Returns the rows of a set, nothing changed first."""
    given = labeled.truth
    wrong = wrong_for_a_person(name, judge_labels(labeled.evidence(given)).score)
    looks = looks_like(labeled)
    rows = [line(name, "nothing", labeled, given, wrong)]
    for share in (0.03, 0.09):
        for kind in (
            "half and half",
            "unsure pictures",
            "confused classes",
            "any class",
        ):
            label = changed(given, looks, share, kind)
            truth = np.where(label != given, 1, wrong)
            rows.append(line(name, f"{share:.0%} {kind}", labeled, label, truth))
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    rows = defaultdict(list)
    for one in sys.argv[1:]:
        name, _, folder = one.partition("=")
        rows[name] = table(name, read_set(Path(folder)))
    today = datetime.datetime.now().astimezone().date().isoformat()
    text = (
        f"{today}, {processor()}, {instructions()}:\n`python benchmarks/labels.py "
        + " ".join(f"{name}=FOLDER" for name in rows)
        + "`.\n\n"
        + _HEAD
        + "\n".join(row for part in rows.values() for row in part)
    )
    write_section(HERE / "labels.md", "Changed labels", text)


if __name__ == "__main__":
    main()
