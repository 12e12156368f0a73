"""Runs fastdup in its own environment: python fastdup_run.py WORK

Duplicates are the components of its similarity graph (default: at 0.96) and, as
other settings, components and single edges at higher thresholds. Outliers are
ranked by their least similar edge in ``outliers.csv``. ``label_score`` is the
share of an image's listed neighbours with its label, of images with two or more,
as its gallery computes it. Image issues are the thresholds of its summary.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from answers import Answers, all_pairs, components

os.environ["SENTRY_OPT_OUT"] = "1"
CUTS = (0.96, 0.97, 0.98, 0.99, 0.995)


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with path.open() as file:
        yield from csv.DictReader(file)


def run(images: str, out: Path) -> Path:
    import fastdup

    shutil.rmtree(out, ignore_errors=True)
    fastdup.run(input_dir=images, work_dir=str(out), num_threads=2)
    return out


def duplicates(answers: Answers, edges: list[tuple[int, int, float]]) -> None:
    for cut in CUTS:
        close = [(a, b) for a, b, similarity in edges if similarity >= cut]
        answers.add(
            "copies",
            f"components at {cut:g}",
            default=cut == CUTS[0],
            pairs=all_pairs(components(close)),
        )
        answers.add("copies", f"edges at {cut:g}", default=False, pairs=close)


def outliers(answers: Answers, out: Path) -> None:
    least = [1.0] * len(answers.paths)
    for edge in rows_of(out / "outliers.csv"):
        row = answers.row(edge["from"])
        least[row] = min(least[row], float(edge["distance"]))
    scores = [1 - value for value in least]
    answers.add("outliers", "5 % lowest edges", default=True, scores=scores)


def labels(answers: Answers, edges: list[tuple[int, int, float]]) -> None:
    agreeing: dict[int, list[bool]] = {}
    for a, b, _ in edges:
        agreeing.setdefault(a, []).append(answers.labels[a] == answers.labels[b])
    scores: list[float | None] = [None] * len(answers.paths)
    for row, same in agreeing.items():
        if len(same) >= 2:
            scores[row] = 100 * sum(same) / len(same)
    answers.add("labels", "label_score", default=True, scores=scores)


def image_issues(answers: Answers, out: Path) -> None:
    light = [0.0] * len(answers.paths)
    sharp = [0.0] * len(answers.paths)
    for line in rows_of(out / "atrain_stats.csv"):
        row = answers.row(line["filename"])
        light[row], sharp[row] = float(line["mean"]), float(line["blur"])
    for name, scores, cut in (
        ("dark", [-value for value in light], -4.0),
        ("bright", light, 253.0),
        ("blurry", [-value for value in sharp], -150.0),
    ):
        rows = [row for row, score in enumerate(scores) if score > cut]
        answers.add(name, "thresholds of its summary", default=True, rows=rows)
        answers.add(name, "its measure", default=False, scores=scores)


def main(work: Path) -> None:
    answers = Answers(work, "fastdup", ["fastdup"])
    out = run(answers.root, work / "fastdup-out")
    edges = [
        (answers.row(edge["from"]), answers.row(edge["to"]), float(edge["distance"]))
        for edge in rows_of(out / "similarity.csv")
    ]
    same = [(a, b) for a, b, similarity in edges if similarity >= 0.99999]
    answers.add("exact copies", "edges at 1", default=False, pairs=same)
    duplicates(answers, edges)
    outliers(answers, out)
    labels(answers, edges)
    image_issues(answers, out)
    out = run(answers.broken, work / "fastdup-broken")
    # Its list shortens the paths
    bad = [
        str(Path(answers.broken) / Path(line["filename"]).name)
        for line in rows_of(out / "atrain_features.bad.csv")
    ]
    answers.add("unreadable", "its list of bad files", default=True, files=bad)
    answers.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
