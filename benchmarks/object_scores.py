"""What is counted of wrong labels and of objects that are in two pictures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LARGE = 64
"""Pixels of the shorter side from which a box counts as large."""


def load(work: Path) -> list[dict[str, Any]]:
    """Returns the boxes of a set, with what is planted."""
    objects: list[dict[str, Any]] = json.loads((work / "objects.json").read_text())
    return objects


def average_precision(wrong: np.ndarray, score: np.ndarray) -> float:
    """Returns the mean precision at each planted one, lowest score first.

    Those without a score come last.
    """
    order = np.argsort(np.where(np.isnan(score), np.inf, score), kind="stable")
    hits = wrong[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean()) if hits.any() else float("nan")


def print_labels(
    name: str, objects: Sequence[dict[str, Any]], score: np.ndarray
) -> None:
    """Prints the lines of a table about wrong labels."""
    wrong = np.array([one["label"] != one["true_label"] for one in objects])
    large = np.array([min(one["box"][2:]) >= LARGE for one in objects])
    for words, which in (("large", large), ("small", ~large)):
        if wrong[which].any():
            found = average_precision(wrong[which], score[which])
            count = int(wrong[which].sum())
            print(f"| {name}: wrong labels, {words} ({count}) | AP {found:.3f} |")


def print_pairs(
    name: str, objects: Sequence[dict[str, Any]], pairs: Iterable[tuple[int, int]]
) -> None:
    """Prints how many of the planted second ones were found, and what else."""
    photograph = [one.get("photograph", -1 - row) for row, one in enumerate(objects)]
    planted = {one["twin"] for one in objects if one["twin"] is not None}
    kept = {(min(pair), max(pair)) for pair in pairs}
    right = {photograph[a] for a, b in kept if photograph[a] == photograph[b]}
    others = sum(photograph[a] != photograph[b] for a, b in kept)
    print(f"| {name} | {len(right)} of {len(planted)} | {others} |")
