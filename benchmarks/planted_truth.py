"""What was planted in a folder of images, and how well an answer finds it.

``truth.jsonl`` has a JSON object a line: ``path`` (relative to the folder),
``split``, ``label``, ``true_label`` (null for outliers), ``kind`` (base, exact,
near, outlier, dark, bright or blur), ``mislabeled``, ``group`` (equal for the
copies of one image), ``transform`` (of near copies and outliers) and ``source``
(the file that an image was cut from, or null).

A *wrong* pair is one that was not planted and cannot be argued for: the two
images are not cut from one source, are not outliers of one recipe, and do not
look the same (mean difference of their 32 x 32 thumbnails below 6 of 255).
Precision is true / (true + wrong). Scores are those of scikit-learn; an image
without a score counts as the least suspicious.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_THUMB = 32
_SAME_LOOK = 6.0

Pairs = NDArray[np.int64]
Numbers = dict[str, float]


@dataclass(frozen=True, eq=False)
class Truth:
    """The planted truth of n images, sorted by path."""

    root: Path
    paths: list[str]
    split: NDArray[np.str_]
    label: NDArray[np.str_]
    true_label: NDArray[np.str_]
    kind: NDArray[np.str_]
    mislabeled: NDArray[np.bool_]
    group: NDArray[np.int64]
    transform: NDArray[np.str_]
    source: NDArray[np.int64]

    @property
    def files(self) -> list[str]:
        return [str(self.root / path) for path in self.paths]

    @cached_property
    def true_pairs(self) -> Pairs:
        order = np.argsort(self.group, kind="stable")
        cuts = np.flatnonzero(np.diff(self.group[order])) + 1
        groups = np.split(order, cuts)
        return _sorted_pairs(
            (a, b)
            for group in groups
            for place, a in enumerate(group)
            for b in group[place + 1 :]
        )

    @cached_property
    def planted_exactly(self) -> NDArray[np.bool_]:
        """bool[t], of the true pairs: equal files were planted."""
        same = np.isin(self.kind, ("base", "exact"))
        flags: NDArray[np.bool_] = same[self.true_pairs].all(axis=1)
        return flags

    @cached_property
    def thumbs(self) -> NDArray[np.uint8]:
        from PIL import Image

        def thumb(path: str) -> NDArray[np.uint8]:
            with Image.open(path) as image:
                small = image.convert("RGB").resize(
                    (_THUMB, _THUMB), Image.Resampling.BOX
                )
            return np.asarray(small)

        with ThreadPoolExecutor(2) as pool:
            return np.stack(list(pool.map(thumb, self.files)))

    @cached_property
    def leaks(self) -> NDArray[np.bool_]:
        """bool[n], a copy lies in another split."""
        leak = np.zeros(len(self.paths), bool)
        a, b = self.true_pairs.T
        leak[self.true_pairs[self.split[a] != self.split[b]].ravel()] = True
        return leak

    def twins_elsewhere(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tells of rows whether an image of another split looks the same."""
        known, coarse, fine = self._twins
        for row in rows[np.isnan(known[rows])]:
            near = np.flatnonzero(self.split != self.split[row])
            # Means of blocks cannot differ more than the pixels do
            for means in (coarse, fine):
                apart = np.abs(means[near] - means[row]).mean(axis=1)
                near = near[apart < _SAME_LOOK]
            pairs = np.stack([np.full(len(near), row), near], axis=1)
            known[row] = self.look_the_same(pairs).any()
        return known[rows] == 1

    @cached_property
    def _twins(self) -> tuple[NDArray[np.float32], ...]:
        """What is known of each row (NaN: nothing), and means of blocks."""

        def means(side: int) -> NDArray[np.float32]:
            shape = (-1, _THUMB // side, side, _THUMB // side, side, 3)
            blocks = self.thumbs.reshape(shape).mean(axis=(2, 4), dtype=np.float32)
            return blocks.reshape(len(self.paths), -1)

        return np.full(len(self.paths), np.nan, np.float32), means(16), means(4)

    def look_the_same(self, pairs: Pairs) -> NDArray[np.bool_]:
        same = np.zeros(len(pairs), bool)
        for start in range(0, len(pairs), 20_000):
            a, b = self.thumbs[pairs[start : start + 20_000]].transpose(1, 0, 2, 3, 4)
            apart = np.abs(a.astype(np.int16) - b).mean(axis=(1, 2, 3))
            same[start : start + 20_000] = apart < _SAME_LOOK
        return same


def load_truth(folder: Path) -> Truth:
    lines = [json.loads(line) for line in (folder / "truth.jsonl").open()]
    lines.sort(key=lambda line: str(line["path"]))
    sources: dict[str, int] = {}

    def words(name: str) -> NDArray[np.str_]:
        return np.array([line[name] or "" for line in lines])

    return Truth(
        root=folder,
        paths=[line["path"] for line in lines],
        split=words("split"),
        label=words("label"),
        true_label=words("true_label"),
        kind=words("kind"),
        mislabeled=np.array([bool(line["mislabeled"]) for line in lines]),
        group=np.array([line["group"] for line in lines]),
        transform=words("transform"),
        source=np.array(
            [
                sources.setdefault(line["source"], len(sources))
                if line["source"]
                else -1
                for line in lines
            ]
        ),
    )


def score_copies(truth: Truth, pairs: Sequence[Sequence[int]]) -> Numbers:
    found = _sorted_pairs(pairs)
    hit = _members(truth.true_pairs, found)
    wrong = int(_wrong(truth, found).sum())
    right = int(hit.sum())
    exact = truth.planted_exactly
    precision, recall = right / max(right + wrong, 1), float(hit.mean())
    return {
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "precision": precision,
        "recall of near copies": float(hit[~exact].mean()),
        "recall of exact copies": float(hit[exact].mean()),
        "wrong pairs": wrong,
    }


def recall_by_transform(
    truth: Truth, pairs: Sequence[Sequence[int]]
) -> dict[str, tuple[int, int]]:
    """Returns found and planted near copies, by the way they were changed."""
    hit = _members(truth.true_pairs, _sorted_pairs(pairs))
    kinds = truth.kind[truth.true_pairs] == "near"
    one = kinds.sum(axis=1) == 1
    rows = truth.true_pairs[one]
    name = truth.transform[np.where(kinds[one][:, 0], rows[:, 0], rows[:, 1])]
    return {
        str(each): (int(hit[one][name == each].sum()), int((name == each).sum()))
        for each in np.unique(name)
    }


def score_exact(truth: Truth, pairs: Sequence[Sequence[int]]) -> Numbers:
    """Scores pairs that are said to be equal in every pixel."""
    from PIL import Image

    found = _sorted_pairs(pairs)
    exact = truth.true_pairs[truth.planted_exactly]

    def digest(row: int) -> bytes:
        with Image.open(truth.root / truth.paths[row]) as image:
            return hashlib.md5(np.asarray(image.convert("RGB")).tobytes()).digest()

    of_row = {row: digest(row) for row in np.unique(found).tolist()}
    equal = [of_row[a] == of_row[b] for a, b in found.tolist()]
    return {
        "precision": float(np.mean(equal)) if equal else 1.0,
        "recall": float(_members(exact, found).mean()),
    }


def wrong_removals(
    truth: Truth, clusters: Iterable[Sequence[int]], keepers: Iterable[int]
) -> int:
    """Counts the images lost by keeping one of each cluster.

    Copies of one image count once. What is cut from the keeper's source or looks
    like it is not counted: that can be argued about.
    """
    pairs = _sorted_pairs(
        (keeper, row)
        for cluster, keeper in zip(clusters, keepers, strict=True)
        for row in cluster
        if row != keeper
    )
    kept = set(keepers)
    lost = pairs[_wrong(truth, pairs)]
    gone = [b if a in kept else a for a, b in lost.tolist()]
    return len(set(truth.group[gone].tolist()))


def score_leaks(truth: Truth, rows: Iterable[int]) -> Numbers:
    """Scores images that are said to have a copy in another split."""
    said = np.zeros(len(truth.paths), bool)
    said[list(rows)] = True
    true = truth.leaks
    false = np.flatnonzero(said & ~true)
    arguable = int(truth.twins_elsewhere(false).sum())
    right = int((said & true).sum())
    precision = right / max(right + len(false) - arguable, 1)
    recall = right / max(int(true.sum()), 1)
    return {
        "f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "precision": precision,
        "recall": recall,
    }


def score_outliers(truth: Truth, scores: Sequence[float | None]) -> Numbers:
    from sklearn.metrics import average_precision_score, roc_auc_score

    planted, values = truth.kind == "outlier", _floats(scores)
    return {
        "AUROC": float(roc_auc_score(planted, values)),
        "AP": float(average_precision_score(planted, values)),
    }


def score_labels(
    truth: Truth,
    scores: Sequence[float | None],
    suggestions: Sequence[str | None] | None = None,
) -> Numbers:
    """Scores label scores, of which low ones are suspicious."""
    from sklearn.metrics import average_precision_score

    judged = truth.kind != "outlier"
    wrong = truth.mislabeled[judged]
    values = _floats([None if score is None else -score for score in scores])[judged]
    result = {
        "AP": float(average_precision_score(wrong, values)),
        "precision": _precision_among(wrong, values, int(wrong.sum())),
    }
    if suggestions is not None:
        rows = np.flatnonzero(truth.mislabeled)
        result["suggestion"] = float(
            np.mean([suggestions[row] == truth.true_label[row] for row in rows])
        )
    return result


_KIND_OF = {"dark": "dark", "bright": "bright", "blurry": "blur"}
_ALIKE = ("bright", "blur", "contrast", "resize0.5")


def score_issue(truth: Truth, issue: str, rows: Iterable[int]) -> Numbers:
    flagged = np.zeros(len(truth.paths), bool)
    flagged[list(rows)] = True
    planted, other = _issue_rows(truth, issue)
    return {
        "recall": float(flagged[planted].mean()),
        "false positives": float(flagged[other].mean()),
    }


def issue_rows_at(
    truth: Truth, issue: str, scores: Sequence[float], false_positives: float
) -> NDArray[np.int64]:
    """Returns the rows above the cut that flags this share of good images."""
    values = np.asarray(scores, float)
    _, other = _issue_rows(truth, issue)
    allowed = int(false_positives * other.sum())
    cut = np.sort(values[other])[::-1][min(allowed, other.sum() - 1)]
    return np.flatnonzero(values > cut)


def _issue_rows(
    truth: Truth, issue: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns the planted ones, and those that surely are not: some changes of
    near copies make a picture bright or soft."""
    other = np.isin(truth.kind, ("base", "exact"))
    other |= (truth.kind == "near") & ~np.isin(truth.transform, _ALIKE)
    return truth.kind == _KIND_OF[issue], other


def _wrong(truth: Truth, pairs: Pairs) -> NDArray[np.bool_]:
    a, b = pairs.T
    wrong = truth.group[a] != truth.group[b]
    wrong &= (truth.source[a] != truth.source[b]) | (truth.source[a] < 0)
    outliers = (truth.kind[pairs] == "outlier").all(axis=1)
    wrong &= ~(outliers & (truth.transform[a] == truth.transform[b]))
    left = np.flatnonzero(wrong)
    wrong[left[truth.look_the_same(pairs[left])]] = False
    return wrong


def _sorted_pairs(pairs: Iterable[Sequence[int]]) -> Pairs:
    table = np.array([tuple(pair) for pair in pairs], np.int64).reshape(-1, 2)
    return np.unique(np.sort(table, axis=1), axis=0)


def _members(pairs: Pairs, among: Pairs) -> NDArray[np.bool_]:
    known = set(map(tuple, among.tolist()))
    return np.array([tuple(pair) in known for pair in pairs.tolist()], bool)


def _floats(scores: Sequence[float | None]) -> NDArray[np.float64]:
    values = np.array([np.nan if score is None else score for score in scores], float)
    values[np.isnan(values)] = np.nanmin(values) - 1
    return values


def _precision_among(
    wrong: NDArray[np.bool_], values: NDArray[np.float64], count: int
) -> float:
    """Expected precision of the highest scores, ties at the cut shared out."""
    cut = np.sort(values)[::-1][count - 1]
    above, at = values > cut, values == cut
    share = (count - above.sum()) / at.sum()
    return float((wrong[above].sum() + share * wrong[at].sum()) / count)
