"""Runs CleanVision in its own environment: python cleanvision_run.py WORK

Its copies are images of equal pixels (md5) and of equal perceptual hashes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from answers import Answers, all_pairs
from cleanvision import Imagelab

ISSUES = {"dark": "dark", "light": "bright", "blurry": "blurry"}
OTHER_HASHES = (("phash", 16), ("dhash", 8), ("whash", 8))


def sets(answers: Answers, lab: Imagelab, kind: str) -> list[tuple[int, int]]:
    groups = lab.info[kind]["sets"]
    return all_pairs([sorted(map(answers.row, group)) for group in groups])


def main(work: Path) -> None:
    answers = Answers(work, "cleanvision", ["cleanvision"])
    lab = Imagelab(data_path=answers.root)
    lab.find_issues(n_jobs=2)
    exact = sets(answers, lab, "exact_duplicates")
    answers.add("exact copies", "md5 of the pixels", default=True, pairs=exact)
    near = exact + sets(answers, lab, "near_duplicates")
    answers.add("copies", "equal md5 or phash", default=True, pairs=near)
    for theirs, ours in ISSUES.items():
        flags = lab.issues[f"is_{theirs}_issue"]
        rows = [answers.row(path) for path in flags.index[flags]]
        answers.add(ours, "defaults", default=True, rows=rows)
        scores = (1 - lab.issues[f"{theirs}_score"]).to_dict()
        by_row = {answers.row(path): score for path, score in scores.items()}
        answers.add(
            ours,
            "its score",
            default=False,
            scores=[by_row.get(row, 0.0) for row in range(len(answers.paths))],
        )
    for name, size in OTHER_HASHES:
        other = Imagelab(data_path=answers.root)
        options = {"hash_type": name, "hash_size": size}
        other.find_issues({"near_duplicates": options}, n_jobs=2, verbose=False)
        answers.add(
            "copies",
            f"equal md5 or {name} of {size} x {size}",
            default=False,
            pairs=exact + sets(answers, other, "near_duplicates"),
        )
    answers.add("unreadable", "left out", default=True, files=broken(answers))
    answers.write()


def broken(answers: Answers) -> list[str]:
    """Returns the files that it leaves out; none if it stops at one of them."""
    lab = Imagelab(data_path=answers.broken)
    try:
        lab.find_issues({"dark": {}}, n_jobs=1, verbose=False)
    except OSError as error:  # UnidentifiedImageError is one
        print(f"It stopped at a broken file: {error}", flush=True)
        return []
    dark = lab.issues["dark_score"]
    return [str(path) for path in dark.index[dark.isna()]]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
